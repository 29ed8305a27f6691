"""`./scripts/bench reads bus e2e journal storage [--rounds N] [--quick] [--json]`: goal, measured, ratio, verdict."""

from __future__ import annotations

import argparse
import importlib
import sys

from tests.bench.report import as_json, machine, say, table

SUITES = (
    "reads",
    "bus",
    "curve",
    "e2e",
    "journal",
    "storage",
    "indicators",
    "orderflow",
    "dbn",
    "rest",
    "gateway",
    "dashboard",
    "signals",
    "scale",
    "shards",
)


def main() -> int:
    """Run the suites that were named, print one table; exit 0 whatever the verdicts say, 3 with --strict."""
    parser = argparse.ArgumentParser(prog="scripts/bench", description=__doc__)
    parser.add_argument("suites", nargs="*", metavar="SUITE", help=f"any of {' '.join(SUITES)}; default all")
    parser.add_argument("--rounds", type=int, default=0, help="interleaved rounds; default 5, 1 with --quick")
    parser.add_argument("--quick", action="store_true", help="a tenth of the work: does it run at all")
    parser.add_argument("--strict", action="store_true", help="exit 3 if a goal is missed")
    parser.add_argument("--json", action="store_true", help="one JSON document on stdout")
    arguments = parser.parse_args()
    unknown = set(arguments.suites) - set(SUITES)
    if unknown:
        parser.error(f"no suite {', '.join(sorted(unknown))}; there are {', '.join(SUITES)}")
    rounds = arguments.rounds or (1 if arguments.quick else 5)
    rows = []
    for name in arguments.suites or SUITES:
        say(f"% {name}: {rounds} interleaved rounds")
        rows += importlib.import_module(f"tests.bench.{name}").run(rounds, quick=arguments.quick)
    if arguments.json:
        print(as_json(rows))
    else:
        print(table(rows))
        print("\n" + "  ".join(f"{key}={value}" for key, value in machine().items()))
    missed = [row for row in rows if row.verdict == "MISS"]
    return 3 if missed and arguments.strict else 0


if __name__ == "__main__":
    sys.exit(main())
