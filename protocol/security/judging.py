"""Whether a peer may have what it asks for, before any of it is decoded: its key, how often, which operation. Pure."""

from __future__ import annotations

import collections
from typing import Final

import msgspec

from protocol.errors import DECODE_ERRORS, HubError, InvalidRequest, Overloaded, Unauthorized
from protocol.security.keyring import Keyring
from protocol.security.limits import Limits
from protocol.security.rates import Rates
from protocol.security.roles import Grant

MOST_NOTES: Final = 1000
_REFUSALS_PER_S: Final = 10.0
"""Answers that say "too often" to one key; what is above gets none."""
_MOST_KNOWN: Final = 10_000

Note = tuple[str, str]
"""(reason, what happened), for the log."""
Refusal = tuple[int, HubError]
"""Id of a request and what to answer to it; id -1: nothing."""


class _Head(msgspec.Struct):
    """What is read of a request before it is known whether its asker may ask it."""

    op: str = ""
    id: int = 0


class _Prefixes(msgspec.Struct, frozen=True):
    prefixes: list[str] = []


class _Fetch(msgspec.Struct, frozen=True):
    args: _Prefixes = _Prefixes()


_head: Final = msgspec.msgpack.Decoder(_Head).decode
_fetch: Final = msgspec.msgpack.Decoder(_Fetch).decode


class Judge:
    """Judges requests and subscriptions of peers with a key.

    Args:
        keyring: Who is who.
        limits: For each key.
    """

    def __init__(self, keyring: Keyring, limits: Limits) -> None:
        self.limits = limits
        self.notes: collections.deque[Note] = collections.deque(maxlen=MOST_NOTES)
        """Refusals that nobody has logged yet."""
        self._keyring = keyring
        self._rates = Rates(limits.requests_per_s, limits.request_burst)
        self._refusals = Rates(_REFUSALS_PER_S, _REFUSALS_PER_S)
        self._may: dict[tuple[str, str, str], bool] = {}
        self._may_of: object = None
        """Snapshot of the keys that `_may` was found with."""

    def request(self, purpose: str, key: str, body: bytes, mono_ns: int) -> Refusal | None:
        """What to answer to a request instead of what it asks for; None: it may.

        Args:
            purpose: Of the address: ctl, query or ingest.
            key: Public key of the peer.
            body: The request as it came.
            mono_ns: Monotonic clock.
        """
        grant = self._keyring.find(key)
        if grant is None:
            self.notes.append(("auth_revoked", f"a request with a key that is no longer valid: {key}"))
            return 0, Unauthorized("this key is no longer valid")
        if not self._rates.take(grant.name, mono_ns):
            return self._too_often(grant, body, mono_ns)
        try:
            head = _head(body)
        except DECODE_ERRORS as fault:
            return 0, InvalidRequest(f"not a request: {fault}", errors=[str(fault)])
        if self._may_ask(grant, purpose, key, head.op, body):
            return None
        what = f"{grant.name} may not {head.op[:40]!r} at {purpose}: it has {_roles_of(grant)}"
        self.notes.append(("auth_role", what))
        return head.id, Unauthorized(f"the key of {what}", op=head.op[:40], purpose=purpose)

    def subscription(self, key: str, prefix: bytes) -> Grant | None:
        """Who may have this subscription; None: its peer may not."""
        grant = self._keyring.find(key)
        if grant is None:
            self.notes.append(("auth_revoked", f"a subscription with a key that is no longer valid: {key}"))
            return None
        text = prefix.rstrip(b"\x00").decode("utf-8", "replace")
        if not grant.may_subscribe(text):
            what = f"{grant.name} may not subscribe to {text[:80]!r}: it has {_roles_of(grant)}"
            self.notes.append(("auth_topic", what))
            return None
        return grant

    def _may_ask(self, grant: Grant, purpose: str, key: str, op: str, body: bytes) -> bool:
        if op == "fetch" and grant.topics:
            return grant.may_ask(purpose, op, _prefixes_of(body))
        if self._may_of is not self._keyring.now:
            self._may, self._may_of = {}, self._keyring.now
        found = self._may.get((key, purpose, op))
        if found is None:
            found = grant.may_ask(purpose, op)
            if len(self._may) < _MOST_KNOWN:  # operations are a stranger's words
                self._may[key, purpose, op] = found
        return found

    def _too_often(self, grant: Grant, body: bytes, mono_ns: int) -> Refusal:
        per_s = self.limits.requests_per_s
        self.notes.append(("auth_rate", f"{grant.name} asks more than {per_s:g} times a second"))
        busy = Overloaded(f"more than {per_s:g} requests a second of one key", retry_after_s=0.1)
        if not self._refusals.take(grant.name, mono_ns):
            return -1, busy
        try:
            return _head(body).id, busy
        except DECODE_ERRORS:
            return -1, busy


def taken(notes: collections.deque[Note]) -> list[Note]:
    """Everything in a queue that another thread may be filling."""
    return [notes.popleft() for _ in range(len(notes))]


def _prefixes_of(body: bytes) -> list[str]:
    """Topics of a `fetch`; none, which means all, where they cannot be read."""
    try:
        return _fetch(body).args.prefixes
    except DECODE_ERRORS:
        return []


def _roles_of(grant: Grant) -> str:
    topics = f" of {', '.join(grant.topics)}" if grant.topics else ""
    return f"{', '.join(sorted(grant.roles)) or 'no role'}{topics}"
