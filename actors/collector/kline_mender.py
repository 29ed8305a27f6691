"""Candles of the venue for the minutes of which the trades cannot be had, one market. Wiring; see `repair`.

A gap of trades that nobody can fill by id (too many, a key is needed, the venue no longer has them) touches some
minutes. Their candles go out as bars of revision 0 on `bar.<venue>.<symbol>.1m`, flagged REPAIRED: no candles of
ours, but what the aggregator is to take in place of the trades it never saw. The gap then ends filled by `klines`.
"""

from __future__ import annotations

import functools
from random import Random
from typing import TYPE_CHECKING, Final

from msgspec.structs import replace

from actors.collector import rest
from actors.collector.backoff import Backoff
from actors.collector.budget import Budget
from actors.collector.normaliser import Normaliser
from actors.collector.outbox import Outbox
from actors.collector.repair import Page, Repairs
from actors.collector.venue import Reject, Venue
from protocol.messages import Gap

if TYPE_CHECKING:
    from actors.collector.actor import Collector

MINUTE_NS: Final = 60_000_000_000
MARGIN_NS: Final = 2_000_000_000
"""A minute is asked for so long after its end."""
MAX_MINUTES: Final = 7 * 24 * 60
"""A longer gap is not filled: a week."""
PAUSE_CAP_S: Final = 30.0
FILLED_BY: Final = "klines"


class KlineMender:
    """Takes the gaps that the mender gives up.

    Args:
        actor: The collector: threads, settings, counters.
        venue: Whom to ask.
        market: spot, usdm, coinm.
        normaliser: Ends the gaps.
        outbox: Takes the bars.
        budget: The venue's request weight for repairs, shared with the mender.
        random: For jitter.
    """

    def __init__(
        self,
        actor: Collector,
        venue: Venue,
        market: str,
        normaliser: Normaliser,
        outbox: Outbox,
        budget: Budget,
        random: Random,
    ) -> None:
        settings = actor.settings
        self._actor = actor
        self._settings = settings
        self._venue = venue
        self._market = market
        self._normaliser = normaliser
        self._outbox = outbox
        self._refusal = "" if settings.repair_klines else "repair_klines is off"
        if not self._refusal and market not in settings.rest_url:
            self._refusal = f"no rest_url.{market} is set"
        self._minutes: dict[str, int] = {}
        """Gap to the minutes published for it."""
        self._repairs = Repairs(
            venue.klines_weight(market),
            budget,
            lambda: Backoff(settings.repair_retry_s, PAUSE_CAP_S, random.random),
            patience_s=3.0 * settings.rest_timeout_s,
            max_trades=MAX_MINUTES,
            page_size=venue.klines_per_page(market),
        )

    def __len__(self) -> int:
        """Gaps that are being filled."""
        return len(self._repairs)

    @property
    def closed_until_ns(self) -> int:
        """Until when the venue wants no request, monotonic."""
        return self._repairs.closed_until_ns

    def hold(self, until_ns: int) -> None:
        """The venue has said so to somebody else."""
        self._repairs.closed_until_ns = max(self._repairs.closed_until_ns, until_ns)

    def claim(self, gap: Gap, event_ns: int, mono_ns: int) -> str:
        """Take a gap of trades; returns why its minutes cannot be had, empty if it was taken.

        Args:
            gap: With both ends.
            event_ns: The venue's time now.
            mono_ns: Now, monotonic.
        """
        if self._refusal:
            return self._refusal
        if not gap.from_ts_ns or not gap.to_ts_ns:
            return "nobody knows from when to when it was"
        first, last = gap.from_ts_ns // MINUTE_NS, gap.to_ts_ns // MINUTE_NS
        if last - first >= MAX_MINUTES:
            return f"{last - first + 1} minutes are more than {MAX_MINUTES}"
        over_ns = (last + 1) * MINUTE_NS + MARGIN_NS
        refusal = self._repairs.add(
            replace(gap, from_id=first, to_id=last), due_ns=mono_ns + max(0, over_ns - event_ns)
        )
        if not refusal:
            self._minutes[gap.gap_id] = 0
        return refusal

    def tick(self, mono_ns: int) -> None:
        """Ask for the next page if it is time."""
        late = self._repairs.overdue(mono_ns)
        if late is not None:
            self._failed(late, rest.RestError("no answer in time"))
        if not self._repairs:
            return
        for gap in self._repairs.gaps():
            if not self._normaliser.gaps.is_filling(gap.gap_id):  # all trades came late after all
                self.forget(gap.gap_id)
        page = self._repairs.due(mono_ns)
        if page is not None:
            self._ask(page)

    def forget(self, gap_id: str) -> None:
        """It is no longer wanted."""
        self._repairs.forget(gap_id)
        self._minutes.pop(gap_id, None)

    def gaps(self, symbol: str = "") -> list[Gap]:
        """Gaps of one symbol, or of all; their ids are minutes since 1970."""
        return self._repairs.gaps(symbol)

    def _ask(self, page: Page) -> None:
        base = self._settings.rest_url[self._market].rstrip("/")
        raw = self._actor.raw_name(page.gap.symbol)
        path = self._venue.klines_path(self._market, raw, page.from_id, page.limit)
        self._actor.counters["kline_pages_asked"] += 1
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
        found = self._normaliser.read_klines(gap.symbol, result)
        if isinstance(found, Reject):
            self._failed(page, rest.RestError(f"{found.reason}: {found.detail}", 200))
            return
        wanted = range(page.from_id, page.from_id + page.limit)
        bars = [bar for bar in found if bar.ts_open_ns // MINUTE_NS in wanted]
        if len(bars) < len(wanted):
            self._failed(page, rest.RestError(f"the venue has {len(bars)} of {len(wanted)} minutes", 200))
            return
        self._outbox.add_klines(bars)
        self._minutes[gap.gap_id] += len(bars)
        if self._repairs.took(page, wanted[-1]):
            minutes = self._minutes.pop(gap.gap_id)
            self._normaliser.replace_hole(gap.symbol, gap.gap_id, FILLED_BY, minutes)
            self._outbox.flush()

    def _failed(self, page: Page, fault: rest.RestError) -> None:
        mono_ns = self._actor.clock.mono_ns()
        pause_s = self._repairs.failed(page, mono_ns, fault.status, fault.retry_after_s)
        what = f"{page.gap.symbol} 1m candles: {fault}"
        if pause_s is not None:
            self._actor.drop("repair_failed", f"{what}; again in {pause_s:.1f} s")
            return
        self._actor.drop("repair_failed", f"{what}; given up")
        self._minutes.pop(page.gap.gap_id, None)
        self._normaliser.announce(self._normaliser.gaps.abandon(page.gap.gap_id, f"1m candles: {fault}"))
        self._outbox.flush()
