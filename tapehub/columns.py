"""Which columns each kind of row shows on a terminal, and how wide. Pure.

Widths are minimums: nothing is ever cut, a long value pushes its line to the right.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple

from tapehub.durations import NS_PER_S, format_clock
from tapehub.rows import Row


class Column(NamedTuple):
    """One column of a table."""

    title: str
    width: int
    """At least so wide; negative: aligned to the right."""
    text: Callable[[Row], str]

    def cell(self, text: str) -> str:
        """The text padded to the column's width."""
        return text.ljust(self.width) if self.width >= 0 else text.rjust(-self.width)


def number_text(value: Any) -> str:
    """A number with 12 significant digits at most (the noise of sums is behind them), without exponent and
    without needless zeros; `-` for none, other values as they are.
    """
    if value is None:
        return "-"
    if not isinstance(value, float):
        return str(value)
    text = f"{value:.12g}"
    return text if "e" not in text else _without_exponent(value)


def _without_exponent(value: float) -> str:
    return f"{value:.18f}".rstrip("0").rstrip(".")


def lag_text(row: Row) -> str:
    """From our socket to here, or from publication to here for what no venue sent."""
    lag_ms = row.get("lag_here_ms", 0.0) + row.get("lag_pub_ms", 0.0)
    return f"{lag_ms:.2f}ms"


def details_text(row: Row) -> str:
    """Every field of its own as `name=value`: for kinds without columns of their own."""
    skipped = _HEADER | _COMMON
    return " ".join(f"{name}={_short(value)}" for name, value in row.items() if name not in skipped)


def _short(value: Any) -> str:
    if isinstance(value, float):
        return number_text(value)
    if isinstance(value, list) and len(value) > 4 and isinstance(value[0], list | tuple):
        return f"[{len(value)} levels]"
    if isinstance(value, str) and (" " in value or not value):
        return f'"{value}"'
    return str(value)


def _field(name: str) -> Callable[[Row], str]:
    return lambda row: number_text(row.get(name))


def _value(name: str) -> Callable[[Row], str]:
    return lambda row: number_text((row.get("values") or {}).get(name))


def _values_text(values: dict[str, Any]) -> str:
    return " ".join(f"{name}={number_text(value)}" for name, value in values.items())


def _window_text(length_s: float | None) -> str:
    return "session" if length_s == 0 else f"{number_text(length_s)}s"


def _time(row: Row) -> str:
    return format_clock(row.get("ts_event_ns") or row.get("ts_pub_ns", 0))


def _opened(row: Row) -> str:
    """Open time with its day: it may be long ago."""
    opened = datetime.fromtimestamp(row.get("ts_open_ns", 0) // NS_PER_S, UTC)
    return f"{opened:%Y-%m-%dT%H:%M:%SZ}"


def _level(side: str) -> Callable[[Row], str]:
    def text(row: Row) -> str:
        levels = row.get(side) or []
        if not levels:
            return "-"
        if row.get("is_snapshot"):
            return f"{number_text(levels[0][0])} x{len(levels)}"
        return f"{len(levels)} changed"

    return text


_HEADER: Final = frozenset(
    {"publisher", "epoch", "seq", "topic_seq", "ts_pub_ns", "lag_here_ms", "lag_venue_ms", "lag_pub_ms"}
)
_COMMON: Final = frozenset({"topic", "type", "symbol", "venue", "ts_event_ns", "ts_recv_ns"})

TIME: Final = Column("TIME", 15, _time)
SYMBOL: Final = Column("SYMBOL", 14, _field("symbol"))
VENUE: Final = Column("VENUE", 8, _field("venue"))
LAG: Final = Column("LAG", -9, lag_text)

_BY_KIND: Final[dict[str, tuple[Column, ...]]] = {
    "trade": (
        Column("SIDE", 4, _field("side")),
        Column("PRICE", -12, _field("price")),
        Column("SIZE", -12, _field("size")),
        Column("ID", -12, _field("trade_id")),
    ),
    "quote": (
        Column("BID", -12, _field("bid")),
        Column("BID_SIZE", -10, _field("bid_size")),
        Column("ASK", -12, _field("ask")),
        Column("ASK_SIZE", -10, _field("ask_size")),
    ),
    "book": (
        Column("WHAT", 8, lambda row: "snapshot" if row.get("is_snapshot") else "delta"),
        Column("BIDS", -14, _level("bids")),
        Column("ASKS", -14, _level("asks")),
        Column("UPDATE", -14, _field("last_update_id")),
    ),
    "liquidation": (
        Column("SIDE", 4, _field("side")),
        Column("PRICE", -12, _field("price")),
        Column("SIZE", -12, _field("size")),
    ),
    "bar": (
        Column("TF", 3, _field("timeframe")),
        Column("OPENED", 8, lambda row: format_clock(row.get("ts_open_ns", 0))[:8]),
        Column("OPEN", -10, _field("open")),
        Column("HIGH", -10, _field("high")),
        Column("LOW", -10, _field("low")),
        Column("CLOSE", -10, _field("close")),
        Column("VOLUME", -10, _field("volume")),
        Column("COUNT", -6, _field("count")),
        Column("STATUS", 6, _field("status")),
        Column("REV", -3, _field("revision")),
        Column("SOURCE", 6, _field("source")),
    ),
    "feature": (
        Column("TF", 3, _field("timeframe")),
        Column("OPENED", 8, lambda row: format_clock(row.get("ts_open_ns", 0))[:8]),
        Column("REV", -3, _field("revision")),
        Column("READY", 5, lambda row: "yes" if row.get("is_ready") else "no"),
        Column("VALUES", 0, lambda row: _values_text(row.get("values") or {})),
    ),
    "flow": (
        Column("WINDOW", -7, lambda row: _window_text(row.get("window_s"))),
        *(
            Column(title, -12, _value(name))
            for title, name in (("OFI", "ofi"), ("DELTA", "delta"), ("CVD", "cvd"), ("VWAP", "vwap"))
        ),
        Column("IMBALANCE", -9, _value("book_imbalance")),
        Column("TRADES", -6, _value("count")),
        Column("COVERAGE", -8, _field("coverage")),
        Column("REASON", 12, _field("reason")),
    ),
    "footprint": (
        Column("TF", 7, _field("timeframe")),
        Column("OPENED", 8, lambda row: format_clock(row.get("ts_open_ns", 0))[:8]),
        Column("VOLUME", -12, _field("volume")),
        Column("DELTA", -12, _field("delta")),
        Column("POC", -10, _field("poc")),
        Column("VALUE_LOW", -10, _field("value_area_low")),
        Column("VALUE_HIGH", -10, _field("value_area_high")),
        Column("BUCKETS", -7, lambda row: str(len(row.get("prices") or ()))),
        Column("COUNT", -6, _field("count")),
        Column("STATUS", 6, _field("status")),
        Column("REV", -3, _field("revision")),
    ),
    "sweep": (
        Column("SIDE", 4, _field("side")),
        Column("LEVELS", -6, _field("levels")),
        Column("FIRST", -10, _field("first_price")),
        Column("LAST", -10, _field("last_price")),
        Column("SIZE", -12, _field("size")),
        Column("NOTIONAL", -14, _field("notional")),
        Column("TRADES", -6, _field("count")),
    ),
    "verdict": (
        Column("TF", 3, _field("timeframe")),
        Column("OPENED", 20, _opened),
        Column("PROVIDER", 12, _field("provider")),
        Column("VERDICT", 10, _field("verdict")),
        *(Column(name.upper(), -10, _field(name)) for name in ("open", "high", "low", "close")),
        Column("REASONS", 0, lambda row: "; ".join(row.get("reasons") or ())),
    ),
    "signal": (
        Column("STATE", 9, _field("state")),
        Column("STRATEGY", 14, _field("strategy")),
        Column("SIDE", 4, _field("side")),
        *(
            Column(name.upper(), -10, _field(name))
            for name in ("entry", "stop", "target", "confidence", "score")
        ),
    ),
    "alert": (
        Column("RULE", 18, _field("rule")),
        Column("SEVERITY", 8, _field("severity")),
        Column("TEXT", 0, _field("text")),
    ),
    "gap": (
        Column("OF", 5, _field("kind")),
        Column("STATE", 10, _field("state")),
        Column("CAUSE", 11, _field("cause")),
        Column("FROM_ID", -12, _field("from_id")),
        Column("TO_ID", -12, _field("to_id")),
        Column("REASON", 0, _field("reason")),
    ),
}
_MIXED: Final = (
    TIME,
    Column("TOPIC", 32, _field("topic")),
    LAG,
    Column("DETAILS", 0, details_text),
)


def columns_for(kind: str) -> Sequence[Column]:
    """Columns of one kind of message, or those that fit any kind."""
    own = _BY_KIND.get(kind)
    if own is None:
        return _MIXED
    return (TIME, SYMBOL, VENUE, *own, LAG)


def field_columns(fields: Sequence[str]) -> Sequence[Column]:
    """One column per named field, in that order; dots reach into maps."""
    return tuple(Column(name.upper(), max(len(name), 12), _path(name)) for name in fields)


def _path(name: str) -> Callable[[Row], str]:
    return lambda row: number_text(field_value(row, name))


def field_value(row: Row, name: str) -> Any:
    """Value of a field, `values.rsi` reaching into a map; None if there is none."""
    value: Any = row
    for part in name.split("."):
        value = value.get(part) if isinstance(value, dict) else None
    return value
