"""Who may do what: roles, what follows from being an actor, and which operation needs which. Pure.

    subscribe   hear topics, all or those that start so, and fetch from a journal what of them was lost
    query       ask hubs, persistence and journals; look at actors
    publish     push to a receiver
    admin       everything, the operations that change something included

Actors have a role of their own: each hears everybody, asks everybody, and may do at others what its kind is for.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

ROLES: Final = ("publish", "subscribe", "query", "admin")
ACTOR: Final = "actor"
"""Role of every process of the topology; what it may do follows from its kind."""
_BOOKKEEPING: Final = ("beat.", "mark.")
"""Heartbeats and marks: whoever hears anything needs them to notice what is missing."""

CTL: Final = "ctl"
QUERY: Final = "query"
INGEST: Final = "ingest"

_EVERYBODYS: Final = frozenset(("ping", "status"))
_LOOKS: Final = frozenset(("last", "connections", "sources", "rest", "backfills", "bars"))
"""Operations of `ctl` that change nothing."""
_DEEDS_AT_QUERY: Final = frozenset(("clear", "clear_all"))
_OF_ACTORS: Final = frozenset(("ack",))
"""Operations of `query` that only actors have: an acknowledgement lets a journal forget."""
_ADMINISTRATORS: Final = frozenset(("gateway", "guardian", "notifier"))
"""Kinds of actors that do what people ask of them."""
_DEEDS_OF: Final = {"hub": frozenset(("snap",))}
"""Kind of an actor to the operations of `ctl` that it needs and that change something."""


class Grant(NamedTuple):
    """Whose a key is, and what it may do."""

    name: str
    roles: frozenset[str]
    topics: tuple[str, ...] = ()
    """Prefixes that it may subscribe to; none: all."""

    @property
    def is_actor(self) -> bool:
        """Whether it is a process of the topology."""
        return ACTOR in self.roles

    @property
    def is_admin(self) -> bool:
        """Whether it may do everything."""
        return "admin" in self.roles or (self.is_actor and self._kind in _ADMINISTRATORS)

    @property
    def _kind(self) -> str:
        return self.name.partition(".")[0]

    def may_subscribe(self, prefix: str) -> bool:
        """Whether it may hear all topics that start so."""
        if self.is_actor or self.is_admin:
            return True
        if "subscribe" not in self.roles:
            return False
        return not self.topics or prefix.startswith((*self.topics, *_BOOKKEEPING))

    def may_ask(self, purpose: str, op: str, prefixes: Sequence[str] = ()) -> bool:
        """Whether it may ask for an operation.

        Args:
            purpose: Of the address: ctl, query or ingest.
            op: The operation.
            prefixes: Of a `fetch`: topics that it asks for; none: all.
        """
        if self.is_admin:
            return True
        if purpose == INGEST:
            return op == "ping" or "publish" in self.roles
        if purpose == CTL:
            return op in _EVERYBODYS or (op in _LOOKS and self._asks) or op in _DEEDS_OF.get(self._deeds, ())
        if purpose == QUERY and self.is_actor:
            return op not in _DEEDS_AT_QUERY
        if purpose != QUERY or op in _DEEDS_AT_QUERY or op in _OF_ACTORS:
            return False
        if op == "fetch":
            return all(self.may_subscribe(prefix) for prefix in (prefixes or ("",)))
        if op in ("journal_status", "endpoints", "ping"):
            return bool(self.roles & {"query", "subscribe"}) or op == "ping"
        if op == "tail" and "subscribe" in self.roles:
            return True
        return self._asks

    @property
    def _asks(self) -> bool:
        return self.is_actor or "query" in self.roles

    @property
    def _deeds(self) -> str:
        return self._kind if self.is_actor else ""
