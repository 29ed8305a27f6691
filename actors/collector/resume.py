"""Going on where the process before stopped: its gaps, the trades it still missed, and the gap of the restart. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Final

from actors.collector.checkpoint import Checkpoint, HoleState, SymbolState
from actors.collector.gaps import RESTART, Gaps
from actors.collector.intake.normaliser import Normaliser
from actors.collector.intake.sequence import Hole
from actors.collector.intake.unordered import UnorderedTrades
from protocol.messages import Gap

STOPPED: Final = "the collector stopped"
"""Why a clean end gives up what it was fetching: the next process tries again."""
NOT_COLLECTED: Final = "the collector restarted and collects this no longer"
MARGIN_NS: Final = 1_000_000_000
"""What happened so shortly before the last watermark may not have reached us before the end."""


def resume(normaliser: Normaliser, kinds: Mapping[str, Collection[str]], past: Checkpoint) -> None:
    """Take over what concerns the symbols of one market, and announce the gap of the restart for each of them.

    Trades go on at the newest id published, so the first one shows which are missing; those that were missing
    before are fetched again. Quotes and books are interrupted as by a disconnect.

    Args:
        normaliser: Of the market; its symbols are watched already.
        kinds: Canonical symbol to the kinds of messages that are collected of it.
        past: What the process before has published.
    """
    alive_ns = past.reached_ns - MARGIN_NS
    for symbol, state in past.symbols.items():
        if symbol not in normaliser.tapes:
            continue
        wanted = kinds[symbol]
        mine = [gap for gap in past.open_gaps if gap.symbol == symbol and gap.kind in wanted]
        normaliser.gaps.resume_from(mine, ())
        if "trade" in wanted and (state.last_id or state.recent):
            _resume_trades(normaliser, symbol, state)
        if "quote" in wanted:
            normaliser.tapes[symbol].quotes.newest_ns = state.quote_ns
        for kind in ("trade", "quote"):
            normaliser.interrupt(symbol, kind, alive_ns, RESTART)
        if "book" in wanted and state.book_ns:
            from_ns = max(alive_ns, state.book_ns)
            normaliser.announce(
                normaliser.gaps.interrupt(symbol, "book", from_ns, state.book_id + 1, RESTART)
            )


def _resume_trades(normaliser: Normaliser, symbol: str, state: SymbolState) -> None:
    gaps, chain = normaliser.gaps, normaliser.tapes[symbol].trades
    if isinstance(chain, UnorderedTrades):
        chain.resume(state.trade_ns, state.recent)
        return
    gaps.resume_from((), [(kept.gap, _missing(kept)) for kept in state.holes])
    holes = [_hole(kept) for kept in state.holes if kept.ranges]
    chain.resume(state.last_id, state.trade_ns, holes)
    for kept in state.holes:
        gap = kept.gap
        if not kept.ranges:
            by = "rest" if gap.state == "filling" else "late"
            normaliser.announce(gaps.whole(gap.gap_id, by))
        elif gap.state == "filling" or gap.reason == STOPPED:
            normaliser.retry(gap.gap_id)


def end_rest(gaps: Gaps, kinds: Mapping[str, Collection[str]], past: Checkpoint) -> list[Gap]:
    """Announcements that end what nobody takes over: of symbols and kinds that are collected no longer.

    Args:
        gaps: The ledger.
        kinds: Canonical symbol to the kinds that are collected, of all markets.
        past: What the process before has published.
    """
    left = [gap for gap in past.open_gaps if gap.kind not in kinds.get(gap.symbol, ())]
    gaps.resume_from(left, ())
    ended = [
        gaps.give_up(gap.symbol, gap.kind, max(past.reached_ns, gap.from_ts_ns), NOT_COLLECTED)
        for gap in left
    ]
    for symbol, state in past.symbols.items():
        if "trade" not in kinds.get(symbol, ()):
            gaps.resume_from((), [(kept.gap, _missing(kept)) for kept in state.holes])
            ended += [gaps.abandon(kept.gap.gap_id, NOT_COLLECTED) for kept in state.holes]
    return [gap for gap in ended if gap is not None]


def remember(normaliser: Normaliser) -> dict[str, SymbolState]:
    """What the next process must know of each symbol of a market."""
    gaps, found = normaliser.gaps, {}
    for symbol, tape in normaliser.tapes.items():
        trades, book = tape.trades, tape.book
        kept = [
            HoleState(gap, list(hole.ranges))
            for hole in trades.holes
            if (gap := gaps.get(hole.gap_id)) is not None
        ]
        found[symbol] = SymbolState(
            max(0, trades.expected - 1),
            trades.newest_ns,
            tape.quotes.newest_ns,
            book.last_ts_ns,
            book.book.update_id,
            kept,
            trades.recent if isinstance(trades, UnorderedTrades) else [],
        )
    return found


def _hole(kept: HoleState) -> Hole:
    hole = Hole(kept.gap.from_id, kept.gap.to_id, list(kept.ranges))
    hole.gap_id = kept.gap.gap_id
    return hole


def _missing(kept: HoleState) -> int:
    return sum(last - first + 1 for first, last in kept.ranges)
