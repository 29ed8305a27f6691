"""Whether what is heard is behind what was published, by how much, and since when. Pure: clocks are arguments.

How old a frame is when it is taken does not say it alone: clocks of two hosts differ. So its age counts from the least that
was seen of that publisher lately. And a burst is no lag: behind is who has not been level for longer than the limit.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

CALM: Final = 3
"""A spell is over when it has not come back for so many times the limit: who is a little too slow catches up again and again."""


WINDOW_NS: Final = 10_000_000_000
"""A clock that was set, or a way that has become longer, is the usual after two of these."""


class Pace:
    """How one input keeps up.

    Args:
        mono_ns: Monotonic time now.
    """

    def __init__(self, mono_ns: int) -> None:
        self.limit_ns = 1_000_000_000
        """How far behind it may be without being said to lag."""
        self._level_ns = self._noted_ns = mono_ns
        self.has_more = False
        """Whether something waited when that was noted last."""
        self._late_ns = 0
        """How late what was handed on last was, when that was."""
        self._ages_ns: tuple[int, int] | None = None
        """Least age of a live frame, in the window before and in this one: what the clocks differ by, and the way."""
        self._window_ns = mono_ns
        """When this window began."""

    def note_live(self, age_ns: int, mono_ns: int, *, has_more: bool) -> None:
        """Live frames were handed on.

        Args:
            age_ns: Of the newest of them: wall clock minus its publish time.
            mono_ns: Monotonic time now.
            has_more: Whether more wait.
        """
        before_ns, least_ns = self._ages_ns or (age_ns, age_ns)
        if mono_ns - self._window_ns > WINDOW_NS and not has_more:  # of a queue that lasts nothing is learned
            self._ages_ns, self._window_ns = (least_ns, age_ns), mono_ns
        else:
            self._ages_ns = before_ns, min(least_ns, age_ns)
        self._note(age_ns - min(self._ages_ns), mono_ns, has_more=has_more)

    def note_fetched(self, age_ns: int, mono_ns: int) -> None:
        """Records of the journal wait to be handed on, the next one is so old."""
        self._note(max(0, age_ns - min(self._ages_ns or (0, 0))), mono_ns, has_more=True)

    def note_level(self, mono_ns: int) -> None:
        """Nothing waits any more."""
        self._note(0, mono_ns, has_more=False)

    def note_stuck(self) -> None:
        """Something is missing and has not been fetched yet: nothing can be handed on."""
        self.has_more = True

    def _note(self, late_ns: int, mono_ns: int, *, has_more: bool) -> None:
        self._late_ns, self._noted_ns, self.has_more = late_ns, mono_ns, has_more
        if not has_more and late_ns <= self.limit_ns:
            self._level_ns = mono_ns

    def behind_ns(self, mono_ns: int, *, is_paused: bool = False) -> int:
        """How far it is behind; 0 where it is not, or for less than the limit.

        Args:
            mono_ns: Monotonic time now.
            is_paused: Whether nothing is taken at present: then something may wait.
        """
        since_ns = mono_ns - self._noted_ns
        if mono_ns - self._level_ns <= self.limit_ns:
            return 0
        if self.has_more or is_paused:
            late_ns = self._late_ns + since_ns
        else:  # all was taken: either it came late, and more of it is on its way, or nobody sends any more
            late_ns = self._late_ns if since_ns <= self.limit_ns else 0
        return late_ns if late_ns > self.limit_ns else 0


class Spell(NamedTuple):
    """A stretch of time in which an actor is behind."""

    source: str
    """Whom it was behind when it was worst."""
    since_ns: int
    """Wall clock."""
    seconds: float
    """How long, so far."""
    behind_s: float
    """How far, when it was looked at last."""
    worst_s: float
    is_over: bool = False

    def __str__(self) -> str:
        if not self.is_over:
            return f"LAGGING: {self.behind_s:.1f} s behind {self.source}"
        return f"recovered after {self.seconds:.1f} s: {self.worst_s:.1f} s behind {self.source} when it was worst"

    def told(self) -> dict[str, Any]:
        """For the heartbeat."""
        return {
            "source": self.source,
            "since_ns": self.since_ns,
            "seconds": round(self.seconds, 3),
            "behind_s": round(self.behind_s, 3),
            "worst_s": round(self.worst_s, 3),
        }


class Lagging:
    """The spells of one actor.

    Args:
        limit_ns: How far behind it may be without being said to lag.
    """

    def __init__(self, limit_ns: int) -> None:
        self.limit_ns = limit_ns
        self.now: Spell | None = None
        """The one that is under way."""
        self.last: Spell | None = None
        """The one that ended last: `seconds` is what the recovery took."""
        self._began_ns = 0
        self._seen_ns = 0
        """When it was behind last, monotonic."""

    def look(self, behind_ns: int, source: str, now_ns: int, mono_ns: int) -> Spell | None:
        """Look at how far the input is behind that is behind most; returns a spell that has just begun, or just ended.

        Args:
            behind_ns: How far; 0: none is.
            source: Its publisher.
            now_ns: Wall clock.
            mono_ns: Monotonic time now.
        """
        spell = self.now
        if behind_ns > 0:
            self._seen_ns = mono_ns
            if spell is None:
                self._began_ns = mono_ns
                self.now = Spell(source, now_ns, 0.0, behind_ns / 1e9, behind_ns / 1e9)
                return self.now
            behind_s, seconds = behind_ns / 1e9, (mono_ns - self._began_ns) / 1e9
            is_worst = behind_s > spell.worst_s
            self.now = Spell(
                source if is_worst else spell.source,
                spell.since_ns,
                seconds,
                behind_s,
                max(behind_s, spell.worst_s),
            )
        elif spell is not None:
            if spell.behind_s:
                spell = spell._replace(behind_s=0.0, seconds=(mono_ns - self._began_ns) / 1e9)
            self.now = spell
            if mono_ns - self._seen_ns >= CALM * self.limit_ns:
                self.last, self.now = spell._replace(is_over=True), None
                return self.last
        return None

    def told(self) -> dict[str, Any]:
        """For the heartbeat: the spell under way, and the last one that is over; None: there is none."""
        return {
            "lagging": self.now.told() if self.now else None,
            "recovered": self.last.told() if self.last else None,
        }


def note_of(status: Mapping[str, Any]) -> str:
    """What a list of actors says beside one whose status says that it lags; empty: it does not."""
    spell = status.get("lagging")
    if not isinstance(spell, Mapping):
        return ""
    return f"LAGGING for {_seconds(spell, 'seconds')}: {_seconds(spell, 'behind_s')} behind {spell.get('source', '?')}"


def _seconds(spell: Mapping[str, Any], key: str) -> str:
    value = spell.get(key)
    return f"{value:.1f} s" if isinstance(value, float | int) else "?"
