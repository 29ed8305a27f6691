"""An engine that reads all the time, and writes down when it got an answer: `python -m tests.multihost.engine FILE ...`."""

from __future__ import annotations

import argparse
import itertools
import threading
import time
from pathlib import Path
from typing import Final, NamedTuple

from protocol.errors import HubError
from tapehub import Hub

PAUSE_S: Final = 0.05


class Read(NamedTuple):
    """One read."""

    end_s: float
    """When it was answered, or given up, monotonic."""
    took_s: float
    fault: str
    """Code of the refusal; empty: it was answered."""


def reads_in(path: Path) -> list[Read]:
    """What an engine wrote, in order; a last line that was cut off is left out."""
    if not path.is_file():
        return []
    lines = path.read_text().split("\n")[:-1]
    rows = (line.split(" ") for line in lines)
    return [Read(float(row[0]), float(row[1]), row[2]) for row in rows]


class Silence(NamedTuple):
    """The longest time without an answer."""

    seconds: float
    failed: int
    reads: int


def silence(reads: list[Read], begin_s: float, end_s: float) -> Silence:
    """The longest time without an answer between two moments; an engine that wrote nothing was silent all along.

    Args:
        reads: Of one engine.
        begin_s: Monotonic.
        end_s: Monotonic.
    """
    mine = [read for read in reads if begin_s <= read.end_s <= end_s]
    answered = [read.end_s for read in mine if not read.fault]
    marks = [begin_s, *answered, end_s]
    longest_s = max(later - earlier for earlier, later in itertools.pairwise(marks))
    return Silence(longest_s, sum(bool(read.fault) for read in mine), len(mine))


def main() -> None:
    """Read until killed."""
    parser = argparse.ArgumentParser()
    parser.add_argument("file", type=Path)
    parser.add_argument("--hub", required=True, help="run directory, or addresses")
    parser.add_argument("--symbol", required=True)
    parser.add_argument("--deadline", type=float, required=True)
    arguments = parser.parse_args()
    endpoint = Path(arguments.hub) if "://" not in arguments.hub else arguments.hub
    with arguments.file.open("a", buffering=1) as out, Hub(endpoint, timeout_s=arguments.deadline) as hub:
        pause = threading.Event()
        while True:
            begin_s = time.monotonic()
            try:
                hub.tick(arguments.symbol, allow_stale=True)
                fault = ""
            except HubError as refusal:
                fault = refusal.code
            end_s = time.monotonic()
            out.write(f"{end_s:.6f} {end_s - begin_s:.6f} {fault}\n")
            pause.wait(PAUSE_S)


if __name__ == "__main__":
    main()
