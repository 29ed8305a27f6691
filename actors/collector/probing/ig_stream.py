"""One streaming session of IG looked at: created, a few epics subscribed, their prices plausible. Blocking."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

from actors.collector.ig.actions import Deliver, Denied, Ticket
from actors.collector.ig.epic_tape import PLAIN_PRICE_FIELDS, EpicTape
from actors.collector.ig.feed import BAD_FIELD, VENUE
from actors.collector.ig.login import LoginError, RestSession
from actors.collector.ig.phases import State
from actors.collector.ig.prices import BANDS, Scale, number, pip_of
from actors.collector.ig.stream_line import StreamLine
from actors.collector.ig.tlcp import stream_url
from actors.collector.probing.loop import ProbeLoop
from actors.collector.probing.probe import Probe, named
from protocol.instruments import Catalog
from protocol.messages import Quote
from protocol.sessions import session_named


class IgStreamProbe:
    """One streaming session; see `stream_line.LineOwner`.

    Args:
        probe: Where findings go.
        rest: Logged in.
        ticket: Of the login.
        symbols: (canonical symbol, epic) of what is subscribed.
        catalog: All instruments.
    """

    def __init__(
        self,
        probe: Probe,
        rest: RestSession,
        ticket: Ticket,
        symbols: Sequence[tuple[str, str]],
        catalog: Catalog,
    ) -> None:
        self._probe, self._rest, self._ticket = probe, rest, ticket
        self._loop = ProbeLoop(probe, VENUE, catalog)
        self._line = StreamLine("probe", self, self._loop, probe.settings, Random())
        self._tapes = {symbol: self._tape(symbol, epic, catalog) for symbol, epic in symbols}
        self._answers: dict[str, Quote | str] = {}
        """Symbol to its first quote, or why it is none."""
        self._raw: dict[str, Sequence[str | None]] = {}
        self._denied: dict[str, str] = {}
        self._is_up = self._is_over = False
        self._logins = 0
        self._trouble = ""

    def _tape(self, symbol: str, epic: str, catalog: Catalog) -> EpicTape:
        ig, instrument = self._probe.settings.ig, catalog.get(symbol)
        scale = Scale(epic, ig.divisors.get(epic), ig.bands.get(symbol) or BANDS.get(symbol))
        pip = pip_of(symbol, instrument.pip_size)
        return EpicTape(VENUE, symbol, epic, scale, session_named(instrument.session), pip)

    def run(self) -> None:
        """Look at it."""
        probe, clock = self._probe, self._probe.clock
        probe.begin("stream")
        if not self._tapes:
            probe.skip("no symbol is configured")
            return
        for tape in self._tapes.values():
            self._ask_scale(tape)
            self._line.subscribe(tape.symbol, tape.subscription(probe.settings.ig.item, self._ticket.user))
        up_ns = 0
        while not self._trouble and not probe.is_late:
            mono_ns = clock.mono_ns()
            self._line.tick(mono_ns)
            self._loop.turn()
            if self._is_up and not up_ns:
                up_ns = mono_ns
                probe.ok(f"{self._url}: session created")
                probe.begin("subscribe")
            if len(self._answers) + len(self._denied) == len(self._tapes):
                break
            if up_ns and mono_ns - up_ns > probe.data_s * 1e9:
                break
            if self._line.session.state in (State.PAUSED, State.STOPPED):
                self._trouble = self._line.session.last_reason or "the session ended"
        self._is_over = True
        self._line.stop()
        self._judge()

    @property
    def _url(self) -> str:
        return stream_url(self._ticket.endpoint)

    def _ask_scale(self, tape: EpicTape) -> None:
        if not tape.scale.needs_hint:
            return
        try:
            tape.scale.hint(self._rest.market(tape.epic).snapshot.scalingFactor)
        except LoginError as error:
            self._probe.warn(
                f"{tape.epic}: nothing is known of its scale, and IG says {error}", "set ig.divisors"
            )

    # what the line says

    def on_login_wanted(self, line: StreamLine, reason: str) -> None:
        """Give it the one login there is."""
        self._logins += 1
        if self._logins > 1:
            self._trouble = f"the login is not taken: {reason}"
        else:
            self._loop.soon(lambda: line.on_ticket(self._ticket))

    def on_up(self, line: StreamLine, *, is_same: bool) -> None:  # noqa: ARG002 - LineOwner
        """The session is there."""
        self._is_up = True

    def on_down(self, line: StreamLine, reason: str) -> None:  # noqa: ARG002 - LineOwner
        """It is gone."""
        if not self._is_over:
            self._is_up = False
            self._trouble = self._trouble or reason

    def on_values(self, line: StreamLine, delivery: Deliver, ts_recv_ns: int) -> None:  # noqa: ARG002 - LineOwner
        """Values of an epic: a quote if it is dealt in now."""
        tape = self._tapes[delivery.key]
        self._raw[delivery.key] = delivery.values
        if not isinstance(self._answers.get(delivery.key), Quote):
            self._answers[delivery.key] = tape.take(delivery.values, ts_recv_ns)

    def on_denied(self, line: StreamLine, denied: Denied) -> None:
        """A subscription was refused; with fewer fields if it was for these, as the feed does."""
        tape = self._tapes[denied.key]
        if denied.code == BAD_FIELD and len(tape.fields) > len(PLAIN_PRICE_FIELDS):
            tape.fields = PLAIN_PRICE_FIELDS
            line.subscribe(tape.symbol, tape.subscription(self._probe.settings.ig.item, self._ticket.user))
            return
        self._denied[denied.key] = f"{denied.code} {denied.text}"

    def on_batch(self, frames: list[bytes]) -> None:
        """Nothing is published."""

    # verdicts

    def _judge(self) -> None:
        probe = self._probe
        for symbol, words in self._denied.items():
            probe.begin("subscribe")
            probe.fail(
                f"{symbol}: {self._tapes[symbol].epic} is refused: {words}",
                "is the epic right in symbols.yaml, and dealt in by this account?",
            )
        if self._trouble:
            fix = "at most one program may use the key; try again later" if self._is_up else "try again later"
            probe.fail(f"{self._url}: {self._trouble}", fix)
            return
        if not self._line.session.sessions:
            probe.fail(
                f"{self._url}: no session in time", "a longer --timeout, or a firewall that holds WebSockets"
            )
            return
        silent = [
            symbol for symbol in self._tapes if symbol not in self._answers and symbol not in self._denied
        ]
        probe.begin("data")
        if silent:
            probe.warn(f"no data yet of {named(silent)}", "all is well while the market is closed")
        for symbol, answer in self._answers.items():
            self._judge_price(self._tapes[symbol], answer)
        if self._loop.drops:
            probe.warn(f"the stream says what is not understood: {self._loop.drops[0]}", "please report it")

    def _judge_price(self, tape: EpicTape, answer: Quote | str) -> None:
        probe, raw = self._probe, self._raw[tape.symbol]
        if answer == "":  # closed, or one side is not quoted: what it shows must be a price all the same
            answer = self._shown(tape, raw)
        if isinstance(answer, str) and answer not in ("ig_price_out_of_band", "closed"):
            probe.fail(
                f"{tape.symbol}: {tape.epic} says {list(raw[:4])}, which is no quote ({answer})",
                "please report it",
            )
            return
        if answer == "ig_price_out_of_band":
            probe.fail(
                f"{tape.symbol}: no divisor makes a price of {tape.epic} that can be true of {list(raw[:2])}",
                "wrong epic in symbols.yaml, or set ig.divisors and ig.bands",
            )
            return
        verdict = tape.scale.verdict
        if verdict is None:
            word = f"IG says {tape.state}" if tape.state else "it shows no price"
            probe.warn(f"{tape.symbol}: {word}: its scale was not checked", "all is well while it is closed")
            return
        real = number(raw[0]), number(raw[1])
        price = " / ".join(f"{value / verdict.divisor:.6g}" for value in real if value is not None)
        state = f", {tape.state}" if tape.state else ""
        text = f"{tape.symbol}: {price}{state}, divided by {verdict.divisor:g}"
        if not verdict.is_verified:
            probe.warn(f"{text}: not checked, no price band is known", "set ig.bands")
        elif verdict.is_surprising:
            probe.warn(
                f"{text}: another divisor than configured or usual", "is the epic right? set ig.divisors"
            )
        else:
            probe.ok(text)

    def _shown(self, tape: EpicTape, raw: Sequence[str | None]) -> str:
        """Check the scale with a quote that nobody trades at; `closed` if that is all there is to say."""
        bid, ask = number(raw[0]), number(raw[1])
        if not bid or not ask:
            return "closed"
        real = tape.scale.real(bid, ask)
        return real if isinstance(real, str) else "closed"
