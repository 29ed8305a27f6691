"""What is missing between two records of a publisher, and how sure that is. Pure.

The key of everything is (publisher, epoch, seq). Within an epoch numbers have no holes. Each epoch begins with an
EPOCH record (and every heartbeat repeats it) that says where the epoch before ended in the journal: whoever was
somewhere else by then has missed records, or has some that the journal lost.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple

from protocol.codec import decode_events
from protocol.errors import FrameError
from protocol.messages import Beat, Epoch, Gap
from protocol.record import Frame, RecordKind
from protocol.replay import Position

END_UNKNOWN: Final = "where the epoch ended is not known"
END_GONE: Final = "the journal has lost the end of the epoch"
EPOCH_GONE: Final = "the epoch is gone"
NEVER_STORED: Final = "the journal never had it"
NOT_ANSWERED: Final = "the journal server does not answer"
LOST_ON_BUS: Final = "lost on the bus"
LEFT_OUT: Final = "the journal server left it out"
UNREADABLE: Final = "the journal server gave something else for it"
SET_BACK: Final = "its publisher does not know this epoch: its journal or its clock was set back"


class Hole(NamedTuple):
    """Records of a publisher that nobody can have any more."""

    publisher: str
    epoch: int
    first_seq: int
    last_seq: int
    """0: up to the end of that epoch, wherever that was, and all of any epoch before the next record."""
    reason: str


class Orphans(NamedTuple):
    """Records we applied that their publisher's journal lost in a power cut: kept here, unknown there."""

    publisher: str
    epoch: int
    first_seq: int
    last_seq: int


class Seen(NamedTuple):
    """What else is known of the epoch that we are in."""

    heard: Mapping[int, int]
    """Highest number that was seen or told of live, by epoch."""
    next_epoch: int
    """The journal has said that nothing lies between our epoch and this one; 0: it has not."""


def prev_of(frame: Frame) -> Position | None:
    """Where the epoch before ended, as an EPOCH record or a heartbeat says; (0, 0): there was none. None: not said."""
    if frame.kind not in (RecordKind.EPOCH, RecordKind.HEARTBEAT):
        return None
    try:
        said = decode_events(frame)[0]
    except (FrameError, IndexError):
        return None
    return Position(said.prev_epoch, said.prev_last_seq) if isinstance(said, Epoch | Beat) else None


def missing_between(
    publisher: str, have: Position, to: Position, prev: Position | None, seen: Seen, reason: str
) -> list[Hole | Orphans]:
    """What lies between the last record applied and a later position, in order.

    Args:
        publisher: Whose.
        have: Everything up to here was applied; epoch 0: nothing was, and nothing before `to.epoch` is missed.
        to: Everything up to here will not come.
        prev: Where the epoch before `to.epoch` ended, None if that is not known.
        seen: What else is known of `have.epoch`.
        reason: Why what is known to be missing is.
    """
    if to.epoch == have.epoch:
        return [Hole(publisher, have.epoch, have.seq + 1, to.seq, reason)] if to.seq > have.seq else []
    found = _rest_of_epoch(publisher, have, to.epoch, prev, seen) if have.epoch else []
    told = {hole.epoch for hole in found if not hole.last_seq or hole.epoch > have.epoch}
    if have.epoch and not told:
        between = sorted(epoch for epoch in seen.heard if have.epoch < epoch < to.epoch)
        found += [Hole(publisher, epoch, 1, seen.heard[epoch], NEVER_STORED) for epoch in between]
    if to.seq:
        found.append(Hole(publisher, to.epoch, 1, to.seq, reason))
    return found


def _rest_of_epoch(
    publisher: str, have: Position, to_epoch: int, prev: Position | None, seen: Seen
) -> list[Hole | Orphans]:
    """What is missing of the epoch that is left, and of those between it and the next one."""
    epoch, seq = have
    found: list[Hole | Orphans] = []
    heard_seq = seen.heard.get(epoch, 0)
    is_known = 0 < prev.epoch <= epoch if prev else seen.next_epoch == to_epoch
    if not is_known:
        found.append(Hole(publisher, epoch, seq + 1, 0, END_UNKNOWN))
        if prev and prev.epoch > epoch and prev.seq:
            found.append(Hole(publisher, prev.epoch, 1, prev.seq, EPOCH_GONE))
        return found
    end_seq = seq if prev is None else prev.seq if prev.epoch == epoch else 0
    if end_seq < seq:
        found.append(Orphans(publisher, epoch, end_seq + 1, seq))
    if end_seq > seq:
        found.append(Hole(publisher, epoch, seq + 1, max(end_seq, heard_seq), END_GONE))
    elif heard_seq > seq:
        found.append(Hole(publisher, epoch, seq + 1, heard_seq, NEVER_STORED))
    return found


def bus_gap(hole: Hole, mark: str, venue: str, symbol: str, kind: str, event_ns: int) -> Gap:
    """The gap ledger's entry of records that were lost between a publisher and who heard it.

    Args:
        hole: What was lost.
        mark: Who missed it, for the id: two that miss the same have an entry each.
        venue: Whose messages may have been among them.
        symbol: The same.
        kind: The same.
        event_ns: Newest event before.
    """
    last = hole.last_seq or "the end"
    return Gap(
        gap_id=f"{hole.publisher}-{hole.epoch}-{mark}{hole.first_seq}-{symbol}",
        venue=venue,
        symbol=symbol,
        kind=kind,
        from_id=0,
        to_id=0,
        from_ts_ns=event_ns,
        to_ts_ns=event_ns,
        cause="bus_drop",
        state="unfillable",
        reason=f"records {hole.first_seq} to {last} of {hole.publisher}/{hole.epoch}: {hole.reason}",
    )
