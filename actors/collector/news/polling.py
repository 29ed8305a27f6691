"""When to look at a source, and what becomes of it when it fails. Pure: clocks and randomness are arguments.

    waiting   has not been asked yet
    ok        the last look gave a document, or said that nothing has changed
    failing   not there, broken off, or what came is no news: asked again ever more rarely
    paused    429, or any answer with Retry-After: asked again when the source wants it
    off       401, 403, 404, 410: it does not want us; asked once more after `refused_s`

Every interval is a tenth shorter or longer by chance, and the first look comes at a random moment of the interval, so
that sources are not asked all at once.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Literal

from actors.collector.backoff import Backoff
from actors.collector.news.settings import NewsSettings

State = Literal["waiting", "ok", "failing", "paused", "off"]
OFF_STATUSES: Final = frozenset({401, 403, 404, 410})
TOO_MANY: Final = 429
LONGEST_PAUSE_S: Final = 86_400.0
"""No source may ask for more."""
FIRST_LOOK_S: Final = 15.0
"""The first look is at most so late."""
_HOUR_NS: Final = 3_600_000_000_000
_JITTER: Final = 0.1


def is_day(now_ns: int, begins_utc: int, ends_utc: int) -> bool:
    """Whether it is day: from the one hour (UTC) to the other, maybe past midnight."""
    hour = now_ns // _HOUR_NS % 24
    if begins_utc == ends_utc:
        return True
    if begins_utc < ends_utc:
        return begins_utc <= hour < ends_utc
    return hour >= begins_utc or hour < ends_utc


class Schedule:
    """When one source is looked at.

    Args:
        settings: Of all sources.
        day_s: Of this one; 0: as for all.
        night_s: Of this one; 0: as for all.
        mono_ns: Now, monotonic.
        random: Returns a number from 0 to 1.
    """

    def __init__(
        self, settings: NewsSettings, day_s: float, night_s: float, mono_ns: int, random: Callable[[], float]
    ) -> None:
        self._settings = settings
        self._day_s, self._night_s = day_s or settings.day_s, night_s or settings.night_s
        self._random = random
        self._backoff = self._new_backoff()
        self.state: State = "waiting"
        self.due_ns = mono_ns + round(random() * min(self._day_s, FIRST_LOOK_S) * 1e9)
        """When the next look is due, monotonic."""
        self.is_under_way = False

    @property
    def failures(self) -> int:
        """Failed looks since the last good one."""
        return self._backoff.failures

    def is_due(self, mono_ns: int) -> bool:
        """Whether it is time to look."""
        return not self.is_under_way and mono_ns >= self.due_ns

    def hurry(self, mono_ns: int) -> None:
        """Somebody wants a look now."""
        self.due_ns = min(self.due_ns, mono_ns)

    def begin(self) -> None:
        """A look is under way."""
        self.is_under_way = True

    def succeeded(self, mono_ns: int, now_ns: int) -> None:
        """The look gave a document, or said that nothing has changed."""
        self.is_under_way = False
        self.state = "ok"
        self._backoff = self._new_backoff()
        self.due_ns = mono_ns + round(self.interval_s(now_ns) * 1e9)

    def failed(self, mono_ns: int, now_ns: int, status: int = 0, retry_after_s: float | None = None) -> float:
        """The look gave nothing; returns the seconds to the next one.

        Args:
            mono_ns: Now, monotonic.
            now_ns: Now, wall clock.
            status: HTTP status, 0 if there was none, 200 if the document was no good.
            retry_after_s: The source's wish.
        """
        self.is_under_way = False
        asked_s = None if retry_after_s is None else min(retry_after_s, LONGEST_PAUSE_S)
        pause_s = max(self._backoff.failed(mono_ns), self.interval_s(now_ns))
        if status in OFF_STATUSES:
            self.state = "off"
            pause_s = max(pause_s, self._settings.refused_s * self._about_one())
        elif status == TOO_MANY or asked_s is not None:
            self.state = "paused"
            if asked_s is None:  # twice as rarely each time, without any luck
                doubled_s = self._day_s * 2.0 ** min(self.failures, 32)
                pause_s = max(pause_s, min(doubled_s, self._settings.retry_cap_s))
        else:
            self.state = "failing"
        pause_s = max(pause_s, asked_s or 0.0)
        self.due_ns = mono_ns + round(pause_s * 1e9)
        return pause_s

    def interval_s(self, now_ns: int) -> float:
        """Seconds to the next look at this hour, a little more or less by chance."""
        settings = self._settings
        by_day = is_day(now_ns, settings.day_begins_utc, settings.day_ends_utc)
        return (self._day_s if by_day else self._night_s) * self._about_one()

    def _about_one(self) -> float:
        return 1.0 + _JITTER * (2.0 * self._random() - 1.0)

    def _new_backoff(self) -> Backoff:
        return Backoff(self._settings.retry_s, self._settings.retry_cap_s, self._random)
