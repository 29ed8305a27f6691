"""What the collector needs of a live market, whatever it is fed by, and what a feed needs of the collector.

`feed.py` is the one for exchanges that speak JSON over WebSockets; brokers and data vendors with a protocol of their own
(IG, Databento) and news have theirs, in a folder each.
"""

from __future__ import annotations

import collections
from collections.abc import Callable, Iterable, Sequence
from logging import Logger
from typing import Any, ClassVar, Protocol, TypeVar, runtime_checkable

from actors.collector.bars.memory import BarsState
from actors.collector.checkpoint import BudgetState, Checkpoint, SymbolState
from actors.collector.gaps import Gaps
from actors.collector.market_clock import MarketClock
from actors.collector.push.memory import PushedState
from actors.collector.settings import CollectorSettings
from actors.runtime.clock import Clock
from protocol.brokers import Broker
from protocol.endpoints import Endpoints
from protocol.instruments import Catalog
from protocol.record import RecordKind
from protocol.requests import Reply, Request
from protocol.transport import Envelope, Publisher, Responder, Wire

T = TypeVar("T")


class Host(Protocol):
    """The collector, as its feeds see it: loop, threads, settings, publishing."""

    name: str
    log: Logger
    clock: Clock
    counters: collections.Counter[str]
    catalog: Catalog
    gaps: Gaps

    @property
    def settings(self) -> CollectorSettings:
        """Its section of the configuration."""

    def raw_name(self, symbol: str) -> str:
        """The venue's name of an instrument."""

    def publish(self, topic: str, events: list[Any], kind: RecordKind = ..., flags: int = ...) -> object:
        """Publish messages of one type on one topic."""

    def submit(self, work: Callable[[], T], done: Callable[[T | Exception], None]) -> None:
        """Run `work` in a thread, then `done` in the loop, with its result or its exception."""

    def watch(self, fd: int, on_readable: Callable[[], None]) -> None:
        """Call when the descriptor has something."""

    def unwatch(self, fd: int) -> None:
        """Forget the descriptor."""

    def soon(self, handler: Callable[[], None]) -> None:
        """Call in the next turn of the loop."""

    def drop(self, reason: str, what: object = "") -> None:
        """Count and log something bad (`dropped.<reason>` in the status)."""


class StoringHost(Host, Protocol):
    """The collector, for feeds that have memories of their own and ask the store."""

    def keep(self, name: str, data: bytes) -> None:
        """Write a memory of the feed's own into the journal now, apart from the rest: what may not be lost."""

    def kept(self, name: str) -> bytes:
        """The newest memory of that name of an earlier process, empty if there is none."""

    @property
    def has_store(self) -> bool:
        """Whether a persistence actor is in the topology."""

    def ask_store(
        self,
        requests: Sequence[Request],
        timeout_s: float,
        done: Callable[[list[Reply] | Exception], None],
    ) -> None:
        """Ask the persistence actor; `done` is called in the loop."""


class ServingHost(StoringHost, Protocol):
    """The collector, for feeds that answer requests of others."""

    wire: Wire
    endpoints: Endpoints
    publisher: Publisher
    brokers: dict[str, Broker]
    """How brokers write symbols."""

    @property
    def is_journal_ok(self) -> bool:
        """Whether what is published is in the journal, and not only in memory because its disk is full."""

    def serve(
        self, responder: Responder, handler: Callable[[Envelope, bytes], None], *, is_urgent: bool = ...
    ) -> None:
        """Answer requests in the loop."""


class MarketFeed(Protocol):
    """Everything of one market of a venue, live."""

    market: str
    clock: MarketClock
    """The venue's time in it."""

    @property
    def is_connected(self) -> bool:
        """Whether data flows."""

    @property
    def kinds(self) -> dict[str, set[str]]:
        """Canonical symbol to the kinds of messages that are collected of it."""

    @property
    def news_ids(self) -> list[str]:
        """`<source> <news_id>` of the newest headlines, to be remembered; empty where there is no news."""

    def subscribe(self, symbols: Iterable[tuple[str, str]]) -> None:
        """Want everything that is configured of these (canonical symbol, raw name)."""

    def unsubscribe(self, symbol: str) -> None:
        """Want nothing of this symbol any more."""

    def has(self, symbol: str) -> bool:
        """Whether a symbol is subscribed."""

    def resume(self, past: Checkpoint, now_ns: int) -> None:
        """Go on where the process before stopped; its symbols are subscribed already, nothing is connected yet."""

    def remember(self) -> dict[str, SymbolState]:
        """What the next process must know of each symbol, after everything gathered has gone out."""

    def budget_state(self, mono_ns: int, now_ns: int) -> BudgetState | None:
        """What is left of the venue's request budget, to be remembered; None where there is none."""

    def tick(self, mono_ns: int) -> None:
        """Several times a second: connections, requests."""

    def sweep(self, mono_ns: int) -> None:
        """About once a second: silence."""

    def is_unsynced(self, symbol: str) -> bool:
        """Whether the book of a symbol is wanted and cannot be vouched for now."""

    def republish(self, symbol: str) -> bool:
        """Publish one whole book between its changes; False if there is none that can be vouched for."""

    def retry(self, gap_id: str) -> str:
        """Fetch what is missing of a gap of trades (again); returns why not, empty if it is under way."""

    def connections(self, mono_ns: int) -> list[dict[str, Any]]:
        """Each connection for people, with at least `name`, `state`, `url`."""

    def rotate(self, name: str) -> bool:
        """Replace the connection of this name; False if there is none."""

    def detail(self, mono_ns: int) -> dict[str, Any]:
        """Small summary for the heartbeat."""

    def close(self) -> None:
        """End all connections; what is still missing stays missing."""


@runtime_checkable
class Answering(Protocol):
    """A feed with `ctl` operations of its own."""

    OPERATIONS: ClassVar[tuple[str, ...]]

    def answer(self, request: Request) -> object:
        """Answer one of them.

        Raises:
            HubError: it cannot; says why.
        """


@runtime_checkable
class HasPushed(Protocol):
    """A feed of what others push."""

    @property
    def pushed(self) -> PushedState:
        """What the next process must know of it."""


@runtime_checkable
class HasBars(Protocol):
    """A feed of candles."""

    @property
    def bars(self) -> BarsState:
        """What the next process must know of them."""
