"""Footprints and sweeps; how complete indicator values and order flow are.

Frozen: a change of `actors/persistence/tables.py` is a new migration, never an edit of this one.
"""

from __future__ import annotations

from typing import Any, Final

import sqlalchemy as sa
from alembic import op
from sqlalchemy.types import TypeEngine

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_TYPES: Final[dict[str, type[TypeEngine[Any]]]] = {
    "int": sa.Integer,
    "small": sa.SmallInteger,
    "big": sa.BigInteger,
    "float": sa.Double,
    "bool": sa.Boolean,
    "text": sa.Text,
}
_RECORD: Final = "publisher_id:int epoch:big seq:big k:int"
_TABLES: Final = {
    "footprints": (
        "instrument_id timeframe ts_open_ns",
        (
            "instrument_id:int timeframe:text ts_open_ns:big ts_event_ns:big price_step:float prices_json:text "
            "buy_volumes_json:text sell_volumes_json:text unknown_volumes_json:text volume:float delta:float "
            "poc:float value_area_low:float value_area_high:float count:big status:text coverage:float "
            f"revision:int {_RECORD}"
        ),
        True,
    ),
    "sweeps": (
        "instrument_id ts_event_ns publisher_id epoch seq k",
        (
            f"instrument_id:int ts_event_ns:big {_RECORD} ts_first_ns:big side:small first_price:float "
            "last_price:float levels:int size:float notional:float vwap:float count:big is_inferred:bool"
        ),
        False,
    ),
}
"""Name to (key, columns, whether its rows are long)."""
_COLUMNS: Final = (
    ("features", "revision:int", "0"),
    ("features", "coverage:float", None),
    ("flows", "coverage:float", None),
    ("flows", "reason:text", ""),
    ("flows", "inferred_share:float", None),
)
"""Table, column, and what rows have there that were stored before."""


def upgrade() -> None:
    """Make the tables, add the columns."""
    for name, (key, columns, is_wide) in _TABLES.items():
        op.create_table(
            name,
            *(_column(word, key.split()) for word in columns.split()),
            sqlite_with_rowid=is_wide,
        )
    for name, word, before in _COLUMNS:
        column = _column(word, [])
        if before is not None:
            column.server_default = sa.DefaultClause(before)
        op.add_column(name, column)


def downgrade() -> None:
    """Remove them, and all that is in them."""
    for name, word, _ in reversed(_COLUMNS):
        op.drop_column(name, word.partition(":")[0])
    for name in reversed(_TABLES):
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
