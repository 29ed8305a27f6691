"""What an administrator does: restart an actor, have a gap repaired. Each is in the audit log before it is done."""

from __future__ import annotations

import asyncio
import os
import signal
import xmlrpc.client
from typing import Any, Final

import msgspec
from starlette.requests import Request as HttpRequest

from actors.gateway.context import Context
from actors.gateway.edge.audit import Deed
from actors.gateway.edge.guard import caller_of
from actors.runtime.supervisord import SupervisorDownError
from protocol.errors import HubError, HubUnreachable, InvalidRequest, Overloaded, error_from_code
from protocol.gap_ids import publisher_of
from protocol.likeness import nearest
from protocol.requests import Request

MARK: Final = "x-tapehub"
"""Header that a form of another site cannot send."""
BODIES: Final = frozenset(("application/json", "application/msgpack", "application/x-msgpack"))
ADMIN: Final = "admin"
RETRY_AFTER_S: Final = 5.0


class Forbidden(HubError):
    """The token may not do this."""

    code = "forbidden"


class NotFound(HubError):
    """There is nothing of that name."""

    code = "not_found"


class UnsupportedMedia(HubError):
    """The body is of a type that is not read, or the request could be one of another site's forms."""

    code = "unsupported_media"


def media_type_of(request: HttpRequest) -> str:
    """`Content-Type` without its parameters."""
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


def require_admin(request: HttpRequest) -> None:
    """Refuse whoever may not.

    Raises:
        Forbidden: the token lacks the scope.
    """
    caller = caller_of(request.scope)
    if not caller.may(ADMIN):
        raise Forbidden(
            f"this needs a token with the scope {ADMIN!r}; {caller.name or 'who shows none'} has "
            f"{', '.join(sorted(caller.scopes)) or 'none'} (edge.tokens)",
            scope=ADMIN,
        )


def require_own_page(request: HttpRequest) -> None:
    """Refuse what a form of another site could send; the guard has looked at Origin already.

    Raises:
        UnsupportedMedia: it could be one.
    """
    if media_type_of(request) not in BODIES and request.headers.get(MARK) != "1":
        raise UnsupportedMedia(
            "send Content-Type: application/json (or application/msgpack), or the header X-Tapehub: 1"
        )


def configured(context: Context, name: str) -> str:
    """The name, if an actor of the topology has it.

    Raises:
        NotFound: none has.
    """
    if name in context.common.actors:
        return name
    near = nearest(name[:64], context.common.actors, n=3)
    hint = f"; did you mean {near[0]}?" if near else f"; there is {', '.join(context.common.actors)}"
    raise NotFound(f"no actor {name[:64]!r} in the configuration{hint}", suggestions=near)


class Deeds:
    """Does them. Lives in one event loop.

    Args:
        context: The gateway.
    """

    def __init__(self, context: Context) -> None:
        self._context = context
        self._restarting: dict[str, asyncio.Task[None]] = {}

    async def restart(self, request: HttpRequest, name: str) -> dict[str, Any]:
        """Begin to restart an actor; what becomes of it, its row says.

        Raises:
            HubError: it is refused.
        """
        context = self._context
        configured(context, name)
        supervision = context.supervision
        told = await supervision.fresh() if supervision else None
        if supervision is None or told is None:
            raise HubUnreachable(
                "no supervisord runs here, so nobody would start it again: start the system with `tapehub up`"
            )
        topology = context.common.topology
        if not topology.is_here(name):
            host = topology.host_of(name)
            raise NotFound(f"{name} runs on host {host}: there, tapehub restart {name}", host=host)
        if name not in told.processes:
            raise NotFound(
                f"supervisord does not know {name}: tapehub restart --all reads the configuration again"
            )
        if name in self._restarting:
            raise Overloaded(f"{name} is being restarted already", retry_after_s=RETRY_AFTER_S)
        line = self.note(request, "restart", actor=name)
        if name == context.name:
            self._end_ourselves(line)
        else:
            task = self._restarting[name] = asyncio.create_task(self._restart(line, name))
            task.add_done_callback(lambda _: self._restarting.pop(name, None))
        return {
            "actor": name,
            "state": "restarting",
            "hint": f"GET /api/v1/actors/{name} says when it runs again: with another epoch and pid",
        }

    async def _restart(self, line: Deed, name: str) -> None:
        context = self._context
        assert context.supervision is not None
        supervisor = context.supervision.supervisor

        def again() -> None:
            supervisor.stop(name)
            supervisor.start(name)

        outcome = "done"
        try:
            await asyncio.to_thread(again)
        except (SupervisorDownError, xmlrpc.client.Fault) as fault:
            outcome = f"failed: {getattr(fault, 'faultString', fault)}"
            context.log.warning("restart of %s: %s", name, outcome)
        context.supervision.forget()
        context.audit.finish(line, outcome)

    def _end_ourselves(self, line: Deed) -> None:
        """End in order, which lets answers under way go out: supervisord starts again whoever ends by himself."""
        self._context.audit.finish(line)
        os.kill(os.getpid(), signal.SIGTERM)

    async def repair(self, request: HttpRequest, gap_id: str) -> dict[str, Any]:
        """Have the collector that announced a gap fetch what is missing (again); returns the gap.

        Raises:
            HubError: it is refused, here or there.
        """
        try:
            owner = publisher_of(gap_id[:200])
        except ValueError as fault:
            raise InvalidRequest(str(fault)) from None
        if owner not in self._context.common.actors or not owner.startswith("collector."):
            raise NotFound(f"{owner[:64]}, which announced it, is no collector of this topology")
        caller = caller_of(request.scope)
        with self._context.audit.noted(caller.name, caller.peer, "repair", gap_id=gap_id):
            reply = await self._context.reads.ask_ctl(owner, Request(op="repair", args={"gap_id": gap_id}))
            if not reply.ok:
                raise error_from_code(reply.code, reply.message, reply.details)
            gap: dict[str, Any] = msgspec.msgpack.decode(reply.data)
        return gap

    def note(self, request: HttpRequest, deed: str, **what: Any) -> Deed:
        """Write down who does what.

        Raises:
            Overloaded: it cannot be written down, so it must not be done.
        """
        caller = caller_of(request.scope)
        return self._context.audit.note(caller.name, caller.peer, deed, **what)
