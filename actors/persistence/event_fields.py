"""Which columns a stored message is made of, and the message's fields in their order. Pure.

A number that is NULL is NaN; a column of JSON text comes back as what it was written from, floats bit by bit.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import msgspec

from actors.persistence.reader import Instrument, Row

NOT_KNOWN: Final = float("nan")
_json: Final = msgspec.json.Decoder().decode
_numbers: Final = msgspec.json.Decoder(dict[str, float | None]).decode

COLUMNS: Final[dict[str, tuple[str, ...]]] = {
    "trade": ("ts_event_ns", "ts_recv_ns", "price", "size", "side", "trade_id", "trade_ref", "count"),
    "quote": ("ts_event_ns", "ts_recv_ns", "bid", "ask", "bid_size", "ask_size", "update_id"),
    "gap": (
        "gap_id", "kind", "from_id", "to_id", "from_ts_ns", "to_ts_ns", "cause", "state", "filled_by", "count",
        "reason",
    ),
    "feature": (
        "timeframe", "ts_open_ns", "ts_event_ns", "is_ready", "values_json", "revision", "coverage",
    ),
    "flow": (
        "window_s", "ts_event_ns", "is_complete", "values_json", "coverage", "reason", "inferred_share",
    ),
    "footprint": (
        "timeframe", "ts_open_ns", "ts_event_ns", "price_step", "prices_json", "buy_volumes_json",
        "sell_volumes_json", "unknown_volumes_json", "volume", "delta", "poc", "value_area_low", "value_area_high",
        "count", "status", "coverage", "revision",
    ),
    "alert": ("rule", "severity", "ts_event_ns", "text", "values_json"),
    "signal": (
        "strategy", "ts_event_ns", "side", "entry", "stop", "target", "confidence", "inputs_json", "timeframe",
        "signal_id", "revision", "state", "ts_opened_ns", "ts_expires_ns", "score", "reasons_json", "text", "exit_price",
    ),
    "liquidation": ("ts_event_ns", "ts_recv_ns", "price", "size", "side"),
    "sweep": (
        "ts_event_ns", "ts_first_ns", "side", "first_price", "last_price", "levels", "size", "notional", "vwap",
        "count", "is_inferred",
    ),
    "verdict": (
        "ts_event_ns", "timeframe", "ts_open_ns", "provider", "verdict", "reasons_json", "open", "high", "low", "close",
        "volume",
    ),
    "news": ("source", "news_id", "ts_event_ns", "ts_recv_ns", "title", "url", "symbols_json"),
}  # fmt: skip
"""Kind to the columns a message is made of."""


def known(value: float | None) -> float:
    """A number of the database; NULL is NaN."""
    return NOT_KNOWN if value is None else value


def fields_of(kind: str, instrument: Instrument, row: Row) -> tuple[Any, ...]:
    """A message's fields, made of a row that begins with the columns of its kind."""
    return _MAKERS[kind](instrument, row)


def _trade(one: Instrument, row: Row) -> tuple[Any, ...]:
    trade_id = _id_of(row[5], row[6]) if row[6] else row[5]
    return one.symbol, one.venue, row[0], row[1], known(row[2]), known(row[3]), row[4], trade_id, row[7]


def _id_of(trade_id: int, ref: str) -> int | str:
    """A trade's id as its venue gave it; `#...` stands for none."""
    return trade_id if ref.startswith("#") else ref


def _quote(one: Instrument, row: Row) -> tuple[Any, ...]:
    return one.symbol, one.venue, row[0], row[1], *map(known, row[2:6]), row[6]


def _gap(one: Instrument, row: Row) -> tuple[Any, ...]:
    return row[0], one.venue, one.symbol, *row[1:11]


def _feature(one: Instrument, row: Row) -> tuple[Any, ...]:
    return one.symbol, one.venue, *row[:3], bool(row[3]), _values(row[4]), row[5], known(row[6])


def _flow(one: Instrument, row: Row) -> tuple[Any, ...]:
    return (
        one.symbol, one.venue, known(row[0]), row[1], bool(row[2]), _values(row[3]), known(row[4]), row[5],
        known(row[6]),
    )  # fmt: skip


def _footprint(one: Instrument, row: Row) -> tuple[Any, ...]:
    return (
        one.symbol, one.venue, *row[:3], known(row[3]), *map(_json, row[4:8]), *map(known, row[8:13]), row[13], row[14],
        known(row[15]), row[16],
    )  # fmt: skip


def _alert(one: Instrument, row: Row) -> tuple[Any, ...]:
    return one.symbol, one.venue, *row[:4], _values(row[4])


def _signal(one: Instrument, row: Row) -> tuple[Any, ...]:
    return (
        one.symbol, *row[:3], *map(known, row[3:7]), _values(row[7]), one.venue, *row[8:14], known(row[14]),
        _json(row[15]), row[16], known(row[17]),
    )  # fmt: skip


def _liquidation(one: Instrument, row: Row) -> tuple[Any, ...]:
    return one.symbol, one.venue, row[0], row[1], known(row[2]), known(row[3]), row[4]


def _sweep(one: Instrument, row: Row) -> tuple[Any, ...]:
    return (
        one.symbol, one.venue, *row[:3], known(row[3]), known(row[4]), row[5], *map(known, row[6:9]), row[9],
        bool(row[10]),
    )  # fmt: skip


def _verdict(one: Instrument, row: Row) -> tuple[Any, ...]:
    return one.symbol, one.venue, *row[:5], _json(row[5]), *map(known, row[6:11])


def _news(_one: Instrument, row: Row) -> tuple[Any, ...]:
    return *row[:6], _json(row[6])


def _values(text: str) -> dict[str, float]:
    return {name: known(value) for name, value in _numbers(text).items()}


_MAKERS: Final[dict[str, Callable[[Instrument, Row], tuple[Any, ...]]]] = {
    "trade": _trade,
    "quote": _quote,
    "gap": _gap,
    "feature": _feature,
    "flow": _flow,
    "footprint": _footprint,
    "alert": _alert,
    "signal": _signal,
    "liquidation": _liquidation,
    "sweep": _sweep,
    "verdict": _verdict,
    "news": _news,
}
