"""The gateway: HTTP, WebSocket, dashboard and metrics for people and programs. Wiring only.

The one actor with an event loop of asyncio: `live` runs it, and takes the actor's turns in it (driving.py).
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
from typing import Any, ClassVar, Final

import uvloop

from actors.gateway.app import app_of
from actors.gateway.context import Context
from actors.gateway.driving import Driver
from actors.gateway.edge.audit import Audit
from actors.gateway.edge.origins import problems
from actors.gateway.edge.tokens import Tokens, faults
from actors.gateway.operations.commands import options_of
from actors.gateway.operations.supervision import Supervision
from actors.gateway.reads import Reads
from actors.gateway.serving import bind, server_of, url_of
from actors.gateway.settings import GatewaySettings
from actors.gateway.sockets.broadcast import Broadcast, ttl_of
from actors.runtime.actor import Actor
from actors.runtime.clock import Clock
from actors.runtime.settings import Loaded
from protocol.endpoints import is_loopback
from protocol.errors import ConfigError
from protocol.fleet import Fleet
from protocol.record import Frame, RecordKind, is_fetched_bar

GIVES_UP_S: Final = 5.0
"""Who looks at a screen would rather have the present: so long it waits for the journal server."""
_MARKET: Final = (RecordKind.DATA, RecordKind.UPSTREAM_GAP)


class Gateway(Actor):
    """Serves everything that the hub knows over HTTP and WebSocket."""

    kind = "gateway"
    Settings: ClassVar[type[GatewaySettings]] = GatewaySettings
    TAKING_NS = 2_000_000
    CONFLATES = ("quote.",)

    def __init__(self, name: str, loaded: Loaded, clock: Clock | None = None) -> None:
        self._command = options_of(loaded)
        super().__init__(name, loaded, clock)

    def setup(self) -> None:
        """Bind, then hear everybody."""
        settings: GatewaySettings = self.settings
        tokens = self._tokens(settings)
        self._listener = bind(settings.host, settings.port)
        self.url = url_of(self._listener)
        self.fleet = Fleet(settings.silence_s)
        every = [name for name in self.common.actors if name.startswith("hub.")]
        hubs = self.endpoints.topology.nearest(every) or ["hub.1"]
        self.broadcast = Broadcast(
            settings.sockets,
            f"{self.name}-{self.publisher.epoch}",
            self.catalog,
            self.clock,
            ttl_of(self.common.actors),
        )
        self.context = Context(
            name=self.name,
            settings=settings,
            common=self.common,
            catalog=self.catalog,
            endpoints=self.endpoints,
            run_dir=self.run_dir,
            clock=self.clock,
            log=self.log,
            counters=self.counters,
            drop=self.drop,
            reads=Reads(self.endpoints, hubs, settings.ask_timeout_s, keyring=self.wire.keyring),
            fleet=self.fleet,
            broadcast=self.broadcast,
            audit=Audit(self.run_dir / "audit" / f"{self.name}.ndjson", self.clock),
            status=self.status,
            supervision=Supervision(self.run_dir, self.clock),
            command=self._command,
        )
        self._server = server_of(app_of(self.context, tokens), settings.edge.max_connections)
        self.consume(self._on_frame, on_beat=self._on_beat, gives_up_s=GIVES_UP_S)
        self.log.info("listening at %s", self.url)

    def _tokens(self, settings: GatewaySettings) -> Tokens:
        """Who is who; refuses to listen to strangers without knowing."""
        edge, where = settings.edge, f"actors.{self.name}"
        found = [
            f"{where}.{problem}" for problem in (*problems(edge.hosts, edge.origins), *faults(edge.tokens))
        ]
        if not is_loopback(settings.host) and not edge.tokens:
            found.append(
                f"{where}.host: {settings.host} is off loopback, where nothing listens without authentication: "
                "set edge.tokens (`tapehub token` makes one), or host: 127.0.0.1"
            )
        if found:
            raise ConfigError(found)
        return Tokens(edge.tokens)

    def live(self) -> None:
        """Serve HTTP until told to stop."""
        gc.collect()
        gc.freeze()  # the application is not garbage: looking at it took longer than an answer
        with contextlib.closing(self._listener):
            uvloop.run(self._serve())

    async def _serve(self) -> None:
        serving = asyncio.create_task(self._server.serve([self._listener]))
        driver = Driver(lambda: self.turn(0.0), lambda: self.is_stopping or serving.done())
        try:
            await driver.run()
        finally:
            self.broadcast.close()
            self._server.should_exit = True
            await serving
            await self.broadcast.closed()
            self.context.reads.close()

    def _on_frame(self, frame: Frame) -> None:
        if frame.kind == RecordKind.TIME:
            self.fleet.on_mark(frame, self.clock.mono_ns())
        elif frame.kind in _MARKET and not is_fetched_bar(frame):
            self.broadcast.take(frame)

    def _on_beat(self, frame: Frame) -> None:
        self.fleet.on_beat(frame, self.clock.mono_ns())
        self.fleet.news.clear()  # nobody here acts on a new process

    def detail(self) -> dict[str, Any]:
        """Where it listens and who is connected, for the heartbeat and `status`."""
        return {"url": self.url, "sockets": self.broadcast.status()}
