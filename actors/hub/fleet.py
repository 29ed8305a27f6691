"""Who is alive: every publisher by its heartbeats, every venue by its watermarks. Pure, time is an argument."""

from __future__ import annotations

from typing import Any, Final

from protocol.codec import decode_events
from protocol.messages import Beat, Watermark
from protocol.record import Frame

MAX_PUBLISHERS: Final = 1000


class Publisher:
    """What is known of one publisher."""

    __slots__ = ("beat", "beat_ns", "detail", "epoch", "name", "rate_ns", "rate_per_s", "rate_seq")

    def __init__(self, name: str, epoch: int) -> None:
        self.name = name
        self.epoch = epoch
        self.beat: Beat | None = None
        self.beat_ns = 0
        """When the newest heartbeat was taken, our monotonic clock."""
        self.detail: dict[str, Any] = {}
        """The newest full status."""
        self.rate_per_s = 0.0
        """Frames a second, over the last second at least."""
        self.rate_ns = 0
        self.rate_seq = 0


class Venue:
    """What the watermarks of one venue say, as one publisher sends them."""

    __slots__ = ("heard_ns", "is_connected", "publisher", "ts_event_ns", "venue")

    def __init__(self, venue: str, publisher: str) -> None:
        self.venue = venue
        self.publisher = publisher
        self.ts_event_ns = 0
        self.is_connected = False
        self.heard_ns = 0
        """When the newest watermark was taken, our monotonic clock."""


class Fleet:
    """All publishers and venues heard so far.

    Args:
        silence_s: A publisher or venue that is silent longer than this is down.
    """

    def __init__(self, silence_s: float) -> None:
        self._silence_ns = round(silence_s * 1e9)
        self._publishers: dict[bytes, Publisher] = {}
        self._venues: dict[tuple[str, str], Venue] = {}
        self.news: list[Publisher] = []
        """Publishers whose new epoch has just been heard; whoever acts on them takes them out."""

    def publishers(self) -> list[Publisher]:
        """Every publisher heard so far, by name."""
        return sorted(self._publishers.values(), key=lambda publisher: publisher.name)

    def venues(self) -> list[Venue]:
        """Every venue heard so far, by name and publisher."""
        return [self._venues[key] for key in sorted(self._venues)]

    def on_beat(self, frame: Frame, mono_ns: int) -> None:
        """Take a heartbeat.

        Raises:
            PayloadError: it is not one.
        """
        for beat in decode_events(frame):
            self._note(frame, beat, mono_ns)

    def _note(self, frame: Frame, beat: Beat, mono_ns: int) -> None:
        publisher = self._publishers.get(frame.publisher_padded)
        if publisher is None:
            if len(self._publishers) >= MAX_PUBLISHERS:
                return
            publisher = self._publishers[frame.publisher_padded] = Publisher(frame.publisher, 0)
        if beat.epoch < publisher.epoch:
            return  # the old process of a name that a newer one has
        if beat.epoch > publisher.epoch:
            publisher.epoch, publisher.rate_ns, publisher.rate_seq = beat.epoch, mono_ns, beat.last_seq
            self.news.append(publisher)
        publisher.beat, publisher.beat_ns = beat, mono_ns
        if beat.detail is not None:
            publisher.detail = beat.detail
        if (elapsed_ns := mono_ns - publisher.rate_ns) >= 1_000_000_000:
            publisher.rate_per_s = (beat.last_seq - publisher.rate_seq) / elapsed_ns * 1e9
            publisher.rate_ns, publisher.rate_seq = mono_ns, beat.last_seq

    def on_mark(self, frame: Frame, mono_ns: int) -> None:
        """Take a record of a `mark` topic: watermarks say what a venue does.

        Raises:
            PayloadError: it is not one.
        """
        for mark in decode_events(frame):
            if isinstance(mark, Watermark):
                self._note_venue(mark, mono_ns)

    def _note_venue(self, mark: Watermark, mono_ns: int) -> None:
        key = (mark.venue, mark.publisher)
        venue = self._venues.get(key)
        if venue is None:
            if len(self._venues) >= MAX_PUBLISHERS:
                return
            venue = self._venues[key] = Venue(*key)
        venue.ts_event_ns = max(venue.ts_event_ns, mark.ts_event_ns)
        venue.heard_ns, venue.is_connected = mono_ns, mark.is_connected

    def is_alive(self, publisher_padded: bytes, mono_ns: int) -> bool:
        """Whether a publisher beats; one that never did is given the benefit of the doubt."""
        publisher = self._publishers.get(publisher_padded)
        if publisher is None or publisher.beat is None:
            return True
        return mono_ns - publisher.beat_ns <= self._silence_ns and publisher.beat.state != "STOPPED"

    def is_venue_up(self, venue: str, publisher: str, mono_ns: int) -> bool:
        """Whether a venue's feed is connected; True where nobody ever spoke of it.

        A value that comes straight from one of the venue's collectors is judged by that one, a derived value
        (its publisher says nothing of the venue) by whichever collector is connected.
        """
        own = self._venues.get((venue, publisher))
        if own is not None:
            return self._is_connected(own, mono_ns)
        others = [seen for (name, _), seen in self._venues.items() if name == venue]
        return not others or any(self._is_connected(seen, mono_ns) for seen in others)

    def _is_connected(self, seen: Venue, mono_ns: int) -> bool:
        return seen.is_connected and mono_ns - seen.heard_ns <= self._silence_ns

    def name_of(self, publisher_padded: bytes) -> str:
        """Name behind the padded form of a frame's header."""
        publisher = self._publishers.get(publisher_padded)
        return publisher.name if publisher else publisher_padded.rstrip(b"\x00").decode("ascii", "replace")
