"""The default system's actors as objects of this process: their own sockets, settings and handlers, but nobody's loop.

What would come from a socket is given to them by hand, with a clock that is turned by hand; what they answer is looked at.
"""

from __future__ import annotations

import contextlib
import importlib
import logging
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, Final, NamedTuple

from actors.runtime.actor import Actor
from actors.runtime.settings import Loaded, load
from protocol.endpoints import Endpoints
from protocol.errors import HubTimeout
from protocol.transport import Empty, Envelope
from tests.support.config import write_config

NOW_NS: Final = 1_790_000_040 * 10**9
STEP_NS: Final = 3_000_000
SYMBOLS: Final[dict[str, dict[str, Any]]] = {
    "BTC_USDT": {"venues": {"binance": "spot:BTCUSDT"}},
    "ETH_USDT": {"venues": {"binance": "spot:ETHUSDT"}, "bars_from": "quote"},
    "BTC_USDT.PERP": {"venues": {"binance": "usdm:BTCUSDT"}},
}
ACTORS: Final[dict[str, tuple[str, dict[str, Any]]]] = {
    "simulator.1": ("simulator.actor:Simulator", {"port": 0}),
    "collector.push.1": ("collector.actor:Collector", {}),
    "aggregator.1": ("aggregator.actor:Aggregator", {}),
    "orderflow.1": ("orderflow.actor:OrderFlow", {}),
    "detector.1": ("detector.actor:Detector", {}),
    "scanner.1": ("scanner.actor:Scanner", {}),
    "notifier.1": ("notifier.actor:Notifier", {}),
    "journal.1": ("journal.actor:JournalActor", {}),
    "persistence.1": ("persistence.actor:Persistence", {"batch_s": 5, "max_waiting_rows": 1_000_000}),
    "hub.1": ("hub.actor:HubActor", {}),
    "gateway.1": (
        "gateway.actor:Gateway",
        {"port": 0, "sockets": {"messages_per_s": 1e9, "message_burst": 10**9, "faults": 10**9}},
    ),
}
"""Name to class and settings; the collector of an exchange is what `--venue` is for."""
THREADED: Final = ("persistence.1", "journal.1", "notifier.1")
"""Actors whose work in threads is done at once; what the others ask of their neighbours is not answered."""


class TurnedClock:
    """Clocks that go on when told to."""

    def __init__(self) -> None:
        self._now_ns = NOW_NS

    def turn(self, ns: int) -> None:
        """Go on."""
        self._now_ns += ns

    def now_ns(self) -> int:
        """Wall clock."""
        return self._now_ns

    def mono_ns(self) -> int:
        """Monotonic clock."""
        return self._now_ns - NOW_NS + 10**12


class HandFed:
    """In the place of a subscriber: gives the frames that are put in."""

    socket = None

    def __init__(self) -> None:
        self.frames: list[bytes] = []

    def receive_raw(self) -> bytes:
        """See `protocol.transport.Subscriber`."""
        if not self.frames:
            raise Empty
        return self.frames.pop()


class Answered(NamedTuple):
    """What an actor replied."""

    envelope: Envelope
    body: bytes


def class_of(name: str) -> type[Actor]:
    """The class of an actor of the system."""
    path, _, attribute = ACTORS[name][0].partition(":")
    found: type[Actor] = getattr(importlib.import_module(f"actors.{path}"), attribute)
    return found


class Topology:
    """A run directory with a configuration of all actors in it."""

    def __init__(self, *, replay: bool = False) -> None:
        logging.disable(logging.CRITICAL)
        parent = "/dev/shm" if Path("/dev/shm").is_dir() else "/tmp"
        self.run_dir = Path(tempfile.mkdtemp(prefix="tf-", dir=parent))
        sections: dict[str, dict[str, Any]] = {"collector.binance.1": {}} | {
            name: settings for name, (_, settings) in ACTORS.items()
        }
        path = write_config(
            self.run_dir, sections, SYMBOLS, bus={"replay": replay}, journal={"ballast_bytes": 0}
        )
        self.config = path
        self.loaded: Loaded = load(path, environ={})
        Endpoints(self.run_dir).prepare()

    def close(self) -> None:
        """Delete it."""
        shutil.rmtree(self.run_dir, ignore_errors=True)

    def __enter__(self) -> Topology:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class Stage:
    """One actor, as it is after `setup`.

    Args:
        name: Of the system.
        topology: Where it lives.
    """

    def __init__(self, name: str, topology: Topology) -> None:
        self.name = name
        self._topology = topology
        self.clock = TurnedClock()
        self.drops: list[str] = []
        """Reasons of what was dropped since somebody looked."""
        self.replies: list[Answered] = []
        self._begin()

    def _begin(self) -> None:
        for folder in ("journal", "store", "epochs"):
            shutil.rmtree(self._topology.run_dir / folder / self.name, ignore_errors=True)
        for file in self._topology.run_dir.glob("*.db*"):
            file.unlink()
        actor = self.actor = class_of(self.name)(self.name, self._topology.loaded, self.clock)
        drop = actor.drop

        def noted(reason: str, what: object = "") -> None:
            self.drops.append(reason)
            drop(reason, what)

        actor.drop = noted  # type: ignore[method-assign]
        actor.submit = self._at_once if self.name in THREADED else self._unanswered  # type: ignore[method-assign,assignment]
        actor.setup()
        actor.state = "RUNNING"
        actor.publisher._store = None  # the journal of what comes out is tested elsewhere
        self.fed: dict[str, HandFed] = {}
        self.inputs: dict[str, Any] = {}
        for source, intake in actor._hearing.inputs.values():
            hand = self.fed[source.publisher] = HandFed()
            source.subscriber = hand  # type: ignore[assignment]
            source._drop = noted
            intake._listen = lambda _source, _is_wanted: None
            intake._reconnect = lambda _source: None
            self.inputs[source.publisher] = (source, intake)
        self.responders = [(responder, handler) for responder, handler in actor._responders.values()]
        for responder, _ in self.responders:
            responder.reply = lambda envelope, body: self.replies.append(Answered(envelope, body))  # type: ignore[method-assign]

    @staticmethod
    def _at_once(work: Callable[[], Any], done: Callable[[Any], None]) -> None:
        """As `Background`, without a thread."""
        try:
            result: Any = work()
        except Exception as fault:  # noqa: BLE001 - the loop decides what a failed job means
            result = fault
        done(result)

    def _unanswered(self, _work: Callable[[], Any], done: Callable[[Any], None]) -> None:
        """Whom it asks is not there; told in the next turn, as always."""
        self.actor.soon(lambda: done(HubTimeout("nobody answers", timeout_s=1.0)))

    def turn(self) -> None:
        """One turn of its loop, which waits for nothing."""
        self.actor.turn(0.0)

    def rewind(self) -> None:
        """Hear everybody from now on: a wrong epoch or number is forgotten."""
        for _, intake in self.inputs.values():
            intake.rewind({})

    def close(self) -> None:
        """End it, without a word."""
        actor = self.actor
        with contextlib.suppress(AttributeError):
            actor._listener.close()  # type: ignore[attr-defined]
        actor.background.close()
        actor._speaking.close()
        actor.wire.close(is_shared=True)

    def renew(self) -> None:
        """As a new process."""
        self.close()
        self._begin()
