"""What a strategy is given and what it says: the interface that plugins are written against. Pure.

A strategy is a pure function of a snapshot: no clock, no file, no socket, no memory of its own. So the same recording
gives the same signals, and a backtest runs the very code that runs live.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, NamedTuple, Protocol

import msgspec

from protocol.messages import Bar


class Needs(msgspec.Struct, frozen=True, kw_only=True):
    """Inputs without which a strategy is not asked: it never sees a snapshot that lacks one, or holds an old or gapped one."""

    timeframe: str = "1m"
    """Of the candles it rests on. It is asked when one has closed, or each second with `each_second`."""
    each_second: bool = False
    bars: Mapping[str, int] = {}
    """Timeframe to how many closed candles it looks back on; none of them may have a gap."""
    features: Mapping[str, tuple[str, ...]] = {}
    """Timeframe to names of indicator values, like `ema_20`."""
    flows: Mapping[float, tuple[str, ...]] = {}
    """Window, s, to names of order-flow values, like `delta`."""


class Snapshot(NamedTuple):
    """One market at one moment of venue time; nothing in it is later than that."""

    symbol: str
    venue: str
    ts_ns: int
    bid: float
    ask: float
    ts_quote_ns: int
    bars: Mapping[str, Sequence[Bar]]
    """Timeframe to closed candles, oldest first; what a late trade or a repair changed in one counts from the next close on."""
    features: Mapping[str, Mapping[str, float]]
    """Timeframe to indicator values of the newest closed candle."""
    flows: Mapping[float, Mapping[str, float]]
    """Window, s, to order-flow values of the newest complete step."""
    tick_size: float
    pip_size: float

    @property
    def mid(self) -> float:
        """Half-way between bid and ask."""
        return (self.bid + self.ask) / 2

    @property
    def spread(self) -> float:
        """Ask minus bid."""
        return self.ask - self.bid


class Idea(NamedTuple):
    """What a strategy would do. Entry is the touched price: the ask to buy, the bid to sell."""

    side: int
    """1 buy, -1 sell."""
    stop: float
    target: float
    confidence: float
    """0 to 1."""
    inputs: Mapping[str, float]
    """What caused it."""
    text: str = ""
    """In a sentence."""


class Strategy(Protocol):
    """A plugin. Made once per actor with its parameters; asked for every market."""

    name: ClassVar[str]
    """Lower case, digits and `_`; the signals have it."""
    Params: ClassVar[type[Any]]
    """A frozen msgspec.Struct, all fields with default values: what the configuration may set."""

    @property
    def needs(self) -> Needs:
        """Depends on the parameters only."""

    def evaluate(self, snapshot: Snapshot) -> Idea | str:
        """An idea, or in a few words why there is none: `no trend`."""
