"""Push ticks of 15 symbols from 4 sources over HTTP, some of them twice, and compare what was sent with hub, database and bus.

Every process is real. Visible means: the hub's newest value of each symbol and source is the newest that was sent. Not
lost, not doubled means: the rows in the database, and the frames on the bus, are what was sent, each once.
"""

from __future__ import annotations

import argparse
import collections
import random
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any, Final, NamedTuple

import httpx2
import msgspec

from protocol.codec import decode_events
from protocol.endpoints import Endpoints
from protocol.errors import HubError
from protocol.messages import Quote
from protocol.transport import Empty, Wire
from tests.support.push_rig import NAME
from tests.support.push_world import GATEWAY, PushWorld, push_world

SOURCES: Final = ("mt5", "script", "desk", "backup")
SYMBOLS: Final = (
    "EUR_USD", "GBP_USD", "USD_JPY", "AUD_USD", "USD_CAD", "USD_CHF", "NZD_USD", "EUR_GBP", "EUR_JPY", "GBP_JPY",
    "XAU_USD", "XAG_USD", "NAS_USD", "SPX_USD", "BTC_USD",
)  # fmt: skip
BATCH: Final = 250
REPEATED: Final = 0.1
"""Share of the requests that are sent once more."""
DEADLINE_S: Final = 120.0
Key = tuple[str, str, int, float]
"""Venue, symbol, venue time, bid."""


class Sender(NamedTuple):
    """What one source sent and was told."""

    sent: list[Key]
    newest: dict[str, int]
    """Symbol to the venue time of its newest."""
    told: collections.Counter[str]
    latencies_s: list[float]


def batch_of(numbers: range, begin_ns: int, symbols: list[str]) -> list[dict[str, Any]]:
    """Ticks, a microsecond apart, in the spelling of a broker."""
    rows = []
    for number in numbers:
        name = symbols[number % len(symbols)].replace("_", "")
        bid = 1.0 + number * 1e-6
        rows.append(
            {"symbol": f"{name}.r", "bid": bid, "ask": bid + 0.001, "ts_event_ns": begin_ns + number * 1000}
        )
    return rows


def send(url: str, source: str, count: int, begin_ns: int, seed: int) -> Sender:
    """Post `count` ticks of one source, a tenth of the requests twice; a refusal is sent again."""
    chance = random.Random(seed)
    told: collections.Counter[str] = collections.Counter()
    sender = Sender([], {}, told, [])
    with httpx2.Client(base_url=url, timeout=30.0, headers={"X-Source": source}) as client:
        for first in range(0, count, BATCH):
            rows = batch_of(range(first, min(count, first + BATCH)), begin_ns, list(SYMBOLS))
            for row in rows:
                symbol = f"{row['symbol'][:3]}_{row['symbol'][3:6]}"
                sender.sent.append((f"push.{source}", symbol, row["ts_event_ns"], row["bid"]))
                sender.newest[symbol] = row["ts_event_ns"]
            body = msgspec.json.encode(rows) if chance.random() < 0.5 else msgspec.msgpack.encode(rows)
            for _ in range(2 if chance.random() < REPEATED else 1):
                _post(client, body, told, sender.latencies_s)
                told["requests"] += 1
                told["items"] += len(rows)
    return sender


def _post(
    client: httpx2.Client, body: bytes, told: collections.Counter[str], latencies_s: list[float]
) -> None:
    while True:
        started_s = time.perf_counter()
        answer = client.post("/api/v1/push", content=body)
        latencies_s.append(time.perf_counter() - started_s)
        if answer.status_code == httpx2.codes.OK:
            verdict = msgspec.json.decode(answer.content)
            for name in ("accepted", "duplicates", "rejected"):
                told[name] += verdict[name]
            return
        told[f"http_{answer.status_code}"] += 1
        threading.Event().wait(float(answer.headers.get("retry-after", 0.1)))


class Listener(threading.Thread):
    """Hears the receiver's quotes on the bus."""

    def __init__(self, endpoints: Endpoints) -> None:
        super().__init__(daemon=True)
        self.heard: collections.Counter[Key] = collections.Counter()
        self._endpoint = endpoints.pub(NAME)
        self._over = threading.Event()

    def run(self) -> None:
        """Until stopped."""
        with Wire() as wire:
            ear = wire.subscriber([self._endpoint], [b"quote.push."])
            while not self._over.is_set():
                if not ear.wait(0.05):
                    continue
                try:
                    while True:
                        for one in decode_events(ear.receive()):
                            if isinstance(one, Quote):
                                self.heard[one.venue, one.symbol, one.ts_event_ns, one.bid] += 1
                except Empty:
                    continue

    def stop(self) -> None:
        """No more is to come."""
        self._over.set()
        self.join()


def stored_by(world: PushWorld, count: int) -> collections.Counter[Key]:
    """Rows of the database, once there are enough."""
    end_s = time.monotonic() + DEADLINE_S
    rows: list[Any] = []
    while len(rows) < count and time.monotonic() < end_s:
        rows = world.stored("quotes", "ts_event_ns, bid")
        threading.Event().wait(0.1)
    threading.Event().wait(0.5)  # what should not come after all would come now
    return collections.Counter(world.stored("quotes", "ts_event_ns, bid"))


def unseen(world: PushWorld, senders: dict[str, Sender]) -> list[str]:
    """Symbols of sources whose newest value in the hub is not the newest that was sent."""
    wrong = []
    for source, sender in senders.items():
        for symbol, newest_ns in sender.newest.items():
            try:
                found = world.hub.tick(symbol, venue=f"push.{source}", allow_stale=True).ts_event_ns
            except HubError as fault:
                wrong.append(f"{source} {symbol}: {fault}")
            else:
                if found != newest_ns:
                    wrong.append(f"{source} {symbol}: {found} instead of {newest_ns}")
    return wrong


def check(world: PushWorld, count: int) -> bool:
    """Send, compare, print; whether all is as it must be."""
    listener = Listener(world.endpoints)
    listener.start()
    share = -(-count // len(SOURCES))
    begin_ns = time.time_ns() - share * 1000
    senders: dict[str, Sender] = {}

    def work(index: int, source: str) -> None:
        senders[source] = send(world.url, source, min(share, count - index * share), begin_ns, index)

    threads = [threading.Thread(target=work, args=one) for one in enumerate(SOURCES)]
    started_s = time.monotonic()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    took_s = time.monotonic() - started_s
    sent = collections.Counter(key for one in senders.values() for key in one.sent)
    stored = stored_by(world, len(sent))
    wrong = unseen(world, senders)
    listener.stop()
    told = sum((one.told for one in senders.values()), collections.Counter())
    _print_table(senders, stored, listener.heard)
    latencies_ms = sorted(one * 1e3 for sender in senders.values() for one in sender.latencies_s)
    repeated = told["items"] - len(sent)
    print(
        f"\n{len(sent)} ticks of {len(SYMBOLS)} symbols by {len(SOURCES)} sources, {repeated} sent twice: {took_s:.1f} s, "
        f"{told['items'] / took_s:.0f} items/s; a request of {BATCH}: p50 {latencies_ms[len(latencies_ms) // 2]:.1f} ms, "
        f"p99 {latencies_ms[int(len(latencies_ms) * 0.99)]:.1f} ms"
    )
    checks = {
        "accepted is what was sent": told["accepted"] == len(sent),
        "duplicates are what was repeated": told["duplicates"] == repeated,
        "nothing rejected": not told["rejected"],
        "database: none lost": not sent - stored,
        "database: none doubled, none strange": not stored - sent,
        "bus: each once": listener.heard == sent,
        "hub: the newest of every symbol and source": not wrong,
    }
    for name, is_good in checks.items():
        print(f"{'ok  ' if is_good else 'FAIL'} {name}")
    for line in wrong[:10]:
        print(f"     {line}")
    return all(checks.values())


def _print_table(
    senders: dict[str, Sender], stored: collections.Counter[Key], heard: collections.Counter[Key]
) -> None:
    by_source = collections.Counter(key[0] for key in stored.elements())
    on_bus = collections.Counter(key[0] for key in heard.elements())
    print(
        f"{'SOURCE':<10}{'TICKS':>9}{'REQUESTS':>10}{'ACCEPTED':>10}{'TWICE':>8}{'REJECTED':>10}{'STORED':>9}{'BUS':>9}"
    )
    for source in SOURCES:
        one, venue = senders[source], f"push.{source}"
        told = one.told
        print(
            f"{source:<10}{len(one.sent):>9}{told['requests']:>10}{told['accepted']:>10}{told['duplicates']:>8}"
            f"{told['rejected']:>10}{by_source[venue]:>9}{on_bus[venue]:>9}"
        )


def main() -> int:
    """Exit 0 if every check holds."""
    parser = argparse.ArgumentParser(prog="scripts/push-check", description=__doc__.partition("\n\n")[0])
    parser.add_argument("--ticks", type=int, default=100_000, help="ticks in all; default 100000")
    arguments = parser.parse_args()
    symbols: dict[str, dict[str, Any]] = {
        name: {"session": "crypto", "bars_from": "quote", "aliases": [name.replace("_", "")]}
        for name in SYMBOLS
    }
    symbols["brokers"] = {"any": {"suffixes": [".r"]}}
    pushing = {"requests_per_s": 100_000.0, "items_per_s": 10_000_000.0, "item_burst": 100_000_000}
    with tempfile.TemporaryDirectory(prefix="th-") as folder:
        sections = {GATEWAY: {"pushing": pushing}}
        with push_world(Path(folder), sections=sections, symbols=symbols) as world:
            return 0 if check(world, arguments.ticks) else 1


if __name__ == "__main__":
    sys.exit(main())
