"""Sizes of contracts, from the venue itself: fetched before anything is subscribed, and again each day. Wiring.

A wrong contract size makes every volume wrong and shows nowhere, so there is no default: until the venue has told
them, a market that counts contracts stays silent, and the status says why.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from random import Random
from typing import Final

from actors.collector import rest
from actors.collector.backoff import Backoff
from actors.collector.market_feed import Host
from actors.collector.outcomes import Reject
from actors.collector.venue import Contract, Venue

REFRESH_NS: Final = 86_400 * 1_000_000_000
PAUSE_CAP_S: Final = 60.0


class ContractSource:
    """Contracts of one market.

    Args:
        host: The collector: threads, settings, counters.
        venue: Whom to ask.
        market: One of its markets.
        names: Raw name to canonical symbol of the instruments that are collected.
        random: For jitter.
    """

    def __init__(
        self, host: Host, venue: Venue, market: str, names: Mapping[str, str], random: Random
    ) -> None:
        self.contracts: dict[str, Contract] = {}
        """Canonical symbol to contract."""
        self.problem = ""
        """Why they are not known; empty if they are, or need not be."""
        self._host = host
        self._venue = venue
        self._market = market
        self._names = names
        self._path = venue.instruments_path(market)
        self._backoff = Backoff(host.settings.repair_retry_s, PAUSE_CAP_S, random.random)
        self._due_ns = 0
        self._is_asked = False
        base = host.settings.rest_url.get(market)
        self._url = base.rstrip("/") + self._path if base else ""
        if self._path:
            self.problem = "contract sizes are not known yet" if base else f"no rest_url.{market} is set"

    @property
    def is_ready(self) -> bool:
        """Whether sizes can be told."""
        return not self.problem

    def tick(self, mono_ns: int) -> None:
        """Ask if it is time."""
        if self._url and self._path and not self._is_asked and mono_ns >= self._due_ns:
            self._is_asked = True
            self._host.counters["instruments_asked"] += 1
            get = functools.partial(rest.get, self._url, self._host.settings.rest_timeout_s)
            self._host.submit(get, self._on_answer)

    def _on_answer(self, result: bytes | Exception) -> None:
        self._is_asked = False
        mono_ns = self._host.clock.mono_ns()
        if isinstance(result, rest.RestError):
            self._fail(str(result), mono_ns, result.status, result.retry_after_s)
            return
        if isinstance(result, Exception):
            raise result
        found = self._venue.parse_instruments(self._market, result)
        if isinstance(found, Reject):
            self._fail(f"{found.reason}: {found.detail}", mono_ns)
            return
        self._take(found)
        self._backoff.flowing(mono_ns)
        self._due_ns = mono_ns + REFRESH_NS

    def _take(self, found: Mapping[str, Contract]) -> None:
        host = self._host
        for raw, symbol in self._names.items():
            contract = found.get(raw)
            if contract is None:
                host.drop("unknown_contract", f"{symbol}: the venue lists no {raw}")
                continue
            before = self.contracts.get(symbol)
            if before is not None and before != contract:
                host.log.warning("%s: the contract has changed from %s to %s", symbol, before, contract)
            configured = host.catalog.get(symbol).contract_size
            if configured not in (1.0, contract.size):
                host.log.warning(
                    "%s: symbols.yaml says contract_size %s, the venue %s; the venue is right",
                    symbol, configured, contract.size,
                )  # fmt: skip
            self.contracts[symbol] = contract
        self.problem = ""

    def _fail(self, why: str, mono_ns: int, status: int = 0, retry_after_s: float | None = None) -> None:
        pause_s = self._backoff.failed(mono_ns, status, retry_after_s)
        self._due_ns = mono_ns + round(pause_s * 1e9)
        if self.problem:
            self.problem = f"contract sizes are not known: {why}"[:200]
        self._host.drop("instruments_failed", f"{self._market}: {why}; again in {pause_s:.1f} s")
