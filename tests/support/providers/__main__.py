"""Run the providers as a process of their own: prints their addresses as one line of JSON, ends with its stdin.

python -m tests.support.providers --port 0 --listings 20 --limits free
{"yahoo": "http://127.0.0.1:40001", ..., "control": "http://127.0.0.1:40005"}
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from tests.support.providers.faults import Fault
from tests.support.providers.listings import listings
from tests.support.providers.market import Market
from tests.support.providers.server import CONTROL, ProviderServer
from tests.support.providers.tape import Traits
from tests.support.providers.world import World

_Limits = dict[str, list[tuple[float, float]]]


def main(arguments: list[str] | None = None) -> None:
    """Serve until stdin is closed."""
    given = _parser().parse_args(arguments)
    limits: _Limits | None = None
    if given.limits != "free":
        limits = {} if given.limits == "none" else msgspec.json.decode(given.limits, type=_Limits)
    world = World(
        Market(listings(given.listings), given.seed),
        time.time_ns(),
        limits=limits,
        traits=msgspec.json.decode(given.traits, type=dict[str, Traits]),
        faults=msgspec.json.decode(Path(given.faults).read_bytes(), type=list[Fault]) if given.faults else (),
        slack_s=given.slack_s,
    )
    with ProviderServer(world, now_ns=_clock(given.now, is_frozen=given.frozen), port=given.port) as server:
        print(msgspec.json.encode(server.urls | {CONTROL: server.control_url}).decode(), flush=True)
        sys.stdin.read()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m tests.support.providers", description=__doc__.splitlines()[0]
    )
    parser.add_argument(
        "--port", type=int, default=0, help="of the first provider, the others behind it; 0: any"
    )
    parser.add_argument("--seed", type=int, default=1, help="another seed is another market")
    parser.add_argument("--listings", type=int, default=20, help="how many instruments there are")
    parser.add_argument("--now", default="", help="time of the market, as 2026-11-20T15:00:00; empty: now")
    parser.add_argument("--frozen", action="store_true", help="the time of the market stands still")
    parser.add_argument("--limits", default="free", help='free, none, or {"yahoo": [[30, 60]]}')
    parser.add_argument("--traits", default="{}", help='{"polygon": {"delay_s": 900, "is_delayed": true}}')
    parser.add_argument("--faults", default="", help="file with a list of faults")
    parser.add_argument(
        "--slack-s", type=float, default=0.05, help="so much shorter is each window of a limit"
    )
    return parser


def _clock(now: str, *, is_frozen: bool) -> Callable[[], int]:
    """Time of the market in nanoseconds; it runs from `now` on, or stands there."""
    if not now:
        return time.time_ns
    begin_ns = int(datetime.fromisoformat(now).replace(tzinfo=UTC).timestamp()) * 10**9
    if is_frozen:
        return lambda: begin_ns
    began_ns = time.monotonic_ns()
    return lambda: begin_ns + time.monotonic_ns() - began_ns


if __name__ == "__main__":
    main()
