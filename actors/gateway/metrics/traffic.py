"""Counts HTTP requests by route, method and status, and how long they took: plain ASGI around everything else."""

from __future__ import annotations

import time
from bisect import bisect_left
from collections.abc import Iterator
from typing import Any, Final

from actors.gateway.metrics.catalogue import BUCKETS_S

UNROUTED: Final = "unrouted"
"""Route of what was refused before it found one, or is a file of the dashboard."""
_METHODS: Final = frozenset(("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"))
_ENDS_NS: Final = [round(end * 1e9) for end in BUCKETS_S]
_ENDS: Final = (*(str(end) for end in BUCKETS_S), "+Inf")


class Durations:
    """How long the answers of one route took."""

    __slots__ = ("counts", "total_ns")

    def __init__(self) -> None:
        self.counts = [0] * len(_ENDS)
        self.total_ns = 0

    def cumulated(self) -> Iterator[tuple[str, float]]:
        """Upper end in seconds to how many took no longer."""
        so_far = 0
        for end, count in zip(_ENDS, self.counts, strict=True):
            so_far += count
            yield end, so_far


class Traffic:
    """Everything counted since the gateway began."""

    def __init__(self) -> None:
        self.answered: dict[tuple[str, str, int], int] = {}
        """Route (template, `/api/v1/bars/{symbol}`), method and status to count."""
        self.durations: dict[str, Durations] = {}
        self.in_progress = 0

    def counting(self, app: Any) -> Any:
        """The application, counted."""

        async def counted(scope: Any, receive: Any, send: Any) -> None:
            if scope["type"] != "http":
                await app(scope, receive, send)
                return
            status = 500
            began_ns = time.perf_counter_ns()

            def noting(message: Any) -> Any:
                nonlocal status
                if message["type"] == "http.response.start":
                    status = message["status"]
                return send(message)

            self.in_progress += 1
            try:
                await app(scope, receive, noting)
            finally:
                self.in_progress -= 1
                self.note(scope, status, time.perf_counter_ns() - began_ns)

        return counted

    def note(self, scope: Any, status: int, took_ns: int) -> None:
        """Count one answer, to the route that the scope names."""
        route = getattr(scope.get("route"), "path", UNROUTED)
        method = scope["method"]
        key = (route, method if method in _METHODS else "OTHER", status)
        self.answered[key] = self.answered.get(key, 0) + 1
        durations = self.durations.get(route)
        if durations is None:
            durations = self.durations[route] = Durations()
        durations.counts[bisect_left(_ENDS_NS, took_ns)] += 1
        durations.total_ns += took_ns
