"""YAML to plain data in which every scalar is still a string, with the place of each value. Pure.

Typing is left to the schema, so `NO` is a symbol and `0123` keeps its zero. A key without a value is None:
later it means "the default". Everything wrong with a file is collected, not raised.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import yaml

PathKey = tuple[str | int, ...]
"""Way from the top to a value: mapping keys and list positions."""

_Loader: Final = getattr(yaml, "CBaseLoader", yaml.BaseLoader)


MAX_DEPTH: Final = 40
"""Of mappings and lists in one another; the settings have seven."""


class Place(NamedTuple):
    """Where a key and its value stand."""

    key: str
    value: str


class Source:
    """One parsed file.

    Args:
        text: Its contents.
        name: What problems call it.
    """

    def __init__(self, text: str, name: str) -> None:
        self.name = name
        self.data: Any = None
        self.places: dict[PathKey, Place] = {}
        self.problems: list[str] = []
        self._open: list[int] = []
        try:
            node = yaml.compose(text, Loader=_Loader) if self._is_flat(text) else None
        except yaml.MarkedYAMLError as fault:
            mark = fault.problem_mark or fault.context_mark
            self.problems.append(f"{self._at(mark)}: {_sentence(fault)}")
        except yaml.YAMLError as fault:
            self.problems.append(f"{name}: {' '.join(str(fault).split())}")
        else:
            if node is not None:
                self.places[()] = Place(self._at(node.start_mark), self._at(node.start_mark))
                self.data = self._plain(node, ())

    def _is_flat(self, text: str) -> bool:
        """Whether it is not nested so deep that the library, which calls itself for each level, would end the process."""
        depth = 0
        for event in yaml.parse(text, Loader=_Loader):
            if isinstance(event, yaml.CollectionStartEvent):
                depth += 1
            elif isinstance(event, yaml.CollectionEndEvent):
                depth -= 1
            if depth > MAX_DEPTH:
                self.problems.append(f"{self._at(event.start_mark)}: nested deeper than {MAX_DEPTH} levels")
                return False
        return True

    def _at(self, mark: Any) -> str:
        return f"{self.name}:{mark.line + 1}:{mark.column + 1}" if mark is not None else self.name

    def _plain(self, node: yaml.Node, path: PathKey) -> Any:
        if id(node) in self._open:
            self.problems.append(f"{self._at(node.start_mark)}: {dotted(path)}: an alias that holds itself")
            return None
        self._open.append(id(node))
        try:
            if isinstance(node, yaml.MappingNode):
                return self._mapping(node, path)
            if isinstance(node, yaml.SequenceNode):
                return self._list(node, path)
            is_plain = not getattr(node, "style", None)
            return None if is_plain and node.value in ("", "~") else node.value
        finally:
            self._open.pop()

    def _list(self, node: yaml.SequenceNode, path: PathKey) -> list[Any]:
        rows = []
        for index, item in enumerate(node.value):
            at = self._at(item.start_mark)
            self.places[*path, index] = Place(at, at)
            rows.append(self._plain(item, (*path, index)))
        return rows

    def _mapping(self, node: yaml.MappingNode, path: PathKey) -> dict[str, Any]:
        rows: dict[str, Any] = {}
        for key_node, value_node in node.value:
            at = self._at(key_node.start_mark)
            if not isinstance(key_node, yaml.ScalarNode):
                self.problems.append(f"{at}: {dotted(path)}: a key must be a word, not a list or mapping")
                continue
            key = str(key_node.value)
            if key in rows:
                first = self.places[*path, key].key
                self.problems.append(f"{at}: {dotted((*path, key))}: is already set at {first}")
                continue
            self.places[*path, key] = Place(at, self._at(value_node.start_mark))
            rows[key] = self._plain(value_node, (*path, key))
        return rows


def parse_value(text: str) -> Any:
    """A value typed in a shell: `[a, b]` and `{a: 1}` are read as YAML, everything else is text as it is.

    Raises:
        ValueError: it begins like a list or a mapping, but is none.
    """
    if not text.lstrip().startswith(("[", "{")):
        return text
    source = Source(text, "value")
    if source.problems:
        raise ValueError(source.problems[0].partition(": ")[2])
    return source.data


def dotted(path: PathKey) -> str:
    """A path as people write it: `actors.hub.1.symbols[2]`."""
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text or "the file"


def _sentence(fault: yaml.MarkedYAMLError) -> str:
    context = f"{fault.context}: " if fault.context else ""
    hint = "; indent with spaces, not tabs" if "token" in str(fault.problem) else ""
    return f"not YAML: {context}{fault.problem}{hint}"
