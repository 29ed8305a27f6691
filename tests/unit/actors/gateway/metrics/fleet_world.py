"""A gateway's metrics over a fleet of the test: heartbeats as the actors send them, without any process."""

from __future__ import annotations

import asyncio
import collections
import logging
from types import SimpleNamespace
from typing import Any

import httpx2
from fastapi import FastAPI
from prometheus_client.core import Metric
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_open
from prometheus_client.parser import text_string_to_metric_families as parse_plain

from actors.gateway.metrics.page import FleetCollector
from actors.gateway.metrics.routes import router_of
from actors.gateway.metrics.settings import MetricsSettings
from actors.gateway.metrics.traffic import Traffic
from actors.gateway.sockets.counts import Counts
from protocol.codec import encode_events
from protocol.errors import HubTimeout
from protocol.fleet import Fleet
from protocol.messages import Beat, Message, Watermark
from protocol.record import FrameWriter, RecordKind, parse_frame
from protocol.requests import Reply
from tests.unit.actors.gateway.metrics import heartbeats

SILENCE_S = 1.5
START_NS = 1_795_000_000_000_000_000
OPEN = "application/openmetrics-text; version=1.0.0"
Values = dict[str, dict[tuple[tuple[str, str], ...], float]]
"""Sample name to its labels, in order, to its value."""


class Clock:
    """Stands still until told otherwise; both clocks are one."""

    def __init__(self) -> None:
        self.ns = START_NS

    def now_ns(self) -> int:
        return self.ns

    mono_ns = now_ns

    def pass_s(self, seconds: float) -> None:
        self.ns += round(seconds * 1e9)


class FakeReads:
    """A hub that answers, or does not."""

    def __init__(self) -> None:
        self.is_dead = False
        self.hangs = False
        self.ticks: dict[str, Any] = {}

    async def ask(self, request: Any) -> Reply:
        await self._answer()
        return Reply(id=request.id, ok=True)

    async def result(self, question: Any) -> Any:
        await self._answer()
        return self.ticks

    async def _answer(self) -> None:
        if self.hangs:
            await asyncio.Event().wait()
        if self.is_dead:
            raise HubTimeout("nobody answers")


class FleetWorld:
    """Heartbeats in, pages out.

    Args:
        configured: Names of the topology.
        settings: Of the metrics.
    """

    def __init__(self, configured: list[str], **settings: Any) -> None:
        self.clock = Clock()
        self.fleet = Fleet(SILENCE_S)
        self.traffic = Traffic()
        self.reads = FakeReads()
        self.drops: list[tuple[str, object]] = []
        self.sockets: dict[str, Any] = {}
        self.own = heartbeats.gateway()
        self.context: Any = SimpleNamespace(
            name="gateway.1",
            settings=SimpleNamespace(metrics=MetricsSettings(**settings)),
            common=SimpleNamespace(actors={name: {} for name in (*configured, "gateway.1")}),
            clock=self.clock,
            log=logging.getLogger("test"),
            counters=collections.Counter(),
            drop=lambda reason, what="": self.drops.append((reason, what)),
            reads=self.reads,
            fleet=self.fleet,
            broadcast=SimpleNamespace(status=lambda: self.sockets),
            status=lambda: self.own,
        )
        self.collector = FleetCollector(self.context, self.traffic)
        self.app = FastAPI()
        self.app.state.traffic = self.traffic
        self.app.include_router(router_of(self.context))

    def beat(self, name: str, detail: Any = None, *, epoch: int = 7, state: str = "RUNNING") -> None:
        """One heartbeat, taken now."""
        beat = Beat(name, epoch, 10, 10, 0, 0, self.clock.ns, state, detail)
        self.fleet.on_beat(_frame(name, epoch, f"beat.{name}", beat, RecordKind.HEARTBEAT), self.clock.ns)

    def mark(self, name: str, venue: str, *, behind_s: float = 0.0, is_connected: bool = True) -> None:
        """One watermark."""
        mark = Watermark(name, venue, self.clock.ns - round(behind_s * 1e9), is_connected)
        self.fleet.on_mark(_frame(name, 7, f"mark.{name}", mark, RecordKind.TIME), self.clock.ns)

    def text(self, accept: str = "") -> str:
        """The page."""
        return self.collector.page(accept)[0].decode()

    def scrape(self) -> Values:
        """Every sample of the page, as Prometheus reads it; both formats must say the same."""
        plain, opened = (
            values_of(parse_plain(self.text())), values_of(parse_open(self.text(OPEN)))
        )  # fmt: skip
        assert plain == opened
        return plain

    def get(self, path: str, **headers: str) -> httpx2.Response:
        """One request to the routes, in this process."""

        async def ask() -> httpx2.Response:
            transport = httpx2.ASGITransport(app=self.traffic.counting(self.app))
            async with httpx2.AsyncClient(transport=transport, base_url="http://test") as client:
                return await client.get(path, headers=headers)

        return asyncio.run(ask())


def values_of(families: Any) -> Values:
    """Sample name to labels to value."""
    found: Values = {}
    family: Metric
    for family in families:
        for sample in family.samples:
            labels = tuple(sorted(sample.labels.items()))
            rows = found.setdefault(sample.name, {})
            assert labels not in rows, f"{sample.name}{labels} stands there twice"
            rows[labels] = sample.value
    return found


def value(values: Values, name: str, **labels: str) -> float:
    """The one value with these labels among others."""
    wanted = set(labels.items())
    found = [one for key, one in values[name].items() if wanted <= set(key)]
    assert len(found) == 1, f"{name} {labels}: {values[name]}"
    return found[0]


def full_world(copies: int = 1) -> FleetWorld:
    """One of every kind of actor, each telling everything that it can; collectors and aggregators `copies` times."""
    told = heartbeats.fleet(copies)
    world = FleetWorld(list(told), per_symbol=["BTC_USDT"])
    world.reads.ticks = {"BTC_USDT": SimpleNamespace(venue="binance", age_s=0.25)}
    world.collector.ages = [("BTC_USDT", "binance", 0.25)]
    for name, detail in told.items():
        world.beat(name, detail)
    world.mark("collector.binance.1", "binance", behind_s=0.5)
    world.get("/health/live")
    counts = Counts()
    counts.clients_total, counts.messages_out = 3, 500
    counts.dropped["trades"], counts.closed["slow_consumer"] = 7, 1
    counts.lag.add(0.004)
    world.sockets = {"clients": 2, **counts.status()}
    return world


def _frame(name: str, epoch: int, topic: str, message: Message, kind: int) -> Any:
    writer = FrameWriter(name, epoch)
    body = encode_events([message])
    if kind == RecordKind.HEARTBEAT:
        return parse_frame(writer.build_beat(topic, message.SCHEMA, body, START_NS))
    return parse_frame(writer.build(topic, message.SCHEMA, body, START_NS, kind))
