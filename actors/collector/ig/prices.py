"""Raw quotes of an epic to real prices: the divisor, checked once and kept; states of a market; pips. Pure.

Some epics are quoted in points: EUR/USD 11515.4 is 1.15154. Which ones depends on the kind of contract, not on the
pair, and IG's `scalingFactor` means different things for different instruments. So the first quote decides: divided
by what is configured or known it must lie in the band of prices that can be true. Later quotes are only checked: a
divisor that changed in the middle would be worse than a quote that is dropped.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Final, NamedTuple

DIVISORS: Final = (1.0, 10.0, 100.0, 1000.0, 1e4, 1e5)
"""What is tried; a band narrower than ten to one lets through one of them at most."""
BANDS: Final[Mapping[str, tuple[float, float]]] = {
    "EUR_USD": (0.5, 2.5),
    "GBP_USD": (0.8, 3.0),
    "USD_JPY": (50.0, 300.0),
    "AUD_USD": (0.3, 1.5),
    "NZD_USD": (0.3, 1.3),
    "USD_CAD": (0.7, 2.5),
    "USD_CHF": (0.4, 2.5),
    "EUR_GBP": (0.5, 1.5),
    "EUR_JPY": (60.0, 400.0),
    "GBP_JPY": (80.0, 500.0),
}
DEALING: Final = frozenset({"DEAL", "DEALNOEDIT", "EDIT"})
"""States in which a quote is one that somebody trades at."""
NOT_DEALING: Final = frozenset({"CLOSED", "CALL", "CLOSINGONLY", "AUCTION", "AUCTIONNOEDIT", "SUSPEND"})
_EPIC: Final = re.compile(r"CS\.D\.(?:[A-Z]{3})([A-Z]{3})\.(CFD|MINI|CEEM|TODAY)\.IP")
_POINTS: Final = frozenset({"CEEM", "TODAY"})
_LARGEST: Final = 1e12
_LATEST_MS: Final = 4 * 10**12


class Verdict(NamedTuple):
    """A divisor that was chosen."""

    divisor: float
    is_verified: bool
    """The price lies in its band; False: there is none."""
    is_surprising: bool
    """What was configured or known did not fit."""


def known_divisor(epic: str) -> float | None:
    """By the kind of contract, as observed: CEEM and TODAY are in points. None: not known."""
    found = _EPIC.fullmatch(epic)
    if found is None:
        return None
    if found[2] not in _POINTS:
        return 1.0
    return 100.0 if found[1] == "JPY" else 10_000.0


def choose_divisor(price: float, first: float, band: tuple[float, float] | None) -> Verdict | None:
    """Divisor for an epic, from one raw price; None: none brings it into its band.

    Args:
        price: Raw mid.
        first: What is configured, known, or hinted at.
        band: Prices that can be true.
    """
    if band is None:
        return Verdict(first, is_verified=False, is_surprising=False)
    for divisor in (first, *DIVISORS):
        if band[0] <= price / divisor <= band[1]:
            return Verdict(divisor, is_verified=True, is_surprising=divisor != first)
    return None


class Scale:
    """The divisor of one epic, from its first quote on.

    Args:
        epic: IG's name.
        configured: Of the settings, None if they say nothing.
        band: Prices that can be true, None if that is not known.
    """

    def __init__(self, epic: str, configured: float | None, band: tuple[float, float] | None) -> None:
        self.epic = epic
        self.verdict: Verdict | None = None
        self._first = configured if configured is not None else known_divisor(epic)
        self._band = band

    @property
    def needs_hint(self) -> bool:
        """Whether nothing is known of this epic, so that IG must be asked."""
        return self.verdict is None and self._first is None and self._band is None

    def hint(self, scaling_factor: float | None) -> None:
        """IG's `scalingFactor`, or that there is none: only where nothing else is known."""
        if self._first is None:
            is_sound = scaling_factor is not None and scaling_factor in DIVISORS
            self._first = scaling_factor if is_sound else 1.0

    def real(self, bid: float, ask: float) -> tuple[float, float] | str:
        """Real bid and ask, or the reason (from a fixed list) why there are none."""
        if self.needs_hint:
            return "ig_scale_unknown"
        verdict = self.verdict or choose_divisor((bid + ask) / 2.0, self._first or 1.0, self._band)
        if verdict is None:
            return "ig_price_out_of_band"
        real = bid / verdict.divisor, ask / verdict.divisor
        if self._band is not None and not self._band[0] <= min(real) <= max(real) <= self._band[1]:
            return "ig_price_out_of_band"
        self.verdict = verdict
        return real


def pip_of(symbol: str, configured: float) -> float:
    """Size of a pip, in quote currency: what the catalog says, else 0.01 for yen and 0.0001 for all others."""
    return configured or (0.01 if symbol.partition(".")[0].endswith("_JPY") else 0.0001)


def spread_pips(bid: float, ask: float, pip: float) -> float:
    """Spread of real prices in pips; negative when crossed."""
    return (ask - bid) / pip


def number(text: str | None) -> float | None:
    """A positive price or a size of the stream; None if it is null, empty or no such number."""
    if not text:
        return None
    try:
        value = float(text)
    except ValueError:
        return None
    return value if 0.0 <= value < _LARGEST else None


def time_ns(text: str | None) -> int | None:
    """A time of the stream in ns: ms since 1970, or ISO with a zone (one public note shows it so). None: neither."""
    if not text:
        return None
    if text.isascii() and text.isdigit() and len(text) < 16:
        milliseconds = int(text)
        return milliseconds * 1_000_000 if 0 < milliseconds < _LATEST_MS else None
    try:
        moment = datetime.fromisoformat(text)
        seconds = moment.timestamp() if moment.tzinfo is not None else 0.0
    except (ValueError, OverflowError):
        return None
    return round(seconds * 1e6) * 1000 if 0 < seconds < _LATEST_MS / 1000 else None
