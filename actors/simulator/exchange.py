"""The simulated exchange: many markets on one clock, at one total rate. Pure.

Simulated time moves only in `advance`. Event n happens at a time that follows from the rate alone, and books
are flushed on a grid of simulated time, so two runs with the same seed, start time and rate say the same
byte for byte, however unevenly they were advanced. What a scenario does, it does at the ends of those slots. Only falling behind by more than a second, which moves
the clock on, a change of rate, and a change of who listens make them differ.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Iterable
from typing import Final, Protocol

from actors.simulator.listing import Listing
from actors.simulator.market import Market
from actors.simulator.scenario import AnyDeed, Script
from actors.simulator.streams import Stream
from actors.simulator.timed import DepthChain, KlineStream, LiquidationStream, Send, TopOfBook
from actors.simulator.wheel import SLOT_MS, Timed, Wheel

MOST_BEHIND_MS: Final = 1_000
MOST_EVENTS_AT_ONCE: Final = 2_000
"""Events per `advance`, so that sockets and control get their turn."""
SCHEDULE: Final = 8_192
"""Length of the order of markets, which repeats."""

_HOOKS: Final = {"trade": "on_trade", "aggTrade": "on_agg_trade", "bookTicker": "on_ticker"}

Close = Callable[[], None]


class Sink(Protocol):
    """Where the messages of a stream go."""

    def send(self, text: str) -> None:
        """Send one message."""


class Exchange:
    """Markets, the order in which they act, and simulated time."""

    def __init__(
        self,
        listings: Iterable[Listing],
        *,
        seed: int,
        start_ms: int,
        rate_per_s: float,
        levels: int = 200,
        history: int = 100_000,
        liquidation_share: float = 0.0,
    ) -> None:
        """Open the exchange.

        Args:
            listings: At least one.
            seed: Decides everything.
            start_ms: Venue time of the start.
            rate_per_s: Events per second over all markets; an event is one order.
            levels: Book levels per side of a market.
            history: Trades kept per market.
            liquidation_share: Share of the market orders of futures that are liquidations.
        """
        self.markets = {
            listing.key: Market(listing, seed, start_ms, levels, history, number, liquidation_share)
            for number, listing in enumerate(listings)
        }
        self._schedule = _schedule(list(self.markets.values()), seed)
        self._wheel = Wheel()
        self._script = Script()
        self._rate_per_ms = rate_per_s / 1000.0
        self._anchor_ms = float(start_ms)
        self._anchor_index = 0
        self._slot_end_ms = start_ms - start_ms % SLOT_MS + SLOT_MS
        self.events = 0
        """Events so far, those that frozen markets left out included."""
        self.now_ms = start_ms
        """Venue time reached."""
        self.skipped_ms = 0
        """Venue time jumped over because the machine could not keep up."""
        self.skew_ms = 0
        """Added to every time the venue says: a clock that is wrong."""

    @property
    def rate_per_s(self) -> float:
        """Events per second over all markets."""
        return self._rate_per_ms * 1000.0

    @rate_per_s.setter
    def rate_per_s(self, rate_per_s: float) -> None:
        self._anchor_ms, self._anchor_index = float(self.now_ms), self.events
        self._rate_per_ms = rate_per_s / 1000.0

    def plan(self, key: tuple[str, str], deed: AnyDeed, at_ms: float) -> None:
        """Let something out of the ordinary happen to a market, by its key, at a venue time (without skew)."""
        self._script.add(deed, self.markets[key], at_ms)

    @property
    def acts_planned(self) -> int:
        """How much of the scenario is still to come."""
        return len(self._script)

    def advance(self, now_ms: int) -> int:
        """Let everything happen that is due until venue time `now_ms`; returns the number of events.

        Does at most MOST_EVENTS_AT_ONCE of them: whatever is left is made by the next call.
        """
        if now_ms - self.now_ms > MOST_BEHIND_MS:
            self._skip(now_ms - self.now_ms)
        before = self.events
        last = before + MOST_EVENTS_AT_ONCE
        while self._slot_end_ms <= now_ms:
            if self._run_until(self._slot_end_ms, last):
                return self.events - before
            said_ms = self._slot_end_ms + self.skew_ms
            self._script.run(self._slot_end_ms, said_ms)
            self._wheel.turn(self._slot_end_ms // SLOT_MS, said_ms)
            self._slot_end_ms += SLOT_MS
        self._run_until(now_ms, last)
        return self.events - before

    def _run_until(self, end_ms: int, last: int) -> bool:
        """Make the events before `end_ms`; True if number `last` was reached first."""
        rate, anchor_ms, anchor_index = self._rate_per_ms, self._anchor_ms, self._anchor_index
        due = anchor_index + math.ceil((end_ms - anchor_ms) * rate)
        if due > last:
            end_ms = max(self.now_ms, int(anchor_ms + (last - anchor_index) / rate))
        schedule, skew_ms = self._schedule, self.skew_ms
        for index in range(self.events, min(due, last)):
            market = schedule[index % SCHEDULE]
            if not market.is_frozen:
                market.step(int(anchor_ms + (index - anchor_index) / rate) + skew_ms)
        self.events = max(self.events, min(due, last))
        self.now_ms = max(self.now_ms, end_ms)
        return due > last

    def _skip(self, behind_ms: int) -> None:
        """Jump on: the events that were due are never made, ids stay without a hole."""
        whole_ms = behind_ms - behind_ms % SLOT_MS
        self.skipped_ms += whole_ms
        self._anchor_ms += whole_ms
        self._slot_end_ms += whole_ms
        self.now_ms += whole_ms

    def open(self, market: str, stream: Stream, sink: Sink) -> Close:
        """Begin to tell a stream's messages to `sink`; returns what ends it. A stream that does not exist
        is silent.
        """
        found = self.markets.get((market, stream.raw))
        if found is None:
            return lambda: None
        match stream.kind:
            case "trade" | "aggTrade" | "bookTicker":
                return _open_instant(found, _HOOKS[stream.kind], sink.send)
            case "kline":
                return self._open_timed(KlineStream(found, sink.send), stream.speed_ms)
            case "forceOrder":
                return self._open_timed(LiquidationStream(found, sink.send), stream.speed_ms)
            case "top":
                return self._open_timed(TopOfBook(found, sink.send, stream.levels), stream.speed_ms)
            case "depth":
                return self._open_depth(DepthChain(found, sink.send), stream.speed_ms)
        return lambda: None

    def _open_timed(self, stream: Timed, period_ms: int) -> Close:
        self._wheel.add(stream, period_ms)
        return lambda: self._wheel.remove(stream)

    def _open_depth(self, chain: DepthChain, period_ms: int) -> Close:
        market = chain.market
        market.chains.append(chain)
        if period_ms:
            self._wheel.add(chain, period_ms)
        else:
            market.instant = chain

        def close() -> None:
            market.chains.remove(chain)
            self._wheel.remove(chain)
            if market.instant is chain:
                market.instant = None

        return close


def _open_instant(market: Market, hook: str, send: Send) -> Close:
    setattr(market, hook, send)
    return lambda: setattr(market, hook, None)


def _schedule(markets: list[Market], seed: int) -> list[Market]:
    """The order in which markets act: the first listed are busier, and every one has its turn."""
    draw = random.Random(f"{seed}:schedule")
    weights = [1.0 / (rank + 5.0) for rank in range(len(markets))]
    order = markets[:SCHEDULE] + draw.choices(markets, weights, k=max(0, SCHEDULE - len(markets)))
    draw.shuffle(order)
    return order
