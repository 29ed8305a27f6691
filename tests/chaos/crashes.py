"""The log of actors that ended themselves at a crash point. Pure."""

from __future__ import annotations

from collections import Counter
from typing import NamedTuple


class Crash(NamedTuple):
    """One actor's own end."""

    mono_ns: int
    point: str
    pid: int


def parse_crashes(text: str) -> list[Crash]:
    """Lines `<monotonic ns> <point> <pid>`; a last line that is only half there is left for the next look."""
    whole = text[: text.rfind("\n") + 1]
    fields = (line.split() for line in whole.splitlines())
    return [Crash(int(one[0]), one[1], int(one[2])) for one in fields if len(one) == 3]


def by_point(crashes: list[Crash]) -> dict[str, int]:
    """How often each point ended somebody."""
    return dict(sorted(Counter(crash.point for crash in crashes).items()))
