"""The newest trades of one symbol, kept as the frames that brought them. Pure."""

from __future__ import annotations

import collections
from typing import Final

import msgspec

from actors.hub.payloads import array_header, body_of, event_count, last_event, split_events
from actors.hub.slots import Slot
from protocol.errors import DECODE_ERRORS, PayloadError
from protocol.messages import Trade
from protocol.record import FLAG_REPAIRED, Frame
from protocol.topics import Topic

_trades: Final = msgspec.msgpack.Decoder(list[Trade])


class TradeSlot(Slot):
    """At least the newest `keep` trades, at most one frame more."""

    __slots__ = ("_keep", "_kept", "_newest", "_newest_of", "_payloads")

    def __init__(self, name: str, topic: Topic, frame: Frame, keep: int) -> None:
        super().__init__(name, topic, frame)
        self._keep = keep
        self._kept = 0
        self._newest: tuple[bytes, int] = (b"", 0)
        self._newest_of: bytes | None = None
        """Payload that `_newest` was decoded from."""
        self._payloads: collections.deque[tuple[bytes, int]] = collections.deque()

    def apply(self, frame: Frame) -> None:
        """Keep the frame's trades and forget the oldest."""
        count = event_count(frame.payload)
        if not count:
            return
        place = self._place_of(frame.payload) if frame.flags & FLAG_REPAIRED else len(self._payloads)
        self.frame = frame
        self.frames += 1
        self.events += count
        self._insert(place, frame.payload, count)

    def backfill(self, frame: Frame) -> None:
        """Put trades that come late in their place, unless they were heard before; they are not the newest."""
        count = event_count(frame.payload)
        if count and all(held != frame.payload for held, _ in self._payloads):
            self.events += count
            self._insert(self._place_of(frame.payload), frame.payload, count)

    def fill(self, payloads: list[bytes]) -> None:
        """Take stored trades, in order of time; of those that were heard too one stays."""
        heard = {bytes(event) for payload, _ in self._payloads for event in split_events(payload)}
        for payload in payloads:
            events = (
                [event for event in split_events(payload) if bytes(event) not in heard] if heard else None
            )
            if events is None:
                self._payloads.append((payload, event_count(payload)))
            elif events:
                self._payloads.append((array_header(len(events)) + b"".join(events), len(events)))
        if heard:
            self._payloads = collections.deque(sorted(self._payloads, key=lambda held: _order_of(held[0])))
        self._kept = sum(count for _, count in self._payloads)
        self._forget()

    def _insert(self, place: int, payload: bytes, count: int) -> None:
        self._payloads.insert(place, (payload, count))
        self._kept += count
        self._forget()

    def _forget(self) -> None:
        while self._payloads and self._kept - self._payloads[0][1] >= self._keep:
            self._kept -= self._payloads.popleft()[1]

    def _place_of(self, payload: bytes) -> int:
        """Where trades fetched later belong among the frames kept: a hole lies between two frames."""
        key = _order_of(payload)
        place = len(self._payloads)
        while place and _order_of(self._payloads[place - 1][0]) > key:
            place -= 1
        return place

    def newest(self) -> tuple[bytes, int]:
        """The newest trade and its receive time."""
        payload = self._payloads[-1][0] if self._payloads else self.frame.payload
        if self._newest_of is not payload:
            event = last_event(payload)
            self._newest = event, _decode_trades(array_header(1) + event)[0].ts_recv_ns
            self._newest_of = payload
        return self._newest

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

    def seam_ns(self) -> int:
        """Time from which every trade is kept: behind the oldest one, whose moment forgotten ones may share."""
        return min(trade.ts_event_ns for trade in _decode_trades(self._payloads[0][0])) + 1

    def span(self) -> tuple[int, int]:
        """Time `[from, to)` of the trades kept, ns."""
        times = [trade.ts_event_ns for trade in self.between(0, 0)]
        return min(times), max(times) + 1

    def tail(self, count: int) -> list[bytes]:
        """The newest `count` trades, encoded, oldest first."""
        events = [event for payload, _ in self._payloads for event in split_events(payload)]
        return [bytes(event) for event in events[-count:]] if count else []


def _order_of(payload: bytes) -> tuple[int, int]:
    """Event time and id of a payload's first trade."""
    trade = _decode_trades(array_header(1) + bytes(split_events(payload)[0]))[0]
    return trade.ts_event_ns, trade.trade_id if isinstance(trade.trade_id, int) else 0


def _decode_trades(payload: bytes) -> list[Trade]:
    try:
        return _trades.decode(payload)
    except DECODE_ERRORS as fault:
        raise PayloadError(f"trades cannot be read: {fault}") from fault
