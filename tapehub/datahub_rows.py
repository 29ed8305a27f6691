"""Ticks, candles and order-flow metrics as the old DataHub's programs have them. Pure.

Their times are naive datetimes in UTC, their spread is in pips.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

from protocol.client.results import OrderFlow
from protocol.client.results import Tick as HubTick
from protocol.errors import InvalidRequest

MINUTE: Final = "1m"
WINDOW_S: Final = 60.0
"""Window of the old metrics."""
_ALIASES: Final = {
    "volume_delta": "delta",
    "cumulative_delta": "cvd",
    "total_volume": "volume",
    "imbalance": "book_imbalance",
}
"""Old names of metrics to ours."""


@dataclass
class Tick:
    """Best bid and ask."""

    symbol: str
    bid: float
    ask: float
    mid: float = 0.0
    spread: float = 0.0
    """Pips; quote currency where the instrument has none."""
    timestamp: datetime | None = None
    """UTC, naive."""


@dataclass
class Candle:
    """One minute."""

    symbol: str
    timestamp: datetime
    """Its start, UTC, naive."""
    open: float
    high: float
    low: float
    close: float
    volume: float = 0.0


@dataclass
class OrderFlowMetrics:
    """Metrics over the last minute; each of `values` is an attribute too, under its name here or the old one."""

    symbol: str
    timestamp: datetime
    """UTC, naive."""
    values: dict[str, float] = field(default_factory=dict)
    window_s: float = WINDOW_S
    coverage: float = 1.0
    """Share of the window that was seen, 0 to 1."""

    def __getattr__(self, name: str) -> float:
        values = self.__dict__.get("values", {})
        found = values.get(name, values.get(_ALIASES.get(name, name)))
        if found is None:
            known = ", ".join(sorted(values)) or "none"
            raise AttributeError(
                f"no metric {name!r} of {self.__dict__.get('symbol', '?')}; there are {known}"
            )
        return float(found)


def tick_item(tick: Any) -> dict[str, Any]:
    """A tick of an old program as an item of a push.

    Raises:
        InvalidRequest: it lacks something.
    """
    return {
        "symbol": _need(tick, "symbol"),
        "bid": float(_need(tick, "bid")),
        "ask": float(_need(tick, "ask")),
        "ts_event_ns": _ns(_need(tick, "timestamp")),
    }


def candle_item(candle: Any) -> dict[str, Any]:
    """A one-minute candle of an old program as an item of a push.

    Raises:
        InvalidRequest: it lacks something.
    """
    prices = {name: float(_need(candle, name)) for name in ("open", "high", "low", "close")}
    return {
        "symbol": _need(candle, "symbol"),
        "timeframe": MINUTE,
        "ts_event_ns": _ns(_need(candle, "timestamp")),
        **prices,
        "volume": float(_of(candle, "volume") or 0.0),
    }


def flow_item(metrics: Any) -> dict[str, Any]:
    """Metrics of an old program as an item of a push: every number it has, under our names.

    Raises:
        InvalidRequest: it lacks something.
    """
    given = dict(metrics) if isinstance(metrics, Mapping) else dict(vars(metrics))
    numbers = {**given, **(given.get("values") or {})}
    values = {
        _ALIASES.get(name, name): float(value)
        for name, value in numbers.items()
        if isinstance(value, (int, float))
        and not isinstance(value, bool)
        and name not in ("window_s", "coverage")
    }
    return {
        "symbol": _need(metrics, "symbol"),
        "window_s": float(given.get("window_s") or WINDOW_S),
        "ts_event_ns": _ns(_need(metrics, "timestamp")),
        "values": values,
    }


def tick_of(tick: HubTick, pip_size: float) -> Tick:
    """The hub's tick for an old program."""
    spread = tick.spread / pip_size if pip_size else tick.spread
    return Tick(tick.symbol, tick.bid, tick.ask, tick.mid, spread, _moment(tick.ts_event_ns))


def candle_of(symbol: str, row: Mapping[str, Any]) -> Candle:
    """One candle of the hub for an old program."""
    return Candle(
        symbol, _moment(row["ts_open_ns"]), row["open"], row["high"], row["low"], row["close"], row["volume"]
    )


def metrics_of(flow: OrderFlow) -> OrderFlowMetrics:
    """The hub's order flow for an old program."""
    return OrderFlowMetrics(
        flow.symbol, _moment(flow.ts_event_ns), dict(flow.values), flow.window_s, flow.coverage
    )


def _of(thing: Any, name: str) -> Any:
    return thing.get(name) if isinstance(thing, Mapping) else getattr(thing, name, None)


def _need(thing: Any, name: str) -> Any:
    found = _of(thing, name)
    if found is None:
        raise InvalidRequest(f"{type(thing).__name__} has no {name}", errors=[f"{name}: missing"])
    return found


def _ns(moment: Any) -> int:
    """A datetime (naive is UTC), or seconds since 1970, as nanoseconds."""
    if isinstance(moment, datetime):
        aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        since = aware - datetime(1970, 1, 1, tzinfo=UTC)
        return ((since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds) * 1000
    if isinstance(moment, (int, float)) and not isinstance(moment, bool):
        return round(moment * 1e9)
    raise InvalidRequest(f"timestamp {moment!r} is neither a datetime nor seconds", errors=["timestamp"])


def _moment(ts_ns: int) -> datetime:
    return datetime.fromtimestamp(ts_ns // 1000 / 1e6, UTC).replace(tzinfo=None)
