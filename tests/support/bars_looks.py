"""Live looks that are played: one fault, some minutes, and what came of it."""

from __future__ import annotations

from typing import Any, Final

from actors.collector.bars.memory import MINUTE_NS
from tests.support.bars_played import (
    TUESDAY_NS,
    PlayedBars,
    market_of,
    open_minutes,
    settings,
    untrue,
    world_of,
)
from tests.support.providers.faults import Fault
from tests.support.providers.listings import LISTINGS
from tests.support.providers.market import Market

ONE: Final = "BTC_USD"
TWO: Final = "ETH_USD"
FROM_MINUTE: Final = 5
TO_MINUTE: Final = 12
"""When the fault of most tests begins and ends."""


def fault(kind: Any, provider: str = "yahoo", to_minute: float = TO_MINUTE, **changes: Any) -> Fault:
    """One that begins at `FROM_MINUTE`."""
    return Fault(provider, kind, 60.0 * FROM_MINUTE, 60.0 * to_minute, **changes)


def thin() -> Market:
    """Every fifth minute is without a trade."""
    return Market([one._replace(quiet=0.2) for one in LISTINGS if one.symbol == ONE])


def begun(
    *providers: str,
    faults: Any = (),
    symbols: tuple[str, ...] = (ONE,),
    market: Market | None = None,
    start_ns: int = TUESDAY_NS,
    seed: int = 1,
    **changes: Any,
) -> PlayedBars:
    world = world_of(market or market_of(*symbols, seed=seed), start_ns, faults)
    return PlayedBars(world, start_ns, settings(*providers, **changes), seed=seed)


def play(minutes: float, *providers: str, **options: Any) -> PlayedBars:
    bars = begun(*providers, **options)
    bars.run(bars.now_ns + round(minutes * MINUTE_NS))
    assert bars.world.violations == []
    return bars


def at(minute: float) -> int:
    return TUESDAY_NS + round(minute * MINUTE_NS)


def is_whole(bars: PlayedBars, symbol: str = ONE) -> bool:
    """Every minute is there, and as it was."""
    found = bars.bars(symbol)
    session = bars.orchestrator.lines[symbol].timeline.session.name
    expected = open_minutes(session, min(found), bars.now_ns - 2 * MINUTE_NS)
    return set(expected) <= set(found) and untrue(bars.world.market, symbol, found) == []


def switches(bars: PlayedBars, symbol: str = ONE) -> list[tuple[str, str, str]]:
    return [(one.before, one.after, one.reason) for one in bars.switches if one.symbol == symbol]
