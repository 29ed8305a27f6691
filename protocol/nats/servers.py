"""Addresses of NATS servers. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple
from urllib.parse import urlsplit

PORT: Final = 4222


class Server(NamedTuple):
    """Where one server listens."""

    host: str
    port: int
    is_tls: bool
    """It must speak TLS; without this it does if it says so."""

    def __str__(self) -> str:
        return f"{'tls' if self.is_tls else 'nats'}://{self.host}:{self.port}"


def parse_server(text: str) -> Server:
    """`nats://host[:port]`, `tls://host[:port]` or `host[:port]`.

    Raises:
        ValueError: it is none, or holds a user or password; the text does not have it.
    """
    whole = text.strip() if "://" in text else f"nats://{text.strip()}"
    parts = urlsplit(whole)
    if "@" in parts.netloc:
        raise ValueError(
            f"server {parts.scheme}://***@{parts.hostname}: a login does not belong into the address; use the environment "
            "or a file (docs/howto/nats.md)"
        )
    try:
        port = parts.port or PORT
    except ValueError:
        port = 0
    if parts.scheme not in ("nats", "tls") or not parts.hostname or not port or parts.path.strip("/"):
        raise ValueError(f"server {text!r} is not nats://host:port or tls://host:port")
    return Server(parts.hostname, port, parts.scheme == "tls")


def parse_servers(texts: str | Sequence[str]) -> list[Server]:
    """One or several, a text may hold several between commas.

    Raises:
        ValueError: one is not an address, or there is none.
    """
    pieces = [texts] if isinstance(texts, str) else list(texts)
    found = [parse_server(one) for piece in pieces for one in piece.split(",") if one.strip()]
    if not found:
        raise ValueError("no NATS server is named")
    return list(dict.fromkeys(found))
