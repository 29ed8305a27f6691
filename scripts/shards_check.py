"""Change the number of aggregators and order-flow actors while data flows, and kill them: nothing may show of it.

Real processes: a simulated exchange, a collector, a journal server, aggregators, order-flow actors, a hub and two
persistence actors that store different kinds. The number of instances goes from step to step (1 -> 3 -> 2); at each
step every old instance is stopped (some by SIGKILL) and the new ones take over. Aggregators and order-flow actors are
killed at random moments all the time, and kill themselves before and after the records of a takeover. In the end:

    frames     what all instances published together, byte for byte, against one fold that never stopped
    candles    the newest revisions in their journals against the simulator's own trades, added up by other code
    footprints the same, bought and sold volume of each minute
    stored     the same candles in the database of the persistence actor that has them
"""

from __future__ import annotations

import argparse
import contextlib
import json
import random
import sqlite3
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import msgspec
import numpy as np

from protocol.codec import decode_events
from protocol.endpoints import Endpoints
from protocol.messages import Bar, Footprint
from protocol.record import RecordKind
from protocol.transport import Wire
from tests.chaos.candles import Bars, bars_from, bars_of, compare_bars, size_ns
from tests.chaos.crashes import by_point, parse_crashes
from tests.chaos.truth import read_truth
from tests.support.config import at_simulator, write_config
from tests.support.control import ask_control
from tests.support.paths import free_port, short_folder
from tests.support.respawned import Respawned, pauses
from tests.support.shard_world import COLLECTOR, alone, compare, frames_of, said_by

KINDS: Final = ("aggregator", "orderflow")
SETTINGS: Final[dict[str, dict[str, Any]]] = {
    "aggregator": {"timeframes": ["1s", "1m"], "snap_interval_s": 1.0},
    "orderflow": {"snap_interval_s": 1.0},
}
STORES: Final[dict[str, dict[str, Any]]] = {
    "persistence.1": {"kinds": ["trade", "quote"], "database": "sqlite:///ticks.sqlite"},
    "persistence.2": {
        "kinds": ["bar", "flow", "footprint", "feature", "gap"],
        "database": "sqlite:///derived.sqlite",
    },
}
FIXED: Final = ("simulator.1", "journal.1", COLLECTOR)
HARD_SHARE: Final = 0.5
"""Share of the instances that a change of their number ends by SIGKILL."""
SETTLE_S: Final = 120.0
PLENTY: Final = 100_000_000
LATE_NS: Final = 2_000_000_000
"""Candles this close to the last watermark are not compared: their lateness has not passed."""
COLUMNS: Final = ("ts_open_ns", "open", "high", "low", "close", "volume", "buy_volume", "count", "revision")


class Asked:
    """Asks the simulator, as the chaos run's stage does."""

    def __init__(self, run_dir: Path) -> None:
        self.endpoints = Endpoints(run_dir)
        self._wire = Wire()

    def ask(self, name: str, op: str, timeout_s: float = 10.0, **args: Any) -> Any:
        """Ask an actor's control socket.

        Raises:
            HubError: it refuses, or does not answer.
        """
        return ask_control(self._wire, self.endpoints, name, op, timeout_s, **args)

    def close(self) -> None:
        """Close the socket."""
        self._wire.close()


class Run:
    """One run.

    Args:
        run_dir: Short folder.
        seed: Of the market, the kills and the crash points.
        symbols: How many instruments.
        rate_per_s: Market events a second.
    """

    def __init__(self, run_dir: Path, seed: int, symbols: int, rate_per_s: float) -> None:
        self.run_dir, self.seed = run_dir, seed
        self.entries = {
            f"S{number:02d}_USDT": {"venues": {"binance": f"spot:S{number:02d}USDT"}}
            for number in range(symbols)
        }
        self.dice = random.Random(seed)
        self.kills: Counter[str] = Counter()
        self.frames: dict[str, dict[str, int]] = {}
        """By kind, how what was published differs from what one fold says."""
        self._port = free_port()
        self._rate_per_s = rate_per_s
        self.config = self.topology(1)

    def topology(self, count: int) -> Path:
        """Write the configuration with so many instances of each kind."""
        plenty = dict.fromkeys(("spot", "usdm", "coinm"), PLENTY)
        actors: dict[str, dict[str, Any]] = {
            "simulator.1": {
                "port": self._port, "seed": self.seed, "rate_per_s": self._rate_per_s,
                "history_trades": PLENTY, "history_trades_total": PLENTY * 10,
                "spot_weight_per_min": PLENTY, "futures_weight_per_min": PLENTY,
            },
            COLLECTOR: {**at_simulator(self._port), "symbols": list(self.entries), "snapshot_weight_per_min": plenty},
            # a consumer that never stores anything: no segment is deleted, so that all can be compared at the end
            "journal.1": {"consumers": ["check"], "seal_after_s": 10.0, "housekeeping_s": 3.0},
            **STORES,
            "hub.1": {},
        }  # fmt: skip
        for name in names_of(count):
            actors[name] = SETTINGS[name.partition(".")[0]]
        return write_config(self.run_dir, actors, self.entries)

    def go(self, steps: Sequence[int], step_s: float, kill_s: float) -> dict[str, Any]:
        """All steps, then the comparison."""
        environment = {kind: self._crashes(number) for number, kind in enumerate(KINDS)}
        listeners = [*STORES, "hub.1"]
        with Respawned(self.config, environment) as fleet:
            asked = Asked(self.run_dir)
            fleet.start([*FIXED, *listeners, *names_of(steps[0])])
            for number, count in enumerate(steps):
                if number:
                    self._change(fleet, steps[number - 1], count)
                for _ in pauses(step_s, kill_s):
                    name = self.dice.choice([one for one in fleet.names() if one not in FIXED])
                    self.kills[name.partition(".")[0]] += 1
                    fleet.kill(name)
            fleet.stop([COLLECTOR])
            truth = read_truth(asked, list(self.entries), self.entries)
            said = {kind: self._settled(kind) for kind in KINDS}
            found = self._compare(truth, said)
            found["restarts"], found["complaints"] = fleet.restarts, fleet.complaints
            found["differing"] = self._differing(asked, steps[-1])
            asked.close()
        found["kills"] = dict(self.kills)
        log = self.run_dir / "crashes.log"
        found["crashes"] = by_point(parse_crashes(log.read_text())) if log.exists() else {}
        return found

    def _crashes(self, number: int) -> dict[str, str]:
        points = (
            "claim.before:0.3,claim.after:0.3,snap.before:0.02,snap.after:0.02,journal.write.after:0.0005"
        )
        return {
            "TAPEHUB_CRASH_POINTS": points,
            "TAPEHUB_CRASH_LOG": str(self.run_dir / "crashes.log"),
            "TAPEHUB_CRASH_SEED": str(self.seed * 10 + number),
        }

    def _change(self, fleet: Respawned, old: int, new: int) -> None:
        """The new configuration is there; old and new instances, and who hears them, are restarted one after the other."""
        self.config = self.topology(new)
        names = names_of(old)
        self.dice.shuffle(names)
        started = [name for name in names_of(new) if name not in names]
        fleet.start(started)  # they wait for the old ones
        for name in names:
            fleet.stop([name], hard=self.dice.random() < HARD_SHARE)
            if name in names_of(new):
                fleet.start([name])
        for name in [*STORES, "hub.1"]:
            fleet.stop([name])
            fleet.start([name])

    def _settled(self, kind: str) -> dict[str, list[bytes]]:
        """Everything that was published, once nothing is missing or a long time has passed."""
        wanted = alone(self.run_dir, self.config, kind, SETTINGS[kind])
        found: dict[str, list[bytes]] = {}

        def is_all() -> bool:
            found.clear()
            found.update(said_by(self.run_dir, kind))
            return not compare(wanted, found)["missing"]

        for _ in pauses(SETTLE_S, 1.0):
            if is_all():
                break
        bad: Counter[str] = Counter()
        self.frames[kind] = compare(wanted, found, bad)
        for topic, count in bad.most_common(5):
            if count:
                print(f"{kind}: {count} frames on {topic}", file=sys.stderr)
        return found

    def _compare(self, truth: Any, said: dict[str, dict[str, list[bytes]]]) -> dict[str, Any]:
        times = [event.ts_event_ns for event in heard(self.run_dir, "mark.", RecordKind.TIME)]
        begun: dict[str, int] = {}
        for trade in heard(self.run_dir, "trade.", RecordKind.DATA):
            begun.setdefault(trade.symbol, trade.ts_event_ns)
        last_ns, begin_ns = max(times), max(begun.values())  # the collector came when the market was open
        bars = _newest(said["aggregator"], "bar.", Bar)
        prints = _newest(said["orderflow"], "footprint.", Footprint)
        stored = self._stored()
        found: dict[str, Any] = {"frames": self.frames, "trades": truth.total}
        for name, rows in (("candles", bars), ("stored", stored)):
            total: Counter[str] = Counter()
            for symbol in self.entries:
                for timeframe in SETTINGS["aggregator"]["timeframes"]:
                    wanted = bars_from(truth.trades[symbol], size_ns(timeframe), last_ns - LATE_NS)
                    wanted = wanted[wanted["ts_open_ns"] > begin_ns]
                    verdict = compare_bars(
                        wanted, rows.get((symbol, timeframe), bars_of([])), f"{name} {symbol} {timeframe}"
                    )
                    total.update(
                        expected=verdict.expected,
                        missing=verdict.missing,
                        wrong=verdict.wrong,
                        doubled=verdict.doubled,
                    )
                    for example in verdict.examples:
                        print(example, file=sys.stderr)
            found[name] = dict(total)
        total = Counter()
        for symbol in self.entries:
            wanted = bars_from(truth.trades[symbol], 60_000_000_000, last_ns - LATE_NS)
            wanted = wanted[wanted["ts_open_ns"] > begin_ns]
            have = {one["ts_open_ns"]: one for one in prints.get((symbol, "1m"), bars_of([]))}
            for one in wanted:
                theirs = have.get(one["ts_open_ns"])
                total["expected"] += 1
                total["missing"] += theirs is None
                keys = ("volume", "buy_volume", "count")
                total["wrong"] += theirs is not None and not all(
                    np.isclose(theirs[key], one[key]) for key in keys
                )
        found["footprints"] = dict(total)
        return found

    def _stored(self) -> dict[tuple[str, str], Bars]:
        """Candles in the database of persistence.2, once it has stored all that it heard."""
        path = self.run_dir / "derived.sqlite"
        query = (
            "select i.symbol, b.timeframe, b.ts_open_ns, b.open, b.high, b.low, b.close, b.volume, b.buy_volume,"
            " b.count, b.revision from bars b join instruments i on i.id = b.instrument_id where b.revision > 0"
        )
        counted = -1
        for _ in pauses(10.0, 1.0):
            with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as database:
                rows = database.execute(query).fetchall()
            if len(rows) == counted:
                break
            counted = len(rows)
        groups: dict[tuple[str, str], list[tuple[Any, ...]]] = {}
        for symbol, timeframe, *row in rows:
            groups.setdefault((symbol, timeframe), []).append(tuple(row))
        return {key: bars_of(found) for key, found in groups.items()}

    def _differing(self, asked: Asked, count: int) -> int:
        """Outputs that a takeover or restart made otherwise than they are in a journal."""
        return sum(asked.ask(name, "status")["refold_differing"] for name in names_of(count))


def heard(run_dir: Path, prefix: str, kind: RecordKind) -> Iterator[Any]:
    """Events that the collector has published."""
    for frame in frames_of(run_dir, COLLECTOR):
        if frame.kind == kind and frame.topic.startswith(prefix):
            yield from decode_events(frame)


def names_of(count: int) -> list[str]:
    """Instances of both kinds."""
    return [f"{kind}.{number}" for kind in KINDS for number in range(1, count + 1)]


def _newest(said: dict[str, list[bytes]], prefix: str, kind: type[Any]) -> dict[tuple[str, str], Bars]:
    """The newest revision of everything that is closed, by symbol and timeframe."""
    found: dict[tuple[str, str], dict[int, Any]] = {}
    decode: Callable[[bytes], list[Any]] = msgspec.msgpack.Decoder(list[kind]).decode  # type: ignore[valid-type]
    for topic, payloads in said.items():
        if topic.startswith(prefix):
            for payload in payloads:
                for one in decode(payload):
                    if one.revision:
                        found.setdefault((one.symbol, one.timeframe), {})[one.ts_open_ns] = one
    return {key: bars_of([_row(one) for one in rows.values()]) for key, rows in found.items()}


def _row(one: Any) -> tuple[Any, ...]:
    if isinstance(one, Footprint):
        return (one.ts_open_ns, 0.0, 0.0, 0.0, 0.0, one.volume, sum(one.buy_volumes), one.count, one.revision)
    return tuple(getattr(one, column) for column in COLUMNS)


def is_clean(found: dict[str, Any]) -> bool:
    """Whether nothing is missing, doubled or wrong."""
    parts = [*found["frames"].values(), found["candles"], found["stored"]]
    bad = sum(
        count for part in [*parts, found["footprints"]] for key, count in part.items() if key != "expected"
    )
    return (
        not bad and all(part.get("expected") for part in parts) and not found["complaints"]
    )  # a short run has no minute


def main() -> int:
    """Exit 0 if nothing is missing, doubled or wrong."""
    parser = argparse.ArgumentParser(prog="scripts/shards-check", description=__doc__.partition("\n\n")[0])
    parser.add_argument(
        "--steps", default="1,3,2", help="numbers of instances, one after the other; default 1,3,2"
    )
    parser.add_argument("--seconds", type=float, default=30.0, help="of each step; default 30")
    parser.add_argument(
        "--kill-every", type=float, default=1.5, help="seconds between two kills; default 1.5"
    )
    parser.add_argument("--symbols", type=int, default=12, help="instruments; default 12")
    parser.add_argument("--rate", type=float, default=2_000.0, help="market events a second; default 2000")
    parser.add_argument("--seed", type=int, default=0, help="default: by the clock")
    parser.add_argument("--keep", type=Path, metavar="DIR", help="run there, and leave everything")
    parser.add_argument("--json", action="store_true", help="one JSON document on stdout")
    arguments = parser.parse_args()
    seed = arguments.seed or time.time_ns() // 1_000_000_000 % 100_000
    print(f"seed {seed}", file=sys.stderr)
    with contextlib.ExitStack() as stack:
        folder = arguments.keep or stack.enter_context(short_folder("shards-"))
        folder.mkdir(parents=True, exist_ok=True)
        run = Run(folder, seed, arguments.symbols, arguments.rate)
        steps = [int(step) for step in arguments.steps.split(",")]
        found = {"seed": seed, "steps": steps, **run.go(steps, arguments.seconds, arguments.kill_every)}
    found["ok"] = is_clean(found)
    if arguments.json:
        print(json.dumps(found))
    else:
        print_table(found)
    return 0 if found["ok"] else 1


def print_table(found: dict[str, Any]) -> None:
    """What a person reads."""
    print(f"{'WHAT':24} {'EXPECTED':>9} {'MISSING':>8} {'DOUBLED':>8} {'WRONG':>6}")
    rows = {f"frames of {kind}": row for kind, row in found["frames"].items()}
    rows |= {name: found[name] for name in ("candles", "stored", "footprints")}
    for name, row in rows.items():
        counts = (row.get(key, 0) for key in ("expected", "missing", "doubled", "wrong"))
        print("{:24} {:9} {:8} {:8} {:6}".format(name, *counts))
    print(
        f"\n{found['trades']} trades, steps {found['steps']}, kills {found['kills']}, crashes {found['crashes']}"
    )
    print(f"restarts {found['restarts']}, differing {found['differing']}, seed {found['seed']}")
    for complaint in found["complaints"]:
        print(complaint)
    print("ok" if found["ok"] else "NOT OK")


if __name__ == "__main__":
    sys.exit(main())
