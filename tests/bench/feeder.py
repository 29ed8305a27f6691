"""A stand-in collector as a process: candles once, then quotes at a steady rate, with heartbeats and watermarks.

`python -m tests.bench.feeder ENDPOINT NAME RATE CANDLES [MORE_PER_S]`; prints `ready` when a hub has subscribed and the
candles are out; ends when it is killed. MORE_PER_S times a second the first symbol has a trade, and its running candle
changes.
"""

from __future__ import annotations

import itertools
import sys
import threading
import time
from typing import Final

from msgspec import structs

from protocol.messages import Bar, Beat, Quote, Trade, Watermark
from protocol.record import RecordKind
from protocol.topics import mark_topic, market_topic
from protocol.transport import Publisher, Wire

VENUE: Final = "binance"
SYMBOLS: Final = [f"S{number:03d}_USDT" for number in range(20)]
TURN_S: Final = 0.001
SIGN_OF_LIFE_S: Final = 0.1
MINUTE_NS: Final = 60_000_000_000


def quote_of(symbol: str, number: int, now_ns: int) -> Quote:
    """One quote; `update_id` tells them apart."""
    return Quote(symbol, VENUE, now_ns, now_ns, 61_659.7, 61_659.8, 1.486, 0.981, number)


def bars_of(symbol: str, count: int, now_ns: int) -> list[Bar]:
    """The last so many one-minute candles."""
    last_ns = now_ns - now_ns % MINUTE_NS
    return [
        Bar(
            symbol=symbol, venue=VENUE, timeframe="1m", ts_open_ns=open_ns, ts_event_ns=open_ns + MINUTE_NS - 1,
            open=100.0 + number % 7, high=110.0, low=90.0, close=100.0 + number % 5, volume=12.5,
            buy_volume=6.25, sell_volume=6.25, vwap=101.0, count=40, status="closed", coverage=1.0,
            revision=1, source="trade",
        )
        for number, open_ns in enumerate(range(last_ns - (count - 1) * MINUTE_NS, last_ns + 1, MINUTE_NS))
    ]  # fmt: skip


def sign_of_life(publisher: Publisher) -> None:
    """Heartbeat and watermark: what makes values fresh."""
    beat = Beat(publisher.name, publisher.epoch, publisher.seq, 0, 0, 0, time.monotonic_ns(), "RUNNING")
    publisher.beat(beat)
    mark = Watermark(publisher.name, VENUE, time.time_ns(), is_connected=True)
    publisher.publish(mark_topic(publisher.name), [mark], RecordKind.TIME)


def more(publisher: Publisher, number: int, running: Bar, now_ns: int) -> None:
    """One trade, and the running candle as it is after it."""
    trade = Trade(SYMBOLS[0], VENUE, now_ns, now_ns, 61_659.75, 0.125, 1, number)
    publisher.publish(market_topic("trade", VENUE, SYMBOLS[0]), [trade])
    changed = structs.replace(running, ts_event_ns=now_ns, volume=float(number), status="open", revision=0)
    publisher.publish(market_topic("bar", VENUE, SYMBOLS[0], "1m"), [changed])


def feed(publisher: Publisher, rate_per_s: int, candles: int, more_per_s: int = 0) -> None:
    """Feed for ever."""
    publisher.socket.poll()
    now_ns = time.time_ns()
    bars = bars_of(SYMBOLS[0], candles, now_ns)
    for start in range(0, len(bars), 100):
        publisher.publish(market_topic("bar", VENUE, SYMBOLS[0], "1m"), bars[start : start + 100])
    topics = itertools.cycle([(market_topic("quote", VENUE, symbol), symbol) for symbol in SYMBOLS])
    for topic, symbol in itertools.islice(topics, len(SYMBOLS)):
        publisher.publish(topic, [quote_of(symbol, 0, now_ns)])
    sign_of_life(publisher)
    print("ready", flush=True)
    started_s = next_life_s = time.monotonic()
    sent = extra = 0
    running = structs.replace(bars[-1], ts_open_ns=bars[-1].ts_open_ns + MINUTE_NS)
    pause = threading.Event()
    while True:
        now_s, now_ns = time.monotonic(), time.time_ns()
        while extra < (now_s - started_s) * more_per_s:
            extra += 1
            more(publisher, extra, running, now_ns)
        due = int((now_s - started_s) * rate_per_s)
        for topic, symbol in itertools.islice(topics, due - sent):
            sent += 1
            publisher.publish(topic, [quote_of(symbol, sent, now_ns)])
        if now_s >= next_life_s:
            next_life_s = now_s + SIGN_OF_LIFE_S
            publisher.subscriptions()
            sign_of_life(publisher)
        pause.wait(max(0.0, now_s + TURN_S - time.monotonic()))


if __name__ == "__main__":
    with Wire() as wire:
        feed(
            wire.publisher(sys.argv[1], sys.argv[2], int(time.time()), time.time_ns),
            *map(int, sys.argv[3:]),
        )
