"""Who stores what, where several persistence actors divide the kinds of messages between them. Pure.

The first persistence actor of the topology that names a kind has it: whoever reads the past of a kind asks that one.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

PERSISTENCE: Final = "persistence"
STORED_BY_DEFAULT: Final = (
    "quote", "trade", "liquidation", "bar", "feature", "flow", "footprint", "news", "alert", "signal", "sweep",
    "verdict", "gap",
)  # fmt: skip
"""Kinds that are stored where the settings do not say; `book` is hundreds of times the rest."""
NO_DATABASE: Final = "none"

Actors = Mapping[str, Mapping[str, Any]]
"""Instance name to its settings, as the configuration has them."""


def stores(actors: Actors) -> list[str]:
    """The persistence actors, in the order of the topology."""
    return [name for name in actors if name.partition(".")[0] == PERSISTENCE]


def kinds_of(section: Mapping[str, Any]) -> tuple[str, ...]:
    """Kinds that one persistence actor stores."""
    return tuple(section.get("kinds") or STORED_BY_DEFAULT)


def database_of(section: Mapping[str, Any]) -> str:
    """Its `database` setting; empty means the default."""
    return str(section.get("database") or "")


def store_of(actors: Actors, kind: str) -> str:
    """The persistence actor whose database has a kind.

    Returns the first one that stores it in a database; where nobody does the first that has a database, whose answer is
    that there is nothing; empty without any persistence actor.
    """
    names = stores(actors)
    readable = [name for name in names if database_of(actors[name]) != NO_DATABASE] or names
    having = [name for name in readable if kind in kinds_of(actors[name])]
    return next(iter(having or readable), "")


def problems_of_stores(actors: Actors) -> list[str]:
    """What is wrong with several persistence actors beside each other; empty if nothing is.

    A database holds the positions of the one actor that writes it, and so does the Parquet folder.
    """
    problems: list[str] = []
    databases: dict[str, str] = {}
    kinds: dict[str, str] = {}
    parquet = [name for name in stores(actors) if str(actors[name].get("parquet", "")).lower() in _TRUE]
    for name in stores(actors):
        database = database_of(actors[name])
        other = databases.setdefault(database, name)
        if other != name and database != NO_DATABASE:
            problems.append(
                f"actors.{name}.database: the same as that of {other}; each persistence actor needs a database of its own: "
                "another file, another database of the server, or another schema of it "
                "(postgresql://host/name?options=-csearch_path=other)"
            )
        for kind in kinds_of(actors[name]):
            other = kinds.setdefault(kind, name)
            if other != name:
                problems.append(f"actors.{name}.kinds: {kind} is stored by {other} already; name it once")
    if len(parquet) > 1:
        problems.append(f"actors.{parquet[1]}.parquet: {parquet[0]} writes Parquet files already; one may")
    return problems


_TRUE: Final = ("true", "yes", "on", "1")
