"""What keys cost: the same frames and the same questions over tcp, with CURVE and judged, against without.

Both ends are threads of this process with a context each, over loopback. The clock of the throughput runs at the receiver.
"""

from __future__ import annotations

import tempfile
import threading
import time
from pathlib import Path

import numpy as np

from protocol.requests import Reply, Request, decode_request, encode_reply
from protocol.security.key_files import PublicKey, SecretKey
from protocol.security.key_folder import KeyFolder
from protocol.security.keyring import Keyring
from protocol.transport import Empty, Poller, Wire
from protocol.transport.curve import new_pair
from tests.bench.report import Row, interleaved

NAME = "hub.1"
FRAME_BYTES = (200, 1000)
FRAMES = 100_000
QUESTIONS = 4000
WHY = "each frame is encrypted for each subscriber in libzmq's one thread; the judge reads two fields of a request and a user id"


def _ring(folder: Path, name: str) -> Keyring:
    keys = KeyFolder(folder)
    for one in (NAME, "desk"):
        if not keys.public_path(one).exists():
            public, secret = new_pair()
            roles = ("actor",) if one == NAME else ("query", "subscribe")
            keys.save_public(PublicKey(name=one, public=public, roles=roles))
            keys.save_secret(one, SecretKey(secret=secret))
    return Keyring(keys, name)


def _bind(port: str) -> str:
    return f"tcp://{'0.0.0.0' if port else '127.0.0.1'}:*"


def frames_per_s(folder: Path, size: int, frames: int, *, is_guarded: bool) -> float:
    """Send frames as fast as the publisher can; returns how many a second arrive."""
    server = Wire(frames, _ring(folder, NAME) if is_guarded else None)
    publisher = server.publisher(_bind("guarded" if is_guarded else ""), NAME, 1, time.time_ns)
    port = publisher.endpoint.rpartition(":")[2]
    owner = f"{NAME}@" if is_guarded else ""
    result: list[float] = []

    def receive() -> None:
        with Wire(frames, _ring(folder, "desk") if is_guarded else None) as wire:
            socket = wire.subscriber([f"{owner}tcp://127.0.0.1:{port}"], [b"quote."]).socket
            socket.rcvtimeo = 30_000
            socket.recv()
            started_s = time.perf_counter()
            for _ in range(frames - 1):
                socket.recv()
            result.append((frames - 1) / (time.perf_counter() - started_s))

    thread = threading.Thread(target=receive)
    thread.start()
    frame = b"quote.x.BTC_USDT\x00" + bytes(size)
    publisher.socket.poll(30_000)
    publisher.subscriptions()
    for _ in range(frames):
        publisher.send_raw(frame)
    thread.join()
    server.close()
    return result[0]


def round_trip_s(folder: Path, questions: int, *, is_guarded: bool) -> float:
    """Median time of a question and its answer, seconds."""
    over = threading.Event()
    ready = threading.Event()
    place: list[str] = []

    def answer() -> None:
        with Wire(keyring=_ring(folder, NAME) if is_guarded else None) as wire:
            responder = wire.responder(_bind("guarded" if is_guarded else ""), purpose="query")
            place.append(responder.endpoint.rpartition(":")[2])
            ready.set()
            poller = Poller()
            poller.watch(responder.socket)
            while not over.is_set():
                poller.poll(0.1)
                try:
                    while True:
                        envelope, body = responder.receive()
                        responder.reply(envelope, encode_reply(Reply(id=decode_request(body).id, ok=True)))
                except Empty:
                    continue

    thread = threading.Thread(target=answer)
    thread.start()
    ready.wait(30)
    owner = f"{NAME}@" if is_guarded else ""
    times = []
    with Wire(keyring=_ring(folder, "desk") if is_guarded else None) as wire:
        requester = wire.requester(f"{owner}tcp://127.0.0.1:{place[0]}")
        requester.ask(Request(op="tick"), 30.0)
        for _ in range(questions):
            started_s = time.perf_counter()
            requester.ask(Request(op="tick", symbol="BTC_USDT"), 30.0)
            times.append(time.perf_counter() - started_s)
    over.set()
    thread.join()
    return float(np.median(times))


def run(rounds: int, *, quick: bool = False) -> list[Row]:
    """Throughput for two sizes of frames, and the time of a question."""
    frames, questions = (FRAMES // 10, QUESTIONS // 10) if quick else (FRAMES, QUESTIONS)
    rows = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "keys"
        for size in FRAME_BYTES:
            ours, theirs, ratio = interleaved(
                rounds,
                lambda size=size: frames_per_s(folder, size, frames, is_guarded=True),
                lambda size=size: frames_per_s(folder, size, frames, is_guarded=False),
            )
            rows.append(Row("curve", f"frames of {size} bytes", ours, theirs, "frames/s", ratio, note=WHY))
        ours, theirs, ratio = interleaved(
            rounds,
            lambda: round_trip_s(folder, questions, is_guarded=True),
            lambda: round_trip_s(folder, questions, is_guarded=False),
        )
        rows.append(Row("curve", "question and answer p50", ours * 1e6, theirs * 1e6, "us", ratio, note=WHY))
    return rows
