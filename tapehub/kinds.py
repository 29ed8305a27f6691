"""Which kinds of actor exist: the packages in `actors`, found by looking; and what they find wrong with a configuration."""

from __future__ import annotations

import importlib
import pkgutil
from pathlib import Path
from typing import Any, Final

import msgspec

import actors
from actors.runtime.settings import Loaded
from protocol.errors import ConfigError
from protocol.instruments import Catalog
from protocol.sharding import problems_of_shards
from protocol.stores import problems_of_stores

FOLDER: Final = Path(next(iter(actors.__path__))).resolve().parent
"""Folder that holds the package `actors`."""


def kinds() -> list[str]:
    """Every kind of actor that can be started."""
    folders = (Path(path) for path in actors.__path__)
    named = (info.name for info in pkgutil.iter_modules([str(folder) for folder in folders]) if info.ispkg)
    return [name for name in named if (FOLDER / "actors" / name / "__main__.py").is_file()]


def settings_of(kind: str) -> type[msgspec.Struct]:
    """Type of the section of one kind: `<Kind>Settings` in `actors/<kind>/settings.py`, whatever its capitals."""
    module: Any = importlib.import_module(f"actors.{kind}.settings")
    name = next(name for name in vars(module) if name.lower() == f"{kind}settings")
    found: type[msgspec.Struct] = getattr(module, name)
    return found


def sections() -> dict[str, type[msgspec.Struct]]:
    """Kind to the type of its section."""
    return {kind: settings_of(kind) for kind in kinds()}


def problems_of_actors(loaded: Loaded) -> list[str]:
    """Mistakes that only the actors themselves can see: in the detectors' thresholds, in strategies and their rules, in what
    collectors want of venues, in addresses and secrets of bridges.
    """
    from actors.detector.detectors_file import file_of  # noqa: PLC0415 - only where everything is checked
    from actors.detector.settings import DetectorSettings  # noqa: PLC0415

    catalog = Catalog(loaded.instruments)
    problems: list[str] = []
    for name in loaded.common.actors:
        if name.partition(".")[0] == "detector":
            try:
                file_of(loaded.section(name, DetectorSettings), loaded.folder, catalog).load()
            except ConfigError as error:
                problems += error.problems
    if any(name.partition(".")[0] == "scanner" for name in loaded.common.actors):
        from tapehub.scanners import problems_of_scanners  # noqa: PLC0415

        problems += problems_of_scanners(loaded, catalog)
    if any(name.partition(".")[0] == "bridge" for name in loaded.common.actors):
        from tapehub.bridges import problems_of_bridges  # noqa: PLC0415

        problems += problems_of_bridges(loaded)
    common = loaded.common
    problems += problems_of_stores(common.actors)
    problems += problems_of_shards(common.actors, has_replay=common.bus.replay)
    return list(dict.fromkeys(problems)) + problems_of_venues(loaded, catalog)


def problems_of_venues(loaded: Loaded, catalog: Catalog) -> list[str]:
    """Mistakes in the sections of collectors that their types allow: markets, streams and symbols that are not there."""
    from actors.collector.checks import venue_of  # noqa: PLC0415 - only where everything is checked
    from actors.collector.feeds import complete  # noqa: PLC0415
    from actors.collector.settings import CollectorSettings  # noqa: PLC0415

    problems: list[str] = []
    for name in loaded.common.actors:
        if name.partition(".")[0] == "collector":
            settings = loaded.section(name, CollectorSettings)
            try:
                complete(name, venue_of(name, settings), settings, catalog)
            except ConfigError as error:
                problems += error.problems
    return problems
