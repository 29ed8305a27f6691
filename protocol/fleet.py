"""Who is alive: every publisher by its heartbeats, every venue by its watermarks. Pure, time is an argument."""

from __future__ import annotations

from typing import Any, Final

from protocol.codec import decode_as, decode_events
from protocol.errors import PayloadError
from protocol.feeders import LAPSE_NS
from protocol.messages import Beat, Watermark
from protocol.record import Frame

STOPPED: Final = "STOPPED"
"""State of a publisher that has said good-bye."""
MAX_PUBLISHERS: Final = 1000
MAX_VENUES: Final = 1000
"""Of one publisher: a push receiver has one for each source."""


class Venue:
    """What the watermarks of one venue say, as one publisher sends them."""

    __slots__ = ("heard_ns", "is_connected", "publisher", "ts_event_ns", "venue")

    def __init__(self, venue: str, publisher: str) -> None:
        self.venue = venue
        self.publisher = publisher
        self.ts_event_ns = 0
        """Event time that the venue has reached."""
        self.is_connected = False
        self.heard_ns = 0
        """When the newest watermark was taken, our monotonic clock."""


class Publisher:
    """What is known of one publisher."""

    __slots__ = ("beat", "beat_ns", "detail", "epoch", "name", "rate_ns", "rate_per_s", "rate_seq", "venues")

    def __init__(self, name: str) -> None:
        self.name = name
        self.epoch = 0
        self.beat: Beat | None = None
        """The newest heartbeat."""
        self.beat_ns = 0
        """When it was taken, our monotonic clock."""
        self.detail: dict[str, Any] = {}
        """The newest full status."""
        self.rate_per_s = 0.0
        """Frames a second, over the last second at least."""
        self.rate_ns = 0
        self.rate_seq = 0
        self.venues: dict[str, Venue] = {}
        """What it says of venues; empty for all but collectors."""


class Fleet:
    """All publishers and venues heard so far.

    Args:
        silence_s: A publisher or venue that is silent longer than this is down.
    """

    def __init__(self, silence_s: float) -> None:
        self._silence_ns = round(silence_s * 1e9)
        self._publishers: dict[bytes, Publisher] = {}
        self._venues: dict[str, list[Venue]] = {}
        self.news: list[Publisher] = []
        """Publishers whose new epoch has just been heard; whoever acts on them takes them out."""
        self.is_worse = False
        """Somebody has said that he, or his venue, is down; whoever acts on it sets it back."""

    def publishers(self) -> list[Publisher]:
        """Every publisher heard so far, by name."""
        return sorted(self._publishers.values(), key=lambda publisher: publisher.name)

    def venues(self) -> list[Venue]:
        """Every venue heard so far, by name and publisher."""
        found = [venue for publisher in self.publishers() for venue in publisher.venues.values()]
        return sorted(found, key=lambda venue: (venue.venue, venue.publisher))

    def name_of(self, publisher_padded: bytes) -> str:
        """Name behind the padded form of a frame's header."""
        publisher = self._publishers.get(publisher_padded)
        return publisher.name if publisher else publisher_padded.rstrip(b"\x00").decode("ascii", "replace")

    def _publisher(self, frame: Frame) -> Publisher | None:
        publisher = self._publishers.get(frame.publisher_padded)
        if publisher is None and len(self._publishers) < MAX_PUBLISHERS:
            publisher = self._publishers[frame.publisher_padded] = Publisher(frame.publisher)
        return publisher

    def on_beat(self, frame: Frame, mono_ns: int) -> None:
        """Take a heartbeat.

        Raises:
            PayloadError: it is not one.
        """
        publisher = self._publisher(frame)
        if publisher is not None:
            for beat in decode_as(frame, Beat):
                self._note(publisher, beat, mono_ns)

    def _note(self, publisher: Publisher, beat: Beat, mono_ns: int) -> None:
        if beat.epoch < publisher.epoch:
            return  # the old process of a name that a newer one has
        if beat.epoch > publisher.epoch:
            publisher.epoch, publisher.rate_ns, publisher.rate_seq = beat.epoch, mono_ns, beat.last_seq
            self.news.append(publisher)
        publisher.beat, publisher.beat_ns = beat, mono_ns
        self.is_worse |= beat.state == STOPPED
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
        publisher = self._publisher(frame)
        for mark in decode_events(frame):
            if isinstance(mark, Watermark) and publisher is not None:
                venue = publisher.venues.get(mark.venue) or self._new_venue(mark.venue, publisher)
                venue.ts_event_ns = max(venue.ts_event_ns, mark.ts_event_ns)
                venue.heard_ns, venue.is_connected = mono_ns, mark.is_connected
                self.is_worse |= not mark.is_connected

    def _new_venue(self, name: str, publisher: Publisher) -> Venue:
        if len(publisher.venues) >= MAX_VENUES:
            raise PayloadError(f"{publisher.name} speaks of more than {MAX_VENUES} venues")
        venue = publisher.venues[name] = Venue(name, publisher.name)
        self._venues.setdefault(name, []).append(venue)
        return venue

    def is_alive(self, publisher: Publisher, mono_ns: int) -> bool:
        """Whether a publisher beats; one that never did is given the benefit of the doubt."""
        beat = publisher.beat
        if beat is None:
            return True
        return mono_ns - publisher.beat_ns <= self._silence_ns and beat.state != STOPPED

    def is_up_by_name(self, name: str, mono_ns: int) -> bool:
        """Whether a publisher beats, by its name; one never heard is given the benefit of the doubt."""
        known = [one for one in self._publishers.values() if one.name == name]
        return not known or self.is_alive(known[0], mono_ns)

    def is_connected(self, venue: Venue, mono_ns: int) -> bool:
        """Whether a venue's feed is connected and its publisher still says so."""
        return venue.is_connected and mono_ns - venue.heard_ns <= self._silence_ns

    def is_up(self, publisher_padded: bytes, venue: str, mono_ns: int) -> bool:
        """Whether values that this publisher sends of this venue can be current.

        What comes straight from a collector is judged by that collector's own word on the venue, a derived value
        by whichever collector is connected. Who was never heard of is given the benefit of the doubt.
        """
        publisher = self._publishers.get(publisher_padded)
        if publisher is not None:
            if not self.is_alive(publisher, mono_ns):
                return False
            own = publisher.venues.get(venue)
            if own is not None:
                return self.is_connected(own, mono_ns)
        others = self._venues.get(venue)
        return not others or any(self.is_connected(other, mono_ns) for other in others)

    def up_until_ns(self, publisher_padded: bytes, venue: str, latest_ns: int) -> int:
        """Until when `is_up` holds if nothing more is heard, monotonic ns, at most `latest_ns`; 0 where it does not hold."""
        publisher = self._publishers.get(publisher_padded)
        if publisher is not None:
            if publisher.beat is not None:
                if publisher.beat.state == STOPPED:
                    return 0
                latest_ns = min(latest_ns, publisher.beat_ns + self._silence_ns)
            own = publisher.venues.get(venue)
            if own is not None:
                return self._connected_until_ns(own, latest_ns)
        others = self._venues.get(venue)
        if not others:
            return latest_ns
        return max(self._connected_until_ns(other, latest_ns) for other in others)

    def _connected_until_ns(self, venue: Venue, latest_ns: int) -> int:
        return min(latest_ns, venue.heard_ns + self._silence_ns) if venue.is_connected else 0

    def is_level(self, publisher_padded: bytes, venue: str) -> bool:
        """Whether this publisher's word on a venue's time is not far behind that of another one."""
        publisher = self._publishers.get(publisher_padded)
        own = publisher.venues.get(venue) if publisher is not None else None
        if own is None:
            return True
        front_ns = max(other.ts_event_ns for other in self._venues[venue])
        return front_ns - own.ts_event_ns <= LAPSE_NS
