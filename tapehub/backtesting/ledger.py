"""From signals to trades: one unit each, entered and left at touched prices, less the costs. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Final

import msgspec

from actors.scanner.market import Touch
from protocol.messages import BUY, Signal
from tapehub.backtesting.minutes import is_inside
from tapehub.backtesting.prices import Prices

REASONS: Final = ("target", "stopped", "expired", "cancelled", "open")
"""How a trade ends; open: it has not, and is worth what it could be left at."""


class Trade(msgspec.Struct, frozen=True, kw_only=True):
    """One position from its entry to its end."""

    signal_id: str
    strategy: str
    venue: str
    symbol: str
    side: int
    """1 buy, -1 sell."""
    ts_entry_ns: int
    entry: float
    stop: float
    target: float
    ts_exit_ns: int
    exit: float
    reason: str
    """One of `REASONS`."""
    pips: float
    """What came of it, costs included."""
    risk_pips: float
    """From entry to stop."""
    r: float
    """The same as a multiple of the risk."""
    cost_pips: float

    @property
    def held_s(self) -> float:
        """How long it was held."""
        return (self.ts_exit_ns - self.ts_entry_ns) / 1e9


class Ledger:
    """Takes prices and signals in their order.

    Args:
        pip_of: Symbol to the size of its pip, quote currency.
        cost_pips: Of each trade, entry and exit together.
        is_of_minutes: Prices are those of minutes: a stop inside of one was left at the stop, which the price went through,
            and not at the worst of the minute.
    """

    def __init__(self, pip_of: Callable[[str], float], cost_pips: float, *, is_of_minutes: bool) -> None:
        self.trades: list[Trade] = []
        """Those that have ended, in the order in which they did."""
        self.vetoes: Counter[str] = Counter()
        """Rule to the signals that it has kept back."""
        self.signals: Counter[str] = Counter()
        """Symbol to signals, vetoed ones included."""
        self.vetoed: Counter[str] = Counter()
        self.prices: dict[str, Prices] = {}
        self._open: dict[str, Signal] = {}
        self._pip_of = pip_of
        self._cost_pips = cost_pips
        self._is_of_minutes = is_of_minutes

    def touch(self, symbol: str, touch: Touch) -> None:
        """Take a price, before the signals that it causes."""
        prices = self.prices.get(symbol)
        if prices is None:
            prices = self.prices[symbol] = Prices()
        prices.add(touch)

    def note(self, signal: Signal) -> None:
        """Take a revision of a signal."""
        if signal.state == "vetoed":
            self.signals[signal.symbol] += 1
            self.vetoed[signal.symbol] += 1
            rules = [one.partition(":")[0] for one in signal.reasons if one.endswith("(veto)")]
            self.vetoes.update(dict.fromkeys(rules or ["score"], 1))
        elif signal.state == "open":
            self.signals[signal.symbol] += 1
            self._open[signal.signal_id] = signal
        elif self._open.pop(signal.signal_id, None) is not None:
            self.trades.append(self._trade(signal, signal.state, signal.ts_event_ns, self._exit(signal)))

    def end(self) -> None:
        """There is no more data: what is open is worth what it could be left at."""
        for signal in self._open.values():
            prices = self.prices[signal.symbol]
            exit_price = self._left_at(signal, prices.last_ns)
            self.trades.append(self._trade(signal, "open", prices.last_ns, exit_price))
        self._open.clear()

    def _exit(self, signal: Signal) -> float:
        if not signal.exit_price:
            return self._left_at(signal, signal.ts_event_ns)
        is_through = self._is_of_minutes and signal.state == "stopped" and is_inside(signal.ts_event_ns)
        return signal.stop if is_through else signal.exit_price

    def _left_at(self, signal: Signal, ts_ns: int) -> float:
        _, bid, ask = self.prices[signal.symbol].at(ts_ns)
        return bid if signal.side == BUY else ask

    def _trade(self, signal: Signal, reason: str, ts_exit_ns: int, exit_price: float) -> Trade:
        pip = self._pip_of(signal.symbol)
        risk_pips = abs(signal.entry - signal.stop) / pip
        pips = signal.side * (exit_price - signal.entry) / pip - self._cost_pips
        return Trade(
            signal_id=signal.signal_id, strategy=signal.strategy, venue=signal.venue, symbol=signal.symbol,
            side=signal.side, ts_entry_ns=signal.ts_opened_ns, entry=signal.entry, stop=signal.stop, target=signal.target,
            ts_exit_ns=max(ts_exit_ns, signal.ts_opened_ns), exit=exit_price, reason=reason, pips=pips, risk_pips=risk_pips,
            r=pips / risk_pips, cost_pips=self._cost_pips,
        )  # fmt: skip
