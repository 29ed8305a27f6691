"""Does plain data fit a settings struct? Every fault, each with its place and a hint. Pure.

msgspec stops at the first mistake and does not know the file; this walks data and types side by side and asks
msgspec about the leaves, so that both always agree on what is right.
"""

from __future__ import annotations

import types
import typing
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final, Literal, NamedTuple, Union

import msgspec

from actors.runtime.hiding import is_secret, masked_url
from actors.runtime.yaml_source import PathKey, dotted
from protocol.likeness import nearest

Where = Callable[..., str]
"""`where(path, is_key=False)` to `file:line:column`."""

_SEQUENCES: Final = (list, tuple, set, frozenset)


class Fault(NamedTuple):
    """One mistake."""

    path: PathKey
    text: str
    is_key: bool = False
    """It is about the key, not its value."""


def problems_of(data: Any, kind: Any, path: PathKey, where: Where) -> list[str]:
    """Every mistake as `place: dotted.path: text`."""
    return [line(fault, where) for fault in faults(data, kind, path)]


def line(fault: Fault, where: Where) -> str:
    """What a person reads of a mistake."""
    return f"{where(fault.path, is_key=fault.is_key)}: {dotted(fault.path)}: {fault.text}"


def faults(data: Any, kind: Any, path: PathKey) -> Iterator[Fault]:
    """Walk data and type side by side."""
    if _fits(data, kind):
        return
    bare = typing.get_args(kind)[0] if typing.get_origin(kind) is typing.Annotated else kind
    origin = typing.get_origin(bare) or bare
    if origin in (Union, types.UnionType):
        bare = _likely_member(data, bare)
        origin = typing.get_origin(bare) or bare
    inner: list[Fault] = []
    if isinstance(origin, type) and issubclass(origin, msgspec.Struct) and isinstance(data, dict):
        inner = list(_struct_faults(data, origin, path))
    elif origin is dict and isinstance(data, dict):
        inner = list(_dict_faults(data, bare, path))
    elif origin in _SEQUENCES and isinstance(data, list):
        item_kind = (typing.get_args(bare) or (Any,))[0]
        for index, item in enumerate(data):
            inner += faults(item, item_kind, (*path, index))
    yield from inner or [Fault(path, _complaint(data, kind, path))]


def _fits(data: Any, kind: Any) -> bool:
    try:
        msgspec.convert(data, kind, strict=False)
    except msgspec.ValidationError:
        return False
    return True


def _likely_member(data: Any, union: Any) -> Any:
    """The member of a union that the person meant, judged by the shape of the value."""
    for member in typing.get_args(union):
        origin = typing.get_origin(member) or member
        is_struct = isinstance(origin, type) and issubclass(origin, msgspec.Struct)
        if isinstance(data, dict) and (is_struct or origin is dict):
            return member
        if isinstance(data, list) and origin in _SEQUENCES:
            return member
    return union


def _struct_faults(data: dict[str, Any], kind: type[msgspec.Struct], path: PathKey) -> Iterator[Fault]:
    fields = {field.encode_name: field for field in msgspec.structs.fields(kind)}
    for key, value in data.items():
        if key in fields:
            yield from faults(value, fields[key].type, (*path, key))
        else:
            yield Fault((*path, key), f"unknown key{hint(key, fields)}", is_key=True)
    for name, field in fields.items():
        if field.required and name not in data:
            yield Fault(path, f"{name} is missing: it has no default")


def _dict_faults(data: dict[str, Any], kind: Any, path: PathKey) -> Iterator[Fault]:
    key_kind, value_kind = typing.get_args(kind) or (Any, Any)
    only_keys: Any = types.GenericAlias(dict, (key_kind, Any))
    for key, value in data.items():
        if not _fits({key: 0}, only_keys):
            yield Fault((*path, key), f"expected {expected(key_kind)} as key", is_key=True)
        yield from faults(value, value_kind, (*path, key))


def _complaint(data: Any, kind: Any, path: PathKey) -> str:
    """What was expected of a value that does not fit."""
    try:
        msgspec.convert(data, kind, strict=False)
    except msgspec.ValidationError as fault:
        own_words = str(fault.__cause__) if fault.__cause__ else ""  # raised by a struct's __post_init__
        if own_words:
            return own_words
    shape = "a mapping" if isinstance(data, dict) else "a list" if isinstance(data, list) else ""
    got = shape or ("***" if is_secret(path) else repr(masked_url(str(data))))
    near = hint(data, _choices(kind)) if isinstance(data, str) else ""
    return f"expected {expected(kind)} (got {got}){near}"


def expected(kind: Any) -> str:
    """A type in plain words: `an integer >= 1`, `one of spot, usdm`."""
    limits = ""
    if typing.get_origin(kind) is typing.Annotated:
        kind, *extras = typing.get_args(kind)
        limits = "".join(_limits(extra) for extra in extras if isinstance(extra, msgspec.Meta))
    origin = typing.get_origin(kind) or kind
    choices = _choices(kind)
    if choices:
        return f"one of {', '.join(choices)}"
    if origin in (Union, types.UnionType):
        members = [expected(one) for one in typing.get_args(kind)]
        return " or ".join(members) + limits
    words = {bool: "true or false", int: "an integer", float: "a number", str: "text", type(None): "nothing"}
    if origin in words:
        return words[origin] + limits
    if origin in _SEQUENCES:
        item = (typing.get_args(kind) or (Any,))[0]
        return f"a list{limits}" if item is Any else f"a list of {expected(item)}{limits}"
    if origin is dict or (isinstance(origin, type) and issubclass(origin, msgspec.Struct)):
        return f"a mapping{limits}"
    return f"{getattr(kind, '__name__', kind)}{limits}"


def _limits(meta: msgspec.Meta) -> str:
    bounds = [(">", meta.gt), (">=", meta.ge), ("<", meta.lt), ("<=", meta.le)]
    parts = [
        f"{sign} {bound:g}" if bound < 1e6 else f"{sign} {bound}"
        for sign, bound in bounds
        if bound is not None
    ]
    lengths = [("at least", meta.min_length), ("at most", meta.max_length)]
    parts += [f"of {word} {length}" for word, length in lengths if length is not None]
    if meta.pattern:
        parts.append(f"like {meta.pattern}")
    return "".join(f" {part}" if index == 0 else f" and {part}" for index, part in enumerate(parts))


def _choices(kind: Any) -> list[str]:
    if typing.get_origin(kind) is typing.Annotated:
        kind = typing.get_args(kind)[0]
    found = typing.get_args(kind) if typing.get_origin(kind) is Literal else ()
    return [str(one) for one in found if one != ""]  # nothing to name: the key is left out


def hint(word: str, known: Iterable[str]) -> str:
    """`; did you mean ...?`, empty if nothing known is near."""
    near = nearest(word, known)
    return f"; did you mean {near[0]!r}?" if near else ""
