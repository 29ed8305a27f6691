"""The file with the shield's rules."""

from __future__ import annotations

from pathlib import Path

from actors.runtime.reloading import ReloadedFile
from actors.scanner.settings import ScannerSettings
from actors.scanner.shield import Shield, parse_shield
from protocol.errors import ConfigError


class ShieldFile(ReloadedFile):
    """One file and what is in force of it; without one that is optional nothing is vetoed."""

    def __init__(self, path: Path, *, is_optional: bool = False) -> None:
        super().__init__(path, is_optional=is_optional)
        self.shield = Shield(parse_shield("", str(path)))
        """What is in force."""

    def read(self) -> None:
        """Read it and put it in force.

        Raises:
            ConfigError: names every mistake.
        """
        try:
            text = self.path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as fault:
            raise ConfigError([f"{self.path}: cannot be read: {fault}"]) from fault
        self.shield = Shield(parse_shield(text, str(self.path)))


def shield_file_of(settings: ScannerSettings, folder: Path) -> ShieldFile:
    """The file that a scanner's settings name, not read yet; it must be there only if it is named otherwise than by default."""
    is_default = settings.shield_file == ScannerSettings().shield_file
    return ShieldFile(folder / Path(settings.shield_file).expanduser(), is_optional=is_default)
