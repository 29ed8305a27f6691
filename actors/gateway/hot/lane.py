"""In front of all layers: a plain read of somebody who needs no judging gets its answer with one write.

Guard, tracing and metrics cost more than the read itself. What they would do to a plain request follows from its headers
and path alone, where no token is configured and no rate limited: it is done once, and remembered. The headers of the
answers are the same either way; whoever is not that plain goes through the layers.
"""

from __future__ import annotations

import itertools
import secrets
import time
from typing import Any, Final

from starlette.requests import Request as HttpRequest

from actors.gateway.edge.guard import Guard
from actors.gateway.edge.headers import Pairs
from actors.gateway.hot.dispatch import Hot, Way
from actors.gateway.metrics.traffic import Traffic
from actors.gateway.tracing import HUB_NS, REQUEST_ID
from protocol.errors import HubError

MOST_CALLERS: Final = 64
"""Sets of request headers remembered per question."""
_ID: Final = b"x-request-id"


class Lane:
    """ASGI: the fast way through.

    Args:
        app: All layers, for everybody else.
        hot: Makes the answers.
        guard: Judges, once per set of headers.
        traffic: Counts.
    """

    def __init__(self, app: Any, hot: Hot, guard: Guard, traffic: Traffic) -> None:
        self._app = app
        self._hot = hot
        self._guard = guard
        self._traffic = traffic
        self._prefix = secrets.token_hex(5)
        self._numbers = itertools.count(1)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """ASGI."""
        way = self._hot.way(scope) if scope["type"] == "http" and scope["method"] == "GET" else None
        key = tuple(scope["headers"]) if way is not None else ()
        extra = self._judged(way, key, scope) if way is not None else None
        if way is None or extra is None:
            await self._app(scope, receive, send)
            return
        began_ns = time.perf_counter_ns()
        scope[REQUEST_ID] = known = f"{self._prefix}-{next(self._numbers):x}"
        self._traffic.in_progress += 1
        try:
            status, headers, body = await self._answer(way, key, extra, scope)
            told = (b"server-timing", b"hub;dur=%.2f" % (scope.get(HUB_NS, 0) / 1e6))
            headers = [*headers, (_ID, known.encode()), told]
            await send({"type": "http.response.start", "status": status, "headers": headers})
            await send({"type": "http.response.body", "body": body})
        finally:
            self._traffic.in_progress -= 1
        self._traffic.note(scope, status, time.perf_counter_ns() - began_ns)

    async def _answer(
        self, way: Way, key: tuple[tuple[bytes, bytes], ...], extra: Pairs, scope: Any
    ) -> tuple[int, Pairs, bytes | memoryview]:
        """Status, headers and body."""
        try:
            await self._hot.fill(way, scope)
        except HubError as error:
            refused = await self._hot.refusal(HttpRequest(scope), error)
        except Exception:  # noqa: BLE001 - our own bug: one request's, and it is told and logged as everywhere
            refused = self._guard.broken(scope)
        else:
            headers = way.merged.get(key)
            if headers is None:
                headers = way.merged[key] = _with(way.headers, extra)
            return way.status, headers, way.body
        return refused.status_code, _with(refused.raw_headers, extra), refused.body

    def _judged(self, way: Way, key: tuple[tuple[bytes, bytes], ...], scope: Any) -> Pairs | None:
        """Headers that the guard would add; None: it has to look itself."""
        try:
            return way.judged[key]
        except KeyError:
            if len(way.judged) >= MOST_CALLERS:
                way.judged.clear()
            is_traced = any(name == _ID for name, _ in key)
            way.judged[key] = found = None if is_traced else self._guard.passing(scope)
            return found


def _with(own: Pairs, extra: Pairs) -> Pairs:
    names = {name for name, _ in own}
    return [*own, *(pair for pair in extra if pair[0] not in names)]
