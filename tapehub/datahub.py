"""The old in-memory DataHub's methods on top of tapehub: an old engine or collector moves over by one import.

    from tapehub.datahub import Candle, DataHub, OrderFlowMetrics, Tick, get_data_hub_from_env

Producers' updates are pushed (venue `push.<source>`): journalled, numbered and stored like every other feed. Consumers
read what the hub has, from whichever venue is the newest. What differs from the old one: docs/howto/old-datahub.md.
"""

from __future__ import annotations

import logging
import os
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from protocol.client import Hub
from protocol.errors import HubError, InvalidRequest, NoData, UnknownSymbol
from protocol.messages import Bar, Flow, Quote
from protocol.pushing import BUILT_HERE, DUPLICATE, Pushed
from protocol.topics import parse_topic
from tapehub.datahub_rows import (
    Candle,
    OrderFlowMetrics,
    Tick,
    candle_item,
    candle_of,
    flow_item,
    metrics_of,
    tick_item,
    tick_of,
)

__all__ = [
    "Candle",
    "DataHub",
    "OrderFlowMetrics",
    "Tick",
    "connect_to_data_hub",
    "get_data_hub_from_env",
]

SOURCE_VARIABLE: Final = "TAPEHUB_SOURCE"
DEFAULT_SOURCE: Final = "datahub"
OLD_ADDRESS: Final = ("127.0.0.1", 50000)
MAX_AGE_S: Final[Mapping[str, float]] = {"tick": 2, "candle": 120, "order_flow": 5}
"""The old defaults of `check_staleness`."""
TIMEFRAME: Final = "1m"
_KINDS: Final = {"tick": Quote.KIND, "candle": Bar.KIND, "order_flow": Flow.KIND}
_log: Final = logging.getLogger(__name__)


class DataHub:
    """Drop-in for the old `DataHub` and its manager's proxy; safe in threads.

    Args:
        max_candles: Most candles that `get_latest_candles` gives.
        hub: The client to use; None: the hub of `endpoint`.
        endpoint: See `Hub`.
        source: Whose updates are pushed: they are of venue `push.<source>`; default `$TAPEHUB_SOURCE`, else `datahub`.
    """

    def __init__(
        self, max_candles: int = 200, *, hub: Hub | None = None, endpoint: str | None = None, source: str = ""
    ) -> None:
        self.max_candles = max_candles
        self.hub = hub or Hub(endpoint, allow_stale=True)
        self.source = source or os.environ.get(SOURCE_VARIABLE, DEFAULT_SOURCE)
        self.stats: Counter[str] = Counter()
        """Calls of this client, under the old names."""
        self._pips: dict[str, float] = {}
        self._lock = threading.Lock()

    # what producers call

    def update_tick(self, tick: Any) -> None:
        """Push a tick: an object or a map with symbol, bid, ask, timestamp (UTC).

        Raises:
            HubError: it was not taken; says why.
        """
        self._push([tick_item(tick)])
        self._count("ticks_received")

    def update_candle_1m(self, candle: Any) -> None:
        """Push a one-minute candle: symbol, timestamp (its start, UTC), open, high, low, close, volume.

        A candle of a symbol whose ticks are pushed as well is built by the aggregator already and is left out.

        Raises:
            HubError: it was not taken; says why.
        """
        self._push([candle_item(candle)])
        self._count("candles_received")

    def update_order_flow(self, metrics: Any) -> None:
        """Push order-flow metrics: symbol, timestamp, and any numbers under their names.

        Raises:
            HubError: they were not taken; says why.
        """
        self._push([flow_item(metrics)])
        self._count("order_flow_updates")

    # what consumers call

    def get_latest_tick(self, symbol: str) -> Tick | None:
        """Newest tick, however old (see `check_staleness`); None if there is none."""
        self._count("get_tick_calls")
        try:
            tick = self.hub.tick(symbol, allow_stale=True)
            return tick_of(tick, self._pip_size(tick.symbol))
        except (NoData, UnknownSymbol):
            return None

    def get_latest_candles(self, symbol: str, limit: int = 100) -> list[Candle]:
        """The last closed one-minute candles, oldest first; from the database where the hub keeps fewer."""
        self._count("get_candles_calls")
        wanted = min(limit, self.max_candles)
        try:
            candles = self.hub.candles(symbol, TIMEFRAME, wanted + 1, allow_stale=True)
            rows = candles.to_dicts()
            if len(rows) <= wanted:
                rows = self.hub.history(symbol, TIMEFRAME, n=wanted + 1).to_dicts() or rows
        except (NoData, UnknownSymbol):
            return []
        closed = [row for row in rows if row["status"] != "open"]
        return [candle_of(symbol, row) for row in closed[-wanted:]] if wanted > 0 else []

    def get_latest_order_flow(self, symbol: str) -> OrderFlowMetrics | None:
        """Newest metrics of the last minute, pushed or computed here; None if there are none."""
        self._count("get_flow_calls")
        try:
            return metrics_of(self.hub.order_flow(symbol, 60, allow_stale=True))
        except (NoData, UnknownSymbol):
            return None

    # filling it at the start

    def warm_start_candles(self, symbol: str, candles: Sequence[Any]) -> int:
        """Push candles of the past, oldest first; returns how many the hub has now, those it had among them."""
        if not candles:
            return 0
        done = self._push([{**candle_item(candle), "symbol": symbol} for candle in candles], is_past=True)
        return done.accepted + done.duplicates

    def warm_start_all(
        self, symbols: Iterable[str], db_fetch_func: Callable[[str, int], Sequence[Any]], limit: int = 100
    ) -> None:
        """`warm_start_candles` for each symbol, with what `db_fetch_func(symbol, limit)` gives; one that fails is logged.

        Not needed where persistence runs: a hub that starts warms itself.
        """
        for symbol in symbols:
            try:
                self.warm_start_candles(symbol, db_fetch_func(symbol, limit) or [])
            except Exception as fault:  # noqa: BLE001 - the function is the caller's; the other symbols go on
                _log.error("failed to warm-start %s: %s", symbol, fault)

    # state

    def get_status(self) -> dict[str, Any]:
        """symbols_tracked, ticks_count, candles_by_symbol, order_flow_count, stats, last_updates; of the whole hub."""
        symbols: set[str] = set()
        held: dict[str, set[str]] = {kind: set() for kind in _KINDS}
        last: dict[str, dict[str, datetime]] = {}
        for topic in self.hub.topics():
            kind = next((name for name, one in _KINDS.items() if topic.topic.startswith(f"{one}.")), "")
            found = _symbol_of(topic.topic, kind)
            if not found:
                continue
            symbols.add(found)
            held[kind].add(found)
            at = datetime.fromtimestamp(topic.ts_pub_ns / 1e9, UTC).replace(tzinfo=None)
            rows = last.setdefault(found, {})
            rows[kind] = max(at, rows.get(kind, at))
        return {
            "symbols_tracked": sorted(symbols),
            "ticks_count": len(held["tick"]),
            "candles_by_symbol": {symbol: len(self.get_latest_candles(symbol, self.max_candles)) for symbol in held["candle"]},
            "order_flow_count": len(held["order_flow"]),
            "stats": dict(self.stats),
            "last_updates": last,
        }  # fmt: skip

    def check_staleness(
        self, symbol: str, max_age_seconds: Mapping[str, float] | None = None
    ) -> dict[str, bool]:
        """Whether the tick, the newest candle and the order flow are older than allowed; nothing there is stale."""
        reads: dict[str, Callable[[], float]] = {
            "tick": lambda: self.hub.tick(symbol, allow_stale=True).age_s,
            "candle": lambda: self.hub.candles(symbol, TIMEFRAME, 1, allow_stale=True).age_s,
            "order_flow": lambda: self.hub.order_flow(symbol, 60, allow_stale=True).age_s,
        }
        found: dict[str, bool] = {}
        for name, max_age_s in (MAX_AGE_S if max_age_seconds is None else max_age_seconds).items():
            try:
                found[name] = name not in reads or reads[name]() > max_age_s
            except (NoData, UnknownSymbol):
                found[name] = True
        return found

    def clear_symbol(self, symbol: str) -> None:
        """Let the hub forget a symbol; what is stored stays stored."""
        self.hub.clear(symbol)

    def clear_all(self) -> None:
        """Let the hub forget everything; what is stored stays stored."""
        self.hub.clear_all()

    def close(self) -> None:
        """Close the sockets."""
        self.hub.close()

    def _push(self, items: list[dict[str, Any]], *, is_past: bool = False) -> Pushed:
        done = self.hub.push(items, source=self.source)
        refused = [item for item in done.items if item.code not in (BUILT_HERE, DUPLICATE)]
        if refused and not is_past:
            first = refused[0]
            raise InvalidRequest(f"{first.detail or first.code}", errors=[item.detail for item in refused])
        for item in refused[:3]:
            _log.warning("item %d was not taken: %s", item.index, item.detail)
        return done

    def _pip_size(self, symbol: str) -> float:
        """Of a symbol, asked once; 0 where it has none."""
        if symbol not in self._pips:
            self._pips.update({name: info.pip_size for name, info in self.hub.symbols().items()})
        return self._pips.get(symbol, 0.0)

    def _count(self, name: str) -> None:
        with self._lock:
            self.stats[name] += 1


def connect_to_data_hub(address: tuple[str, int] = OLD_ADDRESS, authkey: bytes = b"") -> DataHub:
    """Connect to the running hub.

    Args:
        address: Host and port of a hub that listens on TCP; the old default means: find it, as `Hub()` does.
        authkey: Not used: on one host the run directory's owner may ask.

    Raises:
        HubError: no hub answers.
    """
    del authkey
    endpoint = None if address == OLD_ADDRESS else f"tcp://{address[0]}:{address[1]}"
    found = DataHub(endpoint=endpoint)
    try:
        found.hub.ping()
    except HubError:
        found.close()
        raise
    return found


def get_data_hub_from_env() -> DataHub | None:
    """Connect to the hub of the environment (`TAPEHUB_ENDPOINT`, `TAPEHUB_RUN_DIR`); None, and a log line, if none answers."""
    try:
        return connect_to_data_hub()
    except HubError as fault:
        _log.error("failed to connect to the hub: %s", fault)
        return None


def _symbol_of(topic: str, kind: str) -> str:
    """The symbol of a topic that the old hub knew something like, else empty."""
    if not kind:
        return ""
    parsed = parse_topic(topic)
    return parsed.symbol if kind != "candle" or parsed.timeframe == TIMEFRAME else ""
