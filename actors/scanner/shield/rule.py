"""What a rule of the shield is: one file in `rules/` with a class that looks at a candidate and says what it dislikes. Pure.

What is done for it: whom it concerns, veto or penalty, what happens where its input is missing, score, order of reasons.
"""

from __future__ import annotations

import abc
from collections.abc import Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Annotated, Any, ClassVar, Literal, NamedTuple

import msgspec
from msgspec import Meta

from actors.scanner.shield.events import Event
from actors.scanner.shield.judged import Candidate, Surroundings
from actors.scanner.shield.spelling import CalendarName
from actors.scanner.shield.week import Hours

Share = Annotated[float, Meta(ge=0, le=1)]
Positive = Annotated[float, Meta(gt=0)]
NotNegative = Annotated[float, Meta(ge=0)]
Minutes = Annotated[float, Meta(ge=0, le=1440)]
Limit = Annotated[int, Meta(ge=0, le=100_000)]


class Only(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Whom a rule judges: what is named must fit, what is not named fits."""

    symbols: tuple[str, ...] = ()
    """Patterns, like `EUR_*`."""
    strategies: tuple[str, ...] = ()
    """Patterns, like `trend_*`."""
    calendars: tuple[CalendarName, ...] = ()
    """Session calendars of instruments: crypto, fx, cme, us_equity."""

    def fits(self, symbol: str, strategy: str, calendar: str) -> bool:
        """Whether all that is named fits."""
        return (
            (not self.symbols or any(fnmatchcase(symbol, pattern) for pattern in self.symbols))
            and (not self.strategies or any(fnmatchcase(strategy, pattern) for pattern in self.strategies))
            and (not self.calendars or calendar in self.calendars)
        )


class RuleSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What every rule has in `shield.yaml`; a rule adds its own."""

    enabled: bool = True
    veto: bool = False
    """Whether what it finds ends the idea; otherwise it costs `penalty`."""
    penalty: Share = 0.3
    """What each finding takes: the score is multiplied by 1 minus this. 0: the reason is kept, the score too."""
    if_unknown: Literal["veto", "pass", "penalty"] = "penalty"
    """What happens where its input is missing."""
    only: Only = Only()


class Finding(NamedTuple):
    """Something that a rule dislikes."""

    text: str
    """With the numbers."""
    is_unknown: bool = False
    """Not that it is bad: it cannot be told."""


class Reason(NamedTuple):
    """A finding and its consequence."""

    text: str
    is_veto: bool
    penalty: float


class Shared(NamedTuple):
    """What rules have in common."""

    sessions: Mapping[str, Hours]
    events: Sequence[Event]


class Rule(abc.ABC):
    """Base of every rule: a function of its arguments, without memory.

    Args:
        settings: One entry of the file, of type `Settings`.
        shared: Named sessions and the calendar.
    """

    name: ClassVar[str] = ""
    """What `shield.yaml` and the reasons call it; one word."""
    Settings: ClassVar[type[RuleSettings]] = RuleSettings

    def __init__(self, settings: Any, shared: Shared) -> None:
        self.settings = settings
        self.shared = shared

    @abc.abstractmethod
    def findings(self, candidate: Candidate, surroundings: Surroundings) -> Iterator[Finding]:
        """What it dislikes; each costs on its own."""

    def reasons(self, candidate: Candidate, surroundings: Surroundings) -> list[Reason]:
        """Findings with their consequences; none for a candidate that it does not concern."""
        only = self.settings.only
        if not only.fits(candidate.symbol, candidate.strategy, surroundings.session):
            return []
        return [self._reason(finding) for finding in self.findings(candidate, surroundings)]

    def _reason(self, finding: Finding) -> Reason:
        settings: RuleSettings = self.settings
        text = f"{self.name}: {finding.text}"
        if finding.is_unknown and settings.if_unknown == "pass":
            return Reason(f"{text} (passed)", is_veto=False, penalty=0.0)
        if settings.if_unknown == "veto" if finding.is_unknown else settings.veto:
            return Reason(f"{text} (veto)", is_veto=True, penalty=1.0)
        cost = f"-{settings.penalty:g}" if settings.penalty else "noted"
        return Reason(f"{text} ({cost})", is_veto=False, penalty=settings.penalty)


def settled(value: float) -> float:
    """A quotient of prices without the last digits, in which 2 pips may be 2.0000000000020002."""
    return round(value, 6)


def against(value: float, word: str, limit: float, unit: str = "") -> str:
    """`2.4 pips is above 2`, with as many digits as tell the two apart."""
    for digits in (6, 9, 12, 17):
        left, right = f"{value:.{digits}g}", f"{limit:.{digits}g}"
        if left != right:
            break
    return f"{left}{unit and ' '}{unit} is {word} {right}"
