"""Looks at the running system from outside, as `tapehub status` and an engine do: is all well, and since when."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from typing import Final

from protocol.client import Hub, questions
from protocol.errors import HubError
from tapehub.supervision.roll_call import RollCall
from tests.chaos.crashes import Crash, parse_crashes
from tests.chaos.stage import Stage
from tests.chaos.topology import HUB, SIMULATOR

PAUSE_S: Final = 0.05
ROLL_S: Final = 0.3
_NS: Final = 1_000_000_000


class Watch:
    """Asks every actor and the hub.

    Args:
        stage: The system.
        symbols: Whose tick and candle must be fresh.
        on_look: Called at each look: progress, and whatever else must go on.
    """

    def __init__(self, stage: Stage, symbols: Sequence[str], on_look: Callable[[], None]) -> None:
        self._stage = stage
        self._on_look = on_look
        self._symbols = list(symbols)
        self._questions = [
            question
            for symbol in symbols
            for question in (questions.tick(symbol), questions.candles(symbol, "1m", 1))
        ]
        self._roll_call = RollCall(stage.endpoints, stage.names)
        self.hub = Hub(stage.endpoints.query(HUB), timeout_s=1.0)
        self._crash_log = stage.run_dir / "crashes.log"
        self.last_complaint = ""

    def crashes(self) -> list[Crash]:
        """Actors that have ended themselves so far."""
        try:
            return parse_crashes(self._crash_log.read_text())
        except FileNotFoundError:
            return []

    def statuses(self) -> dict[str, dict[str, object]]:
        """What each actor says of itself; who does not answer is not in it."""
        answers = self._roll_call.ask(ROLL_S)
        return {name: answer.status for name, answer in answers.items() if answer.status}

    def complaint(self, since_ns: int, old_pid: int = 0) -> str:
        """What is not well yet; empty if all is.

        Args:
            since_ns: Wall clock; data must have been received after it.
            old_pid: Of a killed process: nobody may still be it.
        """
        statuses = self.statuses()
        for name in self._stage.names:
            if name == SIMULATOR:  # the venue: a busy one is no fault of the system
                continue
            status = statuses.get(name)
            if status is None:
                return f"{name} does not answer"
            if status["state"] != "RUNNING":
                return f"{name} is {status['state']}"
            if old_pid and status["pid"] == old_pid:
                return f"{name} has not been missed yet"
        try:
            answers = self.hub.snapshot(self._questions)
        except HubError as refusal:
            return f"hub: {refusal.code}: {refusal}"
        return self._stale(answers, since_ns)

    def _stale(self, answers: Sequence[object], since_ns: int) -> str:
        age_limit_s = (time.time_ns() - since_ns) / _NS
        for position, symbol in enumerate(self._symbols):
            tick, candles = answers[2 * position], answers[2 * position + 1]
            for what, answer in (("tick", tick), ("candle", candles)):
                if isinstance(answer, HubError):
                    return f"{what} of {symbol}: {answer.code}: {answer}"
                if getattr(answer, "state", "") != "fresh":
                    return f"{what} of {symbol} is {getattr(answer, 'state', '?')}"
                if getattr(answer, "age_s", age_limit_s) >= age_limit_s:
                    return f"{what} of {symbol} is from before"
        return ""

    def until_well(self, patience_s: float, old_pid: int = 0) -> tuple[float, str]:
        """Wait until nothing is wrong, from now on or from the last time an actor ended itself meanwhile.

        Returns:
            Seconds it took, and what was still wrong when patience ended (empty: nothing).
        """
        since_mono_ns, since_ns = time.monotonic_ns(), time.time_ns()
        end_ns = since_mono_ns + round(patience_s * _NS)
        pause = threading.Event()
        while True:
            for crash in self.crashes():
                if crash.mono_ns > since_mono_ns:
                    since_ns += crash.mono_ns - since_mono_ns
                    since_mono_ns = crash.mono_ns
            complaint = self.complaint(since_ns, old_pid)
            now_ns = time.monotonic_ns()
            self.look(complaint)
            if not complaint or now_ns > end_ns:
                return (now_ns - since_mono_ns) / _NS, complaint
            pause.wait(PAUSE_S)

    def look(self, complaint: str) -> None:
        """Remember what is not well, and let progress be told."""
        self.last_complaint = complaint
        self._on_look()

    def close(self) -> None:
        """Close the sockets."""
        self.hub.close()
        self._roll_call.close()
