"""A guarded publisher and responder in a thread of their own, at a port that others could reach."""

from __future__ import annotations

import threading
from collections.abc import Callable
from types import TracebackType
from typing import Any

from protocol.errors import GuardDied
from protocol.requests import Reply, decode_request, encode_reply, raw
from protocol.security.keyring import Keyring
from protocol.security.limits import Limits
from protocol.transport import Empty, Poller, Wire

NAME = "hub.1"
FRAME = b"quote.x.BTC_USDT\x00" + bytes(80)
OTHER = b"trade.x.BTC_USDT\x00" + bytes(80)


class Doors:
    """Answers every request that is let through; publishes a frame of two topics whenever it has nothing else to do."""

    def __init__(self, ring: Keyring, folder: str, limits: Limits | None = None) -> None:
        self.ring = ring
        self.folder = folder
        self.limits = limits
        self.notes: list[tuple[str, str]] = []
        self.asked: list[str] = []
        self.died: GuardDied | None = None
        self.wire: Wire | None = None
        self._over = threading.Event()
        self._ready = threading.Event()
        self._todo: list[Callable[[], Any]] = []
        self._thread = threading.Thread(target=self._run)

    def _run(self) -> None:
        with Wire(keyring=self.ring, limits=self.limits) as wire:
            self.wire = wire
            responder = wire.responder([f"ipc://{self.folder}/q", "tcp://0.0.0.0:*"], purpose="query")
            publisher = wire.publisher([f"ipc://{self.folder}/p", "tcp://0.0.0.0:*"], NAME, 1, lambda: 1)
            self.query = f"{NAME}@tcp://127.0.0.1:{responder.endpoint.rpartition(':')[2]}"
            self.pub = f"{NAME}@tcp://127.0.0.1:{publisher.endpoint.rpartition(':')[2]}"
            self._ready.set()
            poller = Poller()
            poller.watch(responder.socket)
            poller.watch(publisher.socket)
            while not self._over.is_set():
                poller.poll(0.02)
                publisher.subscriptions()
                publisher.send_raw(FRAME)
                publisher.send_raw(OTHER)
                try:
                    while True:
                        envelope, body = responder.receive()
                        request = decode_request(body)
                        self.asked.append(request.op)
                        responder.reply(
                            envelope, encode_reply(Reply(id=request.id, ok=True, data=raw("yes")))
                        )
                except Empty:
                    pass
                try:
                    wire.tend()
                except GuardDied as error:
                    self.died = error
                    return
                self.notes += wire.guard.notes() if wire.guard else []

    def reasons(self) -> set[str]:
        return {reason for reason, _ in self.notes}

    def __enter__(self) -> Doors:
        self._thread.start()
        assert self._ready.wait(20)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        self._thread.join(20)
        assert not self._thread.is_alive()
