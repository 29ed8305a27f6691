"""The dashboard in a browser, in front of a false gateway whose switches a test turns."""

from __future__ import annotations

import contextlib
import json
import socket
import threading
import urllib.request
from collections.abc import Iterator
from typing import Any, Final

import uvicorn

from tests.support.dashboard_answers import State
from tests.support.dashboard_mock import WithPolicy, app_of
from tests.support.wait import until

DEADLINE_S: Final = 40.0


class FalseGateway:
    """A false gateway that listens.

    Args:
        url: Where.
    """

    def __init__(self, url: str) -> None:
        self.url = url

    def turn(self, **switches: Any) -> None:
        """Turn switches; see `dashboard_mock`."""
        request = urllib.request.Request(
            f"{self.url}/_control", data=json.dumps(switches).encode(), method="POST"
        )
        with urllib.request.urlopen(request, timeout=DEADLINE_S) as answer:
            answer.read()


@contextlib.contextmanager
def false_gateway() -> Iterator[FalseGateway]:
    """A false gateway on a free port, in a thread."""
    config = uvicorn.Config(
        WithPolicy(app_of(State())), log_level="error", ws="websockets-sansio", timeout_graceful_shutdown=1
    )
    server = uvicorn.Server(config)
    listener = socket.create_server(("127.0.0.1", 0))
    thread = threading.Thread(target=server.run, args=([listener],), daemon=True)
    thread.start()
    try:
        until(lambda: server.started, DEADLINE_S, "the false gateway to listen")
        yield FalseGateway(f"http://127.0.0.1:{listener.getsockname()[1]}")
    finally:
        server.should_exit = True
        thread.join(DEADLINE_S)
        listener.close()
