"""What every part of the gateway is given. It owns nothing; the actor makes it."""

from __future__ import annotations

import collections
from collections.abc import Callable
from logging import Logger
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from actors.gateway.edge.audit import Audit
from actors.gateway.operations.supervision import Supervision
from actors.gateway.reads import Reads
from actors.gateway.settings import GatewaySettings
from actors.gateway.sockets.broadcast import Broadcast
from actors.runtime.clock import Clock
from actors.runtime.settings import Common
from protocol.endpoints import Endpoints
from protocol.fleet import Fleet
from protocol.instruments import Catalog


class Drop(Protocol):
    """Counts and logs something bad that a peer sent; see `Actor.drop`."""

    def __call__(self, reason: str, what: object = "") -> None:
        """Count it under `dropped.<reason>`."""


class Context(NamedTuple):
    """The gateway as its parts see it. Everything lives in one event loop."""

    name: str
    settings: GatewaySettings
    common: Common
    """The whole topology: `common.actors` is actor to its section. Holds secrets."""
    catalog: Catalog
    endpoints: Endpoints
    run_dir: Path
    clock: Clock
    log: Logger
    counters: collections.Counter[str]
    """What is counted here is in our heartbeat."""
    drop: Drop
    reads: Reads
    """Asks the hub, and any actor's `ctl` or `query`."""
    fleet: Fleet
    """Every actor by its heartbeats, every venue by its watermarks."""
    broadcast: Broadcast
    """What came over the bus, for WebSockets."""
    audit: Audit
    """What administrators did."""
    status: Callable[[], dict[str, Any]] = dict
    """The gateway's own full status, as its heartbeat has it."""
    supervision: Supervision | None = None
    """What supervisord says of the processes; None: nobody asks it."""
    command: tuple[str, ...] = ()
    """Options with which the command line finds this topology; empty: it cannot."""

    def own_status(self) -> dict[str, Any]:
        """Not heard over the bus: what this gateway counts of itself."""
        return {"counters": dict(self.counters), "sockets": self.broadcast.status()}
