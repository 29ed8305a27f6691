"""The gateway's whole application in this process, before a hub and a store without sockets."""

from __future__ import annotations

import asyncio
import collections
import contextlib
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest.mock import MagicMock

import httpx2

from actors.gateway.app import app_of
from actors.gateway.context import Context
from actors.gateway.edge.audit import Audit
from actors.gateway.edge.settings import EdgeSettings
from actors.gateway.edge.tokens import Tokens
from actors.gateway.reading.kept import Kept
from actors.gateway.rendering.blocks import Blocks
from actors.gateway.settings import GatewaySettings
from actors.hub.history import Deeper
from actors.persistence.history import HistoryServer
from actors.persistence.reader import Reader
from actors.runtime.settings import Common
from protocol.endpoints import Endpoints
from protocol.errors import HubError
from protocol.requests import Reply, Request, decode_reply, encode_request
from tests.support.stored import Stored
from tests.unit.actors.hub.desks import FakeHub
from tests.unit.actors.hub.samples import BASE_NS, Pen

COLLECTOR = "collector.binance.1"
PERSISTENCE = "persistence.1"


def _broadcast() -> Any:
    made = MagicMock()
    made.status.return_value = {}
    return made


class FakeReads:
    """Asks a hub by a function call, and the store where the hub would."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self.asked: list[Request] = []
        self.fault: HubError | None = None
        self.kept = Kept()
        self.blocks = Blocks()

    async def ask(self, request: Request) -> Reply:
        self.asked.append(request)
        await asyncio.sleep(0)
        if self.fault is not None:
            raise self.fault
        answers = self._desk.hub.answers
        try:
            body = answers.answer(encode_request(request))
        except Deeper as deeper:
            plan = deeper.plan
        else:
            return decode_reply(body)
        outcome: Any = self._desk.store_fault
        if outcome is None and plan.ask is not None:
            outcome = decode_reply(self._desk.server.answer(encode_request(plan.ask)))
        body = answers.settle(plan, outcome)
        return decode_reply(body)

    async def result(self, question: Any) -> Any:
        return question.result(await self.ask(question.request))

    async def ask_ctl(self, actor: str, request: Request, timeout_s: float = 0.0) -> Reply:
        return Reply(id=0, ok=False, code="unreachable", message=f"{actor} is not here")

    ask_query = ask_ctl

    def status(self) -> dict[str, Any]:
        return {}


class Desk:
    """A gateway, its hub and its store; what is published goes to both, or to one of them."""

    def __init__(self, folder: Path, **hub: Any) -> None:
        self.folder = folder
        self.stored = Stored(folder / "store.sqlite")
        self._reader = Reader(self.stored.url)
        self.server = HistoryServer(self._reader, PERSISTENCE, 1, lambda: BASE_NS)
        self.store_fault: Exception | None = None
        self._sizes = hub
        self.reads = FakeReads(self)
        self.begin()
        common = Common(run_dir=str(folder), actors={COLLECTOR: {}, "hub.1": {}, PERSISTENCE: {}})
        endpoints = Endpoints(folder)
        endpoints.prepare()
        context = Context(
            name="gateway.1", settings=GatewaySettings(edge=EdgeSettings(hosts=["testserver"])), common=common, catalog=self.hub.catalog,
            endpoints=endpoints, run_dir=folder, clock=self.hub.clock, log=logging.getLogger("gateway"),
            counters=collections.Counter(), drop=lambda *_: None, reads=self.reads, fleet=self.hub.fleet,
            broadcast=_broadcast(), audit=Audit(folder / "audit.ndjson", self.hub.clock),
        )  # fmt: skip
        self.context = context
        self.app = app_of(context, Tokens({}))

    def begin(self) -> None:
        """An empty hub and an empty store."""
        clock = self.hub.clock if hasattr(self, "hub") else None
        self.hub = FakeHub(PERSISTENCE, **self._sizes)
        if clock is not None:
            self.hub.clock = self.hub.desk.clock = clock  # the context holds it
            clock.ns = BASE_NS
        self.stored.clear()
        self.reads.fault = self.store_fault = None
        self.reads.asked.clear()
        self.pens: dict[str, Pen] = {}

    def publish(self, topic: str, *events: Any, is_stored: bool = False, is_heard: bool = True) -> None:
        """Publish events of one topic."""
        name = "aggregator.1" if topic.startswith("bar.") else COLLECTOR
        pen = self.pens.setdefault(name, Pen(name, epoch=5))
        frame = pen.frame(topic, events, ts_pub_ns=self.hub.clock.ns)
        if is_heard:
            self.hub.store.ingest(frame)
        if is_stored:
            self.stored.write([frame])

    async def _get(self, path: str, headers: dict[str, str] | None) -> httpx2.Response:
        transport = httpx2.ASGITransport(app=self.app)
        async with httpx2.AsyncClient(transport=transport, base_url="http://127.0.0.1:9800") as client:
            return await client.get(path, headers=headers)

    def get(self, path: str, headers: dict[str, str] | None = None) -> httpx2.Response:
        """One answer."""
        return asyncio.run(self._get(path, headers))

    def data(self, path: str) -> Any:
        """The JSON of an answer that is to succeed."""
        answer = self.get(path)
        assert answer.status_code == 200, f"{path}: {answer.status_code} {answer.text}"
        return answer.json()

    def close(self) -> None:
        """Close files."""
        self._reader.close()
        self.stored.close()


@contextlib.contextmanager
def desk_of(folder: Path, **hub: Any) -> Iterator[Desk]:
    """A desk that is closed."""
    made = Desk(folder, **hub)
    try:
        yield made
    finally:
        made.close()
