"""Where backfills are ordered: a running collector of bars; or one that does not run, whose configuration tells prices."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final, Protocol

from actors.collector.bars.jobs import Order
from actors.runtime.clock import Clock
from protocol.endpoints import Endpoints
from protocol.errors import HubError, HubTimeout, HubUnreachable
from protocol.instruments import Catalog
from protocol.requests import Request
from protocol.transport import Wire
from tapehub.asking import Answer, Question, ask_all, data_of
from tapehub.bar_collectors import ANYBODY, BarCollector
from tapehub.refill_plan import Piece, by_stretch

ANSWER_S: Final = 5.0
"""A collector answers within this, or it hangs."""
MAX_QUESTIONS: Final = 200
"""Questions that are under way at once."""
ABSENT: Final = (HubUnreachable, HubTimeout)
"""What a collector that does not run is answered with."""


class Desk(Protocol):
    """Where backfills are ordered."""

    is_running: bool
    """Whether a collector answers here: without one nothing can be ordered."""

    def quote(self, provider: str, pieces: Sequence[Piece]) -> list[dict[str, Any]]:
        """What these stretches cost; see `jobs.Cost`."""

    def live(self) -> dict[str, int]:
        """Instrument to the minute from which on it is fetched without being asked; empty where that is not known."""

    def limits(self) -> dict[str, list[dict[str, float]]]:
        """Limits of each provider, and what is used of them where that is known."""


class Configured:
    """A collector that does not run: its configuration says what things cost."""

    is_running = False

    def __init__(self, collector: BarCollector, catalog: Catalog, now_ns: int) -> None:
        self._collector = collector
        self._catalog = catalog
        self._now_ns = now_ns

    def quote(self, provider: str, pieces: Sequence[Piece]) -> list[dict[str, Any]]:
        """What these stretches cost."""
        chosen = "" if provider == ANYBODY else provider
        costs = [
            self._collector.cost(Order(one.symbol, chosen, one.from_ns, one.to_ns), self._catalog.get(one.symbol), self._now_ns)
            for one in pieces
        ]  # fmt: skip
        return [one._asdict() for one in costs]

    def live(self) -> dict[str, int]:
        """Nothing is fetched while it does not run."""
        return {}

    def limits(self) -> dict[str, list[dict[str, float]]]:
        """As they are configured."""
        return {name: [one._asdict() for one in limits] for name, limits in self._collector.limits().items()}


class Running:
    """A collector that runs.

    Args:
        name: The actor.
        endpoints: Of the run directory.
        wire: Sockets.
        clock: For deadlines.

    Raises:
        HubUnreachable, HubTimeout: it does not run, or does not answer.
    """

    is_running = True

    def __init__(self, name: str, endpoints: Endpoints, wire: Wire, clock: Clock) -> None:
        self.name = name
        self._address = endpoints.ctl(name)
        self._wire = wire
        self._clock = clock
        self._state = self.state()

    def state(self) -> dict[str, Any]:
        """Providers, instruments, history and backfills, now."""
        return self._one(Request(op="rest"))

    def quote(self, provider: str, pieces: Sequence[Piece]) -> list[dict[str, Any]]:
        """What these stretches cost."""
        return [cost for reply in self._backfill(provider, pieces, is_dry=True) for cost in reply["costs"]]

    def order(self, provider: str, pieces: Sequence[Piece]) -> list[str]:
        """Have them fetched; returns the ids of the backfills, those under way that hold a stretch already too."""
        replies = self._backfill(provider, pieces, is_dry=False)
        return list(dict.fromkeys(job_id for reply in replies for job_id in reply["jobs"]))

    @property
    def uptime_s(self) -> float:
        """How long it runs, seconds."""
        return float(self._one(Request(op="status"))["uptime_s"])

    def backfills(self) -> dict[str, dict[str, Any]]:
        """Backfills by id: those that run, and the newest of those that are over."""
        found = self._one(Request(op="backfills"))
        return {one["job_id"]: one for one in (*found["finished"], *found["running"])}

    def cancel(self, job_id: str) -> None:
        """Stop one.

        Raises:
            InvalidRequest: it does not run.
        """
        self._one(Request(op="cancel_backfill", args={"job_id": job_id}))

    def live(self) -> dict[str, int]:
        """Where what is fetched without being asked begins."""
        return {name: one.get("next_ns", 0) for name, one in self._state["instruments"].items()}

    def limits(self) -> dict[str, list[dict[str, float]]]:
        """With what is used."""
        return {name: one["limits"] for name, one in self._state["providers"].items()}

    def _backfill(self, provider: str, pieces: Sequence[Piece], *, is_dry: bool) -> list[dict[str, Any]]:
        args = {"provider": provider, "dry_run": is_dry}
        return self._all(
            Request(op="backfill", symbols=symbols, from_ns=from_ns, to_ns=to_ns, args=args)
            for (from_ns, to_ns), symbols in by_stretch(pieces).items()
        )

    def _one(self, request: Request) -> dict[str, Any]:
        return self._all([request])[0]

    def _all(self, requests: Iterable[Request]) -> list[dict[str, Any]]:
        every = list(requests)
        found: list[dict[str, Any]] = []
        for begin in range(0, len(every), MAX_QUESTIONS):
            part = every[begin : begin + MAX_QUESTIONS]
            questions = {str(n): Question(self._address, one) for n, one in enumerate(part)}
            answers = ask_all(self._wire, questions, ANSWER_S, self._clock)
            found += [_data(answers[key]) for key in questions]
        return found


def _data(answer: Answer) -> dict[str, Any]:
    if isinstance(answer, HubError):
        raise answer
    found: dict[str, Any] = data_of(answer)
    return found
