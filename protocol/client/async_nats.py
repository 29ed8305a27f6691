"""`AsyncNats`: `Nats` for `async for`. A thread per stream waits for the server; no loop is held up."""

from __future__ import annotations

import asyncio
import contextlib
import queue
import threading
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any, Final

from protocol.client.joining import Missing
from protocol.client.nats import DEFAULT, Nats
from protocol.messages import Message

AHEAD: Final = 64
"""Batches that wait for a slow reader; beyond it the server waits."""
BATCH: Final = 256
POLL_S: Final = 0.5


class AsyncNats:
    """As `Nats`; arguments and errors are the same."""

    def __init__(
        self,
        servers: str | Sequence[str] = DEFAULT,
        *,
        stream: str = "TAPEHUB",
        subjects: str = "tapehub",
        timeout_s: float = 5.0,
    ) -> None:
        self._nats = Nats(servers, stream=stream, subjects=subjects, timeout_s=timeout_s)

    async def stream(
        self,
        topic: str,
        snapshot: int = 0,
        *,
        on_gap: Callable[[Missing], None] | None = None,
        idle_s: float = 0.0,
    ) -> AsyncIterator[Message]:
        """As `Nats.stream`; `on_gap` is called in the loop, in its place."""
        pump = _Pump(self._nats, topic, snapshot, idle_s)
        try:
            async for item in pump.items():
                if not isinstance(item, Missing):
                    yield item
                elif on_gap is not None:
                    on_gap(item)
        finally:
            await pump.stop()

    async def status(self) -> dict[str, Any]:
        """As `Nats.status`."""
        return await asyncio.to_thread(self._nats.status)

    async def close(self) -> None:
        """End its streams, within a second."""
        self._nats.close()

    async def __aenter__(self) -> AsyncNats:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()


class _Pump:
    """A thread that reads a stream into a queue of which the loop hears."""

    def __init__(self, nats: Nats, topic: str, snapshot: int, idle_s: float) -> None:
        self._loop = asyncio.get_running_loop()
        self._stirred = asyncio.Event()
        self._batches: queue.Queue[list[Message | Missing] | BaseException | None] = queue.Queue(AHEAD)
        self._is_stopped = threading.Event()
        self._nats = nats
        self._question = (topic, snapshot, idle_s)
        self._thread = threading.Thread(target=self._run, name="tapehub nats", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        batch: list[Message | Missing] = []
        topic, snapshot, idle_s = self._question
        try:
            for message in self._nats.messages(
                topic, snapshot, batch.append, idle_s, self._is_stopped.is_set
            ):
                if message is not None:
                    batch.append(message)
                if batch and (message is None or len(batch) >= BATCH):
                    self._put(batch[:])
                    batch.clear()
            self._put(batch[:])
        except Exception as fault:  # noqa: BLE001 - raised again where the stream is read
            self._put(fault)
        self._put(None)

    def _put(self, item: list[Message | Missing] | BaseException | None) -> None:
        while not self._is_stopped.is_set():
            try:
                self._batches.put(item, timeout=POLL_S)
            except queue.Full:
                continue
            with contextlib.suppress(RuntimeError):  # the loop is closed: nobody reads any more
                self._loop.call_soon_threadsafe(self._stirred.set)
            return

    async def items(self) -> AsyncIterator[Message | Missing]:
        """What was read, until its end."""
        while True:
            try:
                batch = self._batches.get_nowait()
            except queue.Empty:
                self._stirred.clear()
                if self._batches.empty():
                    await self._stirred.wait()
                continue
            if batch is None:
                return
            if isinstance(batch, BaseException):
                raise batch
            for item in batch:
                yield item

    async def stop(self) -> None:
        """End the thread."""
        self._is_stopped.set()
        await asyncio.to_thread(self._thread.join)
