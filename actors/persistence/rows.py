"""From a frame to rows: decoded once, a tuple per event in the order of its table's columns. Pure.

Ids come from a `Catalogue`, so the tuples go to the driver as they are. What cannot be decoded becomes a dead
letter and never an exception: the position moves on, the rest is kept.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any, Final, NamedTuple

from actors.persistence.catalogue import Catalogue
from actors.persistence.row_maker import RowMaker
from actors.persistence.tables import DEFAULT_KINDS, STORED, Row
from protocol.codec import decode_events
from protocol.errors import PayloadError
from protocol.messages import MESSAGE_TYPES, Bar, Feature, Flow, Footprint, Message, Quote, Trade
from protocol.record import FLAG_REPAIRED, Frame

WHOLE_FRAME: Final = -1
"""`k` of a dead letter that is not one event of its frame."""
DEAD_LETTER_BYTES: Final = 4096
SESSION_STEP_S: Final = 60.0
"""Of the flow since the session began that of every full minute is stored."""
_MAX_ID: Final = 2**63 - 1
_KIND_OF: Final = {kind.SCHEMA >> 8: kind.KIND for kind in MESSAGE_TYPES}


class DeadLetter(NamedTuple):
    """A frame, or one event of it, that cannot be stored; columns of `dead_letters` but for `found_ns`."""

    publisher_id: int
    epoch: int
    seq: int
    k: int
    topic: str
    schema: int
    error: str
    size_bytes: int
    payload: bytes


class Rows(NamedTuple):
    """What one frame becomes."""

    kind: str
    """Key of `tables.STORED`."""
    rows: list[Row]
    dead: DeadLetter | None = None


NOTHING: Final = Rows("", [])


def rows_of(
    frame: Frame, publisher_id: int, catalogue: Catalogue, kinds: Collection[str] = frozenset(DEFAULT_KINDS)
) -> Rows:
    """Rows of one frame; none for a kind that is not kept. What is said of a running candle (revision 0) is left
    out, and of order flow what overlaps.
    """
    kind = _KIND_OF.get(frame.schema >> 8)
    if kind is not None and kind not in kinds:
        return NOTHING
    try:
        events = decode_events(frame)
    except PayloadError as fault:
        return Rows("", [], dead_letter(frame, publisher_id, str(fault)))
    if kind is None or kind not in STORED:
        return NOTHING
    return Rows(kind, _MAKERS[kind](events, frame, publisher_id, catalogue))


def dead_letter(frame: Frame, publisher_id: int, error: str, k: int = WHOLE_FRAME) -> DeadLetter:
    """The row that tells of a frame that could not be stored."""
    return DeadLetter(
        publisher_id,
        frame.epoch,
        frame.seq,
        k,
        frame.topic,
        frame.schema,
        error[:500].replace("\x00", ""),
        frame.length,
        frame.payload[:DEAD_LETTER_BYTES],
    )


# quotes and trades are most of all rows: theirs are written out


def _quotes(events: list[Quote], frame: Frame, publisher_id: int, catalogue: Catalogue) -> list[Row]:
    epoch, seq = frame.epoch, frame.seq
    instrument = catalogue.instrument
    return [
        (
            instrument(one.venue, one.symbol),
            one.ts_event_ns,
            publisher_id,
            epoch,
            seq,
            k,
            one.ts_recv_ns,
            one.bid,
            one.ask,
            one.bid_size,
            one.ask_size,
            one.update_id,
        )
        for k, one in enumerate(events)
    ]


def _trades(events: list[Trade], frame: Frame, publisher_id: int, catalogue: Catalogue) -> list[Row]:
    epoch, seq, is_repaired = frame.epoch, frame.seq, bool(frame.flags & FLAG_REPAIRED)
    instrument = catalogue.instrument
    rows: list[Row] = []
    for k, one in enumerate(events):
        trade_id, trade_ref = one.trade_id, ""
        if trade_id.__class__ is not int or not 0 < trade_id <= _MAX_ID:
            trade_id, trade_ref = 0, str(trade_id or f"#{epoch}.{seq}.{k}")
        rows.append(
            (
                instrument(one.venue, one.symbol),
                one.ts_event_ns,
                trade_id,
                trade_ref,
                one.ts_recv_ns,
                one.price,
                one.size,
                one.side,
                one.count,
                is_repaired,
                publisher_id,
                epoch,
                seq,
                k,
            )
        )
    return rows


def _is_closed(one: Any) -> object:
    """Whether it is about a candle that has closed."""
    return one.revision


def _is_back_to_back(flow: Flow) -> bool:
    """A window of 300 s is published every second and overlaps the one before for 299 s.

    Those that lie back to back hold each event once, the rest could only repeat them.
    """
    step_ns = round((flow.window_s or SESSION_STEP_S) * 1e9)
    return step_ns <= 0 or flow.ts_event_ns % step_ns == 0


_KEPT: Final[dict[type[Message], Callable[[Any], object]]] = {
    Bar: _is_closed,
    Feature: _is_closed,
    Footprint: _is_closed,
    Flow: _is_back_to_back,
}
"""Which messages of a type are stored, where not all of them are."""
_MAKERS: Final[dict[str, Callable[[list[Any], Frame, int, Catalogue], list[Row]]]] = {
    **{
        kind.KIND: RowMaker(kind, STORED[kind.KIND].table, _KEPT.get(kind)).rows
        for kind in MESSAGE_TYPES
        if kind.KIND in STORED
    },
    Quote.KIND: _quotes,
    Trade.KIND: _trades,
}
