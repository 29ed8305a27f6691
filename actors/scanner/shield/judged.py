"""What the shield is asked and what it answers. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple


class Candidate(NamedTuple):
    """An idea of a strategy, and the market at that moment."""

    symbol: str
    venue: str
    strategy: str
    side: int
    """1 buy, -1 sell."""
    entry: float
    stop: float
    target: float
    confidence: float
    """0 to 1."""
    ts_ns: int
    """Venue time; nothing else is now."""
    spread: float
    """Ask minus bid."""
    tick_size: float
    pip_size: float
    """0 where pips are not used."""
    features: Mapping[str, Mapping[str, float]]
    """Timeframe to indicator values of its newest closed candle."""
    coverage: float
    """0 to 1, the lowest of the candles used."""
    quote_age_s: float


class Exposure(NamedTuple):
    """An open signal."""

    symbol: str
    base: str
    quote: str
    side: int
    """1 buy, -1 sell."""
    strategy: str


class Headline(NamedTuple):
    """A piece of news."""

    ts_ns: int
    symbols: tuple[str, ...]
    """What it is about, canonical."""
    title: str
    source: str


class Surroundings(NamedTuple):
    """What else counts: `base`, `quote`, `session` are of the candidate's instrument."""

    open_signals: Sequence[Exposure]
    headlines: Sequence[Headline]
    """In any order; those later than the candidate are not looked at."""
    base: str
    """Empty: not known."""
    quote: str
    session: str
    """Session calendar: crypto, fx, cme, us_equity."""


class Decision(NamedTuple):
    """What became of it."""

    is_vetoed: bool
    score: float
    """0 to 1; 0 where vetoed."""
    reasons: list[str]
    """Worst first: `spread: 2.4 pips is above 2 (veto)`."""
