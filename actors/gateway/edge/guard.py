"""The gate that every request passes before a route sees it: one layer of plain ASGI.

In this order: is it for us (Host), from a page that may (Origin), by whom (token or ticket), may that one (scope), not too
often (rate), not too long (body, time). Whatever goes wrong behind it becomes an answer too: one request of one
client never ends the process that serves all others.
"""

from __future__ import annotations

import asyncio
from typing import Any, Final
from urllib.parse import parse_qs

from starlette.exceptions import HTTPException
from starlette.responses import Response

from actors.gateway.context import Context
from actors.gateway.edge import rules
from actors.gateway.edge.headers import (
    SAME_ORIGIN,
    SECURITY,
    Pairs,
    caching_of,
    needed,
    token_of,
    with_headers,
)
from actors.gateway.edge.origins import ASKED_HEADERS, MAX_AGE_S, METHODS, TOLD_HEADERS, Origins
from actors.gateway.edge.rates import Rates
from actors.gateway.edge.tickets import Tickets
from actors.gateway.edge.tokens import EVERYBODY, Caller, Tokens
from actors.gateway.problems import problem

CALLER: Final = "tapehub.caller"
"""Key of the scope under which routes find whose request it is."""
ENDLESS: Final = ("/api/v1/export/", "/api/v1/replay")
"""Answers that may take as long as their reader likes."""
GUESSES_PER_S: Final = 0.2
HTTP_TOO_LARGE: Final = 413
GUESSES: Final = 10
"""Wrong tokens of one address before it has to wait."""


def caller_of(scope: Any) -> Caller:
    """Whose request it is."""
    caller: Caller = scope[CALLER]
    return caller


class Guard:
    """Lets requests in or answers them itself.

    Args:
        app: What is behind it.
        context: The gateway.
        tokens: Who is who.
        tickets: For WebSockets.
    """

    def __init__(self, app: Any, context: Context, tokens: Tokens, tickets: Tickets) -> None:
        edge = context.settings.edge
        self._app = app
        self._context = context
        self._tokens = tokens
        self._tickets = tickets
        self._origins = Origins(edge.hosts, edge.origins)
        self._rates = Rates(edge.requests_per_s, edge.request_burst)
        self._guesses = Rates(GUESSES_PER_S, GUESSES)
        self._max_body_bytes = edge.max_body_bytes
        self._too_large_text = (
            f"the body is longer than {edge.max_body_bytes} bytes: send less at once (edge.max_body_bytes)"
        )
        self._timeout_s = edge.request_timeout_s

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """ASGI."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        found = needed(scope["headers"])
        extra = self._extra(scope["path"], found)
        refusal = self._refusal(scope, found, extra)
        if refusal is not None:
            await refusal(scope, receive, _adding(send, extra))
        elif scope["type"] == "websocket":
            await self._app(scope, receive, _adding(send, extra))
        else:
            await self._pass(scope, receive, send, extra)

    async def _pass(self, scope: Any, receive: Any, send: Any, extra: Pairs) -> None:
        """Let a request in, within its limits."""
        is_begun = is_whole = False
        left = self._max_body_bytes

        async def counted() -> Any:
            nonlocal left
            message = await receive()
            left -= len(message.get("body", b""))
            if left < 0:
                raise HTTPException(HTTP_TOO_LARGE, self._too_large_text)
            return message

        async def sent(message: Any) -> None:
            nonlocal is_begun, is_whole
            if message["type"] == "http.response.start":
                is_begun = True
                message = with_headers(message, extra)
            else:
                is_whole = not message.get("more_body", False)
            await send(message)

        try:
            if scope["path"].startswith(ENDLESS):
                await self._app(scope, counted, sent)
            else:
                async with asyncio.timeout(self._timeout_s):
                    await self._app(scope, counted, sent)
        except TimeoutError:
            self._context.drop("http_timeout", scope["path"][:80])
            answer = problem("timeout", f"no answer within {self._timeout_s:g} s; try again, or ask for less")
        except Exception:  # noqa: BLE001 - the log tells it; every other client goes on being served
            answer = self.broken(scope)
        else:
            return
        if is_whole:
            return
        if is_begun:  # half an answer was sent: only cutting the connection tells the client
            raise ConnectionAbortedError
        await answer(scope, receive, _adding(send, extra))

    def passing(self, scope: Any) -> Pairs | None:
        """Headers that the answer to a GET gets, if everybody may ask it, however often, and only its headers and path
        decide; None: a request has to be looked at.
        """
        found = needed(scope["headers"])
        host = found.get(b"host", b"").decode("latin-1")
        if self._tokens or self._rates.per_s or not self._origins.is_host(host):
            return None
        if b"origin" in found or b"content-length" in found:
            return None
        return self._extra(scope["path"], found)

    def broken(self, scope: Any) -> Response:
        """The answer where our own bug was raised: call it while that is handled, it logs it."""
        self._context.counters["http_bugs"] += 1
        self._context.log.exception("our own bug in the answer to %s %s", scope["method"], scope["path"][:80])
        return problem("internal", "our own bug: it stands in the gateway's log (`tapehub logs gateway.1`)")

    def _refusal(self, scope: Any, found: dict[bytes, bytes], extra: Pairs) -> Response | None:
        """The answer to a request that is not let in; notes in the scope whose it is otherwise."""
        method = scope.get("method", "GET")
        is_socket = scope["type"] == "websocket"
        host = found.get(b"host", b"").decode("latin-1")
        if not self._origins.is_host(host):
            return self._refused(
                "misdirected", f"Host {host[:60]!r} is not a name of this gateway; add it to edge.hosts"
            )
        origin = found.get(b"origin", b"").decode("latin-1")
        if origin and (is_socket or method not in rules.SAFE):
            if not (self._origins.is_ours(origin, host) or self._origins.is_allowed(origin)):
                return self._refused(
                    "forbidden", f"pages of {origin[:80]} may not do this; add it to edge.origins"
                )
            if method == "OPTIONS" and b"access-control-request-method" in found:
                return Response(status_code=204)
        caller = self._caller(scope, found)
        if isinstance(caller, Response):
            return caller
        wanted = rules.scope_of(method, scope["path"])
        if wanted and caller is None:
            return self._unauthorized("this needs a token: Authorization: Bearer …")
        if wanted and caller is not None and not caller.may(wanted):
            return self._refused("forbidden", f"the token {caller.name!r} lacks the scope {wanted!r}")
        scope[CALLER] = caller or NOBODY
        if int(found.get(b"content-length", b"0") or b"0") > self._max_body_bytes:
            return self._too_large()
        return self._limited(scope[CALLER], extra) if wanted else None

    def _caller(self, scope: Any, found: dict[bytes, bytes]) -> Caller | Response | None:
        """Who asks; None: nobody that we know; an answer: somebody who shows a wrong token."""
        peer = (scope.get("client") or ("", 0))[0]
        if not self._tokens:
            return EVERYBODY._replace(peer=peer)
        mono_ns = self._context.clock.mono_ns()
        token = token_of(found)
        if token:
            caller = self._tokens.find(token, self._context.clock.now_ns())
        elif scope["type"] == "websocket" and b"ticket=" in scope["query_string"]:
            ticket = parse_qs(scope["query_string"].decode("latin-1")).get("ticket", [""])[0]
            caller = self._tickets.redeem(ticket, mono_ns)
        else:
            return None
        if caller is not None:
            return caller._replace(peer=peer)
        guess = self._guesses.take(peer, mono_ns)
        if not guess.is_allowed:
            return self._too_many(guess.retry_after_s, "too many wrong tokens from this address")
        return self._unauthorized("this token is not known, or has expired")

    def _limited(self, caller: Caller, extra: Pairs) -> Response | None:
        rates = self._rates
        if not rates.per_s:
            return None
        verdict = rates.take(caller.name or caller.peer, self._context.clock.mono_ns())
        extra.append(
            (b"ratelimit-policy", f'"default";q={rates.burst};w={rates.burst / rates.per_s:.0f}'.encode())
        )
        extra.append((b"ratelimit", f'"default";r={verdict.left};t={verdict.retry_after_s:.0f}'.encode()))
        if verdict.is_allowed:
            return None
        return self._too_many(verdict.retry_after_s, f"more than {rates.per_s:g} requests a second")

    def _extra(self, path: str, found: dict[bytes, bytes]) -> Pairs:
        """Headers that the answer gets."""
        extra = [*SECURITY, caching_of(path)]
        origin = found.get(b"origin")
        if origin is None or not self._origins.is_allowed(origin.decode("latin-1")):
            extra.append(SAME_ORIGIN)
            return extra
        extra += [
            (b"access-control-allow-origin", origin),
            (b"access-control-allow-methods", METHODS.encode()),
            (b"access-control-allow-headers", ASKED_HEADERS.encode()),
            (b"access-control-expose-headers", TOLD_HEADERS.encode()),
            (b"access-control-max-age", str(MAX_AGE_S).encode()),
            (b"cross-origin-resource-policy", b"cross-origin"),
            (b"vary", b"Origin"),
        ]
        return extra

    def _refused(
        self, code: str, detail: str, headers: dict[str, str] | None = None, **more: Any
    ) -> Response:
        self._context.drop(f"http_{code}", detail)
        return problem(code, detail, headers=headers, **more)

    def _unauthorized(self, detail: str) -> Response:
        return self._refused("unauthorized", detail, {"WWW-Authenticate": 'Bearer realm="tapehub"'})

    def _too_large(self) -> Response:
        return self._refused("too_large", self._too_large_text, {"Connection": "close"})

    def _too_many(self, retry_after_s: float, detail: str) -> Response:
        retry_s = max(1, round(retry_after_s + 0.5))
        return self._refused("rate_limited", detail, {"Retry-After": str(retry_s)}, retry_after_s=retry_s)


NOBODY: Final = Caller("", frozenset())
"""Who comes without a token where one is needed: the dashboard's files and `whoami` are all it sees."""


def _adding(send: Any, extra: Pairs) -> Any:
    """A `send` that adds headers to the start of an answer, and to the acceptance of a WebSocket none."""

    async def sent(message: Any) -> None:
        if message["type"] in ("http.response.start", "websocket.http.response.start"):
            message = with_headers(message, extra)
        await send(message)

    return sent
