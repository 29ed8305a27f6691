"""A journal server that is dead, slow, forgets answers, or gives them too late; what it says is what the real one says."""

from __future__ import annotations

import random
from collections.abc import Callable

from actors.journal.fetch import Fetch, fetch
from protocol.journal.reader import JournalReader
from protocol.replay import Fetched, Position
from tests.unit.protocol.joins.memory_disk import MemoryDisk
from tests.unit.protocol.joins.publisher import FOLDER, NAME

Answer = Callable[[Fetched], None]


class FalseServer:
    """Answers about one journal.

    Args:
        disk: Where that is.
        rng: Decides what is lost and how late the rest is.
    """

    def __init__(self, disk: MemoryDisk, rng: random.Random) -> None:
        self.is_alive = True
        self.lost_share = 0.0
        """Share of answers that never come."""
        self.twice_share = 0.0
        """Share of answers that come a second time, much later."""
        self.delay_ns = 3_000_000
        self.max_bytes = 6_000
        self._rng = rng
        self._reader = JournalReader(FOLDER, NAME, disk)
        self._answers: list[tuple[int, Answer, Fetched]] = []

    def ask(self, position: Position, prefixes: tuple[str, ...], now_ns: int, done: Answer) -> None:
        """Answer, some time."""
        if not self.is_alive or self._rng.random() < self.lost_share:
            return
        wanted = Fetch(NAME, position.epoch, position.seq + 1, self.max_bytes, list(prefixes))
        answer = fetch(self._reader, wanted, lambda: 0)
        due_ns = now_ns + int(self._rng.random() * self.delay_ns)
        self._answers.append((due_ns, done, answer))
        if self._rng.random() < self.twice_share:
            self._answers.append((due_ns + int(self._rng.random() * 2e9), done, answer))

    def deliver(self, now_ns: int) -> None:
        """Give the answers that have arrived."""
        due = [one for one in self._answers if one[0] <= now_ns]
        if due:
            self._answers = [one for one in self._answers if one[0] > now_ns]
            for _, done, answer in sorted(due, key=lambda one: one[0]):
                done(answer)

    def restart(self) -> None:
        """Begin anew, without the questions of before."""
        self._answers.clear()
        self.is_alive = True
