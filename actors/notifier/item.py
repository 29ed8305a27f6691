"""A message on its way in, and one on its way out. Pure."""

from __future__ import annotations

import hashlib
from typing import Final, NamedTuple

OPEN_STATES: Final = ("pending", "sending")
"""Not done with."""


class Draft(NamedTuple):
    """A message to one target that the outbox may take."""

    key: str
    """Names it for ever: a second one of the same key is the same message."""
    channel: str
    target: str
    kind: str
    subject: str
    revision: int
    dedup: str
    dedup_ns: int
    """An equal one of the same target so close before this one in venue time makes it needless; 0: never."""
    title: str
    body: str
    payload: str
    """JSON, for programs."""
    is_silent: bool
    ts_event_ns: int
    created_ns: int


class Item(NamedTuple):
    """A message of the outbox that is to be sent."""

    id: int
    key: str
    target: str
    kind: str
    subject: str
    revision: int
    title: str
    body: str
    payload: str
    is_silent: bool
    is_plain: bool
    created_ns: int
    state: str
    attempts: int
    low_id: int
    """Of a doubt: the highest id the chat had before the first attempt."""
    probe_id: int
    """Of a doubt: the id of the message that marks the end of where to look."""
    edit_of: int = 0
    """Message to change; 0: a new one."""
    is_orphan: bool = False
    """An earlier revision was never sent to this target: so is this one."""

    @property
    def is_in_doubt(self) -> bool:
        """Whether it may have arrived already."""
        return self.state == "sending"


class Receipt(NamedTuple):
    """It has arrived."""

    message_id: int = 0
    """The other side's number; 0: it has none."""
    litter: tuple[int, ...] = ()
    """Messages of ours that must go now."""
    suspect_id: int = 0
    """Behind this number the message may yet arrive a second time."""


def key_of(target: str, kind: str, subject: str, revision: int) -> str:
    """The idempotency key of a message: the same whoever makes it, and however often."""
    text = "\x00".join((target, kind, subject, str(revision)))
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:40]
