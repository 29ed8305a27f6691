"""What becomes of a provider's bar, and what it is judged by. Pure.

A reason is `<rule>: <numbers>`, so that the text before the first colon can be counted.

    no time            the start is no moment between 1970 and 2100                        quarantine
    off grid           it does not start on a minute                                       quarantine
    repeated           the page has that minute already                                    quarantine
    out of order       time goes back in the page, and it is the one that does not fit     quarantine
    outside session    the market is closed then                                           quarantine
    no price           a price is not finite, or not above 0                               quarantine
    no volume          the volume is not finite, or below 0: the prices stand              repair, volume None
    ohlc               high or low do not contain open and close                           repair if by little, else quarantine
    unmoved volume     an equity moved, and its volume is 0: only said                     accept
    two bars           the page has two of one minute, and they differ                     suspect, unless confirmed
    spike              it leaves its neighbours far behind, and the next one is back       suspect; quarantine if others say so
    wick               only its high or low does, and others have no such price            repair: that of the others
    jump               the newest one leaves those before it far behind                    suspect, unless confirmed
    split, level       a jump that stays and looks like a split, or is too far to be true  suspect from there on
    disagrees          others have another close                                           quarantine, suspect if as many
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Final, Literal, NamedTuple

from actors.collector.bars.providers.provider import ProviderBar
from protocol.sessions import NS_PER_S, Session

JudgedAs = Literal["accept", "repair", "suspect", "quarantine"]
RANK: Final[Mapping[JudgedAs, int]] = {"accept": 0, "repair": 1, "suspect": 2, "quarantine": 3}
RULES: Final = (
    "no time", "off grid", "repeated", "out of order", "outside session", "no price", "no volume", "ohlc",
    "unmoved volume", "two bars", "spike", "wick", "jump", "split", "level", "disagrees",
)  # fmt: skip
LAST_NS: Final = 4_102_444_800 * NS_PER_S
"""The year 2100: nothing starts later."""


class Opinion(NamedTuple):
    """What another provider says of a minute."""

    provider: str
    bar: ProviderBar


NOBODY: Final[Mapping[int, Sequence[Opinion]]] = MappingProxyType({})
"""No other provider was asked."""


class Market(NamedTuple):
    """What is known of an instrument."""

    symbol: str
    asset_class: str
    """fx, metal, index, equity, crypto, future; empty: not known."""
    tick_size: float
    """Smallest step of its price; 0: not known."""
    session: Session
    tolerance: float
    """Greatest difference between the closes of one minute at two providers, as a share of the price."""


class Judged(NamedTuple):
    """One bar of a page, and what it is worth."""

    sent: ProviderBar
    bar: ProviderBar | None
    """What may be published: as sent, or mended; None in quarantine. A suspect one waits for somebody to confirm it."""
    verdict: JudgedAs
    reasons: tuple[str, ...]
    """Rules that it broke, each with its numbers; an accepted one may have a remark."""


class Findings:
    """Verdicts on the bars of a page while they are being made: each only gets worse.

    Args:
        sent: The page.
    """

    __slots__ = ("_reasons", "_verdicts", "bars", "sent")

    def __init__(self, sent: Sequence[ProviderBar]) -> None:
        self.sent = sent
        self.bars: list[ProviderBar | None] = list(sent)
        """As sent, or mended; None in quarantine."""
        self._verdicts: dict[int, JudgedAs] = {}
        self._reasons: dict[int, tuple[str, ...]] = {}

    def find(self, at: int, verdict: JudgedAs, reason: str, mended: ProviderBar | None = None) -> None:
        """One rule's finding on the bar of an index; a repair brings the mended one."""
        if RANK[verdict] > RANK[self._verdicts.get(at, "accept")]:
            self._verdicts[at] = verdict
        self._reasons[at] = (*self._reasons.get(at, ()), reason)
        if verdict == "quarantine":
            self.bars[at] = None
        elif mended is not None:
            self.bars[at] = mended

    def judged(self) -> list[Judged]:
        """One for each bar of the page, in its order."""
        verdicts, reasons = self._verdicts, self._reasons
        return [
            Judged(sent, bar, verdicts.get(at, "accept"), reasons.get(at, ()))
            for at, (sent, bar) in enumerate(zip(self.sent, self.bars, strict=True))
        ]


def is_sound(bar: ProviderBar) -> bool:
    """Whether its prices are prices, and high and low contain the other two."""
    return 0.0 < bar.low <= bar.open <= bar.high < math.inf and bar.low <= bar.close <= bar.high


def shown(number: float) -> str:
    """A price or volume, as short as it can be."""
    return f"{number:.8g}"


def moment(ts_ns: int) -> str:
    """A start, for people: `Sat 2024-01-06 12:00`, with seconds where there are any."""
    when = datetime.fromtimestamp(ts_ns // NS_PER_S, UTC)
    return f"{when:%a %Y-%m-%d %H:%M:%S}".removesuffix(":00")
