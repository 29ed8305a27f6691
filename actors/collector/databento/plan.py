"""What a session of one market asks for, and what is wrong with the settings. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Final

from actors.collector.databento.live import Subscription
from actors.collector.databento.settings import DatabentoSettings
from actors.collector.databento.sources import SUPPORTED

KEY_VARIABLE: Final = "DATABENTO_API_KEY"


def subscriptions(
    schemas: Iterable[str], by_stype: Mapping[str, Sequence[str]], refused: Collection[str], start_ns: int
) -> list[Subscription]:
    """One for each schema and way to name.

    Args:
        schemas: As the settings say.
        by_stype: Raw names by the way they name.
        refused: Names that the gateway does not know.
        start_ns: Where the replay begins, 0: none. A book of single orders begins with its snapshot instead.
    """
    found = []
    for schema in schemas:
        is_mbo = schema == "mbo"
        for stype, names in by_stype.items():
            wanted = tuple(name for name in names if name not in refused)
            if wanted:
                found.append(Subscription(schema, stype, wanted, 0 if is_mbo else start_ns, is_mbo))
    return found


def address(settings: DatabentoSettings, market: str) -> str:
    """Where the gateway of a market is, for people."""
    own = settings.datasets[market].lower().replace(".", "-") + ".lsg.databento.com"
    return f"tcp://{settings.gateway or own}:{settings.port}"


def faults(settings: DatabentoSettings, market: str, key: str) -> list[str]:
    """What is wrong with the settings of a market."""
    schemas = settings.schemas
    found = [
        f"schemas: {name!r} is none of {', '.join(SUPPORTED)}" for name in schemas if name not in SUPPORTED
    ]
    if {"tbbo", "mbp-1"} <= set(schemas):
        found.append("schemas: tbbo and mbp-1 cannot be told apart in one session; name one of them")
    if not schemas:
        found.append("schemas: name at least one")
    if market not in settings.datasets:
        found.append(f"datasets.{market}: name the data set of this market, like GLBX.MDP3")
    if not key:
        found.append(f"api_key: set it, or {KEY_VARIABLE} in the environment")
    return found
