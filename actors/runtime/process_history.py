"""What happened to the programs, read from supervisord's own log: its XML-RPC does not count restarts. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

import msgspec

EXIT_MEANING: Final = {
    "exit status 1": "our own bug, the log has the stack",
    "exit status 69": "cannot have its address",
    "exit status 75": "another process has its name",
}
"""What supervisord's words for an end say of an actor."""
_BEGIN: Final = re.compile(r"INFO supervisord started with pid [0-9]+")
_SPAWNED: Final = re.compile(r"INFO spawned: '([^']+)' with pid [0-9]+")
_ENDED: Final = re.compile(r"(?:INFO|WARN) (exited|stopped): (\S+) \((.+)\)\s*$")


class History(msgspec.Struct):
    """One program since supervisord started."""

    starts: int = 0
    last_end: str = ""
    """How it ended last if nobody asked it to, in supervisord's words: `terminated by SIGKILL; not expected`."""

    @property
    def restarts(self) -> int:
        """Starts after the first, whoever asked for them."""
        return max(0, self.starts - 1)

    @property
    def reason(self) -> str:
        """Why it ended last, for people; empty if it never did by itself."""
        words = self.last_end.partition(";")[0]
        meaning = EXIT_MEANING.get(words)
        return f"{words}: {meaning}" if meaning else words


def history_of(lines: Iterable[str], known: dict[str, History] | None = None) -> dict[str, History]:
    """Program to its history, from the lines of the log, oldest first; goes on from `known`, in place, if given."""
    found = {} if known is None else known
    for line in lines:
        if _BEGIN.search(line):
            found.clear()
        elif spawned := _SPAWNED.search(line):
            found.setdefault(spawned[1], History()).starts += 1
        elif ended := _ENDED.search(line):
            found.setdefault(ended[2], History()).last_end = ended[3] if ended[1] == "exited" else ""
    return found
