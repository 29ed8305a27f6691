"""Which kinds of actor exist: the packages in `actors`, found by looking."""

from __future__ import annotations

import importlib
import pkgutil
from pathlib import Path
from typing import Any, Final

import msgspec

import actors

FOLDER: Final = Path(next(iter(actors.__path__))).resolve().parent
"""Folder that holds the package `actors`."""


def kinds() -> list[str]:
    """Every kind of actor that can be started."""
    folders = (Path(path) for path in actors.__path__)
    named = (info.name for info in pkgutil.iter_modules([str(folder) for folder in folders]) if info.ispkg)
    return [name for name in named if (FOLDER / "actors" / name / "__main__.py").is_file()]


def settings_of(kind: str) -> type[msgspec.Struct]:
    """Type of the section of one kind: `<Kind>Settings` in `actors/<kind>/settings.py`."""
    module: Any = importlib.import_module(f"actors.{kind}.settings")
    found: type[msgspec.Struct] = getattr(module, f"{kind.capitalize()}Settings")
    return found


def sections() -> dict[str, type[msgspec.Struct]]:
    """Kind to the type of its section."""
    return {kind: settings_of(kind) for kind in kinds()}
