"""The layers of a configuration, merged: file < conf.d < environment (.env) < --set.

Defaults are the lowest layer; they live in the settings structs. Every value remembers where it was set.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from actors.runtime import overrides as person
from actors.runtime.yaml_source import PathKey, Place, Source
from protocol.errors import ConfigError

CONFIG_VARIABLE: Final = "TAPEHUB_CONFIG"
HOST_VARIABLE: Final = "TAPEHUB_HOST"
DEFAULT_FILE: Final = Path("config") / "tapehub.yaml"
_CHECKOUT: Final = Path(__file__).resolve().parents[2]


class Tree:
    """Plain data of all layers, where each value stands, and what was wrong with reading it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.base = base_of(path)
        """Folder that relative paths of the configuration count from."""
        self.data: dict[str, Any] = {}
        self.symbols: dict[str, Any] = {}
        self.brokers: Any = {}
        """What the symbols file has under `brokers`, which is no symbol."""
        self.files: list[str] = []
        self.problems: list[str] = []
        self._places: dict[PathKey, Place] = {}

    def where(self, path: PathKey, *, is_key: bool = False) -> str:
        """Place of a value, or of its key; of the nearest thing around it where it has none itself.

        Paths that begin with `symbols` stand in the symbols file.
        """
        for length in range(len(path), -1, -1):
            place = self._places.get(path[:length])
            if place is not None:
                return place.key if is_key and length == len(path) else place.value
        return shown(self.path)

    def add_file(self, path: Path, under: PathKey = ()) -> Any:
        """Read one YAML file and remember its places; returns its data, None where there is none."""
        name = shown(path)
        self.files.append(name)
        try:
            text = path.read_text(encoding="utf-8")
        except OSError as fault:
            self.problems.append(f"{name}: cannot read it: {fault.strerror}")
            return None
        except UnicodeDecodeError as fault:
            self.problems.append(f"{name}: not UTF-8 text: {fault.reason} at byte {fault.start}")
            return None
        source = Source(text, name)
        self.problems += source.problems
        if source.data is not None and not isinstance(source.data, dict):
            self.problems.append(f"{name}:1:1: expected a mapping of keys to values at the top")
            return None
        self._places.update({(*under, *path): place for path, place in source.places.items()})
        return source.data

    def put(self, path: Sequence[str], value: Any, place: str) -> None:
        """Set one value, making the mappings on the way to it."""
        level = self.data
        for part in path[:-1]:
            inner = level.get(part)
            if not isinstance(inner, dict):
                inner = level[part] = {}
            level = inner
        level[path[-1]] = value
        self._places[tuple(path)] = Place(place, place)


def read(path: Path | None, overrides: Sequence[str], environ: Mapping[str, str]) -> Tree:
    """Read all layers.

    Raises:
        ConfigError: there is no configuration file at all.
    """
    tree = Tree(find(path, environ))
    merge(tree.data, tree.add_file(tree.path) or {})
    for extra in sorted((tree.path.parent / "conf.d").glob("*.yaml")):
        merge(tree.data, tree.add_file(extra) or {})
    variables = _dotenv(tree) | dict(environ)
    _set_host(tree, variables)
    person.set_variables(tree, variables)
    person.set_overrides(tree, overrides)
    tree.data = person.expanded(tree, tree.data, variables)
    tree.data = _without_empty(tree.data)
    _settle_run_dir(tree)
    _read_symbols(tree)
    return tree


def find(path: Path | None, environ: Mapping[str, str]) -> Path:
    """The configuration file: as told, `$TAPEHUB_CONFIG`, or the nearest `config/tapehub.yaml` upwards.

    Raises:
        ConfigError: it is not there; says where it was looked for.
    """
    named = path or (Path(environ[CONFIG_VARIABLE]) if environ.get(CONFIG_VARIABLE) else None)
    if named is not None:
        if named.is_file():
            return Path(os.path.abspath(named))  # noqa: PTH100 - without following links: they may lead out of the folder
        origin = "" if path else f" (from ${CONFIG_VARIABLE})"
        raise ConfigError([f"{named}: no such file{origin}"])
    here = Path.cwd()
    for folder in (here, *here.parents, _CHECKOUT):
        if (folder / DEFAULT_FILE).is_file():
            return folder / DEFAULT_FILE
    raise ConfigError(
        [f"no {DEFAULT_FILE} in {here} or above it: name the file with --config or ${CONFIG_VARIABLE}"]
    )


def base_of(path: Path) -> Path:
    """Folder that relative paths count from: the one above `config/`, else the file's own."""
    for folder in (path.parent, path.parent.parent):
        if folder.name == "config":
            return folder.parent
    return path.parent


def shown(path: Path) -> str:
    """A path as short as it stays clear: relative where it is below the working directory."""
    here = Path.cwd()
    return str(path.relative_to(here)) if path.is_relative_to(here) else str(path)


def merge(under: dict[str, Any], over: Mapping[str, Any]) -> None:
    """Lay `over` upon `under`, in place: mappings merge, everything else is replaced."""
    for key, value in over.items():
        mine = under.get(key)
        if isinstance(mine, dict) and isinstance(value, dict):
            merge(mine, value)
        elif value is not None or key not in under:
            under[key] = value


def _dotenv(tree: Tree) -> dict[str, str]:
    """Variables of `.env` beside the configuration; those of the real environment win over them."""
    path = tree.path.parent / ".env"
    found: dict[str, str] = {}
    if not path.is_file():
        return found
    tree.files.append(shown(path))
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        text = line.strip().removeprefix("export ")
        if not text or text.startswith("#"):
            continue
        name, is_set, value = text.partition("=")
        if is_set:
            found[name.strip()] = value.strip().strip("'\"")
        else:
            tree.problems.append(f"{shown(path)}:{number}:1: write it as NAME=value")
    return found


def _set_host(tree: Tree, variables: Mapping[str, str]) -> None:
    """Which host this is, where there are several: one file serves all of them."""
    if tree.data.get("hosts") and variables.get(HOST_VARIABLE):
        tree.put(["host"], variables[HOST_VARIABLE], f"environment {HOST_VARIABLE}")


def _without_empty(data: dict[str, Any]) -> dict[str, Any]:
    """A key without a value means its default; an actor without one has all defaults."""
    kept = {key: value for key, value in data.items() if value is not None}
    for key, value in kept.items():
        if isinstance(value, dict):
            filled = {name: {} if row is None else row for name, row in value.items()}
            kept[key] = _without_empty(filled if key == "actors" else value)
    return kept


def _settle_run_dir(tree: Tree) -> None:
    run_dir = tree.data.get("run_dir", "var")
    if isinstance(run_dir, str):
        tree.data["run_dir"] = os.path.normpath(tree.base / Path(run_dir).expanduser())


def _read_symbols(tree: Tree) -> None:
    name = tree.data.get("symbols_file", "symbols.yaml")
    if isinstance(name, str):
        path = os.path.normpath(tree.path.parent / Path(name).expanduser())
        data = tree.add_file(Path(path), ("symbols",)) or {}
        tree.brokers = _filled(data.pop("brokers", None) or {})
        tree.symbols = _filled(data)


def _filled(rows: Any) -> Any:
    """Entries without a value have all defaults."""
    return (
        {name: {} if row is None else row for name, row in rows.items()} if isinstance(rows, dict) else rows
    )
