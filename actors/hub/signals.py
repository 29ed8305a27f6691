"""Signals: every revision as it came, and of each signal the newest one. Pure.

A signal is said once and revised when its state changes. An engine wants each signal once, as it is now; a stream
wants every word. So the log keeps both: the newest revisions, bounded as every log is, and of each signal among them
the newest one. A signal that is still open stays known when its revision has left the log: what an engine may hold
is not forgotten because others were vetoed meanwhile.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final, NamedTuple, cast

from actors.hub.ledger import EventLog
from protocol.derived import SIGNAL_STATES
from protocol.errors import InvalidRequest
from protocol.messages import Message, Signal
from protocol.requests import Request

OPEN: Final = "open"
VETOED: Final = "vetoed"
SAID: Final = frozenset(SIGNAL_STATES) - {VETOED}
"""States of what was said to engines: the shield did not refuse it."""


class Choice(NamedTuple):
    """Which signals are wanted; empty texts mean all."""

    symbol: str = ""
    venue: str = ""
    """A signal from before signals had a venue fits every one."""
    strategy: str = ""
    states: frozenset[str] = SAID
    min_confidence: float = 0.0
    is_newest_revision: bool = True
    """One row per signal, as it is now; False: every revision that is kept."""

    def fits(self, signal: Signal) -> bool:
        """Whether a signal is among them."""
        return (
            signal.state in self.states
            and signal.confidence >= self.min_confidence
            and (not self.symbol or signal.symbol == self.symbol)
            and (not self.venue or (signal.venue or self.venue) == self.venue)
            and (not self.strategy or signal.strategy == self.strategy)
        )


def choice_of(request: Request, symbol: str) -> Choice:
    """What a question for signals names; `symbol` is canonical.

    Raises:
        InvalidRequest: an argument is not what it should be.
    """
    args = request.args
    states: Any = args.get("states") or sorted(SAID)
    strategy: Any = args.get("strategy", "")
    least: Any = args.get("min_confidence", 0.0)
    newest: Any = args.get("is_newest_revision", True)
    wrong = []
    if not isinstance(states, list) or not all(isinstance(one, str) for one in states):
        wrong.append(f"args.states: {states!r} is no list of texts")
    elif unknown := sorted(set(states) - set(SIGNAL_STATES)):
        wrong.append(f"args.states: {', '.join(unknown)[:40]} is none of {', '.join(SIGNAL_STATES)}")
    if not isinstance(strategy, str):
        wrong.append(f"args.strategy: {strategy!r} is no text")
    if isinstance(least, bool) or not isinstance(least, int | float) or not 0 <= least <= 1:
        wrong.append(f"args.min_confidence: {least!r} is not within 0 and 1")
    if not isinstance(newest, bool):
        wrong.append(f"args.is_newest_revision: {newest!r} is neither true nor false")
    if wrong:
        raise InvalidRequest(f"signals cannot be chosen so: {'; '.join(wrong)}", errors=wrong)
    return Choice(symbol, request.venue, strategy, frozenset(states), float(least), newest)


class SignalLog(EventLog):
    """The newest revisions of all signals, and each signal as it is now."""

    def __init__(self, limit: int) -> None:
        super().__init__(limit)
        self._limit = limit
        self._heads: dict[str, Signal] = {}
        """Signal to its newest revision; one without `signal_id` is a signal by itself, and not among them."""
        self._listed: list[Signal] | None = None
        """Each signal once, in order of time; None: something has come since."""

    def chosen(self, count: int, choice: Choice) -> list[Signal]:
        """The newest `count` signals (0: all) that fit, oldest first: by the time of the revision that is shown."""
        every = self._now() if choice.is_newest_revision else cast(list[Signal], list(self._events))
        found = [signal for signal in every if choice.fits(signal)]
        return found[-count:] if count else found

    def fill(self, events: Iterable[Message]) -> None:
        """Take stored signals, oldest first; those that are open may be older than the log reaches back."""
        stored = list(events)
        known = list(self._heads.values())
        super().fill(stored)
        self._heads.clear()
        for one in (known, stored, self._events):
            self._note(cast(Iterable[Signal], one))

    def clear(self, symbol: str) -> None:
        """Forget the signals of one symbol; an empty name means all."""
        super().clear(symbol)
        self._heads = {key: one for key, one in self._heads.items() if symbol and one.symbol != symbol}
        self._listed = None

    def _append(self, events: Iterable[Message]) -> None:
        added = cast(list[Signal], list(events))
        super()._append(added)
        self._note(added)
        if len(self._heads) > 3 * self._limit:
            self._forget()

    def _note(self, signals: Iterable[Signal]) -> None:
        """Let newer revisions take the place of older ones."""
        self._listed = None
        heads = self._heads
        for signal in signals:
            known = heads.get(signal.signal_id)
            if signal.signal_id and (known is None or signal.revision >= known.revision):
                heads[signal.signal_id] = signal

    def _forget(self) -> None:
        """Let go of signals that have left the log, but for the newest open ones."""
        kept = set(map(id, self._events))
        left = sorted((one for one in self._heads.values() if id(one) not in kept), key=_when)
        is_open = [one for one in left if one.state == OPEN]
        stays = set(map(id, is_open[-self._limit :]))
        for one in left:
            if id(one) not in stays:
                del self._heads[one.signal_id]

    def _now(self) -> list[Signal]:
        if self._listed is None:
            self._forget()
            alone = [one for one in cast(Iterable[Signal], self._events) if not one.signal_id]
            self._listed = sorted((*alone, *self._heads.values()), key=_when)
        return self._listed


def _when(signal: Signal) -> tuple[int, str]:
    """Place of a signal among others: the same in a hub that has heard it and in one that has it from the store."""
    return signal.ts_event_ns, signal.signal_id
