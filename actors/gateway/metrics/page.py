"""The page of `/metrics`: what the heartbeats say, as a collector of prometheus-client and as text."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Final

from prometheus_client.core import Metric
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector

from actors.gateway.context import Context
from actors.gateway.metrics.actor_rows import put_actor
from actors.gateway.metrics.bridge_rows import put_bridge
from actors.gateway.metrics.edge_rows import put_edge
from actors.gateway.metrics.feed_rows import put_feeds, put_quotes, put_venues
from actors.gateway.metrics.guardian_rows import KIND, put_guardian
from actors.gateway.metrics.seen import Seen, seen_of
from actors.gateway.metrics.series import Register
from actors.gateway.metrics.sheet import Sheet
from actors.gateway.metrics.storage_rows import put_storage
from actors.gateway.metrics.text import page
from actors.gateway.metrics.traffic import Traffic
from protocol.client import questions
from protocol.errors import HubError

OPEN: Final = "application/openmetrics-text"
Age = tuple[str, str, float]


class FleetCollector(Collector):
    """All metrics, as they are when it is asked.

    Args:
        context: The gateway.
        traffic: HTTP requests.
    """

    def __init__(self, context: Context, traffic: Traffic) -> None:
        self._context = context
        self._traffic = traffic
        self._register = Register(context.settings.metrics.max_label_values)
        self._told: dict[str, object] = {}
        """Actor to the last status of which faults were told."""
        self.ages: list[Age] = []
        """Symbol, venue and age of the quotes of single symbols."""

    def collect(self) -> Iterator[Metric]:
        """Every metric that has a value."""
        return self.sheet().metrics()

    def page(self, accept: str) -> tuple[bytes, str]:
        """The page and its media type, as `Accept` wants it."""
        _, media_type = choose_encoder(accept)
        return page(self.sheet(), is_open=media_type.startswith(OPEN)), media_type

    def sheet(self) -> Sheet:
        """What stands on the page."""
        context, sheet = self._context, Sheet(self._register)
        mono_ns = context.clock.mono_ns()
        for actor in seen_of(context.fleet, context.common.actors, context.name, context.status(), mono_ns):
            sheet.faults.clear()
            put_actor(sheet, actor)
            put_feeds(sheet, actor)
            put_storage(sheet, actor)
            put_bridge(sheet, actor)
            if actor.kind == KIND:
                put_guardian(sheet, actor)
            if sheet.faults:
                self._tell(actor, sheet.faults)
        put_venues(sheet, context.fleet, mono_ns, context.clock.now_ns())
        put_edge(sheet, self._traffic, context.broadcast.status())
        put_quotes(sheet, self.ages)
        return sheet

    def _tell(self, actor: Seen, faults: list[str]) -> None:
        """Count a status with values that are none once, however often it is scraped."""
        if self._told.get(actor.name) is not actor.detail:
            self._told[actor.name] = actor.detail
            self._context.drop("heartbeat_value", f"{actor.name}: {'; '.join(faults)}")

    async def look_at_quotes(self) -> None:
        """Ask the hub for the symbols that are told one by one; without it there are none."""
        context, self.ages = self._context, []
        settings = context.settings.metrics
        if settings.per_symbol:
            question = questions.ticks(settings.per_symbol, allow_stale=True)
            try:
                found = await asyncio.wait_for(context.reads.result(question), settings.health_timeout_s)
            except (HubError, TimeoutError):
                return
            self.ages = [(symbol, tick.venue, tick.age_s) for symbol, tick in found.items()]
