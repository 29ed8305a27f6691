"""The gateway's whole application in this process, with a fleet, a supervisord and a hub that the test plays."""

from __future__ import annotations

import asyncio
import collections
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from unittest.mock import MagicMock

import httpx2
import msgspec

from actors.gateway.app import app_of
from actors.gateway.context import Context
from actors.gateway.edge.audit import Audit
from actors.gateway.edge.settings import EdgeSettings, TokenSettings
from actors.gateway.edge.tokens import Tokens
from actors.gateway.operations.settings import OperationsSettings
from actors.gateway.operations.supervision import Told
from actors.gateway.settings import GatewaySettings
from actors.runtime.process_history import History
from actors.runtime.settings import Common
from actors.runtime.supervisord import Process
from protocol.endpoints import Endpoints
from protocol.errors import HubUnreachable
from protocol.fleet import Fleet, Publisher
from protocol.instruments import Catalog
from protocol.messages import Beat
from protocol.requests import Reply, Request, raw

NOW_NS = 1_795_000_000_000_000_000
READER, ADMIN = "r" * 40, "a" * 40
TOKENS = {"desk": TokenSettings(token=READER), "boss": TokenSettings(token=ADMIN, scopes=["admin"])}
ACTORS: Mapping[str, Mapping[str, Any]] = {
    "persistence.1": {}, "collector.binance.1": {}, "hub.1": {}, "gateway.1": {},
}  # fmt: skip


class Clock:
    """Stands still until told otherwise."""

    def __init__(self) -> None:
        self.ns = NOW_NS

    def now_ns(self) -> int:
        return self.ns

    def mono_ns(self) -> int:
        return self.ns


class FakeSupervision:
    """What supervisord would say."""

    def __init__(self) -> None:
        self.told: Told | None = Told({}, {})
        self.supervisor = MagicMock()

    def now(self) -> Told | None:
        return self.told

    async def fresh(self) -> Told | None:
        return self.told

    def forget(self) -> None:
        pass


class FakeReads:
    """Answers what the test has put there; nobody else does."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, Request]] = []
        self.replies: dict[tuple[str, str], Reply] = {}

    async def ask(self, request: Request) -> Reply:
        raise HubUnreachable("no hub here", endpoints=[])

    async def result(self, question: Any) -> Any:
        raise HubUnreachable("no hub here", endpoints=[])

    async def ask_ctl(self, actor: str, request: Request, timeout_s: float = 0.0) -> Reply:
        del timeout_s
        self.asked.append((actor, request))
        if (actor, request.op) not in self.replies:
            raise HubUnreachable(f"{actor} does not answer", endpoints=[])
        return self.replies[actor, request.op]

    ask_query = ask_ctl

    def say(self, actor: str, op: str, data: Any) -> None:
        self.replies[actor, op] = Reply(id=0, ok=True, data=raw(data))

    def __getattr__(self, name: str) -> Any:
        return MagicMock()


class OpsWorld:
    """One gateway.

    Args:
        run_dir: Its run directory.
        actors: The topology.
        tokens: None: nobody needs one.
        command: How the command line finds the topology.
        operations: Settings of this part.
    """

    def __init__(
        self, run_dir: Path, *, actors: Mapping[str, Any] = ACTORS, tokens: Mapping[str, TokenSettings] | None = None,
        command: tuple[str, ...] = (), **operations: Any,
    ) -> None:  # fmt: skip
        self.run_dir = run_dir
        self.clock = Clock()
        self.fleet = Fleet(1.5)
        self.reads = FakeReads()
        self.supervision = FakeSupervision()
        self.counters: collections.Counter[str] = collections.Counter()
        self.own_status: dict[str, Any] = {"name": "gateway.1", "state": "RUNNING", "pid": 7, "epoch": 3}
        audit = Audit(run_dir / "audit" / "gateway.1.ndjson", self.clock)
        edge = EdgeSettings(tokens=dict(tokens or {}))
        made: Any = self
        broadcast = MagicMock()
        broadcast.status.return_value = {}
        self.context = Context(
            name="gateway.1",
            settings=GatewaySettings(edge=edge, operations=OperationsSettings(**operations)),
            common=Common(run_dir=str(run_dir), actors={name: dict(one) for name, one in actors.items()}),
            catalog=Catalog([]),
            endpoints=Endpoints(run_dir),
            run_dir=run_dir,
            clock=self.clock,
            log=logging.getLogger("test"),
            counters=self.counters,
            drop=lambda reason, what="": self.counters.update((f"dropped.{reason}",)),
            reads=made.reads,
            fleet=self.fleet,
            broadcast=broadcast,
            audit=audit,
            status=lambda: self.own_status,
            supervision=made.supervision,
            command=command,
        )
        self.app = app_of(self.context, Tokens(edge.tokens))

    def beat(self, name: str, state: str = "RUNNING", epoch: int = 1, **detail: Any) -> Publisher:
        """Hear an actor."""
        publisher = Publisher(name)
        beat = Beat(name, epoch, 1, 1, 0, 0, self.clock.ns, state, detail)
        publisher.epoch, publisher.beat, publisher.beat_ns = epoch, beat, self.clock.ns
        publisher.detail = {"pid": 100 + epoch, "uptime_s": 5.0, **detail}
        self.fleet._publishers[name.encode().ljust(32, b"\x00")] = publisher
        return publisher

    def process(self, name: str, state: str = "RUNNING", pid: int = 100, **more: Any) -> None:
        """Let supervisord know a program."""
        assert self.supervision.told is not None
        fields = {"uptime_s": 60.0, "exit_code": 0, "spawn_error": "", **more}
        history = fields.pop("history", History(starts=1))
        processes = {
            **self.supervision.told.processes,
            name: Process(name=name, state=state, pid=pid, **fields),
        }
        self.supervision.told = Told(processes, {**self.supervision.told.histories, name: history})

    def http(self, token: str = "") -> httpx2.AsyncClient:
        """A client; close it."""
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        transport = httpx2.ASGITransport(self.app, client=("127.0.0.1", 4711))
        return httpx2.AsyncClient(transport=transport, base_url="http://127.0.0.1:9800", headers=headers)

    def ask(self, method: str, path: str, token: str = "", **more: Any) -> httpx2.Response:
        """One request."""

        async def one() -> httpx2.Response:
            async with self.http(token) as client:
                answer = await client.request(method, path, **more)
            if begun := asyncio.all_tasks() - {asyncio.current_task()}:
                await asyncio.wait(begun, timeout=5.0)
            return answer

        return asyncio.run(one())

    def audited(self) -> list[dict[str, Any]]:
        """Every line of the audit log."""
        path = self.context.audit.path
        return [msgspec.json.decode(line) for line in path.read_bytes().splitlines()] if path.exists() else []
