"""From a venue's frames to messages that can be trusted: the one path of live feed and recordings. Pure.

Frames go in with their receive time; trades, quotes, books, liquidations and gaps come out through `emit`, in
order, a gap before the message that revealed it. What cannot be used is told to `drop` with a reason.
"""

from __future__ import annotations

import collections
from collections.abc import Callable
from typing import Any, Final, NamedTuple

from msgspec.structs import replace

from actors.collector.gaps import NO_REPAIR, Gaps
from actors.collector.sequence import TradeChain, Verdict
from actors.collector.tape import Tape
from actors.collector.venue import (
    BookChange,
    BookImage,
    Control,
    Excluded,
    Ignored,
    Parser,
    Reject,
)
from actors.collector.venue_time import VenueTime
from protocol.messages import Bar, Gap, Liquidation, Message, Quote, Trade

NO_LIMIT_NS: Final = 2**63
MAX_IGNORED_TYPES: Final = 64
QUOTES_LOST: Final = "a venue does not repeat quotes"

Emit = Callable[[Message], None]
Drop = Callable[[str, object], None]


class Fetched(NamedTuple):
    """What a page of trades by id was good for."""

    trades: list[Trade]
    """Those that were missing until now."""
    gaps: list[Gap]
    """Those that are filled with them."""
    last_id: int
    """Newest id of the page, 0 if it was empty."""


class Normaliser:
    """One market of one venue.

    Args:
        venue: Name of the venue.
        parser: Reads its frames.
        gaps: Ledger that numbers the gaps.
        emit: Takes each message.
        drop: Takes (reason, what) of everything that cannot be used.
        max_ahead_ns: How far the venue's clock may run ahead of ours before a message is refused: one wild
            time would carry the whole market's event time away.
        is_curious: Take symbols that nobody has asked for (recordings).
    """

    def __init__(
        self,
        venue: str,
        parser: Parser,
        gaps: Gaps,
        emit: Emit,
        drop: Drop,
        max_ahead_ns: int = NO_LIMIT_NS,
        *,
        is_curious: bool = False,
    ) -> None:
        self.venue = venue
        self.gaps = gaps
        self.tapes: dict[str, Tape] = {}
        self.unsynced: set[str] = set()
        """Symbols whose book is wanted and cannot be vouched for: somebody must fetch a snapshot of each."""
        self.newest_ns = 0
        """Newest event time by the venue's clock."""
        self.newest_local_ns = 0
        """Newest receive time that stood in for an event time."""
        self.ignored: collections.Counter[str] = collections.Counter()
        """Types of frames that nobody reads, by the venue's name."""
        self.claim: Callable[[Gap], str] = lambda _gap: NO_REPAIR
        """Takes a hole of trades with known ids to fill it; returns why not, empty if it was taken."""
        self._parser = parser
        self._parse = parser.parse
        self._emit = emit
        self._drop = drop
        self.venue_now_ns: Callable[[], int] = lambda: 0
        """Where the venue's clock must be now by the monotonic clock, 0 if that is not known."""
        self._max_ahead_ns = max_ahead_ns
        self._venue_time = VenueTime(max_ahead_ns)
        self._is_curious = is_curious
        self._handlers: dict[type, Callable[[Any], None]] = {
            Trade: self._trade,
            Quote: self._quote,
            BookChange: self._change,
            Liquidation: self._liquidation,
            Excluded: self._excluded,
            Reject: self._reject,
            Ignored: self._ignore,
        }

    # frames

    def take(self, frame: bytes, ts_recv_ns: int) -> Control | None:
        """Take one text frame; returns what the connection must know, if it was a control message."""
        control: Control | None = None
        for outcome in self._parse(frame, ts_recv_ns):
            handler = self._handlers.get(outcome.__class__)
            if handler is None:
                control = outcome  # type: ignore[assignment]  # what no handler takes is a Control
            else:
                handler(outcome)
        return control

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
        if isinstance(trades, Reject):
            return trades
        found = Fetched([], [], int(trades[-1].trade_id or 0) if trades else 0)
        chain = self.tapes[symbol].trades
        for trade in trades:
            if not self._is_true(trade.ts_event_ns, max(ts_recv_ns, self.newest_ns)):
                self._drop("clock_ahead", f"{symbol}: trade {trade.trade_id} fetched by id")
                continue
            trade_id: int = trade.trade_id  # type: ignore[assignment]  # this venue's ids are counted
            hole = chain.fill(trade_id)
            if hole is None:
                continue
            found.trades.append(trade)
            filled = self.gaps.fill(hole.gap_id, hole.missing, "rest")
            if filled is not None:
                found.gaps.append(filled)
        return found

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
        self.tapes.setdefault(symbol, Tape(self.venue))
        if book and not self.tapes[symbol].book.is_synced:
            self.unsynced.add(symbol)

    def forget(self, symbol: str) -> None:
        """Take no more of it; open gaps end as unfillable."""
        self.tapes.pop(symbol, None)
        self.unsynced.discard(symbol)
        for kind in ("trade", "quote", "book"):
            self.announce(self.gaps.give_up(symbol, kind, self.newest_ns, "unsubscribed"))

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
        if kind == "trade" and tape.trades.expected:
            tape.trades.is_interrupted = True
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
        refusal = self.claim(gap)
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

    def _reach(self, ts_event_ns: int, ts_recv_ns: int, symbol: str) -> bool:
        """Note a new newest event time; False if it is too far ahead of our clock to be true."""
        if not self._is_true(ts_event_ns, ts_recv_ns):
            self._drop("clock_ahead", f"{symbol}: {(ts_event_ns - ts_recv_ns) / 1e9:.1f} s ahead of ours")
            return False
        self.newest_ns = ts_event_ns
        return True

    def _is_true(self, ts_event_ns: int, ts_recv_ns: int) -> bool:
        """Whether a venue's time can be believed; our own clock may be the wrong one."""
        if ts_event_ns - ts_recv_ns <= self._max_ahead_ns:
            self._venue_time.agreeing = 0
            return True
        return self._venue_time.admits(ts_event_ns, ts_recv_ns, self.venue_now_ns())

    def _trade(self, trade: Trade) -> None:
        symbol, ts_event_ns = trade.symbol, trade.ts_event_ns
        tape = self.tapes.get(symbol) or self._tape(symbol)
        if tape is None:
            return
        if ts_event_ns > self.newest_ns and not self._reach(ts_event_ns, trade.ts_recv_ns, symbol):
            return
        tape.trades_seen += 1
        chain = tape.trades
        trade_id: int = trade.trade_id  # type: ignore[assignment]  # this venue's ids are counted
        before_ns = chain.newest_ns
        verdict = chain.observe(trade_id, ts_event_ns)
        if (verdict is Verdict.NEXT and not chain.is_interrupted) or self._account(
            symbol, chain, verdict, before_ns, ts_event_ns
        ):
            self._emit(trade)
            if verdict is Verdict.LATE:
                self._came_late(chain)

    def _excluded(self, execution: Excluded) -> None:
        """Its id is part of the chain, it is no trade."""
        tape = self._tape(execution.symbol)
        if tape is not None:
            chain, ts_event_ns = tape.trades, execution.ts_event_ns
            before_ns = chain.newest_ns
            verdict = chain.observe(execution.trade_id, ts_event_ns)
            if verdict is Verdict.LATE:
                self._came_late(chain)
            elif verdict is not Verdict.NEXT or chain.is_interrupted:
                self._account(execution.symbol, chain, verdict, before_ns, ts_event_ns)
            self._drop("not_a_market_trade", f"{execution.symbol} {execution.trade_id}: {execution.why}")

    def _account(
        self, symbol: str, chain: TradeChain, verdict: Verdict, before_ns: int, ts_event_ns: int
    ) -> bool:
        """What is out of the ordinary about a trade id; returns whether the trade is to be published."""
        if verdict is Verdict.DUPLICATE:
            self._drop("duplicate_trade", symbol)
            return False
        if verdict is Verdict.LATE:
            return True
        missing = chain.missing.ids if verdict is Verdict.JUMP and chain.missing else (0, 0)
        if chain.is_interrupted:
            chain.is_interrupted = False
            if verdict is Verdict.RESET:
                gap = self.gaps.give_up(symbol, "trade", ts_event_ns, "the venue counts its trades anew")
            else:
                gap = self.gaps.settle(symbol, "trade", ts_event_ns, *missing, since_ns=before_ns)
        elif verdict is Verdict.RESET:
            reason = "the venue counts its trades anew"
            gap = self.gaps.hole(symbol, "trade", (0, 0), before_ns, ts_event_ns, reason)
        else:
            gap = self.gaps.hole(symbol, "trade", missing, before_ns, ts_event_ns)
        if gap is not None and chain.missing is not None and missing[1]:
            chain.missing.gap_id = gap.gap_id
            refusal = self.claim(gap)
            gap = replace(gap, reason=refusal) if refusal else self.gaps.begin(gap.gap_id)
        self.announce(gap)
        return True

    def _came_late(self, chain: TradeChain) -> None:
        """Say what a late trade has filled, behind it: an end that is announced first could outlive the trade."""
        hole = chain.filled
        if hole is not None:
            self.announce(self.gaps.fill(hole.gap_id, hole.missing))

    def _quote(self, quote: Quote) -> None:
        symbol, ts_event_ns = quote.symbol, quote.ts_event_ns
        tape = self.tapes.get(symbol) or self._tape(symbol)
        if tape is None:
            return
        if ts_event_ns == quote.ts_recv_ns:  # the venue says no time: ours must not move its clock
            self.newest_local_ns = ts_event_ns
        elif ts_event_ns > self.newest_ns and not self._reach(ts_event_ns, quote.ts_recv_ns, symbol):
            return
        tape.quotes_seen += 1
        if tape.quotes.observe(quote.update_id, ts_event_ns):
            self._emit(quote)
        else:
            self._drop("stale_quote", symbol)

    def _change(self, change: BookChange) -> None:
        symbol, ts_event_ns = change.symbol, change.ts_event_ns
        tape = self.tapes.get(symbol) or self._tape(symbol)
        if tape is None:
            return
        if ts_event_ns > self.newest_ns and not self._reach(ts_event_ns, change.ts_recv_ns, symbol):
            return
        tape.changes_seen += 1
        sync = tape.book
        was_synced, from_id = sync.is_synced, sync.book.update_id + 1
        book = sync.change(change)
        if book is not None:
            self._emit(book)
        elif was_synced and not sync.is_synced:
            self.unsynced.add(symbol)
            self._drop("book_lost", f"{symbol}: {sync.reason}")
            self.announce(
                self.gaps.interrupt(symbol, "book", sync.last_ts_ns, from_id, "venue_jump", sync.reason)
            )

    def _liquidation(self, liquidation: Liquidation) -> None:
        symbol = liquidation.symbol
        tape = self._tape(symbol)
        if tape is None:
            return
        if not self._is_true(liquidation.ts_event_ns, max(liquidation.ts_recv_ns, self.newest_ns)):
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
