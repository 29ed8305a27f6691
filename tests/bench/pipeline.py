"""The whole way under load: what all processes together take a second, with nothing lost.

From a recorded file: a source of decoded messages, aggregator, hub and persistence (SQLite), against bare pyzmq moving the same
frames through as many processes. Through the WebSocket: simulator, collector, aggregator, persistence, hub. A round is
over when the last of them has everything; then the database is counted.
"""

from __future__ import annotations

import contextlib
import sqlite3
import statistics
import sys
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import msgspec

from protocol.client.hub import Hub
from protocol.endpoints import Endpoints
from protocol.errors import HubError
from scripts.recorded import Recorded
from tests.bench import chain, parse
from tests.bench.report import Row, in_turn, paired, say
from tests.bench.spent import Spending, cpu_s
from tests.support.config import write_config
from tests.support.data import data_dir, data_environment, recording
from tests.support.paths import short_folder
from tests.support.peers import Peers, peers_of
from tests.support.process import ActorProcess, Program
from tests.support.system import System
from tests.support.wait import until

GOAL_ID: Final = "pipeline"
RATIO_GOAL: Final = 0.5
FILE_GOAL_PER_S: Final = 150_000.0
WEBSOCKET_GOAL_PER_S: Final = 30_000.0
LOOK_S: Final = 0.02
DEADLINE_S: Final = 120.0
PERSISTENCE: Final = "persistence.1"
STORAGE: Final = {"batch_s": 0.2}
"""A round lasts seconds: it shall not end in waiting for the last batch to be old enough."""
SINKS: Final = {True: 2, False: 1}
"""Who only takes frames, with storage and without: as many as hub and persistence."""
WHY: Final = (
    "raw moves frames and looks at none; ours decodes each event in three processes, folds it into candles and indicators, keeps "
    "it, makes a row of it and stores it, all on the same cores. Processor time an event, us, all threads: "
)


def run(rounds: int, *, quick: bool) -> list[Row]:
    """All rows; none where there are no recordings, and it is said."""
    if data_dir() is None:
        say("  no recordings: the pipeline is not measured (TAPEHUB_DATA)")
        return []
    turns = min(rounds, 3)
    return [*file_rows(turns, is_quick=quick), websocket_row(turns)]


def file_rows(rounds: int, *, is_quick: bool) -> list[Row]:
    """Decoded messages of a recording; with storage the promise, without it for information."""
    once = chain.events_of(chain.recorded_batches())
    wanted = {topic: count * chain.PASSES for topic, count in once.items()}
    events = sum(wanted.values())
    spending = Spending()
    contenders = {
        "stored": lambda: through_actors(wanted, is_stored=True, spending=spending),
        "raw stored": lambda: events / through_raw(is_stored=True),
    }
    if not is_quick:
        contenders |= {
            "passed": lambda: through_actors(wanted, is_stored=False),
            "raw passed": lambda: events / through_raw(is_stored=False),
        }
    found = in_turn(rounds, contenders)
    ours, raw, ratio = paired(list(zip(found["stored"], found["raw stored"], strict=True)))
    what = "recorded file to aggregator, hub and storage"
    note = f"{events:,} events each round, counted in the hub and in the database"
    why = f"{WHY}{spending}; together {sum(spending.us().values()):.3g}, so {1 / ours * 1e6:.3g} us an event are what the cores give"
    rows = [
        Row("pipeline", what, ours, raw, "events/s", ratio, RATIO_GOAL, at_most=False, note=why, goal_id=GOAL_ID, peer="raw pyzmq"),
        Row("pipeline", what, ours, 0.0, "events/s", 0.0, FILE_GOAL_PER_S, at_most=False, of_value=True, note=note,
            goal_id=GOAL_ID),
    ]  # fmt: skip
    if "passed" in found:
        ours, raw, ratio = paired(list(zip(found["passed"], found["raw passed"], strict=True)))
        what = "recorded file to aggregator and hub"
        rows.append(
            Row("pipeline", what, ours, raw, "events/s", ratio, goal_id=GOAL_ID, peer="raw pyzmq", at_most=False)
        )  # fmt: skip
    return rows


def through_actors(wanted: dict[str, int], *, is_stored: bool, spending: Spending | None = None) -> float:
    """Events per second until hub, aggregator and storage all had everything."""
    sections: dict[str, Mapping[str, Any]] = {chain.NAME: {}, "aggregator.1": {}, "hub.1": {}}
    if is_stored:
        sections[PERSISTENCE] = STORAGE
    with short_folder() as folder, contextlib.ExitStack() as stack:
        endpoints = Endpoints(folder)
        endpoints.prepare()
        symbols = {chain.SYMBOL: {"venues": {"binance": "usdm:BTCUSDT"}}}
        config = write_config(folder, sections, symbols, bus={"high_water_mark": chain.HIGH_WATER_MARK})
        command = [
            sys.executable,
            "-m",
            "tests.bench.chain",
            "source",
            endpoints.pub(chain.NAME),
            str(len(sections) - 1),
        ]
        source = stack.enter_context(Program(command, title="source", env=data_environment()))
        source.wait_for_text("listening", 60.0)
        running: list[Program] = [source]
        for kind, name in (("persistence", PERSISTENCE), ("hub", "hub.1"), ("aggregator", "aggregator.1")):
            if name in sections:
                running.append(stack.enter_context(ActorProcess(kind, name, config)))
        hub = stack.enter_context(Hub(endpoints.query("hub.1"), timeout_s=10.0))
        peers = stack.enter_context(peers_of(folder))
        began_s = {process.title: cpu_s(process.pid) for process in running}
        started_s = until_all_there(hub, wanted)
        trades = wanted[f"trade.binance.{chain.SYMBOL}"]
        until(lambda: ticks_of_aggregator(peers) >= trades, DEADLINE_S, "the aggregator to have all trades")
        if is_stored:
            rows = events_stored(wanted)
            until(lambda: rows_of_storage(peers) >= rows, DEADLINE_S, "persistence to have stored everything")
        seconds = time.monotonic() - started_s
        for process in running if spending is not None else ():
            spent_s = cpu_s(process.pid) - began_s[process.title]
            spending.note(process.title, spent_s / sum(wanted.values()) * 1e6)
        if is_stored:
            count_stored(folder, wanted)
        return sum(wanted.values()) / seconds


def until_all_there(hub: Hub, wanted: dict[str, int]) -> float:
    """Wait until a hub has everything; when it was first seen to have something, by the monotonic clock."""
    pause, started_s, found = threading.Event(), 0.0, dict.fromkeys(wanted, 0)
    end_s = time.monotonic() + DEADLINE_S
    while time.monotonic() < end_s:
        looked_s = time.monotonic()
        found = {topic.topic: topic.events for topic in hub.topics() if topic.topic in wanted}
        if not started_s and any(found.values()):
            started_s = looked_s - LOOK_S  # it began since the look before
        if all(found.get(topic, 0) >= count for topic, count in wanted.items()):
            return started_s
        pause.wait(LOOK_S)
    raise AssertionError(f"the hub has only {found} of {wanted}")


def ticks_of_aggregator(peers: Peers) -> int:
    """Trades it has taken."""
    status = msgspec.msgpack.decode(peers.ask("aggregator.1", "status").data)
    return int(status["counters"].get("ticks_received", 0))


def rows_of_storage(peers: Peers) -> int:
    """Rows it has stored, candles included."""
    try:
        status = msgspec.msgpack.decode(peers.ask(PERSISTENCE, "status", 1.0).data)
    except HubError:
        return 0
    return int(status["targets"][PERSISTENCE]["rows"])


def events_stored(wanted: Mapping[str, int]) -> int:
    """How many of the events are stored: order books are not."""
    return sum(count for topic, count in wanted.items() if not topic.startswith("book."))


def count_stored(folder: Path, wanted: Mapping[str, int]) -> None:
    """Fail unless the database has each event once."""
    tables = {topic: f"{topic.partition('.')[0]}s" for topic in wanted if not topic.startswith("book.")}
    place = f"file:{folder}/db/tapehub.sqlite?mode=ro"
    with contextlib.closing(sqlite3.connect(place, uri=True)) as database:
        for topic, table in tables.items():
            (rows,) = database.execute(f"SELECT count(*) FROM {table}").fetchone()
            assert rows == wanted[topic], f"{table}: {rows} rows for {wanted[topic]} events"


def through_raw(*, is_stored: bool) -> float:
    """Seconds of the last sink of the raw chain."""
    sinks = SINKS[is_stored]
    with short_folder() as folder, contextlib.ExitStack() as stack:
        first, second = f"ipc://{folder}/first", f"ipc://{folder}/second"

        def part(*words: str) -> Program:
            command = [sys.executable, "-m", "tests.bench.chain", *words]
            return stack.enter_context(Program(command, title=words[0], env=data_environment()))

        middle = part("forward", first, second, str(sinks))
        source = part("frames", first, str(sinks + 1))
        middle.wait_for_text("listening")
        source.wait_for_text("listening", 60.0)
        count = str(2 * int(source.stdout_text.split()[1]))
        ends = [part("sink", first, second, count) for _ in range(sinks)]
        for end in ends:
            assert end.wait(DEADLINE_S) == 0, end.report()
        return max(float(end.stdout_text.split()[1]) for end in ends)


def websocket_row(rounds: int) -> Row:
    """A recording, played as fast as the collector reads: simulator, collector, aggregator, persistence, hub."""
    recorded = Recorded(recording(parse.RECORDING))
    rate: float = statistics.median(through_websocket(recorded) for _ in range(rounds))
    note = f"{recorded.events:,} events each round, all of them in the hub, the trades and quotes in the database; no gap, no drop"
    return Row(
        "pipeline", "recording through the WebSocket, storage included", rate, 0.0, "frames/s", 0.0, WEBSOCKET_GOAL_PER_S,
        at_most=False, of_value=True, note=note, goal_id=GOAL_ID,
    )  # fmt: skip


def through_websocket(recorded: Recorded) -> float:
    """Frames per second of one play (each holds one event); fails if anything is missing."""
    with (
        short_folder() as folder,
        System(
            folder,
            simulator={"play": str(recorded.path), "play_speed": 0.0},
            collector={"streams": recorded.streams()},
            symbols=recorded.symbols_file(),
            more={PERSISTENCE: STORAGE},
        ) as system,
    ):
        counts = recorded.summary["by_kind"].items()
        wanted = {f"{kind}.binance.{chain.SYMBOL}": count for kind, count in counts}
        started_s = until_all_there(system.hub, wanted)
        rows = events_stored(wanted)
        until(
            lambda: rows_of_storage(system.peers) >= rows, DEADLINE_S, "persistence to have stored everything"
        )
        seconds = time.monotonic() - started_s
        count_stored(folder, wanted)
        for name in ("aggregator.1", "hub.1"):
            status = system.ask(name, "status")
            assert not any(status["bus"].values()), f"{name}: {status['bus']}"
    return recorded.events / float(seconds)
