"""Puts what is stored into the hub's windows, whether these are new or have heard live frames meanwhile. Pure."""

from __future__ import annotations

from typing import Final

import msgspec

from actors.hub.candles import BarSlot
from actors.hub.payloads import last_event
from actors.hub.slots import Slot
from actors.hub.store import Store
from actors.hub.trades import TradeSlot
from protocol.errors import PayloadError
from protocol.history import BarWindow, EventWindow, Windows
from protocol.messages import Bar, Gap, Quote, Trade
from protocol.record import FLAG_REPEATED, VERSION, Frame, RecordKind
from protocol.sessions import timeframe_ns
from protocol.topics import market_topic
from protocol.windows import BAR_BYTES, unpack_bar

_SCHEMAS: Final = {kind.KIND: kind.SCHEMA for kind in (Bar, Quote, Trade)}
_gaps: Final = msgspec.msgpack.Decoder(list[Gap])
_quotes: Final = msgspec.msgpack.Decoder(Quote)
_trades: Final = msgspec.msgpack.Decoder(Trade)
_encode: Final = msgspec.msgpack.Encoder().encode
PUBLISHER_BYTES: Final = 32


class Filling:
    """Fills a store from pages of stored windows."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.bars = 0
        """Stored candles that were taken over."""
        self.topics = 0

    def take(self, page: Windows) -> None:
        """Take one page.

        Raises:
            PayloadError: a window cannot be read; those before it were taken.
        """
        try:
            self._store.gaps.add_earlier(_gaps.decode(page.gaps))
            for bars in page.bars:
                self._bars(bars)
            for events in page.events:
                self._events(events)
        except (msgspec.DecodeError, UnicodeDecodeError, ValueError, IndexError) as fault:
            raise PayloadError(f"stored windows cannot be read: {fault}") from fault

    def _bars(self, window: BarWindow) -> None:
        count = len(window.rows) // BAR_BYTES
        if not count:
            return
        identity = (window.symbol, window.venue, window.timeframe)
        newest = unpack_bar(window.rows, count - 1, identity, window.sources)
        topic = market_topic("bar", window.venue, window.symbol, window.timeframe)
        closed_ns = newest.ts_open_ns + timeframe_ns(window.timeframe)
        frame = _frame(topic, [newest], (window.publisher, window.epoch, window.seq), closed_ns)
        slot = self._store.place(frame)
        assert isinstance(slot, BarSlot)
        slot.window.fill(window.rows, window.sources)
        self.bars += count
        self._filled(slot, frame, [(window.publisher, window.epoch, window.seq)])

    def _events(self, window: EventWindow) -> None:
        if not window.payloads or not window.ends:
            return
        event = last_event(window.payloads[-1])
        decoder = _quotes if window.kind == "quote" else _trades
        newest: Quote | Trade = decoder.decode(event)
        topic = market_topic(window.kind, window.venue, window.symbol)
        frame = _frame(topic, [newest], window.ends[-1], newest.ts_recv_ns)
        slot = self._store.place(frame)
        if isinstance(slot, TradeSlot):
            slot.fill(window.payloads)
        self._filled(slot, frame, window.ends)

    def _filled(self, slot: Slot, frame: Frame, ends: list[tuple[str, int, int]]) -> None:
        """Note up to where a slot was filled: of that nothing may count again."""
        self.topics += 1
        slot.ends = slot.ends | {_padded(name): (epoch, seq) for name, epoch, seq in ends}
        slot.is_restored, slot.since = True, None
        if slot.is_newer(frame):
            slot.frame = frame


def _padded(publisher: str) -> bytes:
    return publisher.encode().ljust(PUBLISHER_BYTES, b"\x00")


def _frame(
    topic: str, events: list[Bar] | list[Quote | Trade], record: tuple[str, int, int], ts_pub_ns: int
) -> Frame:
    """A frame that holds the newest event of a topic, as its publisher may have sent it; without a `topic_seq`."""
    publisher, epoch, seq = record
    payload = _encode(events)
    schema = _SCHEMAS[topic.partition(".")[0]]
    return Frame(
        topic, payload, b"", len(payload), 0, VERSION, RecordKind.DATA, FLAG_REPEATED, schema, _padded(publisher), epoch,
        seq, 0, ts_pub_ns,
    )  # fmt: skip
