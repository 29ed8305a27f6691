"""One call of `tapehub backfill rest`: told, ordered, waited for, looked at again in the store. Not a command."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from tapehub.bar_desks import Running
from tapehub.cli import context, exit_codes
from tapehub.cli.output import note, print_json, print_table, say, utc_text
from tapehub.cli.refill_wait import jobs_until_done
from tapehub.provider_rows import budgets_text, clock_text, counted
from tapehub.refill_plan import summed
from tapehub.refill_progress import CANCELLED, FORGOTTEN
from tapehub.refill_result import DONE, MISSING, NO_DATA, Result, result_of, told_missing, whole
from tapehub.refilling import Plan, Planner

if TYPE_CHECKING:
    from actors.runtime.clock import Clock

STORE_S: Final = 10.0
"""What was published is stored within this."""
MOST_ORDERS: Final = 3
"""A collector that is killed again and again is not asked for ever."""
_PAUSE_S: Final = 0.5
_COSTS: Final = ("SYMBOL", "PROVIDER", "CALLS", "MINUTES", "FROM", "TO", "AT LEAST")
_RESULTS: Final = ("SYMBOL", "FROM", "TO", "MINUTES", "MISSING", "STATE")
_CODES: Final = {DONE: exit_codes.OK, MISSING: exit_codes.GAPS, NO_DATA: exit_codes.NO_DATA}


class Work:
    """Plans, and what becomes of them.

    Args:
        source: A provider, or `rest`.
        planner: Looks into the store.
        make_plans: Makes a plan for each collector.
        clock: For deadlines.
        as_json: One document instead of tables.
    """

    def __init__(
        self,
        source: str,
        planner: Planner,
        make_plans: Callable[[], list[Plan]],
        clock: Clock,
        *,
        as_json: bool,
    ) -> None:
        self._source = source
        self._planner = planner
        self._make_plans = make_plans
        self._plans = make_plans()
        self._clock = clock
        self._as_json = as_json
        self._jobs: dict[str, dict[str, Any]] = {}
        self._ids: list[str] = []

    @property
    def _calls(self) -> int:
        return sum(cost["calls"] for plan in self._plans for cost in plan.costs)

    @property
    def _least_s(self) -> float:
        return max((cost["seconds"] for plan in self._plans for cost in plan.costs), default=0.0)

    def dry_run(self) -> int:
        """Only say what it would cost."""
        if self._as_json:
            self._document("planned", [])
            return exit_codes.OK
        results = self._results()
        self._say_costs(results)
        for plan in self._plans:
            used = {cost["provider"] for cost in plan.costs}
            if not plan.desk.is_running:
                note("% the collector does not run: what of the budgets is in use is not known")
            elif used:
                limits = plan.desk.limits()
                texts = (f"{name} {budgets_text(limits[name])}" for name in sorted(used & set(limits)))
                note(f"% in use now: {'; '.join(texts)}")
        self._say_remarks(results)
        return exit_codes.OK

    def run(self, timeout_s: float | None, *, is_waiting: bool) -> int:
        """Order, and wait."""
        for _ in range(MOST_ORDERS):
            desks = self._order()
            if not desks or not is_waiting:
                break
            self._wait(desks, timeout_s)
            if not self._is_forgotten or not self._is_kept:
                break
            note("% the collector has forgotten them in a restart: what is missing is ordered again")
            self._plans = self._make_plans()
        return self._finish() if is_waiting or not self._ids else self._leave()

    def _order(self) -> list[tuple[Running, list[str]]]:
        desks = [
            (plan.desk, plan.desk.order(plan.provider, plan.pieces))
            for plan in self._plans
            if plan.pieces and isinstance(plan.desk, Running)
        ]
        self._ids += [job_id for _, ids in desks for job_id in ids if job_id not in self._ids]
        return desks

    @property
    def _is_forgotten(self) -> bool:
        return any(job["state"] == FORGOTTEN for job in self._jobs.values())

    @property
    def _is_kept(self) -> bool:
        """Whether the store shows what has come."""
        return bool(context.current().actors_of("persistence"))

    def _leave(self) -> int:
        if self._as_json:
            self._document("running", [])
        else:
            for job_id in self._ids:
                say(job_id)
            note("% they are being fetched: tapehub backfill status; tapehub backfill cancel JOB")
        return exit_codes.OK

    def _wait(self, desks: list[tuple[Running, list[str]]], timeout_s: float | None) -> None:
        least = f", at least {clock_text(self._least_s)}" if self._least_s else ""
        note(f"% {counted(len(self._ids), 'backfill')}, about {counted(self._calls, 'call')}{least}")
        try:
            self._jobs = jobs_until_done(desks, self._calls, self._least_s, timeout_s, self._clock)
        except KeyboardInterrupt:
            note("% they go on: tapehub backfill status says how far they are")
            note(f"% tapehub backfill cancel {' '.join(self._ids)}")
            raise

    def _finish(self) -> int:
        results = self._settled() if self._ids else self._results()
        state = whole(results)
        if self._as_json:
            self._document(state, results)
        elif self._ids or state != DONE:
            print_table(_RESULTS, map(_result_cells, results), _RESULTS[3:5])
        else:
            count = sum(one.minutes for one in results)
            note(f"% already complete: nothing to do ({counted(count, 'minute')} stored)")
        if not self._as_json:
            self._say_remarks(results)
        return _CODES[state]

    # results

    def _results(self) -> list[Result]:
        """As the store has it."""
        return [
            result_of(symbol, span, self._planner.session(symbol), self._planner.missing(symbol, span), plan.reached_by[symbol])
            for plan in self._plans
            for symbol, span in plan.spans.items()
        ]  # fmt: skip

    def _settled(self) -> list[Result]:
        """Wait until what was published is stored; without a store take the collectors' word."""
        told = self._told()
        if not self._is_kept:
            return told
        pause, deadline_ns = threading.Event(), self._clock.mono_ns() + round(STORE_S * 1e9)
        results = self._results()
        while sum(one.missing for one in results) > sum(one.missing for one in told):
            if self._clock.mono_ns() >= deadline_ns:
                note("% not all of it is stored yet: tapehub status says whether persistence keeps up")
                return results if self._is_forgotten else told
            pause.wait(_PAUSE_S)
            results = self._results()
        return results

    def _told(self) -> list[Result]:
        found = []
        for plan in self._plans:
            for symbol, span in plan.spans.items():
                session = self._planner.session(symbol)
                pieces = [piece for piece in plan.pieces if piece.symbol == symbol]
                jobs = [job for job in self._jobs.values() if job["symbol"] == symbol]
                missing = told_missing(span, session, pieces, jobs)
                found.append(result_of(symbol, span, session, missing, plan.reached_by[symbol]))
        return found

    # words

    def _say_costs(self, results: list[Result]) -> None:
        rows = [_cost_cells(row) for row in summed([cost for plan in self._plans for cost in plan.costs])]
        if rows:
            print_table(_COSTS, rows, (*_COSTS[2:4], _COSTS[6]))
        else:
            is_done = whole(results) == DONE
            note("% already complete: nothing to do" if is_done else "% nothing that anybody has is missing")

    def _say_remarks(self, results: list[Result]) -> None:
        for result in results:
            for remark in result.remarks(minute_text):
                note(f"% {remark}")
        cancelled = [job_id for job_id, job in self._jobs.items() if job["state"] == CANCELLED]
        if cancelled:
            note(f"% cancelled meanwhile: {', '.join(cancelled)}")

    def _document(self, state: str, results: list[Result]) -> None:
        print_json(
            {
                "source": self._source,
                "state": state,
                "is_running": all(plan.desk.is_running for plan in self._plans),
                "costs": summed([cost for plan in self._plans for cost in plan.costs]),
                "budgets": {name: one for plan in self._plans for name, one in plan.desk.limits().items()},
                "job_ids": self._ids,
                "jobs": list(self._jobs.values()),
                "symbols": [one.to_dict() for one in results or self._results()],
            }
        )


def minute_text(ts_ns: int) -> str:
    """A minute as `2026-11-21T09:00Z`."""
    return f"{utc_text(ts_ns)[:16]}Z"


def _cost_cells(cost: dict[str, Any]) -> list[str]:
    return [
        cost["symbol"],
        cost["provider"],
        f"{cost['calls']:,}",
        f"{cost['minutes']:,}",
        minute_text(cost["from_ns"]),
        minute_text(cost["to_ns"]),
        clock_text(cost["seconds"]) if cost["seconds"] else "-",
    ]


def _result_cells(one: Result) -> list[str]:
    texts = [minute_text(one.from_ns), minute_text(one.to_ns)]
    return [one.symbol, *texts, f"{one.minutes:,}", f"{one.missing:,}", one.state.replace("_", " ")]
