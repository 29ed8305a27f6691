"""A stand-in collector whose rate is steered: quotes and trades of many symbols, journalled and sent as a collector does.

`python -m tests.bench.growth_feeder RUN_DIR SYMBOLS QUOTES_PER_TRADE [alone]`; prints `ready` once it is bound. Each
millisecond it publishes what is due, the events of one topic in one frame, as they come with one read of a venue's socket.
`alone`: an event to a frame, whatever is due. Lines on stdin, each answered by one on stdout:

    rate 5000     events per second from now on; answered when it is in force
    count         {"events", "frames", "behind_s"} so far; behind_s: how late it is with its own rate
"""

from __future__ import annotations

import json
import random
import select
import sys
import time
from pathlib import Path
from typing import Final

from protocol.endpoints import Endpoints
from protocol.journal.journal import Journal
from protocol.messages import Epoch, Message, Quote, Trade
from protocol.record import RecordKind
from protocol.topics import mark_topic, market_topic
from protocol.transport import Publisher, Wire
from tests.bench.feeder import SIGN_OF_LIFE_S, TURN_S, VENUE, sign_of_life

NAME: Final = "collector.binance.1"
MOST_DUE_S: Final = 0.05
"""What it is later with than this it will not make good: then it cannot send as fast as it was told."""


def names_of(count: int) -> list[str]:
    """So many symbols."""
    return [f"S{number:04d}_USDT" for number in range(count)]


class Feed:
    """Makes events and sends them.

    Args:
        publisher: Where.
        symbols: How many.
        quotes_per_trade: How many quotes to a trade.
        is_alone: Whether each event has a frame of its own.
    """

    def __init__(self, publisher: Publisher, symbols: int, quotes_per_trade: int, *, is_alone: bool) -> None:
        self.publisher = publisher
        self.rate_per_s = 0.0
        self.events = self.frames = 0
        names = names_of(symbols)
        self._topics = [
            (name, market_topic("quote", VENUE, name), market_topic("trade", VENUE, name)) for name in names
        ]
        self._one_in = quotes_per_trade + 1
        self._is_alone = is_alone
        self._dice = random.Random(1)
        self._due = 0.0
        self._at_s = time.monotonic()

    def turn(self) -> None:
        """Publish what is due."""
        now_s = time.monotonic()
        self._due = min(self._due + (now_s - self._at_s) * self.rate_per_s, self.rate_per_s * MOST_DUE_S)
        self._at_s = now_s
        due = int(self._due)
        self._due -= due
        gathered: dict[str, list[Message]] = {}
        for _ in range(due):
            topic, event = self._next()
            if self._is_alone:
                self.publisher.publish(topic, [event])
            else:
                gathered.setdefault(topic, []).append(event)
        for topic, events in gathered.items():
            self.publisher.publish(topic, events)
        self.frames += due if self._is_alone else len(gathered)
        self.publisher.flush()

    def _next(self) -> tuple[str, Message]:
        self.events += 1
        number, now_ns = self.events, time.time_ns()
        name, quotes, trades = self._topics[int(self._dice.random() * len(self._topics))]
        price = 100.0 + number % 50 / 10
        if number % self._one_in:
            return quotes, Quote(name, VENUE, now_ns, now_ns, price, price + 0.1, 1.5, 2.5, number)
        return trades, Trade(name, VENUE, now_ns, now_ns, price, 0.5, 1 if number % 2 else -1, number)

    def told(self) -> str:
        """Counts so far."""
        late_s = self._due / self.rate_per_s if self.rate_per_s else 0.0
        return json.dumps({"events": self.events, "frames": self.frames, "behind_s": late_s})

    def obey(self, line: str) -> str:
        """Take one line; returns the answer."""
        word, _, value = line.strip().partition(" ")
        if word == "rate":
            self.rate_per_s, self._due = float(value), 0.0
            return "ok"
        return self.told()


def feed(run_dir: Path, symbols: int, quotes_per_trade: int, *, is_alone: bool) -> None:
    """Feed until stdin ends."""
    epoch = time.time_ns()
    journal = Journal(
        run_dir / "journal" / NAME, NAME, epoch, time.time_ns, time.monotonic_ns, ballast_bytes=0
    )
    with Wire() as wire:
        publisher = wire.publisher(Endpoints(run_dir).pub(NAME), NAME, epoch, time.time_ns, journal.write)
        publisher.publish(mark_topic(NAME), [Epoch(NAME, 0, 0, False, "", "", 0, "")], RecordKind.EPOCH)
        one = Feed(publisher, symbols, quotes_per_trade, is_alone=is_alone)
        print("ready", flush=True)
        next_life_s = 0.0
        while True:
            began_s = time.monotonic()
            one.turn()
            if began_s >= next_life_s:
                next_life_s = began_s + SIGN_OF_LIFE_S
                publisher.subscriptions()
                sign_of_life(publisher)
                publisher.flush()
            if select.select([sys.stdin], [], [], max(0.0, began_s + TURN_S - time.monotonic()))[0]:
                line = sys.stdin.readline()
                if not line:
                    return
                print(one.obey(line), flush=True)


if __name__ == "__main__":
    feed(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), is_alone="alone" in sys.argv[4:])
