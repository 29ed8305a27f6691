"""What has been published of each symbol, what is missing, and when it is whole again. Pure.

A session that ends leaves a gap of every kind that had come, unless the market is closed. The next one asks for a replay:
what comes again is told by its ids and left out, what was missed is published (trades flagged as repaired), and the gap
is filled once records as young as the session arrive or the gateway says that the replay is over. Without a replay,
trades and quotes stay missing; a book is whole with its next image.
"""

from __future__ import annotations

import collections
from collections.abc import Callable, Iterable
from typing import Final

from msgspec.structs import replace

from actors.collector.checkpoint import Checkpoint, SymbolState
from actors.collector.databento.control import Doubt
from actors.collector.gaps import RESTART, Gaps
from actors.collector.outbox import Outbox
from protocol.messages import Book, Gap, Quote, Trade

REPLAY: Final = "replay"
NO_REPLAY: Final = "the gateway does not replay it"
DOUBTED: Final = "the venue says that its book may be wrong"
RECENT: Final = 5_000
"""Trade ids of one symbol by which a replay is told from news."""
REMEMBERED: Final = 1_000
MARGIN_NS: Final = 1_000_000_000
"""What happened so shortly before the last watermark may not have reached us before the end."""
Market = Trade | Quote | Book


class _Stream:
    """One kind of messages of one symbol."""

    __slots__ = ("is_away", "is_doubted", "is_fresh", "newest_id", "newest_ns", "recent", "until_ns")

    def __init__(self) -> None:
        self.newest_ns = 0
        self.newest_id = 0
        """`ts_recv` of the newest message, or a little more."""
        self.until_ns = 0
        """A replay goes on up to this `ts_recv`; 0: there is none."""
        self.is_away = False
        """A gap of it is open."""
        self.is_doubted = False
        self.is_fresh = False
        """Something came in this session."""
        self.recent: collections.OrderedDict[str, int] = collections.OrderedDict()


class Continuity:
    """All streams of one market.

    Args:
        gaps: The ledger.
        outbox: Takes what is published.
        drop: Takes (reason, what) of what is not.
    """

    def __init__(self, gaps: Gaps, outbox: Outbox, drop: Callable[[str, object], None]) -> None:
        self.newest_ns = 0
        """Newest event time."""
        self.books: dict[str, Book] = {}
        """Newest book message of each symbol that was a whole one."""
        self._gaps = gaps
        self._outbox = outbox
        self._drop = drop
        self._streams: dict[tuple[str, str], _Stream] = {}
        self._repaired: dict[str, list[Trade]] = {}

    # messages

    def take(self, message: Market) -> None:
        """Publish one message, unless it was published before."""
        symbol, kind = message.symbol, message.KIND
        stream = self._stream(symbol, kind)
        if isinstance(message, Trade):
            recv_ns = int(str(message.trade_id).partition(".")[0])
            if str(message.trade_id) in stream.recent:
                self._drop("duplicate_trade", symbol)
                self._catch_up(symbol, kind, stream, recv_ns, message.ts_event_ns)
                return
            stream.recent[str(message.trade_id)] = message.ts_event_ns
            if len(stream.recent) > RECENT:
                stream.recent.popitem(last=False)
        else:
            recv_ns = message.update_id if isinstance(message, Quote) else message.last_update_id
            if stream.until_ns and recv_ns < stream.newest_id:
                self._drop(f"duplicate_{kind}", symbol)
                return
        if stream.is_doubted:
            stream.is_doubted = False
            self.announce(self._gaps.give_up(symbol, kind, message.ts_event_ns, DOUBTED))
        was_replay = 0 < recv_ns < stream.until_ns
        self._catch_up(symbol, kind, stream, recv_ns, message.ts_event_ns)
        stream.is_fresh = True
        stream.newest_id = max(stream.newest_id, recv_ns)
        stream.newest_ns = max(stream.newest_ns, message.ts_event_ns)
        self.newest_ns = max(self.newest_ns, message.ts_event_ns)
        if isinstance(message, Trade) and was_replay:
            self._repaired.setdefault(symbol, []).append(message)
            return
        if isinstance(message, Book) and message.is_snapshot:
            self.books[symbol] = message
            self._whole(symbol, stream, message.ts_event_ns)
        self._outbox.add(message)

    def flush(self) -> None:
        """Publish what was gathered."""
        repaired, self._repaired = self._repaired, {}
        for trades in repaired.values():
            self._outbox.add_repaired(trades)
        self._outbox.flush()

    def announce(self, gap: Gap | None) -> None:
        """Publish an entry of the ledger, in its place."""
        if gap is not None:
            self.flush()
            self._outbox.add(gap)

    def doubt(self, doubt: Doubt) -> None:
        """A quote or book that may be wrong was left out: from here on it is missing, until the next good one."""
        stream = self._stream(doubt.symbol, doubt.kind)
        if not stream.is_doubted and stream.newest_ns:
            stream.is_doubted = True
            self.announce(
                self._gaps.interrupt(doubt.symbol, doubt.kind, doubt.ts_event_ns, 0, "venue_jump", DOUBTED)
            )

    # the session ends and begins

    def interrupt(self, symbol: str, kinds: Iterable[str], at_ns: int, cause: str, reason: str) -> None:
        """Messages have stopped; nothing to say of a kind that never came, or is away already."""
        for kind in kinds:
            stream = self._streams.get((symbol, kind))
            if stream is None:
                continue
            was_coming_back = stream.is_away and stream.until_ns
            stream.is_fresh, stream.until_ns = False, 0
            if stream.newest_ns and (was_coming_back or not stream.is_away):
                stream.is_away, stream.is_doubted = True, False
                from_ns = max(at_ns, stream.newest_ns)
                self.announce(self._gaps.interrupt(symbol, kind, from_ns, 0, cause, reason))

    def session_began(
        self, symbol: str, kinds: Iterable[str], at_ns: int, replay_until_ns: int, reason: str = NO_REPLAY
    ) -> None:
        """Records flow again.

        Args:
            symbol: Of this symbol.
            kinds: Kinds that are collected of it.
            at_ns: Event time now.
            replay_until_ns: `ts_recv` up to which records are a replay, 0: what was missed does not come.
            reason: Why it does not.
        """
        for kind in kinds:
            stream = self._stream(symbol, kind)
            if stream.is_away:
                self.announce(self._gaps.resume(symbol, kind, at_ns))
            if replay_until_ns:
                stream.until_ns = replay_until_ns
            elif stream.is_away and kind != Book.KIND:
                stream.is_away = False
                self.announce(self._gaps.give_up(symbol, kind, at_ns, reason))

    def replay_over(self, at_ns: int) -> None:
        """The gateway says that all of it has come."""
        self.flush()
        for (symbol, kind), stream in self._streams.items():
            if stream.until_ns:
                self._fill(symbol, kind, stream, at_ns)

    def replay_failed(self, at_ns: int, reason: str) -> None:
        """The gateway has nothing so old: what was missed does not come."""
        for (symbol, kind), stream in self._streams.items():
            if stream.until_ns:
                stream.until_ns = 0
                if stream.is_away and kind != Book.KIND:
                    stream.is_away = False
                    self.announce(self._gaps.give_up(symbol, kind, at_ns, reason))

    def lost(self, symbols: Iterable[str], kinds: Iterable[str], at_ns: int, reason: str) -> None:
        """The gateway left records out while the session went on."""
        for symbol in symbols:
            for kind in kinds:
                stream = self._stream(symbol, kind)
                if stream.newest_ns and not stream.is_away:
                    to_ns = max(at_ns, stream.newest_ns)
                    self.announce(self._gaps.hole(symbol, kind, (0, 0), stream.newest_ns, to_ns, reason))

    def rolled(self, symbol: str, kinds: Iterable[str], before: str, after: str) -> None:
        """The symbol is another contract now. Nothing is missing, but what follows does not continue what was."""
        for kind in kinds:
            stream = self._stream(symbol, kind)
            at_ns = max(stream.newest_ns, self.newest_ns)
            gap = self._gaps.hole(symbol, kind, (0, 0), at_ns, at_ns, f"roll {before} -> {after}")
            self.announce(replace(gap, state="filled", filled_by=after))
            stream.newest_id = 0
            self.books.pop(symbol, None)

    def is_fresh(self, symbol: str, kind: str) -> bool:
        """Whether something of it came in this session."""
        stream = self._streams.get((symbol, kind))
        return stream is not None and stream.is_fresh

    def forget(self, symbol: str) -> None:
        """Take no more of it."""
        for name, kind in [key for key in self._streams if key[0] == symbol]:
            del self._streams[name, kind]
            self.announce(self._gaps.give_up(name, kind, self.newest_ns, "unsubscribed"))
        self.books.pop(symbol, None)

    def _catch_up(self, symbol: str, kind: str, stream: _Stream, recv_ns: int, ts_event_ns: int) -> None:
        if stream.until_ns and recv_ns >= stream.until_ns:
            self._fill(symbol, kind, stream, ts_event_ns)

    def _fill(self, symbol: str, kind: str, stream: _Stream, at_ns: int) -> None:
        stream.until_ns = 0
        if stream.is_away:
            stream.is_away = False
            self.announce(self._gaps.make_up(symbol, kind, at_ns, REPLAY))

    def _whole(self, symbol: str, stream: _Stream, at_ns: int) -> None:
        if stream.is_away and not stream.until_ns:
            stream.is_away = False
            self.announce(self._gaps.make_up(symbol, Book.KIND, at_ns, "snapshot"))

    def _stream(self, symbol: str, kind: str) -> _Stream:
        found = self._streams.get((symbol, kind))
        if found is None:
            found = self._streams[symbol, kind] = _Stream()
        return found

    # restarts

    def resume(self, symbol: str, kinds: Iterable[str], past: Checkpoint, *, is_open: bool) -> int:
        """Go on where the process before stopped; returns the newest `ts_recv` it had published.

        Args:
            symbol: Of this symbol.
            kinds: Kinds that are collected of it.
            past: What the process before has published.
            is_open: Whether its market was open then; in a closed one nothing can be missed.
        """
        state = past.symbols.get(symbol, SymbolState())
        wanted = set(kinds)
        mine = [gap for gap in past.open_gaps if gap.symbol == symbol and gap.kind in wanted]
        self._gaps.resume_from(mine, ())
        newest_recv_ns = 0
        for kind, newest_ns in (
            (Trade.KIND, state.trade_ns), (Quote.KIND, state.quote_ns), (Book.KIND, state.book_ns),
        ):  # fmt: skip
            if kind not in wanted or not newest_ns:
                continue
            stream = self._stream(symbol, kind)
            stream.newest_ns = newest_ns
            if kind == Trade.KIND:
                stream.recent.update((trade_id, ts_ns) for ts_ns, trade_id in state.recent)
                recv = [
                    int(first)
                    for _, trade_id in state.recent
                    if (first := trade_id.partition(".")[0]).isdecimal()
                ]
                newest_recv_ns = max(newest_recv_ns, *recv, 0)
            elif kind == Book.KIND:
                stream.newest_id = state.book_id
                newest_recv_ns = max(newest_recv_ns, state.book_id)
            self.newest_ns = max(self.newest_ns, newest_ns)
        for gap in mine:
            self._stream(symbol, gap.kind).is_away = not is_open
        if is_open:
            self.interrupt(symbol, wanted, past.reached_ns - MARGIN_NS, RESTART, "")
        return newest_recv_ns

    def remember(self, symbol: str) -> SymbolState:
        """What the next process must know of a symbol."""
        trades, quotes, books = (self._stream(symbol, kind) for kind in (Trade.KIND, Quote.KIND, Book.KIND))
        newest = list(trades.recent.items())[-REMEMBERED:]
        return SymbolState(
            trade_ns=trades.newest_ns,
            quote_ns=quotes.newest_ns,
            book_ns=books.newest_ns,
            book_id=books.newest_id,
            recent=[(ts_ns, trade_id) for trade_id, ts_ns in newest],
        )
