"""What a bridge's status says of its mirror, in a person's words. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tapehub.hops import FAIL, OK, SKIP, WARN, Hop


def trouble(status: Mapping[str, Any]) -> str:
    """Why a bridge mirrors nothing; empty if it does, or is none."""
    mirror = status.get("mirror")
    if not isinstance(mirror, Mapping) or mirror.get("state") == "mirroring":
        return ""
    return f"mirrors nothing: {mirror.get('trouble') or 'it is connecting'}"


def bridge_hop(name: str, status: Mapping[str, Any], error: str, symbol: str) -> Hop:
    """Whether a bridge hands a symbol on.

    Args:
        name: The bridge.
        status: What it says of itself.
        error: Why it said nothing.
        symbol: Canonical name.
    """
    logs = f"tapehub logs {name}"
    if error:
        return Hop("bridge", name, FAIL, None, error, f"tapehub status; {logs}")
    stopped = trouble(status)
    mirror = status.get("mirror") or {}
    if stopped:
        return Hop("bridge", name, FAIL, None, stopped, f"tapehub doctor; {logs}")
    topics = [str(topic) for topic in mirror.get("topics", ())]
    wanted = [topic for topic in topics if is_meant(topic, symbol)]
    if not wanted:
        return Hop("bridge", name, SKIP, None, f"mirrors {', '.join(topics)}: nothing of this symbol")
    text = f"mirrors {', '.join(wanted)} into {mirror.get('stream')} of {mirror.get('server')}"
    age_s = float(mirror.get("oldest_unconfirmed_s", 0.0))
    if mirror.get("holes"):
        return Hop("bridge", name, WARN, age_s, f"{text}; {mirror['holes']} holes since its start", logs)
    if not mirror.get("is_live"):
        return Hop("bridge", name, WARN, age_s, f"{text}; it is catching up", "")
    return Hop("bridge", name, OK, age_s, text)


def is_meant(topic: str, symbol: str) -> bool:
    """Whether a prefix of topics may bring a symbol: it names no other one."""
    parts: Sequence[str] = topic.split(".")
    named = ".".join(part for part in parts if part and part[0].isupper())
    return not named or symbol.startswith(named)
