"""Load 90 days of minutes for twenty instruments into an empty store, twice: once in peace, once killed in the middle.

The system is the real one under supervisord, the providers are local servers in a process of their own. Collector, aggregator
and persistence are killed (SIGKILL) while history flows; then rows of both stores are compared, candles of every length and
indicator values, and the indicators with TA-Lib over the whole series.
"""

from __future__ import annotations

import argparse
import math
import os
import signal
import sqlite3
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, Final

import msgspec
import numpy as np
import talib
import yaml

from actors.runtime.clock import SystemClock
from actors.runtime.supervisord import Supervisor
from protocol.endpoints import Endpoints
from protocol.requests import Request
from protocol.transport import Wire
from tapehub.asking import Question, ask_all, data_of
from tests.support.paths import short_folder
from tests.support.providers.apart import ProvidersApart
from tests.support.providers.listings import entries, listings
from tests.support.providers.voice import TEST_KEY
from tests.support.supervised import tapehub

COLLECTOR: Final = "collector.rest.1"
KILLS: Final = (
    (COLLECTOR, 0.2), ("aggregator.1", 0.3), (COLLECTOR, 0.5), ("persistence.1", 0.6), ("aggregator.1", 0.8),
)  # fmt: skip
"""Who, and when."""
LOOK_S: Final = 0.25
QUIET_LOOKS: Final = 16
"""Looks in a row in which the store hardly grew: it has everything."""
QUIET_ROWS: Final = 300
"""Rows that live minutes bring meanwhile."""
DAY_NS: Final = 86_400_000_000_000
LONGEST_S: Final = 1_800.0
TOLERANCE: Final = 1e-9
BAR_COLUMNS: Final = (
    "open, high, low, close, volume, vwap, count, status, coverage, revision, source, is_adjusted, reason"
)
ACTORS: Final = ("journal.1", "persistence.1", COLLECTOR, "aggregator.1", "hub.1")


class Store:
    """The database of a run, read from outside.

    Args:
        run_dir: Of the system.
    """

    def __init__(self, run_dir: Path) -> None:
        self._path = run_dir / "db" / "tapehub.sqlite"

    def rows(self, sql: str, *values: object) -> list[tuple[Any, ...]]:
        """Rows of a query; none where there is no database yet."""
        if not self._path.exists():
            return []
        with closing(sqlite3.connect(f"file:{self._path}?mode=ro", uri=True, timeout=30)) as connection:
            try:
                return connection.execute(sql, values).fetchall()
            except sqlite3.OperationalError:
                return []

    def count(self) -> int:
        """Candles and indicator values."""
        found = self.rows("SELECT (SELECT count(*) FROM bars) + (SELECT count(*) FROM features)")
        return int(found[0][0]) if found else 0

    def candles(self, until_ns: int) -> dict[tuple[Any, ...], tuple[Any, ...]]:
        """(symbol, timeframe, start) to everything of it that is not about when it was fetched."""
        sql = (
            f"SELECT symbol, timeframe, ts_open_ns, {BAR_COLUMNS} FROM bars JOIN instruments ON id = instrument_id "
            "WHERE ts_open_ns < ?"
        )
        return {row[:3]: row[3:] for row in self.rows(sql, until_ns)}

    def values(self, until_ns: int) -> dict[tuple[Any, ...], tuple[Any, ...]]:
        """(symbol, timeframe, start) to indicator values."""
        sql = (
            "SELECT symbol, timeframe, ts_open_ns, is_ready, values_json, coverage FROM features "
            "JOIN instruments ON id = instrument_id WHERE ts_open_ns < ?"
        )
        return {row[:3]: row[3:] for row in self.rows(sql, until_ns)}


class Run:
    """One system that loads history."""

    def __init__(self, folder: Path, urls: Mapping[str, str], symbols: int, days: int) -> None:
        self.run_dir = folder / "var"
        self.store = Store(self.run_dir)
        (folder / "symbols.yaml").write_text(yaml.safe_dump(entries(listings(symbols))))
        providers = {name: {"enabled": False} for name in ("yahoo", "alphavantage", "twelvedata")}
        plan = {"url": urls["polygon"], "key": TEST_KEY, "limits": [{"calls": 100_000, "per_s": 1.0}]}
        rest = {"bootstrap_days": days, "providers": {**providers, "polygon": plan}}
        actors: dict[str, Any] = {name: {} for name in ACTORS}
        actors[COLLECTOR] = {"rest": rest}
        document = {"run_dir": str(self.run_dir), "symbols_file": "symbols.yaml", "actors": actors}
        self._config = folder / "tapehub.yaml"
        self._config.write_text(yaml.safe_dump(document, sort_keys=False))

    @contextmanager
    def running(self) -> Iterator[None]:
        """Start it, and stop it."""
        done = tapehub("--config", str(self._config), "up", "-d")
        try:
            if done.returncode:
                raise RuntimeError(f"tapehub up: exit {done.returncode}\n{done.stdout}{done.stderr}")
            yield
        finally:
            tapehub("--run-dir", str(self.run_dir), "down")

    def history(self) -> dict[str, Any]:
        """How far it is, as its collector says; empty while it does not."""
        endpoint = Endpoints(self.run_dir).ctl(COLLECTOR)
        wire = Wire()
        try:
            answers = ask_all(wire, {"rest": Question(endpoint, Request(op="rest"))}, 2.0, SystemClock())
        finally:
            wire.close()
        found = data_of(answers["rest"])
        return dict(found["history"]) if found else {}

    def kill(self, name: str) -> int:
        """SIGKILL; returns the process id."""
        pid = next(one.pid for one in Supervisor(self.run_dir).processes() if one.name == name)
        os.kill(pid, signal.SIGKILL)
        return pid


def load_history(run: Run, kills: Sequence[tuple[str, float]], rows: int, title: str) -> int:
    """Wait until everything is loaded and stored, killing on the way; returns the rows stored.

    Args:
        run: It runs.
        kills: Actor and when: the collector at a share of what is loaded, others at a share of the rows.
        rows: How many there will be.
        title: For people.
    """
    pause, started_s = threading.Event(), time.monotonic()
    left, count, quiet, said_s = list(kills), 0, 0, 0.0
    while (took_s := time.monotonic() - started_s) < LONGEST_S:
        pause.wait(LOOK_S)
        history = run.history()
        share = history.get("share", 0.0)
        if left and (share if left[0][0].startswith("collector") else count / rows) >= left[0][1]:
            name = left.pop(0)[0]
            how_far = f"{share:4.0%} loaded, {count:,} rows stored"
            print(f"  {took_s:6.1f} s  {how_far}: kill -9 {name} (process {run.kill(name)})", flush=True)
        before, count = count, run.store.count()
        is_loaded = bool(history) and not history["loading"] and not history["waiting"]
        quiet = quiet + 1 if is_loaded and not left and count - before <= QUIET_ROWS else 0
        if took_s - said_s >= 30.0:
            said_s = took_s
            print(f"  {took_s:6.0f} s  {share:4.0%} loaded, {count:,} rows stored", flush=True)
        if quiet >= QUIET_LOOKS:
            seconds = max(LOOK_S, took_s - quiet * LOOK_S)
            print(f"{title}: {count:,} rows in {seconds:.0f} s, {count / seconds:,.0f} rows/s")
            return count
    raise RuntimeError(f"{title}: not loaded within {LONGEST_S:g} s: {run.history()}")


def compare(title: str, one: Mapping[Any, Any], other: Mapping[Any, Any]) -> int:
    """Print how two stores differ; returns in how many rows."""
    missing = [key for key in one if key not in other]
    added = [key for key in other if key not in one]
    differing = [key for key in one if key in other and one[key] != other[key]]
    print(
        f"{title}: {len(one):,} and {len(other):,} rows, {len(missing)} missing, {len(added)} added, {len(differing)} differ"
    )
    for name, keys in (("missing", missing), ("added", added), ("differs", differing)):
        for key in keys[:3]:
            print(f"  {name}: {key}: {one.get(key)} / {other.get(key)}")
    return len(missing) + len(added) + len(differing)


def check_indicators(store: Store, symbol: str, timeframe: str, until_ns: int) -> tuple[int, int]:
    """Stored indicator values against TA-Lib over the whole series; returns how many values, and how many differ."""
    sql = (
        "SELECT ts_open_ns, open, high, low, close, volume FROM bars JOIN instruments ON id = instrument_id "
        "WHERE symbol = ? AND timeframe = ? AND ts_open_ns < ? ORDER BY ts_open_ns"
    )
    rows = store.rows(sql, symbol, timeframe, until_ns)
    columns = np.array([row[1:] for row in rows], np.float64).T
    _, high, low, close, volume = columns
    upper, middle, lower = talib.BBANDS(close, 20, 2, 2)
    macd, macd_signal, macd_histogram = talib.MACD(close, 12, 26, 9)
    expected = {
        "rsi_14": talib.RSI(close, 14), "ema_9": talib.EMA(close, 9), "ema_20": talib.EMA(close, 20),
        "ema_50": talib.EMA(close, 50), "atr_14": talib.ATR(high, low, close, 14), "mom_10": talib.MOM(close, 10),
        "volume_ma_20": talib.SMA(volume, 20), "bb_upper_20_2": upper, "bb_middle_20_2": middle,
        "bb_lower_20_2": lower, "macd_12_26_9": macd, "macd_signal_12_26_9": macd_signal,
        "macd_hist_12_26_9": macd_histogram,
    }  # fmt: skip
    values = {
        row[0]: msgspec.json.decode(row[1], type=dict[str, float])
        for row in store.rows(
            "SELECT ts_open_ns, values_json FROM features JOIN instruments ON id = instrument_id "
            "WHERE symbol = ? AND timeframe = ? AND ts_open_ns < ?",
            symbol, timeframe, until_ns,
        )
    }  # fmt: skip
    known = set(expected) & set().union(*(row.keys() for row in list(values.values())[-1:]))
    if len(known) < len(expected):
        print(f"  not stored under these names: {sorted(set(expected) - known)}")
    compared = differing = 0
    for name in known:
        for (start_ns, *_), right in zip(rows, expected[name].tolist(), strict=True):
            mine = values.get(start_ns, {}).get(name)
            if mine is None and math.isnan(right):
                continue
            compared += 1
            scale = max(1.0, abs(right))
            differing += mine is None or not abs(mine - right) <= TOLERANCE * scale
    return compared, differing


def main() -> int:
    """Exit 0 only if both stores hold the same, and the indicators are those of the whole series."""
    parser = argparse.ArgumentParser(prog="scripts/bootstrap-check", description=__doc__.partition("\n\n")[0])
    parser.add_argument("--days", type=int, default=90, help="of history (default 90)")
    parser.add_argument("--symbols", type=int, default=20, help="instruments (default 20)")
    parser.add_argument("--seed", type=int, default=1, help="of the market")
    arguments = parser.parse_args()
    options = ["--listings", str(arguments.symbols), "--seed", str(arguments.seed), "--limits", "none"]
    with ProvidersApart(*options) as providers, short_folder("bc-") as first, short_folder("bc-") as second:
        runs = [Run(folder, providers.urls, arguments.symbols, arguments.days) for folder in (first, second)]
        rows = 1
        for run, kills, title in zip(runs, ((), KILLS), ("in peace", "killed"), strict=True):
            print(f"{title}: {arguments.days} days of {arguments.symbols} instruments", flush=True)
            with run.running():
                rows = load_history(run, kills, rows, title)
        ends = [
            run.store.rows("SELECT max(ts_open_ns) FROM bars WHERE timeframe = '1m'")[0][0] for run in runs
        ]
        until_ns = min(ends) // DAY_NS * DAY_NS
        peace, killed = (run.store for run in runs)
        wrong = compare("candles", peace.candles(until_ns), killed.candles(until_ns))
        wrong += compare("indicators", peace.values(until_ns), killed.values(until_ns))
        for symbol in (listings(arguments.symbols)[0].symbol, listings(arguments.symbols)[-1].symbol):
            for timeframe in ("1m", "5m", "1h"):
                compared, differing = check_indicators(killed, symbol, timeframe, until_ns)
                print(
                    f"TA-Lib, {symbol} {timeframe}: {compared:,} values, {differing} differ by more than {TOLERANCE:g}"
                )
                wrong += differing + (not compared)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
