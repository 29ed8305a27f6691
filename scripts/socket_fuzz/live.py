"""Wrong inputs over real sockets to the real system under supervisord: nothing may end, hang or stop answering."""

from __future__ import annotations

import socket
import threading
import time
from collections import Counter
from collections.abc import Callable
from random import Random
from typing import Any, Final

from protocol.endpoints import Endpoints
from protocol.errors import HubError
from protocol.requests import Request, decode_reply, encode_request
from protocol.transport import Channel, Empty, Wire
from scripts.hostile.system import HostileSystem
from scripts.mutations import Mutator
from scripts.socket_fuzz.questions import questions_for
from scripts.socket_fuzz.trees import TreeMutator

PATIENCE_MS: Final = 5000
LOOK_EVERY: Final = 500
HTTP_LINES: Final = (
    b"GET /api/v1/quotes/BTC_USDT HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
    b"GET /api/v1/bars/BTC_USDT?tf=1m&limit=3 HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: text/csv\r\n\r\n",
    b"POST /api/v1/push HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Source: x\r\nContent-Length: 2\r\n\r\n{}",
    (
        b"GET /ws/v1 HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
        b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    ),
)
_SPARED: Final = frozenset(("stop", "stacks"))
"""Orders that are obeyed: an actor that stops when told to is no crash."""


def _asks(endpoints: Endpoints, names: list[str], random: Random) -> list[tuple[str, list[bytes]]]:
    """Address and good questions of every socket that is asked."""
    found = []
    for name in names:
        good = [
            body
            for body in questions_for(name, "ctl", random)
            if not any(word.encode() in body for word in _SPARED)
        ]
        found.append((endpoints.ctl(name), good))
    queried = ("hub.1", "journal.1", "persistence.1")
    found += [(endpoints.query(name), questions_for(name, "query", random)) for name in queried]
    found.append((endpoints.ingest("collector.push.1"), questions_for("collector.push.1", "ingest", random)))
    return found


def _http(port: int, data: bytes) -> str:
    """Send bytes to the gateway, read what comes first."""
    with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_MS / 1000) as line:
        line.settimeout(0.05)
        try:
            line.sendall(data)
            said = line.recv(200)
        except TimeoutError:
            return "(waits for more)"
        except OSError:
            return "(closed)"
    code = said[9:12].decode("latin-1") if said.startswith(b"HTTP/1.1 ") else "none"
    return "accepted" if code.startswith(("1", "2", "3")) else f"({code})"


def fuzz_live(inputs: int, seed: int, say: Callable[[str], None]) -> dict[str, Any]:
    """So many inputs in all; the document of `fuzz_sockets`."""
    random = Random(f"live {seed}")
    trees, blind, text = TreeMutator(random), Mutator(random, is_text=False), Mutator(random)
    outcomes: dict[str, Counter[str]] = {}
    crashes: list[dict[str, Any]] = []
    began_s = time.monotonic()
    with HostileSystem() as system, Wire() as wire:
        say(f"system runs in {system.run_dir}")
        asks = _asks(system.endpoints, system.names, random)
        channels = {address: Channel(wire, address) for address, _ in asks}
        data, done = b"", 0
        for done in range(1, inputs + 1):
            if random.random() < 0.25:
                data = text.mutate(random.choice(HTTP_LINES))
                outcomes.setdefault("live http", Counter())[_http(system.http_port, data)] += 1
            else:
                address, good = random.choice(asks)
                one = random.choice(good)
                chance = random.random()
                data = one if chance < 0.2 else trees.mutate(one) if chance < 0.85 else blind.mutate(one)
                what = _ask(channels, wire, address, data)
                outcomes.setdefault(f"live {address.rpartition('/')[2]}", Counter())[what] += 1
            if done % LOOK_EVERY == 0 or done == inputs:
                say(f"{done:,} of {inputs:,} inputs")
                problem = system.problem()
                if problem:
                    crashes.append(_crash(problem, data, seed, done))
                    break
        threading.Event().wait(1.0)
        problem = "" if crashes else system.problem()
        if problem:
            crashes.append(_crash(problem, data, seed, done))
    seconds = time.monotonic() - began_s
    rows = [
        {"name": name, "inputs": sum(found.values()), "seconds": seconds, "slowest_s": 0.0, "outcomes": dict(found.most_common()),
         "crashes": []}
        for name, found in sorted(outcomes.items())
    ]  # fmt: skip
    return {
        "seed": seed, "jobs": 1, "inputs": done, "seconds": round(seconds, 1), "inputs_per_s": round(done / seconds), "targets": rows,
        "crashes": crashes, "ok": not crashes,
    }  # fmt: skip


def _ask(channels: dict[str, Channel], wire: Wire, address: str, data: bytes) -> str:
    """Put one question; whatever becomes of it, the next one has a socket."""
    if len(data) > 64 * 1024 or not data:
        data = encode_request(Request(op="ping"))
    try:
        reply = decode_reply(channels[address].ask(data, PATIENCE_MS))
    except Empty:
        channels[address].close()
        channels[address] = Channel(wire, address)
        return "(no answer)"
    except HubError:
        return "(unreadable answer)"
    return "accepted" if reply.ok else f"({reply.code})"


def _crash(problem: str, data: bytes, seed: int, index: int) -> dict[str, Any]:
    """As those of the other targets."""
    return {
        "sort": problem[:200], "count": 1, "target": "live", "seed": seed, "job": 0, "index": index, "what": problem, "traceback": "",
        "input": repr(data[:600]),
    }  # fmt: skip
