"""The scenario that the detector is measured by: each deed, and the one alert that it must give."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

from actors.simulator.scenario import AnyDeed, Liquidations, Print, Surge, Sweep, name_of
from protocol.messages import Alert


class Expected(NamedTuple):
    """A deed of the simulator and what must come of it."""

    deed: AnyDeed
    rule: str
    patience_s: float
    """How long the alert may take, counted from the beginning of the deed."""

    @property
    def name(self) -> str:
        """As the simulator calls it."""
        return name_of(self.deed)

    def is_met_by(self, alerts: Sequence[Alert]) -> bool:
        """Whether these are exactly its alert."""
        return [(alert.rule, alert.symbol) for alert in alerts] == [(self.rule, self.deed.symbol)]


SCENARIO: Final = (
    Expected(Print(symbol="BTC_USDT", notional=2_000_000, side=1), "big_trade", 15),
    Expected(
        Liquidations(symbol="BTC_USDT.PERP", count=20, notional=1_000_000, seconds=20, side=-1),
        "liquidation_spike",
        75,
    ),
    Expected(Sweep(symbol="BTC_USDT", levels=6, notional=200_000, side=-1), "sweep", 15),
    Expected(Surge(symbol="BTC_USDT", factor=10, seconds=120), "volume_surge", 190),
)
