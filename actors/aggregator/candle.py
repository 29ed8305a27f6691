"""One candle while it can still change. Pure.

Adding events is commutative: which event opens and which closes the candle is decided by venue time, then
by the venue's own number where it counts, and only then by arrival. So a late or repaired event gives the
candle that it would have given in time, and a candle rolled up from lower ones equals one built directly
(sums to rounding, everything else exactly).

The venue's own candle of a minute can stand in for events that never came. It does not say when its first and
last event were, so they count as at its first and last nanosecond: no event of another minute comes between.
"""

from __future__ import annotations

from typing import Final

import msgspec

from protocol.messages import BUY, SELL, Bar

_LAST_ID: Final = (1 << 63) - 1
_ROUNDING: Final = 1e-4
"""How much less than ours the volume of a venue's candle with all our trades may be, relative: COIN-M rounds the
base units of each trade."""


class Candle(msgspec.Struct, array_like=True, gc=False):
    """Sums of the events in one interval; with count 0 the four prices repeat the close before."""

    open_ns: int
    close_ns: int
    """First moment that is no longer in it."""
    open: float = 0.0
    high: float = 0.0
    low: float = 0.0
    close: float = 0.0
    volume: float = 0.0
    buy_volume: float = 0.0
    sell_volume: float = 0.0
    notional: float = 0.0
    """Sum of price times size."""
    count: int = 0
    first_ns: int = 0
    first_id: int = 0
    last_ns: int = 0
    last_id: int = 0
    revision: int = 0
    coverage: float = 1.0
    is_absorbed: bool = False
    """It is the venue's, not the sum of what came."""

    def add(self, ts_ns: int, order: int, price: float, size: float, side: int, count: int) -> None:
        """Add one event.

        Args:
            ts_ns: Venue time.
            order: Venue's running number, 0 if it has none: orders events of the same time.
            price: In quote currency.
            size: In base units; 0 for a quote.
            side: Aggressor.
            count: Trades in it, at least 1.
        """
        if not self.count:
            self.flatten(price)
            self.first_ns = self.last_ns = ts_ns
            self.first_id = self.last_id = order
        else:
            if price > self.high:
                self.high = price
            elif price < self.low:
                self.low = price
            if ts_ns > self.last_ns or (ts_ns == self.last_ns and order >= self.last_id):
                self.close = price
                self.last_ns = ts_ns
                self.last_id = order
            elif ts_ns < self.first_ns or (ts_ns == self.first_ns and order < self.first_id):
                self.open = price
                self.first_ns = ts_ns
                self.first_id = order
        self.volume += size
        if side == BUY:
            self.buy_volume += size
        elif side == SELL:
            self.sell_volume += size
        self.notional += price * size
        self.count += count

    def merge(self, other: Candle) -> None:
        """Add everything that a candle inside this one holds."""
        if not self.count:
            self.open, self.high, self.low, self.close = other.open, other.high, other.low, other.close
            self.first_ns, self.first_id = other.first_ns, other.first_id
            self.last_ns, self.last_id = other.last_ns, other.last_id
        elif other.count:
            self.high = max(self.high, other.high)
            self.low = min(self.low, other.low)
            if (other.last_ns, other.last_id) >= (self.last_ns, self.last_id):
                self.close, self.last_ns, self.last_id = other.close, other.last_ns, other.last_id
            if (other.first_ns, other.first_id) < (self.first_ns, self.first_id):
                self.open, self.first_ns, self.first_id = other.open, other.first_ns, other.first_id
        self.volume += other.volume
        self.buy_volume += other.buy_volume
        self.sell_volume += other.sell_volume
        self.notional += other.notional
        self.count += other.count

    def absorbing(self, bar: Bar) -> Candle | None:
        """What this candle becomes with the venue's candle of its interval; None if that holds less than this one.

        Without a trade its prices stay: the close before is ours to carry.
        """
        ours = self.volume * (1.0 - _ROUNDING)
        if bar.count < self.count or bar.volume < ours:
            return None
        if self.count and not bar.low <= self.low <= self.high <= bar.high:
            return None
        found = Candle(self.open_ns, self.close_ns, revision=self.revision, coverage=self.coverage)
        found.is_absorbed = True
        if not bar.count:
            found.open, found.high, found.low, found.close = self.open, self.high, self.low, self.close
            return found
        found.open, found.high, found.low, found.close = bar.open, bar.high, bar.low, bar.close
        found.volume, found.buy_volume, found.sell_volume = bar.volume, bar.buy_volume, bar.sell_volume
        found.notional = bar.vwap * bar.volume
        found.count = bar.count
        found.first_ns, found.last_ns, found.last_id = self.open_ns, self.close_ns - 1, _LAST_ID
        return found

    def amend(self, before: Candle, after: Candle) -> None:
        """A candle inside this one has become another, with no less in it: take the difference."""
        if not self.count:
            self.open, self.high, self.low, self.close = after.open, after.high, after.low, after.close
            self.first_ns, self.first_id = after.first_ns, after.first_id
            self.last_ns, self.last_id = after.last_ns, after.last_id
        else:
            self.high = max(self.high, after.high)
            self.low = min(self.low, after.low)
            if (after.first_ns, after.first_id) <= (self.first_ns, self.first_id):
                self.open, self.first_ns, self.first_id = after.open, after.first_ns, after.first_id
            if (after.last_ns, after.last_id) >= (self.last_ns, self.last_id):
                self.close, self.last_ns, self.last_id = after.close, after.last_ns, after.last_id
        self.volume = max(0.0, self.volume + (after.volume - before.volume))
        self.buy_volume = max(0.0, self.buy_volume + (after.buy_volume - before.buy_volume))
        self.sell_volume = max(0.0, self.sell_volume + (after.sell_volume - before.sell_volume))
        self.notional = max(0.0, self.notional + (after.notional - before.notional))
        self.count += after.count - before.count

    def flatten(self, price: float) -> None:
        """Set all four prices: the first event of a candle, or the close carried into an empty one."""
        self.open = self.high = self.low = self.close = price

    @property
    def event_ns(self) -> int:
        """Newest event; the end of the interval where there was none."""
        return self.last_ns if self.count else self.close_ns

    @property
    def vwap(self) -> float:
        """Volume-weighted average price, inside [low, high] whatever rounding says; the close without volume."""
        if self.volume <= 0.0:
            return self.close
        return min(max(self.notional / self.volume, self.low), self.high)

    def closed_status(self) -> str:
        """What a finished candle is: gap if part of it was not seen, quiet without events, else closed."""
        if self.coverage < 1.0:
            return "gap"
        return "closed" if self.count else "quiet"

    def bar(self, symbol: str, venue: str, timeframe: str, source: str, status: str) -> Bar:
        """The message that says so."""
        return Bar(
            symbol,
            venue,
            timeframe,
            self.open_ns,
            self.event_ns,
            self.open,
            self.high,
            self.low,
            self.close,
            self.volume,
            self.buy_volume,
            self.sell_volume,
            self.vwap,
            self.count,
            status,
            self.coverage,
            self.revision,
            source,
        )
