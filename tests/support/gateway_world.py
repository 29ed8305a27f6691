"""A gateway process in front of a hub, fed by a publisher of the test: what a browser or a program meets."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import httpx2
import msgspec

from protocol.client import Hub
from protocol.endpoints import Endpoints
from tests.support.config import write_config
from tests.support.feed import Feed
from tests.support.hub_world import COLLECTOR, DEADLINE_S, wait_until_heard
from tests.support.process import ActorProcess
from tests.support.wait import until

GATEWAY = "gateway.1"


class GatewayWorld:
    """Hub and gateway as processes of their own, and the feed that both hear.

    Args:
        run_dir: Short folder.
        gateway: Settings of the gateway; its port is any free one.
        hub: Settings of the hub.
        others: Further actors of the topology, by name; the test starts them with `start`.
    """

    def __init__(
        self,
        run_dir: Path,
        *,
        gateway: Mapping[str, Any] | None = None,
        hub: Mapping[str, Any] | None = None,
        others: Mapping[str, Mapping[str, Any]] | None = None,
    ) -> None:
        self.run_dir = run_dir
        self.endpoints = Endpoints(run_dir)
        self.endpoints.prepare()
        sections = {
            COLLECTOR: {},
            "hub.1": hub or {},
            GATEWAY: {"port": 0, **(gateway or {})},
            **(others or {}),
        }
        self.config = write_config(run_dir, sections)
        self.feed = Feed(self.endpoints, COLLECTOR)
        self.processes: dict[str, ActorProcess] = {}
        self._stack = contextlib.ExitStack()
        self.hub = Hub(run_dir, timeout_s=DEADLINE_S)
        self.url = ""

    def start(self, name: str) -> ActorProcess:
        """Start an actor of the topology."""
        process = ActorProcess(name.partition(".")[0], name, self.config)
        self._stack.enter_context(process)
        self.processes[name] = process
        return process

    def begin(self, names: Sequence[str] = ("hub.1", GATEWAY)) -> None:
        """Start actors, and wait until hub and gateway hear the feed."""
        for name in names:
            self.start(name)
        wait_until_heard(self.hub)
        until(self._is_listening, DEADLINE_S, "the gateway to listen")

    def _is_listening(self) -> bool:
        detail = self.hub.status()["actors"].get(GATEWAY, {}).get("detail") or {}
        self.url = detail.get("url", "")
        return bool(self.url)

    def client(self, **options: Any) -> httpx2.Client:
        """An HTTP client of the gateway."""
        return httpx2.Client(base_url=self.url, timeout=DEADLINE_S, **options)

    def get(self, path: str, **options: Any) -> Any:
        """The JSON of one GET that is to succeed."""
        with self.client() as client:
            answer = client.get(path, **options)
        assert answer.is_success, f"{path}: {answer.status_code} {answer.text}"
        return msgspec.json.decode(answer.content)

    def close(self) -> None:
        """End everything."""
        self.hub.close()
        self._stack.close()
        self.feed.close()


@contextlib.contextmanager
def gateway_world(run_dir: Path, **settings: Any) -> Iterator[GatewayWorld]:
    """A hub, a gateway and a feed that hear each other; see `GatewayWorld`."""
    world = GatewayWorld(run_dir, **settings)
    try:
        world.begin()
        yield world
    finally:
        world.close()
