"""What can be wrong with a provider, for how long, and for whom. Pure.

A script is a list of these:

    [Fault("yahoo", "throttle", 600, 1200, retry_after_s=30), Fault("polygon", "spike", calls=5), Fault("*", "html", share=0.01)]
"""

from __future__ import annotations

from typing import Final, Literal, get_args

import msgspec

Kind = Literal[
    # nothing comes of it
    "refused",  # the connection is refused, and open ones end
    "reset",  # the connection is reset when the request is there
    "hang",  # no answer for `pause_s`, then the connection ends
    # another answer
    "throttle",  # 429, with `retry_after_s` if that is given
    "limit_note",  # the same with 200, in its own words
    "error",  # 500, or another `status`
    "html",  # a page of HTML with 200
    "auth",  # the key is refused
    "plan",  # the key does not cover it
    # the answer comes badly
    "slow",  # in pieces, over `pause_s`
    "cut",  # half of the body, then the connection ends
    "torn_gzip",  # gzip that cannot be opened
    # the answer is wrong
    "stale",  # nothing newer than `minutes` before the fault began
    "empty",  # no bar
    "wrong_symbol",  # of another instrument
    "wrong_interval",  # bars of five minutes
    "spike",  # some bars are `factor` times as high (1.1)
    "shifted",  # bars say that they are a minute later
    "inconsistent",  # high and low of some bars are swapped
    "duplicated",  # some bars come twice
    "missing",  # some bars are not there
    "split",  # prices from `at_s` on are a quarter, volumes four times
    "zero_volume",  # nothing was traded
    "garbage",  # `text` instead of the close of some bars
    "disagree",  # prices are `factor` times as high (1.05)
]
KINDS: Final[tuple[Kind, ...]] = get_args(Kind)
SILENT: Final[frozenset[str]] = frozenset({"refused", "reset", "hang"})
"""Kinds that give no answer at all."""
ANSWERS: Final[frozenset[str]] = frozenset({"throttle", "limit_note", "error", "html", "auth", "plan"})
"""Kinds that answer something else."""
CARRIAGE: Final[frozenset[str]] = frozenset({"slow", "cut", "torn_gzip"})
"""Kinds that carry the answer badly."""
DATA: Final[frozenset[str]] = frozenset(KINDS) - SILENT - ANSWERS - CARRIAGE
"""Kinds that change the bars."""
FOREVER_S: Final = 1e12
_SOME: Final = {"spike": 0.1, "inconsistent": 0.1, "duplicated": 0.1, "missing": 0.2, "garbage": 0.1}
_FACTORS: Final = {"spike": 1.1, "disagree": 1.05, "split": 0.25}


class Fault(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One misbehaviour.

    Raises:
        ValueError: Yahoo has no plan to refuse with.
    """

    provider: str
    """Whose; `*`: of all."""
    kind: Kind
    from_s: float = 0.0
    """Seconds after the start of the world."""
    to_s: float = FOREVER_S
    """It ends before this."""
    calls: int = 0
    """Only so many calls, from `from_s` on; 0: all."""
    share: float = 1.0
    """Share of the calls that it hits."""
    symbols: tuple[str, ...] = ()
    """Only these canonical ones; none: all."""
    where: str = ""
    """Only calls whose path or parameters contain this: `FX_INTRADAY`."""
    status: int = 500
    """HTTP status of an `error`."""
    retry_after_s: int | None = None
    """Seconds in a `Retry-After` header; None: there is none."""
    pause_s: float = 60.0
    """How long `slow` and `hang` take."""
    minutes: float = 10.0
    """How old `stale` data is when it begins."""
    at_s: float | None = None
    """Where a `split` is, seconds after the start of the world; None: where the fault begins."""
    factor: float | None = None
    """What prices are multiplied with; None: 1.1, 1.05 or 0.25."""
    bars: float | None = None
    """Share of the bars that it hits, the same ones each time; None: all, or about a tenth for what hits some."""
    text: str = "NaN"
    """What `garbage` is."""

    def __post_init__(self) -> None:
        if (self.provider, self.kind) == ("yahoo", "plan"):
            raise ValueError("yahoo has no plan to refuse with")

    @property
    def bar_share(self) -> float:
        """Share of the bars that it hits."""
        return _SOME.get(self.kind, 1.0) if self.bars is None else self.bars

    @property
    def price_factor(self) -> float:
        """What prices are multiplied with."""
        return _FACTORS.get(self.kind, 1.0) if self.factor is None else self.factor
