"""Ten million wrong inputs to every socket and route of every actor: each must end as accepted or as a known error.

In one process without a network each actor's own handlers take what its sockets would bring: frames of all publishers
(bus), questions (ctl, query, ingest), answers of the journal server (fetch), answers of a wrong hub (replies), HTTP requests
and WebSocket messages (http, socket), settings (config). Wrong ones are made of good ones of all kinds; most carry a right
checksum, so that they get behind it. An input that takes longer than two seconds counts as a hang.

  scripts/fuzz --sockets                                10 million inputs, two processes
  scripts/fuzz --sockets --inputs 100000 --only 'bus hub.1' --seed 7
  scripts/fuzz --sockets --live --inputs 20000          over real sockets, against real processes

Exit code 1: something crashed or hung; the input is in a file whose name is printed. The same --seed and --jobs do the same again.
"""

from __future__ import annotations

import argparse
import functools
import json
import multiprocessing
import queue
import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

from scripts.socket_fuzz.driver import Driver
from scripts.socket_fuzz.register import NAMES, SHARES, target_of
from scripts.socket_fuzz.stage import Topology

INPUTS: Final = 10_000_000
LIVE_INPUTS: Final = 20_000
TELL_S: Final = 10.0
CRASH_FOLDER: Final = Path("fuzz-crashes")


def shares(names: Sequence[str], inputs: int) -> dict[str, int]:
    """Target to how many inputs it gets: the more, the more there is behind its decoder."""
    weights = {name: SHARES.get(name, SHARES.get(name.partition(" ")[0], 1.0)) for name in names}
    total = sum(weights.values())
    found = {name: int(inputs * weight / total) for name, weight in weights.items()}
    found[names[0]] += inputs - sum(found.values())
    return found


def _job(names: Sequence[str], inputs: int, seed: int, job: int, results: Any) -> None:
    """One process: its share of every target, one after the other."""
    with Topology() as topology:
        for name, share in shares(names, inputs).items():
            driver = Driver(functools.partial(target_of, name, topology), name, seed, job)
            results.put(("done", driver.run(share, lambda count: results.put(("told", count)))))
    results.put(("end", job))


def fuzz(
    names: Sequence[str], inputs: int, seed: int, jobs: int, say: Callable[[str], None]
) -> dict[str, Any]:
    """Wrong inputs to all targets, in several processes; one document."""
    context = multiprocessing.get_context("spawn")
    results = context.Queue()
    counts = [inputs // jobs + (job < inputs % jobs) for job in range(jobs)]
    workers = [
        context.Process(target=_job, args=(names, count, seed, job, results))
        for job, count in enumerate(counts)
    ]
    began_s = time.monotonic()
    for worker in workers:
        worker.start()
    rows, deaths = _gather(results, workers, inputs, say)
    for worker in workers:
        worker.join()
    seconds = time.monotonic() - began_s
    targets = _merged(rows)
    crashes = [crash for row in targets for crash in row["crashes"]] + deaths
    done = sum(row["inputs"] for row in targets)
    return {
        "seed": seed,
        "jobs": jobs,
        "inputs": done,
        "seconds": round(seconds, 1),
        "inputs_per_s": round(done / seconds) if seconds else 0,
        "targets": targets,
        "crashes": crashes,
        "ok": not crashes and done == inputs,
    }


def _gather(
    results: Any, workers: Sequence[Any], inputs: int, say: Callable[[str], None]
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """What the processes say until all have ended; one that died without a word is a crash too."""
    rows: list[dict[str, Any]] = []
    told, ended, next_s, began_s = 0, 0, time.monotonic() + TELL_S, time.monotonic()
    while ended < len(workers):
        try:
            what, value = results.get(timeout=1.0)
        except queue.Empty:
            dead = [worker.exitcode for worker in workers if worker.exitcode not in (None, 0)]
            if dead:
                text = f"a process ended with {dead[0]}"
                return rows, [{"sort": text, "count": 1, "what": text, "input": "", "traceback": ""}]
            continue
        if what == "done":
            rows.append(value)
        elif what == "told":
            told += value
        else:
            ended += 1
        if time.monotonic() >= next_s:
            next_s = time.monotonic() + TELL_S
            crashes = sum(crash["count"] for row in rows for crash in row["crashes"])
            rate = told / (time.monotonic() - began_s)
            say(f"{told:,} of {inputs:,} inputs, {rate:,.0f}/s, {crashes} crashes so far")
    return rows, []


def _merged(rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """One row per target of what all processes say."""
    found: dict[str, dict[str, Any]] = {}
    for row in rows:
        known = found.setdefault(
            row["name"],
            {
                "name": row["name"],
                "inputs": 0,
                "seconds": 0.0,
                "slowest_s": 0.0,
                "outcomes": Counter(),
                "crashes": {},
            },
        )
        known["inputs"] += row["inputs"]
        known["seconds"] += row["seconds"]
        known["slowest_s"] = max(known["slowest_s"], row["slowest_s"])
        known["outcomes"].update(row["outcomes"])
        for crash in row["crashes"]:
            first = known["crashes"].setdefault(crash["sort"], crash | {"count": 0})
            first["count"] += crash["count"]
    return [
        row | {"outcomes": dict(row["outcomes"].most_common()), "crashes": list(row["crashes"].values())}
        for row in found.values()
    ]


def written(crashes: Sequence[dict[str, Any]], folder: Path = CRASH_FOLDER) -> list[Path]:
    """A file per sort of crash: its input as base64, the seed, the stack."""
    paths = []
    for number, crash in enumerate(crashes):
        folder.mkdir(parents=True, exist_ok=True)
        name = str(crash.get("target", "process")).replace(" ", "-")
        path = folder / f"{name}-{crash.get('seed', 0)}-{crash.get('index', 0)}-{number}.json"
        path.write_text(json.dumps(crash, indent=1) + "\n")
        paths.append(path)
    return paths


def report(document: dict[str, Any]) -> str:
    """For people."""
    head = f"{'TARGET':28}{'INPUTS':>12}{'PER S':>9}{'SLOWEST':>11}  OUTCOMES"
    lines = [f"seed {document['seed']}, {document['jobs']} processes", head]
    for row in document["targets"]:
        rate = row["inputs"] / row["seconds"] if row["seconds"] else 0
        outcomes = ", ".join(f"{name} {count:,}" for name, count in list(row["outcomes"].items())[:6])
        lines.append(
            f"{row['name']:28}{row['inputs']:>12,}{rate:>9,.0f}{row['slowest_s'] * 1000:>8.1f} ms  {outcomes}"
        )
    for number, crash in enumerate(document["crashes"]):
        lines += [
            "",
            f"CRASH, {crash['count']} times: {crash.get('target', '')}: {crash['sort']}",
            crash["what"],
        ]
        lines += [f"input {crash.get('index')}: {crash['input'][:400]}"]
        lines += [crash["traceback"]] * (number < 3)
    hangs = sum(crash["count"] for crash in document["crashes"] if crash["sort"].startswith("Stuck"))
    crashes = sum(crash["count"] for crash in document["crashes"]) - hangs
    lines.append(
        f"{document['inputs']:,} inputs in {document['seconds']:,} s ({document['inputs_per_s']:,}/s): "
        f"{crashes} crashes, {hangs} hangs"
    )
    return "\n".join(lines)


def parsed() -> argparse.Namespace:
    """What the command line asks for."""
    parser = argparse.ArgumentParser(
        prog="scripts/fuzz --sockets",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--sockets", action="store_true", help="sockets and routes, not a venue's frames")
    parser.add_argument(
        "--inputs", type=int, default=0, help=f"in all; default {INPUTS:,}, live {LIVE_INPUTS:,}"
    )
    parser.add_argument(
        "--only", action="append", default=[], metavar="TEXT", help="targets whose name starts so"
    )
    parser.add_argument("--live", action="store_true", help="over real sockets, against real processes")
    parser.add_argument("--seed", type=int, default=1, help="decides everything; default 1")
    parser.add_argument("--jobs", type=int, default=2, help="processes; default 2")
    parser.add_argument("--json", action="store_true", help="one JSON document instead of a table")
    return parser.parse_args()


def main() -> int:
    """Exit 0 only if nothing broke."""
    arguments = parsed()

    def say(text: str) -> None:
        print(f"% {text}", file=sys.stderr, flush=True)

    say(f"seed {arguments.seed}")
    if arguments.live:
        from scripts.socket_fuzz.live import fuzz_live  # noqa: PLC0415 - the other way needs no processes

        document = fuzz_live(arguments.inputs or LIVE_INPUTS, arguments.seed, say)
    else:
        names = [name for name in NAMES if not arguments.only or name.startswith(tuple(arguments.only))]
        if not names:
            print(f"no target starts so; there is {', '.join(NAMES)}", file=sys.stderr)
            return 2
        document = fuzz(names, arguments.inputs or INPUTS, arguments.seed, max(1, arguments.jobs), say)
    for path in written(document["crashes"]):
        say(f"written: {path}")
    print(json.dumps(document) if arguments.json else report(document), flush=True)
    return 0 if document["ok"] else 1


if __name__ == "__main__":
    sys.exit(main())
