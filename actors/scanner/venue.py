"""The time of a venue as its collectors tell it: which rounds are due, in which order. Pure.

A round is due when every collector of the venue has passed its second. Whatever a collector has sent before the mark that
passed it belongs to that round, whatever it sends behind it does not: so it does not matter how long others hold it up.
"""

from __future__ import annotations

from typing import Final

import msgspec

ROUND_NS: Final = 1_000_000_000


class Feed(msgspec.Struct, array_like=True):
    """One collector of a venue."""

    reached_ns: int
    """Its newest mark."""
    is_lapsed: bool = False
    """Whether others do not wait for it."""
    links: list[tuple[int, bool]] = []
    """From which round on it was connected to the venue, or not; oldest first."""
    jumps: list[tuple[int, int]] = []
    """First round that its time left out, and the one at which it went on."""

    @property
    def due_ns(self) -> int:
        """First round that is not due by its marks: what it sends now belongs to that one."""
        return self.reached_ns - self.reached_ns % ROUND_NS + ROUND_NS

    def mark(self, ts_ns: int, *, is_connected: bool, most_behind_ns: int) -> None:
        """Take a mark.

        Args:
            ts_ns: Venue time that it has reached.
            is_connected: To the venue.
            most_behind_ns: A time that jumps further leaves the rounds between out.
        """
        from_ns = self.due_ns
        if ts_ns - self.reached_ns > most_behind_ns:
            self.jumps.append((from_ns, ts_ns - ts_ns % ROUND_NS))
        self.reached_ns = max(self.reached_ns, ts_ns)
        if self.links and self.links[-1][0] == from_ns:
            self.links.pop()
        if not self.links or self.links[-1][1] != is_connected:
            self.links.append((from_ns, is_connected))

    def lands_ns(self, round_ns: int) -> int:
        """Where its time went on after it left this round out; 0: it did not."""
        return next((to_ns for from_ns, to_ns in self.jumps if from_ns <= round_ns < to_ns), 0)

    def is_connected(self, round_ns: int) -> bool:
        """As the mark said that passed a round."""
        return next((link for from_ns, link in reversed(self.links) if from_ns <= round_ns), True)

    def forget_before(self, round_ns: int) -> None:
        """What earlier rounds needed."""
        while len(self.links) > 1 and self.links[1][0] <= round_ns:
            del self.links[0]
        while self.jumps and self.jumps[0][1] <= round_ns:
            del self.jumps[0]


class Venue(msgspec.Struct, array_like=True):
    """All collectors of a venue, and the round that comes next."""

    next_ns: int
    feeds: dict[str, Feed] = {}
    """By publisher."""

    @property
    def reached_ns(self) -> int:
        """The newest mark of any collector."""
        return max((feed.reached_ns for feed in self.feeds.values()), default=0)

    def leap(self) -> bool:
        """Leave out the rounds that every collector has left out; whether there were any."""
        lands = [feed.lands_ns(self.next_ns) for feed in self.feeds.values() if not feed.is_lapsed]
        if not lands or not all(lands):
            return False
        self.next_ns = min(lands)
        return True

    def behind(self) -> list[Feed]:
        """Collectors that the next round waits for."""
        return [feed for feed in self.feeds.values() if not feed.is_lapsed and feed.reached_ns < self.next_ns]

    def is_connected(self) -> bool:
        """Whether any collector was connected at the next round."""
        return any(feed.is_connected(self.next_ns) for feed in self.feeds.values() if not feed.is_lapsed)

    def go_on(self) -> None:
        """The next round has been held."""
        self.next_ns += ROUND_NS
        for feed in self.feeds.values():
            feed.forget_before(self.next_ns)
