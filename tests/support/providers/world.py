"""Four providers over one market, their accounts and their faults, without a socket and without a clock.

A simulation asks it directly, `ProviderServer` lends it sockets: whoever asks says what time it is.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from typing import Any, Final, Literal, NamedTuple, cast
from urllib.parse import parse_qsl, urlsplit

from tests.support.providers.alphavantage import AlphaVantage
from tests.support.providers.bending import Bend
from tests.support.providers.counting import FREE, Account, Violation
from tests.support.providers.faults import CARRIAGE, DATA, SILENT, Fault
from tests.support.providers.market import Market
from tests.support.providers.polygon import Polygon
from tests.support.providers.script import Script
from tests.support.providers.tape import Traits
from tests.support.providers.twelvedata import TwelveData
from tests.support.providers.voice import TEST_KEY, Params, Reply, Voice
from tests.support.providers.yahoo import Yahoo

VOICES: Final[tuple[type[Voice], ...]] = (Yahoo, AlphaVantage, TwelveData, Polygon)
PROVIDERS: Final = tuple(voice.name for voice in VOICES)
_HOSTS: Final = {
    "finance.yahoo.com": "yahoo",
    "alphavantage.co": "alphavantage",
    "twelvedata.com": "twelvedata",
    "massive.com": "polygon",
    "polygon.io": "polygon",
}
Act = Literal["", "refused", "reset", "hang", "slow", "cut", "torn_gzip"]


class Delivery(NamedTuple):
    """An answer and how it comes."""

    status: int
    """0: none comes."""
    headers: Mapping[str, str]
    body: bytes
    act: Act = ""
    """What is wrong on its way."""
    pause_s: float = 0.0
    """How long that takes."""


class Asked(NamedTuple):
    """One call that a provider saw."""

    provider: str
    at_ns: int
    symbols: tuple[str, ...]
    """Canonical, of those that it knows."""
    status: int
    faults: tuple[str, ...]
    """Kinds of those that hit it."""
    is_over: bool
    """It was above a limit."""


class World:
    """Four providers.

    Args:
        market: The truth.
        start_ns: When the times of faults begin, on the clock of calls.
        limits: Provider to (calls, in seconds) of each key; None: the free plans; one that is not named has none.
        traits: Provider to what it is like; one that is not named is as it usually is.
        faults: The script.
        keys: Those that every provider knows.
        slack_s: See `Account`: 0 for a virtual clock, a little where calls travel.
    """

    def __init__(
        self,
        market: Market,
        start_ns: int,
        *,
        limits: Mapping[str, Iterable[tuple[float, float]]] | None = None,
        traits: Mapping[str, Traits] | None = None,
        faults: Iterable[Fault] = (),
        keys: Collection[str] = (TEST_KEY,),
        slack_s: float = 0.0,
    ) -> None:
        self.market = market
        self.start_ns = start_ns
        self.script = Script(faults, market.seed)
        allowed = FREE if limits is None else limits
        self.voices = {voice.name: voice(market, (traits or {}).get(voice.name), keys) for voice in VOICES}
        self.accounts = {name: Account(name, allowed.get(name, ()), slack_s) for name in PROVIDERS}
        self.asked: list[Asked] = []
        self._lock = threading.Lock()

    @property
    def violations(self) -> list[Violation]:
        """All calls above a limit, of all providers: what a check wants to be empty."""
        return [found for account in self.accounts.values() for found in account.violations]

    def add(self, *faults: Fault) -> None:
        """Misbehave from now on; their times count from the start."""
        with self._lock:
            self.script.add(*faults)

    def clear(self) -> None:
        """Behave from now on."""
        with self._lock:
            self.script.clear()

    def answer(
        self,
        provider: str,
        path: str,
        params: Params,
        headers: Mapping[str, str],
        now_ns: int,
        at_ns: int | None = None,
    ) -> Delivery:
        """What a provider answers.

        Args:
            provider: Who is asked.
            path: As on the wire, percent-encoded.
            params: Decoded.
            headers: Names in lower case.
            now_ns: Time of the market.
            at_ns: Clock of calls and faults, where that is another one.
        """
        at_ns = now_ns if at_ns is None else at_ns
        at_s = (at_ns - self.start_ns) / 1e9
        voice, account = self.voices[provider], self.accounts[provider]
        if self.script.is_refusing(provider, at_s):
            return Delivery(0, {}, b"", "refused")
        listings = (voice.listing(raw) for raw in voice.raws(path, params))
        symbols = tuple(listing.symbol for listing in listings if listing)
        key = voice.key_of(params, headers)
        request = f"{path}?{'&'.join(f'{name}={value}' for name, value in params.items())}"
        with self._lock:
            over = account.seen(key, voice.cost(path, params), at_ns)
            use = account.use(key, at_ns)
            faults = [] if over else self.script.take(provider, at_s, request, symbols)
        if over is not None:
            reply = voice.over_limit(over.used, over.limit, over.per_s)
            delivery = Delivery(*reply)
        else:
            bend = Bend([fault for fault in faults if fault.kind in DATA], now_ns - at_ns + self.start_ns)
            delivery = _faulty(voice, faults) or Delivery(*voice.answer(path, params, headers, now_ns, bend))
            for fault in faults:
                if fault.kind in CARRIAGE:
                    delivery = delivery._replace(act=cast(Act, fault.kind), pause_s=fault.pause_s)
        if use is not None and delivery.status:
            delivery = delivery._replace(headers={**delivery.headers, **voice.told(*use)})
        kinds = tuple(fault.kind for fault in faults)
        self.asked.append(Asked(provider, at_ns, symbols, delivery.status, kinds, over is not None))
        return delivery

    def ask(self, url: str, params: Params, headers: Mapping[str, str], now_ns: int) -> Delivery:
        """The same, by an address at the real host of a provider; a query in it counts too."""
        parts = urlsplit(url)
        host = parts.hostname or ""
        provider = next(name for end, name in _HOSTS.items() if host.endswith(end))
        small = {name.lower(): value for name, value in headers.items()}
        return self.answer(provider, parts.path, dict(parse_qsl(parts.query)) | dict(params), small, now_ns)

    def report(self) -> dict[str, Any]:
        """Accounts, answers by status and hits of faults, for people and other processes."""
        found = {}
        for name in PROVIDERS:
            mine = [asked for asked in list(self.asked) if asked.provider == name]
            found[name] = self.accounts[name].report() | {
                "statuses": dict(Counter(str(asked.status) for asked in mine)),
                "faults": dict(Counter(kind for asked in mine for kind in asked.faults)),
            }
        return found


def _faulty(voice: Voice, faults: list[Fault]) -> Delivery | None:
    """What comes instead of the bars."""
    for fault in faults:
        if fault.kind in SILENT:
            return Delivery(0, {}, b"", cast(Act, fault.kind), fault.pause_s)
        reply = _other(voice, fault)
        if reply is not None:
            return Delivery(*reply)
    return None


def _other(voice: Voice, fault: Fault) -> Reply | None:
    match fault.kind:
        case "throttle":
            wait = {} if fault.retry_after_s is None else {"Retry-After": str(fault.retry_after_s)}
            body = voice.over_limit(2, 1, 60.0)
            return Reply(429, {**body.headers, **wait}, body.body)
        case "limit_note":
            return voice.over_limit(2, 1, 60.0)._replace(status=200)
        case "error":
            return Reply(fault.status, {"Content-Type": "text/plain"}, b"Service Unavailable")
        case "html":
            return voice.page_of_html()
        case "auth":
            return voice.bad_key()
        case "plan":
            return voice.no_plan()
        case _:
            return None
