"""A simulated market through collector, journal and bridge into a real NATS server, and out of it again, while things break.

The bridge is killed (SIGKILL), at any moment or with half a message on the line; its line is cut, or frozen; the NATS server is
killed and restarted. An engine reads the hub, another one the mirror, both from the beginning to the end. Then the stream is
held against the journals record by record, and what the two engines were told is compared.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import random
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

import msgspec

from protocol.client import Hub, Missing, Nats
from protocol.endpoints import Endpoints
from protocol.errors import HubError
from protocol.messages import Message
from tests.support.config import at_simulator, write_config
from tests.support.cutting_proxy import CuttingProxy
from tests.support.mirrored import compare, read_mirror
from tests.support.nats_server import BINARY, NatsServer
from tests.support.paths import free_port, short_folder
from tests.support.peers import peers_of
from tests.support.process import ActorProcess
from tests.support.wait import until

BRIDGE: Final = "bridge.1"
PUBLISHERS: Final = ("collector.binance.1", "aggregator.1")
ACTORS: Final = ("journal.1", "hub.1", "aggregator.1", "collector.binance.1", "simulator.1")
TOPICS: Final = ("quote.", "trade.", "bar.", "gap.")
READ: Final = "trade.binance."
"""What the two engines read."""
TROUBLES: Final = ("kill in a message", "kill", "cut in a message", "restart the server", "cut", "freeze")
WAIT_S: Final = 90.0
FROZEN_S: Final = 4.0


class Engine(threading.Thread):
    """Reads one stream, and notes what it is told.

    Args:
        source: What it reads; closed at its end.
    """

    def __init__(self, source: Hub | Nats) -> None:
        super().__init__(daemon=True)
        self.heard: dict[str, list[Message]] = {}
        """Symbol to its messages."""
        self.gaps: list[Missing] = []
        self.count = 0
        self.fault = ""
        self._source = source
        self.start()

    def run(self) -> None:
        """Until the source is closed."""
        try:
            for message in self._source.stream(READ, on_gap=self.gaps.append):
                self.heard.setdefault(str(getattr(message, "symbol", "")), []).append(message)
                self.count += 1
        except HubError as fault:
            self.fault = f"{type(fault).__name__}: {fault}"

    def end(self) -> None:
        """Close the source."""
        self._source.close()
        self.join(10.0)


class Check:
    """One run.

    Args:
        run_dir: Short folder.
        troubles: How many.
        rate_per_s: Orders per second of the simulated market.
        pause_s: Undisturbed time after each trouble.
        seed: Decides everything but the moments.
        say: Told how far it is.
    """

    def __init__(
        self,
        run_dir: Path,
        troubles: int,
        rate_per_s: float,
        pause_s: float,
        seed: int,
        say: Callable[[str], None],
    ) -> None:
        self._run_dir = run_dir
        self._troubles = troubles
        self._rate_per_s = rate_per_s
        self._pause_s = pause_s
        self._draw = random.Random(seed)
        self._say = say
        self._stack = contextlib.ExitStack()
        self._done: Counter[str] = Counter()
        self._pause = threading.Event()

    def run(self) -> dict[str, Any]:
        """Everything; returns what was found."""
        started_s = time.monotonic()
        with self._stack:
            self._start()
            engines = self._engines()
            for number in range(self._troubles):
                kind = TROUBLES[number % len(TROUBLES)]
                self._say(f"{number + 1} of {self._troubles}: {kind}")
                self._trouble(kind)
                self._done[kind] += 1
                self._pause.wait(self._pause_s)
            self._say("the market stops")
            self._actors["simulator.1"].kill()
            self._actors["collector.binance.1"].stop()
            self._actors["aggregator.1"].stop()
            self._say("the rest arrives")
            verdict = self._wait_for_end(engines)
            return {**verdict, "seconds": round(time.monotonic() - started_s, 1)}

    # the system

    def _start(self) -> None:
        stack, port = self._stack, free_port()
        self._nats = stack.enter_context(NatsServer(self._run_dir))
        self._proxy = stack.enter_context(CuttingProxy(self._nats.port))
        bridge = {"servers": [self._proxy.url], "topics": list(TOPICS), "begins": "oldest", "retry_cap_s": 0.5,
                  "ack_timeout_s": 3.0, "connect_timeout_s": 3.0}  # fmt: skip
        sections: dict[str, dict[str, Any]] = {
            "simulator.1": {"port": port, "rate_per_s": self._rate_per_s},
            "collector.binance.1": {**at_simulator(port), "backoff_base_s": 0.1, "backoff_cap_s": 0.2},
            "aggregator.1": {},
            "hub.1": {},
            "journal.1": {},
            BRIDGE: bridge,
        }
        self._config = write_config(self._run_dir, sections)
        self._peers = stack.enter_context(peers_of(self._run_dir))
        self._actors: dict[str, ActorProcess] = {}
        for name in (BRIDGE, *ACTORS):
            ear = self._peers.ear(name, "beat.")
            self._launch(name)
            ear.beat("RUNNING", WAIT_S)

    def _launch(self, name: str) -> None:
        process = ActorProcess(name.partition(".")[0], name, self._config)
        self._actors[name] = self._stack.enter_context(process)

    def _engines(self) -> tuple[Engine, Engine]:
        until(lambda: self._mirror().get("messages", 0) > 0, WAIT_S, "the first mirrored message")
        hub = Hub(Endpoints(self._run_dir).query("hub.1"), timeout_s=10.0)
        engines = Engine(hub), Engine(Nats(self._nats.url, timeout_s=10.0))
        for engine in engines:
            self._stack.callback(engine.end)
            until(lambda engine=engine: engine.count or engine.fault, WAIT_S, "an engine to hear something")  # type: ignore[misc]
            if engine.fault:
                raise RuntimeError(engine.fault)
        return engines

    def _mirror(self) -> dict[str, Any]:
        with contextlib.suppress(HubError):
            status = msgspec.msgpack.decode(self._peers.ask(BRIDGE, "status", timeout_s=2.0).data)
            found: dict[str, Any] = status.get("mirror", {})
            return found
        return {}

    # what breaks

    def _trouble(self, kind: str) -> None:
        bridge = self._actors[BRIDGE]
        if kind == "restart the server":
            self._nats.kill()
            self._pause.wait(self._draw.uniform(0.1, 2.0))
            self._nats.start()
        elif kind == "cut":
            self._proxy.cut()
        elif kind == "freeze":
            self._proxy.freeze()
            self._pause.wait(FROZEN_S)
            self._proxy.thaw()
        elif kind == "cut in a message":
            self._strike(lambda: None)
        elif kind == "kill in a message":
            self._strike(bridge.kill)
            self._relaunch(bridge)
        else:
            bridge.kill()
            self._relaunch(bridge)

    def _strike(self, strike: Callable[[], None]) -> None:
        """Let something happen once so many more bytes have passed, mostly within a message."""
        self._proxy.arm(self._draw.randrange(200, 200_000), strike)
        if not self._proxy.fell.wait(30.0):
            self._proxy.cut()
            strike()

    def _relaunch(self, bridge: ActorProcess) -> None:
        bridge.kill()
        self._launch(BRIDGE)

    # what came of it

    def _wait_for_end(self, engines: tuple[Engine, Engine]) -> dict[str, Any]:
        def is_quiet() -> bool:
            mirror = self._mirror()
            return bool(mirror.get("is_live")) and not mirror["unconfirmed"] and self._is_whole()

        fault = ""
        try:
            until(is_quiet, WAIT_S, "the mirror to have everything")
            until(
                lambda: self._differences(engines)["engine_behind"] == 0,
                WAIT_S,
                "the engine to hear everything",
            )
        except AssertionError as late:
            fault = f"{late}\n{self._actors[BRIDGE].report()}"
            print(fault, file=sys.stderr)
        status = self._mirror()
        for engine in engines:
            engine.end()
        mirrored = read_mirror(self._nats.server)
        verdict = compare(mirrored, self._run_dir, PUBLISHERS, TOPICS)
        found = {
            **verdict._asdict(),
            "holes": len(mirrored.holes),
            **self._differences(engines),
            "gaps_told_by_mirror": len(engines[1].gaps),
            "gaps_told_by_hub": len(engines[0].gaps),
        }
        wrong = {name: value for name, value in found.items() if name not in ("records", "engine_messages")}
        return {
            "ok": not any(wrong.values()) and bool(verdict.records) and not fault,
            **found,
            "faults": " ".join(engine.fault for engine in engines),
            "troubles": dict(self._done),
            "frames_per_s": round(len(mirrored.frames) / max(1e-9, _span_s(mirrored.frames))),
            "reconnects_since_last_start": status.get("failures", 0),
        }

    def _is_whole(self) -> bool:
        """Whether as many records are in the stream as in the journals; counting is cheaper than comparing."""
        mirrored = read_mirror(self._nats.server)
        return compare(mirrored, self._run_dir, PUBLISHERS, TOPICS).lost == 0

    def _differences(self, engines: tuple[Engine, Engine]) -> dict[str, int]:
        """What the two engines heard, from the first message that both have of each symbol on."""
        messages = behind = differing = 0
        of_hub, of_mirror = (dict(engine.heard) for engine in engines)
        for symbol in of_hub.keys() | of_mirror.keys():
            ours, theirs = _aligned(list(of_mirror.get(symbol, [])), list(of_hub.get(symbol, [])))
            messages += min(len(ours), len(theirs))
            behind += abs(len(theirs) - len(ours))
            differing += sum(one != other for one, other in zip(ours, theirs, strict=False))
        return {"engine_messages": messages, "engine_behind": behind, "engine_differences": differing}


def _aligned(ours: Sequence[Message], theirs: Sequence[Message]) -> tuple[list[Message], list[Message]]:
    """Both from the first message on that both have."""
    if not ours or not theirs:
        return list(ours), list(theirs)
    if ours[0] in theirs:
        return list(ours), list(theirs[theirs.index(ours[0]) :])
    if theirs[0] in ours:
        return list(ours[ours.index(theirs[0]) :]), list(theirs)
    return list(ours), list(theirs)


def _span_s(frames: Sequence[Any]) -> float:
    times = [frame.ts_pub_ns for frame in frames]
    return (max(times) - min(times)) / 1e9 if times else 0.0


def main() -> int:
    """Exit 0 only if nothing is lost, doubled, out of order or altered, and both engines heard the same."""
    parser = argparse.ArgumentParser(prog="scripts/bridge-check", description=__doc__.partition("\n\n")[0])
    parser.add_argument("--troubles", type=int, default=12, help="kills, cuts and restarts; default 12")
    parser.add_argument("--rate", type=float, default=2000.0, help="orders per second; default 2000")
    parser.add_argument("--pause", type=float, default=2.0, help="seconds after each trouble; default 2")
    parser.add_argument("--seed", type=int, default=1, help="decides the troubles; default 1")
    parser.add_argument("--json", action="store_true", help="one JSON document instead of a table")
    arguments = parser.parse_args()
    if BINARY is None:
        print("nats-server is not installed: apt-get install nats-server", file=sys.stderr)
        return 2

    def say(text: str) -> None:
        print(text, file=sys.stderr, flush=True)

    with short_folder() as run_dir:
        check = Check(run_dir, arguments.troubles, arguments.rate, arguments.pause, arguments.seed, say)
        document = check.run()
    if arguments.json:
        print(json.dumps(document, indent=2))
    else:
        print("\n".join(f"{key:28}{value}" for key, value in document.items()))
    return 0 if document["ok"] else 1


if __name__ == "__main__":
    sys.exit(main())
