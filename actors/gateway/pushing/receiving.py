"""One push of HTTP: whose it is, whether it may pass, on to the receiver, and what its sender is told.

200   at least one item accepted, or repeated, or there was none: {"accepted", "duplicates", "rejected", "items", ...}
422   every item was rejected: a problem with the same members; sent again it would be again
400 413 415   the body cannot be read; nothing was accepted
429   too fast; nothing was accepted, `Retry-After` says when
503   the receiver is down or its disk is full; nothing was accepted
504   no answer in time: nobody knows; sent again it counts once
"""

from __future__ import annotations

import math
from typing import Any, Final

import msgspec
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from actors.gateway.context import Context
from actors.gateway.edge.guard import caller_of
from actors.gateway.problems import problem, problem_of
from actors.gateway.pushing.limits import Limits
from protocol.errors import HubTimeout, HubUnreachable, error_from_code
from protocol.pushing import Push, Pushed, is_receiver, is_source, pushed_of, request_of

SOURCE_HEADER: Final = "x-source"
OFFSET_HEADER: Final = "x-gmt-offset"
_PLAIN: Final = ("", "identity")
HTTP_REJECTED: Final = 422
_encode: Final = msgspec.json.Encoder().encode


class TooLong(Exception):
    """The body is longer than allowed."""


class Receiving:
    """Takes pushes.

    Args:
        context: The gateway.
    """

    def __init__(self, context: Context) -> None:
        self._context = context
        self._settings = context.settings.pushing
        self._limits = Limits(self._settings)
        actors = context.common.actors
        self._receiver = next((name for name, section in actors.items() if is_receiver(name, section)), "")

    async def receive(self, request: Request) -> Response:
        """Answer one push."""
        path, mono_ns = request.url.path, self._context.clock.mono_ns()
        source, refusal = self._source(request)
        if refusal is not None:
            return refusal
        whose = source or caller_of(request.scope).peer or "nobody"
        wait_s = self._limits.wait_s(whose, mono_ns)
        if wait_s > 0.0:
            self._context.counters["push_limited"] += 1
            after_s = max(1, math.ceil(wait_s))
            text = f"{whose} pushes faster than it may; nothing was accepted, send it again in {after_s} s"
            headers = {"Retry-After": str(after_s)}
            return problem(
                "rate_limited", text, instance=path, headers=headers, retry_after_s=round(wait_s, 3)
            )
        down = self._down(path)
        if down is not None:
            return down
        if request.headers.get("content-encoding", "").lower() not in _PLAIN:
            return problem("unsupported_media", "send the body as it is, not compressed", instance=path)
        try:
            body = await self._body(request)
        except TooLong:
            text = (
                f"the body is longer than {self._settings.max_body_bytes} bytes: send it in several requests"
            )
            return problem("too_large", text, instance=path)
        except ClientDisconnect:
            return problem("invalid_request", "the body ended before its end", instance=path)
        push = Push(body, request.headers.get("content-type", "").lower(), source, _offset_s(request))
        return await self._forward(push, whose, path)

    def _source(self, request: Request) -> tuple[str, Response | None]:
        """Whose it is: the token's source, else what header or query say, else what the items say."""
        caller, path = caller_of(request.scope), request.url.path
        named = request.headers.get(SOURCE_HEADER, "") or request.query_params.get("source", "")
        if caller.source and named not in ("", caller.source):
            text = f"this token pushes as {caller.source!r}, not as {named[:40]!r}: leave X-Source and ?source= out"
            return "", problem("forbidden", text, instance=path)
        source = caller.source or named
        if source and not is_source(source):
            text = f"source {source[:40]!r} is not a name like mt5: a-z, then a-z 0-9 _ -, at most 16"
            return "", problem("invalid_request", text, instance=path)
        return source, None

    def _down(self, path: str) -> Response | None:
        """The refusal where nobody would take it; nothing has been sent then."""
        if not self._receiver:
            text = "nobody takes pushes here: add collector.push.1 to actors"
            return problem("unreachable", text, instance=path)
        context = self._context
        mono_ns = context.clock.mono_ns()
        known = [
            one for one in context.fleet.publishers() if one.name == self._receiver and one.beat is not None
        ]
        if known and context.fleet.is_alive(known[0], mono_ns):
            return None
        self._context.counters["push_receiver_down"] += 1
        text = f"{self._receiver} is down; nothing was accepted, send it again (tapehub status)"
        return problem("unreachable", text, instance=path, headers={"Retry-After": "1"}, retry_after_s=1)

    async def _body(self, request: Request) -> bytes:
        limit, size, parts = self._settings.max_body_bytes, 0, []
        if int(request.headers.get("content-length", "0") or 0) > limit:
            raise TooLong
        async for part in request.stream():
            size += len(part)
            if size > limit:
                raise TooLong
            parts.append(part)
        return b"".join(parts)

    async def _forward(self, push: Push, whose: str, path: str) -> Response:
        context = self._context
        try:
            reply = await context.reads.ask_ingest(self._receiver, request_of(push), self._settings.timeout_s)
        except (HubTimeout, HubUnreachable):
            context.counters["push_timeouts"] += 1
            text = (
                f"no answer from {self._receiver} within {self._settings.timeout_s:g} s: it may have been accepted or "
                "not; send the same again, it counts once"
            )
            return problem("timeout", text, instance=path)
        if not reply.ok:
            if reply.details.get("too_large"):
                return problem("too_large", reply.message, instance=path)
            return problem_of(error_from_code(reply.code, reply.message, reply.details), path)
        result = pushed_of(reply.data)
        self._limits.spend(whose, result.count, context.clock.mono_ns())
        context.counters["push_requests"] += 1
        return answer(result, path)


def answer(result: Pushed, path: str) -> Response:
    """What the sender is told."""
    if result.rejected and result.rejected == result.count:
        first = result.items[0] if result.items else None
        why = f"; the first: {first.code}: {first.detail}" if first is not None else ""
        members: dict[str, Any] = msgspec.to_builtins(result)
        text = f"none of {result.count} items was accepted{why}"
        return problem("unprocessable", text, instance=path, **members)
    return Response(_encode(result), 200, None, "application/json")


def _offset_s(request: Request) -> float | None:
    """What the header says of the sender's clock; None: nothing that is a number."""
    try:
        return float(request.headers.get(OFFSET_HEADER, ""))
    except ValueError:
        return None
