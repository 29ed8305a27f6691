"""What types alone cannot refuse in `shield.yaml`: texts that are no times, keys that do not go together. Pure.

Types carry it: a text's `Meta(extra={"check": ...})`, a struct's `complaints`. This looks at plain data, so a mistake is
told beside those of other places and other kinds; what does not fit its type at all is told by `conformity`.
"""

from __future__ import annotations

import types
import typing
from collections.abc import Collection, Iterator
from typing import Any, Final, Union

import msgspec

from actors.runtime.conformity import Fault
from actors.runtime.yaml_source import PathKey

_SEQUENCES: Final = (list, tuple)


def meaning_faults(data: Any, kind: Any, path: PathKey, sessions: Collection[str]) -> Iterator[Fault]:
    """Walk data and type side by side.

    Args:
        data: Of the file; scalars are texts.
        kind: Its type.
        path: To it.
        sessions: Names under `sessions`.
    """
    bare, checks = _split(kind)
    if isinstance(data, str):
        for check in checks:
            words = check(data, sessions)
            if words:
                yield Fault(path, words)
    if typing.get_origin(bare) in (Union, types.UnionType):
        for member in typing.get_args(bare):
            if isinstance(data, _shape(member)):
                yield from meaning_faults(data, member, path, sessions)
    elif isinstance(data, dict) and _shape(bare) is dict:
        yield from _of_mapping(data, bare, path, sessions)
    elif isinstance(data, list) and _shape(bare) is list:
        for index, item in enumerate(data):
            yield from meaning_faults(item, typing.get_args(bare)[0], (*path, index), sessions)


def _of_mapping(data: dict[str, Any], kind: Any, path: PathKey, sessions: Collection[str]) -> Iterator[Fault]:
    if typing.get_origin(kind) is dict:
        key_kind, value_kind = typing.get_args(kind)
        for key, value in data.items():
            for fault in meaning_faults(key, key_kind, (*path, key), sessions):
                yield fault._replace(is_key=True)
            yield from meaning_faults(value, value_kind, (*path, key), sessions)
        return
    if hasattr(kind, "complaints"):
        for words in kind.complaints(data):
            yield Fault(path, words)
    for field in msgspec.structs.fields(kind):
        name = field.encode_name
        if name in data:
            yield from meaning_faults(data[name], field.type, (*path, name), sessions)


def _split(kind: Any) -> tuple[Any, list[Any]]:
    """A type without its notes, and the checks among these."""
    if typing.get_origin(kind) is not typing.Annotated:
        return kind, []
    bare, *notes = typing.get_args(kind)
    extras = [note.extra for note in notes if isinstance(note, msgspec.Meta) and note.extra]
    return bare, [extra["check"] for extra in extras]


def _shape(kind: Any) -> type:
    """What plain data of a type is: dict, list or str."""
    bare, _ = _split(kind)
    origin = typing.get_origin(bare) or bare
    if origin in _SEQUENCES:
        return list
    is_struct = isinstance(origin, type) and issubclass(origin, msgspec.Struct)
    return dict if is_struct or origin is dict else str
