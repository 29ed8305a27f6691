"""Every table of the database: SQLAlchemy Core, the same for SQLite and PostgreSQL. Pure.

Times are BIGINT nanoseconds since 1970 UTC, prices and sizes double precision. A number that is no number (NaN)
is NULL in SQLite, which has none, and NaN in PostgreSQL: readers take both for "not known". Instruments and
publishers are integer keys (`instruments`, `publishers`), so that a trade is about 60 bytes.

Each row of an event says which record it came in: `publisher_id, epoch, seq` and `k`, its index in the frame.
The primary key of a table is the natural key of what it holds and begins with what range reads ask for
(instrument, time): it is the only index of most tables, and it holds the time, as a TimescaleDB hypertable demands.

    table         primary key                                           a second row of that key
    trades        instrument, ts_event_ns, trade_id, trade_ref          is refused and counted
    bars          instrument, timeframe, ts_open_ns                     wins with a later revision, or the same and no less coverage
    features      instrument, timeframe, ts_open_ns                     wins: the newest values of a candle
    footprints    instrument, timeframe, ts_open_ns                     wins with the same or a later revision
    gaps          gap_id                                                wins if it was announced later
    news          ts_event_ns, source, news_id                          is refused and counted
    quotes books liquidations flows alerts signals sweeps verdicts
                  instrument, ts_event_ns, publisher, epoch, seq, k     is refused and counted
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Double,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    SmallInteger,
    Table,
    Text,
)
from sqlalchemy.types import TypeEngine

METADATA: Final = MetaData()
Row = tuple[Any, ...]
"""Values of one row, in the order of its table's columns."""
RECORD: Final = ("publisher_id", "epoch", "seq", "k")
"""Columns that name the record, and the event in it, that a row came from."""
BY_RECORD: Final = ("instrument_id", "ts_event_ns", *RECORD)
"""Key of events that have no id of their own."""

_TYPES: Final[dict[str, type[TypeEngine[Any]]]] = {
    "int": Integer,
    "small": SmallInteger,
    "big": BigInteger,
    "float": Double,
    "bool": Boolean,
    "text": Text,
    "bytes": LargeBinary,
}


def _table(name: str, key: tuple[str, ...], columns: str, *, is_wide: bool = False) -> Table:
    """A table from `name:type` words; floats may be NULL. Wide rows are kept out of SQLite's key tree."""
    made: list[Column[Any]] = []
    for word in columns.split():
        column, _, kind = word.partition(":")
        is_key = column in key
        made.append(
            Column(
                column,
                _TYPES[kind],
                primary_key=is_key,
                autoincrement=False,
                nullable=kind == "float" and not is_key,
            )
        )
    table = Table(name, METADATA, *made, sqlite_with_rowid=is_wide)
    if tuple(column.name for column in table.primary_key.columns) != key:
        raise ValueError(f"table {name}: the columns of the key stand in another order than {key}")
    return table


_RECORD: Final = "publisher_id:int epoch:big seq:big k:int"
_AT: Final = f"instrument_id:int ts_event_ns:big {_RECORD}"

instruments: Final = _table("instruments", ("id",), "id:int venue:text symbol:text", is_wide=True)
Index("instruments_venue_symbol", instruments.c.venue, instruments.c.symbol, unique=True)
publishers: Final = _table("publishers", ("id",), "id:int name:text", is_wide=True)
Index("publishers_name", publishers.c.name, unique=True)

quotes: Final = _table(
    "quotes",
    BY_RECORD,
    f"{_AT} ts_recv_ns:big bid:float ask:float bid_size:float ask_size:float update_id:big",
)
trades: Final = _table(
    "trades",
    ("instrument_id", "ts_event_ns", "trade_id", "trade_ref"),
    "instrument_id:int ts_event_ns:big trade_id:big trade_ref:text ts_recv_ns:big price:float size:float "
    f"side:small count:big is_repaired:bool {_RECORD}",
)
"""`trade_id` where the venue counts, else 0 and `trade_ref` holds its text; a venue without any id gets
`#epoch.seq.k` there, so that two trades of one moment stay two."""
books: Final = _table(
    "books",
    BY_RECORD,
    f"{_AT} ts_recv_ns:big is_snapshot:bool first_update_id:big last_update_id:big prev_update_id:big "
    "bids_json:text asks_json:text",
    is_wide=True,
)
"""Levels as JSON `[[price, size], ...]`. Not kept unless the settings name the kind `book`."""
liquidations: Final = _table(
    "liquidations", BY_RECORD, f"{_AT} ts_recv_ns:big price:float size:float side:small"
)
bars: Final = _table(
    "bars",
    ("instrument_id", "timeframe", "ts_open_ns"),
    "instrument_id:int timeframe:text ts_open_ns:big ts_event_ns:big open:float high:float low:float close:float "
    "volume:float buy_volume:float sell_volume:float vwap:float count:big status:text coverage:float "
    f"revision:int source:text {_RECORD} ts_recv_ns:big is_adjusted:bool reason:text",
)
"""Closed candles, the newest revision of each; the running one (revision 0) is never stored."""
features: Final = _table(
    "features",
    ("instrument_id", "timeframe", "ts_open_ns"),
    f"instrument_id:int timeframe:text ts_open_ns:big ts_event_ns:big is_ready:bool values_json:text {_RECORD} "
    "revision:int coverage:float",
    is_wide=True,
)
"""Indicator values of closed candles; those of the running one (revision 0) are never stored."""
flows: Final = _table(
    "flows",
    BY_RECORD,
    f"{_AT} window_s:float is_complete:bool values_json:text coverage:float reason:text inferred_share:float",
    is_wide=True,
)
"""`window_s` 0: since the session began, a row each full minute. Of other lengths those that lie back to back."""
footprints: Final = _table(
    "footprints",
    ("instrument_id", "timeframe", "ts_open_ns"),
    "instrument_id:int timeframe:text ts_open_ns:big ts_event_ns:big price_step:float prices_json:text "
    "buy_volumes_json:text sell_volumes_json:text unknown_volumes_json:text volume:float delta:float poc:float "
    "value_area_low:float value_area_high:float count:big status:text coverage:float revision:int "
    f"{_RECORD}",
    is_wide=True,
)
"""Closed ones, the newest revision of each; buckets as JSON arrays. The running one (revision 0) is never stored."""
sweeps: Final = _table(
    "sweeps",
    BY_RECORD,
    f"{_AT} ts_first_ns:big side:small first_price:float last_price:float levels:int size:float notional:float "
    "vwap:float count:big is_inferred:bool",
)
verdicts: Final = _table(
    "verdicts",
    BY_RECORD,
    f"{_AT} timeframe:text ts_open_ns:big provider:text verdict:text reasons_json:text open:float high:float "
    "low:float close:float volume:float",
    is_wide=True,
)
"""Candles of providers that were not taken as they came, as they came."""
news: Final = _table(
    "news",
    ("ts_event_ns", "source", "news_id"),
    f"ts_event_ns:big source:text news_id:text ts_recv_ns:big title:text url:text symbols_json:text {_RECORD}",
    is_wide=True,
)
alerts: Final = _table(
    "alerts", BY_RECORD, f"{_AT} rule:text severity:text text:text values_json:text", is_wide=True
)
signals: Final = _table(
    "signals",
    BY_RECORD,
    f"{_AT} strategy:text side:small entry:float stop:float target:float confidence:float inputs_json:text "
    "timeframe:text signal_id:text revision:int state:text ts_opened_ns:big ts_expires_ns:big score:float "
    "reasons_json:text text:text exit_price:float",
    is_wide=True,
)
"""Every revision of each. Those stored before signals had a venue: their instrument has the venue `` (empty)."""
Index("signals_signal_revision", signals.c.signal_id, signals.c.revision)
gaps: Final = _table(
    "gaps",
    ("gap_id",),
    "gap_id:text instrument_id:int kind:text from_id:big to_id:big from_ts_ns:big to_ts_ns:big cause:text "
    f"state:text filled_by:text count:big reason:text {_RECORD}",
    is_wide=True,
)
Index("gaps_instrument_from", gaps.c.instrument_id, gaps.c.from_ts_ns)

positions: Final = _table(
    "positions", ("publisher_id",), "publisher_id:int epoch:big seq:big updated_ns:big", is_wide=True
)
"""How far each publisher is stored: written in the transaction of the rows, or not at all."""
holes: Final = _table(
    "holes",
    ("publisher_id", "epoch", "first_seq"),
    "publisher_id:int epoch:big first_seq:big last_seq:big reason:text found_ns:big",
)
"""Records that can never be had."""
dead_letters: Final = _table(
    "dead_letters",
    ("publisher_id", "epoch", "seq", "k"),
    f"{_RECORD} topic:text schema:int error:text size_bytes:int payload:bytes found_ns:big",
    is_wide=True,
)
"""What could not be stored: the first 4 KiB of a payload; `k` is -1 where the whole frame is meant."""
orphans: Final = _table(
    "orphans",
    ("publisher_id", "epoch", "first_seq"),
    "publisher_id:int epoch:big first_seq:big last_seq:big found_ns:big",
)
"""Records stored here that their publisher has lost in a power cut: its next epoch says that it ended earlier."""
refused: Final = _table("refused", ("kind",), "kind:text rows:big updated_ns:big", is_wide=True)
"""Rows refused because their key was there already, counted for ever: a proof that nothing was doubled."""


class Stored(NamedTuple):
    """How the rows of one kind of message are kept."""

    kind: str
    """`Message.KIND`."""
    table: Table
    time: str
    """Column by which ranges are read and old rows deleted, ns."""
    newest: tuple[str, ...] = ()
    """Of two rows with one key the one that is larger here, or equal, wins; empty: the first one stays."""


_LATER: Final = ("epoch", "seq", "k")

STORED: Final[dict[str, Stored]] = {
    one.kind: one
    for one in (
        Stored("quote", quotes, "ts_event_ns"),
        Stored("trade", trades, "ts_event_ns"),
        Stored("book", books, "ts_event_ns"),
        Stored("liquidation", liquidations, "ts_event_ns"),
        Stored("bar", bars, "ts_open_ns", ("revision", "coverage")),
        Stored("feature", features, "ts_open_ns", _LATER),
        Stored("flow", flows, "ts_event_ns"),
        Stored("footprint", footprints, "ts_open_ns", ("revision",)),
        Stored("news", news, "ts_event_ns"),
        Stored("alert", alerts, "ts_event_ns"),
        Stored("signal", signals, "ts_event_ns"),
        Stored("sweep", sweeps, "ts_event_ns"),
        Stored("verdict", verdicts, "ts_event_ns"),
        Stored("gap", gaps, "from_ts_ns", _LATER),
    )
}
"""Kind of message to its table."""
DEFAULT_KINDS: Final = tuple(kind for kind in STORED if kind != "book")
"""What is kept unless the settings say otherwise: books are hundreds of times the rest."""


def columns_of(table: Table) -> tuple[str, ...]:
    """Names in the order of a row's tuple."""
    return tuple(column.name for column in table.columns)


def key_of(table: Table) -> tuple[str, ...]:
    """Names of the primary key's columns."""
    return tuple(column.name for column in table.primary_key.columns)
