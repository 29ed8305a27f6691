"""The file with the thresholds: read, checked with the place of each mistake, watched for changes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from actors.detector.rule import Rule
from actors.detector.settings import DetectorSettings
from actors.detector.thresholds import ThresholdBook, file_type
from actors.runtime.reloading import ReloadedFile
from protocol.errors import ConfigError
from protocol.instruments import Catalog
from protocol.likeness import nearest


class DetectorsFile(ReloadedFile):
    """One file and what is in force of it.

    Args:
        path: It.
        rules: The rules there are; by default those in `rules/`.
        catalog: Instruments: a symbol that is named without a pattern must be one of them.
        is_optional: Without the file the defaults are in force.
    """

    def __init__(
        self,
        path: Path,
        catalog: Catalog,
        rules: Sequence[type[Rule]] | None = None,
        *,
        is_optional: bool = False,
    ) -> None:
        super().__init__(path, is_optional=is_optional)
        self.book = ThresholdBook(rules=rules)
        """What is in force."""
        self._catalog = catalog

    def read(self) -> None:
        """Read it and put it in force.

        Raises:
            ConfigError: names every mistake.
        """
        self.book = ThresholdBook(self._read(), self.book.rules)

    def _read(self) -> dict[str, Any]:
        # what reads a person's file is loaded when there is one: an actor starts without
        from actors.runtime import conformity  # noqa: PLC0415
        from actors.runtime.layers import Tree  # noqa: PLC0415

        tree = Tree(self.path)
        data: dict[str, Any] = _without_empty(tree.add_file(self.path) or {})
        problems = list(tree.problems)
        problems += conformity.problems_of(data, file_type(self.book.rules), (), tree.where)
        if not problems:
            problems = [
                f"{tree.where(('symbols', symbol), is_key=True)}: symbols.{symbol}: {self._stranger(symbol)}"
                for symbol in data.get("symbols", {})
                if not any(sign in symbol for sign in "*?[") and symbol not in self._catalog
            ]
        if problems:
            raise ConfigError(problems)
        return data

    def _stranger(self, symbol: str) -> str:
        near = nearest(symbol, self._catalog.symbols)
        return "no such instrument in the symbols file" + (f"; did you mean {near[0]!r}?" if near else "")


def file_of(settings: DetectorSettings, folder: Path, catalog: Catalog) -> DetectorsFile:
    """The file that an actor's settings name, not read yet; it must be there only if it is named otherwise than by default.

    Args:
        settings: Of the actor.
        folder: Of the configuration.
        catalog: Instruments.
    """
    is_default = settings.detectors_file == DetectorSettings().detectors_file
    return DetectorsFile(folder / Path(settings.detectors_file).expanduser(), catalog, is_optional=is_default)


def _without_empty(data: Any) -> Any:
    """A key without a value means its default."""
    if not isinstance(data, dict):
        return data
    return {key: _without_empty(value) for key, value in data.items() if value is not None}
