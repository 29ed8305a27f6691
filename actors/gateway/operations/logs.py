"""The end of the actors' log files, merged by time. Reads files: in a thread."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

from actors.gateway.operations.masking import Mask
from actors.runtime.logfiles import LEVELS, Entry, parse_line

BLOCK_BYTES: Final = 131_072
"""Read at once, from the end backwards."""
MAX_STACK: Final = 8000


class Wanted(NamedTuple):
    """Which lines."""

    level: str = LEVELS[0]
    """Nothing less important."""
    grep: str = ""
    """Plain text in the message, capitals or not."""
    before: str = ""
    """Lines before this moment, RFC 3339 UTC as the log has it; empty: to the end."""
    limit: int = 200

    def has(self, entry: Entry) -> bool:
        """Whether it is one of them."""
        return (
            entry.is_at_least(self.level)
            and (not self.before or entry.ts < self.before)
            and (not self.grep or self.grep.casefold() in entry.msg.casefold())
        )


def tail(
    folder: Path, actors: Sequence[str], wanted: Wanted, max_bytes: int, mask: Mask
) -> list[dict[str, Any]]:
    """The last lines of some actors, oldest first.

    Args:
        folder: With `<actor>.log`.
        actors: Whose.
        wanted: Which.
        max_bytes: Read at most, of all files together.
        mask: Blots out secrets.
    """
    share = max(BLOCK_BYTES, max_bytes // max(1, len(actors)))
    found = [entry for name in actors for entry in _last(folder / f"{name}.log", name, wanted, share)]
    found.sort(key=lambda entry: entry.ts)
    return [_row(entry, mask) for entry in found[-wanted.limit :]]


def _last(path: Path, actor: str, wanted: Wanted, max_bytes: int) -> list[Entry]:
    """The last wanted entries of one actor, oldest first: of its file, and of the one that was rotated away."""
    found: list[Entry] = []
    for block in _blocks((path, path.with_name(f"{path.name}.1")), max_bytes):
        entries = [entry for entry in _parsed(block, actor) if wanted.has(entry)]
        found[:0] = entries
        if len(found) >= wanted.limit:
            break
    return found[-wanted.limit :]


def _parsed(block: bytes, actor: str) -> Iterator[Entry]:
    """Entries of a block; lines before its first time belong to the entry before it, so they take about its time."""
    ts = ""
    untimed: list[Entry] = []
    for line in block.split(b"\n"):
        if not line.strip():
            continue
        entry = parse_line(line.decode("utf-8", "replace"), actor, ts)
        ts = entry.ts
        if not ts:
            untimed.append(entry)
            continue
        for one in untimed:
            one.ts = ts
        yield from untimed
        untimed.clear()
        yield entry
    yield from untimed


def _blocks(paths: Sequence[Path], max_bytes: int) -> Iterator[bytes]:
    """Whole lines, a block at a time, the last one first; a line longer than a block comes whole too."""
    left = max_bytes
    for path in paths:
        with contextlib.suppress(OSError), path.open("rb") as file:
            end = file.seek(0, os.SEEK_END)
            rest = b""
            while end and left > 0:
                size = min(BLOCK_BYTES, end, left)
                end -= size
                left -= size
                file.seek(end)
                data = file.read(size) + rest
                cut = data.find(b"\n") + 1 if end else 0
                if end and not cut:
                    rest = data
                    continue
                rest = data[:cut]
                yield data[cut:]


def _row(entry: Entry, mask: Mask) -> dict[str, Any]:
    row = {"ts": entry.ts, "actor": entry.actor, "level": entry.level, "msg": mask.line(entry.msg)}
    stack = str(entry.err.get("stack", ""))
    return {**row, "stack": mask.line(stack[-MAX_STACK:])} if stack else row
