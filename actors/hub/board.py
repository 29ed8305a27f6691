"""The board of a hub: what of its store lies open to the engines of this host. Time comes from the hub's clock.

Written at the end of each turn, what has changed in it; rows of candles lie on the board themselves, and are written as they come.
What is not clear (two publishers with a gap, a market that is about to open) is marked "ask the hub", so a reader never has
to know more rules than: current until then, too old from then on.
"""

from __future__ import annotations

import struct
from typing import Final

import msgspec

from actors.hub.bars import BarWindow, Block, Ground
from actors.hub.books import BookSlot
from actors.hub.candles import BarSlot
from actors.hub.freshness import MINUTE, Freshness
from actors.hub.series import SeriesSlot
from actors.hub.slots import FlowSlot, QuoteSlot, Slot
from actors.hub.store import Store
from actors.runtime.clock import Clock
from protocol.board import layout
from protocol.board.books import pack_book
from protocol.board.layout import ASK, FETCHED, GAP_OPEN, NEVER, Common
from protocol.board.writing import BoardWriter, Entry, Extent
from protocol.errors import BoardFull, PayloadError
from protocol.fleet import Fleet
from protocol.sessions import timeframe_ns
from protocol.windows import BAR_BYTES

JUDGED_S: Final = 0.1
"""Pause between two looks at who is alive."""
HORIZON_NS: Final = 500_000_000
"""How long a board is taken for current after such a look: a hub that hangs is soon asked again."""
BOOK_LEVELS: Final = 25
"""Levels a side of a book that are on the board; who wants more asks the hub."""
_SPARE: Final = 5
"""One more byte of room for so many that are needed: what is encoded is not always of one length."""
_encode: Final = msgspec.msgpack.Encoder().encode
_Key = tuple[tuple[bytes, ...], str, str]
"""Publishers of a topic, its venue, its session."""


class Board:
    """Writes a board.

    Args:
        writer: The file.
        store: What is known.
        freshness: What is said of it.
        fleet: Who is alive.
        clock: What time it is.
    """

    def __init__(
        self, writer: BoardWriter, store: Store, freshness: Freshness, fleet: Fleet, clock: Clock
    ) -> None:
        self._writer = writer
        self._store = store
        self._freshness = freshness
        self._fleet = fleet
        self._clock = clock
        self._entries: dict[str, Entry] = {}
        self._grounds: dict[str, BoardGround] = {}
        self._verdicts: dict[_Key, int] = {}
        self._markets: dict[tuple[str, str], list[str]] = {}
        """(venue, symbol) to topics on the board."""
        self._terms: dict[str, tuple[tuple[bytes, int, str], int, int]] = {}
        """Topic of quotes to (publisher, venues of the symbol, session), and with these: terms, time to live, ns (0: without end)."""
        self._due_ns = 0
        self._offset_ns = 0
        """Our wall clock minus the monotonic one."""
        self._fetched: dict[str, bool] = {}
        """Topic of fetched minutes to whether they only repeat what was known last."""
        self.changing: dict[str, None] = {}
        """Topics whose rows are being changed."""
        self.left_out: set[str] = set()
        """Topics for which there was no room."""
        self.judge()

    def settle(self) -> None:
        """Rows have been changed: let readers have them."""
        while self.changing:
            self._post(self.changing.popitem()[0])

    def show(self, name: str) -> None:
        """Write one topic, before an answer about it goes out; all of them where more than values may have changed."""
        store = self._store
        if store.gaps.changed or self._fleet.is_worse or self.changing:
            self.flush()
        elif name in store.touched:
            del store.touched[name]
            self._post(name)

    def flush(self) -> None:
        """Write what has changed since the last time."""
        store, changing = self._store, self.changing
        store.is_cleared = False
        gaps = store.gaps
        if store.touched or changing or gaps.changed:
            touched, store.touched = store.touched, {}
            for market in gaps.changed:
                touched.update(dict.fromkeys(self._markets.get(market, ())))
            gaps.changed.clear()
            touched.update(changing)
            changing.clear()
            for name in touched:
                self._post(name)
        if self._fleet.is_worse or self._clock.mono_ns() >= self._due_ns:
            self.judge()

    def judge(self) -> None:
        """Say until when all of it is current."""
        mono_ns, now_ns = self._clock.mono_ns(), self._clock.now_ns()
        self._offset_ns = now_ns - mono_ns
        self._fleet.is_worse = False
        self._due_ns = mono_ns + round(JUDGED_S * 1e9)
        words = self._writer.words
        words[layout.HEADER_CLOCK] = mono_ns
        for key, word in self._verdicts.items():
            words[word], words[word + 1] = self._verdict(key, now_ns, mono_ns + HORIZON_NS)

    def _verdict(self, key: _Key, now_ns: int, latest_ns: int) -> tuple[int, int]:
        """Until when: current, the last value of a closed market."""
        publishers, venue, session = key
        if session:
            is_open = self._freshness.open_until(session, now_ns, now_ns + HORIZON_NS)
            if not is_open:
                return 0, 0 if is_open is None else latest_ns
        return max(self._fleet.up_until_ns(one, venue, latest_ns) for one in publishers), 0

    def close(self) -> None:
        """Take the board away."""
        self._writer.close()

    @property
    def size_bytes(self) -> int:
        """Of the file."""
        return self._writer.size_bytes

    def leave_out(self, name: str, entry: Entry) -> None:
        """There is no room for a topic any more: the hub is asked for it, and what it had is free."""
        self.left_out.add(name)
        entry.withdraw()
        if entry.extent is not None:
            self._writer.release(entry.extent)
            entry.extent = None

    # one topic

    def _post(self, name: str) -> None:
        slot, entry = self._store.get(name), self._entries.get(name)
        if slot is None or not slot.is_posted:
            if entry is not None:
                entry.withdraw()
            return
        try:
            if entry is None:
                entry = self._enter(slot)
            self._write(slot, entry)
        except (
            PayloadError,
            struct.error,
            OverflowError,
        ):  # it cannot be read, or a number of it has no place here
            if entry is not None:
                entry.withdraw()
        except BoardFull:
            self.left_out.add(name)
            if entry is not None:
                entry.withdraw()

    def _enter(self, slot: Slot) -> Entry:
        topic = slot.topic
        entry = self._entries[slot.name] = self._writer.entry(topic.kind, slot.name)
        self._markets.setdefault((topic.venue, topic.symbol), []).append(slot.name)
        return entry

    def _write(self, slot: Slot, entry: Entry) -> None:
        if isinstance(slot, QuoteSlot):
            self._write_quote(slot, entry)
        elif isinstance(slot, BarSlot):
            self._write_bars(slot, entry)
        elif isinstance(slot, BookSlot):
            if not slot.is_synced:
                entry.withdraw()
                return
            book = slot.top(BOOK_LEVELS)
            is_whole = max(slot.book.levels()) <= BOOK_LEVELS
            try:
                packed = pack_book(book, is_whole)
            except ValueError as fault:
                raise PayloadError(str(fault)) from fault
            self._write_bytes(entry, self._common(slot, book.ts_recv_ns), packed)
        elif isinstance(slot, FlowSlot):
            windows = [
                (length_s, ts_pub_ns - self._offset_ns, flow)
                for length_s, (flow, ts_pub_ns) in slot.windows.items()
            ]
            self._write_bytes(entry, self._common(slot, slot.frame.ts_pub_ns), _encode(windows))
        elif isinstance(slot, SeriesSlot):
            event, recv_ns = slot.newest()
            interval_s = timeframe_ns(slot.topic.timeframe) / 1e9
            self._write_bytes(entry, self._common(slot, recv_ns, interval_s), event)

    def _write_quote(self, slot: QuoteSlot, entry: Entry) -> None:
        """Quotes are most of what is written: their terms are looked into again only where they may have changed."""
        _, quote = slot.decoded()
        frame, topic, store = slot.frame, slot.topic, self._store
        recv_ns = quote.ts_recv_ns
        born_ns = recv_ns - self._offset_ns
        grounds = frame.publisher_padded, len(store.of_symbol(topic.kind, topic.symbol)), slot.session
        known = self._terms.get(slot.name)
        if known is not None and known[0] == grounds and slot.sharing is None and not store.gaps.open_count:
            _, terms, ttl_ns = known
            stale_ns = born_ns + ttl_ns if ttl_ns else NEVER
        else:
            common = self._common(slot, recv_ns)
            terms, stale_ns = common.terms, common.stale_ns
            if slot.sharing is None and not store.gaps.open_count:
                self._terms[slot.name] = grounds, terms, 0 if stale_ns == NEVER else stale_ns - born_ns
            else:
                self._terms.pop(slot.name, None)
        entry.write_quote(
            terms, frame.epoch, frame.seq, born_ns, stale_ns, quote.ts_event_ns, recv_ns, quote.update_id, quote.bid,
            quote.ask, quote.bid_size, quote.ask_size,
        )  # fmt: skip

    def _write_bytes(self, entry: Entry, common: Common, encoded: bytes) -> None:
        size = len(encoded)
        extent = entry.extent
        entry.begin()
        if extent is None or len(extent.view) < size:
            extent = self.replaced(extent, size + size // _SPARE)
            entry.extent = extent
        extent.view[:size] = encoded
        entry.write(common, extent.place, size)

    def _write_bars(self, slot: BarSlot, entry: Entry) -> None:
        name, window = slot.name, slot.window
        ground = self._grounds.get(name)
        if ground is None or ground.window is not window:
            if entry.extent is not None:  # of a window that was forgotten
                self._writer.release(entry.extent)
                entry.extent = None
            ground = self._grounds[name] = BoardGround(self, name, entry, window)
            window.move(ground)
        if ground.extent is None or not len(window):
            entry.withdraw()
            return
        head = slot.head()
        if ground.head != head:
            entry.begin()
            if entry.head is None or len(entry.head.view) < len(head):
                entry.head = self.replaced(entry.head, len(head))
            entry.head.view[: len(head)] = head
            ground.head = head
        common = self._common(slot, slot.frame.ts_pub_ns, slot.timeframe_ns / 1e9)
        size = len(window) * BAR_BYTES
        entry.write(common, ground.extent.place + window.offset, size, len(head))

    def replaced(self, extent: Extent | None, size_bytes: int) -> Extent:
        """Room instead of some that is no longer used.

        Raises:
            BoardFull: there is none; what is used stays.
        """
        fresh = self._writer.allocate(size_bytes)
        if extent is not None:
            self._writer.release(extent)
        return fresh

    def _common(self, slot: Slot, recv_ns: int, interval_s: float = 0.0) -> Common:
        """What every record begins with."""
        frame, topic = slot.frame, slot.topic
        standing = self._freshness.standing(slot, recv_ns, interval_s)
        born_ns = standing.recv_ns - self._offset_ns
        stale_ns = born_ns + round(standing.ttl_s * 1e9) if standing.ttl_s else NEVER
        doubt = len(self._store.of_symbol(topic.kind, topic.symbol, topic.timeframe))
        if standing.is_fetched:
            doubt |= FETCHED
            if standing.is_last_known:
                doubt |= ASK
            self._note_minutes(slot)
        publishers: tuple[bytes, ...] = (frame.publisher_padded,)
        if slot.sharing is not None:
            publishers = tuple(slot.sharing.frames)
        if self._freshness.is_missing(slot, self._clock.mono_ns()):
            doubt |= GAP_OPEN if slot.sharing is None else ASK
        source = self._writer.source(self._fleet.name_of(frame.publisher_padded))
        verdict = self._verdict_of((publishers, topic.venue, slot.session))
        return Common(verdict, source, frame.epoch, frame.seq, born_ns, stale_ns, doubt)

    def _verdict_of(self, key: _Key) -> int:
        word = self._verdicts.get(key)
        if word is None:
            word = self._verdicts[key] = self._writer.verdict()
            words, now_ns = self._writer.words, self._clock.now_ns()
            words[word], words[word + 1] = self._verdict(key, now_ns, now_ns - self._offset_ns + HORIZON_NS)
        return word

    def _note_minutes(self, slot: Slot) -> None:
        """Minutes that begin or cease to be what was known last change what is said of all that is made of them."""
        topic = slot.topic
        if topic.kind == "bar" and topic.timeframe == MINUTE:
            is_last_known = slot.is_last_known()
            if self._fetched.get(slot.name) != is_last_known:
                self._fetched[slot.name] = is_last_known
                others = self._markets.get((topic.venue, topic.symbol), ())
                self._store.touched.update(dict.fromkeys(one for one in others if one != slot.name))


class BoardGround(Ground):
    """Rows of one window, on the board."""

    def __init__(self, board: Board, name: str, entry: Entry, window: BarWindow) -> None:
        self._board = board
        self._name = name
        self._entry = entry
        self.window = window
        self.head = b""
        """What precedes the rows, as it is on the board."""

    @property
    def extent(self) -> Extent | None:
        """Where the rows lie; None: there is no room for them on the board."""
        return self._entry.extent

    def begin(self) -> None:
        """Readers ask the hub until the rows are settled."""
        self._entry.begin()
        self._board.changing[self._name] = None

    def block(self, size_bytes: int) -> Block:
        """Room on the board, else on the heap."""
        self.begin()
        try:
            self._entry.extent = self._board.replaced(self._entry.extent, size_bytes)
        except BoardFull:
            self._board.leave_out(self._name, self._entry)
            return super().block(size_bytes)
        return self._entry.extent.view[:size_bytes]
