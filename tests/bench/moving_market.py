"""A stand-in collector whose market moves: many symbols, each with quotes, trades, a book and a running candle.

`python -m tests.bench.moving_market ENDPOINT NAME SYMBOLS QUOTES_PER_S [quotes]`; the latter for each symbol. With `quotes`
there are no trades, books and running candles, only the closed ones. Prints `ready` when the candles of the past are out;
ends when it is killed.
"""

from __future__ import annotations

import math
import sys
import threading
import time
from typing import Final

from msgspec import structs

from protocol.messages import Bar, Book, Quote, Trade
from protocol.topics import market_topic
from protocol.transport import Publisher, Wire
from tests.bench.feeder import MINUTE_NS, SIGN_OF_LIFE_S, VENUE, sign_of_life

PAST: Final = 600
"""Candles of each symbol before the running one."""
TRADE_EVERY: Final = 2
BOOK_EVERY: Final = 2
BAR_EVERY: Final = 5
"""Of so many quotes one brings a trade, a book, a change of the candle."""
DEPTH: Final = 20
TICK: Final = 0.1


def symbols_of(count: int) -> list[str]:
    """Names of that many instruments."""
    return [f"M{number:02d}_USDT" for number in range(count)]


def price_of(symbol_number: int, at_ns: int) -> float:
    """Mid of a symbol at a time: three waves, on the grid of ticks."""
    at_s = at_ns / 1e9
    wave = math.sin(at_s / 7 + symbol_number) + math.sin(at_s / 61) + math.sin(at_s / 911 + symbol_number)
    return round(1000.0 * (1 + symbol_number) * (1 + wave / 400) / TICK) * TICK


def past_of(symbol: str, number: int, now_ns: int) -> list[Bar]:
    """One-minute candles up to now; the last one runs."""
    running_ns = now_ns - now_ns % MINUTE_NS
    found = []
    for opened_ns in range(running_ns - PAST * MINUTE_NS, running_ns + 1, MINUTE_NS):
        first, last = price_of(number, opened_ns), price_of(number, opened_ns + MINUTE_NS)
        is_closed = opened_ns < running_ns
        found.append(
            Bar(
                symbol=symbol, venue=VENUE, timeframe="1m", ts_open_ns=opened_ns, ts_event_ns=opened_ns + MINUTE_NS - 1,
                open=first, high=max(first, last) + TICK, low=min(first, last) - TICK, close=last, volume=12.5,
                buy_volume=7.0, sell_volume=5.5, vwap=(first + last) / 2, count=40, coverage=1.0, source="trade",
                status="closed" if is_closed else "open", revision=1 if is_closed else 0,
            )
        )  # fmt: skip
    return found


def turn(
    publisher: Publisher,
    symbol: str,
    number: int,
    turn_number: int,
    bar: Bar,
    now_ns: int,
    *,
    is_quotes: bool,
) -> Bar:
    """All that one turn of a symbol brings; returns its candle."""
    mid, step = price_of(number, now_ns), turn_number + number  # not all symbols' books in one turn
    bid, ask = mid - TICK, mid + TICK
    publisher.publish(
        market_topic("quote", VENUE, symbol),
        [Quote(symbol, VENUE, now_ns, now_ns, bid, ask, 1.5, 1.2, turn_number)],
    )
    if not is_quotes:
        more(publisher, symbol, step, turn_number, mid, now_ns)
    opened_ns = now_ns - now_ns % MINUTE_NS
    if bar.ts_open_ns != opened_ns:
        closed = structs.replace(bar, status="closed", revision=1)
        publisher.publish(market_topic("bar", VENUE, symbol, "1m"), [closed])
        bar = structs.replace(bar, ts_open_ns=opened_ns, open=mid, high=mid, low=mid, volume=0.0)
    high, low = max(bar.high, mid), min(bar.low, mid)
    if step % BAR_EVERY == 0:
        bar = structs.replace(bar, ts_event_ns=now_ns, close=mid, high=high, low=low, volume=bar.volume + 1)
        if not is_quotes:
            publisher.publish(market_topic("bar", VENUE, symbol, "1m"), [bar])
    return bar


def more(publisher: Publisher, symbol: str, step: int, turn_number: int, mid: float, now_ns: int) -> None:
    """A trade and a book now and then."""
    if step % TRADE_EVERY == 0:
        side = 1 if step % (2 * TRADE_EVERY) else -1
        publisher.publish(
            market_topic("trade", VENUE, symbol),
            [Trade(symbol, VENUE, now_ns, now_ns, mid, 0.1 + turn_number % 7, side, turn_number)],
        )
    if step % BOOK_EVERY == 0:
        bids = [(mid - TICK * (level + 1), 1.0 + (level + turn_number) % 9) for level in range(DEPTH)]
        asks = [(mid + TICK * (level + 1), 1.0 + (level * 3 + turn_number) % 9) for level in range(DEPTH)]
        publisher.publish(
            market_topic("book", VENUE, symbol),
            [Book(symbol, VENUE, now_ns, now_ns, True, turn_number, turn_number, bids, asks)],
        )


def run(publisher: Publisher, count: int, quotes_per_s: int, *, is_quotes: bool) -> None:
    """Feed for ever."""
    publisher.socket.poll()
    symbols, now_ns = symbols_of(count), time.time_ns()
    bars = []
    for number, symbol in enumerate(symbols):
        past = past_of(symbol, number, now_ns)
        for start in range(0, len(past), 100):
            publisher.publish(market_topic("bar", VENUE, symbol, "1m"), past[start : start + 100])
        bars.append(past[-1])
    sign_of_life(publisher)
    print("ready", flush=True)
    pause, turns, next_life_s = threading.Event(), 0, 0.0
    started_s = time.monotonic()
    while True:
        turns += 1
        for number, symbol in enumerate(symbols):
            bars[number] = turn(
                publisher, symbol, number, turns, bars[number], time.time_ns(), is_quotes=is_quotes
            )
        if (now_s := time.monotonic()) >= next_life_s:
            next_life_s = now_s + SIGN_OF_LIFE_S
            publisher.subscriptions()
            sign_of_life(publisher)
        pause.wait(max(0.0, started_s + turns / quotes_per_s - time.monotonic()))


if __name__ == "__main__":
    endpoint, name, count, rate, *kinds = sys.argv[1:]
    with Wire() as wire:
        made = wire.publisher(endpoint, name, int(time.time()), time.time_ns)
        run(made, int(count), int(rate), is_quotes="quotes" in kinds)
