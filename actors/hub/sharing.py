"""A topic that several collectors send: the first copy of each message goes into its slot. Pure, time is an argument.

From the second publisher on a slot has a `Sharing`. What it leaves out never reaches the slot; when a book (or a quote
without an id) is to come from somebody else, the slot gets that one's as a whole.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Final

import msgspec

from protocol.codec import decode_events, encode_events
from protocol.errors import DECODE_ERRORS, PayloadError
from protocol.first_copy import copies_after
from protocol.messages import Book, Liquidation, Quote, Trade
from protocol.record import FLAG_REPAIRED, Frame
from protocol.topics import Topic

SHARED_KINDS: Final = (Quote.KIND, Trade.KIND, Book.KIND, Liquidation.KIND)
"""What two collectors of one venue both send."""

Fits = Callable[[bytes, Topic], bool]
"""(publisher, topic) -> whether what it sends of it can be current: alive, connected, no gap open, not behind."""


class Sharing:
    """Everybody who sends one topic.

    Args:
        topic: It.
        first: Who sent it first, as padded in the frame.
        kept: What the slot holds, oldest first.
    """

    def __init__(self, topic: Topic, first: Frame, kept: Iterable[Any]) -> None:
        self.topic = topic
        self.frames: dict[bytes, Frame] = {first.publisher_padded: first}
        """Publisher to its newest frame."""
        self.asked_ns: dict[bytes, int] = {}
        """When a snapshot was asked for last, monotonic ns."""
        self.copies = copies_after(topic.venue, _name(first.publisher_padded), list(kept))

    def sift(self, frame: Frame, fits: Fits) -> list[Frame]:
        """What of a frame is news, as frames: trades between which others came first are one each.

        Raises:
            PayloadError: it cannot be read.
        """
        events = decode_events(frame)
        self.frames[frame.publisher_padded] = frame
        fresh = self.copies.fresh(_name(frame.publisher_padded), events, self.chosen(fits))
        if not fresh:
            return []
        if self.topic.kind == Trade.KIND:  # in its place: the other one may have come later
            frame = msgspec.structs.replace(frame, flags=frame.flags | FLAG_REPAIRED)
        if len(fresh) == len(events) and fresh[0] is events[0]:
            return [frame]
        parts = [[one] for one in fresh] if self.topic.kind == Trade.KIND else [list(fresh)]
        return [msgspec.structs.replace(frame, payload=encode_events(part)) for part in parts]

    def turn(self, fits: Fits) -> Frame | None:
        """Follow somebody else if that is called for: what the slot then needs, as a frame."""
        news = self.copies.turn(self.chosen(fits))
        if not news:
            return None
        frame = self.frames[_padded(self.copies.leader)]
        return msgspec.structs.replace(frame, payload=encode_events(news))

    def again(self) -> Frame | None:
        """The whole book of who is followed, for a slot that has lost it; None: it is not known."""
        book = self.copies.book()
        frame = self.frames[_padded(self.copies.leader)]
        return None if book is None else msgspec.structs.replace(frame, payload=encode_events([book]))

    def chosen(self, fits: Fits) -> str:
        """Whom to follow now."""
        leader = _padded(self.copies.leader)
        if not fits(leader, self.topic):
            for other in self.frames:
                if other != leader and fits(other, self.topic):
                    return _name(other)
        return self.copies.leader

    def unknown(self, fits: Fits) -> list[bytes]:
        """Publishers of a book that could be followed if there was a snapshot of theirs."""
        return [one for one in self.frames if not self.copies.is_known(_name(one)) and fits(one, self.topic)]


def kept_events(payloads: Iterable[bytes], kind: str) -> list[Any]:
    """Events of the payloads that a slot keeps.

    Raises:
        PayloadError: they cannot be read.
    """
    decoder = _DECODERS[kind]
    try:
        return [event for payload in payloads for event in decoder.decode(payload)]
    except DECODE_ERRORS as fault:
        raise PayloadError(f"what is kept cannot be read: {fault}") from fault


_DECODERS: Final[dict[str, msgspec.msgpack.Decoder[Any]]] = {
    kind.KIND: msgspec.msgpack.Decoder(list[kind])  # type: ignore[valid-type]
    for kind in (Quote, Trade, Book, Liquidation)
}


def _name(publisher_padded: bytes) -> str:
    return publisher_padded.rstrip(b"\x00").decode("ascii", "replace")


def _padded(name: str) -> bytes:
    return name.encode().ljust(32, b"\x00")
