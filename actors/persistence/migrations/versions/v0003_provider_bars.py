"""What providers say of candles: when they were fetched, whether they are adjusted, why they were repaired; verdicts.

Frozen: a change of `actors/persistence/tables.py` is a new migration, never an edit of this one.
"""

from __future__ import annotations

from typing import Any, Final

import sqlalchemy as sa
from alembic import op
from sqlalchemy.types import TypeEngine

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_TYPES: Final[dict[str, type[TypeEngine[Any]]]] = {
    "int": sa.Integer,
    "big": sa.BigInteger,
    "float": sa.Double,
    "bool": sa.Boolean,
    "text": sa.Text,
}
_TABLES: Final = {
    "verdicts": (
        "instrument_id ts_event_ns publisher_id epoch seq k",
        (
            "instrument_id:int ts_event_ns:big publisher_id:int epoch:big seq:big k:int timeframe:text ts_open_ns:big "
            "provider:text verdict:text reasons_json:text open:float high:float low:float close:float volume:float"
        ),
        True,
    ),
}
"""Name to (key, columns, whether its rows are long)."""
_COLUMNS: Final = (
    ("bars", "ts_recv_ns:big", sa.text("0")),
    ("bars", "is_adjusted:bool", sa.false()),
    ("bars", "reason:text", sa.text("''")),
)
"""Table, column, and what rows have there that were stored before."""


def upgrade() -> None:
    """Make the table, add the columns."""
    for name, (key, columns, is_wide) in _TABLES.items():
        op.create_table(
            name,
            *(_column(word, key.split()) for word in columns.split()),
            sqlite_with_rowid=is_wide,
        )
    for name, word, before in _COLUMNS:
        column = _column(word, [])
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
