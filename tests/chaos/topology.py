"""The system under test: who takes part, with which settings, and what its programs find in their environment."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import msgspec

from actors.runtime import clock
from actors.runtime.settings import Bus
from protocol.crash import POINTS
from tapehub.kinds import kinds, settings_of
from tests.support.config import at_simulator, write_config

SIMULATOR: Final = "simulator.1"
JOURNAL: Final = "journal.1"
COLLECTOR: Final = "collector.binance.1"
AGGREGATOR: Final = "aggregator.1"
PERSISTENCE: Final = "persistence.1"
HUB: Final = "hub.1"
NAMES: Final = (SIMULATOR, JOURNAL, COLLECTOR, AGGREGATOR, PERSISTENCE, HUB)
"""All that a run wants; a kind that this checkout cannot start is left out, and the table says so."""
TIMEFRAMES: Final = ("1s", "1m", "5m", "15m", "1h", "4h", "1d")
SYMBOLS: Final[Mapping[str, Mapping[str, Any]]] = {
    "BTC_USDT": {"venues": {"binance": "spot:BTCUSDT"}},
    "ETH_USDT": {"venues": {"binance": "spot:ETHUSDT"}},
    "SOL_USDT": {"venues": {"binance": "spot:SOLUSDT"}},
    "BTC_USDT.PERP": {"venues": {"binance": "usdm:BTCUSDT"}},
    "ETH_USDT.PERP": {"venues": {"binance": "usdm:ETHUSDT"}},
}
STREAMS_PER_SYMBOL: Final = 3

CRASH_SHARES: Final = {
    "journal.write": 1e-4, "bus.send": 1e-4, "store.commit": 0.01, "ack": 0.005, "journal.seal": 0.05, "snap": 0.02,
}  # fmt: skip
"""How likely each call of a crash point (before and after) is the last one: rare calls are likelier, so that each
point is reached. Of batches there are some hundreds a second, whatever the rate."""
CLOCK_VARIABLE: Final = "TAPEHUB_CLOCK_OFFSET_FILE"
"""Names the file with what the actors add to their wall clock, ns."""
_PLENTY: Final = 100_000_000
"""Request weight per minute: a test of what is kept, not of how long a venue's quota makes it take."""


def present() -> list[str]:
    """The actors of a run, of the kinds that this checkout has."""
    there = set(kinds())
    return [name for name in NAMES if name.partition(".")[0] in there]


def can_switch_replay() -> bool:
    """Whether this checkout knows the setting `bus.replay`."""
    return "replay" in Bus.__struct_fields__


def can_set_clock() -> bool:
    """Whether the actors of this checkout add what a file says to their wall clock."""
    return getattr(clock, "OFFSET_VARIABLE", "") == CLOCK_VARIABLE


def write_topology(
    run_dir: Path, port: int, *, seed: int, database: str, with_replay: bool, minutes: float
) -> Path:
    """Write the configuration of a run; returns its path.

    Args:
        run_dir: Short folder.
        port: Of the simulator.
        seed: Of the simulated market.
        database: URL for persistence, empty for its default.
        with_replay: False switches every consumer's replay off.
        minutes: Length of the run: storage sizes follow.
    """
    plenty = dict.fromkeys(("spot", "usdm", "coinm"), _PLENTY)
    wanted: dict[str, dict[str, Any]] = {
        SIMULATOR: {
            "port": port,
            "seed": seed,
            "rate_per_s": 0,
            "history_trades": _PLENTY,
            "history_trades_total": _PLENTY * 10,
            "spot_weight_per_min": _PLENTY,
            "futures_weight_per_min": _PLENTY,
        },
        COLLECTOR: {
            **at_simulator(port),
            "symbols": list(SYMBOLS),
            "backoff_base_s": 0.2,
            "backoff_cap_s": 1.0,
            "repair_weight_per_min": plenty,
            "snapshot_weight_per_min": plenty,
            "repair_max_trades": _PLENTY,
            "repair_retry_s": 0.2,
        },
        AGGREGATOR: {"timeframes": list(TIMEFRAMES)},
        # a consumer that never stores anything: no segment is deleted, so that all can be compared at the end
        JOURNAL: {"consumers": ["chaos"], "seal_after_s": 10.0, "housekeeping_s": 3.0},
        PERSISTENCE: {"database": database} if database else {},
        HUB: {"bar_window": max(5000, round(minutes * 60 * 4))},
    }
    actors = {name: wanted.get(name, {}) for name in present()}
    for name, settings in actors.items():
        known = set(_fields(name))
        actors[name] = {key: value for key, value in settings.items() if key in known}
    top = {} if with_replay else {"bus": {"replay": False}}
    return write_config(run_dir, actors, SYMBOLS, **top)


def _fields(name: str) -> tuple[str, ...]:
    kind: type[msgspec.Struct] = settings_of(name.partition(".")[0])
    return kind.__struct_fields__


def crash_environment(run_dir: Path, seed: int) -> dict[str, str]:
    """What makes actors end themselves at crash points."""
    points = ",".join(f"{name}:{CRASH_SHARES.get(name.rpartition('.')[0], 0.001):g}" for name in POINTS)
    return {
        "TAPEHUB_CRASH_POINTS": points,
        "TAPEHUB_CRASH_LOG": str(run_dir / "crashes.log"),
        "TAPEHUB_CRASH_SEED": str(seed),
    }


def with_environment(conf: str, variables: Mapping[str, str], spared: str) -> str:
    """Text of a supervisord configuration whose programs, all but the one spared, have these variables."""
    if not variables:
        return conf
    line = "environment=" + ",".join(f'{key}="{value}"' for key, value in sorted(variables.items()))

    def add(found: re.Match[str]) -> str:
        return found[0] if found[1] == spared else f"{found[0]}\n{line}"

    return re.sub(r"^\[program:(.+)\]$", add, conf, flags=re.MULTILINE)
