"""Who is who: tokens, and what each may do. Pure, time is an argument."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final, NamedTuple

from actors.gateway.edge.settings import TokenSettings

MIN_LENGTH: Final = 32


class Caller(NamedTuple):
    """Whose request it is."""

    name: str
    """Of the token; empty: nobody has to show one."""
    scopes: frozenset[str]
    source: str = ""
    """What it pushes is of venue `push.<source>`; empty: it may not push, or names its source itself."""
    peer: str = ""
    """Address it comes from."""

    def may(self, scope: str) -> bool:
        """Whether it has a scope."""
        return scope in self.scopes


EVERYBODY: Final = Caller("", frozenset(("read", "push", "admin")))
"""Who comes where no token is configured: on loopback only."""


class Tokens:
    """All tokens, without `faults`; truthy if there is any."""

    def __init__(self, settings: Mapping[str, TokenSettings]) -> None:
        self._known: list[tuple[bytes, int, Caller]] = []
        for name, one in settings.items():
            digest = bytes.fromhex(one.sha256) if one.sha256 else hashlib.sha256(one.token.encode()).digest()
            scopes = {*one.scopes, "read"} if "admin" in one.scopes else set(one.scopes)
            self._known.append(
                (digest, _expires_ns(one.expires), Caller(name, frozenset(scopes), one.source))
            )

    def __bool__(self) -> bool:
        return bool(self._known)

    def find(self, token: str, now_ns: int) -> Caller | None:
        """Whose token it is; None: nobody's, or it has expired. Takes as long whichever it is."""
        digest = hashlib.sha256(token.encode("utf-8", "surrogateescape")).digest()
        found = None
        for known, expires_ns, caller in self._known:
            if hmac.compare_digest(known, digest) and (not expires_ns or now_ns < expires_ns):
                found = caller
        return found


def faults(settings: Mapping[str, TokenSettings]) -> list[str]:
    """Every mistake of every token; names them, never shows them."""
    return [f"edge.tokens.{name}: {fault}" for name, one in settings.items() for fault in _faults(one)]


def _faults(one: TokenSettings) -> list[str]:
    found = []
    if bool(one.token) == bool(one.sha256):
        found.append("give it a token or its sha256, not both and not neither")
    if one.token and len(one.token) < MIN_LENGTH:
        found.append(f"a token has {MIN_LENGTH} characters at least; `tapehub token` makes one")
    if one.sha256:
        try:
            is_digest = len(bytes.fromhex(one.sha256)) == hashlib.sha256().digest_size
        except ValueError:
            is_digest = False
        if not is_digest:
            found.append("sha256 is not 64 digits of hex")
    if not one.scopes:
        found.append("scopes is empty: it may do nothing")
    try:
        _expires_ns(one.expires)
    except ValueError:
        found.append(f"expires: {one.expires!r} is not like 2027-01-31 or 2027-01-31T12:00")
    return found


def _expires_ns(text: str) -> int:
    if not text:
        return 0
    moment = datetime.fromisoformat(text)
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return round(moment.timestamp()) * 1_000_000_000
