"""Settings of the gateway; each part's stand in its folder. Pure."""

from __future__ import annotations

from typing import Annotated

import msgspec

from actors.gateway.edge.settings import EdgeSettings
from actors.gateway.metrics.settings import MetricsSettings
from actors.gateway.operations.settings import OperationsSettings
from actors.gateway.pushing.settings import PushingSettings
from actors.gateway.sockets.settings import SocketSettings

Seconds = Annotated[float, msgspec.Meta(gt=0)]


class GatewaySettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where the gateway listens, whom it lets in, and what it gives."""

    host: str = "127.0.0.1"
    """Address to listen at; anything but loopback needs a token (`edge.tokens`)."""
    port: Annotated[int, msgspec.Meta(ge=0, le=65535)] = 9800
    """Port to listen at; 0: any free one, told in the log and in `tapehub status`."""
    silence_s: Seconds = 1.5
    """An actor without heartbeat for this long is down, seconds."""
    ask_timeout_s: Seconds = 2.0
    """Patience with the hub, seconds; past it the answer is 504."""
    edge: EdgeSettings = EdgeSettings()
    """Who may come in, and how much of it."""
    sockets: SocketSettings = SocketSettings()
    """WebSockets."""
    metrics: MetricsSettings = MetricsSettings()
    """What `/metrics` has."""
    operations: OperationsSettings = OperationsSettings()
    """What people may look at and do."""
    pushing: PushingSettings = PushingSettings()
    """What terminals and scripts may push."""
