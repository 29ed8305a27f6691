"""Candles of the venue for the minutes of which the trades cannot be had, one market. Wiring; see `repair`.

A gap of trades that nobody can fill by id (too many, a key is needed, the venue no longer has them) touches some
minutes. Their candles go out as bars of revision 0 on `bar.<venue>.<symbol>.1m`, flagged REPAIRED: no candles of
ours, but what the aggregator is to take in place of the trades it never saw. The gap then ends filled by `klines`.
"""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import ClassVar, Final

from msgspec.structs import replace

from actors.collector.backoff import Backoff
from actors.collector.budget import Budget
from actors.collector.intake.normaliser import Normaliser
from actors.collector.market_feed import Host
from actors.collector.mending.page_mender import PAUSE_CAP_S, PageMender, no_address
from actors.collector.mending.repair import Page, Repairs
from actors.collector.outbox import Outbox
from actors.collector.outcomes import Reject
from actors.collector.venue import Venue
from protocol.messages import Bar, Gap

MINUTE_NS: Final = 60_000_000_000
MARGIN_NS: Final = 2_000_000_000
"""A minute is asked for so long after its end."""
MAX_MINUTES: Final = 7 * 24 * 60
"""A longer gap is not filled: a week."""
FILLED_BY: Final = "klines"


class KlineMender(PageMender):
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

    COUNTER: ClassVar = "kline_pages_asked"

    def __init__(
        self,
        actor: Host,
        venue: Venue,
        market: str,
        normaliser: Normaliser,
        outbox: Outbox,
        budget: Budget,
        random: Random,
    ) -> None:
        settings = actor.settings
        repairs = Repairs(
            venue.klines_weight(market),
            budget,
            lambda: Backoff(settings.repair_retry_s, PAUSE_CAP_S, random.random),
            patience_s=3.0 * settings.rest_timeout_s,
            max_trades=MAX_MINUTES,
            page_size=max(1, venue.klines_per_page(market)),
        )
        super().__init__(actor, venue, market, normaliser, outbox, repairs)
        is_off = "" if settings.repair_klines else "repair_klines is off"
        none = "" if venue.klines_per_page(market) else "the venue has none"
        self._refusal = is_off or none or no_address(settings, market)
        self._minutes: dict[str, int] = {}
        """Gap to the minutes published for it."""

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

    def forget(self, gap_id: str) -> None:
        """It is no longer wanted."""
        super().forget(gap_id)
        self._minutes.pop(gap_id, None)

    def gaps(self, symbol: str = "") -> list[Gap]:
        """Gaps of one symbol, or of all; their ids are minutes since 1970."""
        return self._repairs.gaps(symbol)

    def _path(self, page: Page, raw: str) -> str:
        return self._venue.klines_path(self._market, raw, page.from_id, page.limit)

    def _take(self, page: Page, body: bytes) -> str:
        gap = page.gap
        found = self._normaliser.read_klines(gap.symbol, body)
        if isinstance(found, Reject):
            return f"{found.reason}: {found.detail}"
        wanted = range(page.from_id, page.from_id + page.limit)
        bars = [bar for bar in found if bar.ts_open_ns // MINUTE_NS in wanted]
        if self._venue.omits_quiet_minutes(self._market):
            bars += quiet_after(bars or found[-1:], wanted[-1])
            bars = [bar for bar in bars if bar.ts_open_ns // MINUTE_NS in wanted]
        if len(bars) < len(wanted):
            return f"the venue has {len(bars)} of {len(wanted)} minutes"
        self._outbox.add_klines(bars)
        self._minutes[gap.gap_id] += len(bars)
        if self._repairs.took(page, wanted[-1]):
            minutes = self._minutes.pop(gap.gap_id)
            self._normaliser.replace_hole(gap.symbol, gap.gap_id, FILLED_BY, minutes)
            self._outbox.flush()
        return ""

    def _named(self, page: Page) -> str:
        return f"{page.gap.symbol} 1m candles"

    def _abandon(self, gap: Gap, reason: str) -> None:
        self._minutes.pop(gap.gap_id, None)
        self._normaliser.announce(self._normaliser.gaps.abandon(gap.gap_id, f"1m candles: {reason}"))
        self._outbox.flush()


def quiet_after(bars: Sequence[Bar], last_minute: int) -> list[Bar]:
    """Bars of the minutes behind the newest one up to the last minute: nothing was traded in them. Pure.

    Args:
        bars: Oldest first; without any, nobody knows the close to repeat.
        last_minute: Since 1970; it is over, and the venue has been asked for it.
    """
    if not bars:
        return []
    newest = bars[-1]
    first_minute = newest.ts_open_ns // MINUTE_NS + 1
    return [
        replace(
            newest,
            ts_open_ns=minute * MINUTE_NS,
            ts_event_ns=(minute + 1) * MINUTE_NS,
            open=newest.close, high=newest.close, low=newest.close, vwap=newest.close,
            volume=0.0, buy_volume=0.0, sell_volume=0.0, count=0, status="quiet",
        )
        for minute in range(first_minute, last_minute + 1)
    ]  # fmt: skip
