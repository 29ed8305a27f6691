"""The hub: hears everybody, remembers the newest, answers engines before it hears more. Wiring only."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, Final

from actors.hub.across import AcrossAnswers
from actors.hub.answers import Answers
from actors.hub.archive import Archive
from actors.hub.board import Board
from actors.hub.desk import Desk
from actors.hub.freshness import Freshness
from actors.hub.history import Deeper
from actors.hub.market import MarketAnswers
from actors.hub.overview import OverviewAnswers
from actors.hub.settings import HubSettings
from actors.hub.store import Store
from actors.hub.warm_start import Ask, WarmStart
from actors.hub.warmth import Warmth
from actors.runtime.actor import Actor
from protocol.board.layout import POINTER_SUFFIX
from protocol.board.machine import is_possible
from protocol.board.writing import BoardWriter
from protocol.errors import BoardFull
from protocol.fleet import Fleet
from protocol.instruments import REST
from protocol.messages import Bar, Quote, Trade
from protocol.pushing import is_pushed, is_receiver
from protocol.record import Frame, RecordKind, is_fetched_bar
from protocol.replay import Position
from protocol.requests import Reply, Request
from protocol.sessions import session_named
from protocol.stores import store_of, stores
from protocol.transport import Envelope, remove_stale_socket

_STORED: Final = (RecordKind.DATA, RecordKind.UPSTREAM_GAP)
UNREAD: Final = 128
"""Answers kept for an engine that does not read them (of 5,000 candles each: 66 MB); libzmq gives credit back by
halves, so who asks for at most 64 things at once loses nothing."""
MEASURE_S: Final = 1.0
SYNC_S: Final = 0.1
ASKED_KINDS: Final = ("hub", "journal", "persistence")
"""Kinds of actors with a `query` address."""
GIVES_UP_S: Final = 5.0
"""A hub would rather be current than complete: so long it waits for the journal server."""


class HubActor(Actor):
    """Keeps the newest value of every topic and answers engines."""

    kind = "hub"
    CONFLATES = ("quote.",)
    Settings = HubSettings

    def setup(self) -> None:
        """Subscribe first, then bind the socket that engines ask."""
        settings: HubSettings = self.settings
        self.store = Store(settings, self._session_of)
        self.fleet = Fleet(settings.silence_s)
        self.board: Board | None = None
        self.warmth = Warmth(self.store, self._ask, self.drop, settings.snap_retry_s)
        self.stores = stores(self.common.actors)
        ask = self._way_to_stores()
        self.warm_start = WarmStart(self.store, settings, ask, self.drop, self.clock.mono_ns)
        self.answers = self._answers(settings)
        self.archive = Archive(ask, self.answers.settle, self._is_stored_up, settings.history_timeout_s)
        self.intake = self.consume(self._on_frame, on_beat=self._on_beat, gives_up_s=GIVES_UP_S)
        endpoint = self.endpoints.binds(self.name, "query")
        remove_stale_socket(endpoint)
        self._queries = self.wire.responder(endpoint, UNREAD, purpose="query")
        self.serve(self._queries, self._on_query)
        self.board = self._board(settings)
        self.every(MEASURE_S, lambda: self.store.measure(MEASURE_S))
        self.every(SYNC_S, self._sync)
        self.warm_start.warm(self._warmed)

    def _warmed(self, positions: dict[str, Position]) -> None:
        """The windows are filled up to these positions: hear everybody from there, who is not stored yet from the start."""
        if positions:
            self.intake.rewind(positions, is_from_start=True)

    def _answers(self, settings: HubSettings) -> Answers:
        ttl_s = {
            "quote": settings.quote_ttl_s,
            "trade": settings.trade_ttl_s,
            "book": settings.book_ttl_s,
            "bar": settings.bar_ttl_s,
            "feature": settings.bar_ttl_s,
            "flow": settings.flow_ttl_s,
            "footprint": settings.flow_ttl_s,
        }
        self.freshness = freshness = Freshness(
            ttl_s, self.fleet, self.store.gaps, _is_open, self._bars_from, self.store.of_market
        )
        self.store.fits = lambda publisher, topic: freshness.fits(publisher, topic, self.clock.mono_ns())
        epoch = self.publisher.epoch
        desk = Desk(self.name, epoch, self.clock, self.catalog, self.store, self.fleet, freshness, self._show)
        addresses = {name: self._addresses(name) for name in self.common.actors}
        overview = OverviewAnswers(desk, self.status, addresses, settings.max_reply_bytes)
        across = AcrossAnswers(desk, settings.venue_expiry_s)
        market = MarketAnswers(desk, next(iter(self.stores), ""))
        return Answers(desk, market, overview, across, self.counters, settings.max_reply_bytes)

    def _board(self, settings: HubSettings) -> Board | None:
        """The board, where there is to be one and there can be one."""
        if not settings.board or not is_possible():
            return None
        pointer = self.endpoints.socket_dir / f"{self.name}.{POINTER_SUFFIX}"
        try:
            writer = BoardWriter(pointer, self.publisher.epoch, settings.board_max_bytes)
        except (OSError, BoardFull) as fault:
            self.log.warning("no board, every read is a question: %s", fault)
            return None
        return Board(writer, self.store, self.freshness, self.fleet, self.clock)

    def _addresses(self, name: str) -> dict[str, str]:
        """Where an actor publishes, and where it answers if it does."""
        roles = ["pub"]
        if name.partition(".")[0] in ASKED_KINDS:
            roles.append("query")
        if is_receiver(name, self.common.actors[name]):
            roles.append("ingest")
        return self.endpoints.told(name, roles)

    def _on_frame(self, frame: Frame) -> None:
        kind = frame.kind
        if is_fetched_bar(frame):
            return
        if kind in _STORED:
            self.store.ingest(frame)
            if self.board is not None and self.board.changing:
                self.board.settle()
        elif kind == RecordKind.TIME:
            self.fleet.on_mark(frame, self.clock.mono_ns())

    def on_conflated(self, topic: str, events: int) -> None:
        """Quotes that newer ones have overtaken count as received, too."""
        super().on_conflated(topic, events)
        self.store.pass_over(topic, events)

    def _on_beat(self, frame: Frame) -> None:
        self.fleet.on_beat(frame, self.clock.mono_ns())

    def _on_query(self, envelope: Envelope, body: bytes) -> None:
        try:
            answer = self.answers.answer(body)
            if self.store.is_cleared:
                self._flush()
            self._queries.reply(envelope, answer)
        except Deeper as deeper:
            self.archive.fetch(deeper.plan, functools.partial(self._queries.reply, envelope))

    def turn(self, longest_wait_s: float) -> bool:
        """As every actor's; what it has changed is on the board at its end."""
        had_work = super().turn(longest_wait_s)
        self._flush()
        return had_work

    def _show(self, name: str) -> None:
        if self.board is not None:
            self.board.show(name) if name else self.board.flush()

    def _flush(self) -> None:
        if self.board is not None:
            self.board.flush()

    def drain(self) -> None:
        """Nothing is current any more."""
        if self.board is not None:
            self.board.close()
            self.board = None

    def _sync(self) -> None:
        """Ask new processes for what they remember, and collectors for the books that are out of step."""
        while self.fleet.news:
            publisher = self.fleet.news.pop()
            self.store.gaps.abandon(publisher.name, publisher.epoch)
            if publisher.name in self.common.actors:
                self.warmth.restore(publisher.name)
        self.store.turn()
        self.warmth.sync_books(self.clock.mono_ns())
        self.warm_start.tick()

    def _ask(
        self, actor: str, questions: list[Request], done: Callable[[list[Reply] | Exception], None]
    ) -> None:
        """Ask an actor's `ctl` in a thread: the loop goes on answering engines."""
        if actor not in self.common.actors:
            return
        endpoint, timeout_s = self.endpoints.ctl(actor), self.settings.ask_timeout_s
        self.submit(lambda: self._asked(endpoint, questions, timeout_s), done)

    def _way_to_stores(self) -> Ask | None:
        """How to ask for what is stored, in a thread as well; None where nothing is."""
        if not self.stores:
            return None
        if len(self.stores) == 1:
            return functools.partial(self._ask_store, self.stores[0])
        from actors.hub.stores import Stores  # noqa: PLC0415 - where there are several alone

        return Stores(self.common.actors, self.stores, self._ask_store).ask

    def _ask_store(
        self, name: str, question: Request, timeout_s: float, done: Callable[[Reply | Exception], None]
    ) -> None:
        endpoint = self.endpoints.query(name)
        self.submit(lambda: self._asked(endpoint, [question], timeout_s)[0], done)

    def _asked(self, endpoint: str, questions: list[Request], timeout_s: float) -> list[Reply]:
        requester = self.wire.requester(endpoint)
        try:
            return [requester.ask(question, timeout_s) for question in questions]
        finally:
            self.wire.forget(requester.socket)

    def _is_stored_up(self, kind: str) -> bool:
        """Whether the persistence actor that has a kind is alive."""
        return self.fleet.is_up_by_name(store_of(self.common.actors, kind), self.clock.mono_ns())

    def _session_of(self, symbol: str) -> str:
        session = self.catalog.get(symbol).session if symbol in self.catalog else ""
        return "" if session == "crypto" else session

    def _bars_from(self, venue: str, symbol: str) -> str:
        if venue == REST:
            return Bar.KIND
        if is_pushed(venue):  # candles are made of its quotes where it sends any
            return Quote.KIND if self.store.of_market(Quote.KIND, venue, symbol) else Bar.KIND
        return self.catalog.get(symbol).bars_from if symbol in self.catalog else Trade.KIND

    def status(self) -> dict[str, Any]:
        """As every actor's; the counts of what came are taken from the store just before."""
        counts = {**self.store.received(), **self.warmth.counters(), **self.warm_start.counters()}
        counts["replies_unroutable"] = self._queries.unroutable
        self.counters.update({name: count - self.counters[name] for name, count in counts.items()})
        return super().status()

    def detail(self) -> dict[str, Any]:
        """Sizes of what is kept, for the heartbeat and `status`."""
        books = self.store.books()
        board = self.board
        return {
            "board_bytes": board.size_bytes if board else 0,
            "board_left_out": len(board.left_out) if board else 0,
            "query": self._queries.endpoint,
            "topics": len(self.store),
            "warm_start": self.warm_start.state,
            "history_asked": self.archive.asked,
            "gaps_open": self.store.gaps.open_count,
            "books": len(books),
            "books_synced": sum(book.is_synced for book in books),
        }


def _is_open(session: str, ts_ns: int) -> bool:
    return session_named(session).is_open(ts_ns)
