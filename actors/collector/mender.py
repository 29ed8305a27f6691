"""Fills holes of trades from the venue's REST interface, one market. Wiring; the rules are in `repair`."""

from __future__ import annotations

import functools
from collections.abc import Callable
from random import Random
from typing import TYPE_CHECKING, Final

from actors.collector import rest
from actors.collector.backoff import Backoff
from actors.collector.budget import Budget
from actors.collector.kline_mender import KlineMender
from actors.collector.normaliser import Normaliser
from actors.collector.outbox import Outbox
from actors.collector.repair import Page, Repairs
from actors.collector.venue import Reject, Venue
from protocol.messages import Gap

if TYPE_CHECKING:
    from actors.collector.actor import Collector

PAUSE_CAP_S: Final = 30.0


class Mender:
    """Takes the holes that the normaliser finds, and sees to it that each of them ends.

    Args:
        actor: The collector: threads, settings, counters.
        venue: Whom to ask.
        market: spot, usdm, coinm.
        normaliser: Knows what is still missing.
        outbox: Takes the trades and the announcements.
        random: For jitter.
        event_ns: The venue's time now.
    """

    def __init__(
        self,
        actor: Collector,
        venue: Venue,
        market: str,
        normaliser: Normaliser,
        outbox: Outbox,
        random: Random,
        event_ns: Callable[[], int],
    ) -> None:
        self._event_ns = event_ns
        settings = actor.settings
        self._actor = actor
        self._settings = settings
        self._venue = venue
        self._market = market
        self._normaliser = normaliser
        self._outbox = outbox
        kinds = {venue.kind_of(stream_type): stream_type for stream_type in settings.streams[market]}
        self._stream_type = kinds.get("trade", "")
        self._refusal = venue.repair_refusal(market, self._stream_type)
        if not self._refusal and market not in settings.rest_url:
            self._refusal = f"no rest_url.{market} is set"
        mono_ns = actor.clock.mono_ns()
        weight_per_min = settings.repair_weight_per_min.get(market, 600)
        self.budget = Budget(weight_per_min, weight_per_min / 60.0, mono_ns)
        self._repairs = Repairs(
            0 if self._refusal else venue.repair_weight(market, self._stream_type),
            self.budget,
            lambda: Backoff(settings.repair_retry_s, PAUSE_CAP_S, random.random),
            patience_s=3.0 * settings.rest_timeout_s,
            max_trades=settings.repair_max_trades,
        )
        self._klines = KlineMender(actor, venue, market, normaliser, outbox, self.budget, random)
        normaliser.claim = self.claim

    def __len__(self) -> int:
        """Holes that are being filled."""
        return len(self._repairs) + len(self._klines)

    @property
    def closed_until_ns(self) -> int:
        """Until when the venue wants no request, monotonic."""
        return max(self._repairs.closed_until_ns, self._klines.closed_until_ns)

    def hold(self, until_ns: int) -> None:
        """The venue has said so to somebody else."""
        self._repairs.closed_until_ns = max(self._repairs.closed_until_ns, until_ns)
        self._klines.hold(until_ns)

    def claim(self, gap: Gap) -> str:
        """Take a hole of trades with known ids; returns why it cannot be filled, empty if it was taken."""
        refusal = self._refusal or self._claim_trades(gap)
        return self._claim_klines(gap, refusal) if refusal else ""

    def _claim_trades(self, gap: Gap) -> str:
        hole = self._normaliser.tapes[gap.symbol].trades.hole(gap.gap_id)
        return self._repairs.add(gap, hole.ranges[0][0] if hole is not None and hole.ranges else 0)

    def _claim_klines(self, gap: Gap, reason: str) -> str:
        """Have the candles of its minutes fetched instead; returns why neither can be had."""
        refusal = self._klines.claim(gap, self._event_ns(), self._actor.clock.mono_ns())
        return (
            f"{reason}; candles: {refusal}"
            if refusal and self._settings.repair_klines
            else refusal and reason
        )

    def tick(self, mono_ns: int) -> None:
        """Ask for the next page if it is time."""
        late = self._repairs.overdue(mono_ns)
        if late is not None:
            self._failed(late, rest.RestError("no answer in time"))
        self._klines.tick(mono_ns)
        if not self._repairs:
            return
        for gap in self._repairs.gaps():
            if not self._normaliser.gaps.is_filling(gap.gap_id):  # live trades were faster
                self._repairs.forget(gap.gap_id)
        page = self._repairs.due(mono_ns)
        if page is not None:
            self._ask(page)

    def give_up(self, reason: str, symbol: str = "") -> None:
        """End the holes of one symbol, or all of them, as unfillable."""
        for gap in (*self._repairs.gaps(symbol), *self._klines.gaps(symbol)):
            self._repairs.forget(gap.gap_id)
            self._klines.forget(gap.gap_id)
            self._end(gap, reason)

    def _ask(self, page: Page) -> None:
        base = self._settings.rest_url[self._market].rstrip("/")
        raw = self._actor.raw_name(page.gap.symbol)
        path = self._venue.repair_path(self._market, self._stream_type, raw, page.from_id, page.limit)
        self._actor.counters["repair_pages_asked"] += 1
        self._actor.submit(
            functools.partial(rest.get, base + path, self._settings.rest_timeout_s),
            functools.partial(self._on_page, page),
        )

    def _on_page(self, page: Page, result: bytes | Exception) -> None:
        if isinstance(result, Exception) and not isinstance(result, rest.RestError):
            raise result
        if not self._repairs.is_awaited(page):
            return
        if isinstance(result, rest.RestError):
            self._failed(page, result)
            return
        gap = page.gap
        found = self._normaliser.take_trades(gap.symbol, result, self._actor.clock.now_ns())
        if isinstance(found, Reject):
            self._failed(page, rest.RestError(f"{found.reason}: {found.detail}", 200))
            return
        self._outbox.add_repaired(found.trades)
        for ended in found.gaps:
            self._outbox.add(ended)
        if found.last_id < page.from_id:
            self._failed(
                page, rest.RestError(f"the venue has no trade {page.from_id} and none after it", 200)
            )
        elif self._repairs.took(page, found.last_id):
            self._abandon(gap, "the venue does not have all of these ids")

    def _failed(self, page: Page, fault: rest.RestError) -> None:
        mono_ns = self._actor.clock.mono_ns()
        pause_s = self._repairs.failed(page, mono_ns, fault.status, fault.retry_after_s)
        what = f"{page.gap.symbol} from {page.from_id}: {fault}"
        if pause_s is None:
            self._abandon(page.gap, str(fault))
            self._actor.drop("repair_failed", f"{what}; given up")
        else:
            self._actor.drop("repair_failed", f"{what}; again in {pause_s:.1f} s")

    def _abandon(self, gap: Gap, reason: str) -> None:
        """Its trades cannot be had: perhaps the candles of its minutes."""
        if self._normaliser.gaps.is_filling(gap.gap_id):
            refusal = self._claim_klines(gap, reason)
            if refusal:
                self._end(gap, refusal)

    def _end(self, gap: Gap, reason: str) -> None:
        """Announce that nobody fills it any more; nothing to say if it is filled."""
        ended = self._normaliser.gaps.abandon(gap.gap_id, reason)
        if ended is not None:
            self._outbox.add(ended)
