"""What the gateway counts of itself: HTTP requests and WebSockets. Pure."""

from __future__ import annotations

import itertools
import platform
from collections.abc import Mapping
from typing import Any, Final

from actors.gateway.metrics.sheet import Sheet
from actors.gateway.metrics.traffic import Traffic
from actors.gateway.metrics.values import mapping
from actors.runtime.version import VERSION

_SOCKETS: Final = {
    "clients": "websocket_clients",
    "slow": "websocket_slow_clients",
    "accepted": "websocket_connections_total",
    "sent": "websocket_messages_total",
    "sent_bytes": "websocket_sent_bytes_total",
    "received": "websocket_received_total",
    "topics": "websocket_topics",
    "topics_open": "websocket_topics_open",
    "topics_beyond": "websocket_topics_beyond_total",
    "ring_bytes": "websocket_ring_bytes",
}
"""Count of `Broadcast.status` to its metric."""
_BY: Final = {
    "dropped_by": ("websocket_dropped_total", "trades"),
    "evicted_by": ("websocket_evicted_total", "slow_consumer"),
    "refused_by": ("websocket_refused_total", "invalid_request"),
    "resumes": ("websocket_resumes_total", "incomplete"),
    "snapshots_unjoined": ("websocket_snapshots_unjoined_total", "behind"),
}
"""Its counts by a word to their metric, and the word that is told from the start: a rate needs a first value."""


def put_edge(sheet: Sheet, traffic: Traffic, sockets: Mapping[str, Any]) -> None:
    """Put the gateway's own counts down."""
    sheet.put("build_info", 1, VERSION, platform.python_version())
    for (route, method, status), count in traffic.answered.items():
        sheet.put("http_requests_total", count, route, method, str(status))
    for route, durations in traffic.durations.items():
        total_s = durations.total_ns / 1e9
        sheet.put_histogram("http_request_duration_seconds", durations.cumulated(), total_s, route)
    sheet.put("http_requests_in_progress", traffic.in_progress)
    for key, metric in _SOCKETS.items():
        sheet.put(metric, sockets.get(key, 0))
    for key, (metric, first) in _BY.items():
        for word, count in {first: 0, **mapping(sockets.get(key))}.items():
            sheet.put(metric, count, word)
    lag = mapping(sockets.get("lag"))
    if lag:
        ends = (*map(str, lag["bounds_s"]), "+Inf")
        cumulated = zip(ends, itertools.accumulate(lag["counts"]), strict=True)
        sheet.put_histogram("websocket_lag_seconds", cumulated, lag["sum_s"])
