"""What publishers say of themselves: heartbeats, and the marks in the stream of their records. Pure."""

from __future__ import annotations

from typing import Any, ClassVar, Final

from protocol.message import Int64, Message, TimeNs

ACTOR_STATES: Final = ("STARTING", "RUNNING", "DRAINING", "STOPPED")


class Beat(Message, array_like=True, frozen=True, gc=False):
    """Heartbeat of one actor, sent from its working loop: small each 250 ms, full each second."""

    KIND: ClassVar[str] = "beat"
    SCHEMA: ClassVar[int] = 12 << 8 | 1

    publisher: str
    epoch: Int64
    last_seq: Int64
    durable_seq: Int64
    prev_epoch: Int64
    prev_last_seq: Int64
    mono_ns: Int64
    state: str
    """STARTING, RUNNING, DRAINING, STOPPED."""
    detail: dict[str, Any] | None = None
    """Full status each second: counters, rates, lags, open gaps, memory, version; see docs/protocol.md."""


class Epoch(Message, array_like=True, frozen=True, gc=False):
    """First record of every epoch: who starts, and what it knows of the epoch before."""

    KIND: ClassVar[str] = "mark"
    SCHEMA: ClassVar[int] = 13 << 8 | 1

    publisher: str
    prev_epoch: Int64
    prev_last_seq: Int64
    is_clean: bool
    """The epoch before ended with a CLEAN_STOP."""
    boot_id: str
    host: str
    pid: Int64
    version: str


class Watermark(Message, array_like=True, frozen=True, gc=False):
    """Event time that a venue feed has reached: closes candles without a tick, and replays identically."""

    KIND: ClassVar[str] = "mark"
    SCHEMA: ClassVar[int] = 14 << 8 | 1

    publisher: str
    venue: str
    ts_event_ns: TimeNs
    """Newest event time seen plus the monotonic time since; never goes back in an epoch."""
    is_connected: bool


class CleanStop(Message, array_like=True, frozen=True, gc=False):
    """Last record of an epoch that ended in order."""

    KIND: ClassVar[str] = "mark"
    SCHEMA: ClassVar[int] = 15 << 8 | 1

    publisher: str
    last_seq: Int64


class Snap(Message, array_like=True, frozen=True, gc=False):
    """What a publisher remembers at this place of its stream: a restart goes on from the newest one."""

    KIND: ClassVar[str] = "mark"
    SCHEMA: ClassVar[int] = 16 << 8 | 1

    publisher: str
    name: str
    """What it is a memory of, one word of the publisher's own."""
    data: bytes
    """Opaque to others."""
    part: Int64 = 0
    """A long memory goes out in several records, one after the other."""
    parts: Int64 = 1
    """How many there are."""
