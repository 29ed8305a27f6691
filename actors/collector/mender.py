"""Fills holes of trades from the venue's REST interface, one market. Wiring; the rules are in `repair`."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import TYPE_CHECKING, ClassVar

from actors.collector.backoff import Backoff
from actors.collector.budget import Budget
from actors.collector.kline_mender import KlineMender
from actors.collector.normaliser import Normaliser
from actors.collector.outbox import Outbox
from actors.collector.page_mender import PAUSE_CAP_S, PageMender, no_address
from actors.collector.repair import Page, Repairs
from actors.collector.venue import Reject, Venue
from protocol.messages import Gap

if TYPE_CHECKING:
    from actors.collector.actor import Collector


class Mender(PageMender):
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

    COUNTER: ClassVar = "repair_pages_asked"

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
        settings = actor.settings
        kinds = {venue.kind_of(stream_type): stream_type for stream_type in settings.streams[market]}
        self._stream_type = kinds.get("trade", "")
        self._refusal = venue.repair_refusal(market, self._stream_type) or no_address(settings, market)
        weight_per_min = settings.repair_weight_per_min.get(market, 600)
        self.budget = Budget(weight_per_min, weight_per_min / 60.0, actor.clock.mono_ns())
        repairs = Repairs(
            0 if self._refusal else venue.repair_weight(market, self._stream_type),
            self.budget,
            lambda: Backoff(settings.repair_retry_s, PAUSE_CAP_S, random.random),
            patience_s=3.0 * settings.rest_timeout_s,
            max_trades=settings.repair_max_trades,
        )
        super().__init__(actor, venue, market, normaliser, outbox, repairs)
        self._event_ns = event_ns
        self._klines = KlineMender(actor, venue, market, normaliser, outbox, self.budget, random)
        normaliser.claim = self.claim

    def __len__(self) -> int:
        """Holes that are being filled."""
        return super().__len__() + len(self._klines)

    @property
    def closed_until_ns(self) -> int:
        """Until when the venue wants no request, monotonic."""
        return max(super().closed_until_ns, self._klines.closed_until_ns)

    def hold(self, until_ns: int) -> None:
        """The venue has said so to somebody else."""
        super().hold(until_ns)
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
        """Ask for the next page if it is time; candles of gaps that are given up come first."""
        self._expire(mono_ns)
        self._klines.tick(mono_ns)
        self._go_on(mono_ns)

    def give_up(self, reason: str, symbol: str = "") -> None:
        """End the holes of one symbol, or all of them, as unfillable."""
        for gap in (*self._repairs.gaps(symbol), *self._klines.gaps(symbol)):
            self.forget(gap.gap_id)
            self._klines.forget(gap.gap_id)
            self._end(gap, reason)

    def _path(self, page: Page, raw: str) -> str:
        return self._venue.repair_path(self._market, self._stream_type, raw, page.from_id, page.limit)

    def _take(self, page: Page, body: bytes) -> str:
        gap = page.gap
        found = self._normaliser.take_trades(gap.symbol, body, self._actor.clock.now_ns())
        if isinstance(found, Reject):
            return f"{found.reason}: {found.detail}"
        self._outbox.add_repaired(found.trades)
        for ended in found.gaps:
            self._outbox.add(ended)
        if found.last_id < page.from_id:
            return f"the venue has no trade {page.from_id} and none after it"
        if self._repairs.took(page, found.last_id):
            self._abandon(gap, "the venue does not have all of these ids")
        return ""

    def _named(self, page: Page) -> str:
        return f"{page.gap.symbol} from {page.from_id}"

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
