"""Talks to the supervisord of one run directory over its unix socket (XML-RPC)."""

from __future__ import annotations

import contextlib
import http.client
import os
import socket
import xmlrpc.client
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import msgspec

from protocol.endpoints import socket_dir

SOCKET_NAME: Final = "supervisor.sock"
PID_NAME: Final = "supervisord.pid"
_MAX_SOCKET_PATH_BYTES: Final = 95
"""supervisord binds `<path>.<pid>` first: room for that within the 107 bytes of a unix socket path."""
_GONE: Final = (ConnectionError, FileNotFoundError, OSError, xmlrpc.client.ProtocolError)
_SHUTTING_DOWN: Final = 6
"""Fault code SHUTDOWN_STATE."""
_KNOCK_S: Final = 0.2
_ALREADY: Final = {60, 70}
"""Fault codes ALREADY_STARTED and NOT_RUNNING: what was wanted is so."""


class SupervisorDownError(Exception):
    """No supervisord answers in this run directory.

    Args:
        message: Where none answers.
        stopping_pid: Process id of one that is just shutting down, and answers nothing else any more; 0: none.
    """

    def __init__(self, message: str, stopping_pid: int = 0) -> None:
        super().__init__(message)
        self.stopping_pid = stopping_pid


class Process(msgspec.Struct, frozen=True, kw_only=True):
    """What supervisord knows of one actor."""

    name: str
    state: str
    """RUNNING, STARTING, STOPPING, STOPPED, EXITED, BACKOFF, FATAL."""
    pid: int
    """0 while it does not run."""
    uptime_s: float
    exit_code: int
    """Of the last end: -1 by a signal. Means something in state EXITED only."""
    spawn_error: str


def socket_path(run_dir: Path) -> Path:
    """Where supervisord listens; beside the actors' sockets where the run directory's path is too long."""
    wanted = run_dir / SOCKET_NAME
    if len(os.fsencode(wanted)) <= _MAX_SOCKET_PATH_BYTES:
        return wanted
    return socket_dir(run_dir) / SOCKET_NAME


class Supervisor:
    """The supervisord of one run directory. Every call raises `SupervisorDownError` if none answers."""

    def __init__(self, run_dir: Path) -> None:
        self.socket_path = socket_path(run_dir)
        self._pid_path = run_dir / PID_NAME

    def pid(self) -> int:
        """Process id of supervisord."""
        with self._server() as server:
            return int(server.getPID())

    def is_up(self) -> bool:
        """Whether one answers."""
        try:
            self.pid()
        except SupervisorDownError:
            return False
        return True

    def processes(self) -> list[Process]:
        """All its programs, in the order of start."""
        with self._server() as server:
            rows: Any = server.getAllProcessInfo()
        return [_process(row) for row in rows]

    def start(self, name: str) -> None:
        """Start one program; fine if it runs already."""
        with self._server() as server:
            _tolerant(server.startProcess, name)

    def stop(self, name: str) -> None:
        """Stop one program and wait for its end; fine if it does not run."""
        with self._server() as server:
            _tolerant(server.stopProcess, name)

    def update(self) -> list[str]:
        """Read its configuration again; programs that are new, changed or gone are started, restarted, stopped.

        Returns:
            Names of those programs.
        """
        with self._server() as server:
            answer: Any = server.reloadConfig()
            added, changed, removed = answer[0]
            for name in (*changed, *removed):
                _tolerant(server.stopProcessGroup, name)
                server.removeProcessGroup(name)
            for name in (*added, *changed):
                server.addProcessGroup(name)
        return [*added, *changed, *removed]

    def shut_down(self) -> None:
        """Stop all programs in order, then itself; returns at once."""
        with self._server() as server:
            server.shutdown()

    def nudge(self) -> None:
        """Let it look at its processes now, as it does with each connection; by itself it looks once a second."""
        with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX) as knock:
            knock.settimeout(_KNOCK_S)
            knock.connect(str(self.socket_path))

    @contextlib.contextmanager
    def _server(self) -> Iterator[Any]:
        transport = _SocketTransport(str(self.socket_path))
        try:
            yield xmlrpc.client.ServerProxy("http://localhost", transport=transport).supervisor
        except xmlrpc.client.Fault as fault:
            if fault.faultCode != _SHUTTING_DOWN:
                raise
            pid = self._pid_in_file()
            raise SupervisorDownError(f"supervisord {pid} is shutting down", pid) from fault
        except _GONE as fault:
            raise SupervisorDownError(f"no supervisord answers at {self.socket_path}") from fault
        finally:
            transport.close()

    def _pid_in_file(self) -> int:
        try:
            return int(self._pid_path.read_text())
        except (OSError, ValueError):
            return 0


class _SocketTransport(xmlrpc.client.Transport):
    """XML-RPC over a unix socket: what `supervisor.xmlrpc` has too, without the web server that it would load."""

    def __init__(self, path: str) -> None:
        super().__init__()
        self._line = _SocketConnection(path)

    def make_connection(self, host: Any) -> http.client.HTTPConnection:
        """The connection, which connects itself anew where it was closed."""
        self._connection = host, self._line
        return self._line

    def request(self, *question: Any, **options: Any) -> Any:
        """Ask once: an order whose answer was cut off is not given again."""
        return self.single_request(*question, **options)


class _SocketConnection(http.client.HTTPConnection):
    def __init__(self, path: str) -> None:
        super().__init__("localhost")
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect(self._path)


def _tolerant(call: Any, *arguments: Any) -> None:
    try:
        call(*arguments)
    except xmlrpc.client.Fault as fault:
        if fault.faultCode not in _ALREADY:
            raise


def _process(row: dict[str, Any]) -> Process:
    is_alive = row["pid"] > 0
    return Process(
        name=row["name"],
        state=row["statename"],
        pid=row["pid"],
        uptime_s=float(row["now"] - row["start"]) if is_alive else 0.0,
        exit_code=row["exitstatus"],
        spawn_error=row["spawnerr"],
    )
