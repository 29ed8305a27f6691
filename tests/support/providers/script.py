"""Which faults hit a call. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable

from tests.support.providers.faults import ANSWERS, CARRIAGE, DATA, SILENT, Fault
from tests.support.providers.hashing import seed_of, unit


class Script:
    """Faults in their order, and how often each has hit.

    Args:
        faults: Of several that end a call the first one counts; those that change the bars come together.
        seed: Which calls a share of them is.
    """

    def __init__(self, faults: Iterable[Fault] = (), seed: int = 1) -> None:
        self.faults: list[Fault] = list(faults)
        self.hits: Counter[int] = Counter()
        """Number of a fault to the calls that it has hit."""
        self._seen: Counter[int] = Counter()
        self._seed = seed

    def add(self, *faults: Fault) -> None:
        """Behind those that are there."""
        self.faults += faults

    def clear(self) -> None:
        """Behave from now on."""
        self.faults.clear()
        self.hits.clear()
        self._seen.clear()

    def is_refusing(self, provider: str, at_s: float) -> bool:
        """Whether nobody can connect to it now; such a fault knows only times."""
        return any(fault.kind == "refused" and _is_now(fault, provider, at_s) for fault in self.faults)

    def take(self, provider: str, at_s: float, request: str, symbols: Collection[str]) -> list[Fault]:
        """Those that hit a call: one that ends it, or one of carriage at most and any that change the bars.

        Args:
            provider: Who is asked.
            at_s: Seconds after the start of the world.
            request: Path and parameters.
            symbols: Canonical names that it asks for.
        """
        hit = [
            n for n, fault in enumerate(self.faults) if self._hits(n, fault, provider, at_s, request, symbols)
        ]
        chosen = [n for n in hit if self.faults[n].kind in SILENT | ANSWERS][:1]
        if not chosen:
            chosen = [n for n in hit if self.faults[n].kind in CARRIAGE][:1]
            chosen += [n for n in hit if self.faults[n].kind in DATA]
        self.hits.update(chosen)
        return [self.faults[n] for n in chosen]

    def _hits(
        self, number: int, fault: Fault, provider: str, at_s: float, request: str, symbols: Collection[str]
    ) -> bool:
        if not _is_now(fault, provider, at_s) or (fault.calls and self.hits[number] >= fault.calls):
            return False
        if fault.symbols and not set(fault.symbols) & set(symbols):
            return False
        if fault.where not in request:
            return False
        self._seen[number] += 1
        return fault.share >= 1.0 or unit(self._seen[number], seed_of(self._seed, number)) < fault.share


def _is_now(fault: Fault, provider: str, at_s: float) -> bool:
    return fault.provider in ("*", provider) and fault.from_s <= at_s < fault.to_s
