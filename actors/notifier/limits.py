"""How fast a bot may ask, and how long to wait after a failure. Pure, time is an argument."""

from __future__ import annotations

import collections
import threading
from collections.abc import Callable
from typing import Final

from actors.notifier.settings import TelegramSettings

MINUTE_NS: Final = 60_000_000_000
SECOND_NS: Final = 1_000_000_000
_MOST_DOUBLINGS: Final = 16


class Window:
    """At most `limit` in any `period_ns`: the times of the last ones are kept."""

    def __init__(self, limit: int, period_ns: int) -> None:
        self._period_ns = period_ns
        self._taken: collections.deque[int] = collections.deque(maxlen=limit)

    def free_ns(self, now_ns: int) -> int:
        """When there is room for one more."""
        is_full = len(self._taken) == self._taken.maxlen
        return max(now_ns, self._taken[0] + self._period_ns) if is_full else now_ns

    def take(self, at_ns: int) -> None:
        """One more, at that time."""
        self._taken.append(at_ns)


class Limits:
    """The limits of one bot: each chat, each group, all together. Safe in threads."""

    def __init__(self, settings: TelegramSettings) -> None:
        self._settings = settings
        self._bot = Window(settings.per_bot_per_s, SECOND_NS)
        self._chats: dict[str, list[Window]] = {}
        self._held_ns: dict[str, int] = {}
        self._lock = threading.Lock()

    def take(self, chat: str, now_ns: int) -> int:
        """Take a place for one request to a chat, now.

        Returns:
            0: it is taken. Otherwise when to ask again, monotonic; nothing is taken, so a chat that has to wait holds up no
            other one.
        """
        with self._lock:
            windows = [*self._windows(chat), self._bot]
            at_ns = max([self._held_ns.get(chat, 0), *(window.free_ns(now_ns) for window in windows)])
            if at_ns > now_ns:
                return at_ns
            for window in windows:
                window.take(now_ns)
            return 0

    def hold(self, chat: str, until_ns: int) -> None:
        """Send nothing to a chat before: it said so with `retry_after`."""
        with self._lock:
            self._held_ns[chat] = max(until_ns, self._held_ns.get(chat, 0))

    def _windows(self, chat: str) -> list[Window]:
        found = self._chats.get(chat)
        if found is None:
            found = [Window(1, round(SECOND_NS / self._settings.per_chat_per_s))]
            if is_group(chat):
                found.append(Window(self._settings.per_group_per_min, MINUTE_NS))
            self._chats[chat] = found
        return found


def is_group(chat: str) -> bool:
    """Whether a chat is a group or a channel: a negative id, or a channel's name."""
    return chat.startswith(("-", "@"))


def pause_s(failures: int, base_s: float, cap_s: float, draw: Callable[[], float]) -> float:
    """How long to wait after so many failures in a row (1: the first): doubled each time, with jitter.

    Args:
        failures: At least 1.
        base_s: Longest first pause.
        cap_s: Longest pause.
        draw: A number in 0 to 1.
    """
    longest = min(cap_s, base_s * 2.0 ** min(failures - 1, _MOST_DOUBLINGS))
    return longest * (0.5 + 0.5 * draw())
