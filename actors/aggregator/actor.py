"""Wiring of the aggregator: frames of the collectors go into the fold, its candles go out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from actors.aggregator.fold import Fold
from actors.aggregator.rules import rules_of
from actors.aggregator.settings import AggregatorSettings
from actors.runtime.actor import Actor
from actors.runtime.folding import folding_of
from protocol.errors import ConfigError, InvalidRequest, NoData
from protocol.instruments import REST
from protocol.messages import Quote
from protocol.pushing import PREFIX
from protocol.requests import Request
from protocol.sessions import session_named
from protocol.topics import market_topic

if TYPE_CHECKING:
    from actors.runtime.strands import Sharing

MAX_BARS: Final = 5000
"""Most candles in one answer."""


class Aggregator(Actor):
    """Builds candles and their indicators from the trades, quotes and provider minutes of every collector."""

    kind = "aggregator"
    Settings = AggregatorSettings
    settings: AggregatorSettings

    def setup(self) -> None:
        """Check settings and instruments, and hear the collectors."""
        rules = rules_of(self.settings, f"actors.{self.name}")
        self._check_sessions()
        self._folding = folding_of(
            self,
            lambda: Fold(self.catalog, rules, self.counters),
            ["collector"],
            self._topics(),
            self.settings.snap_interval_s,
            self._sharing,
        )

    def _sharing(self) -> Sharing:
        from actors.aggregator.sharing import AggregatorSharing  # noqa: PLC0415 - where there are several of us alone

        return AggregatorSharing()

    @property
    def fold(self) -> Fold:
        """All candles."""
        return self._folding.fold

    def drain(self) -> None:
        """Remember: a restart goes on from here."""
        self._folding.drain()

    def on_request(self, request: Request) -> object:
        """`bars` {symbol, venue, timeframe, n}: the candles kept here, oldest first, running ones last."""
        if request.op != "bars":
            return super().on_request(request)
        symbol = self.catalog.get(request.symbol).symbol
        builder = self.fold.builder(request.venue or self._only_venue(symbol), symbol)
        if builder is None:
            raise NoData(f"no candle of {symbol} yet", symbol=symbol)
        try:
            bars = builder.bars(request.timeframe, max(0, request.n))
        except ValueError as fault:
            raise InvalidRequest(str(fault), errors=[str(fault)]) from fault
        return [bar.to_dict() for bar in bars[-MAX_BARS:]]

    def detail(self) -> dict[str, Any]:
        """Series built, and per publisher and venue how far behind our clock its watermark is."""
        now_ns = self.clock.now_ns()
        return {
            "series": len(self.fold.builders) + len(self.fold.minutes),
            **self._folding.detail(),
            "watermark_lag_s": {
                f"{name} {venue}": round((now_ns - ts_ns) / 1e9, 3)
                for name, feed in self.fold.feeds.items()
                for venue, ts_ns in feed.watermarks.items()
            },
        }

    def _topics(self) -> list[str]:
        """All trades, gaps, watermarks, minutes and fetched candles; of the quotes only those that candles are built from."""
        quotes = [
            market_topic("quote", venue, symbol)
            for symbol in self.catalog.symbols
            for venue in self.catalog.get(symbol).venues
            if self.catalog.get(symbol).bars_from == "quote"
        ]
        pushed = f"{Quote.KIND}.{PREFIX}"
        return ["trade.", "gap.", "mark.", "bar.", pushed, *quotes]

    def _only_venue(self, symbol: str) -> str:
        """Where a symbol is, when the question does not say.

        Raises:
            InvalidRequest: at none or several venues.
        """
        names = list(self.catalog.get(symbol).venues)
        venues = [
            name for name in names if name != REST
        ] or names  # a venue's own candles before providers' bars
        if len(venues) == 1:
            return venues[0]
        raise InvalidRequest(f"{symbol} is at {', '.join(venues) or 'no venue'}: name one", errors=["venue"])

    def _check_sessions(self) -> None:
        problems = []
        for symbol in self.catalog.symbols:
            instrument = self.catalog.get(symbol)
            try:
                session_named(instrument.session).is_open(self.clock.now_ns())
            except ValueError as fault:
                problems.append(f"symbols: {symbol}: {fault}")
            if instrument.bars_from not in ("trade", "quote"):
                problems.append(
                    f"symbols: {symbol}: bars_from {instrument.bars_from!r} is neither trade nor quote"
                )
        if problems:
            raise ConfigError(problems)
