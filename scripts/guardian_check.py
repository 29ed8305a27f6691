"""The guardian under fire, in a default system of its own, beside a supervisord that is alone.

Parts: kill (kill -9 of each actor, seconds to RUNNING and to fresh data, median/worst; `queued` is how long the new process waited
for a processor, `own` the rest of `fresh`), hang (SIGSTOP, and a loop that spins), loop (an actor
that ends as soon as it starts), daemon (kill -9 of supervisord). After each part the stored data are compared with the
simulator's truth.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import random
import signal
import statistics
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final

from scripts.waiting import seconds_until
from tests.chaos import compare
from tests.chaos.aftermath import store_the_rest
from tests.chaos.databases import Sqlite
from tests.chaos.guarded import GUARDIAN, Back, GuardedStage
from tests.chaos.journals import read_journal
from tests.chaos.report import complaints_of
from tests.chaos.settle import Settling
from tests.chaos.stage import StageError, run_folder
from tests.chaos.stored import Stored
from tests.chaos.topology import SIMULATOR, STREAMS_PER_SYMBOL, SYMBOLS
from tests.chaos.truth import read_truth
from tests.chaos.watch import Watch

PARTS: Final = ("kill", "hang", "loop", "daemon")
HANGS: Final = {"SIGSTOP": signal.SIGSTOP, "spin": signal.SIGUSR2}
HANG_LIMIT_S: Final = 10.0
RATE_PER_S: Final = 300.0
SETTLE_S: Final = 120.0
LOOPING: Final = "detector.1"
DEATHS: Final = 3
"""Deaths of supervisord: one at rest, the others while its children are starting."""
_CALM_S: Final = 1.0

Line = dict[str, Any]


class Trial:
    """What a part brings: lines for the table, and broken promises."""

    def __init__(self, part: str) -> None:
        self.part = part
        self.lines: list[Line] = []
        self.broken: list[str] = []

    def add(self, **line: Any) -> None:
        """A line of the table; told at once."""
        self.lines.append(line)
        print(f"% {self.part}: {' '.join(f'{key}={value}' for key, value in line.items())}", file=sys.stderr)

    def expect(self, is_kept: bool, promise: str) -> None:
        """Note a promise that is broken."""
        if not is_kept:
            self.broken.append(promise)
            print(f"% {self.part}: BROKEN: {promise}", file=sys.stderr)


@contextlib.contextmanager
def stage_of(
    trial: Trial, seed: int, *, is_guarded: bool = True, is_compared: bool = True
) -> Iterator[GuardedStage]:
    """A running system; at the end its data are compared with the truth."""
    with run_folder(None) as run_dir, contextlib.ExitStack() as stack:
        # a venue that is killed begins again by itself
        rate_per_s = 0.0 if is_compared else RATE_PER_S
        stage = GuardedStage(run_dir, seed, 10.0, is_guarded=is_guarded, rate_per_s=rate_per_s)
        stack.callback(stage.close)
        stage.start()
        watch = Watch(stage, list(SYMBOLS), lambda: None)
        stack.callback(watch.close)
        feed(stage, watch)
        yield stage
        if is_compared:
            trial.broken += judge(stage, watch, trial)


def feed(stage: GuardedStage, watch: Watch) -> None:
    """Let the market begin when somebody listens."""
    wanted = len(SYMBOLS) * STREAMS_PER_SYMBOL
    wait_for(lambda: stage.ask(SIMULATOR, "status")["streams"] >= wanted, 60.0, "the collector to subscribe")
    stage.ask(SIMULATOR, "rate", per_s=RATE_PER_S)
    _, complaint = watch.until_well(60.0)
    if complaint:
        raise StageError(f"never well, though nothing was done to it: {complaint}")


def judge(stage: GuardedStage, watch: Watch, trial: Trial) -> list[str]:
    """Let all settle, stop, and compare what is stored with the simulator's truth; what is wrong."""
    stage.ask(SIMULATOR, "rate", per_s=100.0)
    stored = Stored(Sqlite(stage.run_dir).url)
    unsettled = Settling(stage, watch, stored).wait(SETTLE_S)
    troubles = [f"not settled: {unsettled}"] if unsettled else []
    truth = read_truth(stage, list(SYMBOLS), dict(SYMBOLS))
    copy = compare.read_hub(watch.hub, list(SYMBOLS))
    troubles += stage.stop()
    troubles += [text for text in (store_the_rest(stage),) if text]
    checks, facts = compare.journal_checks(truth, stage.run_dir / "journal")
    checks += compare.storage_checks(truth, stored, facts, copy)
    trades = next(check for check in checks if check.what == "storage trades")
    trial.add(data="compared", trades=trades.expected, lost=trades.lost, doubled=trades.doubled)
    return troubles + complaints_of(checks)


def wait_for(is_so: Callable[[], Any], patience_s: float, what: str) -> float:
    """Wait until something is so; seconds it took.

    Raises:
        StageError: it is not, in time.
    """
    seconds = seconds_until(is_so, patience_s)
    if seconds is None:
        raise StageError(f"waited {patience_s:g} s for {what}")
    return seconds


def kill_part(trial: Trial, kills: int, alone: int, limit_s: float, seed: int) -> None:
    """Each actor is killed again and again, all in turn: nobody is killed so often that it is a storm."""
    for who, times in (("guardian", kills), ("alone", alone)):
        if not times:
            continue
        with stage_of(trial, seed, is_guarded=who == "guardian") as stage:
            victims = [name for name in stage.all_names if name not in (SIMULATOR, GUARDIAN)]
            found = rounds(stage, victims, times)
            for name, backs in found.items():
                tell_kills(trial, who, name, backs, limit_s)
        with stage_of(trial, seed, is_guarded=who == "guardian", is_compared=False) as stage:
            # the venue forgets its truth when it dies: apart from the others
            others = [name for name in (SIMULATOR, GUARDIAN) if name in stage.all_names]
            for name, backs in rounds(stage, others, times).items():
                tell_kills(trial, who, name, backs, limit_s)


def rounds(stage: GuardedStage, victims: Sequence[str], times: int) -> dict[str, list[Back]]:
    """Kill all in turn, so many times."""
    found: dict[str, list[Back]] = {name: [] for name in victims}
    for _ in range(times):
        for name in victims:
            found[name].append(stage.kill(name, signal.SIGKILL))
            threading.Event().wait(_CALM_S)
    return found


def tell_kills(trial: Trial, who: str, name: str, backs: list[Back], limit_s: float) -> None:
    """A line of the table; with the guardian it is a promise, but for the venue and the guardian itself."""

    def both(values: list[float]) -> str:
        return f"{statistics.median(values):.2f}/{max(values):.2f}"

    trial.add(
        who=who,
        actor=name,
        kills=len(backs),
        process=both([one.process_s for one in backs]),
        running=both([one.running_s for one in backs]),
        fresh=both([one.fresh_s for one in backs]),
        queued=both([one.queued_s for one in backs]),
        own=both([max(0.0, one.fresh_s - one.queued_s) for one in backs]),
    )
    if who == "guardian" and name not in (SIMULATOR, GUARDIAN):
        worst = max(one.fresh_s for one in backs)
        trial.expect(worst <= limit_s, f"{name} fresh after {worst:.2f} s, promised {limit_s:g}")


def hang_part(trial: Trial, seed: int) -> None:
    """Each actor is stopped, and made to spin."""
    with stage_of(trial, seed) as stage:
        for how, number in HANGS.items():
            for name in stage.all_names:
                if name in (SIMULATOR, GUARDIAN):
                    continue
                back = stage.kill(name, number)
                log = (stage.run_dir / "log" / f"{name}.log").read_text(errors="replace")
                has_stacks = "most recent call first" in log
                trial.add(how=how, actor=name, running=back.running_s, fresh=back.fresh_s, stacks=has_stacks)
                trial.expect(
                    back.running_s <= HANG_LIMIT_S, f"{how} of {name}: back after {back.running_s:.1f} s"
                )
                trial.expect(has_stacks, f"{how} of {name}: no stacks in its log")
                threading.Event().wait(_CALM_S)


def loop_part(trial: Trial, seed: int) -> None:
    """One actor does not stay up: it is quarantined, the others notice nothing, `tapehub restart` brings it back."""
    with stage_of(trial, seed) as stage:
        before = stage.pids()
        (stage.faults / LOOPING).touch()
        os.kill(before[LOOPING], signal.SIGKILL)

        def quarantined() -> bool:
            return LOOPING in stage.ask(GUARDIAN, "status")["quarantined"]

        seconds = wait_for(quarantined, 60.0, f"{LOOPING} to be quarantined")
        stage.names = [name for name in stage.all_names if name != LOOPING]
        after = stage.pids()
        others = {name for name in after if name != LOOPING and after[name] != before[name]}
        told = wait_for(
            lambda: any(alert.rule == "actor_quarantined" for alert in stage.hub.alerts(n=100)),
            10.0,
            "the alert",
        )
        shown = tapehub(stage, "status", "--json")
        rows = {row["name"]: row for row in json.loads(shown.stdout)["actors"]}
        trial.add(
            quarantined_s=round(seconds, 2),
            alert_s=round(told, 2),
            status=rows[LOOPING]["state"],
            others=len(others),
        )
        trial.expect(not others, f"restarted besides: {', '.join(sorted(others))}")
        trial.expect(rows[LOOPING]["state"] == "QUARANTINED", "tapehub status does not say QUARANTINED")
        (stage.faults / LOOPING).unlink()
        done = tapehub(stage, "restart", LOOPING)
        stage.names = list(stage.all_names)
        trial.expect(done.returncode == 0, f"tapehub restart: {done.stderr.strip()}")
        trial.expect(not quarantined(), "still quarantined after tapehub restart")


def tapehub(stage: GuardedStage, *words: str) -> subprocess.CompletedProcess[str]:
    """Run the command on the stage's configuration."""
    command = [sys.executable, "-m", "tapehub", *words, "--config", str(stage.run_dir / "tapehub.yaml")]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)


def daemon_part(trial: Trial, seed: int) -> None:
    """Supervisord is killed: nobody lives on without it, and nobody runs twice when it is back.

    The venue is a child of supervisord and forgets its truth; what can be compared is that the journals are whole.
    """
    draw = random.Random(seed)
    with stage_of(trial, seed, is_compared=False) as stage:
        for death in range(DEATHS):
            stage.kill_daemon()
            gone_s = wait_for(lambda: not stage.processes(), 20.0, "everybody to end with supervisord")
            trial.add(death=death + 1, gone_s=round(gone_s, 2), orphans=0)
            if death < DEATHS - 1:
                stage.launch()
                threading.Event().wait(draw.uniform(0.05, 0.8))  # its children are starting
        stage.start()
        living = stage.processes()
        doubles = {name: pids for name, pids in living.items() if len(pids) > 1}
        trial.expect(not doubles, f"run twice: {doubles}")
        trial.expect(set(living) == set(stage.all_names), f"run: {sorted(living)}")
        threading.Event().wait(_CALM_S)
        trial.broken += stage.stop()
        faults = [
            fault
            for folder in sorted((stage.run_dir / "journal").iterdir())
            if folder.is_dir()
            for fault in read_journal(folder, folder.name).faults
        ]
        trial.add(doubles=len(doubles), journal_faults=len(faults))
        trial.expect(not faults, f"journals: {faults[:3]}")


def report(trials: Sequence[Trial], *, as_json: bool) -> int:
    """Tell all; the exit code."""
    is_kept = not any(trial.broken for trial in trials)
    if as_json:
        document = {trial.part: {"lines": trial.lines, "broken": trial.broken} for trial in trials}
        print(json.dumps({"passed": is_kept, "cpus": os.cpu_count(), "load": os.getloadavg(), **document}))
        return 0 if is_kept else 1
    for trial in trials:
        columns: list[str] = []
        for line in trial.lines:
            if list(line) != columns:
                columns = list(line)
                print()
                print(f"{trial.part:8}", *(f"{column.upper():>20}" for column in columns))
            print(" " * 8, *(f"{line[column]!s:>20}" for column in columns))
        for promise in trial.broken:
            print(f"{trial.part:8} BROKEN: {promise}")
    print("\nall promises kept" if is_kept else "\npromises broken")
    return 0 if is_kept else 1


def main() -> int:
    """Exit 0 if every promise was kept."""
    parser = argparse.ArgumentParser(prog="scripts/guardian-check", description=__doc__.partition("\n\n")[0])
    parser.add_argument("--kills", type=int, default=20, help="kills of each actor, with the guardian")
    parser.add_argument(
        "--alone", type=int, default=3, help="kills of each actor, supervisord alone; 0: none"
    )
    parser.add_argument("--parts", default=",".join(PARTS), help=f"some of {','.join(PARTS)}")
    parser.add_argument("--limit", type=float, default=1.0, help="seconds to fresh data that are promised")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--json", action="store_true", help="the result as JSON on stdout")
    options = parser.parse_args()
    runs: dict[str, Callable[[Trial], None]] = {
        "kill": lambda trial: kill_part(trial, options.kills, options.alone, options.limit, options.seed),
        "hang": lambda trial: hang_part(trial, options.seed),
        "loop": lambda trial: loop_part(trial, options.seed),
        "daemon": lambda trial: daemon_part(trial, options.seed),
    }
    wanted = options.parts.split(",")
    if unknown := set(wanted) - set(runs):
        parser.error(f"no part {', '.join(sorted(unknown))}; there are {', '.join(PARTS)}")
    trials = []
    for part in wanted:
        trial = Trial(part)
        trials.append(trial)
        try:
            runs[part](trial)
        except StageError as fault:
            trial.broken.append(str(fault))
    return report(trials, as_json=options.json)


if __name__ == "__main__":
    sys.exit(main())
