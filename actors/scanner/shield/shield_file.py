"""From the text of `shield.yaml` to rules, or to every mistake with its place. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from actors.scanner.shield.book import RuleBook
from actors.scanner.shield.catalogue import ShieldFile
from protocol.errors import ConfigError

if TYPE_CHECKING:
    from actors.runtime.yaml_source import PathKey, Source


def parse_shield(text: str, path: str) -> RuleBook:
    """Rules of a file; an empty one has none.

    Args:
        text: Contents of the file, YAML.
        path: What mistakes call it.

    Raises:
        ConfigError: names every mistake as `path:line:column: key: what is wrong`.
    """
    # what reads a person's file is loaded when there is one: an actor starts without
    from actors.runtime.conformity import faults, line  # noqa: PLC0415
    from actors.runtime.yaml_source import Source  # noqa: PLC0415
    from actors.scanner.shield.meaning import meaning_faults  # noqa: PLC0415

    source = Source(text, path)
    if source.data is not None and not isinstance(source.data, dict):
        raise ConfigError([f"{path}:1:1: expected a mapping of keys to values at the top"])
    data = _without_empty(source.data or {})
    sessions = data.get("sessions")
    known = frozenset(sessions) if isinstance(sessions, dict) else frozenset[str]()
    found = [*faults(data, ShieldFile, ()), *meaning_faults(data, ShieldFile, (), known)]

    def where(key: PathKey, *, is_key: bool = False) -> str:
        return _where(source, key, is_key=is_key)

    found.sort(key=lambda fault: _line_and_column(where(fault.path, is_key=fault.is_key)))
    problems = source.problems + [line(fault, where) for fault in found]
    if problems:
        raise ConfigError(problems)
    return RuleBook(msgspec.convert(data, ShieldFile, strict=False))


def _where(source: Source, path: PathKey, *, is_key: bool) -> str:
    """Place of a value or its key, or of the nearest thing around it."""
    for length in range(len(path), -1, -1):
        place = source.places.get(path[:length])
        if place is not None:
            return place.key if is_key and length == len(path) else place.value
    return source.name


def _line_and_column(place: str) -> list[int]:
    return [int(part) for part in place.split(":")[-2:] if part.isdigit()]


def _without_empty(data: dict[str, Any]) -> dict[str, Any]:
    """A key without a value means its default; a rule without one has all defaults."""
    kept = {key: value for key, value in data.items() if value is not None}
    rules = kept.get("rules")
    if isinstance(rules, dict):
        kept["rules"] = {name: {} if row is None else row for name, row in rules.items()}
    return {key: _filled(value) for key, value in kept.items()}


def _filled(data: Any) -> Any:
    if isinstance(data, dict):
        return {key: _filled(value) for key, value in data.items() if value is not None}
    return [_filled(item) for item in data] if isinstance(data, list) else data
