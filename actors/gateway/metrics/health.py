"""Looks at the system for `/health`: asks the hub, with little patience, and takes the rest from heartbeats."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Any

from actors.gateway.context import Context
from actors.gateway.metrics.checks import OLD_WORDS, Check, Status, VenueSeen, checks_of, status_of
from actors.gateway.metrics.seen import seen_of
from actors.runtime.version import VERSION
from protocol.errors import HubError
from protocol.requests import Request


async def look(context: Context) -> list[Check]:
    """Every check, now."""
    hub_fault = await _hub_fault(context)
    mono_ns, fleet = context.clock.mono_ns(), context.fleet
    actors = seen_of(fleet, context.common.actors, context.name, context.status(), mono_ns)
    venues = [VenueSeen(one.venue, one.publisher, fleet.is_connected(one, mono_ns)) for one in fleet.venues()]
    return checks_of(actors, venues, hub_fault, context.settings.metrics.unflushed_s)


async def _hub_fault(context: Context) -> str:
    timeout_s = context.settings.metrics.health_timeout_s
    try:
        reply = await asyncio.wait_for(context.reads.ask(Request(op="ping")), timeout_s)
    except TimeoutError:
        return f"the hub does not answer within {timeout_s:g} s"
    except HubError as error:
        return f"the hub does not answer ({error.code})"
    return "" if reply.ok else f"the hub refuses: {reply.code}"


def body_of(checks: list[Check]) -> tuple[Status, dict[str, Any]]:
    """Status, and the answer to `/health/ready`."""
    status = status_of(checks)
    return status, {"status": status, "checks": [check._asdict() for check in checks]}


def old_body_of(context: Context, checks: list[Check]) -> tuple[Status, dict[str, Any]]:
    """Status, and the answer to `/health`: the words of older systems, and everything of `/health/ready`."""
    status, body = body_of(checks)
    now_s = context.clock.now_ns() / 1e9
    more = {
        "status": OLD_WORDS[status],
        "state": status,
        "service": context.name,
        "version": VERSION,
        "timestamp": datetime.fromtimestamp(now_s, UTC).isoformat(timespec="milliseconds"),
        "uptime_s": context.status().get("uptime_s"),
        "components": {check.name: status_of([check]) for check in checks},
    }
    return status, {**body, **more}
