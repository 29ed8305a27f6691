"""All targets by name, and how large the share of each is."""

from __future__ import annotations

from random import Random
from typing import Final

from scripts.socket_fuzz.stage import ACTORS, Topology
from scripts.socket_fuzz.targets import (
    BusTarget,
    ConfigTarget,
    FetchTarget,
    RepliesTarget,
    RequestTarget,
    Target,
)

HEARING: Final = (
    "aggregator.1", "orderflow.1", "detector.1", "scanner.1", "notifier.1", "persistence.1", "hub.1", "gateway.1",
)  # fmt: skip
FETCHING: Final = ("aggregator.1", "hub.1", "persistence.1")
NAMES: Final = (
    *(f"bus {name}" for name in HEARING),
    *(f"fetch {name}" for name in FETCHING),
    *(f"ctl {name}" for name in ACTORS),
    *(f"query {name}" for name in ("hub.1", "journal.1", "persistence.1")),
    "ingest collector.push.1",
    "replies client",
    "http gateway.1",
    "socket gateway.1",
    "config load",
)
SHARES: Final = {"bus": 4.0, "fetch": 1.0, "ctl": 0.7, "query": 3.0, "ingest": 2.0, "replies": 12.0, "http": 0.1, "socket": 0.5,
                 "config": 0.02, "query persistence.1": 0.1, "bus persistence.1": 2.0, "bus notifier.1": 2.0}  # fmt: skip


def target_of(name: str, topology: Topology, random: Random) -> Target:
    """A target by its name."""
    kind, _, actor = name.partition(" ")
    match kind:
        case "bus":
            return BusTarget(random, topology, actor)
        case "fetch":
            return FetchTarget(random, topology, actor)
        case "replies":
            return RepliesTarget(random)
        case "config":
            return ConfigTarget(random, topology)
        case "http" | "socket":
            from scripts.socket_fuzz.web import HttpTarget, SocketTarget  # noqa: PLC0415 - half a second of imports

            return (HttpTarget if kind == "http" else SocketTarget)(random, topology)
        case _:
            return RequestTarget(random, topology, actor, kind)
