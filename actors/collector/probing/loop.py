"""What parts of a feed need of the collector around them, in the thread of a probe: a loop that the probe itself turns."""

from __future__ import annotations

import collections
import logging
import select
from collections.abc import Callable
from typing import Any, Final, TypeVar

from actors.collector.gaps import Gaps
from actors.collector.probing.probe import Probe
from protocol.instruments import Catalog
from protocol.record import RecordKind

T = TypeVar("T")
_TURN_S: Final = 0.02


class ProbeLoop:
    """A `market_feed.Host` that publishes nothing. Work is done at once, in this thread.

    Args:
        probe: Whose settings and clock it has.
        venue: Of the collector.
        catalog: All instruments.
    """

    def __init__(self, probe: Probe, venue: str, catalog: Catalog) -> None:
        self.name = probe.collector
        self.log = logging.getLogger(f"tapehub.probing.{venue}")
        self.log.addHandler(logging.NullHandler())
        self.log.propagate = False
        self.clock = probe.clock
        self.settings = probe.settings
        self.counters: collections.Counter[str] = collections.Counter()
        self.catalog = catalog
        self.gaps = Gaps(venue, "probe")
        self.drops: list[str] = []
        """What was counted as bad, in words."""
        self._venue = venue
        self._poll = select.poll()
        self._readable: dict[int, Callable[[], None]] = {}
        self._soon: collections.deque[Callable[[], None]] = collections.deque()

    def raw_name(self, symbol: str) -> str:
        """The venue's name of an instrument."""
        return self.catalog.get(symbol).venues[self._venue].partition(":")[2]

    def publish(
        self, topic: str, events: list[Any], kind: RecordKind = RecordKind.DATA, flags: int = 0
    ) -> object:
        """Forget it."""

    def submit(self, work: Callable[[], T], done: Callable[[T | Exception], None]) -> None:
        """Do it now, tell the result in the next turn."""
        result: T | Exception
        try:
            result = work()
        except Exception as fault:  # noqa: BLE001 - handed on, as the actor's threads do
            result = fault
        self._soon.append(lambda: done(result))

    def watch(self, fd: int, on_readable: Callable[[], None]) -> None:
        """Call when the descriptor has something."""
        self._readable[fd] = on_readable
        self._poll.register(fd, select.POLLIN)

    def unwatch(self, fd: int) -> None:
        """Forget the descriptor."""
        if self._readable.pop(fd, None) is not None:
            self._poll.unregister(fd)

    def soon(self, handler: Callable[[], None]) -> None:
        """Call in the next turn."""
        self._soon.append(handler)

    def drop(self, reason: str, what: object = "") -> None:
        """Keep it for the report."""
        self.counters[f"dropped.{reason}"] += 1
        self.drops.append(f"{reason}: {what}" if what else reason)

    def turn(self) -> None:
        """One turn: what is due, then what has arrived."""
        for _ in range(len(self._soon)):
            self._soon.popleft()()
        for fd, _events in self._poll.poll(0 if self._soon else _TURN_S * 1e3):
            handler = self._readable.get(fd)
            if handler is not None:
                handler()
