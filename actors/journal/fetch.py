"""One `fetch`: frames behind a number, all of them or those of some topics, within a bounded time."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Final

import msgspec

from protocol.journal.reader import JournalReader, Outcome
from protocol.record import HEADER_BYTES
from protocol.replay import DATA, MAX_FETCH_BYTES, UNKNOWN, Fetched

SCAN_BYTES: Final = 4 * 1024 * 1024
"""Most bytes looked at for one answer, about."""
SCAN_NS: Final = 8_000_000
"""No further piece is looked at after this: others wait for their answers."""
_PIECE_BYTES: Final = 256 * 1024
_LEAST_BYTES: Final = 1024
"""Less room than this in an answer is not filled."""

Count = Annotated[int, msgspec.Meta(ge=0, le=(1 << 63) - 1)]


class Fetch(msgspec.Struct, forbid_unknown_fields=True):
    """Arguments of a `fetch`."""

    publisher: str
    epoch: Count
    from_seq: Annotated[int, msgspec.Meta(ge=1, le=(1 << 63) - 1)]
    max_bytes: Annotated[int, msgspec.Meta(ge=1)] = MAX_FETCH_BYTES
    """More than MAX_FETCH_BYTES is not given; a frame that is longer comes alone."""
    prefixes: Annotated[list[str], msgspec.Meta(max_length=1000)] = []


def fetch(reader: JournalReader, wanted: Fetch, mono_ns: Callable[[], int]) -> Fetched:
    """Answer to one question.

    Raises:
        protocol.journal.segment.JournalVersion: a newer program wrote the segment.
        OSError: the disk cannot be read.
    """
    epoch, from_seq = wanted.epoch, wanted.from_seq
    # before the file is read: END and a later epoch prove that nothing comes any more
    next_epoch = min((one for one in reader.epochs() if one > epoch), default=0)
    if epoch == 0:  # the position of somebody who has nothing: no epoch has this number
        return Fetched(UNKNOWN, epoch, from_seq, 0, next_epoch)
    return _scan(reader, wanted, next_epoch, mono_ns)


def _scan(reader: JournalReader, wanted: Fetch, next_epoch: int, mono_ns: Callable[[], int]) -> Fetched:
    """Read piece by piece until there is enough, or it took long enough; what was read is the range."""
    max_bytes = min(wanted.max_bytes, MAX_FETCH_BYTES)
    prefixes = tuple(prefix.encode() for prefix in wanted.prefixes)
    until_ns = mono_ns() + SCAN_NS
    found: list[bytes] = []
    kept_bytes = scanned_bytes = 0
    last = wanted.from_seq - 1
    while True:
        chunk = reader.read(wanted.epoch, last + 1, min(_PIECE_BYTES, max_bytes - kept_bytes))
        if chunk.outcome is not Outcome.DATA:
            if last < wanted.from_seq:
                return Fetched(str(chunk.outcome), wanted.epoch, chunk.first, chunk.last, next_epoch)
            break  # the next question is told
        frames = matching(chunk.frames, prefixes) if prefixes else chunk.frames
        if not prefixes and kept_bytes and kept_bytes + len(frames) > max_bytes:
            break  # one frame that is longer than what is left: it comes with the next answer
        last = chunk.last
        scanned_bytes += len(chunk.frames)
        found.append(frames)
        kept_bytes += len(frames)
        is_enough = kept_bytes > max_bytes - _LEAST_BYTES or scanned_bytes >= SCAN_BYTES
        if is_enough or mono_ns() >= until_ns:
            break
    return Fetched(DATA, wanted.epoch, wanted.from_seq, last, next_epoch, b"".join(found))


def matching(frames: bytes, prefixes: tuple[bytes, ...]) -> bytes:
    """Frames among whole ones back to back whose topic, with its zero byte, starts with one of the prefixes."""
    found, offset, size = [], 0, len(frames)
    while offset < size:
        head = frames.index(0, offset) + 1
        end = head + HEADER_BYTES + int.from_bytes(frames[head : head + 4], "little")
        if frames.startswith(prefixes, offset, head):
            found.append(frames[offset:end])
        offset = end
    return b"".join(found)
