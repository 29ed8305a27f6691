"""What a rule is: one file in `rules/` with a class that hears events of one symbol at one venue. Pure.

A rule overrides the handlers of the kinds it wants and returns a finding, or None; a handler that is not overridden
costs nothing. The rest is done for it: topics, late and repaired events, warm restarts, cool-down, severity, reload.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Annotated, Any, ClassVar, Final, Literal, NamedTuple

import msgspec
from msgspec import Meta

from actors.detector.market import Market
from actors.detector.usd import Rates
from protocol.messages import Bar, Liquidation, Quote, Sweep, Trade

Positive = Annotated[float, Meta(gt=0)]
NotNegative = Annotated[float, Meta(ge=0)]
Count = Annotated[int, Meta(ge=1, le=100_000)]


class Thresholds(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What every rule has in `detectors.yaml`; a rule adds its own, all with defaults."""

    enabled: bool = True
    """Whether the rule runs; one that does not learns nothing either."""
    cool_down_s: NotNegative = 60.0
    """Least venue time between two alerts of this rule for one symbol, seconds."""
    severity: Literal["info", "warning", "critical"] = "warning"
    """What its alerts say."""


class NoState(msgspec.Struct, array_like=True):
    """Of a rule that remembers nothing."""


class Finding(NamedTuple):
    """Something that a rule has found."""

    ts_event_ns: int
    """Venue time at which it was so: with the rule it names the alert, so a restart must find the same."""
    text: str
    """For people: what happened, with the numbers."""
    values: dict[str, float]
    """Every number that caused it: value, threshold, z, median, n ..."""


class Shown(NamedTuple):
    """A row of what a rule shows in the status."""

    badness: tuple[float, ...]
    """The greater, the sooner it is shown where there are too many."""
    name: str
    numbers: Callable[[], dict[str, float]]
    """Makes what stands in it, where it is shown."""


class World(NamedTuple):
    """What a rule may look at beyond its own market."""

    markets: dict[str, list[Market]]
    """Markets of each symbol, one per venue."""
    rates: Rates
    counters: Counter[str]
    """For what a rule cannot judge, and whatever else it wants seen in the status."""


class Rule:
    """Base of every rule; one object per symbol and venue.

    `thresholds` may be replaced at any time (reload), `state` is kept over restarts: what is to survive stands there
    and nowhere else.
    """

    name: ClassVar[str] = ""
    """What `detectors.yaml` and the alerts call it; one word."""
    Thresholds: ClassVar[type[Thresholds]] = Thresholds
    State: ClassVar[type[msgspec.Struct]] = NoState
    learns_late: ClassVar[bool] = False
    """Whether late and repaired events are good for its statistics: it gets them, and what it finds is not told."""

    def __init__(self, market: Market, thresholds: Any, state: Any, world: World) -> None:
        self.market = market
        self.thresholds = thresholds
        self.state = state
        self.world = world

    def on_trade(self, trade: Trade) -> Finding | None:
        """Take a trade; the market has it already."""

    def on_quote(self, quote: Quote) -> Finding | None:
        """Take a best bid and ask; the market has it already."""

    def on_bar(self, bar: Bar) -> Finding | None:
        """Take a closed 1m candle, at its first revision."""

    def on_revision(self, bar: Bar) -> Finding | None:
        """Take a closed 1m candle that was changed since: revision 2 and later, of whatever age."""

    def on_reference(self, bar: Bar) -> Finding | None:
        """Take a 1m candle to compare ours with: the venue's own (its venue is ours), or one of a REST provider.

        It may come before ours or after it, be of any age, and come again.
        """

    def on_liquidation(self, liquidation: Liquidation) -> Finding | None:
        """Take a forced order."""

    def on_sweep(self, sweep: Sweep) -> Finding | None:
        """Take an order that went through several levels."""

    def on_mark(self, now_ns: int) -> Finding | None:
        """The venue's time has reached `now_ns`, four times a second, also without events; the venue is connected."""

    def on_break(self) -> None:
        """Something was not seen: a gap, a disconnect, a restart. Forget what runs, keep what is usual."""

    def rows(self) -> Iterable[Shown]:
        """What the status shows of its state, asked every second: no more than to read what stands there."""
        return ()


HANDLERS: Final[dict[type, str]] = {
    Trade: "on_trade",
    Quote: "on_quote",
    Bar: "on_bar",
    Liquidation: "on_liquidation",
    Sweep: "on_sweep",
}
ON_MARK: Final = "on_mark"
ON_REVISION: Final = "on_revision"
ON_REFERENCE: Final = "on_reference"
Handler = Callable[[Any], Finding | None]


def handlers_of(rules: Sequence[Rule], method: str, *, only_late: bool = False) -> list[tuple[Rule, Handler]]:
    """Rules that override a handler, each with it."""
    base = getattr(Rule, method)
    return [
        (rule, getattr(rule, method))
        for rule in rules
        if getattr(type(rule), method) is not base and (rule.learns_late or not only_late)
    ]
