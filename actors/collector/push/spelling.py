"""What a source calls an instrument to its canonical name, remembered: ticks repeat a few names for ever. Pure."""

from __future__ import annotations

from typing import Final

from actors.collector.push.settings import SourceSettings
from protocol.errors import HubError, UnknownSymbol
from protocol.naming import Names

REMEMBERED: Final = 5000
SUGGESTING: Final = 5
"""Unknown names of one request that are compared with all that there are: that takes milliseconds each."""


class Spelling:
    """The names of all sources.

    Args:
        names: Every name of every instrument.
        sources: What is configured of single sources.
    """

    def __init__(self, names: Names, sources: dict[str, SourceSettings]) -> None:
        self._names = names
        self._sources = sources
        self._known: dict[tuple[str, str], str | HubError] = {}
        self._left = SUGGESTING

    def begin(self) -> None:
        """A request begins."""
        self._left = SUGGESTING

    def symbol(self, source: str, name: str) -> str:
        """The canonical name.

        Raises:
            UnknownSymbol: nothing is called so.
            InvalidRequest: several instruments are.
        """
        key = source, name
        found = self._known.get(key)
        if found is None:
            if not self._left:
                raise UnknownSymbol(f"no instrument {name!r}", symbol=name, suggestions=[])
            found = self._look(source, name)
            if len(self._known) >= REMEMBERED:
                self._known.clear()
            self._known[key] = found
        if isinstance(found, HubError):
            raise found
        return found

    def _look(self, source: str, name: str) -> str | HubError:
        settings = self._sources.get(source, SourceSettings())
        own = settings.symbols.get(name)
        try:
            if own is not None:
                return self._names.catalog.get(own).symbol
            return self._names.resolve(name, settings.broker).symbol
        except HubError as refusal:
            self._left -= 1
            return refusal


def problems(names: Names, sources: dict[str, SourceSettings]) -> list[str]:
    """Names in the settings that lead nowhere."""
    found = []
    for source, settings in sources.items():
        if settings.broker and settings.broker not in names.owners:
            found.append(f"push.sources.{source}.broker: no broker {settings.broker!r} in symbols.yaml")
        for name, symbol in settings.symbols.items():
            try:
                names.catalog.get(symbol)
            except UnknownSymbol as unknown:
                found.append(f"push.sources.{source}.symbols.{name}: {unknown.message}")
    return found
