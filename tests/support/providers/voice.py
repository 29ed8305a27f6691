"""What every provider does with a request. Pure."""

from __future__ import annotations

import abc
from collections.abc import Collection, Mapping
from typing import Any, ClassVar, NamedTuple

import msgspec

from tests.support.providers.bending import STRAIGHT, Bend
from tests.support.providers.listings import Listing
from tests.support.providers.market import Market
from tests.support.providers.tape import Row, Tape, Traits, folded

TEST_KEY = "test-key"
Params = Mapping[str, str]


class Reply(NamedTuple):
    """An answer."""

    status: int
    headers: dict[str, str]
    body: bytes


class Voice(abc.ABC):
    """One provider: its answers follow from the request, the time and the market alone.

    Args:
        market: The truth.
        traits: What the provider is like; None: as it usually is.
        keys: Those that it knows.
    """

    name: ClassVar[str]
    needs_key: ClassVar[bool] = True
    usual: ClassVar[Traits] = Traits()

    def __init__(
        self, market: Market, traits: Traits | None = None, keys: Collection[str] = (TEST_KEY,)
    ) -> None:
        self.market = market
        self.traits = traits or self.usual
        self.tape = Tape(market, self.name, self.traits)
        self.keys = frozenset(keys)

    @abc.abstractmethod
    def answer(
        self, path: str, params: Params, headers: Mapping[str, str], now_ns: int, bend: Bend = STRAIGHT
    ) -> Reply:
        """What it answers.

        Args:
            path: As on the wire, percent-encoded.
            params: Decoded.
            headers: Names in lower case.
            now_ns: Time of the market.
            bend: What is wrong with the bars.
        """

    @abc.abstractmethod
    def raws(self, path: str, params: Params) -> list[str]:
        """Its names of the instruments that are asked for."""

    @abc.abstractmethod
    def over_limit(self, used: int, limit: int, per_s: float) -> Reply:
        """Too many calls: one of this limit."""

    @abc.abstractmethod
    def bad_key(self) -> Reply:
        """The key is wrong or missing."""

    @abc.abstractmethod
    def no_plan(self) -> Reply:
        """The key does not cover it."""

    def key_of(self, params: Params, headers: Mapping[str, str]) -> str:
        """Key of a request; empty: there is none."""
        return params.get("apikey", "")

    def cost(self, path: str, params: Params) -> int:
        """Calls (credits) that a request costs."""
        return 1

    def told(self, used: int, limit: int) -> dict[str, str]:
        """Headers that tell what was used of its first limit."""
        return {}

    def page_of_html(self) -> Reply:
        """Something between it and us answers in its place."""
        return Reply(200, {"Content-Type": "text/html"}, b"<html><body><h1>Bad gateway</h1></body></html>")

    def is_known(self, key: str) -> bool:
        """Whether it knows a key."""
        return not self.needs_key or key in self.keys

    def listing(self, raw: str) -> Listing | None:
        """The instrument that it calls so."""
        return self.market.listing(self.name, raw)

    def bent(self, bend: Bend, listing: Listing, rows: list[Row], minutes: int) -> list[Row]:
        """Rows of a minute as they are told: longer, and with what is wrong with them."""
        return bend.rows(self.name, listing, folded(rows, minutes))


def json(status: int, document: Any, headers: Mapping[str, str] = {}) -> Reply:
    """An answer in JSON without blanks."""
    return Reply(status, {"Content-Type": "application/json", **headers}, msgspec.json.encode(document))
