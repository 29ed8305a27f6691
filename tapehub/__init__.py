"""tapehub: market data for many engines. `from tapehub import Hub, AsyncHub`, or `Nats` for a mirror.

The names are loaded when they are used, so `import tapehub` costs nothing and the command line starts fast.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from protocol.client import (
        AsyncHub,
        AsyncNats,
        Book,
        Candles,
        Events,
        Features,
        Hub,
        Missing,
        Nats,
        OrderFlow,
        Profile,
        Quotes,
        Tick,
        Ticks,
        Trades,
        questions,
    )
    from protocol.errors import (
        HubError,
        HubTimeout,
        HubUnreachable,
        InvalidRequest,
        NoData,
        Overloaded,
        ProtocolMismatch,
        StaleData,
        Unauthorized,
        UnknownSymbol,
    )

_CLIENT = (
    "AsyncHub",
    "AsyncNats",
    "Book",
    "Candles",
    "Events",
    "Features",
    "Hub",
    "Missing",
    "Nats",
    "OrderFlow",
    "Profile",
    "Quotes",
    "Tick",
    "Ticks",
    "Trades",
    "questions",
)

__all__ = [
    "AsyncHub",
    "AsyncNats",
    "Book",
    "Candles",
    "Events",
    "Features",
    "Hub",
    "HubError",
    "HubTimeout",
    "HubUnreachable",
    "InvalidRequest",
    "Missing",
    "Nats",
    "NoData",
    "OrderFlow",
    "Overloaded",
    "Profile",
    "ProtocolMismatch",
    "Quotes",
    "StaleData",
    "Tick",
    "Ticks",
    "Trades",
    "Unauthorized",
    "UnknownSymbol",
    "questions",
]


def __getattr__(name: str) -> object:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    import importlib  # noqa: PLC0415 - only when a name is asked for

    module = importlib.import_module("protocol.client" if name in _CLIENT else "protocol.errors")
    value: object = getattr(module, name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return list(__all__)
