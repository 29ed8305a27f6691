"""What providers say of the same minutes: who is the odd one, how far two are apart, whether one is a minute late. Pure."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Final, Literal, NamedTuple

from actors.collector.bars.judging.judged import Opinion, is_sound, shown
from actors.collector.bars.providers.provider import MINUTE_NS, ProviderBar

LEAST_MINUTES: Final = 30
"""Changes that two series must share before one is called late."""
FAR_BETTER: Final = 0.5
"""A series is late if, moved by a minute, its changes differ by less than this share of what they do unmoved."""


class Weighing(NamedTuple):
    """One bar among the opinions of others."""

    verdict: Literal["confirmed", "alone", "suspect", "quarantine"]
    """Most agree; nobody knows the minute; as many say something else; more say the same something else."""
    agreeing: tuple[ProviderBar, ...] = ()
    against: tuple[Opinion, ...] = ()

    def told(self, bar: ProviderBar) -> str:
        """The disagreement in words."""
        others = ", ".join(f"{name} {shown(other.close)}" for name, other in self.against)
        apart_bp = max(difference_bp(bar, other) for _, other in self.against)
        return f"disagrees: close {shown(bar.close)} against {others}, {apart_bp:.1f} bp apart"


ALONE: Final = Weighing("alone")


def weigh(bar: ProviderBar, opinions: Sequence[Opinion], tolerance: float) -> Weighing:
    """How a bar stands among the opinions on its minute, one vote each.

    A running bar is never found to be wrong by others, who have looked at another moment; it may be confirmed.

    Args:
        bar: With sound prices.
        opinions: Of other providers; those that are not over, or no price, do not count.
        tolerance: Greatest difference of closes, as a share.
    """
    votes = {
        one.provider: one
        for one in opinions
        if is_sound(one.bar) and (bar.is_running or not one.bar.is_running)
    }
    agreeing, against = [], []
    for one in votes.values():
        if apart(bar.close, one.bar.close) <= tolerance:
            agreeing.append(one.bar)
        else:
            against.append(one)
    if bar.is_running or not against:
        return Weighing("confirmed", tuple(agreeing)) if agreeing else ALONE
    together = max(
        sum(apart(one.bar.close, other.bar.close) <= tolerance for other in against) for one in against
    )
    mine = 1 + len(agreeing)
    if together < mine:
        return Weighing("confirmed", tuple(agreeing))
    verdict: Literal["quarantine", "suspect"] = "quarantine" if together > mine else "suspect"
    return Weighing(verdict, tuple(agreeing), tuple(against))


def apart(price: float, other: float) -> float:
    """Difference of two prices as a share of the greater one; 1 if either is none."""
    if 0.0 < price < math.inf and 0.0 < other < math.inf:
        return abs(price - other) / max(price, other)
    return 1.0


def difference_bp(a: ProviderBar, b: ProviderBar) -> float:
    """How far the closes of two bars of one minute are apart, in basis points of the greater one."""
    return 1e4 * apart(a.close, b.close)


class Comparison(NamedTuple):
    """Two providers over the same minutes."""

    minutes: int
    """That both have."""
    median_bp: float
    """Of the differences between their closes; 0 without a common minute."""
    max_bp: float
    late: int
    """Minutes by which the other one seems to be late: 1, 0 or -1."""
    finding: str
    """What is wrong, in words; empty if nothing is."""


def compare(
    provider: str, bars: Sequence[ProviderBar], other: str, other_bars: Sequence[ProviderBar]
) -> Comparison:
    """How two providers differ over the minutes that both have.

    Whether one is late is told by changes from minute to minute, so that bid against mid does not hide it. Quiet
    minutes tell nothing.

    Args:
        provider: Name of the one.
        bars: Its bars, with sound prices, in any order.
        other: Name of the other one.
        other_bars: Its bars.
    """
    closes, other_closes = _closes(bars), _closes(other_bars)
    common = closes.keys() & other_closes.keys()
    apart_bp = sorted([1e4 * apart(closes[start_ns], other_closes[start_ns]) for start_ns in common])
    median_bp, max_bp = (apart_bp[len(apart_bp) // 2], apart_bp[-1]) if apart_bp else (0.0, 0.0)
    changes, other_changes = _changes(closes), _changes(other_closes)
    unmoved_bp = _misfit_bp(changes, other_changes, 0)
    late, best_bp = 0, math.inf
    for minutes in (1, -1):
        misfit_bp = _misfit_bp(changes, other_changes, minutes)
        if misfit_bp < min(best_bp, FAR_BETTER * unmoved_bp):
            late, best_bp = minutes, misfit_bp
    if unmoved_bp == math.inf or not late:
        return Comparison(len(common), median_bp, max_bp, 0, "")
    one, culprit = (provider, other) if late > 0 else (other, provider)
    finding = (
        f"{culprit} fits {one} far better one minute earlier: its changes differ by {best_bp:.2f} bp "
        f"and not {unmoved_bp:.2f}; it seems to name a minute by its end"
    )
    return Comparison(len(common), median_bp, max_bp, late, finding)


def _closes(bars: Sequence[ProviderBar]) -> dict[int, float]:
    return {bar.ts_open_ns: bar.close for bar in bars if 0.0 < bar.close < math.inf}


def _changes(closes: Mapping[int, float]) -> dict[int, float]:
    """Start of each minute whose predecessor is there, to its relative change."""
    return {
        start_ns: close / closes[start_ns - MINUTE_NS] - 1.0
        for start_ns, close in closes.items()
        if start_ns - MINUTE_NS in closes
    }


def _misfit_bp(changes: Mapping[int, float], others: Mapping[int, float], late: int) -> float:
    """Mean difference of the changes if the other's minutes are moved; infinite if hardly any are common."""
    moved_ns = late * MINUTE_NS
    found = [
        abs(change - others[start_ns + moved_ns])
        for start_ns, change in changes.items()
        if start_ns + moved_ns in others
    ]
    return 1e4 * sum(found) / len(found) if len(found) >= LEAST_MINUTES else math.inf
