"""`./scripts/soak --minutes 60 --rate 20000`: the default system for a long time: what grows, what slows down, what is lost."""

from __future__ import annotations

import argparse
import json
import signal
import sys
from pathlib import Path
from types import FrameType
from typing import NoReturn

from tests.chaos.stage import StageError
from tests.soak.run import Options, run
from tests.soak.verdict import document_of, faults_of, text_of

_EPILOG = """\
Every few seconds each actor's memory, open files, threads and processor time, and an engine's reads. After warm-up a straight
line is laid through each; a slope counts as growth when the whole of its 95 % interval is beyond what is noise. At the end
storage and hub are compared with every trade that the simulator made.

exit 0: nothing grows, nothing was lost, doubled or wrong, nobody was started anew, and the rate was kept
     1: anything else; the last lines say what        2: usage, or the system could not be started

  ./scripts/soak --minutes 60                     20,000 events a second
  ./scripts/soak --minutes 2 --warmup 20 --rate 2000 --keep soak-left
"""


def options() -> tuple[Options, bool]:
    """What the command line asks for, and whether as JSON."""
    parser = argparse.ArgumentParser(
        prog="scripts/soak",
        description=(__doc__ or "").partition(": ")[2],
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--minutes", type=float, default=60.0, help="after warm-up; default 60")
    parser.add_argument(
        "--rate", type=float, default=20_000.0, help="market events a second, in all; default 20000"
    )
    parser.add_argument(
        "--warmup", type=float, default=0.0, metavar="S", help="default a tenth of the run, 20 s at least"
    )
    parser.add_argument(
        "--interval", type=float, default=5.0, metavar="S", help="between two looks; default 5"
    )
    parser.add_argument("--seed", type=int, default=1, help="decides the market; default 1")
    parser.add_argument("--keep", type=Path, metavar="DIR", help="copy what is left of the run there")
    parser.add_argument("--json", action="store_true", help="one JSON document on stdout")
    arguments = parser.parse_args()
    if arguments.minutes <= 0 or arguments.rate < 100 or arguments.interval <= 0:
        parser.error("--minutes and --interval must be above 0, --rate at least 100")
    wanted = Options(
        seed=arguments.seed,
        minutes=arguments.minutes,
        rate_per_s=arguments.rate,
        warmup_s=arguments.warmup or max(20.0, arguments.minutes * 6.0),
        interval_s=arguments.interval,
        keep=arguments.keep,
    )
    return wanted, arguments.json


def _terminated(number: int, _frame: FrameType | None) -> NoReturn:
    """End in order: everything that was started is ended on the way out."""
    sys.exit(128 + number)


def main() -> int:
    """Run once."""
    wanted, as_json = options()
    signal.signal(signal.SIGTERM, _terminated)
    try:
        soak = run(wanted)
    except (StageError, ValueError) as fault:
        print(f"soak: {fault}", file=sys.stderr)
        return 2
    print(json.dumps(document_of(soak), indent=1) if as_json else text_of(soak))
    return 1 if faults_of(soak) else 0


if __name__ == "__main__":
    sys.exit(main())
