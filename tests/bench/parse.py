"""What a frame costs a collector: WebSocket, JSON, checks, batching; against websocket-client receiving alone.

Both read the same frames of a recording from the same server process over loopback TCP; measured is the CPU time
of the reading process per frame, so a busy machine does not blur it.
"""

from __future__ import annotations

import base64
import collections
import gzip
import hashlib
import itertools
import select
import socket
import sys
import time
from collections.abc import Callable

import websocket

from actors.collector.exchange.stream_socket import StreamSocket
from actors.collector.gaps import Gaps
from actors.collector.intake.normaliser import Normaliser, Rules
from actors.collector.outbox import Outbox
from actors.collector.venues.binance import Binance
from tests.bench.report import Row, interleaved
from tests.support.data import data_dir, data_environment
from tests.support.paths import free_port
from tests.support.process import Program

RECORDING = "binance/hft_usdm_btcusdt_20240808.gz"
SYNTHETIC = (
    '{"stream":"btcusdt@trade","data":{"e":"trade","E":1723161256323,"T":1723161256322,"s":"BTCUSDT","t":%d,'
    '"p":"61800.30","q":"0.004","X":"MARKET","m":true}}'
)
_GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
GOAL = 1.6


def payloads(count: int) -> list[bytes]:
    """Text frames of the recording (REST answers left out), or made-up trades where there is none."""
    folder = data_dir()
    if folder is None:
        return [(SYNTHETIC % number).encode() for number in range(count)]
    with gzip.open(folder / RECORDING, "rb") as lines:
        bodies = (line.partition(b" ")[2].strip() for line in lines)
        return list(itertools.islice((body for body in bodies if body.startswith(b'{"stream"')), count))


def frame_of(body: bytes) -> bytes:
    """One unmasked text frame."""
    size = len(body)
    head = bytes((0x81, size)) if size < 126 else b"\x81\x7e" + size.to_bytes(2, "big")
    return head + body if size < 65_536 else b"\x81\x7f" + size.to_bytes(8, "big") + body


def shake_hands(peer: socket.socket) -> None:
    """Answer a client's request for an upgrade."""
    request = peer.recv(4096).decode()
    key = next(line for line in request.splitlines() if line.lower().startswith("sec-websocket-key"))
    digest = hashlib.sha1((key.partition(":")[2].strip() + _GUID).encode()).digest()
    peer.sendall(
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Accept: " + base64.b64encode(digest) + b"\r\n\r\n"
    )


def serve(port: int, count: int) -> None:
    """The sending process: shake hands with anybody who comes, send all frames, next."""
    stream = b"".join(map(frame_of, payloads(count)))
    with socket.create_server(("127.0.0.1", port)) as server:
        print("ready", flush=True)
        while True:
            peer, _ = server.accept()
            with peer:
                shake_hands(peer)
                try:
                    peer.sendall(stream)
                    peer.recv(1)
                except OSError:
                    continue


def library_alone(url: str, count: int) -> float:
    """CPU microseconds per frame of websocket-client's `recv`."""
    client = websocket.WebSocket(skip_utf8_validation=True)
    client.connect(url)  # type: ignore[no-untyped-call]  # the library has no types
    started = time.process_time()
    for _ in range(count):
        client.recv()
    spent = time.process_time() - started
    client.shutdown()  # type: ignore[no-untyped-call]  # the library has no types
    return spent / count * 1e6


def collector(url: str, count: int, make_socket: type[StreamSocket] = StreamSocket) -> float:
    """CPU microseconds per frame of the collector's path, up to the batch that is ready to be published."""
    batches = 0

    def publish(*_: object) -> None:
        nonlocal batches
        batches += 1

    def drop(reason: str, what: object = "") -> None:
        raise AssertionError(f"{reason}: {what}")

    outbox = Outbox(publish, collections.Counter())
    parser = Binance().parser("usdm", {"BTCUSDT": "BTC_USDT.PERP"}, {})
    normaliser = Normaliser(
        "binance", parser, Gaps("binance", "bench-1"), outbox.add, drop, Rules(is_curious=True)
    )
    client = make_socket(16 * 1024 * 1024)
    client.open(url, 10.0)
    poller = select.poll()
    poller.register(client.fd, select.POLLIN)
    taken = 0
    started = time.process_time()
    while taken < count:
        poller.poll()
        client.fill()
        while frames := client.take(256):
            taken += len(frames)
            now_ns = time.time_ns()
            for frame in frames:
                normaliser.take(frame, now_ns)
            outbox.flush()
    spent = time.process_time() - started
    client.hang_up()
    assert batches > 0
    return spent / count * 1e6


def run(rounds: int, *, quick: bool) -> Row:
    """The row."""
    count, port = 3_000 if quick else 60_000, free_port()
    command = [sys.executable, "-m", "tests.bench.parse", str(port), str(count)]
    url = f"ws://127.0.0.1:{port}/stream"
    with Program(command, title="frame server", env=data_environment()) as server:
        server.wait_for_text("ready", 30.0)
        ours: Callable[[], float] = lambda: collector(url, count)  # noqa: E731
        measured, alone, ratio = interleaved(rounds, ours, lambda: library_alone(url, count))
    what, peer = "collector, processor time per frame", "websocket-client alone"
    return Row("e2e", what, measured, alone, "us", ratio, GOAL, goal_id="parse", peer=peer)


if __name__ == "__main__":
    serve(int(sys.argv[1]), int(sys.argv[2]))
