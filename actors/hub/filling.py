"""Puts what is stored into the hub's windows, whether these are new or have heard live frames meanwhile. Pure."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from actors.hub.candles import BarSlot
from actors.hub.payloads import last_event
from actors.hub.series import SeriesSlot
from actors.hub.slots import FlowSlot, Slot
from actors.hub.store import Store
from actors.hub.trades import TradeSlot
from protocol.errors import PayloadError
from protocol.history import BarWindow, EventWindow, Windows
from protocol.messages import (
    Alert,
    Bar,
    Feature,
    Flow,
    Footprint,
    Gap,
    Liquidation,
    Message,
    News,
    Quote,
    Signal,
    Sweep,
    Trade,
    Verdict,
)
from protocol.record import FLAG_REPEATED, VERSION, Frame, RecordKind
from protocol.sessions import timeframe_ns
from protocol.topics import market_topic
from protocol.windows import BAR_BYTES, unpack_bar

_TYPES: Final[dict[str, type[Message]]] = {
    kind.KIND: kind for kind in (Bar, Quote, Trade, Flow, Feature, Footprint)
}
_gaps: Final = msgspec.msgpack.Decoder(list[Gap])
_decoders: Final = {name: msgspec.msgpack.Decoder(kind) for name, kind in _TYPES.items()}
_lists: Final = {
    kind.KIND: msgspec.msgpack.Decoder(list[kind])  # type: ignore[valid-type]
    for kind in (Alert, Signal, Liquidation, Sweep, Verdict, News)
}
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
            for kind, listed in page.lists.items():
                if kind in self._store.logs:
                    self._store.logs[kind].fill(_lists[kind].decode(listed))
            for bars in page.bars:
                self._bars(bars)
            for events in page.events:
                self._events(events)
        except (msgspec.DecodeError, UnicodeDecodeError, ValueError, IndexError) as fault:
            raise PayloadError(f"stored windows cannot be read: {fault}") from fault

    def _bars(self, window: BarWindow) -> None:
        count, rest = divmod(len(window.rows), BAR_BYTES)
        if rest:
            raise ValueError(f"{len(window.rows)} bytes of candles are no rows of {BAR_BYTES}")
        if not count:
            return
        identity = (window.symbol, window.venue, window.timeframe)
        newest = unpack_bar(window.rows, count - 1, identity, window.sources)
        topic = market_topic("bar", window.venue, window.symbol, window.timeframe)
        closed_ns = newest.ts_open_ns + timeframe_ns(window.timeframe)
        frame = _frame(topic, _encode([newest]), (window.publisher, window.epoch, window.seq), closed_ns)
        slot = self._store.place(frame)
        assert isinstance(slot, BarSlot)
        slot.window.fill(window.rows, window.sources)
        self.bars += count
        self._filled(slot, frame, [(window.publisher, window.epoch, window.seq)])

    def _events(self, window: EventWindow) -> None:
        if not window.payloads or not window.ends or window.kind not in _decoders:
            return
        newest: Any = _decoders[window.kind].decode(last_event(window.payloads[-1]))
        topic = market_topic(window.kind, window.venue, window.symbol, window.timeframe)
        when_ns = newest.ts_recv_ns if window.kind in ("quote", "trade") else newest.ts_event_ns
        frame = _frame(topic, _encode([newest]), window.ends[-1], when_ns)
        slot = self._store.place(frame)
        if isinstance(slot, TradeSlot):
            slot.fill(window.payloads)
        elif isinstance(slot, SeriesSlot | FlowSlot):
            for payload in window.payloads:
                slot.backfill(_frame(topic, payload, window.ends[-1], when_ns))
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


def _frame(topic: str, payload: bytes, record: tuple[str, int, int], ts_pub_ns: int) -> Frame:
    """A frame that holds events of a topic, the newest last, as its publisher may have sent it; without a `topic_seq`."""
    publisher, epoch, seq = record
    schema = _TYPES[topic.partition(".")[0]].SCHEMA
    return Frame(
        topic, payload, b"", len(payload), 0, VERSION, RecordKind.DATA, FLAG_REPEATED, schema, _padded(publisher), epoch,
        seq, 0, ts_pub_ns,
    )  # fmt: skip
