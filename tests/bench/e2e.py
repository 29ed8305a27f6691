"""The whole way: events per second through all processes with nothing dropped, cost per frame, delay to the hub."""

from __future__ import annotations

import sys
import threading
import time

import msgspec
import zmq

from protocol.client.hub import Hub
from protocol.endpoints import Endpoints
from protocol.transport import Wire
from scripts.recorded import Recorded
from tests.bench import chain, hop, parse
from tests.bench.report import Row, interleaved, say
from tests.support.config import write_config
from tests.support.data import data_dir, recording
from tests.support.paths import short_folder
from tests.support.peers import Peers, peers_of
from tests.support.process import ActorProcess, Program
from tests.support.system import System
from tests.support.wait import until

FILE_GOAL_PER_S = 150_000.0
WEBSOCKET_GOAL_PER_S = 30_000.0
LOOK_S = 0.02
DEADLINE_S = 120.0


def run(rounds: int, *, quick: bool) -> list[Row]:
    """All rows; those that need the recordings are left out where there are none, and it is said."""
    rows = [parse.run(rounds, quick=quick), *hop.run(rounds, quick=quick)]
    if data_dir() is None:
        say("  no recordings: the pipeline is not measured (TAPEHUB_DATA)")
        return rows
    return [*rows, websocket_row(rounds), file_row(rounds)]


def websocket_row(rounds: int) -> Row:
    """A recording, played as fast as the collector reads: simulator, collector, aggregator, hub."""
    recorded = Recorded(recording(parse.RECORDING))
    rates = sorted(through_websocket(recorded) for _ in range(rounds))
    note = f"{recorded.events:,} events each round, all of them in the hub, no gap, no drop"
    rate = rates[len(rates) // 2]
    return Row(
        "e2e", "recording through the WebSocket", rate, 0.0, "frames/s", 0.0, WEBSOCKET_GOAL_PER_S,
        at_most=False, of_value=True, note=note,
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
        ) as system,
    ):
        wanted = {
            f"{kind}.binance.{chain.SYMBOL}": count for kind, count in recorded.summary["by_kind"].items()
        }
        rate = rate_until(system.hub, wanted)
        for name in ("aggregator.1", "hub.1"):
            status = system.ask(name, "status")
            assert not any(status["bus"].values()), f"{name}: {status['bus']}"
    return rate


def rate_until(hub: Hub, wanted: dict[str, int]) -> float:
    """Events per second that the hub took, from the first look that found any until it had all."""
    pause, first, started_s, found = threading.Event(), 0, 0.0, dict.fromkeys(wanted, 0)
    end_s = time.monotonic() + DEADLINE_S
    while time.monotonic() < end_s:
        found = {topic.topic: topic.events for topic in hub.topics() if topic.topic in wanted}
        now_s, events = time.monotonic(), sum(found.values())
        if not started_s and events:
            first, started_s = events, now_s
        if all(found.get(topic, 0) >= count for topic, count in wanted.items()):
            return (events - first) / max(now_s - started_s, 1e-9)
        pause.wait(LOOK_S)
    raise AssertionError(f"the hub has only {found} of {wanted}")


def file_row(rounds: int) -> Row:
    """Decoded messages of a recording, from a source process through aggregator and hub."""
    wanted = dict(chain.events_of(chain.batches()))
    events = sum(wanted.values())
    ours, raw, ratio = interleaved(rounds, lambda: through_actors(wanted), lambda: events / through_raw())
    note = "raw forwards the same frames through as many processes and looks at none"
    return Row(
        "e2e", "recorded file to aggregator and hub", ours, raw, "events/s", ratio, FILE_GOAL_PER_S,
        at_most=False, of_value=True, note=note,
    )  # fmt: skip


def through_actors(wanted: dict[str, int]) -> float:
    """Events per second that aggregator and hub took; whoever is later counts."""
    with short_folder() as folder:
        endpoints = Endpoints(folder)
        endpoints.prepare()
        config = write_config(
            folder,
            {chain.NAME: {}, "aggregator.1": {}, "hub.1": {}},
            {
                chain.SYMBOL: {"venues": {"binance": "usdm:BTCUSDT"}},
                chain.SIGN: {"venues": {"binance": "spot:EURUSDT"}, "bars_from": "quote"},
            },
            bus={"high_water_mark": chain.HIGH_WATER_MARK},
        )
        command = [sys.executable, "-m", "tests.bench.chain", "source", endpoints.pub(chain.NAME)]
        with Program(command, title="source") as source:
            source.wait_for_text("ready", 60.0)
            with (
                ActorProcess("hub", "hub.1", config),
                ActorProcess("aggregator", "aggregator.1", config),
                Hub(endpoints.query("hub.1"), timeout_s=10.0) as hub,
                peers_of(folder) as peers,
            ):
                rate = rate_until(hub, wanted)
                events, started_s = sum(wanted.values()), time.monotonic()
                trades = wanted[f"trade.binance.{chain.SYMBOL}"]
                until(
                    lambda: ticks_of_aggregator(peers) >= trades,
                    DEADLINE_S,
                    "the aggregator to have all trades",
                )
                return events / (events / rate + time.monotonic() - started_s)


def ticks_of_aggregator(peers: Peers) -> int:
    """Trades it has taken."""
    status = msgspec.msgpack.decode(peers.ask("aggregator.1", "status").data)
    return int(status["counters"].get("ticks_received", 0))


def through_raw() -> float:
    """Seconds of the sink of the raw chain."""
    with short_folder() as folder:
        first, second = f"ipc://{folder}/first", f"ipc://{folder}/second"
        module = [sys.executable, "-m", "tests.bench.chain"]
        with (
            Program([*module, "forward", first, second], title="forward") as middle,
            Program([*module, "frames", first], title="frames") as source,
            Wire(chain.HIGH_WATER_MARK) as wire,
        ):
            middle.wait_for_text("ready")
            source.wait_for_text("ready", 60.0)
            count = 2 * int(source.stdout_text.split()[1])
            return drain(wire, [first, second], count)


def drain(wire: Wire, endpoints: list[str], count: int) -> float:
    """Take so many frames; seconds from the first to the last."""
    sink = wire.subscriber(endpoints, [b""]).socket
    poller = zmq.Poller()
    poller.register(sink, zmq.POLLIN)
    taken, started_s = 0, 0.0
    while taken < count:
        assert poller.poll(20_000), f"only {taken} of {count} frames came"
        started_s = started_s or time.perf_counter()
        try:
            while True:
                sink.recv(zmq.NOBLOCK)
                taken += 1
        except zmq.Again:
            pass
    return time.perf_counter() - started_s
