"""Frames made wrong, a million of them, through the path that live data takes: nothing may break, nothing wrong may come out.

Wrong ones are made of the recordings of the venue (of built-in samples where there are none), and good ones come
between them, so that books and ids are alive. Exit code 1: something raised, something unsound came out, a frame took
too long, or what is remembered of names grows without end. The same --seed and --jobs do the same again.

  scripts/fuzz --venue okx

  scripts/fuzz --venue all --frames 50000 --seed 7
"""

from __future__ import annotations

import argparse
import base64
import json
import multiprocessing
import queue
import resource
import signal
import sys
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from random import Random
from typing import Any, Final, Protocol

from actors.collector.registry import VENUES
from scripts.fuzz_memory import held
from scripts.mutations import Mutator
from tests.support.data import data_dir

FRAMES: Final = 1_000_000
STUCK_S: Final = 10
GOOD_SHARE: Final = 0.5
"""Good frames for each wrong one."""
FRAMES_PER_LIFE: Final = 50_000
FRAMES_PER_CONNECTION: Final = 1_000
STRAY_SHARE: Final = 0.03
"""Frames of another file than the one that is being walked through."""
FLOOD: Final = 12_000
"""Frames with a made-up name each, three times: memory may grow in the first two, not in the third."""
GROWTH: Final = 2_000
MAX_REASONS: Final = 100
MAX_SORTS: Final = 20
NOTHING: Final[dict[str, Any]] = {
    "frames": 0, "good_frames": 0, "seconds": 0.0, "reasons": {}, "messages": {}, "growth": 0, "peak_mib": 0,
}  # fmt: skip


class Target(Protocol):
    """What takes frames."""

    reasons: Counter[str]
    messages: Counter[str]

    @property
    def is_text(self) -> bool:
        """Frames have tokens; else they are records of fixed fields."""

    @property
    def groups(self) -> Sequence[Sequence[Any]]:
        """Seeds that belong together (of one file), each with `data`."""

    @property
    def seeds(self) -> Sequence[Any]:
        """Those of all groups."""

    @property
    def strangers(self) -> Sequence[bytes]:
        """Frames of others."""

    def take(self, seed: Any, data: bytes) -> None:
        """Take one frame made from a seed; raises only if something is wrong with us."""

    def renew(self) -> None:
        """Begin as a new process would."""

    def connect_anew(self) -> None:
        """Replace the connection."""

    def remembered(self) -> Any:
        """Everything that lives as long as the process."""


class Stuck(Exception):
    """A frame took too long."""


FUZZED: Final = tuple(VENUES)
"""Venues that send frames, and those who push."""


def target_of(venue: str, random: Random) -> Target:
    """The path of one venue."""
    folder = data_dir()
    match venue:
        case "ig":
            from scripts.fuzz_ig import IgTarget  # noqa: PLC0415 - each brings what only it needs

            return IgTarget(folder, random)
        case "databento":
            from scripts.fuzz_databento import DatabentoTarget  # noqa: PLC0415 - each brings what only it needs

            return DatabentoTarget(folder, random)
        case "news":
            from scripts.fuzz_news import NewsTarget  # noqa: PLC0415 - each brings what only it needs

            return NewsTarget(folder, random)
        case "rest":
            from scripts.fuzz_rest import RestTarget  # noqa: PLC0415 - each brings what only it needs

            return RestTarget(folder, random)
        case "push":
            from scripts.fuzz_push import PushTarget  # noqa: PLC0415 - each brings what only it needs

            return PushTarget(folder, random)
        case _:
            from scripts.fuzz_exchanges import ExchangeTarget  # noqa: PLC0415 - each brings what only it needs

            return ExchangeTarget(venue, folder, random)


class Fuzz:
    """One process' share of the frames.

    Args:
        venue: Whose.
        seed: Decides everything.
        job: Number of the process, from 0 on.
    """

    def __init__(self, venue: str, seed: int, job: int) -> None:
        self.venue, self.seed, self.job = venue, seed, job
        random = self._random = Random(f"{venue} {seed} {job}")
        self.target = target_of(venue, random)
        good = [one.data for one in self.target.seeds]
        self.mutator = Mutator(random, [*good, *self.target.strangers], is_text=self.target.is_text)
        if self.target.is_text:
            self.mutator.know(good)
        self.index = self.good = 0
        self.crashes: dict[str, dict[str, Any]] = {}
        self._frame: tuple[Any, bytes] = (None, b"")
        self._taken = 0
        self._seen = -1

    def run(self, frames: int) -> dict[str, Any]:
        """Take so many wrong frames; returns counts, and each crash of another sort."""
        signal.signal(signal.SIGALRM, self._look)
        signal.setitimer(signal.ITIMER_REAL, STUCK_S, STUCK_S)
        started_s = time.monotonic()
        try:
            self._run(frames)
            seconds = time.monotonic() - started_s
            target = self.target
            target.renew()
            reasons, messages = dict(target.reasons), dict(target.messages)
            growth = self._flood()
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
        return {
            "frames": frames,
            "good_frames": self.good,
            "seconds": seconds,
            "reasons": reasons,
            "messages": messages,
            "growth": growth,
            "peak_mib": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
            "crashes": list(self.crashes.values()),
        }

    def _run(self, frames: int) -> None:
        target, random, seeds = self.target, self._random.random, self.target.seeds
        group, at, left = seeds, 0, 0
        for index in range(frames):
            self.index = index
            if not left:
                group, at = self._random.choice(target.groups), 0
                left = min(FRAMES_PER_LIFE, 2 * len(group) + 200)
                target.renew()
            elif index % FRAMES_PER_CONNECTION == 0:
                self._guard(target.connect_anew)
            left -= 1
            chance = random()
            seed = group[at] if chance > STRAY_SHARE else seeds[int(random() * len(seeds))]
            at = (at + 1) % len(group)
            if random() < GOOD_SHARE:
                self.good += 1
                self._take(seed, seed.data)
            self._take(seed, self.mutator.mutate(seed.data))
        if len(target.reasons) > MAX_REASONS:
            self._note(AssertionError(f"{len(target.reasons)} reasons: a peer can make up names of counters"))

    def _guard(self, action: Callable[[], None]) -> None:
        try:
            action()
        except Exception as fault:  # noqa: BLE001 - whatever it is, it is what is looked for
            self._note(fault)
            self.target.renew()  # what broke in the middle of something may be in no state at all

    def _take(self, seed: Any, data: bytes) -> None:
        self._frame = seed, data
        self._taken += 1
        try:
            self.target.take(seed, data)
        except Exception as fault:  # noqa: BLE001 - whatever it is, it is what is looked for
            self._note(fault)
            self.target.renew()  # what broke in the middle of something may be in no state at all

    def _flood(self) -> int:
        """How much more is remembered after made-up names."""
        if not self.target.is_text:
            return 0
        self.target.renew()
        sizes = []
        for part in range(3):
            for number in range(FLOOD):
                seed = self._random.choice(self.target.seeds)
                self._take(seed, self.mutator.rename(seed.data, f"N{part}X{number}".encode()))
            sizes.append(held(self.target.remembered()))
        growth = sizes[2].total() - sizes[1].total()
        if growth > GROWTH:
            most = (sizes[2] - sizes[1]).most_common(3)
            text = f"{growth} more things remembered after {FLOOD} made-up names: {most}"
            self._note(AssertionError(text))
        return int(growth)

    def _look(self, _signal: int, _frame: object) -> None:
        """Each ten seconds: the same frame as then?"""
        if self._seen == self._taken:
            raise Stuck(f"one frame took more than {STUCK_S} s")
        self._seen = self._taken

    def _note(self, fault: Exception) -> None:
        """Keep the first crash of each sort, and how many there were."""
        steps = traceback.extract_tb(fault.__traceback__)
        at = " < ".join(f"{Path(step.filename).name}:{step.name}" for step in reversed(steps[-4:]))
        said = f" {str(fault).partition(':')[0][:60]}" if isinstance(fault, AssertionError) else ""
        sort = f"{type(fault).__name__}{said} in {at}"
        if sort in self.crashes:
            self.crashes[sort]["count"] += 1
        elif len(self.crashes) < MAX_SORTS:
            seed, data = self._frame
            self.crashes[sort] = {
                "sort": sort,
                "count": 1,
                "venue": self.venue,
                "seed": self.seed,
                "job": self.job,
                "index": self.index,
                "what": f"{type(fault).__name__}: {fault}"[:2000],
                "traceback": "".join(traceback.format_exception(fault))[-6000:],
                "seed_frame": repr(seed)[:500],
                "frame": repr(data[:1500]),
                "frame_base64": base64.b64encode(data[:20_000]).decode(),
            }


def _job(venue: str, seed: int, job: int, frames: int, results: Any) -> None:
    results.put(Fuzz(venue, seed, job).run(frames))


def fuzz(venue: str, frames: int, seed: int, jobs: int) -> dict[str, Any]:
    """Wrong frames through one venue's path, in several processes; one document."""
    context = multiprocessing.get_context("fork")
    results = context.Queue()
    shares = [frames // jobs + (job < frames % jobs) for job in range(jobs)]
    workers = [
        context.Process(target=_job, args=(venue, seed, job, share, results))
        for job, share in enumerate(shares)
    ]
    for worker in workers:
        worker.start()
    found = [_result(results, workers) for _ in workers]
    for worker in workers:
        worker.join()
    crashes = _by_sort(crash for one in found for crash in one["crashes"])
    reasons: Counter[str] = Counter()
    messages: Counter[str] = Counter()
    for one in found:
        reasons.update(one["reasons"])
        messages.update(one["messages"])
    seconds = max((one["seconds"] for one in found), default=0.0)
    done = sum(one["frames"] for one in found)
    return {
        "venue": venue,
        "seed": seed,
        "jobs": jobs,
        "frames": done,
        "good_frames": sum(one["good_frames"] for one in found),
        "seconds": round(seconds, 1),
        "frames_per_s": round(done / seconds) if seconds else 0,
        "rejects": dict(reasons.most_common()),
        "messages": dict(messages.most_common()),
        "peak_mib": max((one["peak_mib"] for one in found), default=0),
        "growth": max((one["growth"] for one in found), default=0),
        "crashes": crashes,
        "ok": not crashes and done == frames,
    }


def _by_sort(crashes: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """The first of each sort, with how many there were in all processes."""
    first: dict[str, dict[str, Any]] = {}
    for crash in crashes:
        known = first.setdefault(crash["sort"], crash | {"count": 0})
        known["count"] += crash["count"]
    return list(first.values())


def _result(results: Any, workers: Sequence[Any]) -> dict[str, Any]:
    """What one process says; one that died without a word is a crash too."""
    while True:
        try:
            found: dict[str, Any] = results.get(timeout=1.0)
        except queue.Empty:
            dead = [worker.exitcode for worker in workers if worker.exitcode not in (None, 0)]
            if dead:
                text = f"a process ended with {dead[0]}"
                return NOTHING | {
                    "crashes": [{"sort": text, "count": 1, "what": text, "frame": "", "traceback": ""}]
                }
        else:
            return found


def report(document: dict[str, Any]) -> str:
    """For people."""
    lines = [
        f"{document['venue']}: {document['frames']:,} wrong frames, {document['good_frames']:,} good ones between them",
        f"{document['seconds']:g} s, {document['frames_per_s']:,} wrong frames a second",
        f"{document['jobs']} processes, {document['peak_mib']} MiB each",
        f"{'REJECTED AS':28}COUNT",
        *(f"{reason:28}{count:,}" for reason, count in document["rejects"].items()),
        f"{'CAME OUT, SOUND':28}COUNT",
        *(f"{kind:28}{count:,}" for kind, count in document["messages"].items()),
    ]
    for number, crash in enumerate(document["crashes"]):
        lines += ["", f"CRASH, {crash['count']} times: {crash['sort']}", crash["what"]]
        lines += [
            f"seed {crash.get('seed')} job {crash.get('job')} frame {crash.get('index')}: {crash['frame']}"
        ]
        lines += [crash["traceback"]] * (number == 0)
    lines.append(f"{sum(crash['count'] for crash in document['crashes'])} crashes")
    return "\n".join(lines)


def main() -> int:
    """Exit 0 only if nothing broke."""
    parser = argparse.ArgumentParser(
        prog="scripts/fuzz", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--venue", required=True, choices=[*FUZZED, "all"], help="whose frames")
    parser.add_argument(
        "--frames", type=int, default=FRAMES, help=f"wrong frames per venue; default {FRAMES}"
    )
    parser.add_argument("--seed", type=int, default=1, help="decides everything; default 1")
    parser.add_argument("--jobs", type=int, default=2, help="processes; default 2")
    parser.add_argument("--json", action="store_true", help="one JSON document a venue instead of a table")
    arguments = parser.parse_args()
    is_good = True
    for venue in FUZZED if arguments.venue == "all" else (arguments.venue,):
        document = fuzz(venue, arguments.frames, arguments.seed, arguments.jobs)
        print(json.dumps(document) if arguments.json else report(document), flush=True)
        is_good = is_good and document["ok"]
    return 0 if is_good else 1


if __name__ == "__main__":
    sys.exit(main())
