"""The path of IG for `fuzz_frames.py`: TLCP lines through session and quotes, bodies of its REST side."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from random import Random
from typing import Any, Final, NamedTuple

from actors.collector.backoff import Backoff
from actors.collector.ig import rest_shapes, tlcp
from actors.collector.ig.actions import Action, Alarm, Deliver, LogIn, Open, Ticket
from actors.collector.ig.epic_tape import EpicTape
from actors.collector.ig.phases import State, Timing
from actors.collector.ig.prices import BANDS, Scale
from actors.collector.ig.session import Session
from actors.collector.outcomes import Reject
from protocol.messages import Quote
from protocol.sessions import session_named
from scripts.fuzz_samples import CRYPTOPANIC, TLCP
from tests.support.soundness import Soundness

RECV_NS: Final = 1_795_000_000_000_000_000
STEP_NS: Final = 20_000_000
EPICS: Final = {"EUR_USD": "CS.D.EURUSD.CFD.IP", "USD_JPY": "CS.D.USDJPY.TODAY.IP"}
SHAPES: Final = (
    rest_shapes.SessionBody, rest_shapes.Market, rest_shapes.PricesBody, rest_shapes.OAuthToken,
    rest_shapes.ErrorBody, list[rest_shapes.Application],
)  # fmt: skip


class Seed(NamedTuple):
    """A frame of the stream, or a body."""

    data: bytes
    is_rest: bool = False


class IgTarget:
    """A session with two items."""

    is_text = True

    def __init__(self, folder: Path | None, random: Random) -> None:
        self.reasons: Counter[str] = Counter()
        self.messages: Counter[str] = Counter()
        self._random = random
        self.groups = [[Seed(data) for data in TLCP]]
        if folder is not None:
            self.groups += _recorded(folder / "ig")
        self.seeds = [seed for group in self.groups for seed in group]
        self.strangers = list(CRYPTOPANIC)
        self.sound: Any = None
        self._mono_ns = 0
        self.renew()

    def renew(self) -> None:
        """A new process."""
        if self.sound is not None:
            self.messages.update(self.sound.counts)
        self.sound = Soundness("ig", EPICS)
        timing = Timing(10.0, 10.0, 15.0, 1800.0)
        self._session = Session(timing, Backoff(0.1, 1.0, self._random.random))
        self._tapes = {
            symbol: EpicTape(
                "ig", symbol, epic, Scale(epic, None, BANDS.get(symbol)), session_named("fx"), 0.0001
            )
            for symbol, epic in EPICS.items()
        }
        for number, (symbol, tape) in enumerate(self._tapes.items()):
            wanted = tape.subscription(("PRICE", "CHART")[number], "ABC123")
            self._do(self._session.subscribe(symbol, wanted, self._mono_ns))
        self._do(self._session.start(self._mono_ns))
        self._greet()

    def remembered(self) -> object:
        """Session and quotes."""
        return self._session, self._tapes

    def connect_anew(self) -> None:
        """The socket breaks."""
        self._do(self._session.on_closed("broken", self._mono_ns))
        self._greet()

    def take(self, seed: Seed, data: bytes) -> None:
        """One frame, or one body."""
        self._mono_ns += STEP_NS
        if seed.is_rest or self._random.random() < 0.02:
            self._body(data)
            return
        for text in tlcp.lines(data):
            self._do(self._session.on_line(tlcp.parse(text), self._mono_ns))
        if self._random.random() < 0.1:
            self._do(self._session.on_time(self._mono_ns))
        if self._session.state is not State.STREAMING and self._random.random() < 0.2:
            self._mono_ns += 2_000_000_000
            self._do(self._session.on_time(self._mono_ns))
            if self._session.state is State.STOPPED:
                self._do(self._session.restart("by hand", self._mono_ns, is_login_stale=True))
            self._greet()

    def _greet(self) -> None:
        for text in ("WSOK", "CONOK,S1,50000,30000,*", "PROG,0", "SUBOK,1,1,6", "SUBOK,2,1,3"):
            self._do(self._session.on_line(tlcp.parse(text), self._mono_ns))

    def _do(self, actions: list[Action]) -> None:
        for action in actions:
            match action:
                case LogIn():
                    ticket = Ticket("ABC123", "CST-x|XST-y", "https://push.example.com", self._mono_ns)
                    self._do(self._session.on_ticket(ticket, self._mono_ns))
                case Open():
                    self._do(self._session.on_opened(self._mono_ns))
                case Alarm(reason):
                    self.reasons[reason] += 1
                case Deliver(key, values):
                    self._deliver(self._tapes[key], values)
                case _:
                    self.reasons[f"({type(action).__name__.lower()})"] += 1

    def _deliver(self, tape: EpicTape, values: list[str | None]) -> None:
        found = tape.take(values, RECV_NS)
        if isinstance(found, Quote):
            self.sound.take(found)
            tape.keep(found)
        elif found:
            self.reasons[found] += 1

    def _body(self, data: bytes) -> None:
        for shape in SHAPES:
            found: Any = rest_shapes.decode(data, shape)
            if isinstance(found, Reject):
                self.reasons[found.reason] += 1
        rest_shapes.error_code(data)
        history = rest_shapes.parse_prices("ig", "EUR_USD", data, "1m")
        if isinstance(history, Reject):
            self.reasons[history.reason] += 1
            return
        for bar in history.bars:
            self.sound.take(bar)


def _recorded(folder: Path) -> list[list[Seed]]:
    bodies = [Seed(path.read_bytes(), is_rest=True) for path in sorted(folder.glob("rest_*.json"))]
    sessions = json.loads((folder / "tlcp_sessions.json").read_bytes())
    frames = [
        Seed("\r\n".join([*step["lines"], ""]).encode())
        for session in sessions
        for step in session["steps"]
        if "lines" in step
    ]
    cases = [
        Seed((json.loads(line)["line"] + "\r\n").encode())
        for line in (folder / "tlcp_update_vectors.jsonl").read_bytes().splitlines()
    ]
    return [bodies, frames, cases]
