"""What every provider of bars over REST is: how to ask it, and what its answers mean. Pure.

Three of four say with HTTP 200 that something is wrong, so the body decides: an answer is a `Page`, or a `Refusal` of
one of few kinds. Times are starts of bars in UTC, whatever the provider sends.
"""

from __future__ import annotations

import abc
from collections.abc import Mapping
from typing import ClassVar, Literal, NamedTuple

import msgspec

MINUTE_NS = 60_000_000_000

RefusalKind = Literal[
    "throttled",  # too many calls; see `retry_after_s`
    "bad_symbol",  # it does not know the instrument
    "auth",  # the key is missing or wrong
    "plan",  # the key is good, and does not cover this
    "empty",  # it knows the instrument and has no bar in the range
    "bad_request",  # it does not like the question: our mistake
    "wrong_symbol",  # the answer is about another instrument, or in another interval
    "broken",  # no JSON, HTML, cut off, columns of different lengths
    "unavailable",  # 5xx, maintenance, not there, too slow
]
PERMANENT: frozenset[RefusalKind] = frozenset({"bad_symbol", "auth", "plan", "bad_request", "wrong_symbol"})
"""Kinds that asking again does not change."""


class ProviderBar(msgspec.Struct, frozen=True, gc=False):
    """One bar as a provider tells it, its start in UTC."""

    ts_open_ns: int
    open: float
    high: float
    low: float
    close: float
    volume: float | None = None
    """In base units (shares); None where the provider has none, as for FX."""
    count: int = 0
    """Trades, or updates of the quote, in it; 0 if the provider does not say."""
    vwap: float = 0.0
    """0 if the provider does not say."""
    is_running: bool = False
    """It was not over when it was asked for."""


class Query(NamedTuple):
    """What is asked of a provider: bars that start in `[from_ns, to_ns)`."""

    raw: str
    """The provider's name of the instrument."""
    from_ns: int
    to_ns: int
    timeframe: str = "1m"
    cursor: str = ""
    """Of the page before, where an answer has several."""


class Call(NamedTuple):
    """One HTTP GET."""

    url: str
    """Without any secret: it may be shown to people."""
    headers: Mapping[str, str]
    params: Mapping[str, str]
    """Of the query string; may hold the key: never shown."""


class Answer(NamedTuple):
    """What came back."""

    status: int
    headers: Mapping[str, str]
    """Names in lower case."""
    body: bytes
    at_ns: int
    """Wall clock when the whole of it was there."""


class Told(msgspec.Struct, frozen=True):
    """What an answer says of the provider's limits."""

    used: int | None = None
    left: int | None = None
    limit: int | None = None
    """Calls of `per_s`."""
    per_s: float = 60.0


class Page(msgspec.Struct, frozen=True):
    """Bars, oldest first, each start once."""

    bars: list[ProviderBar]
    is_adjusted: bool = False
    """Prices are adjusted for splits."""
    is_delayed: bool = False
    """The provider says that its plan is behind."""
    cursor: str = ""
    """Where the next page of the same question begins; empty: this was the last."""
    dropped: Mapping[str, int] = {}
    """Reason to the rows left out: null, off_grid (the live quote in the last row), repeated, out_of_range,
    impossible."""
    told: Told | None = None


class Refusal(msgspec.Struct, frozen=True):
    """No bars."""

    kind: RefusalKind
    text: str
    """In the provider's words, on one line, short, without a secret."""
    status: int = 0
    retry_after_s: float | None = None
    """Its wish, or what its words mean: `25 requests per day` is until the next UTC day."""
    told: Told | None = None


class Limit(NamedTuple):
    """So many calls in any stretch of so many seconds."""

    calls: int
    per_s: float


class Provider(abc.ABC):
    """One provider: pure, without state."""

    name: ClassVar[str]
    base_url: ClassVar[str]
    limits: ClassVar[tuple[Limit, ...]]
    """Of its free plan."""
    needs_key: ClassVar[bool]
    bars_per_call: ClassVar[int]
    """Most 1m bars in one answer."""
    longest_ns: ClassVar[int]
    """Longest range of 1m bars that one question may have."""
    reach_ns: ClassVar[int]
    """How far back 1m bars go."""

    @abc.abstractmethod
    def endpoint(self, raw: str) -> str:
        """Which of its endpoints answers for an instrument: each has its own circuit breaker. `chart`, `fx_intraday`."""

    @abc.abstractmethod
    def call(self, query: Query, base_url: str, key: str, now_ns: int) -> Call:
        """The request of a question.

        Raises:
            ValueError: the raw name cannot be one of this provider; says why.
        """

    @abc.abstractmethod
    def read(self, query: Query, answer: Answer) -> Page | Refusal:
        """What an answer means. Never raises, whatever the bytes are."""

    def cost(self, query: Query) -> int:  # noqa: ARG002 - most providers count calls
        """Calls (credits) that a question costs."""
        return 1
