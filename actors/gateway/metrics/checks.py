"""Whether the system can answer, and how well: one check for each thing that may be wrong, and what to do then. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final, Literal, NamedTuple

from actors.gateway.metrics.seen import Seen
from actors.gateway.metrics.values import entries, mapping, number

Status = Literal["ok", "degraded", "down"]
OLD_WORDS: Final[dict[Status, str]] = {"ok": "healthy", "degraded": "degraded", "down": "unhealthy"}
"""Status to the word that older clients look for."""
NAMED: Final = 5
"""Names told of one kind of trouble; further ones are counted."""
_FULL: Final = ("low", "critical")


class Check(NamedTuple):
    """One thing that is looked at."""

    name: str
    ok: bool
    detail: str
    """What is the case and, where it is not well, what to do next."""


class VenueSeen(NamedTuple):
    """A venue as one of its collectors sees it."""

    venue: str
    publisher: str
    is_connected: bool


def status_of(checks: Iterable[Check]) -> Status:
    """`down`: reads cannot be answered; `degraded`: they can, but something is wrong."""
    bad = {check.name for check in checks if not check.ok}
    return "down" if "hub" in bad else "degraded" if bad else "ok"


def checks_of(
    actors: Sequence[Seen], venues: Sequence[VenueSeen], hub_fault: str, unflushed_s: float
) -> list[Check]:
    """All checks.

    Args:
        actors: Every actor.
        venues: Every venue heard of.
        hub_fault: Why no hub answers; empty: one does.
        unflushed_s: Longest time that a row may wait to be stored.
    """
    return [
        _hub(hub_fault),
        _actors(actors),
        _persistence(actors, unflushed_s),
        _journal(actors),
        _disk(actors),
        _venues(venues),
        _gaps(actors),
    ]


def _hub(fault: str) -> Check:
    if fault:
        return Check(
            "hub",
            ok=False,
            detail=f"reads cannot be answered: {fault}; tapehub status, then tapehub logs hub",
        )
    return Check("hub", ok=True, detail="answers")


def _actors(actors: Sequence[Seen]) -> Check:
    down = [actor.name for actor in actors if not actor.is_up]
    if down:
        return Check(
            "actors", ok=False, detail=f"no heartbeat of {_listed(down)}: tapehub logs {down[0]} -n 50"
        )
    return Check("actors", ok=True, detail=f"all {len(actors)} beat")


def _persistence(actors: Sequence[Seen], unflushed_s: float) -> Check:
    kept = [actor for actor in actors if actor.kind == "persistence"]
    if not kept:
        return Check("persistence", ok=True, detail="not configured: nothing is stored but the journals")
    troubles = []
    for actor in kept:
        if not actor.is_up:
            troubles.append(f"{actor.name} does not beat")
            continue
        for target, told in entries(actor.detail.get("targets")):
            found = mapping(told)
            waited_s = number(found.get("oldest_unflushed_s")) or 0.0
            if found.get("state") == "failed":
                troubles.append(
                    f"{actor.name} cannot store to {target}"
                )  # why may hold an address: the log has it
            elif waited_s > unflushed_s:
                troubles.append(f"{actor.name} is {waited_s:.0f} s behind with {target}")
    if troubles:
        text = f"{_listed(troubles)}; the journals keep everything: tapehub logs persistence --level warning"
        return Check("persistence", ok=False, detail=text)
    return Check("persistence", ok=True, detail="stores")


def _journal(actors: Sequence[Seen]) -> Check:
    servers = [actor for actor in actors if actor.kind == "journal"]
    if not servers:
        return Check(
            "journal", ok=True, detail="no journal server is configured: what the bus loses stays lost"
        )
    troubles = [f"{actor.name} does not beat" for actor in servers if not actor.is_up]
    for actor in servers:
        troubles += [f"journal of {name}" for name, _ in entries(actor.detail.get("problems"))]
    troubles += [
        f"{actor.name} cannot write its own"
        for actor in actors
        if actor.is_up and mapping(actor.detail.get("journal")).get("state") == "degraded"
    ]
    if troubles:
        return Check(
            "journal",
            ok=False,
            detail=f"{_listed(troubles)}: tapehub logs journal --level warning; tapehub doctor",
        )
    return Check("journal", ok=True, detail="answers")


def _disk(actors: Sequence[Seen]) -> Check:
    for actor in actors:
        if actor.kind == "journal" and actor.is_up and actor.detail.get("disk") in _FULL:
            used = number(actor.detail.get("disk_used_share")) or 0.0
            text = (
                f"{used:.0%} of the journals' disk is used: make room, or lower actors.{actor.name}.min_age_s"
            )
            return Check("disk", ok=False, detail=text)
    return Check("disk", ok=True, detail="there is room, or nobody measures it")


def _venues(venues: Sequence[VenueSeen]) -> Check:
    connected = {one.venue for one in venues if one.is_connected}
    lost = sorted({one.venue for one in venues} - connected)
    if lost:
        return Check(
            "venues",
            ok=False,
            detail=f"not connected: {_listed(lost)}; tapehub doctor --live names the cause",
        )
    return Check("venues", ok=True, detail=f"{len(connected)} connected")


def _gaps(actors: Sequence[Seen]) -> Check:
    counts = {
        actor.name: int(number(actor.detail.get("gaps_open")) or 0)
        for actor in actors
        if actor.is_up and actor.kind == "collector"
    }
    if total := sum(counts.values()):
        return Check("gaps", ok=False, detail=f"{total} open, messages are being fetched: tapehub gaps list")
    return Check("gaps", ok=True, detail="none open")


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return ", ".join(names[:NAMED]) + more
