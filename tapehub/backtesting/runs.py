"""A backtest from its first message to the report. Pure: files and stores are read elsewhere."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from typing import Final, NamedTuple

from actors.aggregator.fold import Fold as Candles
from actors.orderflow.fold import Fold as Flows
from actors.scanner.fold import Fold
from protocol.asset_classes import asset_class_of
from protocol.instruments import Catalog, Instrument
from protocol.messages import Bar, Message, Quote, Trade
from tapehub.backtesting.ledger import Ledger
from tapehub.backtesting.minute_scan import MinuteCandles, MinuteScan
from tapehub.backtesting.minutes import minutes_of
from tapehub.backtesting.report import Report, Told, report_of
from tapehub.backtesting.sources import MINUTES, Played
from tapehub.backtesting.strategies import Asked
from tapehub.scanning import Scan, unknown_instrument
from tapehub.stretches import Stretch

SETTLED_S: Final = 5.0
"""Venue time after the newest tick: more than candles, order flow and the scanner wait for what is late."""
Tell = Callable[[int], None]


class Costs(NamedTuple):
    """What a trade costs."""

    cost_pips: float = 0.0
    """Of a round trip."""
    spread_pips: float = 0.0
    """Between bid and ask of minutes that have one price."""


class Result(NamedTuple):
    """What a backtest leaves."""

    report: Report
    ledger: Ledger


class Backtest:
    """One strategy over one venue's data.

    Args:
        asked: The strategy and what is around it.
        catalog: Instruments; those that it does not know are added with default values.
        costs: Of a trade.
        stretch: What was asked for, for the report.
    """

    def __init__(self, asked: Asked, catalog: Catalog, costs: Costs, stretch: Stretch) -> None:
        self._asked = asked
        self._catalog = catalog
        self._costs = costs
        self._stretch = stretch
        self._count = 0
        self._unused: Counter[str] = Counter()

    def run(self, played: Played, tell: Tell = lambda _: None) -> Result:
        """Play it to its end.

        Args:
            played: The data.
            tell: Is told how many messages are done.

        Raises:
            ValueError: the data is not in order of time.
            HubError: a fold refused a message.
        """
        is_of_minutes = played.data == MINUTES
        ledger = Ledger(
            lambda symbol: pip_of(self._catalog.get(symbol)),
            self._costs.cost_pips,
            is_of_minutes=is_of_minutes,
        )
        scanner = self._asked.fold(self._catalog, is_of_minutes=is_of_minutes)
        messages = self._counted(played.messages, tell)
        if is_of_minutes:
            self._minutes(played.venue, messages, scanner, ledger)
        else:
            self._ticks(played.venue, messages, scanner, ledger)
        ledger.end()
        (name,) = self._asked.strategies
        told = Told(
            strategy=name, venue=played.venue, data=played.data, stretch=self._stretch, messages=self._count,
            cost_pips=self._costs.cost_pips, spread_pips=self._costs.spread_pips,
            why=scanner.desk.reasons[name], unused=self._unused,
            pips={symbol: pip_of(self._catalog.get(symbol)) for symbol in ledger.prices},
        )  # fmt: skip
        return Result(report_of(ledger, self._catalog, told), ledger)

    def _minutes(self, venue: str, messages: Iterator[Message], scanner: Fold, ledger: Ledger) -> None:
        candles = MinuteCandles(self._catalog, self._asked.candles)
        scan = MinuteScan(venue, candles, scanner)
        bars = (message for message in messages if isinstance(message, Bar))
        for group in minutes_of(bars, venue, self._half_spread, self._unused):
            for minute in group:
                for touch in minute.touches:
                    ledger.touch(minute.bar.symbol, touch)
            for signal in scan.take(group):
                ledger.note(signal)
        for signal in scan.end():
            ledger.note(signal)
        self._unused["minutes_rejected"] += candles.counters["minutes_rejected"]

    def _ticks(self, venue: str, messages: Iterator[Message], scanner: Fold, ledger: Ledger) -> None:
        candles = Candles(self._catalog, self._asked.candles, Counter())
        flows = Flows(self._catalog, self._asked.flows, Counter())
        scan = Scan(venue, self._catalog, candles, flows, scanner)
        for message in messages:
            if isinstance(message, Quote):
                ledger.touch(message.symbol, (message.ts_event_ns, message.bid, message.ask))
            for signal in scan.take(message):
                ledger.note(signal)
        for signal in scan.end(SETTLED_S):
            ledger.note(signal)

    def _counted(self, messages: Iterator[Message], tell: Tell) -> Iterator[Message]:
        for message in messages:
            self._count += 1
            symbol = getattr(message, "symbol", "")
            if symbol and symbol not in self._catalog:
                self._catalog.add(_instrument(symbol, message))
            yield message
            tell(self._count)

    def _half_spread(self, symbol: str) -> float:
        return self._costs.spread_pips * pip_of(self._catalog.get(symbol)) / 2


def _instrument(symbol: str, message: Message) -> Instrument:
    """Of what nobody configured: candles of a pair of currencies are those of FX."""
    if not isinstance(message, Bar):
        return unknown_instrument(symbol, message.KIND)
    base, _, quote = symbol.partition("_")
    is_pair = asset_class_of(base, quote, "fx") == "fx"
    return unknown_instrument(symbol, Quote.KIND if is_pair else Trade.KIND)


def pip_of(instrument: Instrument) -> float:
    """Size of a pip; where pips are not used that of a tick, where nobody says it one unit of the quote currency."""
    return instrument.pip_size or instrument.tick_size or 1.0
