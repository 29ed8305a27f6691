"""How many things an object holds on to, by where: what a peer can fill must have an end. Pure."""

from __future__ import annotations

import collections
import types
from collections.abc import Iterator
from typing import Any, Final

_PLAIN: Final = (str, bytes, int, float, bool, type(None), type, types.ModuleType, types.BuiltinFunctionType)


def held(root: Any) -> collections.Counter[str]:
    """Entries of all containers below an object, by the name of the attribute that holds them."""
    found: collections.Counter[str] = collections.Counter()
    seen: set[int] = set()
    queue: list[tuple[str, Any]] = [("", root)]
    while queue:
        name, value = queue.pop()
        if isinstance(value, _PLAIN) or id(value) in seen:
            continue
        seen.add(id(value))
        if isinstance(value, dict | list | set | frozenset | tuple | collections.deque):
            found[name] += len(value)
            entries = value.values() if isinstance(value, dict) else value
            queue += [(name, entry) for entry in entries]
        else:
            queue += [(f"{type(value).__name__}.{attribute}", inner) for attribute, inner in _inside(value)]
    return found


def _inside(value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, types.FunctionType):
        for cell in value.__closure__ or ():
            yield "closure", cell.cell_contents
        return
    if isinstance(value, types.MethodType):
        yield "self", value.__self__
        return
    yield from getattr(value, "__dict__", {}).items()
    for kind in type(value).__mro__:
        slots = kind.__dict__.get("__slots__", ())
        for slot in (slots,) if isinstance(slots, str) else slots:
            name = f"_{kind.__name__.lstrip('_')}{slot}" if slot.startswith("__") else slot
            if hasattr(value, name):
                yield slot, getattr(value, name)
