"""Trades missed while a feed was away, where ids say nothing: a look at the venue's newest ones. One market. Wiring.

One page is all there is. What it holds beyond the last trade seen before the gap, and was not seen since, is published as
repaired. If it reaches back to that trade nothing is missing any more; if it does not, the rest is gone, and candles may
stand in for it. A page that ends before the first trade after the gap is older than the feed: it is asked for again.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from random import Random
from typing import Any, ClassVar, Final, NamedTuple

from actors.collector.intake.normaliser import Normaliser
from actors.collector.market_feed import Host
from actors.collector.mending.page_mender import no_address
from actors.collector.mending.repair import Page
from actors.collector.mending.trade_mender import Terms, TradeMender
from actors.collector.outbox import Outbox
from actors.collector.outcomes import Reject
from actors.collector.venue import Venue
from protocol.messages import Gap, Trade

FILLED_BY: Final = "rest"
NEVER_NS: Final = 2**63


class Missed(NamedTuple):
    """What a page of the newest trades says about a gap."""

    trades: list[Trade]
    """Those that were not seen, oldest first."""
    reaches_back: bool
    """Whether nothing can be missing before them."""


def missed(
    page: Sequence[Trade], before_ns: int, knows: Callable[[str], bool], until_ns: int = NEVER_NS
) -> Missed:
    """Compare the newest trades with what was seen. Pure.

    Args:
        page: All of the newest trades, in the venue's order.
        before_ns: Event time of the last trade seen before the gap.
        knows: Whether the trade of an id was seen; it remembers the newest ones only.
        until_ns: Event time of the first trade after the gap: what is newer was not missed, the stream brings it.
    """
    ordered = sorted(page, key=_event_ns)
    reaches_back = bool(ordered) and ordered[0].ts_event_ns <= before_ns
    at_end = [trade for trade in ordered if trade.ts_event_ns == before_ns]
    # of the trades of that very moment some may be missing: that can be said only if others of it are remembered
    is_remembered = any(knows(str(trade.trade_id)) for trade in at_end)
    found: dict[str, Trade] = {}
    for trade in ordered:
        trade_id = str(trade.trade_id)
        is_after = trade.ts_event_ns > before_ns or (is_remembered and trade.ts_event_ns == before_ns)
        if is_after and trade.ts_event_ns <= until_ns and not knows(trade_id):
            found.setdefault(trade_id, trade)
    return Missed(list(found.values()), reaches_back)


def _event_ns(trade: Trade) -> int:
    return trade.ts_event_ns


class _Span:
    """What is being looked for."""

    __slots__ = ("before_ns", "count", "until_ns")

    def __init__(self, before_ns: int, until_ns: int) -> None:
        self.before_ns = before_ns
        """Up to here nothing is missing."""
        self.until_ns = until_ns
        """First trade after the gap: a page must reach it."""
        self.count = 0
        """Trades found."""


class RecentMender(TradeMender):
    """Fills them from the newest trades; see `TradeMender`."""

    COUNTER: ClassVar = "recent_pages_asked"

    def __init__(
        self,
        actor: Host,
        venue: Venue,
        market: str,
        normaliser: Normaliser,
        outbox: Outbox,
        random: Random,
        event_ns: Callable[[], int],
    ) -> None:
        terms = Terms(no_address(actor.settings, market))
        super().__init__(actor, venue, market, normaliser, outbox, random, event_ns, terms)
        self._spans: dict[str, _Span] = {}

    def forget(self, gap_id: str) -> None:
        """It is no longer wanted."""
        super().forget(gap_id)
        self._spans.pop(gap_id, None)

    def claim(self, gap: Gap) -> str:
        """Take a gap of trades that has ended; returns why it cannot be filled, empty if it was taken.

        The trades before it and the first one after it have been entered already.
        """
        if gap.gap_id in self._spans:
            return ""
        refusal = self._refusal or self._repairs.add(gap)
        if refusal:
            return self._claim_klines(gap, refusal)
        chain = self._chain(gap.symbol)
        before_ns = min(chain.before_gap_ns, gap.from_ts_ns)  # an older gap, asked for again: its own begin
        self._spans[gap.gap_id] = _Span(before_ns, chain.newest_ns)
        return ""

    def _chain(self, symbol: str) -> Any:
        return self._normaliser.tapes[symbol].trades

    def _path(self, page: Page, raw: str) -> str:  # noqa: ARG002 - there is one page
        return self._venue.recent_path(self._market, raw)

    def _take(self, page: Page, body: bytes) -> str:
        symbol = page.gap.symbol
        now_ns = self._actor.clock.now_ns()
        found = self._normaliser.read_trades(symbol, body, now_ns)
        if isinstance(found, Reject):
            return f"{found.reason}: {found.detail}"
        trades = self._believable(found, now_ns)
        if not trades:
            return "the venue shows no trades"
        chain, span = self._chain(symbol), self._spans[page.gap.gap_id]
        news = missed(trades, span.before_ns, chain.knows, span.until_ns)
        for trade in news.trades:
            chain.observe(trade.trade_id, trade.ts_event_ns)
        self._outbox.add_repaired(news.trades)
        span.count += len(news.trades)
        newest_ns = max(map(_event_ns, trades))
        if news.reaches_back and newest_ns < span.until_ns:
            span.before_ns = max(span.before_ns, newest_ns)
            return "the page ends before the gap does"
        self._repairs.took(page, page.gap.to_id)
        if news.reaches_back:
            self._normaliser.announce(self._normaliser.gaps.found(page.gap.gap_id, span.count, FILLED_BY))
            self.forget(page.gap.gap_id)
        else:
            self._abandon(page.gap, f"the venue gives only its newest {len(found)} trades")
        self._outbox.flush()
        return ""

    def _believable(self, trades: list[Trade], now_ns: int) -> list[Trade]:
        times = self._normaliser.times
        kept = []
        for trade in trades:
            if times.is_true(trade.ts_event_ns, max(now_ns, times.newest_ns)):
                kept.append(trade)
            else:
                self._actor.drop("clock_ahead", f"{trade.symbol}: trade {trade.trade_id} of the newest ones")
        return kept

    def _named(self, page: Page) -> str:
        return f"{page.gap.symbol} newest trades"

    def _abandon(self, gap: Gap, reason: str) -> None:
        """Not all of its trades can be had: perhaps the candles of its minutes."""
        self.forget(gap.gap_id)
        super()._abandon(gap, reason)
