"""Rows of actors that run on other hosts: seen over the network only, without their supervisord. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from protocol.topology import JOURNAL_KIND, Topology

if TYPE_CHECKING:
    from tapehub.supervision.roll_call import Answer
    from tapehub.supervision.state import Row

UNREACHABLE: Final = "UNREACHABLE"
"""State of all actors of a host from which nothing is heard."""
SILENT: Final = "SILENT"
NOT_SUPERVISED: Final = "not under supervisord"


def place(rows: Sequence[Row], topology: Topology, answers: Mapping[str, Answer]) -> None:
    """Say of each row on which host it is, and of those elsewhere what can be known from here."""
    if not topology.hosts:
        return
    offsets_s = offsets_from(topology.here, answers)
    heard = {topology.host_of(name) for name, answer in answers.items() if answer.status or answer.beat_ns}
    for row in rows:
        row.host = topology.host_of(row.name)
        if not row.host or row.host == topology.here:
            continue
        if row.beat_age_s is not None:
            row.beat_age_s = max(0.0, row.beat_age_s + offsets_s.get(row.host, 0.0))
        if row.note == NOT_SUPERVISED:
            row.note = ""
        answer = answers.get(row.name)
        if answer is not None and answer.status is not None:
            continue
        if answer is not None and answer.refusal:
            row.state = SILENT
            row.note = f"{answer.refusal}: tapehub keys list"
        elif row.host not in heard:
            row.state = UNREACHABLE
            row.note = f"nothing is heard from {row.host}: tapehub config check --reach"
        else:
            row.state = SILENT
            row.note = f"does not answer; on {row.host}: tapehub status"


def offsets_from(here: str, answers: Mapping[str, Answer]) -> dict[str, float]:
    """How far the clock of each other host is ahead of this one's, seconds, as the journal server of this host measured."""
    return {host: float(row["offset_s"]) for host, row in clocks_from(here, answers).items()}


def clocks_from(here: str, answers: Mapping[str, Answer]) -> dict[str, dict[str, Any]]:
    """What the journal server of one host has measured of the others' clocks."""
    for name, answer in answers.items():
        status = answer.status or {}
        if name.partition(".")[0] == JOURNAL_KIND and status.get("of_host") == here:
            found: dict[str, dict[str, Any]] = status.get("clocks", {})
            return found
    return {}
