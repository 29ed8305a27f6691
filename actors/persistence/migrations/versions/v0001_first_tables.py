"""The first tables: events, positions, holes, dead letters.

Frozen: a change of `actors/persistence/tables.py` is a new migration, never an edit of this one.
"""

from __future__ import annotations

from typing import Any, Final

import sqlalchemy as sa
from alembic import op
from sqlalchemy.types import TypeEngine

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_TYPES: Final[dict[str, type[TypeEngine[Any]]]] = {
    "int": sa.Integer,
    "small": sa.SmallInteger,
    "big": sa.BigInteger,
    "float": sa.Double,
    "bool": sa.Boolean,
    "text": sa.Text,
    "bytes": sa.LargeBinary,
}
_RECORD: Final = "publisher_id:int epoch:big seq:big k:int"
_AT: Final = f"instrument_id:int ts_event_ns:big {_RECORD}"
_BY_RECORD: Final = "instrument_id ts_event_ns publisher_id epoch seq k"

_NARROW: Final = {
    "quotes": (
        _BY_RECORD,
        f"{_AT} ts_recv_ns:big bid:float ask:float bid_size:float ask_size:float update_id:big",
    ),
    "trades": (
        "instrument_id ts_event_ns trade_id trade_ref",
        (
            "instrument_id:int ts_event_ns:big trade_id:big trade_ref:text ts_recv_ns:big price:float size:float "
            f"side:small count:big is_repaired:bool {_RECORD}"
        ),
    ),
    "liquidations": (_BY_RECORD, f"{_AT} ts_recv_ns:big price:float size:float side:small"),
    "bars": (
        "instrument_id timeframe ts_open_ns",
        (
            "instrument_id:int timeframe:text ts_open_ns:big ts_event_ns:big open:float high:float low:float "
            "close:float volume:float buy_volume:float sell_volume:float vwap:float count:big status:text "
            f"coverage:float revision:int source:text {_RECORD}"
        ),
    ),
    "holes": (
        "publisher_id epoch first_seq",
        "publisher_id:int epoch:big first_seq:big last_seq:big reason:text found_ns:big",
    ),
    "orphans": (
        "publisher_id epoch first_seq",
        "publisher_id:int epoch:big first_seq:big last_seq:big found_ns:big",
    ),
}
"""Table to its key and columns: rows that SQLite keeps in the tree of their key."""
_WIDE: Final = {
    "instruments": ("id", "id:int venue:text symbol:text"),
    "publishers": ("id", "id:int name:text"),
    "books": (
        _BY_RECORD,
        (
            f"{_AT} ts_recv_ns:big is_snapshot:bool first_update_id:big last_update_id:big prev_update_id:big "
            "bids_json:text asks_json:text"
        ),
    ),
    "features": (
        "instrument_id timeframe ts_open_ns",
        (
            "instrument_id:int timeframe:text ts_open_ns:big ts_event_ns:big is_ready:bool values_json:text "
            f"{_RECORD}"
        ),
    ),
    "flows": (_BY_RECORD, f"{_AT} window_s:float is_complete:bool values_json:text"),
    "news": (
        "ts_event_ns source news_id",
        (
            "ts_event_ns:big source:text news_id:text ts_recv_ns:big title:text url:text symbols_json:text "
            f"{_RECORD}"
        ),
    ),
    "alerts": (_BY_RECORD, f"{_AT} rule:text severity:text text:text values_json:text"),
    "signals": (
        _BY_RECORD,
        f"{_AT} strategy:text side:small entry:float stop:float target:float confidence:float inputs_json:text",
    ),
    "gaps": (
        "gap_id",
        (
            "gap_id:text instrument_id:int kind:text from_id:big to_id:big from_ts_ns:big to_ts_ns:big cause:text "
            f"state:text filled_by:text count:big reason:text {_RECORD}"
        ),
    ),
    "positions": ("publisher_id", "publisher_id:int epoch:big seq:big updated_ns:big"),
    "dead_letters": (
        "publisher_id epoch seq k",
        f"{_RECORD} topic:text schema:int error:text size_bytes:int payload:bytes found_ns:big",
    ),
    "refused": ("kind", "kind:text rows:big updated_ns:big"),
}
"""The same for rows that are long or few."""
_INDEXES: Final = (
    ("instruments_venue_symbol", "instruments", ["venue", "symbol"], True),
    ("publishers_name", "publishers", ["name"], True),
    ("gaps_instrument_from", "gaps", ["instrument_id", "from_ts_ns"], False),
)


def upgrade() -> None:
    """Make every table."""
    for is_wide, group in ((False, _NARROW), (True, _WIDE)):
        for name, (key, columns) in group.items():
            op.create_table(
                name,
                *(_column(word, key.split()) for word in columns.split()),
                sqlite_with_rowid=is_wide,
            )
    for name, table, columns_of_it, is_unique in _INDEXES:
        op.create_index(name, table, columns_of_it, unique=is_unique)


def downgrade() -> None:
    """Remove every table, and all that is in them."""
    for name, table, _, _ in _INDEXES:
        op.drop_index(name, table_name=table)
    for name in (*_NARROW, *_WIDE):
        op.drop_table(name)


def _column(word: str, key: list[str]) -> sa.Column[Any]:
    name, _, kind = word.partition(":")
    is_key = name in key
    return sa.Column(
        name,
        _TYPES[kind](),
        primary_key=is_key,
        autoincrement=False,
        nullable=kind == "float" and not is_key,
    )
