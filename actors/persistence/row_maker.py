"""Rows of messages whose fields are the columns of their table: the table says all there is to say. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from operator import attrgetter, itemgetter
from typing import Any, Final

import msgspec
from sqlalchemy import Table

from actors.persistence.catalogue import Catalogue
from actors.persistence.tables import Row, columns_of
from protocol.messages import Message
from protocol.record import Frame

INSTRUMENT: Final = "instrument_id"
_PLACED: Final = (INSTRUMENT, "publisher_id", "epoch", "seq", "k")
"""Columns that are no field of the message."""
_JSON: Final = "_json"
"""A column of this ending holds the field before it as text."""
_encode: Final = msgspec.json.Encoder().encode


class RowMaker:
    """Makes the rows of one type of message.

    Args:
        kind: The type.
        table: Where its rows go.
        is_kept: Which of the messages are stored; None: all of them.
    """

    def __init__(
        self, kind: type[Message], table: Table, is_kept: Callable[[Any], object] | None = None
    ) -> None:
        columns = columns_of(table)
        fields = [column for column in columns if column not in _PLACED]
        given = [*_PLACED, *fields]
        self._fields_of = attrgetter(*(column.removesuffix(_JSON) for column in fields))
        self._texts = [at for at, column in enumerate(given) if column.endswith(_JSON)]
        self._in_order = itemgetter(*(given.index(column) for column in columns))
        self._has_instrument = INSTRUMENT in columns
        self._has_venue = "venue" in kind.__struct_fields__
        self._is_kept = is_kept

    def rows(self, events: Sequence[Any], frame: Frame, publisher_id: int, catalogue: Catalogue) -> list[Row]:
        """Rows of the events of a frame that are stored, in their order."""
        is_kept = self._is_kept
        found: list[Row] = []
        for k, one in enumerate(events):
            if is_kept is not None and not is_kept(one):
                continue
            instrument_id = 0
            if self._has_instrument:
                instrument_id = catalogue.instrument(one.venue if self._has_venue else "", one.symbol)
            row = [instrument_id, publisher_id, frame.epoch, frame.seq, k, *self._fields_of(one)]
            for at in self._texts:
                row[at] = _encode(row[at]).decode()
            found.append(self._in_order(row))
        return found
