"""Which question of the hub's client `tapehub snap` asks for each kind, and what it makes of the answer. Pure."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from protocol.derived import SIGNAL_STATES
from tapehub import snapshots as shots

if TYPE_CHECKING:
    from protocol.client import Hub
    from tapehub.snapshots import Snapshot


class Wanted(NamedTuple):
    """What was asked for; a kind takes of it what it needs."""

    symbols: list[str]
    timeframe: str = "1m"
    rows: int = 500
    window_s: float | None = None
    """Of order flow; None: the shortest there is."""
    depth: int = 20
    venue: str = ""
    allow_stale: bool = False

    @property
    def symbol(self) -> str:
        """The only symbol, empty if there is none."""
        return self.symbols[0] if self.symbols else ""

    @property
    def of(self) -> dict[str, Any]:
        """Whose value, and how old it may be."""
        return {"venue": self.venue, "allow_stale": self.allow_stale}


def ask(hub: Hub, kind: str, wanted: Wanted) -> Snapshot:
    """The hub's answer, ready to be shown; `kind` is one of `snapshots.KINDS`.

    Raises:
        HubError: the hub refuses, or does not answer.
    """
    how = _HOW.get(kind)
    if how is not None:
        return how(hub, wanted)
    return shots.of_messages(
        kind, getattr(hub, kind)(wanted.rows, symbol=wanted.symbol, **_venue(kind, wanted))
    )


def _venue(kind: str, wanted: Wanted) -> dict[str, str]:
    return {"venue": wanted.venue} if kind in ("gaps", "liquidations", "sweeps", "verdicts") else {}


def _ticks(hub: Hub, wanted: Wanted) -> Snapshot:
    ticks = hub.ticks(wanted.symbols, **wanted.of)
    return shots.of_ticks(ticks, ticks.errors)


def _book(hub: Hub, wanted: Wanted) -> Snapshot:
    if wanted.venue == "*":
        return shots.of_depth(hub.book(wanted.symbol, wanted.depth, venue="*"))
    return shots.of_book(hub.book(wanted.symbol, wanted.depth, **wanted.of))


def _signals(hub: Hub, wanted: Wanted) -> Snapshot:
    """Each once, the vetoed ones too: a person asks why there is none."""
    found = hub.signals(wanted.rows, symbol=wanted.symbol, venue=wanted.venue, states=SIGNAL_STATES)
    return shots.of_messages("signals", found)


def _flow(hub: Hub, wanted: Wanted) -> Snapshot:
    return shots.of_values("flow", hub.order_flow(wanted.symbol, wanted.window_s, **wanted.of))


_HOW: Final[dict[str, Callable[[Hub, Wanted], Snapshot]]] = {
    "tick": lambda hub, wanted: shots.of_tick(hub.tick(wanted.symbol, **wanted.of)),
    "ticks": _ticks,
    "candles": lambda hub, wanted: shots.of_candles(
        hub.candles(wanted.symbol, wanted.timeframe, wanted.rows, **wanted.of)
    ),
    "bbo": lambda hub, wanted: shots.of_bbo(hub.bbo(wanted.symbol)),
    "book": _book,
    "trades": lambda hub, wanted: shots.of_trades(hub.trades(wanted.symbol, wanted.rows, **wanted.of)),
    "order_flow": _flow,
    "flow": _flow,
    "features": lambda hub, wanted: shots.of_values(
        "features", hub.features(wanted.symbol, wanted.timeframe, **wanted.of)
    ),
    "footprint": lambda hub, wanted: shots.of_footprints(
        hub.footprint(wanted.symbol, wanted.timeframe, wanted.rows, **wanted.of)
    ),
    "profile": lambda hub, wanted: shots.of_profile(hub.profile(wanted.symbol, **wanted.of)),
    "signals": _signals,
    "status": lambda hub, _: shots.of_status(hub.status()),
    "symbols": lambda hub, _: shots.of_symbols(hub.symbols()),
}
