"""A hub's answers behind a real socket, in a thread, as rude or as silent as a test wants it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from types import TracebackType

from protocol.transport import Empty, Poller, Wire

Answerer = Callable[[bytes], list[bytes]]
"""Body of a question to the replies to send (none: silence)."""


class Served:
    """Answers at an ipc address until closed; `answer` may be replaced at any time."""

    def __init__(self, endpoint: str, answer: Answerer) -> None:
        self.endpoint = endpoint
        self.answer = answer
        self.questions = 0
        self._stop = threading.Event()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()
        assert self._ready.wait(10)

    def _run(self) -> None:
        with Wire() as wire:
            responder = wire.responder(self.endpoint)
            poller = Poller()
            poller.watch(responder.socket)
            self._ready.set()
            while not self._stop.is_set():
                poller.poll(0.02)
                while True:
                    try:
                        envelope, body = responder.receive()
                    except Empty:
                        break
                    self.questions += 1
                    for reply in self.answer(body):
                        responder.reply(envelope, reply)

    def close(self) -> None:
        self._stop.set()
        self._thread.join(10)

    def __enter__(self) -> Served:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
