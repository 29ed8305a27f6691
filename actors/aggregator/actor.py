"""Wiring of the aggregator: frames of the collectors go into the fold, its candles go out."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from actors.aggregator.fold import Fold
from actors.aggregator.refold import Refold
from actors.aggregator.rules import rules_of
from actors.aggregator.settings import AggregatorSettings
from actors.runtime.actor import Actor
from actors.runtime.remembering import Remembering
from protocol.consumer import Hole
from protocol.errors import ConfigError, HubError, InvalidRequest, NoData, UnknownSymbol
from protocol.record import Frame, RecordKind
from protocol.replay import Position
from protocol.requests import Request
from protocol.sessions import session_named
from protocol.topics import market_topic

MAX_BARS: Final = 5000
"""Most candles in one answer."""
MEMORY: Final = "fold"


class FoldMemory(msgspec.Struct, array_like=True):
    """What is written into the journal now and then."""

    positions: dict[str, tuple[int, int]]
    """Collector to the last record that is in it."""
    fold: bytes


_encode: Final = msgspec.msgpack.Encoder().encode
_memory_decoder: Final = msgspec.msgpack.Decoder(FoldMemory)


class Aggregator(Actor):
    """Builds candles from the trades and quotes of every collector."""

    kind = "aggregator"
    Settings = AggregatorSettings
    settings: AggregatorSettings

    def setup(self) -> None:
        """Check settings and instruments, and hear the collectors."""
        rules = rules_of(self.settings, f"actors.{self.name}")
        self._check_sessions()
        self.fold = Fold(self.catalog, rules, self.counters)
        self._refold = Refold()
        self._memory = Remembering(self, MEMORY, self.settings.snap_interval_s)
        positions = self._remember()
        self.intake = self.consume(
            self._on_frame, ["collector"], self._topics(), positions, on_hole=self._on_hole
        )
        self.every(min(1.0, self.settings.snap_interval_s), self._snap)

    def _remember(self) -> dict[str, Position]:
        """Go on from the memory in our own journal; returns up to where it knows each collector."""
        found = self._memory.read()
        if found is None:
            return self._from_the_start()
        try:
            kept = _memory_decoder.decode(found.data)
            self.fold.restore(kept.fold)
        except (msgspec.DecodeError, ValueError, HubError) as fault:
            # other timeframes, an instrument that is gone: what is stored stays, the candles begin anew
            self.log.warning("the memory in the journal does not fit, candles begin anew: %s", fault)
            self.fold = Fold(self.catalog, rules_of(self.settings, f"actors.{self.name}"), self.counters)
            return self._from_the_start()
        self._refold = Refold(found.after)
        known = {name: Position(*position) for name, position in kept.positions.items()}
        return {**self._from_the_start(), **known}

    def _from_the_start(self) -> dict[str, Position]:
        """Read the collectors' journals from their beginning: nothing they published before we came is left out."""
        return dict.fromkeys(self.common.actors, Position(0, 0))

    def _snap(self) -> None:
        """Write what is remembered into our own journal, with how far it knows each collector."""
        if not self._memory.is_due or self._refold:
            return
        began_ns = self.clock.mono_ns()
        kept = FoldMemory(dict(self.intake.positions()), self.fold.snapshot())
        self._memory.write(_encode(kept), began_ns)

    def drain(self) -> None:
        """Remember: a restart goes on from here."""
        if not self._refold:
            kept = FoldMemory(dict(self.intake.positions()), self.fold.snapshot())
            self._memory.write(_encode(kept), self.clock.mono_ns())

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
            "series": len(self.fold.builders),
            "refolded": self._refold.repeated,
            "refold_differing": self._refold.differing,
            "watermark_lag_s": {
                f"{name} {venue}": round((now_ns - ts_ns) / 1e9, 3)
                for name, feed in self.fold.feeds.items()
                for venue, ts_ns in feed.watermarks.items()
            },
        }

    def _on_frame(self, frame: Frame) -> None:
        try:
            output = self.fold.apply(frame)
        except UnknownSymbol as fault:
            self.drop("unknown_symbol", fault)
            return
        refold = self._refold
        for topic, bars in output:
            if not refold or not refold.is_repeated(topic, bars):
                self.publish(topic, bars)

    def _on_hole(self, hole: Hole) -> None:
        self.counters["frames_missing"] += max(0, hole.last_seq - hole.first_seq + 1)
        self.drop("bus_gap", hole)
        for gap in self.fold.note_lost(hole):
            topic = market_topic(gap.KIND, gap.venue, gap.symbol)
            self.publish(topic, [gap], RecordKind.UPSTREAM_GAP)

    def _topics(self) -> list[str]:
        """All trades, gaps, watermarks and fetched candles; of the quotes only those that candles are built from."""
        quotes = [
            market_topic("quote", venue, symbol)
            for symbol in self.catalog.symbols
            for venue in self.catalog.get(symbol).venues
            if self.catalog.get(symbol).bars_from == "quote"
        ]
        return ["trade.", "gap.", "mark.", "bar.", *quotes]

    def _only_venue(self, symbol: str) -> str:
        """Where a symbol is, when the question does not say.

        Raises:
            InvalidRequest: at none or several venues.
        """
        venues = list(self.catalog.get(symbol).venues)
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
