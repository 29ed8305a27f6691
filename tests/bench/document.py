"""docs/benchmarks.md from the JSON of a run. Pure: a document in, a page and its pictures out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from tests.bench import growth_page
from tests.bench.goals import Outcome, outcomes
from tests.bench.plots import pictures
from tests.bench.report import Row, number, rows_of

IMAGES: Final = "images"
_INTRO: Final = """\
<!-- Written by `./scripts/bench --doc` from a run. Run it again instead of changing it. -->

What tapehub promises about speed and size, measured beside what one would use instead, each of them really run on the same machine
in the same run. Rounds are interleaved, numbers are medians, a ratio is the median of the ratios of the rounds. **Ratios
travel, absolute times do not**: run it on your machine."""
_QUICK: Final = (
    "**This page is from a quick run, one round with a tenth of the work: it shows that everything can be measured, not how fast "
    "it is.**"
)
_REPEAT: Final = """\
```
./scripts/bench all --out var/bench               # everything here: about 20 minutes on two cores, quiet
./scripts/bench all --quick                       # does it run at all: about 3 minutes
./scripts/bench reads bus --rounds 9              # single suites
./scripts/bench more                              # each actor's own: gateway, journal, dashboard, shards, ...
./scripts/bench growth                            # what is under Growth: about ten minutes; leaves var/bench/growth.json
./scripts/guardian-check --json > var/bench/guardian-check.json
./scripts/soak --minutes 60 --json > var/bench/soak.json
./scripts/bench --doc var/bench/bench.json        # this page and its pictures
```

Whoever is not installed is left out and named: Redis and NATS servers (`apt-get install redis-server nats-server`), a C compiler,
PostgreSQL at 127.0.0.1:5432 or `$TAPEHUB_TEST_POSTGRES`. All servers but PostgreSQL are started for the run and end with
it. Recordings come from `$TAPEHUB_DATA`. redis-py and nats-py are used as pip installs them."""


def page(document: Mapping[str, Any]) -> str:
    """The page."""
    rows = rows_of(document)
    found = outcomes(rows)
    parts = ["# Benchmarks", "", _INTRO, "", *([_QUICK, ""] if document.get("quick") else [])]
    if document.get("note"):
        parts += [f"**About this run: {document['note']}**", ""]
    parts += ["## What is promised", "", *_promises(found), ""]
    parts += ["## What misses, and why", "", *_misses(found), ""]
    parts += ["## Pictures", ""]
    for name, title, _ in pictures(rows):
        parts += [f"![{title}]({IMAGES}/{name}.svg)", ""]
    parts += ["## Growth", "", *growth_page.section(document.get("growth"), IMAGES), ""]
    parts += ["## Everything", "", *_everything(rows), ""]
    parts += ["## The machine", "", *_machine(document), "", "## Do it again", "", _REPEAT, ""]
    return "\n".join(parts)


def images(document: Mapping[str, Any]) -> dict[str, str]:
    """File name to SVG."""
    made = {f"{name}.svg": svg for name, _, svg in pictures(rows_of(document))}
    return made | growth_page.pictures(document.get("growth"))


def _promises(found: Sequence[Outcome]) -> list[str]:
    lines = ["| promise | goal | measured | beside | ratio | verdict |", "|---|---|---|---|---|---|"]
    for outcome in found:
        goal = outcome.goal
        deciding = [row for row in outcome.rows if row.goal is not None]
        if not deciding:
            lines.append(
                _line(
                    goal.what,
                    _signs(goal.promise),
                    "",
                    "",
                    "",
                    f"not in this run: `./scripts/{goal.command}`",
                )
            )
        lines += [
            _line(
                goal.what,
                _goal_of(row),
                f"{_value(row)}: {row.what}",
                _beside(row),
                _ratio(row),
                _verdict(row),
            )
            for row in deciding
        ]
    return lines


def _misses(found: Sequence[Outcome]) -> list[str]:
    missed = [row for outcome in found for row in outcome.rows if row.verdict == "MISS"]
    if not missed:
        return ["Nothing."]
    return [
        f"- **{row.what}** ({_goal_of(row)}; {_reached(row)}): {row.note or 'not explained yet'}."
        for row in missed
    ]


def _everything(rows: Sequence[Row]) -> list[str]:
    lines: list[str] = []
    for suite in dict.fromkeys(row.suite for row in rows):
        lines += [
            f"### {suite}",
            "",
            "| what | measured | beside | ratio | goal | verdict |",
            "|---|---|---|---|---|---|",
        ]
        mine = [row for row in rows if row.suite == suite]
        lines += [
            _line(row.what, _value(row), _beside(row), _ratio(row), _goal_of(row), _verdict(row)) for row in mine
        ]  # fmt: skip
        notes = {f"{row.what}: {row.note}" for row in mine if row.note}
        lines += ["", *(f"- {note}" for note in sorted(notes)), *([""] if notes else [])]
    return lines


def _machine(document: Mapping[str, Any]) -> list[str]:
    facts = {**document["machine"]}
    facts |= {
        "rounds": document.get("rounds", "?"),
        "run at": document.get("at", "?"),
        "took": f"{document.get('seconds', 0) / 60:.0f} minutes",
    }
    facts |= document.get("peers", {})
    lines = ["| | |", "|---|---|", *(f"| {name} | {value} |" for name, value in facts.items())]
    failed = document.get("failed", {})
    return lines + [f"\nThe suite {name} failed: {why}" for name, why in failed.items()]


def _line(*cells: str) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _value(row: Row) -> str:
    return f"{number(row.measured)} {row.unit}"


def _beside(row: Row) -> str:
    return f"{row.peer}: {number(row.baseline)} {row.unit}".strip(": ") if row.baseline else row.peer


def _ratio(row: Row) -> str:
    return f"{number(row.ratio)}x" if row.ratio else ""


def _goal_of(row: Row) -> str:
    return _signs(row.goal_text)


def _signs(text: str) -> str:
    return text.replace("<=", "≤").replace(">=", "≥")


def _reached(row: Row) -> str:
    return _value(row) if row.of_value else _ratio(row)


def _verdict(row: Row) -> str:
    return {"ok": "kept", "MISS": "**missed**", "info": ""}[row.verdict]
