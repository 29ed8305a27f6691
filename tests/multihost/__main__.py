"""`./scripts/multihost`: three hosts in network namespaces with keys, links cut and slow, hosts killed; then the books."""

from __future__ import annotations

import argparse
import json
import shutil
import signal
import sys
import time
from pathlib import Path
from types import FrameType
from typing import NoReturn

import msgspec

from tests.multihost.course import FULL, QUICK, Course
from tests.multihost.ending import compare, settle
from tests.multihost.lab import ENGINES, HOSTS, HUBS, NUMBERS, Lab, LabError
from tests.multihost.network import Network, NetworkError
from tests.multihost.report import Run, text_of, verdicts
from tests.support.paths import short_folder

_EPILOG = """\
feed has the collector, compute the aggregator, the storage and a hub, edge another hub and an engine; the venue and a second
engine, which reaches both hubs over the network alone, are on none of them. Everything between hosts is encrypted and
authenticated by keys. The simulated venue knows every trade; at the end storage and hubs are compared with that.

exit 0: 0 lost, 0 doubled, 0 wrong, and no engine was without an answer for longer than its deadline
     1: anything else; the last lines say what        2: usage, or it could not be set up (wants root, ip netns, /dev/net/tun)

  ./scripts/multihost
  ./scripts/multihost --quick --keep left
"""


def main() -> int:
    """Run once."""
    parser = argparse.ArgumentParser(
        prog="scripts/multihost",
        description=(__doc__ or "").partition(": ")[2],
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--quick", action="store_true", help="cuts of 12 s instead of 30 s")
    parser.add_argument(
        "--rate", type=float, default=60.0, help="orders per second of the market; default 60"
    )
    parser.add_argument(
        "--deadline", type=float, default=3.0, help="of each read of the engines, s; default 3"
    )
    parser.add_argument("--settle", type=float, default=120.0, help="patience at the end, s; default 120")
    parser.add_argument("--keep", type=Path, metavar="DIR", help="copy what is left of the run there")
    parser.add_argument("--json", action="store_true", help="one JSON document on stdout")
    arguments = parser.parse_args()
    signal.signal(signal.SIGTERM, _terminated)
    try:
        with short_folder("tm-") as folder:
            try:
                run = _run(folder, arguments)
            finally:
                if arguments.keep is not None:
                    shutil.copytree(folder, arguments.keep, ignore=_sockets, dirs_exist_ok=True)
    except (NetworkError, LabError) as fault:
        print(f"multihost: {fault}", file=sys.stderr)
        return 2
    wrong = verdicts(run)
    if arguments.json:
        print(json.dumps({"ok": not wrong, "wrong": wrong, **msgspec.to_builtins(run)}, indent=1))
    else:
        print(text_of(run))
    return 1 if wrong else 0


def _run(folder: Path, arguments: argparse.Namespace) -> Run:
    begin_s = time.monotonic()
    with Network(NUMBERS) as network:
        lab = Lab(folder, network, arguments.rate, arguments.deadline)
        try:
            _say("keys")
            lab.make_keys()
            _say("the venue")
            lab.start_world()
            _say(f"hosts {', '.join(HOSTS)}")
            lab.start_hosts(HOSTS)
            lab.open_market()
            lab.wait_fresh(list(HUBS), arguments.settle)
            for name in ENGINES:
                lab.start_engine(name)
            lab.wait_engines()
            _say("strangers")
            strangers = lab.strangers()
            course = Course(lab, QUICK if arguments.quick else FULL)
            course.run()
            _say("what the hosts say at the end")
            print(lab.status("edge"), file=sys.stderr)
            trouble = settle(lab, arguments.settle)
            return Run(
                steps=course.steps,
                checks=compare(lab),
                trouble=trouble,
                strangers=strangers,
                deadline_s=arguments.deadline,
                took_s=time.monotonic() - begin_s,
            )
        finally:
            lab.close()


def _say(text: str) -> None:
    print(f"% {text}", file=sys.stderr, flush=True)


def _sockets(folder: str, names: list[str]) -> set[str]:
    return {name for name in names if (Path(folder) / name).is_socket()}


def _terminated(number: int, _frame: FrameType | None) -> NoReturn:
    """End in order: namespaces and processes are taken down on the way out."""
    sys.exit(128 + number)


if __name__ == "__main__":
    sys.exit(main())
