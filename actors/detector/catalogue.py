"""Which rules there are: every file of `rules/` is looked into, so a new one is a file and nothing else. Pure."""

from __future__ import annotations

import functools
import importlib
import pkgutil
import re
from collections.abc import Iterable
from types import ModuleType
from typing import Final

from actors.detector import rules as folder
from actors.detector.rule import Rule

_NAME: Final = re.compile(r"[a-z][a-z0-9_]*\Z")


@functools.cache
def all_rules() -> tuple[type[Rule], ...]:
    """Every rule, by name."""
    names = sorted(found.name for found in pkgutil.iter_modules(folder.__path__))
    return rules_of(importlib.import_module(f"{folder.__name__}.{name}") for name in names)


def rules_of(modules: Iterable[ModuleType]) -> tuple[type[Rule], ...]:
    """The rules that these modules define, by name.

    Raises:
        ValueError: one has no name, or a name is taken.
    """
    found: dict[str, type[Rule]] = {}
    for module in modules:
        for thing in vars(module).values():
            if not (
                isinstance(thing, type) and issubclass(thing, Rule) and thing.__module__ == module.__name__
            ):
                continue
            if not _NAME.match(thing.name):
                raise ValueError(
                    f"{module.__name__}: rule {thing.__name__} needs a name, one lower-case word"
                )
            if thing.name in found:
                raise ValueError(f"{module.__name__}: another rule is called {thing.name!r} already")
            found[thing.name] = thing
    return tuple(found[name] for name in sorted(found))
