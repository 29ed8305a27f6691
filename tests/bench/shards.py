"""Throughput of aggregators and order-flow actors, alone and two that divide the symbols, in interleaved rounds.

A stand-in collector builds its frames beforehand, then journals and sends them as fast as it can to real processes.
The clock runs from its start until every event has been counted by somebody. On a machine with fewer idle cores than
processes the clock says what that machine does; the CPU that the busiest instance spent says what each of them does
with a core of its own.

`python -m tests.bench.shards RUN_DIR FRAMES` is the stand-in; prints `ready`, and sends once a line comes in.
"""

from __future__ import annotations

import contextlib
import os
import random
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, Final

import msgspec

from protocol.codec import encode_events
from protocol.endpoints import Endpoints
from protocol.errors import HubError
from protocol.journal.journal import Journal
from protocol.messages import Epoch, Message, Quote, Trade, Watermark
from protocol.record import FrameWriter, RecordKind
from protocol.topics import mark_topic
from protocol.transport import Wire
from tests.bench.report import Row, interleaved
from tests.bench.spent import cpu_s
from tests.support.config import write_config
from tests.support.paths import ROOT, short_folder
from tests.support.peers import Peers, peers_of
from tests.support.process import ActorProcess, clean_environment
from tests.support.wait import until

COLLECTOR: Final = "collector.binance.1"
SYMBOLS: Final = [f"S{number:03d}_USDT" for number in range(40)]
FRAMES: Final = 200_000
PER_S: Final = 5_000
"""Events per second of venue time."""
CHUNK: Final = 64
HIGH_WATER_MARK: Final = 1_000_000
COUNTED: Final = {"aggregator": "ticks_received", "orderflow": "events_received"}
GOAL: Final = 1.5
DEADLINE_S: Final = 120.0


def frames_of(count: int) -> list[bytes]:
    """An epoch of so many frames with an event each, three quotes to a trade, and a watermark each quarter of a second."""
    writer, dice = FrameWriter(COLLECTOR, 1), random.Random(1)
    start_ns = time.time_ns() // 86_400_000_000_000 * 86_400_000_000_000

    def built(topic: str, event: Message, kind: int = RecordKind.DATA) -> bytes:
        return writer.build(topic, event.SCHEMA, encode_events([event]), time.time_ns(), kind)

    found = [built(mark_topic(COLLECTOR), Epoch(COLLECTOR, 0, 0, False, "", "", 0, ""), RecordKind.EPOCH)]
    for number in range(1, count + 1):
        ts_ns = start_ns + number * 1_000_000_000 // PER_S
        symbol, price = dice.choice(SYMBOLS), 100.0 + dice.randint(0, 50) / 10
        if number % 4:
            quote = Quote(symbol, "binance", ts_ns, ts_ns, price, price + 0.1, 1.5, 2.5, number)
            found.append(built(f"quote.binance.{symbol}", quote))
        else:
            trade = Trade(symbol, "binance", ts_ns, ts_ns, price, 0.5, dice.choice((1, -1)), number)
            found.append(built(f"trade.binance.{symbol}", trade))
        if number % (PER_S // 4) == 0:
            mark = Watermark(COLLECTOR, "binance", ts_ns, is_connected=True)
            found.append(built(mark_topic(COLLECTOR), mark, RecordKind.TIME))
    return found


def stand_in(run_dir: Path, count: int) -> None:
    """Send everything once, when told to."""
    frames = frames_of(count)
    journal = Journal(
        run_dir / "journal" / COLLECTOR, COLLECTOR, 1, time.time_ns, time.monotonic_ns, ballast_bytes=0
    )
    with Wire(HIGH_WATER_MARK) as wire:
        publisher = wire.publisher(Endpoints(run_dir).pub(COLLECTOR), COLLECTOR, 1, time.time_ns)
        print("ready", flush=True)
        sys.stdin.readline()
        for at in range(0, len(frames), CHUNK):
            for frame in journal.write(frames[at : at + CHUNK]):
                publisher.send_raw(frame)
        sys.stdin.readline()


def measured(kind: str, count: int, frames: int) -> tuple[float, float]:
    """(events per second by the clock, by the CPU of the busiest instance) of so many instances."""
    names = [f"{kind}.{number}" for number in range(1, count + 1)]
    wanted = frames if kind == "orderflow" else frames // 4
    actors: dict[str, dict[str, Any]] = {COLLECTOR: {}, "journal.1": {}, **{name: {} for name in names}}
    with contextlib.ExitStack() as stack:
        folder = stack.enter_context(short_folder())
        symbols = {symbol: {"venues": {"binance": f"spot:{symbol}"}} for symbol in SYMBOLS}
        config = write_config(folder, actors, symbols, bus={"high_water_mark": HIGH_WATER_MARK})
        peers = stack.enter_context(peers_of(folder))
        source = stack.enter_context(
            subprocess.Popen(
                [sys.executable, "-m", "tests.bench.shards", str(folder), str(frames)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
                cwd=ROOT,
                env=clean_environment(),
            )
        )
        stack.callback(source.kill)
        assert source.stdout is not None
        assert source.stdin is not None
        assert source.stdout.readline() == "ready\n"
        stack.enter_context(ActorProcess("journal", "journal.1", config))
        running = [stack.enter_context(ActorProcess(kind, name, config)) for name in names]
        until(lambda: all(_is_live(peers, name) for name in names), DEADLINE_S, "all to hear")
        spent_s = [cpu_s(process.pid) for process in running]
        started_s = time.monotonic()
        source.stdin.write("go\n")
        source.stdin.flush()
        until(lambda: sum(_counted(peers, kind, name) for name in names) >= wanted, DEADLINE_S, "all events")
        seconds = time.monotonic() - started_s
        busiest_s = max(cpu_s(process.pid) - before for process, before in zip(running, spent_s, strict=True))
    return wanted / seconds, wanted / busiest_s


def _status(peers: Peers, name: str) -> dict[str, Any]:
    try:
        found: dict[str, Any] = msgspec.msgpack.decode(peers.ask(name, "status", 1.0).data)
    except HubError:
        return {}
    return found


def _is_live(peers: Peers, name: str) -> bool:
    return bool(_status(peers, name).get("bus", {}).get("pulls"))


def _counted(peers: Peers, kind: str, name: str) -> int:
    return int(_status(peers, name).get("counters", {}).get(COUNTED[kind], 0))


def run(rounds: int, *, quick: bool) -> list[Row]:
    """Two rows per kind."""
    frames = FRAMES // 10 if quick else FRAMES
    found: list[Row] = []
    for kind in COUNTED:
        by_clock: dict[int, list[float]] = {1: [], 2: []}

        def cpu(count: int, kind: str = kind, by_clock: dict[int, list[float]] = by_clock) -> float:
            clock, busiest = measured(kind, count, frames)
            by_clock[count].append(clock)
            return busiest

        two, one, ratio = interleaved(rounds, lambda cpu=cpu: cpu(2), lambda cpu=cpu: cpu(1))
        ratios = sorted(both / alone for both, alone in zip(by_clock[2], by_clock[1], strict=True))
        middle = len(ratios) // 2
        note = f"{frames:,} frames each round, {len(SYMBOLS)} symbols"
        found += [
            Row(
                "shards", f"{kind}: two against one, a core each", two, one, "events/s", ratio, GOAL,
                at_most=False, note=note,
            ),
            Row(
                "shards", f"{kind}: two against one, on {os.cpu_count()} cores with the source",
                sorted(by_clock[2])[middle], sorted(by_clock[1])[middle], "events/s", ratios[middle],
            ),
        ]  # fmt: skip
    return found


if __name__ == "__main__":
    stand_in(Path(sys.argv[1]), int(sys.argv[2]))
