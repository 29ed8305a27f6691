"""Which instrument is which symbol: what was asked for, what the gateway says it is, and when that changes. Pure.

Three ways to name what is wanted, told by the name itself:

    6E.v.0   continuous: the front month by volume (c: calendar, n: open interest). The gateway resolves it once, when it
             is subscribed: it follows the roll only in a new session
    6E.FUT   parent: every outright and every calendar spread of it. Spreads (a `-` or `:` in the name) are left out;
             each outright is a symbol of its own: what the catalog maps to it, else its raw name with `.FUT`
    6EZ6     raw symbol

An instrument number means nothing before its mapping message, and nothing in the next session.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime, time, timedelta
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

from actors.collector.databento.mbo_book import MboBook
from protocol.topics import is_symbol

_CONTINUOUS: Final = re.compile(r"^[A-Z0-9]+\.[cvn]\.\d{1,2}$")
_PARENT: Final = re.compile(r"^[A-Z0-9]+\.(?:FUT|OPT|SPOT)$")
_SPREAD: Final = re.compile(r"[-:]")
CHICAGO: Final = "America/Chicago"
NS_PER_S: Final = 1_000_000_000


class Target:
    """One instrument under one canonical symbol, and what is known of its stream in this session."""

    __slots__ = (
        "book", "book_id", "contract_size", "is_withheld", "needs_image", "quote_id", "raw", "symbol", "tick_size",
        "trade_n", "trade_recv_ns",
    )  # fmt: skip

    def __init__(self, symbol: str, raw: str, contract_size: float, tick_size: float = 0.0) -> None:
        self.symbol = symbol
        self.raw = raw
        self.contract_size = contract_size
        self.tick_size = tick_size
        self.is_withheld = False
        """Its prices come in a unit that is not ours: nothing of it is published."""
        self.trade_recv_ns = 0
        self.trade_n = 0
        """Trades with the newest `ts_recv` so far."""
        self.quote_id = 0
        self.book_id = 0
        self.needs_image = False
        """The next book must be a whole one."""
        self.book = MboBook()


class Wanted(NamedTuple):
    """What was asked for under one raw name."""

    symbol: str
    raw: str
    contract_size: float
    tick_size: float


class Rolled(NamedTuple):
    """A symbol stands for another contract from now on."""

    symbol: str
    before: str
    after: str


def stype_of(raw: str) -> str:
    """How a wanted name names: continuous, parent, instrument_id or raw_symbol."""
    if _CONTINUOUS.match(raw):
        return "continuous"
    if _PARENT.match(raw):
        return "parent"
    return "instrument_id" if raw.isdecimal() else "raw_symbol"


def is_spread(raw: str) -> bool:
    """Whether a raw symbol is made of several contracts: `ESZ4-ESH5`, `UD:1V: 12 2311917`."""
    return bool(_SPREAD.search(raw))


def derived_symbol(raw: str, suffix: str = ".FUT") -> str:
    """Canonical name of a raw one that no catalog maps; empty if none can be made of it."""
    name = re.sub(r"[^A-Za-z0-9]+", "_", raw.strip()).upper() + suffix
    return name if is_symbol(name) else ""


class SymbolMap:
    """Instruments of one data set.

    Args:
        canonical: Raw name to the catalog's canonical one, None where it has none.
    """

    def __init__(self, canonical: Callable[[str], str | None] = lambda _raw: None) -> None:
        self.targets: dict[int, tuple[Target, ...]] = {}
        """Instrument number to what it feeds; empty for what is known and not wanted (spreads)."""
        self.contracts: dict[str, str] = {}
        """Canonical symbol to the raw name of the contract it stands for now."""
        self._canonical = canonical
        self._wanted: dict[str, list[Wanted]] = {}

    def want(self, wanted: Wanted) -> None:
        """Ask for a name from the next session on."""
        names = self._wanted.setdefault(wanted.raw, [])
        if all(other.symbol != wanted.symbol for other in names):
            names.append(wanted)

    def forget(self, symbol: str) -> None:
        """Ask for a symbol no more, and take nothing of it from now on."""
        for raw in list(self._wanted):
            names = [wanted for wanted in self._wanted[raw] if wanted.symbol != symbol]
            if names:
                self._wanted[raw] = names
            else:
                del self._wanted[raw]
        self.contracts.pop(symbol, None)
        for instrument, targets in self.targets.items():
            self.targets[instrument] = tuple(target for target in targets if target.symbol != symbol)

    def has(self, symbol: str) -> bool:
        """Whether it is asked for."""
        return any(wanted.symbol == symbol for names in self._wanted.values() for wanted in names)

    @property
    def symbols(self) -> list[str]:
        """Canonical symbols: those asked for that are no parents, and the outrights of those that are."""
        asked = {
            wanted.symbol
            for raw, names in self._wanted.items()
            if stype_of(raw) != "parent"
            for wanted in names
        }
        return sorted(asked | set(self.contracts))

    def by_stype(self) -> dict[str, list[str]]:
        """Raw names to subscribe, by the way they name."""
        found: dict[str, list[str]] = {}
        for raw in sorted(self._wanted):
            found.setdefault(stype_of(raw), []).append(raw)
        return found

    def begin_session(self) -> None:
        """Instrument numbers of the session before mean nothing any more; contracts are remembered."""
        self.targets.clear()

    def map(self, instrument: int, asked: str, raw: str) -> list[Rolled]:
        """A mapping message: from now on this instrument is what `asked` names.

        Returns:
            What rolled by it.
        """
        names = self._wanted.get(asked) or self._wanted.get(raw) or ()
        if not names:
            return []
        if is_spread(raw) and asked != raw:
            self.targets.setdefault(instrument, ())
            return []
        rolled = []
        for wanted in names:
            symbol, is_parent = wanted.symbol, stype_of(wanted.raw) == "parent"
            if is_parent:
                symbol = self._canonical(raw) or derived_symbol(raw)
                if not symbol:
                    continue
            before = self.contracts.get(symbol)
            if before not in (None, raw) and not is_parent:
                rolled.append(Rolled(symbol, str(before), raw))
            self.contracts[symbol] = raw
            self._bind(instrument, Target(symbol, raw, wanted.contract_size, wanted.tick_size))
        return rolled

    def _bind(self, instrument: int, target: Target) -> None:
        here = self.targets.get(instrument, ())
        if any(other.symbol == target.symbol for other in here):
            return  # each subscription of a session tells its mappings: they are the same
        for other, targets in list(self.targets.items()):
            if other != instrument and any(one.symbol == target.symbol for one in targets):
                self.targets[other] = tuple(one for one in targets if one.symbol != target.symbol)
        self.targets[instrument] = (*here, target)

    def target(self, symbol: str) -> Target | None:
        """What feeds a symbol in this session."""
        for targets in self.targets.values():
            for target in targets:
                if target.symbol == symbol:
                    return target
        return None


def next_restart_ns(now_ns: int, restart_at: str) -> int:
    """The next moment, later than now, at which it is `HH:MM` in Chicago; right on days on which the clocks change."""
    zone = ZoneInfo(CHICAGO)
    local = datetime.fromtimestamp(now_ns / NS_PER_S, zone)
    at = time.fromisoformat(restart_at)
    for days in range(3):
        moment = datetime.combine(local.date() + timedelta(days=days), at, zone)
        found_ns = int(moment.timestamp()) * NS_PER_S
        if found_ns > now_ns:
            return found_ns
    raise AssertionError(f"no {restart_at} in the three days after {now_ns}")
