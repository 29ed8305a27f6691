"""Where the next page begins: an opaque text that stays right while rows are added before, behind and between. Pure.

A cursor names the time of the last row that was given and which rows of that very time were given, not a count of rows:
what is stored later at another time moves nothing, what is stored later at the same time comes with the next page.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections import Counter
from collections.abc import Sequence
from typing import Annotated, Any, Final, Literal

import msgspec

from protocol.errors import InvalidRequest

VERSION: Final = 1
MAX_LENGTH: Final = 3000
MOST_GIVEN: Final = 200
"""Rows of one time that a cursor names; where one time has more of them, a page goes to its end."""
_MARK_BYTES: Final = 6
_encode: Final = msgspec.msgpack.Encoder().encode
Time = Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)]


class Cursor(msgspec.Struct, array_like=True, frozen=True, forbid_unknown_fields=True):
    """End of a page."""

    version: Literal[1]
    kind: Annotated[str, msgspec.Meta(max_length=20)]
    """What it pages through."""
    venue: Annotated[str, msgspec.Meta(max_length=64)]
    """All pages are of this one, whichever has the newest value meanwhile."""
    is_older: bool
    """The next page is older, not newer."""
    ts_ns: Time
    """Time of the row at the end of the page."""
    given: bytes = b""
    """Marks of the rows of that time that were given."""

    @property
    def marks(self) -> Counter[bytes]:
        """How often each row was given."""
        given = self.given
        return Counter(given[at : at + _MARK_BYTES] for at in range(0, len(given), _MARK_BYTES))


_decoder: Final = msgspec.msgpack.Decoder(Cursor)


def text_of(cursor: Cursor) -> str:
    """A cursor as it stands in an address."""
    return base64.urlsafe_b64encode(_encode(cursor)).rstrip(b"=").decode()


def cursor_of(text: str, kind: str) -> Cursor:
    """The cursor in a text.

    Raises:
        InvalidRequest: it is none of ours, or one of another kind.
    """
    try:
        if len(text) > MAX_LENGTH:
            raise ValueError("too long")
        packed = base64.b64decode(text.encode("ascii") + b"=" * (-len(text) % 4), b"-_", validate=True)
        found = _decoder.decode(packed)
        if len(found.given) % _MARK_BYTES:
            raise ValueError("cut off")
    except (ValueError, binascii.Error, msgspec.DecodeError) as fault:
        raise InvalidRequest(
            "cursor is not one of ours: take next_cursor of an answer as it is", errors=["cursor"]
        ) from fault
    if found.kind != kind:
        raise InvalidRequest(f"this cursor pages through {found.kind}, not {kind}", errors=["cursor"])
    return found


def mark_of(message: Any) -> bytes:
    """By which a row is known again: equal rows have equal marks, whoever stored them."""
    return hashlib.blake2b(_encode(message), digest_size=_MARK_BYTES).digest()


def marks_of(messages: Sequence[Any]) -> bytes:
    """Marks of several."""
    return b"".join(map(mark_of, messages))
