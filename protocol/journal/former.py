"""What an instance knew in a term: read from its journal by whoever has its symbols now, while it lives or is gone.

The memory of the only instance of a kind is called `fold`, that of an instance in term 3 `fold.3`. Terms grow, so the
newest memory of a term or an earlier one tells whether the instance ever worked in that term.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from protocol.journal.memory import Memory, find_memory

NAME: Final = "fold"
_EVERY_EPOCH: Final = 1 << 63


def memory_name(term: int) -> str:
    """What a memory of a term is called."""
    return f"{NAME}.{term}" if term else NAME


def term_of(name: str) -> int:
    """The term of a memory, -1 if it is none of a fold."""
    if name == NAME:
        return 0
    head, _, number = name.partition(".")
    return int(number) if head == NAME and number.isdecimal() else -1


def memory_of_term(folder: Path, publisher: str, term: int, before: int = _EVERY_EPOCH) -> Memory | None:
    """The newest memory of an instance in a term; None if it never worked in it.

    Args:
        folder: Folder of its journal; it may be gone.
        publisher: The instance.
        term: Number of the term.
        before: Epochs from this one on are left out.

    Raises:
        protocol.journal.segment.JournalVersion: a newer program wrote it.
        OSError: the disk cannot be read.
    """
    if not folder.is_dir():
        return None
    found = find_memory(folder, publisher, lambda name: 0 <= term_of(name) <= term, before)
    return found if found is not None and term_of(found.name) == term else None
