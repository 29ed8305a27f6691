"""What a person lays over the files: `TAPEHUB__SECTION__KEY`, `--set section.key=value`, and `${VAR}` in values.

An actor's name has dots: `--set actors.hub.1.x=5` finds it among the names that exist, and the environment
writes it with underscores, `TAPEHUB__ACTORS__HUB_1__X=5`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from actors.runtime.yaml_source import PathKey, dotted, parse_value

if TYPE_CHECKING:
    from actors.runtime.layers import Tree

ENVIRONMENT_PREFIX: Final = "TAPEHUB__"
_REFERENCE: Final = re.compile(r"\$(?:(\$)|\{file:([^}]+)\}|\{([A-Za-z_][A-Za-z0-9_]*)(?::-([^}]*))?\})")


def set_variables(tree: Tree, variables: Mapping[str, str]) -> None:
    """Lay the environment's settings upon a tree."""
    for name in sorted(variables):
        if name.startswith(ENVIRONMENT_PREFIX):
            _set_variable(tree, name, variables[name])


def set_overrides(tree: Tree, texts: Sequence[str]) -> None:
    """Lay `section.key=value` texts upon a tree."""
    for text in texts:
        _override(tree, text)


def resolve(data: Any, parts: Sequence[str], fold: Callable[[str], str] = str) -> list[str]:
    """Split points of a dotted path against the keys that exist: `actors.hub.1.x` is three keys, not four.

    Args:
        data: The mapping to walk.
        parts: The path, split at every dot.
        fold: Makes two spellings equal, for example by ignoring case.
    """
    found: list[str] = []
    rest = list(parts)
    while rest:
        keys = {fold(key): key for key in data} if isinstance(data, Mapping) else {}
        for length in range(len(rest), 0, -1):
            key = keys.get(fold(".".join(rest[:length])))
            if key is not None:
                break
        else:
            key, length = rest[0], 1
        found.append(key)
        data = data.get(key) if isinstance(data, Mapping) else None
        rest = rest[length:]
    return found


def _override(tree: Tree, text: str) -> None:
    name, is_set, value = text.partition("=")
    place = f"--set {name.strip()}"  # not the value, it may be a secret
    if not is_set or not name.strip():
        tree.problems.append(f"{place}: write it as section.key=value")
        return
    path = resolve(tree.data, name.strip().split("."))
    if path[0] == "actors" and len(path) > 2 and path[1] not in tree.data.get("actors", {}):
        if not value.lstrip().startswith("{"):
            tree.problems.append(f"{place}: {_unknown_actor(tree, '.'.join(path[1:-1]))}")
            return
        path = ["actors", ".".join(path[1:])]  # a whole new actor: `actors.hub.2={}`
    _put_text(tree, path, value, place)


def _set_variable(tree: Tree, name: str, value: str) -> None:
    place = f"environment {name}"
    parts = name.removeprefix(ENVIRONMENT_PREFIX).split("__")
    if not all(parts):
        tree.problems.append(f"{place}: write it as {ENVIRONMENT_PREFIX}SECTION__KEY")
        return
    path: list[str] = []
    data: Any = tree.data
    for part in parts:  # one part is one key here, so an actor's dots are written as _
        (key,) = resolve(data, [part], _folded)
        path.append(key if isinstance(data, Mapping) and key in data else part.lower())
        data = data.get(path[-1]) if isinstance(data, Mapping) else None
    if path[0] == "actors" and len(path) > 1 and path[1] not in tree.data.get("actors", {}):
        tree.problems.append(f"{place}: {_unknown_actor(tree, path[1])}")
        return
    _put_text(tree, path, value, place)


def _folded(key: str) -> str:
    return key.lower().replace(".", "_").replace("-", "_")


def _put_text(tree: Tree, path: list[str], text: str, place: str) -> None:
    try:
        tree.put(path, parse_value(text), place)
    except ValueError as fault:
        tree.problems.append(f"{place}: {dotted(tuple(path))}: {fault}")


def _unknown_actor(tree: Tree, name: str) -> str:
    known = ", ".join(tree.data.get("actors") or {}) or "none"
    return f"no actor {name!r} in the configuration; there are: {known}"


def expanded(tree: Tree, value: Any, variables: Mapping[str, str], path: PathKey = ()) -> Any:
    """Value with `${VAR}`, `${VAR:-default}`, `${file:/path}` and `$$` replaced in its strings."""
    if isinstance(value, dict):
        return {key: expanded(tree, inner, variables, (*path, key)) for key, inner in value.items()}
    if isinstance(value, list):
        return [expanded(tree, inner, variables, (*path, index)) for index, inner in enumerate(value)]
    if not isinstance(value, str) or "$" not in value:
        return value

    def replace(match: re.Match[str]) -> str:
        if match[1]:
            return "$"
        file: str | None = match[2]
        if file:
            try:
                return (tree.path.parent / Path(file).expanduser()).read_text(encoding="utf-8").strip()
            except (OSError, UnicodeDecodeError) as fault:
                tree.problems.append(
                    f"{tree.where(path)}: {dotted(path)}: cannot read {file}: {fault.__class__.__name__}"
                )
                return ""
        name, default = match[3], match[4]
        found: str | None = variables.get(name, default)
        if found is None:
            text = f"${{{name}}} is not set in the environment; set it, or write ${{{name}:-default}}"
            tree.problems.append(f"{tree.where(path)}: {dotted(path)}: {text}")
            return ""
        return found

    return _REFERENCE.sub(replace, value)
