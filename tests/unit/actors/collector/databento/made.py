"""Records made up for tests, and a reader of them."""

from __future__ import annotations

from typing import Any

from actors.collector.databento.records import Records
from actors.collector.databento.sources import sources_of
from actors.collector.databento.symbols import SymbolMap, Target

AT_NS = 1_719_878_280_000_000_000
SYMBOL = "6E.FUT"
INSTRUMENT = 42


def reader(*schemas: str, contract_size: float = 1.0, tick_size: float = 0.0) -> Records:
    """A reader of these schemas to which instrument 42 is 6E.FUT."""
    symbols = SymbolMap()
    symbols.targets[INSTRUMENT] = (Target(SYMBOL, "6EZ6", contract_size, tick_size),)
    return Records(symbols, sources_of(schemas))


def joined(*records: Any) -> bytes:
    """Their bytes, back to back."""
    return b"".join(bytes(record) for record in records)
