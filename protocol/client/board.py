"""Reads from the hub's board: the answers that the hub would give, without asking it.

What is not on the board, not current, refused, or not clear at this moment is not answered here (None): the hub is asked, and
says why in its own words. So ages, states and errors are the same either way.
"""

from __future__ import annotations

import contextlib
import mmap
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

import msgspec

from protocol.board import layout
from protocol.board.books import cut_book
from protocol.board.layout import ASK, FETCHED, GAP_OPEN, NEVER, VENUES, Common
from protocol.board.machine import is_possible
from protocol.board.reading import BoardReader, NoBoard, Place
from protocol.client.results import Tick, Ticks
from protocol.requests import Reply, Request
from protocol.sessions import timeframe_ns
from protocol.windows import BAR_BYTES, rows_between, ts_open_of

_QUERY: Final = ".query"
"""Ends the path of a hub's socket."""
LOOK_NS: Final = 50_000_000
"""Between two looks whether there is a board, or a new one."""
DEFAULT_TIMEFRAME: Final = "1m"
"""Of the hub, for a question that names none."""
_unpack_quote: Final = layout.QUOTE.unpack_from
_mono_ns: Final = time.monotonic_ns
_encode: Final = msgspec.msgpack.Encoder().encode
_flows: Final = msgspec.msgpack.Decoder(list[tuple[float, int, msgspec.Raw]]).decode
_Quick = tuple[mmap.mmap, int, memoryview, int, str, int, str, str, int]
"""Of a quote that was fresh at the last look: memory, offset, words of its board, word of its verdict, publisher, epoch of the
hub; symbol, venue; `terms` on which it may be given out without a second look."""
_Parts = tuple[bytes, int, int, int, int]
"""Encoded data of a reply (empty: ask); rows asked for, covered from, covered to; when it was received (0: as its record says)."""
_Make = Callable[[BoardReader, tuple[int, ...]], _Parts]
"""Makes them of what a record points to."""


class Board:
    """The board of one hub of this host, whether there is one now or later.

    Args:
        pointer: The link that leads to it; None: there is none, the hub is always asked.
    """

    def __init__(self, pointer: Path | None) -> None:
        self._pointer = pointer
        self._reader: BoardReader | None = None
        self._look_ns = 0
        self._quick: dict[str, dict[str, _Quick]] = {"": {}}
        """Venue (empty: none was named) to symbol."""
        self._operations: dict[str, Callable[[Request], Reply | None]] = {
            "tick": self._tick_reply,
            "candles": self._candles,
            "book": self._book,
            "order_flow": self._order_flow,
            "features": self._features,
            "snapshot": self._snapshot,
        }

    def tick(self, symbol: str, venue: str = "") -> Tick | None:
        """Best bid and ask, unless the hub has to be asked."""
        try:
            memory, offset, words, verdict, source, hub_epoch, name, at, expected = self._quick[venue][symbol]
            (
                end, terms, epoch, seq, born_ns, stale_ns, ts_event_ns, ts_recv_ns, update_id, bid, ask, bid_size, ask_size, begin,
            ) = _unpack_quote(memory, offset)  # fmt: skip
            now_ns = _mono_ns()
            if end == begin and terms == expected and now_ns <= stale_ns and now_ns <= words[verdict]:
                return Tick(
                    (now_ns - born_ns) / 1e9, "fresh", source, epoch, seq, hub_epoch, name, at, ts_event_ns, ts_recv_ns, bid, ask,
                    bid_size, ask_size, update_id,
                )  # fmt: skip
        except KeyError:  # not asked for before
            pass
        return self._tick(symbol, venue)

    def ticks(self, symbols: Sequence[str], venue: str = "") -> Ticks | None:
        """Best bid and ask of the symbols named, if all are here; None: ask."""
        found = Ticks()
        for symbol in symbols:
            tick = self.tick(symbol, venue)
            if tick is None:
                return None
            found[symbol] = tick
        return found or None

    def reply(self, request: Request) -> Reply | None:
        """The hub's answer to a question; None: it has to be asked."""
        if self._pointer is None:
            return None
        operation = self._operations.get(request.op)
        if operation is None or request.n < 0 or request.depth < 0:
            return None
        return operation(request)

    def close(self) -> None:
        """Read no more."""
        self._pointer, self._reader, self._quick = None, None, {"": {}}

    def _tick(self, symbol: str, venue: str) -> Tick | None:
        """As `tick`, of a symbol that is asked for the first time, whose venues are several, or that is not simply fresh."""
        found = self._find("quote", symbol, venue)
        if found is None:
            return None
        reader, place = found
        record = reader.quote(place)
        if record is None:
            return None
        common, (ts_event_ns, ts_recv_ns, update_id, bid, ask, bid_size, ask_size) = record
        now_ns = _mono_ns()
        state = _state(reader, common, now_ns)
        source = _name(reader, common.source)
        if state is None or source is None:
            return None
        topic = place.topic
        if state == "fresh" and (venue or common.doubt & VENUES == 1):
            self._quick.setdefault(venue, {})[symbol] = (
                place.memory, place.offset, reader.words, common.verdict, source, reader.epoch, topic.symbol, topic.venue,
                common.terms,
            )  # fmt: skip
        return Tick(
            (now_ns - common.born_ns) / 1e9, state, source, common.epoch, common.seq, reader.epoch, topic.symbol, topic.venue,
            ts_event_ns, ts_recv_ns, bid, ask, bid_size, ask_size, update_id,
        )  # fmt: skip

    def _tick_reply(self, request: Request) -> Reply | None:
        """A tick among many things: as the hub would encode it."""
        tick = self.tick(request.symbol, request.venue)
        if tick is None:
            return None
        quote = (
            tick.symbol, tick.venue, tick.ts_event_ns, tick.ts_recv_ns, tick.bid, tick.ask, tick.bid_size,
            tick.ask_size, tick.update_id,
        )  # fmt: skip
        return Reply(
            id=request.id, ok=True, epoch=tick.hub_epoch, seq=tick.seq, source=tick.source, source_epoch=tick.epoch,
            age_s=tick.age_s, state=tick.state, data=msgspec.Raw(_encode(quote)),
        )  # fmt: skip

    def _snapshot(self, request: Request) -> Reply | None:
        """Many things, if all of them are here."""
        parts: list[Reply] = []
        for query in request.queries:
            try:
                part = msgspec.convert(query, Request)
            except msgspec.ValidationError:
                return None
            reply = None if part.op == request.op else self.reply(part)
            if reply is None:
                return None
            parts.append(reply)
        return Reply(id=request.id, ok=True, data=msgspec.Raw(_encode(parts))) if parts else None

    # where it is

    def _find(
        self, kind: str, symbol: str, venue: str, timeframe: str = ""
    ) -> tuple[BoardReader, Place] | None:
        """The place of the venue asked for, else of the one with the newest value; None: ask."""
        reader = self._current(_mono_ns())
        if reader is None:
            return None
        for _ in range(2):
            places = reader.places.get((kind, symbol, timeframe), [])
            if venue:
                place = next((one for one in places if one.topic.venue == venue), None)
            else:
                place = _newest(reader, places)
            if place is not None:
                return reader, place
            _refresh(reader)
        return None

    def _current(self, now_ns: int) -> BoardReader | None:
        """The board as it is now: the hub may have been started anew."""
        reader, pointer = self._reader, self._pointer
        if now_ns < self._look_ns or pointer is None:
            return reader
        self._look_ns = now_ns + LOOK_NS
        if reader is None or not reader.is_current:
            self._reader = None
            with contextlib.suppress(NoBoard, OSError, ValueError, IndexError):
                self._reader = BoardReader(pointer)
            self._quick = {"": {}}
        return self._reader

    # what is there

    def _value(self, kind: str, request: Request, timeframe: str, make: _Make) -> Reply | None:
        """The reply with what `make` makes of a record."""
        found = self._find(kind, request.symbol, request.venue, timeframe)
        if found is None:
            return None
        reader, place = found
        taken = reader.take(place, lambda common, rest: (common, make(reader, rest)))
        if taken is None:
            return None
        common, (data, asked, from_ns, to_ns, born_ns) = taken
        if born_ns:
            older_ns = common.born_ns - born_ns
            stale_ns = common.stale_ns if common.stale_ns == NEVER else common.stale_ns - older_ns
            common = common._replace(born_ns=born_ns, stale_ns=stale_ns)
        now_ns = _mono_ns()
        state, source = _state(reader, common, now_ns), _name(reader, common.source)
        if state is None or source is None or not data:
            return None
        return Reply(
            id=request.id, ok=True, epoch=reader.epoch, seq=common.seq, source=source, source_epoch=common.epoch,
            age_s=(now_ns - common.born_ns) / 1e9, state=state, asked=asked, covered_from_ns=from_ns,
            covered_to_ns=to_ns, data=msgspec.Raw(data),
        )  # fmt: skip

    def _features(self, request: Request) -> Reply | None:
        def make(reader: BoardReader, rest: tuple[int, ...]) -> _Parts:
            return bytes(reader.bytes_at(rest[0], rest[1])), 0, 0, 0, 0

        return self._value("feature", request, request.timeframe or DEFAULT_TIMEFRAME, make)

    def _order_flow(self, request: Request) -> Reply | None:
        wanted = request.args.get("window_s")
        if isinstance(wanted, bool) or not isinstance(wanted, int | float | None):
            return None

        def make(reader: BoardReader, rest: tuple[int, ...]) -> _Parts:
            flows = _flows(bytes(reader.bytes_at(rest[0], rest[1])))
            shortest_s = min((length_s for length_s, _, _ in flows if length_s), default=0.0)
            length_s = shortest_s if wanted is None else float(wanted)
            for each_s, born_ns, flow in flows:
                if each_s == length_s:
                    return bytes(flow), 0, 0, 0, born_ns
            return b"", 0, 0, 0, 0

        return self._value("flow", request, "", make)

    def _book(self, request: Request) -> Reply | None:
        def make(reader: BoardReader, rest: tuple[int, ...]) -> _Parts:
            return cut_book(bytes(reader.bytes_at(rest[0], rest[1])), request.depth), 0, 0, 0, 0

        return self._value("book", request, "", make)

    def _candles(self, request: Request) -> Reply | None:
        timeframe = request.timeframe or DEFAULT_TIMEFRAME
        try:
            length_ns = timeframe_ns(timeframe)
        except ValueError:
            return None

        def make(reader: BoardReader, rest: tuple[int, ...]) -> _Parts:
            rows = reader.bytes_at(rest[0], rest[1])
            start, stop = rows_between(rows, request.from_ns, request.to_ns, request.n)
            head = reader.bytes_at(rest[2], rest[3])
            kept = rows[start * BAR_BYTES : stop * BAR_BYTES]
            data = b"".join((head, b"\xc6", len(kept).to_bytes(4, "big"), kept))
            if start >= stop:
                return data, request.n, 0, 0, 0
            covered = ts_open_of(rows, start), ts_open_of(rows, stop - 1) + length_ns
            return data, request.n, *covered, 0

        return self._value("bar", request, timeframe, make)


def board_of(endpoints: Sequence[str], is_wanted: bool = True) -> Board:
    """The board of the hub that is asked first, if that is one of this host and it is wanted; there need not be one yet."""
    path = endpoints[0].removeprefix("ipc://")
    if not is_wanted or path == endpoints[0] or not path.endswith(_QUERY) or not is_possible():
        return Board(None)
    return Board(Path(path.removesuffix(_QUERY) + f".{layout.POINTER_SUFFIX}"))


def _newest(reader: BoardReader, places: list[Place]) -> Place | None:
    """The place of the newest value, if all venues that the hub has it from are known here, and it is one."""
    newest: tuple[int, Place] | None = None
    is_tie = False
    for place in places:
        common = reader.common(place)
        if common is None or common.doubt & VENUES != len(places):
            return None
        recency_ns = common.born_ns - (layout.FETCHED_LATER_NS if common.doubt & FETCHED else 0)
        is_tie = newest is not None and (recency_ns == newest[0] or (is_tie and recency_ns < newest[0]))
        if newest is None or recency_ns > newest[0]:
            newest = recency_ns, place
    return None if newest is None or is_tie else newest[1]


def _state(reader: BoardReader, common: Common, now_ns: int) -> str | None:
    """State of a value that may be given out; None: ask."""
    if common.doubt & ASK:
        return None
    if now_ns <= reader.words[common.verdict]:
        if now_ns > common.stale_ns:
            return None
        return "gap_open" if common.doubt & GAP_OPEN else "fresh"
    return "closed_market" if now_ns <= reader.words[common.verdict + 1] else None


def _name(reader: BoardReader, source: int) -> str | None:
    """Name of a publisher; None: not known here."""
    if source >= len(reader.names):
        _refresh(reader)
    return reader.names[source] if source < len(reader.names) else None


def _refresh(reader: BoardReader) -> None:
    with contextlib.suppress(OSError, ValueError, IndexError):
        reader.refresh()
