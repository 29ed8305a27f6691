"""A collector small enough to hold in one hand: what `BarsFeed` asks of its host, with a clock and threads that a test turns."""

from __future__ import annotations

import collections
import itertools
import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from random import Random
from typing import Any, Final, NamedTuple

from actors.collector.bars.feed import BarsFeed
from actors.collector.bars.providers.fetching import FetchFault
from actors.collector.bars.providers.provider import Answer, Call
from actors.collector.bars.settings import RestSettings
from actors.collector.checkpoint import Checkpoint, Recollection, decode, encode
from actors.collector.gaps import Gaps
from actors.collector.outbox import Outbox
from actors.collector.settings import CollectorSettings
from protocol.codec import encode_events
from protocol.instruments import Catalog, Instrument
from protocol.record import Frame, FrameWriter, RecordKind, parse_frame
from protocol.requests import Reply, Request
from tests.support.providers.world import World
from tests.support.virtual_bars import SECOND_NS

NAME: Final = "collector.rest.1"
NOTHING: Final = Reply(1, False, code="no_data")
TICK_NS: Final = SECOND_NS // 4


class Clock:
    """Wall and monotonic clock, moved by the test."""

    def __init__(self, now_ns: int) -> None:
        self.wall_ns = now_ns
        self.since_start_ns = 5 * SECOND_NS

    def now_ns(self) -> int:
        """Wall clock."""
        return self.wall_ns

    def mono_ns(self) -> int:
        """Monotonic clock."""
        return self.since_start_ns

    def move(self, ns: int) -> None:
        """Let the time pass."""
        self.wall_ns += ns
        self.since_start_ns += ns


class Work(NamedTuple):
    """What runs in a thread, and who wants to know."""

    run: Callable[[], Any]
    done: Callable[[Any], None]


class Host:
    """Publishes into frames; threads and the store answer when the test says so."""

    def __init__(self, settings: RestSettings, instruments: Iterable[Instrument], now_ns: int) -> None:
        self.name = NAME
        self.log = logging.getLogger("test.bars")
        self.clock: Any = Clock(now_ns)
        self.counters: collections.Counter[str] = collections.Counter()
        self.catalog = Catalog(instruments)
        self.gaps = Gaps("rest", f"{NAME}-1")
        self.settings = CollectorSettings(venue="rest", rest=settings)
        self.frames: list[Frame] = []
        self.events: list[tuple[str, Any]] = []
        """What happened, in order: keep, submit, publish, ask_store."""
        self.drops: list[tuple[str, str]] = []
        self.memories: dict[str, bytes] = {}
        self.has_store = True
        self.pending: collections.deque[Work] = collections.deque()
        self.questions: collections.deque[tuple[list[Request], Callable[[Any], None]]] = collections.deque()
        self._writer = FrameWriter(NAME, 1)

    def publish(
        self, topic: str, events: list[Any], kind: RecordKind = RecordKind.DATA, flags: int = 0
    ) -> None:
        """Keep a frame, through its bytes."""
        data = self._writer.build(topic, events[0].SCHEMA, encode_events(events), 1, kind, flags)
        self.frames.append(parse_frame(data))
        self.events.append(("publish", events))

    def submit(self, work: Callable[[], Any], done: Callable[[Any], None]) -> None:
        """Later, see `run_work`."""
        self.events.append(("submit", work))
        self.pending.append(Work(work, done))

    def run_work(self, most: int = 1000) -> None:
        """Let threads end, as the loop of an actor does: a fault is a result too."""
        for _ in range(min(most, len(self.pending))):
            work = self.pending.popleft()
            try:
                found = work.run()
            except Exception as fault:  # noqa: BLE001 - handed on, as the runtime does
                found = fault
            work.done(found)

    def keep(self, name: str, data: bytes) -> None:
        """A memory of the feed's own."""
        self.events.append(("keep", data))
        self.memories[name] = data

    def kept(self, name: str) -> bytes:
        """The newest one."""
        return self.memories.get(name, b"")

    def ask_store(self, requests: Sequence[Request], timeout_s: float, done: Callable[[Any], None]) -> None:
        """Later, see `answer_store`."""
        self.events.append(("ask_store", list(requests)))
        self.questions.append((list(requests), done))

    def answer_store(self, found: Any = NOTHING) -> None:
        """The same to every question, or a fault for all of them."""
        while self.questions:
            requests, done = self.questions.popleft()
            done(found if isinstance(found, Exception) else [found] * len(requests))

    def raw_name(self, symbol: str) -> str:
        """As in the catalog."""
        return self.catalog.get(symbol).venues["rest"]

    def soon(self, handler: Callable[[], None]) -> None:
        """At once."""
        handler()

    def watch(self, fd: int, on_readable: Callable[[], None]) -> None:
        """Not used."""
        raise AssertionError("bars have no descriptor")

    def unwatch(self, fd: int) -> None:
        """Not used."""

    def drop(self, reason: str, what: object = "") -> None:
        """Count."""
        self.counters["dropped." + reason] += 1
        self.drops.append((reason, str(what)))


class WorldFetcher:
    """Asks the providers that are played, at the time of the host."""

    def __init__(self, world: World, clock: Clock) -> None:
        self._world = world
        self._clock = clock
        self.calls: list[Call] = []
        self.is_closed = False

    def fetch(self, call: Call, timeout_s: float) -> Answer:
        """As `Fetcher`."""
        if self.is_closed:
            raise FetchFault("unavailable", "the fetcher is closed")
        self.calls.append(call)
        delivery = self._world.ask(call.url, call.params, call.headers, self._clock.now_ns())
        if not delivery.status or delivery.act:
            raise FetchFault("unavailable", delivery.act or "no answer")
        headers = {name.lower(): value for name, value in delivery.headers.items()}
        return Answer(delivery.status, headers, delivery.body, self._clock.now_ns())

    def close(self) -> None:
        """As `Fetcher`."""
        self.is_closed = True


class FeedRig:
    """A feed, its host, and the providers."""

    def __init__(self, host: Host, feed: BarsFeed, fetcher: WorldFetcher) -> None:
        self.host, self.feed, self.fetcher = host, feed, fetcher
        self._snap = 0, encode(Checkpoint())

    def turn(self) -> None:
        """One tick, and what threads and the store have to say of it."""
        self.feed.tick(self.host.clock.mono_ns())
        self.host.answer_store()
        self.host.run_work()
        self.host.clock.move(TICK_NS)

    def run(self, seconds: float) -> None:
        """Let the time pass."""
        for _ in range(round(seconds * SECOND_NS / TICK_NS)):
            self.turn()

    def events(self, kind: type[Any]) -> list[Any]:
        """Messages of one type that were published, in order."""
        return [
            event
            for what, events in self.host.events
            if what == "publish"
            for event in events
            if isinstance(event, kind)
        ]

    def snap(self) -> None:
        """The collector writes what it remembers."""
        self._snap = len(self.host.frames), encode(Checkpoint(bars=self.feed.bars))

    def past(self) -> Checkpoint:
        """What the next process reads, if this one is killed now."""
        number, data = self._snap
        start = decode(data)
        assert start is not None
        fold = Recollection(start)
        for frame in itertools.islice(self.host.frames, number, None):
            fold.apply(frame)
        assert fold.rejected == 0
        return fold.checkpoint()


@contextmanager
def feed_rig(
    world: World,
    instruments: Iterable[Instrument],
    settings: RestSettings,
    now_ns: int,
    before: FeedRig | None = None,
) -> Iterator[FeedRig]:
    """A feed that is subscribed to all instruments; with the memories of one before it, it has resumed."""
    known = list(instruments)
    host = Host(settings, known, now_ns)
    fetcher = WorldFetcher(world, host.clock)
    feed = BarsFeed(host, "bars", Outbox(host.publish, host.counters), Random(1))
    feed._fetcher.close()
    feed._fetcher = fetcher  # type: ignore[assignment]
    feed.subscribe([(one.symbol, host.raw_name(one.symbol)) for one in known])
    rig = FeedRig(host, feed, fetcher)
    if before is not None:
        host.memories |= before.host.memories
        feed.resume(before.past(), host.clock.now_ns())
        rig.snap()
    try:
        yield rig
    finally:
        feed.close()
