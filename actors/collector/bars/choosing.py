"""Whom to ask for an instrument now: the best provider that may be asked, or how long to wait for it. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Final, NamedTuple

import msgspec

from actors.collector.bars.providers.provider import Provider, Refusal
from actors.collector.bars.spending.account import Account

PATIENCE_NS: Final = 10_000_000_000
"""The best provider is waited for so long, rather than asking the next one."""
OFF_NS: Final = 3_600_000_000_000
"""A provider that does not have an instrument is asked for it again after so long."""


class Standing(msgspec.Struct):
    """What an instrument thinks of one provider."""

    raw: str
    """The provider's name of it."""
    off_until_ns: int = 0
    off_reason: str = ""
    demoted_until_ns: int = 0
    demoted_reason: str = ""

    def turn_off(self, refusal: Refusal, now_ns: int) -> None:
        """It does not have the instrument."""
        self.off_until_ns = now_ns + OFF_NS
        self.off_reason = f"{refusal.kind}: {refusal.text}"

    def demote(self, reason: str, until_ns: int) -> None:
        """It was stale or wrong: others come first for a while."""
        self.demoted_until_ns, self.demoted_reason = until_ns, reason


class Choice(NamedTuple):
    """A provider that may be asked now."""

    provider: str
    endpoint: str
    passed: dict[str, str]
    """Those that come before it, and why they are not asked."""


class Blocked(NamedTuple):
    """Nobody may be asked now."""

    reasons: dict[str, str]
    """Provider to why not."""
    until_ns: int
    """When somebody may be, as far as is known; 0: not known."""


class Market(NamedTuple):
    """All providers that are asked."""

    providers: Mapping[str, Provider]
    accounts: Mapping[str, Account]


class Wish(NamedTuple):
    """What is looked for."""

    cost_of: Mapping[str, int]
    """Provider to what the question costs there; one that is not named cannot answer it."""
    tried: Collection[str]
    """Providers that were asked already."""
    is_history: bool


def choose(
    market: Market, standings: Mapping[str, Standing], order: Sequence[str], wish: Wish, now_ns: int
) -> Choice | Blocked:
    """The provider to ask.

    Args:
        market: Who there is.
        standings: What the instrument thinks of those that have a name for it.
        order: The best first.
        wish: What is looked for.
        now_ns: Now.
    """
    reasons: dict[str, str] = {}
    soonest_ns = 0
    for name in _in_turn(standings, order, now_ns):
        standing = standings[name]
        if name in wish.tried or name not in wish.cost_of:
            continue
        if standing.off_until_ns > now_ns:
            reasons[name] = standing.off_reason
            continue
        endpoint = market.providers[name].endpoint(standing.raw)
        obstacle = market.accounts[name].obstacle(
            endpoint, wish.cost_of[name], now_ns, is_history=wish.is_history
        )
        if obstacle is None:
            return Choice(name, endpoint, reasons)
        reasons[name] = obstacle.reason
        soonest_ns = min(soonest_ns or obstacle.until_ns, obstacle.until_ns)
        if not wish.is_history and obstacle.until_ns - now_ns <= PATIENCE_NS:
            break
    return Blocked(reasons, soonest_ns)


def askable(standings: Mapping[str, Standing], order: Sequence[str], now_ns: int) -> frozenset[str]:
    """Providers that have the instrument, whether they may be asked now or not."""
    return frozenset(name for name in order if name in standings and standings[name].off_until_ns <= now_ns)


def _in_turn(standings: Mapping[str, Standing], order: Sequence[str], now_ns: int) -> Iterator[str]:
    known = [name for name in order if name in standings]
    yield from (name for name in known if standings[name].demoted_until_ns <= now_ns)
    yield from (name for name in known if standings[name].demoted_until_ns > now_ns)
