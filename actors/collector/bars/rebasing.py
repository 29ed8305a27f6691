"""An answer that contradicts the minutes that went out: is the provider wrong, or were they? Pure.

A provider may change its prices as a whole: a split, another feed behind the same name, an error. Another provider decides;
where nobody else can be asked, the same story told for long enough is believed, and said so.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

from actors.collector.bars.judging.agreement import difference_bp
from actors.collector.bars.providers.provider import ProviderBar
from protocol.messages import Bar

LEAST: Final = 2
"""Minutes that must be in both."""
BELIEVED_NS: Final = 900_000_000_000
"""A lone provider that says the same for so long is believed."""


class Story(NamedTuple):
    """What a provider says of minutes that went out otherwise."""

    since_ns: int
    closes: dict[int, ProviderBar]


def apart_bp(known: Iterable[Bar], fresh: Iterable[ProviderBar]) -> float:
    """Median difference of the closes of minutes that are in both, basis points; 0 where there are too few."""
    pairs = _pairs(known, fresh)
    if len(pairs) < LEAST:
        return 0.0
    return statistics.median(difference_bp(_plain(ours), bar) for ours, bar in pairs)


def apart_is_known(known: Iterable[Bar], fresh: Iterable[ProviderBar]) -> bool:
    """Whether there are enough minutes in both to tell."""
    return len(_pairs(known, fresh)) >= LEAST


def _pairs(known: Iterable[Bar], fresh: Iterable[ProviderBar]) -> list[tuple[Bar, ProviderBar]]:
    ours = {bar.ts_open_ns: bar for bar in known if bar.status == "closed"}
    return [(ours[bar.ts_open_ns], bar) for bar in fresh if bar.ts_open_ns in ours and not bar.is_running]


class Rebasing:
    """The contradictions of one instrument.

    Args:
        tolerance_bp: Greatest difference that is none.
    """

    def __init__(self, tolerance_bp: float) -> None:
        self._tolerance_bp = tolerance_bp
        self._stories: dict[str, Story] = {}

    @property
    def names(self) -> Sequence[str]:
        """Providers that contradict what went out."""
        return list(self._stories)

    def contradiction(
        self, provider: str, known: Iterable[Bar], fresh: Sequence[ProviderBar], now_ns: int
    ) -> str:
        """Why an answer cannot be taken now; empty if it can: it fits, another one says the same, or it has for long."""
        found_bp = apart_bp(known, fresh)
        if found_bp <= self._tolerance_bp:
            self._stories.pop(provider, None)
            return ""
        closes = {bar.ts_open_ns: bar for bar in fresh}
        before = self._stories.get(provider)
        if before is not None and not self._agree(before.closes, closes):
            before = None  # another story
        self._stories[provider] = Story(before.since_ns if before else now_ns, closes)
        others = [story for name, story in self._stories.items() if name != provider]
        if any(self._agree(story.closes, closes) for story in others):
            self._stories.clear()
            return ""
        if before is not None and now_ns - before.since_ns >= BELIEVED_NS and not others:
            self._stories.clear()
            return ""
        return f"disagrees by {found_bp:.0f} bp with what went out"

    def forget(self, provider: str) -> None:
        """Somebody has shown that it is wrong."""
        self._stories.pop(provider, None)

    def _agree(self, one: dict[int, ProviderBar], other: dict[int, ProviderBar]) -> bool:
        both = one.keys() & other.keys()
        return bool(both) and (
            statistics.median(difference_bp(one[at], other[at]) for at in both) <= self._tolerance_bp
        )


def _plain(bar: Bar) -> ProviderBar:
    return ProviderBar(bar.ts_open_ns, bar.open, bar.high, bar.low, bar.close)
