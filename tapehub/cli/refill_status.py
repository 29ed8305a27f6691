"""`tapehub backfill status|cancel`: what is being fetched of the past. Registered by `backfill`."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from tapehub.cli import context, exit_codes
from tapehub.cli.failures import Failure
from tapehub.cli.options import AsJson, duration, usage
from tapehub.cli.output import note, print_json, print_table, say

if TYPE_CHECKING:
    from actors.runtime.clock import Clock
    from protocol.instruments import Catalog
    from protocol.sessions import Session
    from tapehub.bar_desks import Running
    from tapehub.refill_progress import History

_TITLES: Final = (
    "JOB",
    "SYMBOL",
    "PROVIDER",
    "STATE",
    "DONE",
    "MINUTES",
    "MISSING",
    "CALLS",
    "FROM",
    "TO",
    "WHY",
)
_NUMBERS: Final = ("DONE", "MINUTES", "MISSING", "CALLS")
_NEWEST: Final = 10
"""Backfills that are over are listed up to so many."""


def register(group: typer.Typer) -> None:
    """Add the commands."""
    group.command("status")(status)
    group.command("cancel")(cancel)


def status(
    is_waiting: Annotated[
        bool, typer.Option("-w", "--wait", help="Wait until all of it is there, with a bar on stderr.")
    ] = False,
    timeout: Annotated[
        float | None,
        typer.Option(
            "--timeout",
            parser=duration,
            metavar="TIME",
            help="With --wait: the longest.",
            show_default="none",
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """How far the first history and the backfills of the REST providers are, and why they wait.

    Exit code 4: no collector of bars runs, 6: not done within --timeout.

      tapehub backfill status

      tapehub backfill status --wait
    """
    from actors.runtime.clock import SystemClock
    from protocol.instruments import Catalog

    clock, catalog = SystemClock(), Catalog(context.current().loaded.instruments)
    with ExitStack() as stack:
        desks = _running(stack.enter_context(context.current().wire()), catalog, clock)
        view = _View(desks, catalog, clock)
        if is_waiting:
            view.follow(timeout)
        states = view.look()
        if as_json:
            print_json({"collectors": states})
            return
        for name in states:
            say(f"{name}: {view.history_line(name)}")
        _print_jobs(states)


def cancel(
    job_ids: Annotated[
        list[str], typer.Argument(metavar="JOB...", help="As `tapehub backfill status` shows it.")
    ],
    as_json: AsJson = False,
) -> None:
    """Stop backfills; what is fetched already stays. Exit code 5: no such backfill runs.

    tapehub backfill cancel collector.rest.1-1795168800000000000-3
    """
    from actors.runtime.clock import SystemClock
    from protocol.errors import InvalidRequest
    from tapehub.bar_collectors import collector_of
    from tapehub.bar_desks import Running

    here, clock = context.current(), SystemClock()
    owners = {job_id: usage(collector_of, job_id) for job_id in job_ids}
    with context.current().wire() as wire:
        for job_id, name in owners.items():
            if name not in here.actors:
                what = f"{name}, which has it, is not in this topology"
                raise Failure(what, "tapehub status lists the actors", exit_codes.NO_DATA)
            try:
                Running(name, here.endpoints, wire, clock).cancel(job_id)
            except InvalidRequest as fault:
                raise Failure(
                    fault.message, "tapehub backfill status lists them", exit_codes.NO_DATA
                ) from None
            if not as_json:
                say(f"{job_id} is cancelled")
    if as_json:
        print_json({"cancelled": job_ids})


class _View:
    """What the collectors say, looked at again and again."""

    def __init__(self, desks: dict[str, Running], catalog: Catalog, clock: Clock) -> None:
        from protocol.sessions import session_named

        self._desks = desks
        self._clock = clock
        self._sessions: dict[str, Session] = {
            symbol: session_named(catalog.get(symbol).session) for symbol in catalog.symbols
        }
        self._states: dict[str, dict[str, Any]] = {}

    def look(self) -> dict[str, dict[str, Any]]:
        """Collector to its history, and its backfills."""
        for name, desk in self._desks.items():
            state = desk.state()
            history = self._history(state, desk.uptime_s)
            self._states[name] = {
                "history": {**state["history"], **history._asdict()},
                "running": state["running"],
                "finished": state["finished"],
            }
        return self._states

    def history_line(self, name: str) -> str:
        """In words."""
        from tapehub.refill_progress import History, history_text

        told = self._states[name]["history"]
        return history_text(History(**{field: told[field] for field in History._fields}))

    def follow(self, timeout_s: float | None) -> None:
        """Wait until nothing is loading any more."""
        from tapehub.cli.refill_wait import until

        try:
            until(self._is_done, self._line, timeout_s, self._clock)
        except KeyboardInterrupt:
            raise typer.Exit(exit_codes.INTERRUPTED) from None

    def _is_done(self) -> bool:
        states = self.look().values()
        return not any(one["history"]["loading"] or one["running"] for one in states)

    def _line(self, _now_ns: int) -> str:
        """The one that has most to do."""
        from tapehub.provider_rows import counted
        from tapehub.refill_progress import bar

        name = min(self._states, key=lambda one: self._states[one]["history"]["share"])
        state = self._states[name]
        running = f", {counted(len(state['running']), 'backfill')}" if state["running"] else ""
        return f"{bar(state['history']['share'])}  {self.history_line(name)}{running}"

    def _history(self, state: dict[str, Any], uptime_s: float) -> History:
        from tapehub.refill_progress import history_of

        return history_of(state, self._sessions, uptime_s, self._clock.now_ns())


def _running(wire: Any, catalog: Catalog, clock: Clock) -> dict[str, Running]:
    """The collectors of bars of the configuration, all of which must run."""
    from tapehub.bar_collectors import bar_collectors
    from tapehub.bar_desks import ABSENT, Running

    here = context.current()
    collectors = bar_collectors(here.loaded, catalog)
    if not collectors:
        what = "the configuration has no collector of venue rest"
        raise Failure(
            what, "config/examples/live-rest.yaml has one; docs/howto/rest-bars.md", exit_codes.NO_DATA
        )
    try:
        return {one.name: Running(one.name, here.endpoints, wire, clock) for one in collectors}
    except ABSENT as fault:
        raise Failure(fault.message, "tapehub up -d", exit_codes.UNREACHABLE) from None


def _print_jobs(states: dict[str, dict[str, Any]]) -> None:
    from tapehub.cli.refill_work import minute_text

    running = [job for state in states.values() for job in state["running"]]
    finished = [job for state in states.values() for job in state["finished"]]
    rows = [
        [
            job["job_id"], job["symbol"], job["provider"] or "any", job["state"], f"{int(100 * job['share'])}%",
            f"{job['minutes']:,}", f"{job['missing']:,}", str(job["calls"]), minute_text(job["from_ns"]),
            minute_text(job["to_ns"]), job["why"] or "-",
        ]
        for job in (*running, *finished[-_NEWEST:])
    ]  # fmt: skip
    if rows:
        print_table(_TITLES, rows, _NUMBERS)
    else:
        note("% no backfill since the collector started")
