"""From a venue's frames to messages that can be trusted: the one path of live feed and recordings. Pure.

Frames go in with their receive time; trades, quotes, books, liquidations and gaps come out through `emit`, in
order, a gap before the message that revealed it. What cannot be used is told to `drop` with a reason.
"""

from __future__ import annotations

import collections
import itertools
from collections.abc import Callable
from typing import Any, Final, NamedTuple

from actors.collector.gaps import Gaps
from actors.collector.intake.tape import Tape
from actors.collector.intake.trade_intake import Fetched, TradeIntake
from actors.collector.intake.venue_time import EventTimes
from actors.collector.outcomes import (
    BookChange,
    BookImage,
    Control,
    Excluded,
    Ignored,
    PastTrade,
    Reject,
    TradeMark,
)
from actors.collector.venue import Parser, TradeIds
from protocol.messages import Bar, Gap, Liquidation, Message, Quote, Trade

NO_LIMIT_NS: Final = 2**63


class Rules(NamedTuple):
    """How the messages of one market are judged."""

    max_ahead_ns: int = NO_LIMIT_NS
    """How far the venue's clock may run ahead of ours before a message is refused: one wild time would carry the whole
    market's event time away."""
    ids: TradeIds = TradeIds.COUNTED
    """How the venue numbers its trades."""
    is_streamed: bool = False
    """Books begin with a snapshot in the stream, not with one of the REST side."""
    is_curious: bool = False
    """Take symbols that nobody has asked for (recordings)."""


MAX_IGNORED_TYPES: Final = 64
QUOTES_LOST: Final = "a venue does not repeat quotes"

Emit = Callable[[Message], None]
Drop = Callable[[str, object], None]
Take = Callable[[bytes, int], Control | None]


class Normaliser:
    """One market of one venue.

    Args:
        venue: Name of the venue.
        parser: Reads its frames.
        gaps: Ledger that numbers the gaps.
        emit: Takes each message.
        drop: Takes (reason, what) of everything that cannot be used.
        rules: How to judge what comes.
    """

    def __init__(
        self,
        venue: str,
        parser: Parser,
        gaps: Gaps,
        emit: Emit,
        drop: Drop,
        rules: Rules = Rules(),  # noqa: B008 - frozen
    ) -> None:
        self.venue = venue
        self.gaps = gaps
        self.tapes: dict[str, Tape] = {}
        self.unsynced: set[str] = set()
        """Symbols whose book is wanted and cannot be vouched for: somebody must see to a snapshot of each."""
        self.ignored: collections.Counter[str] = collections.Counter()
        """Types of frames that nobody reads, by the venue's name."""
        self.times = EventTimes(rules.max_ahead_ns, drop)
        self.trades = TradeIntake(rules.ids, self.tapes, self._tape, gaps, self.times, emit, drop)
        self._parser = parser
        self._emit = emit
        self._drop = drop
        self._is_counted = rules.ids is not TradeIds.UNORDERED
        self.is_streamed = rules.is_streamed
        """Books begin with a snapshot in the stream."""
        self._is_curious = rules.is_curious
        self._sources = itertools.count(1)
        self._source = 0
        """Connection whose frame is being taken, where books are streamed."""
        self._handlers: dict[type, Callable[[Any], None]] = {
            Trade: self.trades.take,
            Quote: self._quote,
            BookChange: self._change,
            BookImage: self._streamed_image,
            Liquidation: self._liquidation,
            PastTrade: self.trades.take_past,
            TradeMark: self.trades.take_mark,
            Excluded: self.trades.exclude,
            Reject: self._reject,
            Ignored: self._ignore,
        }
        self.take = self.taker()
        """Takes the frames of one connection, as `taker` says."""

    # frames

    def taker(self) -> Take:
        """A taker of the frames of one new connection.

        It takes one text frame and its receive time, and returns what the connection must know, if it was a control
        message.
        """
        reader = self._parser.reader()
        source = next(self._sources) if self.is_streamed else 0
        parse, handlers = reader.parse, self._handlers

        def take(frame: bytes, ts_recv_ns: int) -> Control | None:
            control: Control | None = None
            self._source = source
            for outcome in parse(frame, ts_recv_ns):
                handler = handlers.get(outcome.__class__)
                if handler is None:
                    control = outcome  # type: ignore[assignment]  # what no handler takes is a Control
                else:
                    handler(outcome)
            return control

        return take

    def take_snapshot(self, symbol: str, body: bytes, ts_recv_ns: int, generation: int | None = None) -> bool:
        """Take a REST snapshot; True if the book is synced now.

        Args:
            symbol: Canonical symbol that was asked for.
            body: Answer of the venue.
            ts_recv_ns: When it came.
            generation: `BookSync.generation` when it was asked for; None: it fits whatever is now.
        """
        tape = self._tape(symbol)
        if tape is None:
            return False
        image = self._parser.parse_snapshot(symbol, body, ts_recv_ns)
        if isinstance(image, Reject):
            self._reject(image)
            return False
        return self._image(tape, image, tape.book.generation if generation is None else generation)

    def take_trades(self, symbol: str, body: bytes, ts_recv_ns: int) -> Fetched | Reject:
        """Take a REST page of trades by id: only what is missing counts; nothing is emitted."""
        trades = self._parser.parse_trades(symbol, body, ts_recv_ns)
        return trades if isinstance(trades, Reject) else self.trades.fetched(symbol, trades, ts_recv_ns)

    def read_trades(self, symbol: str, body: bytes, ts_recv_ns: int) -> list[Trade] | Reject:
        """Trades of a REST answer, oldest first; nothing is entered."""
        return self._parser.parse_trades(symbol, body, ts_recv_ns)

    def _streamed_image(self, image: BookImage) -> None:
        """A snapshot in the stream replaces the book."""
        symbol, ts_event_ns = image.symbol, image.ts_event_ns
        tape = self.tapes.get(symbol) or self._tape(symbol)
        if tape is None:
            return
        times = self.times
        if ts_event_ns == image.ts_recv_ns:
            times.newest_local_ns = ts_event_ns
        elif ts_event_ns > times.newest_ns and not times.reach(ts_event_ns, image.ts_recv_ns, symbol):
            return
        tape.changes_seen += 1
        sync = tape.book
        was_synced, from_id = sync.is_synced, sync.book.update_id + 1
        book = sync.replace(image, self._source)
        if book is None:
            self._drop("unusable_snapshot", f"{symbol}: {sync.reason}")
            self._book_lost(symbol, tape, was_synced=was_synced, from_id=from_id)
            return
        self.unsynced.discard(symbol)
        self.announce(self.gaps.make_up(symbol, "book", book.ts_event_ns, "snapshot"))
        self._emit(book)

    def _image(self, tape: Tape, image: BookImage, generation: int) -> bool:
        book = tape.book.image(image, generation)
        if book is None:
            if not tape.book.is_synced:
                self._drop("unusable_snapshot", f"{image.symbol}: {tape.book.reason}")
            return tape.book.is_synced
        self.unsynced.discard(image.symbol)
        self.announce(self.gaps.make_up(image.symbol, "book", book.ts_event_ns, "snapshot"))
        self._emit(book)
        return True

    # symbols

    def watch(self, symbol: str, *, book: bool) -> None:
        """Take messages of this symbol from now on; `book`: keep its order book."""
        if symbol not in self.tapes:
            self.tapes[symbol] = Tape(self.venue, is_counted=self._is_counted, is_streamed=self.is_streamed)
        if book and not self.tapes[symbol].book.is_synced:
            self.unsynced.add(symbol)

    def forget(self, symbol: str) -> None:
        """Take no more of it; open gaps end as unfillable."""
        self.tapes.pop(symbol, None)
        self.unsynced.discard(symbol)
        for kind in ("trade", "quote", "book"):
            self.announce(self.gaps.give_up(symbol, kind, self.times.newest_ns, "unsubscribed"))

    def republish(self, symbol: str, ts_recv_ns: int) -> bool:
        """Emit the whole book as it is now, in its place between the changes; False if it is not synced."""
        tape = self.tapes.get(symbol)
        if tape is None or not tape.book.is_synced:
            return False
        self._emit(tape.book.snapshot(symbol, ts_recv_ns))
        return True

    # the feed stops and goes on

    def interrupt(self, symbol: str, kind: str, at_ns: int, cause: str, reason: str = "") -> None:
        """Messages of one kind have stopped at venue time `at_ns`; nothing to say if none ever came."""
        tape = self.tapes.get(symbol)
        if tape is None:
            return
        gap: Gap | None = None
        if kind == "trade" and tape.trades.has_begun:
            tape.trades.interrupt()
            from_ns = max(at_ns, tape.trades.newest_ns)
            gap = self.gaps.interrupt(symbol, kind, from_ns, tape.trades.expected, cause, reason)
        elif kind == "quote" and tape.quotes.newest_ns:
            tape.quotes.restart()
            from_ns = max(at_ns, tape.quotes.newest_ns)
            gap = self.gaps.interrupt(symbol, kind, from_ns, 0, cause, reason)
        elif kind == "book":
            self._lose_book(symbol, tape, at_ns, cause, reason or cause)
        self.announce(gap)

    def resume(self, symbol: str, kind: str, at_ns: int) -> None:
        """The feed of one kind is back since venue time `at_ns`; books come back with their snapshot."""
        if kind == "trade":
            self.announce(self.gaps.resume(symbol, kind, at_ns))
        elif kind == "quote":
            self.announce(self.gaps.give_up(symbol, kind, at_ns, QUOTES_LOST))

    def _lose_book(self, symbol: str, tape: Tape, at_ns: int, cause: str, reason: str) -> None:
        sync = tape.book
        was_synced, from_id = sync.is_synced, sync.book.update_id + 1
        sync.lose(reason)
        self.unsynced.add(symbol)
        if was_synced:
            from_ns = max(at_ns, sync.last_ts_ns)
            self.announce(self.gaps.interrupt(symbol, "book", from_ns, from_id, cause, reason))

    def retry(self, gap_id: str) -> str:
        """Have what is missing of a gap of trades fetched (again); returns why not, empty if it is under way."""
        gap = self.gaps.get(gap_id)
        if gap is None:
            return "nothing of it is missing that has a known id"
        refusal = self.trades.claim(gap)
        if refusal:
            self.announce(self.gaps.abandon(gap_id, refusal))
        else:
            self.announce(self.gaps.begin(gap_id) or gap)
        return refusal

    def replace_hole(self, symbol: str, gap_id: str, by: str, count: int) -> None:
        """Something stands in for the missing trades of a gap: they are not to come any more."""
        tape = self.tapes.get(symbol)
        hole = tape.trades.close(gap_id) if tape is not None else None
        self.announce(self.gaps.replace(gap_id, hole.missing if hole is not None else 0, by, count))

    def read_klines(self, symbol: str, body: bytes) -> list[Bar] | Reject:
        """Candles of a REST answer."""
        return self._parser.parse_klines(symbol, body)

    # outcomes

    def _tape(self, symbol: str) -> Tape | None:
        tape = self.tapes.get(symbol)
        if tape is None:
            if not self._is_curious:
                self._drop("not_subscribed", symbol)
                return None
            self.watch(symbol, book=True)
            tape = self.tapes[symbol]
        return tape

    def _quote(self, quote: Quote) -> None:
        symbol, ts_event_ns = quote.symbol, quote.ts_event_ns
        tape = self.tapes.get(symbol) or self._tape(symbol)
        if tape is None:
            return
        times = self.times
        is_local = ts_event_ns == quote.ts_recv_ns
        if is_local:  # the venue says no time: ours must not move its clock
            times.newest_local_ns = ts_event_ns
        elif ts_event_ns > times.newest_ns and not times.reach(ts_event_ns, quote.ts_recv_ns, symbol):
            return
        tape.quotes_seen += 1
        if tape.quotes.observe(quote.update_id, ts_event_ns, is_local):
            self._emit(quote)
        else:
            self._drop("stale_quote", symbol)

    def _change(self, change: BookChange) -> None:
        symbol, ts_event_ns = change.symbol, change.ts_event_ns
        tape = self.tapes.get(symbol) or self._tape(symbol)
        if tape is None:
            return
        times = self.times
        if ts_event_ns == change.ts_recv_ns:
            times.newest_local_ns = ts_event_ns
        elif ts_event_ns > times.newest_ns and not times.reach(ts_event_ns, change.ts_recv_ns, symbol):
            return
        tape.changes_seen += 1
        sync = tape.book
        if sync.source != self._source:  # of a connection that does not own the book (any more, or yet)
            sync.stale += 1
            return
        was_synced, from_id = sync.is_synced, sync.book.update_id + 1
        book = sync.change(change)
        if book is not None:
            self._emit(book)
        elif was_synced and not sync.is_synced:
            self._drop("book_lost", f"{symbol}: {sync.reason}")
            self._book_lost(symbol, tape, was_synced=True, from_id=from_id)

    def _book_lost(self, symbol: str, tape: Tape, *, was_synced: bool, from_id: int) -> None:
        """Its recovery is somebody's business from now on; the gap is announced once."""
        sync = tape.book
        self.unsynced.add(symbol)
        if was_synced:
            self.announce(
                self.gaps.interrupt(symbol, "book", sync.last_ts_ns, from_id, "venue_jump", sync.reason)
            )

    def _liquidation(self, liquidation: Liquidation) -> None:
        symbol = liquidation.symbol
        tape = self._tape(symbol)
        if tape is None:
            return
        if not self.times.is_true(liquidation.ts_event_ns, max(liquidation.ts_recv_ns, self.times.newest_ns)):
            self._drop("clock_ahead", f"{symbol}: a liquidation")
        elif tape.is_news(liquidation):
            self._emit(liquidation)
        else:
            self._drop("duplicate_liquidation", symbol)

    def _reject(self, reject: Reject) -> None:
        self._drop(reject.reason, reject.detail)

    def _ignore(self, ignored: Ignored) -> None:
        name = ignored.type
        self.ignored[name if name in self.ignored or len(self.ignored) < MAX_IGNORED_TYPES else "other"] += 1

    def announce(self, gap: Gap | None) -> None:
        """Emit an announcement if there is one."""
        if gap is not None:
            self._emit(gap)
