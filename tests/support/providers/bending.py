"""Bars as a provider with faults has them. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from tests.support.providers.faults import Fault
from tests.support.providers.hashing import seed_of, unit
from tests.support.providers.listings import Listing
from tests.support.providers.market import Market
from tests.support.providers.tape import Row
from tests.support.providers.wording import Garbage


class Bend:
    """What the faults of one call do to its bars.

    Args:
        faults: Those that change bars; others are ignored.
        start_ns: Start of the world on the clock of the market.
    """

    def __init__(self, faults: Sequence[Fault] = (), start_ns: int = 0) -> None:
        self._faults = {fault.kind: fault for fault in faults}
        self._start_ns = start_ns

    @property
    def is_empty(self) -> bool:
        """Whether there is no bar at all."""
        return "empty" in self._faults

    def listing(self, market: Market, provider: str, listing: Listing) -> Listing:
        """The instrument that the answer is about."""
        if "wrong_symbol" not in self._faults:
            return listing
        others = [
            other
            for other in market.listings.values()
            if provider in other.raws and other.asset_class == listing.asset_class and other != listing
        ]
        assert others, f"{provider} has no second instrument like {listing.symbol}"
        return others[0]

    def minutes(self, asked: int) -> int:
        """Length of the bars."""
        return 5 if "wrong_interval" in self._faults else asked

    def visible_ns(self, visible_ns: int) -> int:
        """Until when something can be seen."""
        fault = self._faults.get("stale")
        if fault is None:
            return visible_ns
        return min(visible_ns, self._start_ns + round((fault.from_s - 60.0 * fault.minutes) * 1e9))

    def rows(self, provider: str, listing: Listing, rows: Sequence[Row]) -> list[Row]:
        """The bars as they are told."""
        if self.is_empty:
            return []
        told = list(rows)
        for kind, fault in self._faults.items():
            change = _CHANGES.get(kind)
            if change is None:
                continue
            seed = seed_of(provider, listing.symbol, kind)
            at_s = self._start_ns / 1e9 + (fault.from_s if fault.at_s is None else fault.at_s)
            before, told = told, []
            for row in before:
                is_hit = fault.bar_share >= 1.0 or unit(row.ts_s // 60, seed) < fault.bar_share
                told += change(row, fault, at_s) if is_hit else (row,)
        return told


def _scaled(row: Row, factor: float) -> Row:
    first, high, low, last = (round(price * factor, 10) for price in row[1:5])
    return Row(row.ts_s, first, high, low, last, row.volume, row.trades)


def _spike(row: Row, fault: Fault, at_s: float) -> tuple[Row, ...]:
    return (_scaled(row, fault.price_factor),)


def _shifted(row: Row, fault: Fault, at_s: float) -> tuple[Row, ...]:
    return (row._replace(ts_s=row.ts_s + 60),)


def _inconsistent(row: Row, fault: Fault, at_s: float) -> tuple[Row, ...]:
    if row.high == row.low:
        return (row._replace(high=round(row.low * 0.999, 10)),)
    return (row._replace(high=row.low, low=row.high),)


def _duplicated(row: Row, fault: Fault, at_s: float) -> tuple[Row, ...]:
    return (row, row)


def _missing(row: Row, fault: Fault, at_s: float) -> tuple[Row, ...]:
    return ()


def _split(row: Row, fault: Fault, at_s: float) -> tuple[Row, ...]:
    if row.ts_s < at_s:
        return (row,)
    return (_scaled(row, fault.price_factor)._replace(volume=row.volume / fault.price_factor),)


def _zero_volume(row: Row, fault: Fault, at_s: float) -> tuple[Row, ...]:
    return (row._replace(volume=0.0),)


def _garbage(row: Row, fault: Fault, at_s: float) -> tuple[Row, ...]:
    return (row._replace(close=Garbage(fault.text)),)


_CHANGES: Final = {
    "spike": _spike,
    "disagree": _spike,
    "shifted": _shifted,
    "inconsistent": _inconsistent,
    "duplicated": _duplicated,
    "missing": _missing,
    "split": _split,
    "zero_volume": _zero_volume,
    "garbage": _garbage,
}

STRAIGHT: Final = Bend()
"""No fault."""
