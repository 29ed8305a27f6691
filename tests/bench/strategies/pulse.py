"""A strategy that speaks as often as it may: how long its signals take is what is measured."""

from __future__ import annotations

from typing import ClassVar

import msgspec

from protocol.messages import BUY
from protocol.strategy import Idea, Needs, Snapshot


class PulseParams(msgspec.Struct, frozen=True):
    """None."""


class Pulse:
    """Buys."""

    name: ClassVar[str] = "pulse"
    Params: ClassVar[type[PulseParams]] = PulseParams

    def __init__(self, params: PulseParams) -> None:
        del params
        self.needs = Needs(timeframe="1m", each_second=True)

    def evaluate(self, snapshot: Snapshot) -> Idea | str:
        """Always an idea."""
        return Idea(
            BUY, snapshot.bid * 0.9, snapshot.ask * 1.1, 0.5, {"quote_ns": float(snapshot.ts_quote_ns)}
        )


STRATEGIES = (Pulse,)
