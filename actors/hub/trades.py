"""The newest trades of one symbol, kept as the frames that brought them. Pure."""

from __future__ import annotations

import collections
from typing import Final

import msgspec

from actors.hub.payloads import array_header, body_of, event_count, split_events
from actors.hub.slots import DecodedSlot
from protocol.errors import PayloadError
from protocol.messages import Trade
from protocol.record import Frame
from protocol.topics import Topic

_trades: Final = msgspec.msgpack.Decoder(list[Trade])


class TradeSlot(DecodedSlot):
    """At least the newest `keep` trades, at most one frame more."""

    __slots__ = ("_keep", "_kept", "_payloads")
    _decoder = msgspec.msgpack.Decoder(Trade)

    def __init__(self, name: str, topic: Topic, frame: Frame, keep: int) -> None:
        super().__init__(name, topic, frame)
        self._keep = keep
        self._kept = 0
        self._payloads: collections.deque[tuple[bytes, int]] = collections.deque()

    def apply(self, frame: Frame) -> None:
        """Keep the frame's trades and forget the oldest."""
        count = event_count(frame.payload)
        if not count:
            return
        self.frame = frame
        self.frames += 1
        self.events += count
        self._payloads.append((frame.payload, count))
        self._kept += count
        while self._kept - self._payloads[0][1] >= self._keep:
            self._kept -= self._payloads.popleft()[1]

    def newest(self) -> tuple[bytes, int]:
        """The newest trade and its receive time."""
        event, trade = self.decoded()
        return event, trade.ts_recv_ns

    def window(self, count: int) -> list[bytes]:
        """The newest `count` trades as the pieces of one encoded array, oldest first; nothing is decoded."""
        pieces: list[bytes] = []
        events = 0
        for payload, held in reversed(self._payloads):
            if events >= count:
                break
            wanted = min(held, count - events)
            pieces.append(body_of(payload) if wanted == held else b"".join(split_events(payload)[-wanted:]))
            events += wanted
        pieces.append(array_header(events))
        pieces.reverse()
        return pieces

    def count(self) -> int:
        """Trades kept."""
        return self._kept

    def between(self, from_ns: int, to_ns: int) -> list[Trade]:
        """Kept trades with event time in `[from_ns, to_ns)`; 0 leaves an end open."""
        return [
            trade
            for payload, _ in self._payloads
            for trade in _decode_trades(payload)
            if trade.ts_event_ns >= from_ns and (not to_ns or trade.ts_event_ns < to_ns)
        ]

    def tail(self, count: int) -> list[bytes]:
        """The newest `count` trades, encoded, oldest first."""
        events = [event for payload, _ in self._payloads for event in split_events(payload)]
        return [bytes(event) for event in events[-count:]] if count else []


def _decode_trades(payload: bytes) -> list[Trade]:
    try:
        return _trades.decode(payload)
    except (msgspec.DecodeError, UnicodeDecodeError) as fault:
        raise PayloadError(f"trades cannot be read: {fault}") from fault
