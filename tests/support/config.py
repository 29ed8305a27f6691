"""A configuration of one test: its own run directory, its own actors, its own symbols."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

DEFAULT_SYMBOLS: Mapping[str, Mapping[str, Any]] = {
    "BTC_USDT": {"venues": {"binance": "spot:BTCUSDT"}},
    "ETH_USDT": {"venues": {"binance": "spot:ETHUSDT"}},
    "BTC_USDT.PERP": {"venues": {"binance": "usdm:BTCUSDT"}},
    "ETH_USDT.PERP": {"venues": {"binance": "usdm:ETHUSDT"}},
}


def write_config(
    run_dir: Path,
    actors: Mapping[str, Mapping[str, Any]],
    symbols: Mapping[str, Mapping[str, Any]] | None = None,
    **top: Any,
) -> Path:
    """Write `<run_dir>/tapehub.yaml` and `symbols.yaml` beside it; returns the path of the first.

    Args:
        run_dir: Short folder (the `run_dir` fixture): the unix sockets of the actors live below it.
        actors: Instance name to its settings, `{"hub.1": {}}`.
        symbols: Canonical symbol to its entry; four Binance ones by default.
        **top: Further top-level keys, for example `log_level="debug"`.
    """
    tree = {"run_dir": str(run_dir), **top, "actors": {name: dict(row) for name, row in actors.items()}}
    path = run_dir / "tapehub.yaml"
    path.write_text(yaml.safe_dump(tree, sort_keys=False))
    entries = {name: dict(row) for name, row in (symbols or DEFAULT_SYMBOLS).items()}
    (run_dir / "symbols.yaml").write_text(yaml.safe_dump(entries, sort_keys=False))
    return path


def at_simulator(port: int) -> dict[str, dict[str, str]]:
    """Settings that send a collector to the simulator at a port of this host."""
    markets = ("spot", "usdm", "coinm")
    return {
        "ws_url": {market: f"ws://127.0.0.1:{port}/{market}" for market in markets},
        "rest_url": {market: f"http://127.0.0.1:{port}/{market}" for market in markets},
    }
