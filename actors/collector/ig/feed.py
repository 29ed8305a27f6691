"""IG's quotes, live: logins, streaming sessions, epics, gaps. Wiring; the rules are in the files beside."""

from __future__ import annotations

import functools
from collections.abc import Iterable
from random import Random
from typing import TYPE_CHECKING, Any, Final

from actors.collector.checkpoint import BudgetState, Checkpoint, SymbolState
from actors.collector.exchange.silence import Patience, Watches
from actors.collector.ig.actions import Deliver, Denied, Ticket
from actors.collector.ig.epic_tape import PLAIN_PRICE_FIELDS, EpicTape
from actors.collector.ig.login import REST_URLS, RestSession
from actors.collector.ig.prices import BANDS, Scale, pip_of
from actors.collector.ig.quote_gaps import QUOTES_LOST, QuoteGaps
from actors.collector.ig.rest_shapes import Market
from actors.collector.ig.signing_in import SigningIn
from actors.collector.ig.stream_line import StreamLine
from actors.collector.intake.venue_time import VenueTime
from actors.collector.market_clock import MarketClock
from actors.collector.outbox import Outbox
from protocol.messages import Quote
from protocol.sessions import session_named

if TYPE_CHECKING:
    from actors.collector.market_feed import Host

VENUE: Final = "ig"
STREAM_DEAD: Final = "connected, but without any update"
HINT_RETRY_NS: Final = 60_000_000_000
BAD_FIELD: Final = 23


class IgFeed:
    """The market of contracts for difference; see `market_feed.MarketFeed`.

    Args:
        host: The collector.
        market: `cfd`.
        outbox: Takes quotes and gaps.
        random: For jitter.
    """

    def __init__(self, host: Host, market: str, outbox: Outbox, random: Random) -> None:
        settings = host.settings
        self.market = market
        self.clock = MarketClock()
        self.lines: list[StreamLine] = []
        self.tapes: dict[str, EpicTape] = {}
        self._host = host
        self._settings = settings
        self._outbox = outbox
        self._random = random
        self._line_of: dict[str, StreamLine] = {}
        self._account = settings.ig.account_id
        self._is_closing = False
        url = settings.rest_url.get(market) or REST_URLS[settings.ig.environment]
        rest = RestSession(settings.ig, url, settings.rest_timeout_s, host.clock.mono_ns)
        self._signing_in = SigningIn(host, rest, random, self._on_ticket)
        self._gaps = QuoteGaps(host.gaps, outbox)
        self._waiting: dict[StreamLine, None] = {}
        """Lines that need a login."""
        self._venue_time = VenueTime(round(settings.max_ahead_s * 1e9))
        self._watches = Watches(
            Patience(
                settings.silence_factor,
                settings.silence_floor_s,
                settings.silence_cap_s,
                settings.first_message_s,
            )
        )
        self._seen: dict[str, int] = {}
        self._newest_ns = 0

    # symbols

    def subscribe(self, symbols: Iterable[tuple[str, str]]) -> None:
        """Want quotes of these (canonical symbol, epic)."""
        for symbol, raw in symbols:
            if symbol in self.tapes:
                continue
            tape = self.tapes[symbol] = self._tape(symbol, raw)
            line = self._line_of[symbol] = self._line_with_room()
            line.subscribe(symbol, tape.subscription(self._settings.ig.item, self._account))

    def _tape(self, symbol: str, raw: str) -> EpicTape:
        ig = self._settings.ig
        instrument = self._host.catalog.get(symbol)
        band = ig.bands.get(symbol) or BANDS.get(symbol)
        return EpicTape(
            VENUE,
            symbol,
            raw,
            Scale(raw, ig.divisors.get(raw), band),
            session_named(instrument.session),
            pip_of(symbol, instrument.pip_size),
        )

    def _line_with_room(self) -> StreamLine:
        limit = self._settings.ig.max_items_per_session
        for line in self.lines:
            if len(line.symbols) < limit:
                return line
        name = f"{self.market}#{len(self.lines) + 1}"
        line = StreamLine(name, self, self._host, self._settings, self._random)
        self.lines.append(line)
        return line

    def unsubscribe(self, symbol: str) -> None:
        """Want nothing of this symbol any more; a session without items ends."""
        if self.tapes.pop(symbol, None) is None:
            return
        self._watches.disarm(symbol)
        line = self._line_of.pop(symbol)
        line.unsubscribe(symbol)
        if not line.symbols:
            line.stop()
            self.lines.remove(line)
            self._waiting.pop(line, None)
        self._gaps.forget(symbol, self._event_ns())

    def has(self, symbol: str) -> bool:
        """Whether a symbol is subscribed."""
        return symbol in self.tapes

    @property
    def kinds(self) -> dict[str, set[str]]:
        """Canonical symbol to the kinds of messages that are collected of it."""
        return {symbol: {Quote.KIND} for symbol in self.tapes}

    @property
    def is_connected(self) -> bool:
        """Whether data flows."""
        return any(line.is_up for line in self.lines)

    # restarts

    def resume(self, past: Checkpoint, now_ns: int) -> None:
        """Go on where the process before stopped: what came since then is missing, if the market traded."""
        for symbol, state in past.symbols.items():
            tape = self.tapes.get(symbol)
            if tape is not None and state.quote_ns:
                open_gaps = [gap for gap in past.open_gaps if gap.symbol == symbol]
                self._gaps.resume(tape, state.quote_ns, past.reached_ns, now_ns, open_gaps)

    def remember(self) -> dict[str, SymbolState]:
        """What the next process must know."""
        self._outbox.flush()
        return {symbol: SymbolState(quote_ns=tape.newest_ns) for symbol, tape in self.tapes.items()}

    @property
    def news_ids(self) -> list[str]:
        """None."""
        return []

    def budget_state(self, mono_ns: int, now_ns: int) -> BudgetState | None:  # noqa: ARG002 - the contract's
        """None: IG's budgets are its own secret."""
        return None

    def close(self) -> None:
        """End all sessions."""
        self._is_closing = True
        for line in self.lines:
            line.stop()
        self._outbox.flush()

    # logins

    def on_login_wanted(self, line: StreamLine, reason: str) -> None:
        """A session needs a login."""
        self._host.log.info("%s logs in: %s", line.name, reason)
        self._waiting[line] = None
        self._signing_in.is_wanted = True

    def _on_ticket(self, ticket: Ticket) -> None:
        self._account = ticket.user
        for symbol, line in self._line_of.items():
            line.subscribe(symbol, self.tapes[symbol].subscription(self._settings.ig.item, ticket.user))
        waiting, self._waiting = self._waiting, {}
        for line in waiting:
            line.on_ticket(ticket)

    def _ask_hints(self, mono_ns: int) -> None:
        """Ask IG about the scale of an epic of which nothing else is known."""
        for tape in self.tapes.values():
            if not tape.scale.needs_hint or mono_ns < tape.hint_due_ns:
                continue
            if self._signing_in.ask_market(tape.epic, functools.partial(self._on_market, tape), mono_ns):
                tape.hint_due_ns = mono_ns + HINT_RETRY_NS
            return

    def _on_market(self, tape: EpicTape, market: Market | None) -> None:
        if market is not None:
            tape.scale.hint(market.snapshot.scalingFactor)
            self._host.drop(
                "ig_scale_unverified", f"{tape.epic}: IG's hint is {market.snapshot.scalingFactor}"
            )

    # what the lines say

    def on_up(self, line: StreamLine, *, is_same: bool) -> None:
        """Data can flow again; what a recovered session brings is whole."""
        line.watchman.rest()
        if is_same:
            for tape in self._tapes_of(line):
                self._gaps.recovered(tape, self._event_ns())

    def on_down(self, line: StreamLine, reason: str) -> None:
        """Say at once what is missing from now on, where the market trades."""
        line.watchman.rest()
        if self._is_closing:
            return
        idle_ns = line.session.idle_ns(self._host.clock.mono_ns())
        now_ns = self._host.clock.now_ns()
        for tape in self._tapes_of(line):
            self._watches.disarm(tape.symbol)
            self._gaps.interrupt(tape, self._event_ns() - idle_ns, now_ns, "disconnect", reason)
        self._outbox.flush()

    def on_denied(self, line: StreamLine, denied: Denied) -> None:
        """A subscription was refused: with fewer fields if it was for these, else until the next session."""
        tape = self.tapes.get(denied.key)
        if tape is None:
            return
        self._host.drop("ig_item_refused", f"{tape.epic}: {denied.code} {denied.text}")
        self._watches.disarm(tape.symbol)
        if denied.code == BAD_FIELD and len(tape.fields) > len(PLAIN_PRICE_FIELDS):
            tape.fields = PLAIN_PRICE_FIELDS
            line.subscribe(tape.symbol, tape.subscription(self._settings.ig.item, self._account))

    def on_values(self, line: StreamLine, delivery: Deliver, ts_recv_ns: int) -> None:
        """One update of an epic."""
        tape = self.tapes.get(delivery.key)
        if tape is None:
            return
        mono_ns = self._host.clock.mono_ns()
        line.watchman.heard(mono_ns, is_snapshot=delivery.is_first)
        self._seen[tape.symbol] = mono_ns
        had_scale, was_silent = tape.scale.verdict is not None, tape.was_silent
        tape.was_silent = was_silent and not delivery.is_first
        quote = tape.take(delivery.values, ts_recv_ns)
        if isinstance(quote, str):
            if quote:
                self._host.drop(quote, f"{tape.epic}: {delivery.values[:3]}")
            else:  # closed, or as it was: that is all there is to know
                self._gaps.end(tape, self._event_ns())
            return
        if not had_scale:
            self._tell_scale(tape)
        reached_ns = self.clock.reached(mono_ns)
        if not self._venue_time.admits(quote.ts_event_ns, ts_recv_ns, reached_ns):
            self._host.drop(
                "clock_ahead", f"{tape.symbol}: {quote.ts_event_ns - ts_recv_ns} ns ahead of ours"
            )
            return
        if was_silent and delivery.is_first and quote.ts_event_ns > tape.newest_ns > 0:
            self._gaps.hole(tape, quote.ts_event_ns)
        self._gaps.end(tape, quote.ts_event_ns)
        tape.keep(quote)
        self._newest_ns = max(self._newest_ns, quote.ts_event_ns)
        if quote.bid > quote.ask:
            self._host.counters["quotes_crossed"] += 1
        self._outbox.add(quote)

    def _tell_scale(self, tape: EpicTape) -> None:
        verdict = tape.scale.verdict
        if verdict is not None:
            self._host.log.info("%s: raw quotes are divided by %g", tape.epic, verdict.divisor)
            if verdict.is_surprising:
                self._host.drop("ig_scale_surprising", f"{tape.epic}: the divisor is {verdict.divisor:g}")

    def on_batch(self, frames: list[bytes]) -> None:
        """Publish what one turn has brought; advance the clock first."""
        counters = self._host.counters
        counters["frames_received"] += len(frames)
        counters["bytes_received"] += sum(map(len, frames))
        self.clock.saw(self._newest_ns, self._host.clock.mono_ns())
        self._outbox.flush()

    def _tapes_of(self, line: StreamLine) -> list[EpicTape]:
        return [self.tapes[symbol] for symbol in line.symbols if symbol in self.tapes]

    def _event_ns(self) -> int:
        reached_ns = self.clock.reached(self._host.clock.mono_ns())
        return reached_ns or self._host.clock.now_ns()

    # timers

    def tick(self, mono_ns: int) -> None:
        """Sessions and logins: several times a second."""
        for line in list(self.lines):
            line.tick(mono_ns)
        self._signing_in.tick(mono_ns)
        self._ask_hints(mono_ns)
        self._outbox.flush()

    def sweep(self, mono_ns: int) -> None:
        """Silence: about once a second."""
        now_ns = self._host.clock.now_ns()
        for line in self.lines:
            if not line.is_up:
                for tape in self._tapes_of(line):  # the market may have opened meanwhile
                    at_ns = self._event_ns() - line.session.idle_ns(mono_ns)
                    self._gaps.interrupt(tape, at_ns, now_ns, "disconnect", line.session.last_reason)
                continue
            self._look_at(line, now_ns, mono_ns)
        self._look_at_epics(now_ns, mono_ns)
        self._outbox.flush()

    def _look_at(self, line: StreamLine, now_ns: int, mono_ns: int) -> None:
        """The stream that is connected and dead."""
        denied = line.session.items.denied
        tapes = [tape for tape in self._tapes_of(line) if tape.symbol not in denied]
        silent_s = line.watchman.silent_s(tapes, now_ns, mono_ns)
        if silent_s is None:
            return
        reason = f"{STREAM_DEAD} for {silent_s:.0f} s"
        self._host.drop("ig_stream_dead", f"{line.name}: {reason}")
        for tape in tapes:
            self._watches.disarm(tape.symbol)
            self._gaps.interrupt(tape, tape.newest_ns, now_ns, "silence", reason)
        line.restart(reason)

    def _look_at_epics(self, now_ns: int, mono_ns: int) -> None:
        """One epic is silent while others of its session are not."""
        for symbol, tape in self.tapes.items():
            line = self._line_of[symbol]
            is_expected = line.is_up and tape.calendar.is_open(now_ns) and not tape.is_closed_by_venue
            if is_expected and symbol not in line.session.items.denied:
                self._watches.arm(symbol, tape.updates, mono_ns)
            else:
                self._watches.disarm(symbol)
        for symbol, _ in self._watches.look(lambda symbol: self.tapes[symbol].updates, mono_ns):
            line = self._line_of[symbol]
            seen_ns = self._seen.get(symbol, 0)
            if any(self._seen.get(other, 0) > seen_ns for other in line.symbols):
                self._host.drop("silent_stream", f"{self.tapes[symbol].epic}: subscribed anew")
                self.tapes[symbol].was_silent = True
                line.renew(symbol)

    # people

    def is_unsynced(self, symbol: str) -> bool:  # noqa: ARG002 - the contract's
        """There are no books."""
        return False

    def republish(self, symbol: str) -> bool:  # noqa: ARG002 - the contract's
        """There are no books."""
        return False

    def retry(self, gap_id: str) -> str:  # noqa: ARG002 - the contract's
        """Missing quotes cannot be fetched."""
        return QUOTES_LOST

    def connections(self, mono_ns: int) -> list[dict[str, Any]]:
        """Each session for people."""
        return [line.describe(mono_ns) for line in self.lines]

    def rotate(self, name: str) -> bool:
        """Log in anew and replace a session; also ends a stop after refused logins."""
        line = next((line for line in self.lines if line.name == name), None)
        if line is None:
            return False
        self._signing_in.retry()
        line.restart("replaced by hand")
        return True

    def detail(self, mono_ns: int) -> dict[str, Any]:
        """Small summary for the heartbeat."""
        return {
            "symbols": len(self.tapes),
            "connected": self.is_connected,
            "login": self._signing_in.state,
            "login_error": self._signing_in.last_error,
            "lines": {line.name: line.session.state.value for line in self.lines},
            "silence": self._watches.summary(mono_ns),
            "silent": self._watches.silent()[:10],
            "dead_in_a_row": max((line.watchman.strikes for line in self.lines), default=0),
            "epics": {symbol: _describe(tape) for symbol, tape in list(self.tapes.items())[:40]},
        }


def _describe(tape: EpicTape) -> dict[str, Any]:
    verdict, spread = tape.scale.verdict, tape.spread_pips
    return {
        "epic": tape.epic,
        "state": tape.state,
        "divisor": verdict.divisor if verdict is not None else None,
        "divisor_verified": verdict is not None and verdict.is_verified,
        "spread_pips": round(spread, 3) if spread is not None else None,
    }
