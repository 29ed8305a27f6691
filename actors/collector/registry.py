"""Which venues there are, by name; each is imported only where it is spoken with.

Exchanges (JSON over WebSockets) are a `Venue` each, read by `feed.py`; the others bring their own `MarketFeed`.
"""

from __future__ import annotations

import importlib
from typing import Any, Final

from actors.collector.recorded.sniffing import Sniffer
from actors.collector.venue import Venue

_EXCHANGES: Final = {
    "binance": "Binance",
    "bybit": "Bybit",
    "coinbase": "Coinbase",
    "okx": "Okx",
}
EXCHANGES: Final = tuple(_EXCHANGES)
"""Venues that speak JSON over WebSockets."""
VENUES: Final = (*EXCHANGES, "databento", "ig", "news", "push", "rest")
"""Every venue that a collector can collect from."""


def exchange(name: str) -> Venue:
    """An exchange, by its name in `EXCHANGES`."""
    found: Venue = _load(f"actors.collector.venues.{name}", _EXCHANGES[name])
    return found


def sniffer(name: str) -> Sniffer:
    """Who knows the recorded frames of an exchange."""
    found: Sniffer = _load(f"actors.collector.venues.{name}_sniffing", f"{_EXCHANGES[name]}Sniffer")
    return found


def _load(module: str, name: str) -> Any:
    return getattr(importlib.import_module(module), name)()
