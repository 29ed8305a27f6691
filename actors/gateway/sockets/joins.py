"""Joins what the hub remembers of a topic to what its feed has had: no hole, nothing double. Pure.

The hub's answer (`tail`) and our own frames race. What the answer has and we have had is the same frame by publisher,
epoch and number, or, where another collector's copy came first, the same event by what it says. Is the hub behind us, it
is asked again; is it ahead, we wait for the frame, or leave it out when it comes, if nobody else needs it.
"""

from __future__ import annotations

from typing import Any, Final, Literal

import msgspec

from actors.gateway.sockets.dialects import Unjoined
from actors.gateway.sockets.feed import Feed
from actors.gateway.sockets.ring import Entry
from protocol.client.joining import Tail
from protocol.codec import decode_events
from protocol.messages import MESSAGE_TYPES, Liquidation, Quote, Trade

Verdict = Literal["joined", "behind", "ahead"]
_encode: Final = msgspec.msgpack.Encoder().encode
_decoders: Final = {
    kind.SCHEMA >> 8: msgspec.msgpack.Decoder(list[kind]).decode  # type: ignore[valid-type]
    for kind in MESSAGE_TYPES
}


def events_of(entry: Entry) -> list[Any]:
    """The messages of an entry of a ring."""
    found: list[Any] = _decoders[entry.schema >> 8](entry.payload)
    return found


class Memory:
    """What the hub remembers of one topic.

    Args:
        tail: Its answer; None: it knows nothing.
    """

    def __init__(self, tail: Tail | None) -> None:
        self.publisher = tail.publisher.encode().ljust(32, b"\x00") if tail is not None else b""
        self.mark = (tail.epoch, tail.topic_seq) if tail is not None else (0, 0)
        self.events: list[Any] = tail.messages() if tail is not None else []
        self._keys = set(map(_key_of, self.events))
        self._first = min(map(_order_of, self.events), default=(0, 0))
        self._newest = max(map(_order_of, self.events), default=(0, 0))

    def has(self, event: Any) -> bool:
        """Whether it holds an event, or is past it."""
        if _key_of(event) in self._keys:
            return True
        is_tape = event.__class__ is Trade or event.__class__ is Liquidation
        return bool(self.events) and _order_of(event) < (self._first if is_tape else self._newest)

    def has_copy(self, event: Any) -> bool:
        """Whether it holds an event for sure: somebody else's copy of it."""
        key = _key_of(event)
        return not isinstance(key, bytes) and key in self._keys

    def has_frame(self, publisher_padded: bytes, mark: tuple[int, int], events: list[Any]) -> bool:
        """Whether it holds a frame."""
        if publisher_padded == self.publisher and self.mark[1]:
            return mark <= self.mark
        return all(map(self.has, events))


def verdict_of(feed: Feed, memory: Memory) -> Verdict:
    """Whether the hub's answer and the feed can be joined now. A feed nobody has had is made to fit."""
    for last in feed.before:
        if not memory.has_frame(last.publisher_padded, (last.epoch, last.topic_seq), decode_events(last)):
            return "behind"
    for publisher, entry in feed.ring.lost.items():
        if not memory.has_frame(publisher, entry.mark, events_of(entry)):
            return "behind"
    for publisher, mark in feed.skip.items():
        if publisher == memory.publisher and memory.mark < mark:
            return "behind"
    if not feed.is_settled and memory.events:
        feed.settle(memory.publisher, memory.mark, memory.events)
        return "joined"
    if not memory.mark[1] or memory.mark <= max(
        feed.heard.get(memory.publisher, (0, 0)), feed.skip.get(memory.publisher, (0, 0))
    ):
        return "joined"
    held = {_key_of(event) for entry in feed.ring.entries for event in events_of(entry)}
    return "joined" if memory.events and _key_of(memory.events[-1]) in held else "ahead"


def unjoined_of(feed: Feed, memory: Memory, count: int) -> Unjoined | None:
    """What a client must be told of a snapshot of `count` rows that is sent all the same; None: it fits to what comes."""
    verdict = verdict_of(feed, memory)
    if verdict == "joined":
        return None
    if verdict == "behind" and sum(len(events_of(entry)) for entry in feed.ring.entries) >= count:
        return None  # all of its rows have come live, the hub's are not in it
    return Unjoined(verdict == "behind", memory.mark[1], feed.heard.get(memory.publisher, (0, 0))[1])


def snapshot_of(feed: Feed, memory: Memory, count: int) -> list[Any]:
    """The newest `count` messages up to the newest number of the feed, oldest first."""
    found = list(memory.events)
    for entry in feed.ring.entries:
        is_theirs = entry.publisher_padded == memory.publisher and memory.mark[1]
        if is_theirs and entry.mark <= memory.mark:
            continue
        is_known = memory.has_copy if is_theirs else memory.has
        found += [event for event in events_of(entry) if not is_known(event)]
    return found[-count:] if count else []


def _key_of(event: Any) -> Any:
    kind = event.__class__
    if kind is Trade and event.trade_id:
        return event.trade_id
    if kind is Quote and event.update_id:
        return event.update_id
    if kind is Liquidation:
        return event.ts_event_ns, event.price, event.size, event.side
    return _encode(event)


def _order_of(event: Any) -> tuple[int, int]:
    number = getattr(event, "trade_id", 0) or getattr(event, "update_id", 0)
    return getattr(event, "ts_event_ns", 0), number if isinstance(number, int) else 0
