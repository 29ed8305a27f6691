"""The chain behind the collector, fed from memory as fast as it goes: source -> aggregator -> hub.

The source process decodes a recording into batches as a collector makes them, waits for its listeners, then
publishes them all. `raw` is the same with bare pyzmq: the same frames from a source to a forwarder and a sink,
and from the forwarder to the sink, so that as many copies are sent as in ours; nothing is looked at.

    python -m tests.bench.chain source ENDPOINT      publish the recording as collector.binance.1
    python -m tests.bench.chain frames ENDPOINT      publish the same frames, built beforehand
    python -m tests.bench.chain forward FROM TO      take frames and send them on
"""

from __future__ import annotations

import collections
import sys
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any, Final

import zmq

from actors.collector.outbox import Outbox
from actors.collector.recorded.decode import Decoder
from protocol.codec import encode_events
from protocol.instruments import Catalog, Instrument
from protocol.record import FrameWriter, RecordKind
from protocol.topics import subscription
from protocol.transport import Publisher, Wire
from tests.bench.feeder import SIGN_OF_LIFE_S, sign_of_life
from tests.bench.parse import RECORDING
from tests.support.data import recording

NAME: Final = "collector.binance.1"
SYMBOL: Final = "BTC_USDT.PERP"
SIGN: Final = "EUR_USDT"
"""A symbol with candles from quotes: the aggregator alone subscribes to just these, and so shows that it is there."""
FRAMES_PER_TURN: Final = 64
"""Messages of one turn of the collector: what one drain of its socket brings under load."""
HIGH_WATER_MARK: Final = 1_000_000
"""A benchmark sends faster than any venue: nothing may be lost."""

Batch = tuple[str, Sequence[Any], int]


def batches() -> list[Batch]:
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


def await_listeners(publisher: Publisher, wanted: set[bytes]) -> None:
    """Wait until each of these subscriptions has come."""
    heard: set[bytes] = set()
    while not wanted <= heard:
        publisher.socket.poll()
        heard.update(change[1:] for change in publisher.subscriptions() if change[:1] == b"\x01")


def source(endpoint: str) -> None:
    """Publish everything once, then only signs of life."""
    ready = batches()
    with Wire(HIGH_WATER_MARK) as wire:
        publisher = wire.publisher(endpoint, NAME, int(time.time()), time.time_ns)
        print("ready", flush=True)
        await_listeners(publisher, {b"quote.", subscription(f"quote.binance.{SIGN}$")})
        for topic, messages, kind in ready:
            publisher.publish(topic, messages, kind)
        print("sent", flush=True)
        pause = threading.Event()
        while True:
            sign_of_life(publisher)
            pause.wait(SIGN_OF_LIFE_S)


def frames(endpoint: str) -> None:
    """Send the same frames, built beforehand, with bare pyzmq."""
    writer = FrameWriter(NAME, 1)
    built = [
        writer.build(topic, messages[0].SCHEMA, encode_events(messages), time.time_ns(), kind)
        for topic, messages, kind in batches()
    ]
    with Wire(HIGH_WATER_MARK) as wire:
        publisher = wire.publisher(endpoint, NAME, 1, time.time_ns)
        print("ready", len(built), flush=True)
        await_listeners(publisher, {b"", b"\x00all"})
        for frame in built:
            publisher.socket.send(frame, zmq.NOBLOCK)
        publisher.socket.linger = 20_000
        sys.stdin.readline()


def forward(from_endpoint: str, to_endpoint: str) -> None:
    """Take frames and send them on, for ever."""
    with Wire(HIGH_WATER_MARK) as wire:
        out = wire.publisher(to_endpoint, "forward.1", 1, time.time_ns)
        print("ready", flush=True)
        await_listeners(out, {b""})
        incoming = wire.subscriber([from_endpoint], [b"", b"\x00all"]).socket
        while True:
            out.socket.send(incoming.recv(), zmq.NOBLOCK)


def events_of(found: Sequence[Batch]) -> collections.Counter[str]:
    """Topic to number of events."""
    counted: collections.Counter[str] = collections.Counter()
    for topic, messages, kind in found:
        counted[topic] += len(messages) if kind == RecordKind.DATA else 0
    return counted


PARTS: Final[dict[str, Callable[..., None]]] = {"source": source, "frames": frames, "forward": forward}

if __name__ == "__main__":
    PARTS[sys.argv[1]](*sys.argv[2:])
