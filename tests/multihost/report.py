"""The tables of a run, and its verdict. Pure."""

from __future__ import annotations

from typing import Final

import msgspec

from tests.chaos.checks import Check
from tests.multihost.course import Step
from tests.multihost.engine import Silence

SLACK_S: Final = 0.3
"""Beyond the deadline: the pause between two reads, and a machine that is busy."""


class Run(msgspec.Struct, kw_only=True):
    """Everything a run has brought."""

    steps: list[Step]
    checks: list[Check]
    trouble: str
    strangers: dict[str, bool]
    """Sort of stranger to whether a hub answered it."""
    deadline_s: float
    took_s: float


def verdicts(run: Run) -> list[str]:
    """What is wrong; nothing if all promises held."""
    found = [f"not settled: {run.trouble}"] if run.trouble else []
    found += [f"a stranger with {sort} was answered" for sort, was in run.strangers.items() if was]
    for check in run.checks:
        if check.is_fatal and (check.lost or check.doubled or check.wrong):
            found.append(f"{check.what}: {check.lost} lost, {check.doubled} doubled, {check.wrong} wrong")
            found += [f"  {example}" for example in check.examples]
    for step in run.steps:
        for name, one in step.silences.items():
            if one is not None and one.seconds > run.deadline_s + SLACK_S:
                text = f"{step.what}: {name} had no answer for {one.seconds:.2f} s, its deadline is {run.deadline_s:g} s"
                found.append(text)
    return found


def text_of(run: Run) -> str:
    """For a person."""
    engines = list(run.steps[0].silences) if run.steps else []
    titles = ["what", "lasted", "fresh again after", *(f"{name}: longest silence" for name in engines)]
    rows = [
        [
            step.what,
            f"{step.lasted_s:.1f} s",
            f"{step.fresh_s:.1f} s",
            *(_silence(step.silences[name]) for name in engines),
        ]
        for step in run.steps
    ]
    compared = [
        [one.what, f"{one.expected:,}", str(one.lost), str(one.doubled), str(one.wrong), one.note]
        for one in run.checks
    ]
    wrong = verdicts(run)
    refused = ", ".join(
        f"with {sort} {'ANSWERED' if was else 'refused'}" for sort, was in run.strangers.items()
    )
    last = ["", f"{'FAILED' if wrong else 'passed'} in {run.took_s:.0f} s", *wrong]
    return "\n".join([
        *_table(titles, rows), "",
        *_table(["compared with the truth", "expected", "lost", "doubled", "wrong", ""], compared),
        "", f"strangers: {refused}", *last,
    ])  # fmt: skip


def _silence(one: Silence | None) -> str:
    if one is None:
        return "killed too"
    return f"{one.seconds:.2f} s ({one.failed} of {one.reads} reads failed)"


def _table(titles: list[str], rows: list[list[str]]) -> list[str]:
    widths = [max(len(row[index]) for row in [titles, *rows]) for index in range(len(titles))]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in [titles, *rows]
    ]
