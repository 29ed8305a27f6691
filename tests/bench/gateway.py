"""The gateway: reads over HTTP and WebSocket fan-out, beside a bare Starlette that answers constant bytes.

A stand-in collector publishes 20,000 events a second, each in a frame of its own; hub and gateway hear all of them,
while both applications are asked in turn: the same server, the same options, answers of the same length.
"""

from __future__ import annotations

import contextlib
import re
import statistics
import sys
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final, NamedTuple

from websockets.sync.client import connect

from protocol.client.hub import Hub
from protocol.endpoints import Endpoints
from tests.bench import fanout, wrk
from tests.bench.bare import STAMP
from tests.bench.feeder import SYMBOLS
from tests.bench.reads import COLLECTOR, feeder
from tests.bench.report import Row, interleaved, say, table
from tests.support.config import write_config
from tests.support.paths import short_folder
from tests.support.process import ActorProcess, Program
from tests.support.wait import until

EVENTS_PER_S: Final = 20_000
CANDLES: Final = 500
CHANGES_PER_S: Final = 10
"""Trades of the first symbol a second, and changes of its running candle."""
GOAL: Final = 0.6
DEADLINE_S: Final = 20.0
CLIENTS: Final = 1000
TRADES_PER_S: Final = {"moderate": 10, "heavy": 40}
"""Of the one symbol that all clients want: trades are not conflated."""
SUBSCRIBE: Final = (
    '{"op":"subscribe","id":1,"snapshot":false,"channels":[{"name":"trades","symbols":["%s"]}]}'
)
GATEWAY: Final = "gateway.1"
PATIENT: Final = {"quote_ttl_s": 60.0, "bar_ttl_s": 600.0, "silence_s": 30.0}
"""What is measured is speed: on a machine that is busy otherwise values are late, and refusals are short answers."""
SYMBOL: Final = SYMBOLS[0]
READS: Final = {
    "all": ("/market-data/all", "everything, /market-data/all"),
    "tick": (f"/api/v1/quotes/{SYMBOL}", "one tick, /api/v1/quotes"),
    "feed": (f"/market-data/feed?symbol={SYMBOL}", "one tick, /market-data/feed"),
    "bars": (f"/api/v1/bars/{SYMBOL}?tf=1m&limit={CANDLES}", f"{CANDLES} candles, /api/v1/bars"),
}
"""Name of the constant answer to path and what it is."""


class Stage(NamedTuple):
    """What runs."""

    folder: Path
    hub: Hub
    url: str
    """Of the gateway."""


@contextlib.contextmanager
def stage(
    events_per_s: int = EVENTS_PER_S, candles: int = CANDLES, more_per_s: int = CHANGES_PER_S
) -> Iterator[Stage]:
    """Hub and gateway, and the events that they take meanwhile.

    Args:
        events_per_s: Quotes of all symbols.
        candles: Of the first symbol.
        more_per_s: Trades of it, and changes of its running candle.
    """
    with short_folder() as folder:
        endpoints = Endpoints(folder)
        endpoints.prepare()
        sections: dict[str, dict[str, float]] = {COLLECTOR: {}, "hub.1": PATIENT, GATEWAY: {"port": 0}}
        config = write_config(folder, sections, {symbol: {} for symbol in SYMBOLS})
        with (
            ActorProcess("hub", "hub.1", config),
            ActorProcess("gateway", GATEWAY, config),
            Hub(endpoints.query("hub.1"), timeout_s=10.0) as hub,
            feeder(endpoints, events_per_s, candles, more_per_s),
        ):
            until(lambda: has_all(hub), DEADLINE_S, "the hub to have quotes and candles")
            until(
                lambda: min(taken_per_s(hub)) > events_per_s * 0.5,
                DEADLINE_S,
                "hub and gateway to take the events",
            )
            yield Stage(folder, hub, str(detail_of(hub).get("url")))


def has_all(hub: Hub) -> bool:
    """Whether the hub has every quote and all candles, and hears the gateway."""
    topics = {topic.topic: topic.events for topic in hub.topics()}
    candles = topics.get(f"bar.binance.{SYMBOL}.1m", 0)
    return len(topics) > len(SYMBOLS) and candles >= CANDLES and "url" in detail_of(hub)


def detail_of(hub: Hub) -> dict[str, object]:
    """The gateway's newest full heartbeat."""
    return dict(hub.status()["actors"][GATEWAY].get("detail") or {})


def taken_per_s(hub: Hub) -> tuple[float, float]:
    """Frames that hub and gateway take in, by their own counts."""
    status = hub.status()
    gateway = status["actors"][GATEWAY].get("detail") or {}
    return float(status["hub"].get("frames_in_per_s") or 0.0), float(gateway.get("frames_in_per_s") or 0.0)


def fetched(url: str) -> bytes:
    """The answer to one question."""
    with urllib.request.urlopen(url, timeout=DEADLINE_S) as answer:
        return bytes(answer.read())


@contextlib.contextmanager
def bare(paths: list[Path]) -> Iterator[str]:
    """The bare application as a process; gives its URL."""
    command = [sys.executable, "-m", "tests.bench.bare", *map(str, paths)]
    with Program(command, title="bare") as program:
        program.wait_for_text("ready")
        yield program.stdout_text.split()[1]


def run(rounds: int, *, quick: bool) -> list[Row]:
    """Rows: requests a second, p50 and p99 of the hot reads, then the fan-out."""
    seconds = 1.0 if quick else 3.0
    say(f"  load: {wrk.tool()}, {wrk.CONNECTIONS} connections")
    rows: list[Row] = []
    with stage() as found:
        answers = []
        for name, (path, _) in READS.items():
            answer = found.folder / name
            answer.write_bytes(fetched(found.url + path))
            answers.append(answer)
        with bare(answers) as url:
            for name, (path, what) in READS.items():
                rows += read_rows(what, found, found.url + path, f"{url}/{name}", rounds, seconds)
    clients = CLIENTS // 10 if quick else CLIENTS
    for name, per_s in TRADES_PER_S.items():
        with stage(more_per_s=per_s) as found:
            rows += fan_rows(name, found, clients, per_s, rounds, seconds)
    return rows


def fan_rows(name: str, found: Stage, clients: int, per_s: int, rounds: int, seconds: float) -> list[Row]:
    """Messages that all clients together have a second, and how late they are."""
    subscribe = SUBSCRIBE % SYMBOL
    socket = found.folder / "socket"
    socket.write_text(message_of(found, subscribe))
    ours_url = found.url.replace("http:", "ws:") + "/ws/v1"
    fans: dict[str, list[fanout.Fan]] = {"ours": [], "theirs": []}
    with bare([socket]) as url:
        theirs_url = url.replace("http:", "ws:") + f"/ws?per_s={per_s}"

        def measure(side: str, url: str, text: str) -> Callable[[], float]:
            def measured() -> float:
                fan = fanout.fan(url, clients, seconds, text)
                fans[side].append(fan)
                return fan.per_s

            return measured

        rate = interleaved(rounds, measure("ours", ours_url, subscribe), measure("theirs", theirs_url, ""))
    what = f"fan-out, {clients:,} clients, {per_s} trades/s each"
    lost = {side: sum(fan.lost for fan in found) for side, found in fans.items()}
    note = f"{clients * per_s:,} messages/s offered; clients cut off: {lost['ours']} of ours, {lost['theirs']} of bare"
    goal = GOAL if name == "heavy" else None
    rows = [Row("gateway", what, rate[0], rate[1], "msg/s", rate[2], goal, at_most=False, note=note)]
    for share in ("p50", "p99"):
        mine, other = (
            statistics.median(getattr(fan, f"lag_{share}_ms") for fan in fans[side])
            for side in ("ours", "theirs")
        )
        rows.append(Row("gateway", what, mine, other, f"ms {share}", mine / other if other else 0.0))
    say(table(rows))
    return rows


def message_of(found: Stage, subscribe: str) -> str:
    """One message as the gateway sends it, with zeros for its time."""
    with connect(found.url.replace("http:", "ws:") + "/ws/v1", open_timeout=DEADLINE_S) as client:
        client.send(subscribe)
        while True:
            text = client.recv(DEADLINE_S)
            assert isinstance(text, str)
            if fanout.MARK.decode() in text:
                return re.sub(r'"ts_recv_ns":\d{19}', STAMP, text, count=1)


def read_rows(what: str, found: Stage, ours: str, theirs: str, rounds: int, seconds: float) -> list[Row]:
    """One read: rate with its goal, and the latencies that belong to it."""
    loads: dict[str, list[wrk.Load]] = {"ours": [], "theirs": []}
    taken: list[float] = []

    def measure(side: str, url: str) -> Callable[[], float]:
        def measured() -> float:
            load = wrk.ask(url, seconds)
            assert not load.failed, f"{url}: {load.failed} answers were none"
            loads[side].append(load)
            taken.append(min(taken_per_s(found.hub)))
            return load.per_s

        return measured

    rate = interleaved(rounds, measure("ours", ours), measure("theirs", theirs))
    note = f"{min(taken):,.0f} events/s and more taken in by hub and gateway meanwhile"
    rows = [Row("gateway", what, rate[0], rate[1], "req/s", rate[2], GOAL, at_most=False, note=note)]
    for share in ("p50", "p99"):
        mine, other = (
            statistics.median(getattr(load, f"{share}_ms") for load in loads[side])
            for side in ("ours", "theirs")
        )
        rows.append(Row("gateway", what, mine, other, f"ms {share}", mine / other))
    say(table(rows))
    return rows
