"""A parser that says whatever a test puts into its hands: the normaliser's rules without any venue's words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from actors.collector.gaps import Gaps
from actors.collector.intake.normaliser import Normaliser, Rules
from actors.collector.outcomes import BookChange, BookImage, Outcome, PastTrade, Reject
from protocol.messages import BUY, Trade

SYMBOL = "BTC_USDT"
T_NS = 1_800_000_000_000_000_000
MS = 1_000_000


class OutcomeParser:
    """Its frames are names of outcomes."""

    def __init__(self) -> None:
        self.said: dict[bytes, Sequence[Outcome]] = {}
        self.readers = 0

    def reader(self) -> OutcomeParser:
        """Itself, counted."""
        self.readers += 1
        return self

    def parse(self, frame: bytes, ts_recv_ns: int) -> Sequence[Outcome]:
        """What was said under this name."""
        return self.said[frame]

    def parse_snapshot(self, symbol: str, body: bytes, ts_recv_ns: int) -> Reject:
        """None here."""
        return Reject("invalid_snapshot", symbol)

    def parse_trades(self, symbol: str, body: bytes, ts_recv_ns: int) -> Reject:
        """None here."""
        return Reject("invalid_trades", symbol)

    def parse_klines(self, symbol: str, body: bytes) -> Reject:
        """None here."""
        return Reject("invalid_klines", symbol)


class OutcomePath:
    """A normaliser that is fed with outcomes."""

    def __init__(self, rules: Rules) -> None:
        self.out: list[Any] = []
        self.dropped: Counter[str] = Counter()
        self.parser = OutcomeParser()
        self.gaps = Gaps("venue", "c-1")
        self.normaliser = Normaliser("venue", self.parser, self.gaps, self.out.append, self._drop, rules)
        self.normaliser.watch(SYMBOL, book=True)

    def _drop(self, reason: str, _what: object) -> None:
        self.dropped[reason] += 1

    def say(self, *outcomes: Outcome, take: Any = None) -> list[Any]:
        """Take outcomes as one frame (of the connection of `take`); returns what came out."""
        self.parser.said[b"frame"] = outcomes
        (take or self.normaliser.take)(b"frame", T_NS)
        taken, self.out[:] = list(self.out), []
        return taken


def trade(trade_id: int | str, at_ms: int = 0, count: int = 1) -> Trade:
    """A trade."""
    return Trade(SYMBOL, "venue", T_NS + at_ms * MS, T_NS, 100.0, 1.0, BUY, trade_id, count)


def past(trade_id: int | str, at_ms: int = 0) -> PastTrade:
    """A trade that the venue repeats."""
    return PastTrade(trade(trade_id, at_ms))


def image(last_id: int, bid: float = 99.0, ask: float = 101.0, at_ms: int = 0) -> BookImage:
    """A snapshot in the stream."""
    return BookImage(SYMBOL, T_NS + at_ms * MS, T_NS, last_id, [(bid, 1.0)], [(ask, 1.0)])


def change(after_id: int, last_id: int, *bids: tuple[float, float], at_ms: int = 0) -> BookChange:
    """A change of bids."""
    return BookChange(SYMBOL, T_NS + at_ms * MS, T_NS, after_id + 1, after_id, last_id, list(bids), [])
