"""Where a segment goes on behind bytes that are no frame."""

from __future__ import annotations

from typing import Final

from protocol.journal.source import Source
from protocol.journal.walk import MAX_FRAME_BYTES, Chain, Stop, find_next, walk

_GLANCE_BYTES: Final = 4096
_FIRST_LOOK_BYTES: Final = 2 * 1024 * 1024
_LOOK_BYTES: Final = 2 * MAX_FRAME_BYTES


def find_behind(source: Source, chain: Chain, offset: int, seq: int) -> tuple[int, int] | None:
    """Offset and number of the next whole frame at or behind an offset where `seq` was not whole; None: none yet."""
    found = _find(source, chain, offset, seq)
    # what was half a moment ago may be whole now, and then it is no damage
    again = source.read(MAX_FRAME_BYTES, offset) if found else b""
    return (offset, seq) if _is_frame(again, chain, seq) else found


def begins_frame(source: Source, chain: Chain, seq: int, offset: int) -> bool:
    """Whether the whole frame of that number begins at an offset."""
    glance = walk(source.read(_GLANCE_BYTES, offset), 0, chain, seq, seq + 1).stop
    return glance is Stop.LIMIT or (
        glance is Stop.SHORT and _is_frame(source.read(MAX_FRAME_BYTES, offset), chain, seq)
    )


def _is_frame(data: bytes, chain: Chain, seq: int) -> bool:
    return walk(data, 0, chain, seq, seq + 1).stop is Stop.LIMIT


def _find(source: Source, chain: Chain, offset: int, seq: int) -> tuple[int, int] | None:
    """Look piece by piece, a little first: most damage is short, and a segment is long."""
    look, start = _FIRST_LOOK_BYTES, offset
    while True:
        data = source.read(look, start)
        found = find_next(data, 0, chain, seq)
        if found:
            return start + found[0], found[1]
        if len(data) < look:
            return None
        if look == _LOOK_BYTES:
            start += look - MAX_FRAME_BYTES  # a frame that this piece cuts is whole in the next one
        look = _LOOK_BYTES
