"""Hostile clients and networks against the running system: a good engine goes on reading, nothing ends, nothing is lost.

Each attack is made on real processes under supervisord while an engine reads ticks and candles. Told are what was sent, what was
refused, the engine's p99 before, during and after, and how memory and open files grew.

  scripts/hostile-check                       every attack, 6 s each
  scripts/hostile-check --seconds 60 --only 'slow' --json

exit 0: every actor lives and answers, nothing grows without bound, storage has every trade
     1: anything else; the last lines say what        2: usage, or the system could not be started
"""

from __future__ import annotations

import argparse
import json
import signal
import sys
import threading
import time
from collections.abc import Callable, Sequence
from random import Random
from types import FrameType
from typing import Any, Final, NoReturn

import msgspec

from scripts.hostile import connections, keys, questions, web, zmtp
from scripts.hostile.attack import Attack
from scripts.hostile.system import HostileSystem, Look
from tests.chaos.stage import StageError
from tests.soak.engine import Engine
from tests.soak.slopes import quantile

ATTACKS: Final[tuple[Attack, ...]] = (
    *questions.ATTACKS, *connections.ATTACKS, *zmtp.ATTACKS, *web.ATTACKS, *keys.ATTACKS,
)  # fmt: skip
SECONDS: Final = 6.0
AFTER_S: Final = 8.0
"""Longer than a handshake may take: until then half of one costs a file."""
MOST_MIB: Final = 300.0
"""One attack may not cost an actor more memory than that; libzmq keeps what was asked for and not read."""
MOST_FDS: Final = 60
"""Files that may be open after an attack and were not before."""


class Row(msgspec.Struct, kw_only=True):
    """What came of one attack."""

    attack: str
    sent: str
    refused: dict[str, int] = {}
    """What the actors counted meanwhile, by reason."""
    p99_ms: tuple[float, float, float] = (0.0, 0.0, 0.0)
    """Of the engine: before, during, after."""
    reads: int = 0
    errors: dict[str, int] = {}
    """What the engine was refused."""
    rss_mib: float = 0.0
    """Growth of the actor that grew most."""
    rss_of: str = ""
    fds: int = 0
    """Files open more than before, after the attack, of the actor with most of them."""
    most_fds: int = 0
    """Files open in one actor during the attack."""
    faults: list[str] = []
    is_skipped: bool = False


def attacked(system: HostileSystem, engine: Engine, attack: Attack, random: Random, seconds: float) -> Row:
    """Make one attack, and look at what it did."""
    if attack.skipped:
        return Row(attack=attack.name, sent=attack.skipped, is_skipped=True)
    pause = threading.Event()
    engine.taken()
    pause.wait(min(3.0, seconds))
    before_s, before = engine.taken(), system.look()
    engine.errors.clear()
    until_s = time.monotonic() + seconds
    during: list[Look] = []
    watching = threading.Thread(target=_watch, args=(system, until_s, during), daemon=True)
    watching.start()
    faults: list[str] = []
    try:
        sent = attack.run(system, random, until_s)
    except AssertionError as fault:
        sent = str(fault)
        faults.append(sent)
    watching.join(30.0)
    during_s, errors = engine.taken(), dict(engine.errors)
    pause.wait(AFTER_S)
    after_s, after = engine.taken(), system.look()
    problem = system.problem()
    faults += [problem] if problem else []
    row = Row(
        attack=attack.name, sent=sent, refused=dict((after.refused - before.refused).most_common(6)),
        p99_ms=(_p99(before_s), _p99(during_s), _p99(after_s)), reads=len(during_s), errors=errors, faults=faults,
    )  # fmt: skip
    _growth(row, before, during, after)
    if not during_s:
        row.faults.append("the good engine read nothing")
    if errors:
        row.faults.append(f"the good engine was refused: {errors}")
    return row


def _watch(system: HostileSystem, until_s: float, looks: list[Look]) -> None:
    pause = threading.Event()
    while time.monotonic() < until_s:
        pids = system.stage.pids()
        looks.append(Look(pids, system.samples(pids), system.nothing))
        pause.wait(1.0)


def _growth(row: Row, before: Look, during: Sequence[Look], after: Look) -> None:
    grown = {
        name: max(look.samples[name].rss_mib for look in (*during, after) if name in look.samples)
        - one.rss_mib
        for name, one in before.samples.items()
        if name in after.samples
    }
    row.rss_of = max(grown, key=lambda name: grown[name], default="")
    row.rss_mib = grown.get(row.rss_of, 0.0)
    left = {
        name: after.samples[name].fds - one.fds
        for name, one in before.samples.items()
        if name in after.samples
    }
    row.fds = max(left.values(), default=0)
    row.most_fds = max((one.fds for look in during for one in look.samples.values()), default=0)
    if row.rss_mib > MOST_MIB:
        row.faults.append(f"{row.rss_of} grew by {row.rss_mib:.0f} MiB")
    if row.fds > MOST_FDS:
        row.faults.append(f"{row.fds} files more are open {AFTER_S:g} s after it")


def _p99(took_s: Sequence[float]) -> float:
    return quantile(took_s, 0.99) * 1000


def text_of(rows: Sequence[Row], lack: str, trades: int) -> str:
    """For people."""
    lines = [
        f"{'ATTACK':26}{'P99 MS BEFORE':>14}{'DURING':>9}{'AFTER':>9}{'READS':>8}{'RSS MIB':>9}{'FDS MOST':>10}{'LEFT':>6}  SENT; COUNTED"
    ]
    for row in rows:
        if row.is_skipped:
            lines.append(f"{row.attack:26}{'skipped':>14}  {row.sent}")
            continue
        counted = ", ".join(f"{name} {count:,}" for name, count in row.refused.items()) or "nothing"
        before, during, after = row.p99_ms
        lines.append(f"{row.attack:26}{before:>14.1f}{during:>9.1f}{after:>9.1f}{row.reads:>8,}{row.rss_mib:>+9.1f}{row.most_fds:>10}{row.fds:>+6}"
                     f"  {row.sent}; {counted}")  # fmt: skip
    lines += [f"FAULT: {row.attack}: {fault}" for row in rows for fault in row.faults]
    lines.append(f"storage beside the simulator's {trades:,} trades: {lack or 'lost 0, doubled 0, wrong 0'}")
    faults = sum(len(row.faults) for row in rows) + bool(lack)
    lines.append(f"{'FAILED' if faults else 'PASSED'}: {faults} faults")
    return "\n".join(lines)


def _terminated(number: int, _frame: FrameType | None) -> NoReturn:
    """End in order."""
    sys.exit(128 + number)


def checked(
    attacks: Sequence[Attack], seed: int, seconds: float, say: Callable[[str], None]
) -> tuple[list[Row], str, int]:
    """All attacks one after the other on one system; rows, what storage lacks, and how many trades there were.

    Raises:
        StageError: the system does not start.
    """
    rows: list[Row] = []
    with HostileSystem(seed=seed) as system:
        engine = system.engine()
        try:
            for attack in attacks:
                say(attack.name)
                rows.append(attacked(system, engine, attack, Random(f"{attack.name} {seed}"), seconds))
        finally:
            engine.close()
        lack, trades = system.incomplete()
    return rows, lack, trades


def main() -> int:
    """Exit 0 only if nothing gave way."""
    parser = argparse.ArgumentParser(
        prog="scripts/hostile-check",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--seconds", type=float, default=SECONDS, help=f"of each attack; default {SECONDS:g}")
    parser.add_argument(
        "--only", action="append", default=[], metavar="TEXT", help="attacks with this in their name"
    )
    parser.add_argument("--seed", type=int, default=1, help="decides what is sent; default 1")
    parser.add_argument("--json", action="store_true", help="one JSON document instead of a table")
    arguments = parser.parse_args()
    wanted = [
        one for one in ATTACKS if not arguments.only or any(word in one.name for word in arguments.only)
    ]
    if not wanted:
        parser.error(f"no such attack; there is {', '.join(one.name for one in ATTACKS)}")
    signal.signal(signal.SIGTERM, _terminated)
    try:
        rows, lack, trades = checked(
            wanted,
            arguments.seed,
            arguments.seconds,
            lambda text: print(f"% {text}", file=sys.stderr, flush=True),
        )
    except StageError as fault:
        print(f"hostile-check: {fault}", file=sys.stderr)
        return 2
    is_passed = not lack and not any(row.faults for row in rows)
    document: dict[str, Any] = {
        "rows": msgspec.to_builtins(rows),
        "lack": lack,
        "trades": trades,
        "passed": is_passed,
    }
    print(json.dumps(document, indent=1) if arguments.json else text_of(rows, lack, trades))
    return 0 if is_passed else 1


if __name__ == "__main__":
    sys.exit(main())
