"""The push receiver as one market of the collector: a ROUTER takes pushes, what is new goes out as ordinary messages.

Its order makes the promise: published, in the journal, answered. A push that was not answered may be sent again, and a
killed process knows from its journal what it had taken. Wiring.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from random import Random
from typing import Any, ClassVar, Final

from actors.collector.checkpoint import BudgetState, Checkpoint, SymbolState
from actors.collector.gaps import Gaps
from actors.collector.market_clock import MarketClock
from actors.collector.market_feed import ServingHost
from actors.collector.outbox import Outbox
from actors.collector.push.batch import Taken
from actors.collector.push.desk import Desk
from actors.collector.push.memory import PushedState
from actors.collector.push.rhythm import Rhythm
from actors.collector.push.sources import Source
from actors.collector.push.spelling import Spelling, problems
from protocol.errors import ConfigError, HubError, Overloaded
from protocol.messages import Gap, Message, Quote
from protocol.naming import Names
from protocol.pushing import DUPLICATE, MAX_PUSH_BYTES, OP, push_of
from protocol.record import FLAG_REPAIRED, RecordKind
from protocol.requests import Reply, Request, decode_request, encode_reply, error_reply, operation_of, raw
from protocol.topics import mark_topic, market_topic
from protocol.transport import Envelope, Responder, remove_stale_socket

MARKET: Final = "push"
UNREAD: Final = 1000
FULL_S: Final = 1.0


class PushFeed:
    """All sources.

    Args:
        host: The collector.
        market: `push`.
        outbox: Not used: what goes out is grouped by request.
        random: Not used.

    Raises:
        ConfigError: names in the settings that lead nowhere.
    """

    OPERATIONS: ClassVar = ("sources",)

    def __init__(self, host: ServingHost, market: str, outbox: Outbox, random: Random) -> None:  # noqa: ARG002 - as all feeds
        self.market = market
        self.clock = MarketClock()
        """Never begins: each source has a time of its own."""
        self.state = PushedState()
        self._host = host
        self._settings = settings = host.settings.push
        names = Names(host.catalog, host.brokers)
        mistakes = problems(names, settings.sources)
        if mistakes:
            raise ConfigError([f"actors.{host.name}.{mistake}" for mistake in mistakes])
        self._spelling = Spelling(names, settings.sources)
        self._desk = self._new_desk()
        self._sources: dict[str, Source] = {}
        self._next_mark_ns = 0
        self._operations: dict[str, Callable[[Request], object]] = {OP: self._push, "ping": _pong}
        self._responder: Responder | None = None

    def _new_desk(self) -> Desk:
        host = self._host
        return Desk(
            self._settings, host.settings.max_ahead_s, host.catalog, self._spelling, self.state, host.counters
        )

    def resume(self, past: Checkpoint, now_ns: int) -> None:  # noqa: ARG002 - as all feeds
        """Know what was published before; then listen."""
        self.state = past.pushed or PushedState()
        self._desk = self._new_desk()
        mono_ns = self._host.clock.mono_ns()
        for name in self.state.sources:
            self._announce(self._source(name).resume(mono_ns))
        endpoint = self._host.endpoints.binds(self._host.name, "ingest")
        remove_stale_socket(endpoint)
        self._responder = self._host.wire.responder(endpoint, UNREAD, MAX_PUSH_BYTES, "ingest")
        self._host.serve(self._responder, self._on_message, is_urgent=False)

    def _source(self, name: str) -> Source:
        source = self._sources.get(name)
        if source is None:
            host, settings = self._host, self._host.settings
            rhythm = Rhythm(settings.silence_factor, settings.silence_floor_s, settings.silence_cap_s)
            gaps = Gaps(f"push.{name}", f"{host.name}-{host.publisher.epoch}-{name}")
            hold_back_ns = round(self._settings.hold_back_s * 1e9)
            source = Source(name, self.state.sources[name], rhythm, gaps, host.catalog, hold_back_ns)
            self._sources[name] = source
        return source

    # requests

    def _on_message(self, envelope: Envelope, body: bytes) -> None:
        assert self._responder is not None
        self._responder.reply(envelope, encode_reply(self._reply(body)))

    def _reply(self, body: bytes) -> Reply:
        host, request_id = self._host, 0
        name, epoch = host.name, host.publisher.epoch
        try:
            request = decode_request(body, MAX_PUSH_BYTES)
            request_id = request.id
            now_ns = host.clock.now_ns()
            answer = operation_of(request, self._operations, "this receiver", now_ns)(request)
        except HubError as refusal:
            host.counters["requests_refused"] += 1
            return error_reply(request_id, refusal, name, epoch)
        return Reply(
            id=request_id,
            ok=True,
            publisher=name,
            epoch=epoch,
            seq=host.publisher.seq,
            ts_ns=now_ns,
            data=raw(answer),
        )

    def _push(self, request: Request) -> object:
        host = self._host
        self._check_journal()
        taken = self._desk.take(push_of(request), host.clock.now_ns())
        self._publish(taken)
        host.publisher.flush()  # nobody may be told of an item that is not in the journal
        self._check_journal()
        return taken.result

    def _check_journal(self) -> None:
        if not self._host.is_journal_ok:
            text = (
                "the receiver's disk is full: nothing is accepted; send the same again later, it counts once"
            )
            raise Overloaded(text, retry_after_s=FULL_S)

    def _publish(self, taken: Taken) -> None:
        host, mono_ns = self._host, self._host.clock.mono_ns()
        result = taken.result
        for name, newest_ns in taken.newest_ns.items():
            source = self._source(name)
            source.heard(newest_ns, mono_ns)
            self._announce(source.back())
            if len(taken.newest_ns) == 1:
                source.note(result.accepted, result.duplicates, result.rejected)
        for topic, events, is_late in taken.outgoing:
            kind = type(events[0]).KIND
            if is_late:
                newest = host.publisher.last.get(topic)
                host.publish(topic, events, RecordKind.DATA, FLAG_REPAIRED)
                if newest is not None:
                    host.publisher.last[topic] = newest  # a late joiner is given the newest, not the latest
            else:
                host.publish(topic, events, RecordKind.DATA)
            if kind == Quote.KIND:
                host.counters["quotes_received"] += len(events)
                host.counters["ticks_received"] += len(events)
        told: set[str] = set()
        for item in result.items:
            if item.code != DUPLICATE and item.code not in told:
                told.add(item.code)
                host.drop(f"push_{item.code}", f"{', '.join(taken.newest_ns) or 'nobody'}: {item.detail}")

    def _announce(self, gaps: Iterable[Gap]) -> None:
        for gap in gaps:
            self.state.enter_gap(gap)
            self._host.counters["gaps_announced"] += 1
            self._host.publish(market_topic(gap.KIND, gap.venue, gap.symbol), [gap], RecordKind.UPSTREAM_GAP)

    # time

    def tick(self, mono_ns: int) -> None:
        """Say how far each source's time has come."""
        if mono_ns < self._next_mark_ns:
            return
        self._next_mark_ns = mono_ns + round(self._host.settings.watermark_s * 1e9)
        name = self._host.name
        marks: list[Message] = [
            mark for source in self._sources.values() if (mark := source.mark(name, mono_ns)) is not None
        ]
        if marks:
            self._host.publish(mark_topic(name), marks, RecordKind.TIME)

    def sweep(self, mono_ns: int) -> None:
        """Gaps begin where a source is silent."""
        now_ns = self._host.clock.now_ns()
        for source in self._sources.values():
            self._announce(source.sweep(now_ns, mono_ns))

    # people

    @property
    def is_connected(self) -> bool:
        """Whether any source is there; where none ever was, whether one may come."""
        mono_ns = self._host.clock.mono_ns()
        return not self._sources or any(source.rhythm.is_there(mono_ns) for source in self._sources.values())

    def answer(self, request: Request) -> object:  # noqa: ARG002 - there is one operation
        """`sources`: each source, and its symbols."""
        mono_ns = self._host.clock.mono_ns()
        return {
            name: {**source.describe(mono_ns), "newest_ns": {
                symbol: ticks.newest_ns for symbol, ticks in source.state.ticks.items()
            }}
            for name, source in self._sources.items()
        }  # fmt: skip

    def detail(self, mono_ns: int) -> dict[str, Any]:
        """Where it listens, and each source."""
        return {
            "connected": self.is_connected,
            "ingest": self._responder.endpoint if self._responder is not None else "",
            "sources": {name: source.describe(mono_ns) for name, source in self._sources.items()},
        }

    def connections(self, mono_ns: int) -> list[dict[str, Any]]:
        """Each source."""
        url = self._responder.endpoint if self._responder is not None else ""
        return [
            {"name": name, "url": url, "state": "there" if source.rhythm.is_there(mono_ns) else "silent"}
            for name, source in self._sources.items()
        ]

    @property
    def pushed(self) -> PushedState:
        """What the next process must know."""
        return self.state

    # what pushes do not have

    @property
    def news_ids(self) -> list[str]:
        """There is no news."""
        return []

    @property
    def kinds(self) -> dict[str, set[str]]:
        """Nothing is asked for."""
        return {}

    def subscribe(self, symbols: Iterable[tuple[str, str]]) -> None:
        """Sources send what they like."""

    def unsubscribe(self, symbol: str) -> None:
        """Sources send what they like."""

    def has(self, symbol: str) -> bool:  # noqa: ARG002
        """Nothing is subscribed."""
        return False

    def remember(self) -> dict[str, SymbolState]:
        """Nothing of the kind; see `pushed`."""
        return {}

    def budget_state(self, mono_ns: int, now_ns: int) -> BudgetState | None:  # noqa: ARG002
        """There is no budget."""
        return None

    def is_unsynced(self, symbol: str) -> bool:  # noqa: ARG002
        """There are no books."""
        return False

    def republish(self, symbol: str) -> bool:  # noqa: ARG002
        """There are no books."""
        return False

    def retry(self, gap_id: str) -> str:  # noqa: ARG002
        """Nobody can be asked."""
        return "a source cannot be asked for what it did not send"

    def rotate(self, name: str) -> bool:  # noqa: ARG002
        """There is nothing to replace."""
        return False

    def close(self) -> None:
        """Sources send again what is not answered."""


def _pong(request: Request) -> str:  # noqa: ARG001 - as all operations
    return "pong"
