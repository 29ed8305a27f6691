"""From a frame to rows: decoded once, a tuple per event in the order of its table's columns. Pure.

Ids come from a `Catalogue`, so the tuples go to the driver as they are. What cannot be decoded becomes a dead
letter and never an exception: the position moves on, the rest is kept.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any, Final, NamedTuple

from actors.persistence import derived_rows
from actors.persistence.catalogue import Catalogue
from actors.persistence.derived_rows import as_json
from actors.persistence.tables import DEFAULT_KINDS, STORED, Row
from protocol.codec import decode_events
from protocol.errors import PayloadError
from protocol.messages import (
    MESSAGE_TYPES,
    Bar,
    Book,
    Gap,
    Liquidation,
    News,
    Quote,
    Trade,
)
from protocol.record import FLAG_REPAIRED, Frame

WHOLE_FRAME: Final = -1
"""`k` of a dead letter that is not one event of its frame."""
DEAD_LETTER_BYTES: Final = 4096
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


def _books(events: list[Book], frame: Frame, publisher_id: int, catalogue: Catalogue) -> list[Row]:
    return [
        (
            catalogue.instrument(one.venue, one.symbol),
            one.ts_event_ns,
            publisher_id,
            frame.epoch,
            frame.seq,
            k,
            one.ts_recv_ns,
            one.is_snapshot,
            one.first_update_id,
            one.last_update_id,
            one.prev_update_id,
            as_json(one.bids),
            as_json(one.asks),
        )
        for k, one in enumerate(events)
    ]


def _liquidations(
    events: list[Liquidation], frame: Frame, publisher_id: int, catalogue: Catalogue
) -> list[Row]:
    return [
        (
            catalogue.instrument(one.venue, one.symbol),
            one.ts_event_ns,
            publisher_id,
            frame.epoch,
            frame.seq,
            k,
            one.ts_recv_ns,
            one.price,
            one.size,
            one.side,
        )
        for k, one in enumerate(events)
    ]


def _bars(events: list[Bar], frame: Frame, publisher_id: int, catalogue: Catalogue) -> list[Row]:
    return [
        (
            catalogue.instrument(one.venue, one.symbol),
            one.timeframe,
            one.ts_open_ns,
            one.ts_event_ns,
            one.open,
            one.high,
            one.low,
            one.close,
            one.volume,
            one.buy_volume,
            one.sell_volume,
            one.vwap,
            one.count,
            one.status,
            one.coverage,
            one.revision,
            one.source,
            publisher_id,
            frame.epoch,
            frame.seq,
            k,
        )
        for k, one in enumerate(events)
        if one.revision
    ]


def _news(events: list[News], frame: Frame, publisher_id: int, _: Catalogue) -> list[Row]:
    return [
        (
            one.ts_event_ns,
            one.source,
            one.news_id,
            one.ts_recv_ns,
            one.title,
            one.url,
            as_json(one.symbols),
            publisher_id,
            frame.epoch,
            frame.seq,
            k,
        )
        for k, one in enumerate(events)
    ]


def _gaps(events: list[Gap], frame: Frame, publisher_id: int, catalogue: Catalogue) -> list[Row]:
    return [
        (
            one.gap_id,
            catalogue.instrument(one.venue, one.symbol),
            one.kind,
            one.from_id,
            one.to_id,
            one.from_ts_ns,
            one.to_ts_ns,
            one.cause,
            one.state,
            one.filled_by,
            one.count,
            one.reason,
            publisher_id,
            frame.epoch,
            frame.seq,
            k,
        )
        for k, one in enumerate(events)
    ]


_MAKERS: Final[dict[str, Callable[[list[Any], Frame, int, Catalogue], list[Row]]]] = {
    "quote": _quotes,
    "trade": _trades,
    "book": _books,
    "liquidation": _liquidations,
    "bar": _bars,
    "feature": derived_rows.features,
    "flow": derived_rows.flows,
    "footprint": derived_rows.footprints,
    "news": _news,
    "alert": derived_rows.alerts,
    "signal": derived_rows.signals,
    "sweep": derived_rows.sweeps,
    "gap": _gaps,
}
