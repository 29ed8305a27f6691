"""Names of instruments and intervals in requests. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from actors.collector.bars.providers.provider import Query

_MAX_CHARS: Final = 32


def raw_of(query: Query, provider: str, like: str) -> str:
    """The query's raw name, if it can stand in a request.

    Raises:
        ValueError: it cannot; says what names of the provider look like.
    """
    raw = query.raw
    if (
        not raw
        or len(raw) > _MAX_CHARS
        or not raw.isascii()
        or not raw.isprintable()
        or set(raw) & set(' ,"?#%&\\')
    ):
        raise ValueError(f"{raw!r} is no name of {provider}, which look like {like}")
    return raw


def interval_of(names: Mapping[str, str], query: Query, provider: str) -> str:
    """A provider's name of the query's timeframe.

    Raises:
        ValueError: it has none.
    """
    found = names.get(query.timeframe)
    if found is None:
        raise ValueError(f"{provider} has no bars of {query.timeframe}; of {', '.join(names)}")
    return found
