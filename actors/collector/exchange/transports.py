"""What cuts the frames out of the bytes of a connection, by its name in the settings; picows is imported only where chosen."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from actors.collector.exchange.stream_socket import StreamSocket

PICOWS: Final = "picows"


def lack_of(transport: str) -> str:
    """Why a transport cannot be used here; empty if it can."""
    if transport != PICOWS:
        return ""
    try:
        importlib.import_module(PICOWS)
    except ImportError as fault:
        return f"{PICOWS} cannot be imported ({fault}): pip install 'tapehub[{PICOWS}]'"
    return ""


def socket_class(transport: str) -> type[StreamSocket]:
    """The class of a connection's socket.

    Raises:
        ImportError: its library is not installed.
    """
    if transport != PICOWS:
        from actors.collector.exchange.stream_socket import StreamSocket  # noqa: PLC0415 - it brings websocket-client

        return StreamSocket
    from actors.collector.exchange.picows_socket import PicowsSocket  # noqa: PLC0415 - it brings asyncio

    return PicowsSocket
