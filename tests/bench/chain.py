"""The chain behind the collector, fed from memory as fast as it goes: source -> aggregator -> hub and persistence.

The source process decodes a recording into batches as a collector makes them, several times over with later times and ids,
waits for its listeners, then publishes them all. `raw` is the same with bare pyzmq: the same frames from a source to a
forwarder and to sinks, and from the forwarder to the sinks, so that as many copies are sent as in ours; nothing is looked at.

    python -m tests.bench.chain source ENDPOINT LISTENERS      publish as collector.binance.1
    python -m tests.bench.chain frames ENDPOINT LISTENERS      publish the same frames, built beforehand
    python -m tests.bench.chain forward FROM TO LISTENERS      take frames and send them on
    python -m tests.bench.chain sink FROM TO COUNT             take so many; prints the seconds from first to last
"""

from __future__ import annotations

import collections
import sys
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any, Final

import zmq
from msgspec import structs

from actors.collector.outbox import Outbox
from actors.collector.recorded.decode import Decoder
from protocol.codec import encode_events
from protocol.instruments import Catalog, Instrument
from protocol.record import FrameWriter, RecordKind
from protocol.transport import Publisher, Wire
from tests.bench.feeder import SIGN_OF_LIFE_S, sign_of_life
from tests.bench.parse import RECORDING
from tests.support.data import recording

NAME: Final = "collector.binance.1"
SYMBOL: Final = "BTC_USDT.PERP"
PASSES: Final = 4
"""How often the recording is played."""
SHIFT: Final = 10**12
"""Added to times (ns) and ids of each pass: longer than the recording, and more than its ids."""
FRAMES_PER_TURN: Final = 64
"""Messages of one turn of the collector: what one drain of its socket brings under load."""
HIGH_WATER_MARK: Final = 1_000_000
"""A benchmark sends faster than any venue: nothing may be lost."""

Batch = tuple[str, Sequence[Any], int]


def batches() -> list[Batch]:
    """All passes of the recording as a collector publishes them."""
    first = recorded_batches()
    return [*first, *(_later(batch, number) for number in range(1, PASSES) for batch in first)]


def recorded_batches() -> list[Batch]:
    """The recording as a collector publishes it."""
    catalog = Catalog([Instrument(symbol=SYMBOL, venues={"binance": "usdm:BTCUSDT"})])
    found: list[Batch] = []
    outbox = Outbox(
        lambda topic, messages, kind: found.append((topic, list(messages), kind)), collections.Counter()
    )
    for number, message in enumerate(Decoder("binance", catalog).messages(recording(RECORDING)), 1):
        outbox.add(message)
        if number % FRAMES_PER_TURN == 0:
            outbox.flush()
    outbox.flush()
    return found


def _later(batch: Batch, number: int) -> Batch:
    """The same events in a later pass; what numbers and dates them is moved on."""
    topic, messages, kind = batch
    shifted = (
        "ts_event_ns",
        "ts_recv_ns",
        "trade_id",
        "update_id",
        "first_update_id",
        "last_update_id",
        "prev_update_id",
    )
    moved = []
    for one in messages:
        names = [name for name in shifted if getattr(one, name, 0)]
        moved.append(structs.replace(one, **{name: getattr(one, name) + SHIFT * number for name in names}))
    return topic, moved, kind


def await_listeners(publisher: Publisher, count: int) -> None:
    """Wait until so many have subscribed to everything."""
    publisher.socket.setsockopt(zmq.XPUB_VERBOSE, 1)
    heard = 0
    while heard < count:
        publisher.socket.poll()
        heard += sum(change == b"\x01" for change in publisher.subscriptions())


def source(endpoint: str, listeners: str) -> None:
    """Publish everything once when so many listen, then only signs of life."""
    ready = batches()
    with Wire(HIGH_WATER_MARK) as wire:
        publisher = wire.publisher(endpoint, NAME, int(time.time()), time.time_ns)
        print("listening", flush=True)
        await_listeners(publisher, int(listeners))
        for topic, messages, kind in ready:
            publisher.publish(topic, messages, kind)
        print("sent", flush=True)
        pause = threading.Event()
        while True:
            sign_of_life(publisher)
            pause.wait(SIGN_OF_LIFE_S)


def frames(endpoint: str, listeners: str) -> None:
    """Send the same frames, built beforehand, with bare pyzmq."""
    writer = FrameWriter(NAME, 1)
    built = [
        writer.build(topic, messages[0].SCHEMA, encode_events(messages), time.time_ns(), kind)
        for topic, messages, kind in batches()
    ]
    with Wire(HIGH_WATER_MARK) as wire:
        publisher = wire.publisher(endpoint, NAME, 1, time.time_ns)
        print("listening", len(built), flush=True)
        await_listeners(publisher, int(listeners))
        for frame in built:
            publisher.socket.send(frame, zmq.NOBLOCK)
        publisher.socket.linger = 20_000
        threading.Event().wait()


def forward(from_endpoint: str, to_endpoint: str, listeners: str) -> None:
    """Take frames and send them on, for ever."""
    with Wire(HIGH_WATER_MARK) as wire:
        out = wire.publisher(to_endpoint, "forward.1", 1, time.time_ns)
        print("listening", flush=True)
        await_listeners(out, int(listeners))
        incoming = wire.subscriber([from_endpoint], [b""]).socket
        while True:
            out.socket.send(incoming.recv(), zmq.NOBLOCK)


def sink(first: str, second: str, count: str) -> None:
    """Take so many frames of both, in batches, and print the seconds from the first to the last."""
    with Wire(HIGH_WATER_MARK) as wire:
        incoming = wire.subscriber([first, second], [b""]).socket
        poller = zmq.Poller()
        poller.register(incoming, zmq.POLLIN)
        taken, started_s = 0, 0.0
        while taken < int(count):
            assert poller.poll(60_000), f"only {taken} of {count} frames came"
            started_s = started_s or time.perf_counter()
            try:
                while True:
                    incoming.recv(zmq.NOBLOCK)
                    taken += 1
            except zmq.Again:
                pass
        print("took", time.perf_counter() - started_s, flush=True)


def events_of(found: Sequence[Batch]) -> collections.Counter[str]:
    """Topic to number of events."""
    counted: collections.Counter[str] = collections.Counter()
    for topic, messages, kind in found:
        counted[topic] += len(messages) if kind == RecordKind.DATA else 0
    return counted


PARTS: Final[dict[str, Callable[..., None]]] = {
    "source": source,
    "frames": frames,
    "forward": forward,
    "sink": sink,
}

if __name__ == "__main__":
    PARTS[sys.argv[1]](*sys.argv[2:])
