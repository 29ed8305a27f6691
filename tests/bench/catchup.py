"""How fast persistence catches up after an outage, while its feed goes on.

A collector's stand-in journals what it would have published in `OUTAGE_S` seconds, then goes on live at the same
rate, on the bus and in its journal. Then the journal server and the persistence actor start, with an empty SQLite
file. The clock runs from the first stored rows until the backlog is stored; then nothing may be missing.

`python -m tests.bench.catchup RUN_DIR NAME RATE OUTAGE_S` is the stand-in; prints `ready` when the backlog is written.
"""

from __future__ import annotations

import itertools
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec

from protocol.endpoints import Endpoints
from protocol.errors import HubError
from protocol.journal.journal import Journal
from protocol.messages import Beat, Epoch, Message, Quote, Trade
from protocol.record import RecordKind
from protocol.topics import mark_topic
from protocol.transport import Publisher, Wire
from tests.bench.report import Row
from tests.support.config import write_config
from tests.support.paths import short_folder
from tests.support.peers import Peers, peers_of
from tests.support.process import ActorProcess, Program
from tests.support.wait import until

COLLECTOR = "collector.binance.1"
RATE_PER_S = 5_000
OUTAGE_S = 60
GOAL = 20.0
"""Times the live rate."""
SYMBOLS = [f"S{number:03d}_USDT" for number in range(20)]
TURN_S = 0.002
BEAT_S = 0.25


def events() -> Iterator[tuple[str, Message]]:
    """(topic, event) for ever: two quotes and a trade of each symbol in turn, a frame each."""
    for number in itertools.count(1):
        symbol = SYMBOLS[number % len(SYMBOLS)]
        now_ns = time.time_ns()
        if number % 3:
            yield (
                f"quote.binance.{symbol}",
                Quote(symbol, "binance", now_ns, now_ns, 61_659.7, 61_659.8, 1.5, 0.98, number),
            )
        else:
            trade = Trade(symbol, "binance", now_ns, now_ns, 61_659.7, 0.125, 1, number)
            yield f"trade.binance.{symbol}", trade


def stand_in(run_dir: Path, name: str, rate_per_s: int, outage_s: int) -> None:
    """Write the backlog, then go on live until killed."""
    endpoints = Endpoints(run_dir)
    endpoints.prepare()
    epoch = int(time.time())
    journal = Journal(
        run_dir / "journal" / name, name, epoch, time.time_ns, time.monotonic_ns, ballast_bytes=0
    )
    source = events()
    with Wire() as wire:
        publisher = wire.publisher(endpoints.pub(name), name, epoch, time.time_ns, journal.write)
        first = Epoch(name, 0, 0, True, "", "", 0, "")
        publisher.publish(mark_topic(name), [first], RecordKind.EPOCH)
        _publish(publisher, source, rate_per_s * outage_s)
        print("ready", flush=True)
        started_s = next_beat_s = time.monotonic()
        sent = 0
        pause = threading.Event()
        while True:
            now_s = time.monotonic()
            due = int((now_s - started_s) * rate_per_s)
            _publish(publisher, source, due - sent)
            sent = due
            if now_s >= next_beat_s:
                next_beat_s = now_s + BEAT_S
                publisher.beat(Beat(name, epoch, publisher.seq, 0, 0, 0, time.monotonic_ns(), "RUNNING"))
                publisher.subscriptions()
            pause.wait(max(0.0, now_s + TURN_S - time.monotonic()))


def _publish(publisher: Publisher, source: Iterator[tuple[str, Message]], count: int) -> None:
    for topic, event in itertools.islice(source, count):
        publisher.publish(topic, [event])
    publisher.flush()


def stored(peers: Peers) -> tuple[int, bool]:
    """Rows that the persistence actor has stored, and whether nothing is missing."""
    try:
        status = msgspec.msgpack.decode(peers.ask("persistence.1", "status", 1.0).data)
    except HubError:
        return 0, False
    target = status["targets"]["persistence.1"]
    return target["rows"], target["state"] == "storing" and target["is_live"]


def _at_least(rows: int, wanted: int) -> int:
    return rows if rows >= wanted else 0


def caught_up(outage_s: int) -> float:
    """Events per second of one catching up."""
    with short_folder() as folder:
        config = write_config(
            folder,
            {COLLECTOR: {}, "journal.1": {}, "persistence.1": {}},
            {symbol: {} for symbol in SYMBOLS},
        )
        command = [sys.executable, "-m", "tests.bench.catchup", str(folder), COLLECTOR]
        command += [str(RATE_PER_S), str(outage_s)]
        with (
            Program(command, title="stand-in") as program,
            peers_of(folder) as peers,
        ):
            until(lambda: "ready" in program.stdout_text, 60.0, "the backlog")
            with (
                ActorProcess("journal", "journal.1", config),
                ActorProcess("persistence", "persistence.1", config),
            ):
                until(lambda: stored(peers)[0] > 0, 30.0, "the first row")
                rows, start_s = stored(peers)[0], time.monotonic()
                backlog = RATE_PER_S * outage_s
                reached = until(
                    lambda: _at_least(stored(peers)[0], backlog), 120.0, "the backlog to be stored"
                )
                seconds = time.monotonic() - start_s
                until(lambda: stored(peers)[1], 30.0, "nothing to be missing")
                return (reached - rows) / seconds


def run(rounds: int, *, quick: bool) -> list[Row]:
    """One row: events per second of catching up against the live rate."""
    found = sorted(caught_up(6 if quick else OUTAGE_S) for _ in range(min(rounds, 3)))
    rate = found[len(found) // 2]
    what = f"persistence catches up after {OUTAGE_S} s, live rate {RATE_PER_S:,}/s"
    return [Row("journal", what, rate, RATE_PER_S, "events/s", rate / RATE_PER_S, GOAL, at_most=False)]


if __name__ == "__main__":
    stand_in(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
