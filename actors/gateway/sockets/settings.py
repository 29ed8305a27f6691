"""Settings of WebSockets. Pure."""

from __future__ import annotations

from typing import Annotated

import msgspec

Count = Annotated[int, msgspec.Meta(ge=1)]
Seconds = Annotated[float, msgspec.Meta(gt=0)]


class SocketSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How much a WebSocket client may want, and how slow it may be."""

    clients: Count = 2000
    """WebSocket clients at once; further ones are closed with 1013."""
    subscriptions: Count = 2000
    """Subscriptions of one client: channels times symbols times timeframes."""
    topics: Count = 5000
    """Topics that come to one client; what appears beyond is not sent to it, and counted."""
    snapshot_rows: Count = 1000
    """Most rows a client may ask for in a snapshot (`n`), of each topic."""
    join_s: Seconds = 2.0
    """Longest wait for a snapshot that reaches up to the live messages, seconds; then they begin without."""
    queue_messages: Count = 5000
    """Messages that wait for a client that reads slowly; from a quarter on they are conflated, beyond they are dropped
    and told."""
    queue_bytes: Annotated[int, msgspec.Meta(ge=65_536)] = 4 * 1024 * 1024
    """The same in bytes."""
    silence_s: Seconds = 10.0
    """A client for which something waits and that reads nothing for so long is evicted, seconds."""
    ring_messages: Count = 1000
    """Newest messages kept of each topic that somebody has subscribed to, so that a client can resume."""
    ring_bytes: Annotated[int, msgspec.Meta(ge=65_536)] = 64 * 1024 * 1024
    """All of them together, bytes; the topic that holds most gives up its oldest first."""
    linger_s: Seconds = 120.0
    """How long a topic that nobody subscribes to any more can still be resumed, seconds."""
    heartbeat_s: Seconds = 5.0
    """Seconds between two heartbeats to each client."""
    flush_s: Seconds = 0.002
    """Shortest time between two rounds of sending, seconds: what comes meanwhile leaves together."""
    max_message_bytes: Annotated[int, msgspec.Meta(ge=1024, le=65_536)] = 65_536
    """Longest message of a client, bytes."""
    messages_per_s: Annotated[float, msgspec.Meta(gt=0)] = 20.0
    """Messages a second of one client; further ones are refused with `rate_limited`."""
    message_burst: Count = 100
    """Messages that may come at once before that limit begins to count."""
    faults: Count = 20
    """Refused messages of one client at once (one more each second); beyond it is closed with 1008."""
