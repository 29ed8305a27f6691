"""Several persistence actors asked as if they were one: each kind of the one that stores it. Pure.

A page of windows is put together of a page of each. Everything is stored up to the smallest of their positions; what
one of them has beyond it is known by its numbers when the bus brings it again (see `Slot.join`).
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Final

import msgspec

from protocol.errors import HubError
from protocol.history import LISTED_KINDS, Windows, decode_windows
from protocol.messages import Bar, Gap, News
from protocol.replay import Position
from protocol.requests import Reply, Request, raw
from protocol.stores import Actors, store_of

Answer = Reply | Exception
Done = Callable[[Answer], None]
AskOne = Callable[[str, Request, float, Done], None]
"""(persistence actor, question, patience in seconds, what to do with the answer)."""
_WINDOWS: Final = "windows"
_cursors: Final = msgspec.json.Decoder(dict[str, str])


class Stores:
    """The way to all of them.

    Args:
        actors: The topology.
        names: Its persistence actors, at least two.
        ask: Asks one.
    """

    def __init__(self, actors: Actors, names: Sequence[str], ask: AskOne) -> None:
        self._actors = actors
        self._names = list(names)
        self._ask_one = ask

    def ask(self, question: Request, timeout_s: float, done: Done) -> None:
        """Ask for what is stored: a range of whoever has its kind, windows of everybody."""
        if question.op != _WINDOWS:
            self._ask_one(store_of(self._actors, question.kind or Bar.KIND), question, timeout_s, done)
            return
        cursor = str(question.args.get("cursor") or "")
        cursors = _cursors.decode(cursor) if cursor else dict.fromkeys(self._names, "")
        max_bytes = int(question.args["max_bytes"]) // len(cursors)
        answers: dict[str, Answer] = {}

        def one(name: str, answer: Answer) -> None:
            answers[name] = answer
            if len(answers) == len(cursors):
                done(self._together(answers))

        for name, at in cursors.items():
            args = {**question.args, "cursor": at, "max_bytes": max_bytes}
            self._ask_one(name, Request(op=_WINDOWS, args=args), timeout_s, functools.partial(one, name))

    def _together(self, answers: dict[str, Answer]) -> Answer:
        """One page of all; what one of them refuses, or does not say, is the answer."""
        pages: dict[str, Windows] = {}
        for name, answer in answers.items():
            if isinstance(answer, Exception) or not answer.ok:
                return answer
            try:
                pages[name] = decode_windows(answer)
            except HubError as fault:
                return fault
        cursors = {name: page.cursor for name, page in pages.items() if page.cursor}
        lists = {
            kind: pages[name].lists[kind]
            for kind in (*LISTED_KINDS, News.KIND)
            if (name := store_of(self._actors, kind)) in pages and kind in pages[name].lists
        }
        gaps = pages.get(store_of(self._actors, Gap.KIND))
        whole = Windows(
            positions=_smallest([page.positions for page in pages.values()]),
            cursor=msgspec.json.encode(cursors).decode() if cursors else "",
            bars=[bars for name, page in pages.items() if self._has(name, Bar.KIND) for bars in page.bars],
            events=[one for name, page in pages.items() for one in page.events if self._has(name, one.kind)],
            gaps=gaps.gaps if gaps is not None else raw([]),
            lists=lists,
        )
        return Reply(id=0, ok=True, data=raw(whole))

    def _has(self, name: str, kind: str) -> bool:
        return store_of(self._actors, kind) == name


def _smallest(positions: Sequence[dict[str, Position]]) -> dict[str, Position]:
    """Up to where all of them have stored; whom one of them does not know is read from the start."""
    if not all(positions):
        return {}
    common = set(positions[0]).intersection(*positions[1:])
    return {name: min(one[name] for one in positions) for name in common}
