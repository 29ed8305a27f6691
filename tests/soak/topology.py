"""The default system at the rate of a busy market: all its actors, five symbols, a simulator that remembers everything."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from tests.chaos.topology import SYMBOLS, TIMEFRAMES
from tests.support.config import at_simulator, write_config

NAMES: Final = (
    "journal.1", "persistence.1", "simulator.1", "collector.binance.1", "collector.push.1", "aggregator.1", "orderflow.1",
    "detector.1", "scanner.1", "notifier.1", "hub.1", "gateway.1",
)  # fmt: skip
_PLENTY: Final = 100_000_000


def write_topology(run_dir: Path, port: int, http_port: int, *, seed: int) -> Path:
    """Write the configuration; returns its path.

    Segments of the journal go once they are stored and two minutes old: at 20,000 events a second an hour is 10 GB.

    Args:
        run_dir: Short folder.
        port: Of the simulator.
        http_port: Of the gateway.
        seed: Of the market.
    """
    plenty = dict.fromkeys(("spot", "usdm", "coinm"), _PLENTY)
    wanted: dict[str, dict[str, Any]] = {name: {} for name in NAMES}
    wanted["simulator.1"] = {
        "port": port, "seed": seed, "rate_per_s": 0, "history_trades": _PLENTY, "history_trades_total": _PLENTY * 10,
        "spot_weight_per_min": _PLENTY, "futures_weight_per_min": _PLENTY,
    }  # fmt: skip
    wanted["collector.binance.1"] = {
        **at_simulator(port), "symbols": list(SYMBOLS), "backoff_base_s": 0.2, "backoff_cap_s": 1.0, "repair_weight_per_min": plenty,
        "snapshot_weight_per_min": plenty, "repair_max_trades": _PLENTY,
    }  # fmt: skip
    wanted["aggregator.1"] = {"timeframes": list(TIMEFRAMES)}
    wanted["journal.1"] = {"min_age_s": 120.0, "max_age_s": 3600.0}
    wanted["gateway.1"] = {"port": http_port}
    return write_config(run_dir, wanted, SYMBOLS)
