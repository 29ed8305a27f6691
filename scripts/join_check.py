"""Join consumers to a journal over and over, with delays, losses and crashes, and count what went wrong.

The real consumer, journal and answers of the journal server, over a disk and a bus in memory (tests/unit/protocol/joins).
Half of the joins are in worlds where nothing may be lost: there a hole that is told is a fault too. In the other half
the power fails, the disk is full or damaged and retention overtakes the consumers: what is gone must be told, and
nothing else may be.
"""

from __future__ import annotations

import argparse
import sys
import time

from tests.unit.protocol.joins.driver import FAULTS, many

JOINS_PER_LIFE = 150


def check(seed: int, joins: int, *, is_harsh: bool) -> bool:
    """Run one half, print its counts, and the seeds of lives that went wrong; returns whether none did."""
    started_s = time.monotonic()
    counts, wrong = many(seed, joins, JOINS_PER_LIFE, is_harsh=is_harsh)
    kind = "losing for good" if is_harsh else "losing nothing for good"
    print(f"worlds {kind}: {counts['lives']:,}, {time.monotonic() - started_s:.0f} s")
    for name in ("joins", "records", "applied", "dropped", "crashes", "orphans", "holes", *FAULTS):
        print(f"  {name:15}{counts[name]:>12,}")
    if wrong:
        print(f"  wrong with the seeds {', '.join(map(str, wrong[:20]))}")
    return not wrong


def main() -> int:
    """Exit 0 only if nothing was lost in silence, doubled, mixed up or falsely said to be lost."""
    parser = argparse.ArgumentParser(prog="scripts/join-check", description=__doc__.partition("\n\n")[0])
    parser.add_argument("--joins", type=int, default=100_000, help="times from PULL to LIVE (default 100000)")
    parser.add_argument("--seed", type=int, default=0, help="first seed; each world has its own")
    arguments = parser.parse_args()
    halves = [check(arguments.seed, arguments.joins // 2, is_harsh=is_harsh) for is_harsh in (False, True)]
    return 0 if all(halves) else 1


if __name__ == "__main__":
    sys.exit(main())
