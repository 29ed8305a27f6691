"""What became of a signal: revisions, states, what the shield said; where the newest revision of one is found.

Frozen: a change of `actors/persistence/tables.py` is a new migration, never an edit of this one.
"""

from __future__ import annotations

from typing import Any, Final

import sqlalchemy as sa
from alembic import op
from sqlalchemy.types import TypeEngine

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_TYPES: Final[dict[str, type[TypeEngine[Any]]]] = {
    "int": sa.Integer,
    "big": sa.BigInteger,
    "float": sa.Double,
    "text": sa.Text,
}
_TABLE: Final = "signals"
_COLUMNS: Final = (
    ("timeframe:text", sa.text("''")),
    ("signal_id:text", sa.text("''")),
    ("revision:int", sa.text("1")),
    ("state:text", sa.text("'open'")),
    ("ts_opened_ns:big", sa.text("0")),
    ("ts_expires_ns:big", sa.text("0")),
    ("score:float", sa.text("1.0")),
    ("reasons_json:text", sa.text("'[]'")),
    ("text:text", sa.text("''")),
    ("exit_price:float", sa.text("0.0")),
)
"""Column, and what rows have there that were stored before."""
_INDEX: Final = "signals_signal_revision"


def upgrade() -> None:
    """Add the columns, make the index."""
    for word, before in _COLUMNS:
        column = _column(word)
        column.server_default = sa.DefaultClause(before)
        op.add_column(_TABLE, column)
    op.create_index(_INDEX, _TABLE, ["signal_id", "revision"])


def downgrade() -> None:
    """Remove them, and all that is in them."""
    op.drop_index(_INDEX, table_name=_TABLE)
    for word, _ in reversed(_COLUMNS):
        op.drop_column(_TABLE, word.partition(":")[0])


def _column(word: str) -> sa.Column[Any]:
    name, _, kind = word.partition(":")
    return sa.Column(name, _TYPES[kind](), nullable=kind == "float")
