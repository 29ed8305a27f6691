"""What looking at a venue has found, in the order in which it looked. Never a secret in it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final
from urllib.parse import quote

import msgspec

from actors.collector.settings import CollectorSettings
from actors.runtime.clock import Clock

OK: Final = "OK"
WARN: Final = "WARN"
FAIL: Final = "FAIL"
SKIP: Final = "SKIP"

DATA_S: Final = 5.0
"""How long the first data of a subscription is waited for, seconds."""
MAX_SYMBOLS: Final = 3
"""So many symbols of each market are looked at."""
_LONGEST_TEXT: Final = 400
_LEAST_S: Final = 0.05


class Probed(msgspec.Struct, frozen=True):
    """Answer to one question."""

    collector: str
    market: str
    step: str
    """connect, clock, instruments, snapshot, handshake, subscribe, data, credentials, ..."""
    word: str
    """OK, WARN, FAIL or SKIP."""
    text: str
    fix: str = ""
    """What to do; empty where nothing is wrong."""


class Probe:
    """One market of one collector while it is looked at, in a thread of its own.

    Args:
        collector: Instance name.
        market: One of its markets.
        settings: Of the collector, complete.
        clock: Ours, which is compared with the venue's.
        until_ns: When everything must be over, monotonic.
        data_s: How long first data is waited for.
    """

    def __init__(
        self,
        collector: str,
        market: str,
        settings: CollectorSettings,
        clock: Clock,
        until_ns: int,
        data_s: float = DATA_S,
    ) -> None:
        self.collector, self.market, self.settings, self.clock = collector, market, settings, clock
        self.data_s = data_s
        self.step = "start"
        """What is under way, for whoever must give up waiting."""
        self.found: list[Probed] = []
        self.until_ns = until_ns
        self._secrets: set[str] = set()
        self.hide(settings.ig.password, settings.ig.api_key, settings.databento.api_key)
        self.hide(settings.news.cryptopanic.token)

    def hide(self, *secrets: str) -> None:
        """Show these nowhere, also where a peer repeats them."""
        for secret in secrets:
            if secret:
                self._secrets |= {secret, quote(secret, safe="")}

    def left_s(self, most_s: float) -> float:
        """Patience for the next step: what is left of the whole, at most so much."""
        return max(_LEAST_S, min(most_s, (self.until_ns - self.clock.mono_ns()) / 1e9))

    @property
    def is_late(self) -> bool:
        """Whether nothing is left of the whole time."""
        return self.clock.mono_ns() >= self.until_ns

    def begin(self, step: str) -> None:
        """Say what is under way."""
        self.step = step

    def ok(self, text: str) -> None:
        """The step is done and all is well."""
        self._say(OK, text, "")

    def warn(self, text: str, fix: str = "") -> None:
        """It works, but somebody should know."""
        self._say(WARN, text, fix)

    def fail(self, text: str, fix: str = "") -> None:
        """It does not work."""
        self._say(FAIL, text, fix)

    def skip(self, text: str) -> None:
        """It was not looked at."""
        self._say(SKIP, text, "")

    def _say(self, word: str, text: str, fix: str) -> None:
        self.found.append(
            Probed(self.collector, self.market, self.step, word, self._harmless(text), self._harmless(fix))
        )

    def _harmless(self, text: str) -> str:
        """One printable line without a secret."""
        for secret in sorted(self._secrets, key=len, reverse=True):
            text = text.replace(secret, "***")
        line = "".join(one if one.isprintable() else " " for one in text)
        return " ".join(line.split())[:_LONGEST_TEXT]


def named(names: Iterable[str], most: int = 5) -> str:
    """Some names in words: `a, b and 3 more`."""
    every = list(names)
    shown = ", ".join(every[:most])
    return shown if len(every) <= most else f"{shown} and {len(every) - most} more"
