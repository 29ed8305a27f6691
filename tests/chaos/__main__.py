"""`./scripts/chaos --seed 7 --minutes 5 --rate 20000`: the whole system under faults, compared with the truth."""

from __future__ import annotations

import argparse
import json
import signal
import sys
from pathlib import Path
from types import FrameType
from typing import NoReturn

from tests.chaos.plan import GROUPS, KINDS, parse_kinds
from tests.chaos.report import document_of, is_passed, text_of
from tests.chaos.run import Options, run
from tests.chaos.stage import StageError

_EPILOG = """\
The simulator knows every trade that ever happened. At the end storage, journals and hub are compared with that:
trades by id, candles of every timeframe, quotes by record, the gap ledger, the chains of all journals.

exit 0: nothing lost, doubled or wrong, at least 60 faults a minute, all fresh within 5 s of each measured kill -9
     1: anything else; the last lines say what        2: usage, or the system could not be started
With --without-replay 0 means that the checker did find losses.

  ./scripts/chaos --seed 7 --minutes 5 --rate 20000
  ./scripts/chaos --minutes 1 --rate 1000 --faults kill,stop --keep chaos-left
  ./scripts/chaos --database postgresql://USER@127.0.0.1/postgres     makes and drops a database of its own there
"""


def options() -> Options:
    """What the command line asks for."""
    parser = argparse.ArgumentParser(
        prog="scripts/chaos",
        description=(__doc__ or "").partition(": ")[2],
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--seed", type=int, default=1, help="decides market and schedule; default 1")
    parser.add_argument("--minutes", type=float, default=5.0, help="of faults; default 5")
    parser.add_argument("--rate", type=float, default=5000.0, help="orders per second; default 5000")
    parser.add_argument("--database", default="", metavar="URL", help="default: SQLite in the run directory")
    parser.add_argument(
        "--without-replay", action="store_true", help="negative control: consumers repair nothing"
    )
    parser.add_argument(
        "--faults",
        default="",
        metavar="A,B",
        help=f"default all of {' '.join(KINDS)}; groups: {' '.join(GROUPS)}",
    )
    parser.add_argument("--keep", type=Path, metavar="DIR", help="copy what is left of the run there")
    parser.add_argument(
        "--settle", type=float, default=120.0, help="patience after the faults, s; default 120"
    )
    parser.add_argument("--json", action="store_true", help="one JSON document on stdout, the schedule in it")
    arguments = parser.parse_args()
    try:
        kinds = parse_kinds(arguments.faults)
    except ValueError as fault:
        parser.error(str(fault))
    if arguments.minutes <= 0 or arguments.rate < 100:
        parser.error("--minutes must be above 0, --rate at least 100")
    return Options(
        seed=arguments.seed,
        minutes=arguments.minutes,
        rate_per_s=arguments.rate,
        database=arguments.database,
        kinds=kinds,
        with_replay=not arguments.without_replay,
        keep=arguments.keep,
        settle_s=arguments.settle,
        as_json=arguments.json,
    )


def _terminated(number: int, _frame: FrameType | None) -> NoReturn:
    """End in order: what was stopped, mounted or locked is taken back on the way out."""
    sys.exit(128 + number)


def main() -> int:
    """Run once."""
    wanted = options()
    signal.signal(signal.SIGTERM, _terminated)
    try:
        result = run(wanted)
    except (StageError, ValueError) as fault:
        print(f"chaos: {fault}", file=sys.stderr)
        return 2
    print(json.dumps(document_of(result), indent=1) if wanted.as_json else text_of(result))
    return 0 if is_passed(result) else 1


if __name__ == "__main__":
    sys.exit(main())
