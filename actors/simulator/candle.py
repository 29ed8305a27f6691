"""One-minute candles as the venue keeps them, in integers, and their two texts. Pure."""

from __future__ import annotations

from collections import deque
from typing import Final

from actors.simulator.listing import Listing

MINUTE_MS: Final = 60_000
KEPT: Final = 1_500
"""Minutes kept per instrument: a day and an hour."""


class Candle:
    """One interval: prices in price units, volume in lots, value in price units times lots."""

    __slots__ = (
        "buy_lots", "buy_value", "close", "count", "first_id", "high", "interval_ms", "last_id", "lots", "low",
        "open", "open_ms", "value",
    )  # fmt: skip

    def __init__(self, open_ms: int, price: int, interval_ms: int = MINUTE_MS) -> None:
        """An interval without trades: the previous close in all four prices."""
        self.open_ms = open_ms
        self.interval_ms = interval_ms
        self.open = self.high = self.low = self.close = price
        self.lots = self.value = self.buy_lots = self.buy_value = self.count = 0
        self.first_id = self.last_id = -1

    def add(self, price: int, lots: int, is_buy: bool, first_id: int, last_id: int) -> None:
        """Take in fills at one price with these trade ids; `is_buy` is the taker's side."""
        if not self.count:
            self.open = self.high = self.low = price
            self.first_id = first_id
        elif price > self.high:
            self.high = price
        elif price < self.low:
            self.low = price
        self.close = price
        self.last_id = last_id
        self.count += last_id - first_id + 1
        self.lots += lots
        value = price * lots
        self.value += value
        if is_buy:
            self.buy_lots += lots
            self.buy_value += value

    def merge(self, other: Candle) -> None:
        """Take in a later candle of the same instrument."""
        if other.count:
            if not self.count:
                self.open, self.high, self.low = other.open, other.high, other.low
                self.first_id = other.first_id
            self.high, self.low = max(self.high, other.high), min(self.low, other.low)
            self.last_id = other.last_id
        self.close = other.close
        self.count += other.count
        self.lots += other.lots
        self.value += other.value
        self.buy_lots += other.buy_lots
        self.buy_value += other.buy_value


class Candles:
    """The last minutes of one instrument, the running one last."""

    __slots__ = ("minutes",)

    def __init__(self, t_ms: int, price: int) -> None:
        self.minutes: deque[Candle] = deque([Candle(t_ms - t_ms % MINUTE_MS, price)], maxlen=KEPT)

    def at(self, t_ms: int) -> Candle:
        """The running minute at a time; opens it, and quiet ones between, where that is needed."""
        running = self.minutes[-1]
        while t_ms >= running.open_ms + MINUTE_MS:
            running = Candle(running.open_ms + MINUTE_MS, running.close)
            self.minutes.append(running)
        return running

    def rolled(self, interval_ms: int) -> list[Candle]:
        """Candles of a longer interval, oldest first; the first may lack minutes that are no longer kept."""
        found: list[Candle] = []
        for minute in self.minutes:
            open_ms = minute.open_ms - minute.open_ms % interval_ms
            if not found or found[-1].open_ms != open_ms:
                found.append(Candle(open_ms, minute.open, interval_ms))
            found[-1].merge(minute)
        return found


def kline_event(listing: Listing, candle: Candle, t_ms: int, is_closed: bool) -> str:
    """`<symbol>@kline_1m`; a minute without trades has f and L of -1."""
    price, lots, value = listing.price_text, listing.lots_text, listing.value_text
    return (
        f'{{"e":"kline","E":{t_ms},"s":"{listing.raw}","k":{{"t":{candle.open_ms},'
        f'"T":{candle.open_ms + candle.interval_ms - 1},"s":"{listing.raw}","i":"1m","f":{candle.first_id},'
        f'"L":{candle.last_id},"o":"{price(candle.open)}","c":"{price(candle.close)}","h":"{price(candle.high)}",'
        f'"l":"{price(candle.low)}","v":"{lots(candle.lots)}","n":{candle.count},'
        f'"x":{"true" if is_closed else "false"},"q":"{value(candle.value)}","V":"{lots(candle.buy_lots)}",'
        f'"Q":"{value(candle.buy_value)}","B":"0"}}}}'
    )


def kline_row(listing: Listing, candle: Candle) -> list[int | str]:
    """One row of GET klines."""
    price, lots, value = listing.price_text, listing.lots_text, listing.value_text
    return [
        candle.open_ms,
        price(candle.open),
        price(candle.high),
        price(candle.low),
        price(candle.close),
        lots(candle.lots),
        candle.open_ms + candle.interval_ms - 1,
        value(candle.value),
        candle.count,
        lots(candle.buy_lots),
        value(candle.buy_value),
        "0",
    ]
