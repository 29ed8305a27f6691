"""Who does not read is hung up on, holds little memory meanwhile, and nobody else waits for it."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from typing import Any

import pytest
import uvloop

from actors.gateway import stuck
from actors.gateway.serving import bind, server_of

PIECE = b"x" * 65_536
PIECES = 400
DEADLINE_S = 40.0


class Large:
    """Answers with 26 MB in pieces, or shortly at `/short`; knows how much it could write."""

    def __init__(self) -> None:
        self.written = 0
        self.ended = asyncio.Event()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        is_short = scope["path"] == "/short"
        await send({"type": "http.response.start", "status": 200, "headers": []})
        if not is_short:
            await receive()
            gone = asyncio.ensure_future(receive())
            while self.written < PIECES and not gone.done():
                self.written += 1
                await send({"type": "http.response.body", "body": PIECE, "more_body": True})
                await asyncio.sleep(0)
            gone.cancel()
            self.ended.set()
        await send({"type": "http.response.body", "body": b"ok"})


def connected(listener: socket.socket, path: str) -> socket.socket:
    made = socket.socket()
    made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    made.settimeout(DEADLINE_S)
    made.connect(listener.getsockname())
    made.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
    return made


@contextlib.asynccontextmanager
async def serving(app: Any) -> Any:
    listener = bind("127.0.0.1", 0)
    server = server_of(app, 100)
    task = asyncio.create_task(server.serve([listener]))
    try:
        yield listener
    finally:
        server.should_exit = True
        await asyncio.wait_for(task, DEADLINE_S)
        listener.close()


def test_a_client_that_never_reads_is_cut_off_and_its_buffers_are_bounded(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(stuck, "STUCK_S", 0.2)

    async def run() -> None:
        app = Large()
        async with serving(app) as listener:
            with await asyncio.to_thread(connected, listener, "/large") as client:
                short = await asyncio.to_thread(connected, listener, "/short")
                with short:
                    assert await asyncio.to_thread(short.recv, 100)  # nobody waits for the stuck one
                await asyncio.wait_for(app.ended.wait(), DEADLINE_S)
                assert app.written < PIECES / 4
                with pytest.raises(ConnectionResetError):
                    await asyncio.to_thread(drained, client)

    uvloop.run(run())


def drained(client: socket.socket) -> int:
    """Bytes until the other side ends it."""
    count = 0
    while data := client.recv(65_536):
        count += len(data)
    return count


def test_a_slow_client_that_goes_on_reading_is_not_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stuck, "STUCK_S", 0.2)

    async def run() -> None:
        app = Large()
        async with serving(app) as listener:
            with await asyncio.to_thread(connected, listener, "/large") as client:
                assert await asyncio.to_thread(drained_slowly, client) >= PIECES * len(PIECE)

    uvloop.run(run())


def drained_slowly(client: socket.socket) -> int:
    """As `drained`, with a window so small that the server waits again and again."""
    count = 0
    ended = b"0\r\n\r\n"
    while data := client.recv(262_144):
        count += len(data)
        if data.endswith(ended):
            break
    return count
