"""Which providers there are; each is imported only where it is used. Pure."""

from __future__ import annotations

import functools
from importlib import import_module
from typing import Any, Final

from actors.collector.bars.providers.provider import Provider

_CLASSES: Final = {
    "yahoo": "Yahoo",
    "alphavantage": "AlphaVantage",
    "twelvedata": "TwelveData",
    "polygon": "Polygon",
}
PROVIDERS: Final = tuple(_CLASSES)
"""Names, as in the settings."""


@functools.cache
def provider(name: str) -> Provider:
    """The provider of that name.

    Raises:
        ValueError: there is none; names those there are.
    """
    if name not in _CLASSES:
        raise ValueError(f"provider {name!r} is none of {', '.join(PROVIDERS)}")
    module: Any = import_module(f"actors.collector.bars.providers.{name}")
    found: Provider = getattr(module, _CLASSES[name])()
    return found
