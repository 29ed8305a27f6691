"""Rows of messages that are made of others, in the order of their tables' columns. Pure."""

from __future__ import annotations

from typing import Final

import msgspec

from actors.persistence.catalogue import Catalogue
from actors.persistence.tables import Row
from protocol.messages import Alert, Feature, Flow, Footprint, Signal, Sweep
from protocol.record import Frame

_encode: Final = msgspec.json.Encoder().encode
SESSION_STEP_S: Final = 60.0
"""Of the flow since the session began that of every full minute is stored."""


def as_json(value: object) -> str:
    """Text of a column that holds a list or a map."""
    return _encode(value).decode()


def features(events: list[Feature], frame: Frame, publisher_id: int, catalogue: Catalogue) -> list[Row]:
    """Indicator values of closed candles; those of the running one are left out."""
    return [
        (
            catalogue.instrument(one.venue, one.symbol),
            one.timeframe,
            one.ts_open_ns,
            one.ts_event_ns,
            one.is_ready,
            as_json(one.values),
            publisher_id,
            frame.epoch,
            frame.seq,
            k,
            one.revision,
            one.coverage,
        )
        for k, one in enumerate(events)
        if one.revision
    ]


def flows(events: list[Flow], frame: Frame, publisher_id: int, catalogue: Catalogue) -> list[Row]:
    """Order flow of windows that end at a multiple of their length, a row each.

    A window of 300 s is published every second and overlaps the one before for 299 s: those that lie back to back
    hold each event once, the rest could only repeat them.
    """
    return [
        (
            catalogue.instrument(one.venue, one.symbol),
            one.ts_event_ns,
            publisher_id,
            frame.epoch,
            frame.seq,
            k,
            one.window_s,
            one.is_complete,
            as_json(one.values),
            one.coverage,
            one.reason,
            one.inferred_share,
        )
        for k, one in enumerate(events)
        if _is_back_to_back(one)
    ]


def _is_back_to_back(flow: Flow) -> bool:
    step_ns = round((flow.window_s or SESSION_STEP_S) * 1e9)
    return step_ns <= 0 or flow.ts_event_ns % step_ns == 0


def footprints(events: list[Footprint], frame: Frame, publisher_id: int, catalogue: Catalogue) -> list[Row]:
    """Footprints of closed candles; the running one is left out."""
    return [
        (
            catalogue.instrument(one.venue, one.symbol),
            one.timeframe,
            one.ts_open_ns,
            one.ts_event_ns,
            one.price_step,
            as_json(one.prices),
            as_json(one.buy_volumes),
            as_json(one.sell_volumes),
            as_json(one.unknown_volumes),
            one.volume,
            one.delta,
            one.poc,
            one.value_area_low,
            one.value_area_high,
            one.count,
            one.status,
            one.coverage,
            one.revision,
            publisher_id,
            frame.epoch,
            frame.seq,
            k,
        )
        for k, one in enumerate(events)
        if one.revision
    ]


def sweeps(events: list[Sweep], frame: Frame, publisher_id: int, catalogue: Catalogue) -> list[Row]:
    """Sweeps."""
    return [
        (
            catalogue.instrument(one.venue, one.symbol),
            one.ts_event_ns,
            publisher_id,
            frame.epoch,
            frame.seq,
            k,
            one.ts_first_ns,
            one.side,
            one.first_price,
            one.last_price,
            one.levels,
            one.size,
            one.notional,
            one.vwap,
            one.count,
            one.is_inferred,
        )
        for k, one in enumerate(events)
    ]


def alerts(events: list[Alert], frame: Frame, publisher_id: int, catalogue: Catalogue) -> list[Row]:
    """Alerts."""
    return [
        (
            catalogue.instrument(one.venue, one.symbol),
            one.ts_event_ns,
            publisher_id,
            frame.epoch,
            frame.seq,
            k,
            one.rule,
            one.severity,
            one.text,
            as_json(one.values),
        )
        for k, one in enumerate(events)
    ]


def signals(events: list[Signal], frame: Frame, publisher_id: int, catalogue: Catalogue) -> list[Row]:
    """Signals; their instrument has no venue."""
    return [
        (
            catalogue.instrument("", one.symbol),
            one.ts_event_ns,
            publisher_id,
            frame.epoch,
            frame.seq,
            k,
            one.strategy,
            one.side,
            one.entry,
            one.stop,
            one.target,
            one.confidence,
            as_json(one.inputs),
        )
        for k, one in enumerate(events)
    ]
