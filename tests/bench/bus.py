"""The bus: `Publisher` to an actor's `Input` with decode, against raw PUB/SUB of the very same bytes, and against other buses.

All run as two processes, ours and raw over ipc with the same high-water mark, as large as the round is long: a round is sent
as fast as the publisher can, and nothing may be lost. The clock runs at the receiver, from the first frame to the last.
Redis and NATS carry the same trades, a message each, packed and unpacked by msgpack; C writes frames of the same length.
"""

from __future__ import annotations

import contextlib
import itertools
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

import zmq

from actors.runtime.inputs import Input, Listener
from protocol.codec import decode_events, encode_events
from protocol.journal.journal import Journal
from protocol.messages import Message, Trade
from protocol.record import Frame, FrameWriter
from protocol.transport import Poller, Wire
from tests.bench import nats_peer, redis_peer
from tests.bench.loopback import loopback
from tests.bench.peers import nats, redis
from tests.bench.report import Row, against, in_turn
from tests.bench.spent import Spending
from tests.support.paths import ROOT, short_folder
from tests.support.process import clean_environment

TOPICS = [f"trade.binance.S{number:03d}_USDT" for number in range(20)]
BATCHES = (1, 10, 50)
BATCH = 256
FRAMES = 200_000
WHY = (
    "raw moves bytes; ours also encodes, numbers and sums up each frame, and checks sum, chain and every field of it, in Python. "
    "Processor time a frame, us, with ZeroMQ's threads: "
)
GOAL = 0.5
"""Of raw throughput, for single-event frames."""


def batch_of(topic: str, size: int) -> list[Message]:
    """Events of one frame: trades as a collector publishes them."""
    symbol = topic.rpartition(".")[2]
    base_ns = 1_795_000_000_000_000_000
    return [
        Trade(
            symbol,
            "binance",
            base_ns + number,
            base_ns + 5_000_000 + number,
            61_659.7,
            0.125,
            1,
            10**9 + number,
        )
        for number in range(size)
    ]


def send(mode: str, endpoint: str, frames: int, batch: int) -> None:
    """The sending process: waits for its one subscriber, then sends as fast as it can."""
    events = {topic: batch_of(topic, batch) for topic in TOPICS}
    with Wire(frames) as wire:
        journal = _journal_beside(endpoint) if mode == "journalled" else None
        publisher = wire.publisher(endpoint, "bench.1", 1, time.time_ns, journal.write if journal else None)
        publisher.socket.poll()
        publisher.subscriptions()
        began_s = time.process_time()
        topics = itertools.islice(itertools.cycle(TOPICS), frames)
        if mode != "raw":
            for topic in topics:
                publisher.publish(topic, events[topic])
            publisher.flush()
        else:
            writer = FrameWriter("bench.1", 1)
            same = [
                writer.build(topic, events[topic][0].SCHEMA, encode_events(events[topic]), time.time_ns())
                for topic in TOPICS
            ]
            for frame in itertools.islice(itertools.cycle(same), frames):
                publisher.socket.send(frame, zmq.NOBLOCK)
        publisher.socket.linger = 20_000
    print((time.process_time() - began_s) / frames * 1e6)  # all has left


def _journal_beside(endpoint: str) -> Journal:
    """A journal in a folder of its own, synced by a thread as an actor's is."""
    folder = Path(tempfile.mkdtemp(dir=Path(endpoint.removeprefix("ipc://")).parent))
    journal = Journal(folder, "bench.1", 1, time.time_ns, time.monotonic_ns, ballast_bytes=0)
    pause = threading.Event()

    def keep_synced() -> None:
        while not pause.wait(0.1):
            journal.sync()

    threading.Thread(target=keep_synced, daemon=True).start()
    return journal


def receive_ours(wire: Wire, endpoint: str, frames: int) -> float:
    """Take all frames as an actor does: poll, drain a batch, check the chain, decode. Returns seconds."""
    events = 0

    def handle(frame: Frame) -> None:
        nonlocal events
        events += len(decode_events(frame))

    def fail(*what: object) -> None:
        raise AssertionError(f"lost or refused: {what}")

    source = Input(
        "bench.1",
        lambda: wire.subscriber([endpoint], [b""]),
        Listener(handle, fail),
        fail,
        time.monotonic_ns,
        None,
        can_pull=False,
    )
    poller = Poller()
    poller.watch(source.subscriber.socket)
    taken, start_s = 0, 0.0
    while taken < frames:
        assert poller.poll(10.0), f"only {taken} of {frames} frames came"
        start_s = start_s or time.perf_counter()
        taken += source.take(BATCH)
    seconds = time.perf_counter() - start_s
    wire.forget(source.subscriber.socket)
    return seconds


def receive_raw(wire: Wire, endpoint: str, frames: int) -> float:
    """Take all frames with bare pyzmq in the same manner, and do nothing with them. Returns seconds."""
    socket = wire.subscriber([endpoint], [b""]).socket
    poller = zmq.Poller()
    poller.register(socket, zmq.POLLIN)
    receive = socket.recv
    taken, start_s = 0, 0.0
    while taken < frames:
        assert poller.poll(10_000), f"only {taken} of {frames} frames came"
        start_s = start_s or time.perf_counter()
        try:
            for _ in range(BATCH):
                receive(zmq.NOBLOCK)
                taken += 1
        except zmq.Again:
            pass
    seconds = time.perf_counter() - start_s
    wire.forget(socket)
    return seconds


def one_way(mode: str, folder: Path, frames: int, batch: int, spending: Spending | None = None) -> float:
    """One round of one contender; returns events per second."""
    endpoint = f"ipc://{folder}/{mode}"
    command = [sys.executable, "-m", "tests.bench.bus", mode, endpoint, str(frames), str(batch)]
    with (
        subprocess.Popen(command, cwd=ROOT, env=clean_environment(), stdout=subprocess.PIPE) as sender,
        Wire(frames) as wire,
    ):
        take = receive_raw if mode == "raw" else receive_ours
        began_s = time.process_time()
        seconds = take(wire, endpoint, frames)
        spent_s = time.process_time() - began_s
        sent, _ = sender.communicate(timeout=30)
        assert sender.returncode == 0
    if spending is not None:
        spending.note(f"{mode} sender", float(sent))
        spending.note(f"{mode} receiver", spent_s / frames * 1e6)
    return frames * batch / seconds


def others(stack: contextlib.ExitStack, folder: Path, count: int) -> dict[str, Callable[[], float]]:
    """Events per second of each other bus that is here."""
    found: dict[str, Callable[[], float]] = {}
    if redis().is_here:
        path = stack.enter_context(redis_peer.redis_server(folder))
        found["Redis pub/sub"] = lambda: redis_peer.through(path, "pubsub", count)
        found["Redis streams"] = lambda: redis_peer.through(path, "stream", count)
    if nats().is_here:
        url = stack.enter_context(nats_peer.nats_server())
        found["NATS"] = lambda: nats_peer.through(url, count)
    limit = stack.enter_context(loopback())
    if limit is not None:
        events = batch_of(TOPICS[0], 1)
        writer = FrameWriter("bench.1", 1)
        size = len(writer.build(TOPICS[0], events[0].SCHEMA, encode_events(events), time.time_ns()))
        found["C, Unix socket"] = lambda: limit.per_s("unix", size, count * 4)
        found["C, TCP"] = lambda: limit.per_s("tcp", size, count * 4)
    return found


def run(rounds: int, *, quick: bool) -> list[Row]:
    """Rows for single-event frames, against everybody, and for two batch sizes against raw."""
    rows = []
    with short_folder() as folder, contextlib.ExitStack() as stack:
        for batch in BATCHES:
            frames = FRAMES // (20 if quick else 1)
            spending = Spending()
            contenders: dict[str, Callable[[], float]] = {
                "ours": lambda: one_way("ours", folder, frames, batch, spending),  # noqa: B023 - called in this turn
                "raw pyzmq": lambda: one_way("raw", folder, frames, batch, spending),  # noqa: B023
            }
            if batch == 1:
                contenders |= others(stack, folder, frames // 4)
            found = in_turn(rounds, contenders)
            what = "single-event frames" if batch == 1 else f"batches of {batch}"
            for peer in list(contenders)[1:]:
                is_goal = batch == 1 and peer == "raw pyzmq"
                ours, theirs, ratio = against(found, "ours", peer)
                rows.append(
                    Row(
                        "bus", what, ours, theirs, "events/s", ratio, GOAL if is_goal else None, at_most=False,
                        note=f"{WHY}{spending}" if is_goal else "", goal_id="bus", peer=peer,
                    )
                )  # fmt: skip
    return rows


if __name__ == "__main__":
    send(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
