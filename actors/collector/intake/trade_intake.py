"""Trades of one market: each exactly once, every hole announced before the trade that revealed it. Pure.

What a venue repeats when a subscription begins, and what it says of its newest ids in between, shows holes too.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple

from msgspec.structs import replace

from actors.collector.gaps import NO_REPAIR, Gaps
from actors.collector.intake.sequence import Verdict
from actors.collector.intake.tape import Tape
from actors.collector.intake.venue_time import EventTimes
from actors.collector.outcomes import Excluded, PastTrade, TradeMark
from actors.collector.venue import TradeIds
from protocol.messages import Gap, Message, Trade

COUNTED_ANEW: Final = "the venue counts its trades anew"


class Fetched(NamedTuple):
    """What a page of trades by id was good for."""

    trades: list[Trade]
    """Those that were missing until now."""
    gaps: list[Gap]
    """Those that are filled with them."""
    last_id: int
    """Newest id of the page, 0 if it was empty."""


class TradeIntake:
    """Trades on their way out.

    Args:
        ids: How the venue numbers them.
        tapes: Symbols that are known.
        tape_of: Finds the tape of a symbol that is not known yet; None: nobody wants it.
        gaps: Ledger.
        times: Which event times to believe.
        emit: Takes each message.
        drop: Takes (reason, what) of everything that cannot be used.
    """

    def __init__(
        self,
        ids: TradeIds,
        tapes: Mapping[str, Tape],
        tape_of: Callable[[str], Tape | None],
        gaps: Gaps,
        times: EventTimes,
        emit: Callable[[Message], None],
        drop: Callable[[str, object], None],
    ) -> None:
        self.claim: Callable[[Gap], str] = lambda _gap: NO_REPAIR
        """Takes a gap of trades to fill it; returns why not, empty if it was taken."""
        self.past_trades = 0
        """Trades that the venue repeated and that were no business of ours."""
        self._is_spanned = ids is TradeIds.SPANNED
        self._is_counted = ids is not TradeIds.UNORDERED
        self._tapes = tapes
        self._tape_of = tape_of
        self._gaps = gaps
        self._times = times
        self._emit = emit
        self._drop = drop

    def take(self, trade: Trade) -> None:
        """Take one trade of the live feed."""
        symbol, ts_event_ns = trade.symbol, trade.ts_event_ns
        tape = self._tapes.get(symbol) or self._tape_of(symbol)
        if tape is None:
            return
        times = self._times
        if ts_event_ns > times.newest_ns and not times.reach(ts_event_ns, trade.ts_recv_ns, symbol):
            return
        tape.trades_seen += 1
        chain: Any = tape.trades
        before_ns = chain.newest_ns
        verdict = chain.observe(trade.trade_id, ts_event_ns, trade.count if self._is_spanned else 1)
        if (verdict is Verdict.NEXT and not chain.is_interrupted) or self._account(
            symbol, chain, verdict, before_ns, ts_event_ns
        ):
            self._emit(trade)
            if verdict is Verdict.LATE:
                self._came_late(chain, trade.count if self._is_spanned else 1)

    def take_past(self, past: PastTrade) -> None:
        """Take a trade that the venue repeats: it counts only if it was missed."""
        trade = past.trade
        tape = self._tapes.get(trade.symbol) or self._tape_of(trade.symbol)
        if tape is None:
            return
        chain: Any = tape.trades
        is_first = chain.has_only_past and not tape.trades_seen and not chain.is_interrupted
        if is_first or not chain.has_begun:
            if self._times.is_true(trade.ts_event_ns, trade.ts_recv_ns):
                chain.begin(trade.trade_id, trade.ts_event_ns)
            self.past_trades += 1
        elif chain.is_missing(trade.trade_id) and (self._is_counted or trade.ts_event_ns > chain.newest_ns):
            self.take(trade)
        else:
            self.past_trades += 1
            if self._is_counted and chain.is_interrupted and trade.trade_id == chain.expected - 1:
                self._is_still_newest(trade, chain)

    def _is_still_newest(self, trade: Trade, chain: Any) -> None:
        """The newest trade that the venue repeats is the last one before the gap: nothing was missed in it."""
        chain.is_interrupted = False
        gap = self._gaps.settle(trade.symbol, "trade", trade.ts_event_ns)
        if gap is not None:
            self._emit(gap)

    def take_mark(self, mark: TradeMark) -> None:
        """The venue tells its newest id: what it has told of and has not sent is missing."""
        tape = self._tapes.get(mark.symbol) or self._tape_of(mark.symbol)
        if tape is None:
            return
        chain: Any = tape.trades
        if not chain.has_begun:
            return  # a first id alone does not say from when on trades are ours
        before_ns = chain.newest_ns
        if chain.promise(mark.last_id):
            self._account(mark.symbol, chain, Verdict.JUMP, before_ns, max(before_ns, mark.ts_event_ns))

    def exclude(self, execution: Excluded) -> None:
        """Its id is part of the chain, it is no trade."""
        tape = self._tapes.get(execution.symbol) or self._tape_of(execution.symbol)
        if tape is not None:
            chain: Any = tape.trades
            if self._is_counted:
                self._count(execution, chain)
            self._drop("not_a_market_trade", f"{execution.symbol} {execution.trade_id}: {execution.why}")

    def _count(self, execution: Excluded, chain: Any) -> None:
        ts_event_ns, before_ns = execution.ts_event_ns, chain.newest_ns
        verdict = chain.observe(execution.trade_id, ts_event_ns)
        if verdict is Verdict.LATE:
            self._came_late(chain, 1)
        elif verdict is not Verdict.NEXT or chain.is_interrupted:
            self._account(execution.symbol, chain, verdict, before_ns, ts_event_ns)

    def fetched(self, symbol: str, trades: list[Trade], ts_recv_ns: int) -> Fetched:
        """Take a REST page of trades by id, oldest first: only what is missing counts; nothing is emitted."""
        found = Fetched([], [], int(trades[-1].trade_id or 0) if trades else 0)
        chain = self._tapes[symbol].trades
        for trade in trades:
            if not self._times.is_true(trade.ts_event_ns, max(ts_recv_ns, self._times.newest_ns)):
                self._drop("clock_ahead", f"{symbol}: trade {trade.trade_id} fetched by id")
                continue
            trade_id: int = trade.trade_id  # type: ignore[assignment]  # this venue's ids are counted
            hole = chain.fill(trade_id)
            if hole is None:
                continue
            found.trades.append(trade)
            filled = self._gaps.fill(hole.gap_id, hole.missing, "rest")
            if filled is not None:
                found.gaps.append(filled)
        return found

    def _account(self, symbol: str, chain: Any, verdict: Verdict, before_ns: int, ts_event_ns: int) -> bool:
        """What is out of the ordinary about a trade id; returns whether the trade is to be published."""
        if verdict is Verdict.DUPLICATE:
            self._drop("duplicate_trade", symbol)
            return False
        if verdict is Verdict.LATE:
            return True
        gaps = self._gaps
        missing = chain.missing.ids if verdict is Verdict.JUMP and chain.missing else (0, 0)
        if chain.is_interrupted:
            chain.is_interrupted = False
            if not self._is_counted:
                gap = gaps.end_uncounted(symbol, ts_event_ns)
            elif verdict is Verdict.RESET:
                gap = gaps.give_up(symbol, "trade", ts_event_ns, COUNTED_ANEW)
            else:
                gap = gaps.settle(symbol, "trade", ts_event_ns, missing[0], missing[1], before_ns)
        elif verdict is Verdict.RESET:
            gap = gaps.hole(symbol, "trade", (0, 0), before_ns, ts_event_ns, COUNTED_ANEW)
        else:
            gap = gaps.hole(symbol, "trade", missing, before_ns, ts_event_ns)
        if gap is not None and (missing[1] or not self._is_counted):
            if chain.missing is not None:
                chain.missing.gap_id = gap.gap_id
            refusal = self.claim(gap)
            gap = replace(gap, reason=refusal) if refusal else gaps.begin(gap.gap_id)
        if gap is not None:
            self._emit(gap)
        return True

    def _came_late(self, chain: Any, count: int) -> None:
        """Say what a late trade has filled, behind it: an end that is announced first could outlive the trade."""
        hole = chain.filled
        if hole is not None:
            filled = self._gaps.fill(hole.gap_id, hole.missing, count=count)
            if filled is not None:
                self._emit(filled)
