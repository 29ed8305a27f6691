"""Candidates, surroundings and shields with one line each."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from actors.scanner.shield import (
    Candidate,
    Decision,
    Exposure,
    Headline,
    Shield,
    Surroundings,
    parse_shield,
)

MINUTE_NS = 60_000_000_000


def ns(text: str) -> int:
    """Of an ISO time with its zone, whole seconds."""
    return int(datetime.fromisoformat(text).timestamp()) * 1_000_000_000


NOW = ns("2026-11-18T12:00:00Z")
"""A Wednesday."""


def candidate(**other: Any) -> Candidate:
    """A good EUR_USD purchase."""
    good = Candidate(
        symbol="EUR_USD",
        venue="ig",
        strategy="trend_pullback",
        side=1,
        entry=1.1,
        stop=1.099,
        target=1.102,
        confidence=0.6,
        ts_ns=NOW,
        spread=0.0001,
        tick_size=0.00001,
        pip_size=0.0001,
        features={"5m": {"atr_14": 0.0011}},
        coverage=1.0,
        quote_age_s=0.2,
    )
    return good._replace(**other)


def surroundings(**other: Any) -> Surroundings:
    """Nothing open, no news."""
    quiet = Surroundings(open_signals=(), headlines=(), base="EUR", quote="USD", session="fx")
    return quiet._replace(**other)


def is_open(symbol: str, side: int, strategy: str = "other") -> Exposure:
    """An open signal, its currencies from the symbol."""
    base, _, quote = symbol.partition("_")
    return Exposure(symbol, base, quote, side, strategy)


def headline(minutes_ago: float, title: str = "Talk", symbols: tuple[str, ...] = ()) -> Headline:
    """Before NOW."""
    return Headline(NOW - round(minutes_ago * MINUTE_NS), symbols, title, "wire")


def judge(text: str, idea: Candidate | None = None, around: Surroundings | None = None) -> Decision:
    """What the rules of a file say."""
    return Shield(parse_shield(text, "shield.yaml")).judge(idea or candidate(), around or surroundings())


def said(text: str, idea: Candidate | None = None, around: Surroundings | None = None) -> list[str]:
    """Only the reasons."""
    return judge(text, idea, around).reasons
