"""One run from the first process to the verdict: start, feed, faults, settle, stop, compare."""

from __future__ import annotations

import contextlib
import sys
import threading
import time
import traceback
from pathlib import Path
from typing import Any, Final

import msgspec

from protocol.errors import HubError
from tapehub.supervision.launch import log_lines
from tests.chaos import compare, plan
from tests.chaos.aftermath import store_the_rest
from tests.chaos.checks import Check, excuse_holes
from tests.chaos.crashes import by_point
from tests.chaos.databases import Database, database_of
from tests.chaos.disks import FOLDERS, Disks
from tests.chaos.journals import JournalFacts
from tests.chaos.nemesis import Nemesis
from tests.chaos.plan import CRASH, Targets
from tests.chaos.report import Run
from tests.chaos.settle import Settling
from tests.chaos.stage import Stage, StageError, run_folder
from tests.chaos.stored import Stored
from tests.chaos.topology import (
    CLOCK_VARIABLE,
    NAMES,
    PERSISTENCE,
    SIMULATOR,
    STREAMS_PER_SYMBOL,
    SYMBOLS,
    can_set_clock,
    can_switch_replay,
    crash_environment,
    present,
    write_topology,
)
from tests.chaos.truth import Truth, read_truth
from tests.chaos.watch import Watch
from tests.chaos.weapons import Weapons
from tests.support.paths import free_port

START_S: Final = 90.0
TELL_S: Final = 10.0
TRICKLE_SHARE: Final = 0.02
LEAST_TRICKLE_PER_S: Final = 100.0
"""After the faults the feed goes on slowly: only a living feed tells where a gap ends."""


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """What was asked for."""

    seed: int
    minutes: float
    rate_per_s: float
    database: str
    kinds: list[str]
    with_replay: bool
    keep: Path | None
    settle_s: float
    as_json: bool

    def to_dict(self) -> dict[str, Any]:
        """For the report; no password."""
        return {
            "seed": self.seed,
            "minutes": self.minutes,
            "rate_per_s": self.rate_per_s,
            "database": self.database.partition(":")[0] or "sqlite",
            "faults": self.kinds,
            "with_replay": self.with_replay,
        }


class Progress:
    """One line on stderr every few seconds."""

    def __init__(self) -> None:
        self._started_s = time.monotonic()
        self._next_s = self._started_s
        self.phase = "start"
        self.nemesis: Nemesis | None = None
        self.watch: Watch | None = None

    def say(self, text: str) -> None:
        """A line now."""
        print(f"% {time.monotonic() - self._started_s:6.1f} s  {text}", file=sys.stderr, flush=True)

    def look(self) -> None:
        """A line if it is time for one."""
        if time.monotonic() < self._next_s:
            return
        self._next_s = time.monotonic() + TELL_S
        words = [self.phase]
        if self.watch is not None:
            faults = self.nemesis.count if self.nemesis else 0
            words.append(f"{faults} faults, {len(self.watch.crashes())} crash points")
            words.append(self.watch.last_complaint or "well")
        self.say(" · ".join(words))


def run(options: Options) -> Run:
    """Do a run.

    Raises:
        StageError: the system does not start, or cannot be asked for the truth.
        ValueError: an option that this checkout cannot do.
    """
    if not options.with_replay and not can_switch_replay():
        raise ValueError("--without-replay: this checkout has no setting bus.replay")
    progress = Progress()
    with contextlib.ExitStack() as stack:
        run_dir = stack.enter_context(run_folder(options.keep))
        skipped = [f"{name}: this checkout has no such actor" for name in NAMES if name not in present()]
        disks, why = Disks(run_dir, ("journal",) if options.database else FOLDERS), ""
        if "disk" in options.kinds and (why := disks.mount()):
            skipped.append(why)
        stack.callback(_unmount, disks, run_dir, options.keep)
        database = database_of(options.database, run_dir)
        database.make()
        stack.callback(database.remove)
        stage = _stage(options, run_dir, database)
        stack.callback(stage.close)
        progress.say(f"starting {' '.join(stage.names)} in {run_dir}")
        stage.start()
        watch = Watch(stage, list(SYMBOLS), progress.look)
        stack.callback(watch.close)
        progress.watch = watch
        _feed(stage, watch, options.rate_per_s)
        progress.phase = "faults"
        weapons = Weapons(stage, disks, database, run_dir / "clock.offset")
        stack.callback(weapons.calm)
        nemesis = progress.nemesis = Nemesis(stage, weapons, watch, progress.look)
        kinds = _possible(options.kinds, stage, skipped)
        actors = [name for name in stage.names if name != SIMULATOR]
        targets = Targets(actors, list(SYMBOLS), disks.names)
        nemesis.run(plan.rounds(options.seed, kinds, targets), options.minutes * 60.0)
        progress.phase = "settling"
        stored = Stored(database.url) if PERSISTENCE in stage.names else None
        return _judge(options, stage, nemesis, watch, stored, skipped, progress)


def _stage(options: Options, run_dir: Path, database: Database) -> Stage:
    config = write_topology(
        run_dir,
        free_port(),
        seed=options.seed,
        database=database.setting,
        with_replay=options.with_replay,
        minutes=options.minutes,
    )
    environment = crash_environment(run_dir, options.seed) if CRASH in options.kinds else {}
    environment[CLOCK_VARIABLE] = str(run_dir / "clock.offset")
    (run_dir / "clock.offset").write_text("0\n")
    return Stage(run_dir, config, environment)


def _possible(kinds: list[str], stage: Stage, skipped: list[str]) -> list[str]:
    """The faults that this system can have; the others are named in the table."""
    found = list(kinds)
    if "database" in found and PERSISTENCE not in stage.names:
        found.remove("database")
    if "clock" in found and not can_set_clock():
        found.remove("clock")
        skipped.append("clock: the runtime of this checkout does not read TAPEHUB_CLOCK_OFFSET_FILE")
    return found


def _unmount(disks: Disks, run_dir: Path, keep: Path | None) -> None:
    """Keep what is on the disks before they go."""
    if keep is not None:
        disks.copy_out(run_dir, keep)
    disks.unmount()


def _feed(stage: Stage, watch: Watch, rate_per_s: float) -> None:
    """Let the market begin when somebody listens, so that every trade that ever was is expected."""
    end_s = time.monotonic() + START_S
    wanted = len(SYMBOLS) * STREAMS_PER_SYMBOL
    while stage.ask(SIMULATOR, "status")["streams"] < wanted:
        if time.monotonic() > end_s:
            raise StageError(f"the collector did not subscribe\n{stage.last_lines('collector.binance.1')}")
        threading.Event().wait(0.1)
    stage.ask(SIMULATOR, "rate", per_s=rate_per_s)
    _, complaint = watch.until_well(START_S)
    if complaint:
        raise StageError(f"never well, though nothing was done to it: {complaint}")


def _judge(
    options: Options,
    stage: Stage,
    nemesis: Nemesis,
    watch: Watch,
    stored: Stored | None,
    skipped: list[str],
    progress: Progress,
) -> Run:
    troubles = [f"not well after a storm: {one}" for one in nemesis.storm_complaints]
    feed = stage.ask(SIMULATOR, "status")["feed"]
    trickle = max(LEAST_TRICKLE_PER_S, options.rate_per_s * TRICKLE_SHARE)
    stage.ask(SIMULATOR, "rate", per_s=trickle)
    patience_s = options.settle_s if options.with_replay else min(20.0, options.settle_s)
    unsettled = Settling(stage, watch, stored).wait(patience_s)
    if unsettled:
        troubles.append(f"not settled after {patience_s:g} s: {unsettled}")
    try:
        truth = read_truth(stage, list(SYMBOLS), dict(SYMBOLS))
    except HubError as fault:
        raise StageError(f"the simulator does not tell the truth: {fault}") from fault
    copy = compare.read_hub(watch.hub, list(SYMBOLS))
    crashes = watch.crashes()
    offset_ns = time.time_ns() - time.monotonic_ns()
    progress.phase = "stopping"
    progress.say(f"stopping; {truth.total:,} trades to compare")
    troubles += stage.stop()
    if stored is not None and options.with_replay:
        unstored = store_the_rest(stage)
        troubles += [unstored] if unstored else []
    checks = _checks(truth, stage, stored, copy)
    if any(one.fault.kind == "disk" for one in nemesis.done):
        excuse_holes(checks)
    spawned = sum(" spawned: " in line for line in log_lines(stage.run_dir))
    return Run(
        settings=options.to_dict(),
        actors=stage.names,
        skipped=skipped,
        done=nemesis.done,
        crashes_ns=[crash.mono_ns + offset_ns for crash in crashes],
        crash_points=by_point(crashes),
        storms_s=nemesis.storms_s,
        troubles=troubles,
        checks=checks,
        events=feed["events"],
        skipped_ms=feed["skipped_ms"],
        restarts=max(0, spawned - len(stage.names)),
        promised=plan.promised(options.minutes),
        is_without_replay=not options.with_replay,
    )


def _checks(truth: Truth, stage: Stage, stored: Stored | None, copy: compare.HubCopy) -> list[Check]:
    facts: dict[str, JournalFacts] = {}

    def journals() -> list[Check]:
        found, read = compare.journal_checks(truth, stage.run_dir / "journal")
        facts.update(read)
        return found

    def storage() -> list[Check]:
        return compare.storage_checks(truth, stored, facts, copy) if stored is not None else []

    parts = {"journals": journals, "hub": lambda: compare.hub_checks(truth, copy), "storage": storage}
    found: list[Check] = []
    for name, part in parts.items():
        try:
            found += part()
        except Exception:  # noqa: BLE001 - whatever it is, minutes of faults must not end without their table
            lines = traceback.format_exc().splitlines()
            found.append(Check(what=name, wrong=1, examples=lines[-6:], note="could not be read"))
    return found
