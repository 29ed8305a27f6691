"""Every answer says which request it belongs to and how long the hub took: one layer of plain ASGI."""

from __future__ import annotations

import itertools
import re
import secrets
from typing import Any, Final

REQUEST_ID: Final = "tapehub.request_id"
"""Key of the scope: the id of the request."""
HUB_NS: Final = "tapehub.hub_ns"
"""Key of the scope: time spent waiting for the hub, ns; absent: it was not asked."""
_SAFE: Final = re.compile(rb"[A-Za-z0-9._~-]{1,64}")


def request_id_of(scope: Any) -> str:
    """The id of a request, empty if it has none."""
    found: str = scope.get(REQUEST_ID, "")
    return found


class Traced:
    """Makes an id where the client sends none that is safe to repeat, and adds `X-Request-ID` and `Server-Timing`."""

    def __init__(self, app: Any) -> None:
        self._app = app
        self._prefix = secrets.token_hex(5)
        self._numbers = itertools.count(1)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """ASGI."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        known = self._asked(scope["headers"]) or f"{self._prefix}-{next(self._numbers):x}"
        scope[REQUEST_ID] = known

        async def sent(message: Any) -> None:
            if message["type"] == "http.response.start":
                headers = [*message.get("headers", ()), (b"x-request-id", known.encode())]
                hub_ns = scope.get(HUB_NS)
                if hub_ns is not None:
                    headers.append((b"server-timing", f"hub;dur={hub_ns / 1e6:.2f}".encode()))
                message = {**message, "headers": headers}
            await send(message)

        await self._app(scope, receive, sent)

    @staticmethod
    def _asked(headers: Any) -> str:
        for name, value in headers:
            if name == b"x-request-id" and _SAFE.fullmatch(value):
                found: str = value.decode("ascii")
                return found
        return ""
