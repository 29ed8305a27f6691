"""`tapehub status`: supervisord's view of each actor, joined with the actor's own."""

from __future__ import annotations

import contextlib
import sys
import threading
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Final

import typer

from tapehub.cli import exit_codes
from tapehub.cli.context import current
from tapehub.cli.options import AsJson, TimeoutS, duration
from tapehub.cli.output import bytes_text, note, print_json, print_row, seconds_text, state_word, table_lines

if TYPE_CHECKING:
    from tapehub.supervision.memory import Memory
    from tapehub.supervision.roll_call import Answer
    from tapehub.supervision.state import Row

_TITLES: Final = (
    "ACTOR", "STATE", "PID", "UP", "RESTARTS", "BEAT", "IN/S", "OUT/S", "LAG p50/p99", "GAPS", "RSS", "NOTE",
)  # fmt: skip
_RIGHT: Final = ("PID", "UP", "RESTARTS", "BEAT", "IN/S", "OUT/S", "LAG p50/p99", "GAPS", "RSS")
Answers = Mapping[str, "Answer"]
_CODES: Final = {"running": exit_codes.OK, "degraded": exit_codes.DEGRADED, "down": exit_codes.UNREACHABLE}


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("status")(status)


def status(
    watch: Annotated[
        bool, typer.Option("-w", "--watch", help="Show it again and again until Ctrl-C.")
    ] = False,
    interval: Annotated[
        float, typer.Option("--interval", parser=duration, metavar="TIME", help="Pause between two of them.")
    ] = 1.0,
    timeout: TimeoutS = 2.0,
    as_json: AsJson = False,
) -> None:
    """State of every actor of all hosts: process, restarts, heartbeat, rates, lag, gaps, memory; and of the REST providers.

    It asks the actors themselves, so it works without the hub. Exit code 0: all RUNNING, 3: not all,
    4: nothing runs. A provider that is not asked for a while changes none of these: NOTE and the second table say so.

      tapehub status

      tapehub status -w --interval 500ms
    """
    from tapehub.supervision.overview import look
    from tapehub.supervision.roll_call import RollCall
    from tapehub.supervision.state import overall

    context = current()
    with RollCall(context.endpoints, context.actors, context.keyring) as roll:
        while True:
            rows = look(context.endpoints, context.actors, roll, timeout, context.loaded.digest)
            if not watch:
                _print(rows, roll.answers, as_json=as_json)
                raise typer.Exit(_CODES[overall(rows)])
            _refresh(rows, roll.answers, as_json=as_json)
            threading.Event().wait(interval)


def _print(rows: list[Row], answers: Answers, *, as_json: bool) -> None:
    from tapehub.supervision.state import overall

    if as_json:
        print_json(_document(rows, answers))
        return
    sys.stdout.write("\n".join([*_page(rows, answers), ""]))
    if overall(rows) == "down":
        note("try: tapehub up -d")


def _refresh(rows: list[Row], answers: Answers, *, as_json: bool) -> None:
    if as_json:
        print_row(_document(rows, answers))
        return
    lines = _page(rows, answers)
    if sys.stdout.isatty():
        sys.stdout.write("\x1b[H" + "".join(f"{line}\x1b[K\n" for line in lines) + "\x1b[J")
    else:
        sys.stdout.write("\n".join([*lines, "", ""]))
    sys.stdout.flush()


def _document(rows: list[Row], answers: Answers) -> dict[str, object]:
    from tapehub.provider_rows import market_states, provider_rows
    from tapehub.supervision.clocks import clock_rows
    from tapehub.supervision.state import overall

    statuses = {name: answer.status for name, answer in answers.items()}
    return {
        "state": overall(rows),
        "run_dir": str(current().run_dir),
        "actors": rows,
        "providers": provider_rows(statuses),
        "rest": market_states(statuses),
        "clocks": clock_rows(statuses),
        "memory": _memory(rows),
    }


def _page(rows: list[Row], answers: Answers) -> list[str]:
    titles, cells = list(_TITLES), [_cells(row) for row in rows]
    if any(row.host for row in rows):
        titles.insert(1, "HOST")
        cells = [[name, row.host or "-", *rest] for row, (name, *rest) in zip(rows, cells, strict=True)]
    return [
        *table_lines(titles, cells, _RIGHT),
        _summary(rows),
        *_weight(rows),
        *_clocks(answers),
        *_providers(answers),
    ]


def _memory(rows: list[Row]) -> Memory | None:
    """Of the processes of this host, supervisord's too."""
    from actors.runtime.supervisord import Supervisor, SupervisorDownError
    from tapehub.supervision.memory import memory_of

    topology = current().endpoints.topology
    pids = [row.pid for row in rows if row.pid and topology.is_here(row.name)]
    with contextlib.suppress(SupervisorDownError):
        pids.append(Supervisor(current().run_dir).pid())
    return memory_of(pids)


def _weight(rows: list[Row]) -> list[str]:
    memory = _memory(rows)
    if memory is None:
        return []
    pss, rss = bytes_text(memory.pss_bytes), bytes_text(memory.rss_bytes)
    return [f"Memory: {pss} in {memory.processes} processes of this host (the sum of RSS is {rss})."]


def _clocks(answers: Answers) -> list[str]:
    """How far the clocks of the hosts are apart, where there are several."""
    from tapehub.supervision.clocks import TITLES, cells, clock_rows

    rows = clock_rows({name: answer.status for name, answer in answers.items()})
    return ["", *table_lines(TITLES, map(cells, rows), TITLES[2:5])] if rows else []


def _providers(answers: Answers) -> list[str]:
    """A line and a table for each collector of bars."""
    from tapehub.provider_rows import TITLES, cells, market_lines, provider_rows

    statuses = {name: answer.status for name, answer in answers.items()}
    rows = provider_rows(statuses)
    lines = []
    for name, line in market_lines(statuses).items():
        mine = (cells(row) for row in rows if row.collector == name)
        lines += ["", f"{name}: {line}", *table_lines(TITLES, mine, ("NEXT", "FAILURES"))]
    return lines


def _cells(row: Row) -> list[str]:
    def shown(value: float | None, form: str) -> str:
        return "-" if value is None else format(value, form)

    lags = [seconds_text(lag) for lag in (row.lag_p50_s, row.lag_p99_s) if lag is not None]
    return [
        row.name,
        row.state,
        str(row.pid or "-"),
        "-" if row.uptime_s is None else seconds_text(max(1, round(row.uptime_s))),
        shown(row.restarts, "d"),
        "-" if row.beat_age_s is None else seconds_text(row.beat_age_s),
        shown(row.in_per_s, ",.0f"),
        shown(row.out_per_s, ",.0f"),
        "/".join(lags) or "-",
        shown(row.gaps_open, "d"),
        "-" if row.rss_bytes is None else bytes_text(row.rss_bytes),
        row.note,
    ]


def _summary(rows: list[Row]) -> str:
    running = sum(row.state == "RUNNING" for row in rows)
    others: dict[str, int] = {}
    for row in rows:
        if row.state != "RUNNING":
            others[row.state] = others.get(row.state, 0) + 1
    parts = [
        f"{running} running",
        *(f"{count} {state_word(state)}" for state, count in sorted(others.items())),
    ]
    gaps = max((row.gaps_open or 0 for row in rows), default=0)
    return f"{len(rows)} actors: {', '.join(parts)}. {gaps} open gaps."
