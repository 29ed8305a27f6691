"""Come with no key, a wrong, a revoked and a weak one to real processes, and see that it is refused and logged.

Then keys are rotated while an engine reads, the thread that judges handshakes is ended (the process must end too, and nobody may
get in), and with --attacks N rude strangers come N times while the engine goes on reading. One table; exit 1 if anything got in.
"""

from __future__ import annotations

import argparse
import hashlib
import random
import socket
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Final, NamedTuple

import httpx2
import msgspec
import zmq

from actors.runtime.clock import system_clock
from protocol.client import Hub
from protocol.errors import HubError, HubTimeout, Unauthorized
from protocol.requests import Request
from protocol.security.key_files import PublicKey, SecretKey
from protocol.security.key_folder import KeyFolder
from protocol.security.keyring import Keyring
from protocol.topology import Host, Topology
from protocol.transport import Wire
from protocol.transport.curve import new_pair
from scripts import auth_attacks
from scripts.waiting import seconds_until
from tapehub import key_deeds
from tests.support.paths import ROOT, short_folder
from tests.support.process import Program

ACTORS: Final = ("simulator.1", "collector.binance.1", "journal.1", "hub.1", "gateway.1")
TOKENS: Final = {"reader": "r" * 40, "gone": "g" * 40}
READY_S: Final = 60.0
LOGGED_S: Final = 15.0
FLAG_VARIABLE: Final = "AUTH_CHECK_FLAG"


class Case(NamedTuple):
    """One line of the table."""

    who: str
    where: str
    is_refused: bool
    is_logged: bool
    what: str


def frail_hub() -> None:
    """A hub whose judge of handshakes ends once a file is there: `python -c` calls this."""
    import os  # noqa: PLC0415 - in the child only

    from actors.hub.actor import HubActor  # noqa: PLC0415
    from actors.runtime.main import main as live  # noqa: PLC0415
    from protocol.transport.zap import Zap  # noqa: PLC0415

    judged, flag = Zap.answer, Path(os.environ[FLAG_VARIABLE])

    def answer(self: Zap, parts: list[bytes]) -> list[bytes]:
        if flag.exists():
            raise zmq.ContextTerminated
        return judged(self, parts)

    Zap.answer = answer  # type: ignore[method-assign]
    live(HubActor)


def free_port(count: int) -> int:
    """First of so many ports in a row that are likely free."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return min(int(probe.getsockname()[1]), 65_000 - count)


class Stage:
    """The processes, their keys, and where they are."""

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        first, venue = free_port(40), free_port(1)
        self.http = free_port(1)
        self.hosts = {
            "a": Host(address="127.0.0.1", listen="0.0.0.0", port=first, actors=list(ACTORS)),
            "b": Host(address="127.0.0.2", port=first, actors=["journal.2"]),
        }
        self.topology = Topology(self.hosts)
        self.keys = KeyFolder(folder / "keys")
        tokens = {
            name: {"sha256": hashlib.sha256(text.encode()).hexdigest(), "scopes": ["read"]}
            for name, text in TOKENS.items()
        }
        tokens["gone"] = {**tokens["gone"], "expires": "2020-01-01"}
        urls = {
            "ws_url": {"spot": f"ws://127.0.0.1:{venue}/spot"},
            "rest_url": {"spot": f"http://127.0.0.1:{venue}/spot"},
        }
        actors: dict[str, Any] = {
            "simulator.1": {"port": venue},
            "collector.binance.1": {"symbols": ["BTC_USDT"], **urls},
            "journal.1": {},
            "hub.1": {},
            "gateway.1": {"port": self.http, "edge": {"tokens": tokens}},
            "journal.2": {},
        }
        self.config = folder / "tapehub.yaml"
        settings = {
            "run_dir": str(folder / "run"), "host": "a", "symbols_file": str(ROOT / "config" / "symbols.yaml"),
            "hosts": msgspec.to_builtins(self.hosts), "actors": actors,
        }  # fmt: skip
        self.config.write_bytes(msgspec.json.encode(settings))
        now_ns = system_clock().now_ns()
        key_deeds.init(self.keys, self.topology, actors, now_ns)
        for name, roles in (("desk", ["query", "subscribe"]), ("weak", ["publish"]), ("gone", ["admin"])):
            key_deeds.add(self.keys, name, roles, [], now_ns)
        key_deeds.revoke(self.keys, "gone", now_ns)
        self.flag = folder / "flag"
        self.programs: dict[str, Program] = {}
        for name in ACTORS:
            frail = ["-c", "from scripts.auth_check import frail_hub; frail_hub()"]
            module = frail if name == "hub.1" else ["-m", f"actors.{name.partition('.')[0]}"]
            command = [sys.executable, *module, "--name", name, "--config", str(self.config)]
            env = {FLAG_VARIABLE: str(self.flag)}
            self.programs[name] = stack.enter_context(Program(command, env=env, title=name))

    def at(self, name: str, role: str) -> str:
        """Where others reach an actor, and whose key is expected there."""
        return f"{name}@{self.topology.address(name, role)}"

    def address(self, name: str, role: str) -> tuple[str, int]:
        """The same for a bare socket."""
        host, _, port = self.topology.address(name, role).removeprefix("tcp://").rpartition(":")
        return host, int(port)

    def log(self, name: str) -> str:
        """What a process has logged."""
        program = self.programs[name]
        return program.stderr_text + program.stdout_text

    def hub(self, timeout_s: float = 10.0) -> Hub:
        """The good engine."""
        return Hub(self.at("hub.1", "query"), key=self.keys.secret_path("desk"), timeout_s=timeout_s)

    def stranger(self, folder: Path) -> Keyring:
        """A key that nobody knows, of somebody who knows the servers."""
        elsewhere = KeyFolder(folder / "stranger")
        for name in ACTORS:
            elsewhere.save_public(self.keys.public(name))
        public, secret = new_pair()
        elsewhere.save_public(PublicKey(name="stranger", public=public, roles=("admin",)))
        elsewhere.save_secret("stranger", SecretKey(secret=secret))
        return Keyring(elsewhere, "stranger")


def wait_for(is_so: Callable[[], bool], patience_s: float) -> bool:
    """Whether it has become so in time."""
    return seconds_until(is_so, patience_s) is not None


def ready(stage: Stage) -> None:
    """Wait until the engine reads."""

    def reads() -> bool:
        try:
            with stage.hub(2.0) as hub:
                return hub.tick("BTC_USDT").bid > 0
        except HubError:
            return False

    if not wait_for(reads, READY_S):
        raise SystemExit(f"the hub never answered; it says:\n{stage.log('hub.1')[-2000:]}")


def zeromq_cases(stage: Stage, folder: Path) -> list[Case]:
    """Every key at every kind of address."""
    rings: dict[str, tuple[Keyring | None, str]] = {
        "no key": (None, "auth_handshake"),
        "unknown key": (stage.stranger(folder), "auth_unknown"),
        "revoked key": (Keyring(stage.keys, "gone"), "auth_revoked"),
        "wrong role": (Keyring(stage.keys, "weak"), "auth_role"),
    }
    places = (("collector.binance.1", "pub", ""), ("hub.1", "ctl", "stop"), ("hub.1", "query", "tick"))
    cases = []
    for who, (ring, reason) in rings.items():
        for name, role, op in places:
            said = "auth_topic" if reason == "auth_role" and role == "pub" else reason
            what = heard(stage, ring, name) if role == "pub" else asked(stage, ring, name, role, op)
            is_logged = wait_for(lambda name=name, said=said: said in stage.log(name), LOGGED_S)  # type: ignore[misc]
            cases.append(Case(who, f"{role} of {name}", not what, is_logged, what or said))
    return cases


def heard(stage: Stage, ring: Keyring | None, name: str) -> str:
    """What a stranger hears of a publisher; empty: nothing."""
    if ring is None:
        return bare(stage.address(name, "pub"), zmq.SUB)
    with Wire(keyring=ring) as wire:
        subscriber = wire.subscriber([stage.at(name, "pub")], [b""])
        return "heard a frame" if subscriber.wait(1.0) else ""


def asked(stage: Stage, ring: Keyring | None, name: str, role: str, op: str) -> str:
    """What a stranger is answered; empty: nothing but a refusal."""
    if ring is None:
        return bare(stage.address(name, role), zmq.DEALER)
    with Wire(keyring=ring) as wire:
        try:
            reply = wire.requester(stage.at(name, role)).ask(Request(op=op, symbol="BTC_USDT"), 2.0)
        except (Unauthorized, HubTimeout):
            return ""
        return "" if reply.code == Unauthorized.code else f"was answered {reply.code or 'ok'}"


def bare(address: tuple[str, int], kind: int) -> str:
    """What a socket without any key gets."""
    context: zmq.Context[Any] = zmq.Context()
    peer = context.socket(kind)
    peer.linger = 0
    peer.connect(f"tcp://{address[0]}:{address[1]}")
    if kind == zmq.SUB:
        peer.setsockopt(zmq.SUBSCRIBE, b"")
    else:
        peer.send_multipart((b"", b"\x81\xa2op\xa4ping"))
    found = "got an answer" if peer.poll(1000) else ""
    peer.close()
    context.term()
    return found


def http_cases(stage: Stage) -> list[Case]:
    """Tokens at the gateway."""
    wanted = (("no token", "", "GET", 401), ("wrong token", "x" * 40, "GET", 401),
              ("revoked token", TOKENS["gone"], "GET", 401), ("wrong scope", TOKENS["reader"], "POST", 403))  # fmt: skip
    cases = []
    with httpx2.Client(base_url=f"http://127.0.0.1:{stage.http}", timeout=10.0) as client:
        for who, token, method, status in wanted:
            headers = {"Authorization": f"Bearer {token}"} if token else {}
            path = "/api/v1/quotes" if method == "GET" else "/api/v1/push"
            answer = client.request(
                method, path, headers=headers, content=b"[]" if method == "POST" else None
            )
            said = "http_forbidden" if status == httpx2.codes.FORBIDDEN else "http_unauthorized"
            is_logged = wait_for(lambda said=said: said in stage.log("gateway.1"), LOGGED_S)  # type: ignore[misc]
            cases.append(
                Case(
                    who, "HTTP of gateway.1", answer.status_code == status, is_logged, f"{answer.status_code}"
                )
            )
    return cases


class Reader(threading.Thread):
    """The good engine: reads as fast as it gets answers, and hears the trades."""

    def __init__(self, stage: Stage) -> None:
        super().__init__(daemon=True)
        self.reads = self.failed = self.gaps = self.heard = 0
        self.worst_s = 0.0
        self.fault = ""
        self.over = threading.Event()
        self._stage = stage
        self._ear = threading.Thread(target=self._hear, daemon=True)

    def run(self) -> None:
        """Read until it is over."""
        self._ear.start()
        with self._stage.hub() as hub:
            while not self.over.is_set():
                started_s = time.monotonic()
                try:
                    hub.tick("BTC_USDT", allow_stale=True)
                except HubError as error:
                    self.failed += 1
                    self.fault = repr(error)
                self.reads += 1
                self.worst_s = max(self.worst_s, time.monotonic() - started_s)
                self.over.wait(0.002)

    def _hear(self) -> None:
        def note(_missing: object) -> None:
            self.gaps += 1

        with self._stage.hub() as hub:
            for _ in hub.stream("trade.binance.BTC_USDT$", on_gap=note):
                self.heard += 1
                if self.over.is_set():
                    return

    def result(self) -> str:
        """One line."""
        self.over.set()
        self.join(30)
        fault = f", last {self.fault}" if self.fault else ""
        return f"{self.reads} reads, {self.failed} failed{fault}, worst {self.worst_s * 1e3:.0f} ms; {self.heard} trades heard, {self.gaps} gaps"


def rotation(stage: Stage) -> Case:
    """New keys for hub, collector, journal and engine while it reads."""
    reader = Reader(stage)
    reader.start()
    wait_for(lambda: reader.heard > 20, LOGGED_S)
    names = ("hub.1", "collector.binance.1", "journal.1", "desk")
    for name in names:
        for step in (key_deeds.announce, key_deeds.switch, key_deeds.finish):
            step(stage.keys, name)
            before = reader.heard
            wait_for(lambda before=before: reader.heard > before + 20, LOGGED_S)  # type: ignore[misc]
    result = reader.result()
    is_good = not reader.failed and not reader.gaps and reader.heard > 0
    return Case("rotation under load", f"{len(names)} keys", is_good, is_good, result)


def attacks(stage: Stage, rounds: int, seed: int) -> Case:
    """Rude strangers while the engine reads."""
    reader, chance = Reader(stage), random.Random(seed)
    places = [stage.address("hub.1", "query"), stage.address("collector.binance.1", "pub")]
    ring = Keyring(stage.keys, "desk")

    def ask(at: str) -> None:
        with Wire(keyring=ring) as wire:
            wire.requester(f"hub.1@tcp://{at}").ask(Request(op="ping"), 5.0)

    handshake = auth_attacks.recorded_handshake(places[0], ask)
    reader.start()
    for number in range(rounds):
        for place in places:
            auth_attacks.scan(place, chance)
            auth_attacks.wrong_versions(place, chance)
            if place == places[0]:
                auth_attacks.replay(place, handshake, chance)
        if number % 10 == 0:
            with auth_attacks.half_open(places[0]):
                reader.over.wait(0.5)
    result = reader.result()
    is_alive = all(program.is_alive for program in stage.programs.values())
    is_good = is_alive and not reader.failed and not reader.gaps
    return Case(f"{rounds} rounds of attacks", "hub, collector", is_good, is_good, result)


def dead_judge(stage: Stage) -> Case:
    """Without its judge the hub lets nobody in, and ends with 70."""
    stage.flag.touch()
    what = asked(stage, Keyring(stage.keys, "desk"), "hub.1", "query", "ping")
    process = stage.programs["hub.1"].process
    has_ended = wait_for(lambda: process.poll() is not None, LOGGED_S)
    text = f"{what or 'nobody got in'}; hub.1 {'ended with ' + str(process.returncode) if has_ended else 'goes on'}"
    return Case("a good key, judge dead", "query of hub.1", not what, process.returncode == 70, text)


def main() -> int:
    parser = argparse.ArgumentParser(prog="scripts/auth-check", description=__doc__.partition("\n\n")[0])
    parser.add_argument(
        "--attacks", type=int, default=0, metavar="N", help="rounds of attacks while an engine reads"
    )
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", action="store_true", help="one JSON document on stdout")
    arguments = parser.parse_args()
    with short_folder() as run, tempfile.TemporaryDirectory() as other, ExitStack() as stack:
        stage = Stage(run, stack)
        ready(stage)
        cases = [*zeromq_cases(stage, Path(other)), *http_cases(stage), rotation(stage)]
        if arguments.attacks:
            cases.append(attacks(stage, arguments.attacks, arguments.seed))
        cases.append(dead_judge(stage))
    if arguments.json:
        print(msgspec.json.encode([case._asdict() for case in cases]).decode())
    else:
        for case in (("WHO", "WHERE", "REFUSED", "LOGGED", "WHAT"), *cases):
            who, where, refused, logged, what = (
                ("ok" if one else "NO") if isinstance(one, bool) else one for one in case
            )
            print(f"{who:<24} {where:<26} {refused:<8} {logged:<7} {what}")
    bad = [case for case in cases if not (case.is_refused and case.is_logged)]
    print(f"{len(cases)} cases, {len(bad)} bad", file=sys.stderr)
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
