"""Which of several instances a symbol belongs to: the same answer in every process, for ever. Pure.

Rendezvous hashing: each name draws a number for the symbol, the highest wins. An instance that is added takes symbols
from all others and moves none between them; one that is removed leaves its symbols to the others and moves no other.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from hashlib import blake2b
from typing import Any, Final

SHARED_KINDS: Final = ("aggregator", "orderflow")
"""Kinds of actors whose instances divide the symbols between them."""


def owner_of(symbol: str, names: Sequence[str]) -> str:
    """The instance that has a symbol.

    Args:
        symbol: Canonical symbol.
        names: Instances to choose from, at least one, in any order.

    Source:
        Thaler and Ravishankar, "Using name-based mappings to increase hit rates" (1998): highest random weight.
    """
    if len(names) == 1:
        return names[0]
    return max(names, key=lambda name: (_draw(name, symbol), name))


def _draw(name: str, symbol: str) -> bytes:
    return blake2b(f"{name}\0{symbol}".encode(), digest_size=8).digest()


def problems_of_shards(
    actors: Mapping[str, Mapping[str, Any]],
    *,
    has_replay: bool = True,
) -> list[str]:
    """Why instances cannot divide their symbols; empty if they can.

    Args:
        actors: The topology: instance name to its settings.
        has_replay: Whether what is missing is fetched from journals (`bus.replay`).
    """
    problems: list[str] = []
    for kind in SHARED_KINDS:
        names = [name for name in actors if name.partition(".")[0] == kind]
        if len(names) < 2:
            continue
        first = names[0]
        problems += [
            f"actors.{name}: its settings differ from those of {first}; instances that divide symbols have the same"
            for name in names[1:]
            if dict(actors[name]) != dict(actors[first])
        ]
        if not has_replay or not any(name.partition(".")[0] == "journal" for name in actors):
            problems.append(
                f"actors: several instances of {kind} take over from each other's journals: add journal.1, and leave "
                "bus.replay on"
            )
    return problems
