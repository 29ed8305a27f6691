"""A real NATS server with JetStream for a test: on a port of its own, its store below the test's folder."""

from __future__ import annotations

import json
import shutil
import signal
from pathlib import Path
from types import TracebackType
from typing import Final

import pytest

from protocol.nats.jetstream import Ask
from protocol.nats.login import Login
from protocol.nats.servers import Server, parse_server
from protocol.nats.session import Session
from tests.support.paths import free_port
from tests.support.process import Program

BINARY: Final = shutil.which("nats-server") or shutil.which("nats-server", path="/usr/sbin:/usr/local/sbin")
needs_nats = pytest.mark.skipif(
    BINARY is None, reason="nats-server is not installed (apt-get install nats-server)"
)
START_S: Final = 40.0


class NatsServer:
    """One server; ends with the `with` block.

    Args:
        folder: Its store and configuration go below it.
        extra: More lines of its configuration, `authorization { token: x }` for example.
        port: To listen on; 0: a free one.
    """

    def __init__(self, folder: Path, extra: str = "", port: int = 0) -> None:
        self.port = port or free_port()
        self.url = f"nats://127.0.0.1:{self.port}"
        self._folder = folder / "nats"
        self._folder.mkdir(parents=True, exist_ok=True)
        self._config = self._folder / "nats.conf"
        store = json.dumps(str(self._folder / "store"))
        self._config.write_text(
            f"listen: 127.0.0.1:{self.port}\njetstream {{ store_dir: {store} }}\n{extra}\n", encoding="utf-8"
        )
        self.token = ""
        """To log in with, where one is needed."""
        self._program: Program | None = None

    @property
    def server(self) -> Server:
        """Its address."""
        return parse_server(self.url)

    def start(self) -> None:
        """Start it, with what its store holds, and wait until it takes clients."""
        assert BINARY is not None
        self._program = Program([BINARY, "-c", str(self._config)], title="nats-server")
        try:
            self._program.wait_for_text("Server is ready", START_S)
        except AssertionError:
            self.kill()
            raise

    def kill(self) -> None:
        """End it at once (SIGKILL)."""
        program, self._program = self._program, None
        if program is not None:
            program.__exit__(None, None, None)

    def stop(self) -> None:
        """Ask it to end, and wait."""
        if self._program is not None:
            self._program.stop()
        self.kill()

    def save(self) -> None:
        """Keep a copy of what its store holds now; it is not running."""
        shutil.copytree(self._folder / "store", self._folder / "saved", dirs_exist_ok=True)

    def restore(self) -> None:
        """Go back to that copy, as a power cut does; it is not running."""
        shutil.rmtree(self._folder / "store")
        shutil.copytree(self._folder / "saved", self._folder / "store")

    def send(self, number: signal.Signals) -> None:
        """Send it a signal."""
        assert self._program is not None
        self._program.send(number)

    def session(self) -> Session:
        """A line to it; the caller closes it."""
        return Session([self.server], Login(token=self.token))

    def ask(self, subject: str, body: bytes = b"") -> bytes:
        """Answer to one question of the JetStream API."""
        with self.session() as session:
            return session.ask(Ask(subject, body))

    def __enter__(self) -> NatsServer:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.kill()
