"""What a collector knows of its feeds, to go on from after a restart: a SNAP record, and the fold of what follows it. Pure.

The state is a function of the collector's own records in their order: newest trade id and time of each symbol, the
ids that are still missing, the gaps that have no end. So the newest SNAP of the journal and the frames behind it
say exactly what was published, up to the last record before a kill.

A gap's ids count as seen when it is announced, since it comes before the trade that revealed it; a trade counts
when its frame is there. What falls between two records was never published, and is missing after the restart.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

import msgspec
from msgspec.structs import replace

from actors.collector.bars.memory import BarsState
from actors.collector.intake.sequence import MAX_HOLES, Hole
from actors.collector.intake.unordered import MAX_RECENT
from actors.collector.push.memory import PushedState, is_ours
from protocol.codec import decode_events
from protocol.errors import DECODE_ERRORS, PayloadError
from protocol.messages import Bar, Book, Gap, News, Quote, Trade, Watermark
from protocol.record import FLAG_REFERENCE, FLAG_REPAIRED, Frame

VERSION: Final = 1
MAX_NEWS: Final = 5_000
"""Headlines that a restart knows."""


class HoleState(msgspec.Struct, array_like=True):
    """Trades that are missing: the gap as it was announced, and what has not come yet."""

    gap: Gap
    ranges: list[tuple[int, int]]
    """Empty: all have come, and the end of the gap was not announced."""


class SymbolState(msgspec.Struct, array_like=True):
    """What was published of one symbol."""

    last_id: int = 0
    """Newest trade id accounted for, 0 if there was none."""
    trade_ns: int = 0
    """Event time of the newest trade, 0 if there was none; below the same of quote and book."""
    quote_ns: int = 0
    book_ns: int = 0
    book_id: int = 0
    """Last update id of the book as published."""
    holes: list[HoleState] = []
    recent: list[tuple[int, str]] = []
    """Where trades are not counted: time and id of the newest ones, oldest first."""


class BudgetState(msgspec.Struct, array_like=True):
    """What a market may still ask of the venue's REST side."""

    snapshot_tokens: float
    repair_tokens: float
    closed_until_ns: int
    """Wall-clock time until which the venue wants no request."""


class Checkpoint(msgspec.Struct, array_like=True):
    """Everything that a collector remembers."""

    version: int = VERSION
    at_ns: int = 0
    """Wall-clock time of the SNAP, 0 if there was none."""
    reached_ns: int = 0
    """Newest watermark."""
    symbols: dict[str, SymbolState] = {}
    open_gaps: list[Gap] = []
    """Announced, and not settled."""
    budgets: dict[str, BudgetState] = {}
    """By market."""
    news_ids: list[str] = []
    """`<source> <news_id>` of the newest headlines published, oldest first."""
    bars: BarsState | None = None
    """Candles of a collector of REST providers."""
    pushed: PushedState | None = None
    """What others have pushed."""


_decoder: Final = msgspec.msgpack.Decoder(Checkpoint)


def encode(checkpoint: Checkpoint) -> bytes:
    """Data of a SNAP record."""
    return msgspec.msgpack.encode(checkpoint)


def decode(data: bytes) -> Checkpoint | None:
    """Read the data of a SNAP record; None if another version wrote it, or it is none."""
    try:
        found = _decoder.decode(data)
    except DECODE_ERRORS:
        return None
    return found if found.version == VERSION else None


class Recollection:
    """Frames in, checkpoint out.

    Args:
        checkpoint: Where to begin.
    """

    def __init__(self, checkpoint: Checkpoint | None = None) -> None:
        self.rejected = 0
        """Frames that could not be read."""
        self._start = checkpoint or Checkpoint()
        self._reached_ns = self._start.reached_ns
        self._symbols = dict(self._start.symbols)
        self._open = {(gap.symbol, gap.kind): gap for gap in self._start.open_gaps}
        self._news_ids = list(self._start.news_ids)
        self._bars = self._start.bars
        self._pushed = self._start.pushed
        self._newest: dict[str, Frame] = {}
        """Quotes and books of a topic: only the newest frame counts."""

    def apply(self, frame: Frame) -> None:
        """Take one frame of the collector, in its order."""
        schema = frame.schema >> 8
        if is_ours(frame.topic):
            self._enter_pushed(frame)
        elif schema in (Quote.SCHEMA >> 8, Book.SCHEMA >> 8):
            self._newest[frame.topic] = frame
        elif schema == News.SCHEMA >> 8:
            self._news_ids += [f"{news.source} {news.news_id}" for news in self._events(frame)]
            del self._news_ids[:-MAX_NEWS]
        elif schema == Bar.SCHEMA >> 8:
            if not frame.flags & (FLAG_REPAIRED | FLAG_REFERENCE):
                self._candles().enter_bars(self._events(frame))
        elif schema in (Trade.SCHEMA >> 8, Gap.SCHEMA >> 8, Watermark.SCHEMA >> 8):
            for event in self._events(frame):
                self._enter(event)

    def checkpoint(self) -> Checkpoint:
        """What is known now."""
        for frame in self._newest.values():
            for event in self._events(frame):
                self._enter(event)
        self._newest.clear()
        return replace(
            self._start,
            reached_ns=self._reached_ns,
            symbols=self._symbols,
            open_gaps=list(self._open.values()),
            news_ids=self._news_ids,
            bars=self._bars,
            pushed=self._pushed,
        )

    def _enter_pushed(self, frame: Frame) -> None:
        if self._pushed is None:
            self._pushed = PushedState()
        self._pushed.enter(self._events(frame))

    def _candles(self) -> BarsState:
        if self._bars is None:
            self._bars = BarsState()
        return self._bars

    def _events(self, frame: Frame) -> list[Any]:
        try:
            return decode_events(frame)
        except PayloadError:
            self.rejected += 1
            return []

    def _enter(self, event: Trade | Quote | Book | Gap | Watermark) -> None:
        if isinstance(event, Watermark):
            self._reached_ns = max(self._reached_ns, event.ts_event_ns)
            return
        if isinstance(event, Gap) and event.kind == Bar.KIND:
            self._candles().enter_gap(event)
            return
        state = self._symbols.get(event.symbol)
        if state is None:
            state = self._symbols[event.symbol] = SymbolState()
        if isinstance(event, Trade):
            _enter_trade(state, event)
        elif isinstance(event, Gap):
            self._enter_gap(state, event)
        elif isinstance(event, Quote):
            state.quote_ns = max(state.quote_ns, event.ts_event_ns)
        else:
            state.book_ns = max(state.book_ns, event.ts_event_ns)
            state.book_id = event.last_update_id

    def _enter_gap(self, state: SymbolState, gap: Gap) -> None:
        key = gap.symbol, gap.kind
        if gap.state == "open":
            self._open[key] = gap
            return
        current = self._open.get(key)
        if current is not None and current.gap_id == gap.gap_id:
            del self._open[key]
        if gap.kind != Trade.KIND or not gap.to_id:
            return
        known = next((hole for hole in state.holes if hole.gap.gap_id == gap.gap_id), None)
        if gap.state == "filled":
            if known is not None:
                state.holes.remove(known)
        elif known is not None:
            known.gap = gap
        else:
            state.holes.append(HoleState(gap, [(gap.from_id, gap.to_id)]))
            if len(state.holes) > MAX_HOLES:
                del state.holes[0]
        state.last_id = max(state.last_id, gap.to_id)
        state.trade_ns = max(state.trade_ns, gap.to_ts_ns)  # what is missing is older: it is no new count


def _enter_trade(state: SymbolState, trade: Trade) -> None:
    trade_id = trade.trade_id
    if isinstance(trade_id, str):
        state.recent.append((trade.ts_event_ns, trade_id))
        del state.recent[:-MAX_RECENT]
    elif trade_id > state.last_id:
        state.last_id = trade_id
    elif not _fill(state.holes, trade_id) and trade.ts_event_ns > state.trade_ns:
        state.holes.clear()  # the venue counts anew, see TradeChain
        state.last_id = trade_id
    state.trade_ns = max(state.trade_ns, trade.ts_event_ns)


def _fill(states: Iterable[HoleState], trade_id: int) -> bool:
    for state in states:
        hole = Hole(state.gap.from_id, state.gap.to_id, state.ranges)
        if hole.fill(trade_id):
            state.gap = replace(state.gap, count=state.gap.count + 1)
            return True
    return False
