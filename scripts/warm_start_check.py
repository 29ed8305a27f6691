"""Fill a database with 1-minute candles, trades and quotes of many symbols, then time how fast a hub is warm.

A real persistence actor and a real hub, each a process of its own. Warm means: every window holds what it had, read
back through the hub's own answers and compared with what was stored.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import numpy as np

from actors.persistence.opening import open_store
from actors.persistence.store import Store
from protocol.codec import encode_events
from protocol.endpoints import Endpoints
from protocol.errors import HubError
from protocol.messages import Bar, Message, Quote, Trade
from protocol.record import Frame, FrameWriter, parse_frame
from tapehub import Hub
from tests.support.config import write_config
from tests.support.process import ActorProcess

MINUTE_NS: Final = 60_000_000_000
FRAME_EVENTS: Final = 500
BATCH_ROWS: Final = 100_000
DEADLINE_S: Final = 120.0
PAUSE_S: Final = 0.01


def stored_events(symbol: str, minutes: int, trades: int, end_ns: int) -> Iterator[tuple[str, list[Message]]]:
    """Topic and events of one symbol, in the order of time."""
    bars: list[Message] = []
    for number in range(minutes):
        open_ns = end_ns - (minutes - number) * MINUTE_NS
        price = 100.0 + number % 997 / 10
        bars.append(
            Bar(
                symbol, "binance", "1m", open_ns, open_ns + MINUTE_NS - 1, price, price + 1.0, price - 1.0, price + 0.5,
                12.5, 7.5, 5.0, price, 40, "closed", 1.0, 1, "trade",
            )
        )  # fmt: skip
    events: list[Message] = [
        Trade(symbol, "binance", end_ns + at, end_ns + at + 9, 100.0 + at % 7, 0.25, 1, at + 1)
        for at in range(trades)
    ]
    quotes: list[Message] = [Quote(symbol, "binance", end_ns, end_ns, 100.0, 101.0, 1.0, 2.0)]
    for topic, rows in (("bar", bars), ("trade", events), ("quote", quotes)):
        name = f"{topic}.binance.{symbol}" + (".1m" if topic == "bar" else "")
        for begin in range(0, len(rows), FRAME_EVENTS):
            yield name, rows[begin : begin + FRAME_EVENTS]


def fill(store: Store, symbols: list[str], minutes: int, trades: int, end_ns: int) -> int:
    """Store everything, as the persistence actor does; returns the number of rows."""
    writers = {name: FrameWriter(name, 1) for name in ("aggregator.1", "collector.binance.1")}

    def frames() -> Iterator[Frame]:
        for symbol in symbols:
            for topic, events in stored_events(symbol, minutes, trades, end_ns):
                writer = writers["aggregator.1" if topic.startswith("bar.") else "collector.binance.1"]
                yield parse_frame(writer.build(topic, events[0].SCHEMA, encode_events(events), end_ns))

    store.positions()
    batch, rows = store.batch(), 0
    for frame in frames():
        batch.add(frame)
        if batch.row_count >= BATCH_ROWS:
            rows += store.save(batch, end_ns).rows
            batch = store.batch()
    return rows + store.save(batch, end_ns).rows


def wait_until_warm(hub: Hub, started_s: float) -> tuple[float, float]:
    """Seconds from the start of the hub's process to its first answer, and to full windows.

    Raises:
        SystemExit: it does not get warm.
    """
    pause, first_s, state = threading.Event(), 0.0, "no answer"
    while time.monotonic() - started_s < DEADLINE_S:
        try:
            state = hub.status()["hub"]["warm_start"]
        except HubError as fault:
            state = str(fault)
        else:
            first_s = first_s or time.monotonic() - started_s
        if state == "warm":
            return first_s, time.monotonic() - started_s
        pause.wait(PAUSE_S)
    sys.exit(f"not warm within {DEADLINE_S:g} s: {state}")


def wrong_windows(hub: Hub, symbols: list[str], wanted: int, trades: int, end_ns: int) -> list[str]:
    """Symbols whose windows are not what was stored."""
    wrong = []
    for symbol in symbols:
        bars = hub.candles(symbol, "1m", 0, allow_stale=True)
        expected = end_ns - MINUTE_NS * np.arange(wanted, 0, -1)
        tape = hub.trades(symbol, 0, allow_stale=True)
        quote = hub.tick(symbol, allow_stale=True)
        if not (
            np.array_equal(bars.ts_open_ns, expected)
            and len(tape) >= min(trades, 1000)
            and quote.bid == 100.0
        ):
            wrong.append(f"{symbol}: {len(bars)} candles, {len(tape)} trades")
    return wrong


def main() -> int:
    """Exit 0 if the hub was warm in time and every window is right."""
    parser = argparse.ArgumentParser(
        prog="scripts/warm-start-check", description=__doc__.partition("\n\n")[0]
    )
    parser.add_argument("--symbols", type=int, default=100, help="default 100")
    parser.add_argument("--days", type=float, default=7.0, help="days of 1-minute candles; default 7")
    parser.add_argument("--trades", type=int, default=1000, help="trades per symbol; default 1000")
    parser.add_argument("--window", type=int, default=5000, help="candles a hub keeps; default 5000")
    parser.add_argument("--database", default="", help="URL; default: a SQLite file in a temporary folder")
    parser.add_argument("--runs", type=int, default=3, help="starts of the hub; default 3")
    parser.add_argument("--limit", type=float, default=3.0, help="seconds; default 3")
    arguments = parser.parse_args()
    symbols = [f"S{number}_USDT" for number in range(arguments.symbols)]
    minutes = round(arguments.days * 1440)
    end_ns = time.time_ns() // MINUTE_NS * MINUTE_NS
    with tempfile.TemporaryDirectory(prefix="warm-") as folder:
        run_dir = Path(folder)
        actors = {
            "persistence.1": {"database": arguments.database},
            "hub.1": {"bar_window": arguments.window},
        }
        config = write_config(run_dir, actors, {name: {} for name in symbols})
        Endpoints(run_dir).prepare()
        store = open_store(arguments.database, str(run_dir))
        started_s = time.monotonic()
        rows = fill(store, symbols, minutes, arguments.trades, end_ns)
        shown = store.shown_url.replace(folder, "...")
        store.close()
        print(
            f"{rows} rows stored in {time.monotonic() - started_s:.1f} s: {shown}",
            file=sys.stderr,
            flush=True,
        )
        is_good = True
        with ActorProcess("persistence", "persistence.1", config) as persistence, Hub(run_dir) as hub:
            persistence.wait_for_text("RUNNING", DEADLINE_S)
            wanted = min(minutes, arguments.window)
            print(
                f"{'RUN':>3} {'CANDLES':>9} {'MIB':>6} {'ANSWERS AFTER S':>16} {'WARM AFTER S':>13}  VERDICT"
            )
            for run in range(1, arguments.runs + 1):
                started_s = time.monotonic()
                with ActorProcess("hub", "hub.1", config):
                    first_s, warm_s = wait_until_warm(hub, started_s)
                    wrong = wrong_windows(hub, symbols, wanted, arguments.trades, end_ns)
                    rss = hub.status()["hub"]["rss_bytes"] / 2**20
                verdict = "WRONG" if wrong else "ok" if warm_s <= arguments.limit else "LATE"
                is_good = is_good and verdict == "ok"
                print(
                    f"{run:3} {wanted * len(symbols):9} {rss:6.0f} {first_s:16.2f} {warm_s:13.2f}  {verdict}",
                    *wrong[:3],
                    flush=True,
                )
    return 0 if is_good else 1


if __name__ == "__main__":
    sys.exit(main())
