"""Everything of one Databento data set, live: sessions, records, gaps, rolls."""

from __future__ import annotations

import os
from collections.abc import Iterable
from random import Random
from typing import Any, Final

from actors.collector.backoff import Backoff
from actors.collector.checkpoint import BudgetState, Checkpoint, SymbolState
from actors.collector.databento import layout
from actors.collector.databento.continuity import Continuity
from actors.collector.databento.gateway_talk import GatewayTalk
from actors.collector.databento.inbox import Began, Ended, Received
from actors.collector.databento.live import LiveSession, Plan
from actors.collector.databento.plan import KEY_VARIABLE, address, faults, subscriptions
from actors.collector.databento.records import Records
from actors.collector.databento.sources import sources_of
from actors.collector.databento.supervision import CLIENT_MARGIN_S, NS_PER_S, Supervisor
from actors.collector.databento.symbols import SymbolMap, Wanted, next_restart_ns
from actors.collector.gaps import RESTART
from actors.collector.market_clock import MarketClock
from actors.collector.market_feed import Host
from actors.collector.outbox import Outbox
from protocol.errors import ConfigError
from protocol.messages import Book, Quote, Trade
from protocol.sessions import session_named

STAMP_NS: Final = 1_000_000
"""Records given to us within this time share one receive time."""
JOIN_S: Final = 2.0
BY_REPLAY: Final = (
    "Databento repeats what was missed in the next session, not by id: tapehub backfill databento"
)


class DatabentoFeed:
    """One market, one session at a time.

    Args:
        host: The collector.
        market: Its name in symbols.yaml; the settings say which data set it is.
        outbox: Takes what is published.
        random: For jitter.

    Raises:
        ConfigError: no such data set, schemas that cannot be, or no key.
    """

    def __init__(self, host: Host, market: str, outbox: Outbox, random: Random) -> None:
        settings = self._settings = host.settings.databento
        key = settings.api_key or os.environ.get(KEY_VARIABLE, "")
        problems = faults(settings, market, key)
        if problems:
            raise ConfigError([f"actors.{host.name}.databento.{problem}" for problem in problems])
        self.market = market
        self.clock = MarketClock()
        self.sources = sources_of(settings.schemas)
        self.symbols = SymbolMap(lambda raw: host.catalog.canonical("databento", market, raw))
        self.records = Records(self.symbols, self.sources)
        self.continuity = Continuity(host.gaps, outbox, host.drop)
        self.state = "idle"
        """idle, connecting, streaming, waiting."""
        self._host = host
        self._key = key
        self._outbox = outbox
        self._supervisor = Supervisor(
            Backoff(host.settings.backoff_base_s, host.settings.backoff_cap_s, random.random),
            settings.auth_pause_s,
            settings.replay_max_s if settings.replay else 0.0,
            settings.replay_margin_s,
        )
        self.talk = GatewayTalk(
            host, market, self.symbols, self.sources, self.continuity, self._supervisor, self._event_ns
        )
        self._session: LiveSession | None = None
        self._ending: list[LiveSession] = []
        self._has_begun = self._is_dirty = False
        self._why = self._reason = ""
        self._heard_ns = self._away_since_ns = 0
        self._newest_recv_ns = 0
        self._restart_ns = 0
        self._session_id = ""

    # symbols

    @property
    def is_connected(self) -> bool:
        """Whether a session streams."""
        return self.state == "streaming"

    @property
    def kinds(self) -> dict[str, set[str]]:
        """Canonical symbol to the kinds of messages that are collected of it."""
        return {symbol: set(self.sources.kinds) for symbol in self.symbols.symbols}

    def subscribe(self, symbols: Iterable[tuple[str, str]]) -> None:
        """Want all schemas of these; a session that streams already is begun anew, with a replay of what is missed."""
        for symbol, raw in symbols:
            if self.symbols.has(symbol):
                continue
            instrument = self._host.catalog.get(symbol)
            self.symbols.want(Wanted(symbol, raw, instrument.contract_size, instrument.tick_size))
            self._is_dirty = True

    def unsubscribe(self, symbol: str) -> None:
        """Take nothing of it any more; the gateway goes on sending it until the next session."""
        self.symbols.forget(symbol)
        self.continuity.forget(symbol)
        self.continuity.flush()

    def has(self, symbol: str) -> bool:
        """Whether a symbol is subscribed."""
        return self.symbols.has(symbol)

    # restarts of the process

    def resume(self, past: Checkpoint, now_ns: int) -> None:  # noqa: ARG002 - the records themselves say the time
        """Go on where the process before stopped."""
        for symbol in self.symbols.symbols:
            is_open = session_named(self._calendar_of(symbol)).is_open(past.reached_ns)
            newest_ns = self.continuity.resume(symbol, self.sources.kinds, past, is_open=is_open)
            self._newest_recv_ns = max(self._newest_recv_ns, newest_ns)
        self._away_since_ns, self._reason = past.reached_ns, RESTART
        self.continuity.flush()

    def remember(self) -> dict[str, SymbolState]:
        """What the next process must know, after everything gathered has gone out."""
        self.continuity.flush()
        return {symbol: self.continuity.remember(symbol) for symbol in self.symbols.symbols}

    @property
    def news_ids(self) -> list[str]:
        """None."""
        return []

    def budget_state(self, mono_ns: int, now_ns: int) -> BudgetState | None:  # noqa: ARG002 - MarketFeed
        """There is no request budget."""
        return None

    def retry(self, gap_id: str) -> str:  # noqa: ARG002 - MarketFeed
        """Why a gap cannot be fetched now."""
        return BY_REPLAY

    # sessions

    def tick(self, mono_ns: int) -> None:
        """Open a session where there must be one; replace it where it has to be."""
        if self._session is not None:
            now_ns = self._host.clock.now_ns()
            if self._has_begun and self._is_dirty:
                self._replace("symbols were added", mono_ns)
            elif self._has_begun and self.talk.must_renew:
                self._replace("a front month rolled", mono_ns)
            elif self._restart_ns and now_ns >= self._restart_ns:
                self.talk.refused.clear()  # a name may have been listed since
                self._replace("daily restart, for the front months", mono_ns)
        if self._session is None and self.symbols.by_stype() and mono_ns >= self._supervisor.next_attempt_ns:
            self._open(mono_ns)

    def sweep(self, mono_ns: int) -> None:
        """A gateway that says nothing; a market that opens while we are away."""
        self._ending = [session for session in self._ending if not session.has_ended]
        if self._session is not None and self._has_begun:
            silent_s = (mono_ns - self._heard_ns) / NS_PER_S
            if silent_s > self._settings.heartbeat_s + CLIENT_MARGIN_S:
                self._host.drop("silent_gateway", f"nothing for {silent_s:.0f} s, no heartbeat either")
                self._end("the gateway is silent", mono_ns)
        if self._away_since_ns:
            self._tell_away()

    def _open(self, mono_ns: int) -> None:
        settings, now_ns = self._settings, self._host.clock.now_ns()
        start_ns, why = self._supervisor.replay_from_ns(self._newest_recv_ns, now_ns)
        self._why = why
        plan = Plan(
            settings.datasets[self.market],
            self._key,
            settings.gateway,
            settings.port,
            settings.heartbeat_s,
            subscriptions(settings.schemas, self.symbols.by_stype(), self.talk.refused, start_ns),
        )
        self.talk.replays = sum(1 for wanted in plan.subscriptions if wanted.start_ns)
        self._supervisor.begin()
        self.records.begin_session()
        self._has_begun = self._is_dirty = self.talk.must_renew = False
        self._restart_ns = next_restart_ns(now_ns, settings.restart_at)
        self._heard_ns = mono_ns
        self.state = "connecting"
        session = self._session = LiveSession(plan, settings.queue_records, self._host.clock.now_ns)
        self._host.watch(session.inbox.fd, self._on_readable)
        self._host.counters["sessions_opened"] += 1
        session.start()

    def _hang_up(self) -> None:
        session, self._session = self._session, None
        if session is not None:
            self._host.unwatch(session.inbox.fd)
            session.close()
            self._ending.append(session)
        self._has_begun = False

    def _replace(self, reason: str, mono_ns: int) -> None:
        """Hang up and connect again at once, as planned."""
        self._host.log.info("%s: new session: %s", self.market, reason)
        self._hang_up()
        self._went_away(reason)
        self._supervisor.next_attempt_ns = mono_ns
        self.state = "waiting"

    def _end(self, text: str, mono_ns: int, *, is_refusal: bool = False) -> None:
        end = self._supervisor.ended(text, is_refusal, mono_ns)
        self._hang_up()
        self.state = "waiting"
        counters, log = self._host.counters, self._host.log
        counters["sessions_refused" if end.is_refused else "sessions_ended"] += 1
        if end.is_refused:
            log.error(
                "%s: the gateway refuses us (%s); again in %.0f s", self.market, end.reason, end.pause_s
            )
        else:
            log.warning("%s: session ended: %s; again in %.1f s", self.market, end.reason, end.pause_s)
        self._went_away(end.reason)

    # away and back

    def _event_ns(self) -> int:
        reached_ns = self.clock.reached(self._host.clock.mono_ns())
        return reached_ns or self.continuity.newest_ns or self._host.clock.now_ns()

    def _went_away(self, reason: str) -> None:
        self._newest_recv_ns = max(self._newest_recv_ns, self.records.newest_recv_ns)
        self._away_since_ns = self._away_since_ns or self._event_ns()
        self._reason = reason
        self._tell_away()

    def _tell_away(self) -> None:
        """Announce what is missing from when it is: from the end of the session, or from when the market opens."""
        at_ns = self._event_ns()
        for symbol in self.symbols.symbols:
            calendar = session_named(self._calendar_of(symbol))
            if calendar.is_open(at_ns):
                from_ns = max(self._away_since_ns, calendar.span(at_ns).start_ns)
                self.continuity.interrupt(symbol, self.sources.kinds, from_ns, "disconnect", self._reason)
        self.continuity.flush()

    def _calendar_of(self, symbol: str) -> str:
        catalog = self._host.catalog
        return catalog.get(symbol).session if symbol in catalog else "cme"

    def _began(self, began: Began) -> None:
        session_id = began.session_id
        self._has_begun, self.state, self._session_id = True, "streaming", session_id
        self._away_since_ns = 0
        self._heard_ns = self._host.clock.mono_ns()
        at_ns, until_ns = self._event_ns(), began.at_ns if self.talk.replays else 0
        for symbol in self.symbols.symbols:
            kinds = self.sources.kinds
            replayed = {kind for kind in kinds if self.sources.of(kind) != layout.MBO} if until_ns else set()
            self.continuity.session_began(symbol, replayed, at_ns, until_ns)
            why = self._why or "schema mbo is not replayed"
            self.continuity.session_began(symbol, kinds - replayed, at_ns, 0, why)
        self._host.log.info("%s: session %s%s", self.market, session_id, " with replay" if until_ns else "")
        self.continuity.flush()

    # records

    def _on_readable(self) -> None:
        session, mono_ns = self._session, self._host.clock.mono_ns()
        if session is None:
            return
        self._heard_ns = mono_ns
        waiting: list[bytes] = []
        stamp_ns = 0
        for item in session.inbox.take(self._settings.batch_records):
            if isinstance(item, Received):
                if waiting and item.ts_recv_ns - stamp_ns > STAMP_NS:
                    self._take(b"".join(waiting), stamp_ns)
                    waiting.clear()
                if not waiting:
                    stamp_ns = item.ts_recv_ns
                waiting.append(item.data)
                continue
            self._take(b"".join(waiting), stamp_ns)
            waiting.clear()
            if isinstance(item, Began):
                self._began(item)
            else:
                self._on_ended(item, mono_ns)
                break
        self._take(b"".join(waiting), stamp_ns)
        self.clock.saw(self.continuity.newest_ns, mono_ns)
        self.continuity.flush()

    def _on_ended(self, item: Ended, mono_ns: int) -> None:
        self._end(item.text, mono_ns, is_refusal=item.is_refusal)

    def _take(self, data: bytes, ts_recv_ns: int) -> None:
        if not data:
            return
        counters = self._host.counters
        counters["bytes_received"] += len(data)
        for outcome in self.records.take(data, ts_recv_ns):
            if isinstance(outcome, (Trade, Quote, Book)):
                self._supervisor.flowing(self._heard_ns)
                self._market(outcome, ts_recv_ns)
            else:
                self.talk.take(outcome)
        for reason, count in self.records.dropped.items():
            self._host.drop(reason, f"{count} records of {self.market}")
            counters["dropped." + reason] += count - 1
        self.records.dropped.clear()

    def _market(self, message: Trade | Quote | Book, ts_recv_ns: int) -> None:
        if message.ts_event_ns - ts_recv_ns > self._host.settings.max_ahead_s * NS_PER_S:
            self._host.drop("clock_ahead", message.symbol)
            return
        self.continuity.take(message)

    # people

    def is_unsynced(self, symbol: str) -> bool:
        """Whether a book is wanted and has not come in this session."""
        return (
            Book.KIND in self.sources.kinds
            and self.has(symbol)
            and not self.continuity.is_fresh(symbol, Book.KIND)
        )

    def republish(self, symbol: str) -> bool:
        """Publish the whole book as it is now; False if there is none."""
        target = self.symbols.target(symbol)
        book = self.continuity.books.get(symbol)
        if target is None or book is None or self.is_unsynced(symbol):
            return False
        if self.sources.books == layout.MBO:
            book = self.records.image(target, self._event_ns())
            if book is None:
                return False
        self._outbox.add(book)
        self.continuity.flush()
        return True

    def connections(self, mono_ns: int) -> list[dict[str, Any]]:
        """The session, for people."""
        session = self._session
        return [
            {
                "name": self.market,
                "state": self.state,
                "url": address(self._settings, self.market),
                "session": self._session_id,
                "schemas": list(self._settings.schemas),
                "waiting_records": len(session.inbox) if session else 0,
                "silent_s": round((mono_ns - self._heard_ns) / NS_PER_S, 1) if session else None,
                "next_attempt_in_s": max(
                    0.0, round((self._supervisor.next_attempt_ns - mono_ns) / NS_PER_S, 1)
                ),
            }
        ]

    def rotate(self, name: str) -> bool:
        """Replace the session; False if it is not called so."""
        if name not in ("", self.market):
            return False
        if self._session is not None:
            self._replace("asked for", self._host.clock.mono_ns())
        return True

    def detail(self, mono_ns: int) -> dict[str, Any]:  # noqa: ARG002 - MarketFeed
        """Small summary for the heartbeat."""
        unsynced = [symbol for symbol in self.symbols.symbols if self.is_unsynced(symbol)]
        return {
            "symbols": len(self.symbols.symbols),
            "connected": self.is_connected,
            "state": self.state,
            "contracts": dict(self.symbols.contracts),
            "refused": dict(self.talk.refused),
            "replays_under_way": self.talk.replays,
            "books_unsynced": len(unsynced),
            "unsynced": unsynced[:10],
            "ignored_types": dict(self.records.ignored.most_common(10)),
        }

    def close(self) -> None:
        """Hang up; what is still missing stays missing."""
        self._hang_up()
        self.state = "idle"
        self.continuity.flush()
        for session in self._ending:
            session.join(JOIN_S)
