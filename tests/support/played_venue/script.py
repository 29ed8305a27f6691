"""What is played, what the collector must want of it, and what must come of it. Pure but for reading the recording."""

from __future__ import annotations

from typing import Any, NamedTuple

from actors.collector.recorded.recordings import read_recording
from actors.collector.registry import exchange
from scripts.recorded import Recorded
from tests.support.played_venue.binance import BinanceDialect
from tests.support.played_venue.bybit import BybitDialect
from tests.support.played_venue.coinbase_advanced import AdvancedDialect
from tests.support.played_venue.coinbase_exchange import ExchangeDialect
from tests.support.played_venue.dialect import Dialect
from tests.support.played_venue.okx import OkxDialect
from tests.support.played_venue.reel import Frame
from tests.support.played_venue.server import Cut


class Play(NamedTuple):
    """How a recording is played."""

    cut_at: float = 0.0
    """Share of the frames after which the connections are cut; 0: they are not."""
    lost: float = 0.05
    """Share of the frames that are never sent then."""
    has_past_trades: bool = True
    """Missed trades can be had over REST."""
    is_numbered: bool = False
    """OKX: books have seqId instead of a checksum."""
    repeated: int = 100
    """Coinbase Advanced: old trades with which a subscription begins."""
    hole: str = ""
    """Kind of which one frame is never sent, while the connections live."""
    hole_at: float = 0.5
    """Share of the frames before it."""
    settings: tuple[tuple[str, Any], ...] = ()
    """Of the collector, beyond what the recording needs."""

    def words(self) -> str:
        """For people."""
        how = f"cut at {self.cut_at:.0%}, {self.lost:.0%} lost" if self.cut_at else "whole"
        how = f"one frame of {self.hole} lost" if self.hole else how
        how += ", with seqId" if self.is_numbered else ""
        return how if self.has_past_trades else f"{how}, no trades over REST"


def dialect_of(recorded: Recorded, play: Play) -> Dialect:
    """The one that speaks as the venue of a recording does."""
    match recorded.venue:
        case "okx":
            return OkxDialect(is_numbered=play.is_numbered)
        case "bybit":
            return BybitDialect()
        case "coinbase" if "advanced" in recorded.markets.values():
            return AdvancedDialect(repeated=play.repeated)
        case "coinbase":
            return ExchangeDialect()
        case _:
            (market,) = set(recorded.markets.values())
            return BinanceDialect(market)


class Script:
    """What is played, what the collector wants of it, and what must come of it."""

    def __init__(self, recorded: Recorded, play: Play) -> None:
        self.recorded = recorded
        self.play = play
        self.dialect = dialect_of(recorded, play)
        self.frames = self.dialect.load(read_recording(recorded.path))
        self.names = {(market, recorded.raw_names[name]): name for name, market in recorded.markets.items()}
        self.has_past_trades = play.has_past_trades and self.dialect.has_past_trades
        count = len(self.frames)
        self.cut = Cut(int(count * play.cut_at), max(1, int(count * play.lost))) if play.cut_at else None
        self.holes = self._holes()
        venue = exchange(recorded.venue)
        self.streams: dict[str, list[str]] = {}
        """Market to stream types."""
        for frame in self.frames:
            if frame.kind not in ("", "rest"):
                types = self.streams.setdefault(frame.market, [])
                stream_type = _type_of(frame, recorded.venue)
                if stream_type not in types:
                    types.append(stream_type)
        self.wanted = {
            f"{market}/{venue.stream(raw, stream_type)}"
            for market, raw in self.names
            for stream_type in self.streams.get(market, ())
        }

    def _holes(self) -> list[int]:
        """A frame which has others of its stream behind it."""
        if not self.play.hole:
            return []
        first = int(len(self.frames) * self.play.hole_at)
        numbers = (n for n in range(first, len(self.frames)) if self.frames[n].kind == self.play.hole)
        return [next(n for n in numbers if any(f.key == self.frames[n].key for f in self.frames[n + 1 :]))]

    def symbol(self, frame: Frame) -> str:
        """Canonical name of its instrument."""
        market = frame.market or next(iter(self.recorded.markets.values()))
        name: str = self.names.get((market, frame.raw), "")
        return name

    def ids(self, first: int, last: int, symbol: str) -> list[str]:
        """Live trades of some frames."""
        frames = (frame for frame in self.frames[first:last] if self.symbol(frame) == symbol)
        return [trade_id for frame in frames for trade_id in frame.trade_ids]

    @property
    def missed(self) -> dict[str, list[str]]:
        """Symbol to trades that were not sent."""
        if self.cut is None:
            return {
                self.symbol(self.frames[n]): list(self.frames[n].trade_ids)
                for n in self.holes
                if self.frames[n].trade_ids
            }
        end = self.cut.at + self.cut.lost
        found = {name: self.ids(self.cut.at, end, name) for name in self.recorded.symbols}
        return {name: ids for name, ids in found.items() if ids}

    def fetched(self, symbol: str) -> list[str]:
        """Trades that were not sent, and that the venue does not repeat by itself."""
        missed = self.missed.get(symbol, [])
        return missed[: -self.dialect.repeats] if self.dialect.repeats else missed

    def gone(self, symbol: str) -> list[str]:
        """Trades that cannot be had."""
        return [] if self.has_past_trades else self.fetched(symbol)

    def has_begun(self, symbol: str, kind: str) -> bool:
        """Whether anything of a kind had come before the cut."""
        assert self.cut is not None
        return any(f.kind == kind and self.symbol(f) == symbol for f in self.frames[: self.cut.at])

    def before(self, symbol: str, kind: str) -> int:
        """Messages of a kind that can have come of the frames before the cut."""
        assert self.cut is not None
        if kind == "trade":
            return len(self.ids(0, self.cut.at, symbol))
        return sum(f.kind == kind and self.symbol(f) == symbol for f in self.frames[: self.cut.at])


def _type_of(frame: Frame, venue: str) -> str:
    """Stream type of a key."""
    stream = frame.key.partition("/")[2]
    match venue:
        case "bybit":
            return stream.rpartition(".")[0]
        case "binance":
            return stream.partition("@")[2]
        case _:
            return stream.partition(":")[0]
