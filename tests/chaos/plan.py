"""Which fault hits whom and when: everything follows from the seed. Pure.

A run is rounds. A round is a storm, faults on top of each other, and then a calm, one fault at a time, each of them
measured until all is fresh again: only what has nothing beside it can be timed.
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator, Sequence
from typing import Any, Final, NamedTuple

import msgspec

PROCESS: Final = ("kill", "stop", "term")
"""SIGKILL; SIGSTOP and later SIGCONT; SIGTERM."""
VENUE: Final = ("disconnect", "outage", "drop", "reorder", "duplicate", "rest")
"""What the simulator is told to do."""
CRASH: Final = "crash"
"""Actors that kill themselves at crash points: not planned here, counted from their log."""
KINDS: Final = (*PROCESS, CRASH, "database", "disk", "clock", *VENUE)
GROUPS: Final = {"process": PROCESS, "venue": VENUE, "all": KINDS}

_WEIGHTS: Final = {
    "kill": 16, "stop": 14, "term": 10, "database": 4, "disk": 5, "clock": 4,
    "disconnect": 6, "outage": 3, "drop": 12, "reorder": 10, "duplicate": 10, "rest": 6,
}  # fmt: skip
"""How often each comes in a storm, relatively."""
_SECONDS: Final = {
    "stop": (0.5, 20.0), "database": (0.5, 5.0), "disk": (1.0, 6.0), "clock": (0.5, 5.0),
    "outage": (0.5, 4.0), "rest": (0.5, 5.0),
}  # fmt: skip
"""Shortest and longest of each kind that lasts; drawn so that half of them are shorter than the geometric mean."""
_CALM_SECONDS: Final = 2.0
CLOCK_JUMPS_S: Final = (-3600.0, -30.0, -2.0, 2.0, 30.0, 3600.0)
REST_STATUSES: Final = (429, 500, 503)
STORM_S: Final = 20.0
STORM_PER_S: Final = 2.5
_TRIES: Final = 20
"""Two stops of one process at a time would be one: the second is put elsewhere, or left out of a full storm."""
CALM_KILLS: Final = 3
PROMISED_PER_MINUTE: Final = 60


class Fault(NamedTuple):
    """One thing that goes wrong."""

    number: int
    kind: str
    target: str
    """Actor, symbol, or which disk; empty where there is only one."""
    at_s: float
    """Since the begin of its storm; 0 in the calm."""
    seconds: float
    """How long it lasts, 0 for an instant."""
    amount: float
    """Events hit, seconds of a clock's jump, HTTP status; 0 where it means nothing."""
    is_measured: bool

    def to_dict(self) -> dict[str, Any]:
        """For the JSON report."""
        return self._asdict()


class Done(msgspec.Struct, kw_only=True):
    """A fault that was carried out."""

    fault: Fault
    begun_ns: int
    """Wall clock."""
    ended_ns: int = 0
    refusal: str = ""
    """Why nothing was done; such a fault does not count."""
    fresh_s: float | None = None
    """Seconds from its end until all was fresh, where it was measured."""
    complaint: str = ""
    """What was still wrong when patience ended."""

    def to_dict(self) -> dict[str, Any]:
        """For the JSON report."""
        row = {name: getattr(self, name) for name in self.__struct_fields__ if name != "fault"}
        return {**self.fault.to_dict(), **row}


class Round(NamedTuple):
    """Faults that overlap, then faults one by one."""

    storm: list[Fault]
    calm: list[Fault]


class Targets(NamedTuple):
    """Whom faults can hit."""

    actors: Sequence[str]
    """All but the simulator's process."""
    symbols: Sequence[str]
    disks: Sequence[str]


def parse_kinds(text: str) -> list[str]:
    """Kinds from `kill,stop,venue`; empty is all.

    Raises:
        ValueError: no such kind; names those there are.
    """
    if not text.strip():
        return list(KINDS)
    found: list[str] = []
    for word in (part.strip() for part in text.split(",")):
        if word not in KINDS and word not in GROUPS:
            raise ValueError(f"no fault {word!r}; there are: {', '.join((*KINDS, *GROUPS))}")
        found += GROUPS.get(word, (word,))
    return [kind for kind in KINDS if kind in found]


def promised(minutes: float) -> int:
    """Least number of faults that a run of so many minutes must have had."""
    return int(PROMISED_PER_MINUTE * minutes)


def rounds(seed: int, kinds: Sequence[str], targets: Targets) -> Iterator[Round]:
    """Rounds without end; the same seed, kinds and targets give the same ones."""
    draw = random.Random(seed)
    numbers = itertools.count(1)
    drawn = [kind for kind in kinds if kind in _WEIGHTS and (kind != "disk" or targets.disks)]
    decks = _Decks(draw, targets)
    others = itertools.cycle([kind for kind in drawn if kind != "kill"] or [""])
    while drawn:
        storm = _storm(draw, drawn, decks, numbers)
        calm = [decks.fault("kill", next(numbers)) for _ in range(CALM_KILLS) if "kill" in drawn]
        other = next(others)
        if other:
            calm.append(decks.fault(other, next(numbers)))
        yield Round(storm, calm)


def _storm(draw: random.Random, kinds: Sequence[str], decks: _Decks, numbers: Iterator[int]) -> list[Fault]:
    weights = [_WEIGHTS[kind] for kind in kinds]
    busy: dict[tuple[str, str], list[tuple[float, float]]] = {}
    found: list[Fault] = []
    for kind in draw.choices(kinds, weights, k=round(STORM_S * STORM_PER_S)):
        fault = decks.fault(kind, 0, is_measured=False)
        spans = busy.setdefault((kind, fault.target), [])
        for _ in range(_TRIES):
            begin = draw.uniform(0.0, max(0.0, STORM_S - fault.seconds))
            end = begin + fault.seconds
            if not fault.seconds or all(end < other[0] or other[1] < begin for other in spans):
                spans.append((begin, end))
                found.append(fault._replace(at_s=round(begin, 3)))
                break
    found.sort(key=lambda fault: fault.at_s)
    return [fault._replace(number=next(numbers)) for fault in found]


class _Decks:
    """Draws faults; targets come from shuffled decks, so that each is hit as often as the others."""

    def __init__(self, draw: random.Random, targets: Targets) -> None:
        self._draw = draw
        self._targets = targets
        self._decks: dict[str, list[str]] = {}

    def fault(self, kind: str, number: int, *, is_measured: bool = True) -> Fault:
        """One fault of a kind, at no time yet."""
        shortest, longest = _SECONDS.get(kind, (0.0, 0.0))
        if is_measured:
            longest = min(longest, max(shortest, _CALM_SECONDS))
        seconds = shortest * (longest / shortest) ** self._draw.random() if shortest else 0.0
        return Fault(
            number, kind, self._target(kind), 0.0, round(seconds, 3), self._amount(kind), is_measured
        )

    def _target(self, kind: str) -> str:
        if kind in PROCESS:
            return self._next(kind, self._targets.actors)
        if kind == "disk":
            return self._next(kind, self._targets.disks)
        if kind in {"drop", "reorder", "duplicate"}:
            return self._next(kind, self._targets.symbols)
        return ""

    def _next(self, kind: str, names: Sequence[str]) -> str:
        deck = self._decks.setdefault(kind, [])
        if not deck:
            deck += names
            self._draw.shuffle(deck)
        return deck.pop()

    def _amount(self, kind: str) -> float:
        if kind == "clock":
            return self._draw.choice(CLOCK_JUMPS_S)
        if kind == "rest":
            return float(self._draw.choice(REST_STATUSES))
        if kind in {"drop", "reorder", "duplicate"}:
            return float(round(10 ** self._draw.uniform(0.0, 2.5)))
        return 0.0
