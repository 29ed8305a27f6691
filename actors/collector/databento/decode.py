"""`tapehub decode databento FILE`: a DBN file through the live path, and what it held. Pure but for reading the file."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from actors.collector.databento.dbn_file import DbnFile
from actors.collector.databento.records import VENUE, Records
from actors.collector.databento.sources import schemas_of_types, sources_of
from actors.collector.databento.summary import Summary
from actors.collector.databento.symbols import SymbolMap, Target, Wanted, derived_symbol, is_spread
from protocol.instruments import Catalog
from protocol.messages import Bar, Book, Message, Quote, Trade

_MESSAGES: Final = (Trade, Quote, Book, Bar)


class DbnDecoder:
    """Decodes one file.

    Args:
        catalog: Canonical names and contract sizes; symbols that it does not map get derived ones, sizes in contracts.
        market: Market of its names in the catalog.
    """

    def __init__(self, catalog: Catalog | None = None, market: str = "glbx") -> None:
        self.summary = Summary(None)
        self._catalog = catalog
        self._market = market

    def messages(self, path: Path) -> Iterator[Message]:
        """Messages of a file, in order; `summary` is complete at the end.

        Raises:
            UnreadableRecording: says why.
        """
        file = DbnFile(path)
        metadata, summary = file.metadata, Summary(file.metadata)
        self.summary = summary
        if metadata is None or metadata.schema is None:
            blocks = list(
                file.blocks()
            )  # several schemas: which of them gives the trades is known at the end
            for block in blocks:
                summary.add(block)
            sources = sources_of(schemas_of_types(summary.types))
        else:
            blocks, sources = [], sources_of([metadata.schema])
        records = Records(self._symbols(file), sources)
        for block in blocks or file.blocks():
            if not blocks:
                summary.add(block)
            for outcome in records.take(block):
                if isinstance(outcome, _MESSAGES):
                    summary.kinds[outcome.KIND] += 1
                    yield outcome
                else:
                    name = type(outcome).__name__.lower()
                    records.ignored[name] += 1
        summary.rejects, summary.ignored = dict(records.dropped), dict(records.ignored)

    def _symbols(self, file: DbnFile) -> SymbolMap:
        symbols = _FileSymbols(self)
        if file.metadata is not None:
            for asked, intervals in file.metadata.mappings.items():
                for interval in intervals:
                    if interval.symbol.isdecimal():
                        symbols.name(int(interval.symbol), asked)
        return symbols

    def target(self, raw: str) -> Target | None:
        """What a raw name feeds; None: nothing (a spread)."""
        known = self._catalog.canonical(VENUE, self._market, raw) if self._catalog else None
        if known is not None and self._catalog is not None:
            instrument = self._catalog.get(known)
            return Target(known, raw, instrument.contract_size, instrument.tick_size)
        symbol = "" if is_spread(raw) else derived_symbol(raw)
        return Target(symbol, raw, 1.0) if symbol else None


class _FileSymbols(SymbolMap):
    """Everything in a file is wanted."""

    def __init__(self, decoder: DbnDecoder) -> None:
        super().__init__()
        self._decoder = decoder

    def name(self, instrument: int, raw: str) -> None:
        """An instrument of the header or of a mapping record."""
        target = self._decoder.target(raw)
        self.targets[instrument] = (target,) if target else ()

    def map(self, instrument: int, asked: str, raw: str) -> list[object]:  # type: ignore[override]  # nothing rolls in a file
        """A mapping record."""
        if instrument not in self.targets:
            self.want(Wanted(asked, asked, 1.0, 0.0))
            self.name(instrument, raw if is_spread(raw) else asked)
        return []
