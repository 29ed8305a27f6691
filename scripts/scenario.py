"""Let the simulator of a running system do what is out of the ordinary, and wait for exactly the alert of each deed.

A large print, a cascade of liquidations, a sweep of six levels, a surge of volume; then a quiet time, in which no alert
may come. Alerts are asked of the hub, as an engine does it.
"""

from __future__ import annotations

import argparse
import contextlib
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import msgspec

from protocol.messages import Alert
from scripts.deeds import SCENARIO, Expected
from tapehub import Hub
from tests.support.paths import short_folder
from tests.support.peers import Peers, peers_of
from tests.support.supervised import default_system

SIMULATOR: Final = "simulator.1"
PAUSE_S: Final = 0.2
SETTLE_S: Final = 5.0
"""How long after its alert another one would still be a deed's."""
OWN_WARM_UP_S: Final = 270.0
OWN_THRESHOLDS: Final = "rules: {volume_surge: {warm_up: 3}, liquidation_spike: {warm_up: 4}}\n"
"""Of a system of its own: the same rules, only sooner warm."""


class Desk:
    """Asks the hub for alerts and the simulator for deeds."""

    def __init__(self, run_dir: Path, peers: Peers) -> None:
        self._hub = Hub(run_dir, timeout_s=2.0)
        self._peers = peers
        self._pause = threading.Event()
        self._known = {_name(alert) for alert in self._hub.alerts(1000)}

    def new_alerts(self) -> list[Alert]:
        """What has come since the last time."""
        found = [alert for alert in self._hub.alerts(1000) if _name(alert) not in self._known]
        self._known.update(map(_name, found))
        return found

    def gather(
        self, seconds: float, is_enough: Callable[[list[Alert]], bool] = lambda _: False
    ) -> list[Alert]:
        """Alerts of so many seconds, or until there are enough."""
        found: list[Alert] = []
        end_s = time.monotonic() + seconds
        while time.monotonic() < end_s:
            found += self.new_alerts()
            if is_enough(found):
                break
            self._pause.wait(PAUSE_S)
        return found

    def do(self, expected: Expected) -> tuple[float, list[Alert]]:
        """Let one deed happen; returns the seconds until its alert and all that came."""
        args = msgspec.to_builtins(expected.deed)
        reply = self._peers.ask(SIMULATOR, expected.name, args=args)
        if not reply.ok:
            raise RuntimeError(f"{SIMULATOR} refuses {expected.name}: {reply.message}")
        started_s = time.monotonic()
        found = self.gather(expected.patience_s, expected.is_met_by)
        seconds = time.monotonic() - started_s
        return seconds, found + self.gather(SETTLE_S)

    def close(self) -> None:
        """Close the sockets."""
        self._hub.close()


def _name(alert: Alert) -> tuple[str, str, str, int]:
    return alert.venue, alert.symbol, alert.rule, alert.ts_event_ns


def _tell(what: str, rule: str, seconds: float, found: list[Alert], *, is_good: bool) -> None:
    print(f"{what:14} {rule or 'nothing':18} {seconds:8.1f}  {'ok' if is_good else 'WRONG'}", flush=True)
    for alert in found:
        print(f"    {alert.rule} {alert.symbol}: {alert.text}", flush=True)


def check(run_dir: Path, wanted: list[str], warm_up_s: float, quiet_s: float) -> bool:
    """Do the deeds one after the other; returns whether each gave its alert and nothing else did."""
    with peers_of(run_dir) as peers:
        desk = Desk(run_dir, peers)
        try:
            print(f"{'DEED':14} {'MUST GIVE':18} {'SECONDS':>8}  VERDICT")
            found = desk.gather(warm_up_s)
            is_good = not found
            _tell("warm-up", "", warm_up_s, found, is_good=is_good)
            for expected in SCENARIO:
                if not wanted or expected.name in wanted:
                    seconds, found = desk.do(expected)
                    is_met = expected.is_met_by(found)
                    _tell(expected.name, expected.rule, seconds, found, is_good=is_met)
                    is_good = is_good and is_met
            found = desk.gather(quiet_s)
            _tell("quiet", "", quiet_s, found, is_good=not found)
            return is_good and not found
        finally:
            desk.close()


@contextlib.contextmanager
def _own_system() -> Iterator[Path]:
    """A fresh default system whose detector is soon warm."""
    with short_folder() as folder:
        thresholds = folder / "detectors.yaml"
        thresholds.write_text(OWN_THRESHOLDS)
        print("starting a system of its own", file=sys.stderr)
        with default_system([f"actors.detector.1.detectors_file={thresholds}"]) as run_dir:
            yield run_dir


def main() -> int:
    """Exit 0 if each deed gave exactly its alert and the quiet time none."""
    names = [expected.name for expected in SCENARIO]
    parser = argparse.ArgumentParser(prog="scripts/scenario", description=__doc__.partition("\n\n")[0])
    parser.add_argument("deeds", nargs="*", metavar="DEED", help=f"{', '.join(names)}; default all")
    parser.add_argument("--run-dir", type=Path, help="a running system, warm; default: starts one of its own")
    parser.add_argument(
        "--warm-up", type=float, help=f"seconds to wait first; default 0, own {OWN_WARM_UP_S:g}"
    )
    parser.add_argument(
        "--quiet", type=float, default=60.0, help="seconds without an alert at the end; default 60"
    )
    arguments = parser.parse_args()
    unknown = set(arguments.deeds) - set(names)
    if unknown:
        parser.error(f"no deed {', '.join(sorted(unknown))}; there are: {', '.join(names)}")
    own = arguments.run_dir is None
    with _own_system() if own else contextlib.nullcontext(arguments.run_dir) as run_dir:
        warm_up_s = arguments.warm_up if arguments.warm_up is not None else OWN_WARM_UP_S if own else 0.0
        return 0 if check(run_dir, arguments.deeds, warm_up_s, arguments.quiet) else 1


if __name__ == "__main__":
    sys.exit(main())
