"""Strategies that can be named: our examples, installed packages, and a folder of files.

A package offers them as entry points of the group `tapehub.strategies`; a file of the folder has `STRATEGIES`, a tuple of
classes (files that begin with `_` or `test_` are left alone). See docs/howto/write-a-strategy.md.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import re
import sys
import traceback
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

import msgspec

from actors.runtime.conformity import faults
from actors.runtime.yaml_source import dotted
from actors.scanner.needs import needs_of
from actors.scanner.settings import StrategySettings
from protocol.errors import ConfigError
from protocol.likeness import nearest
from protocol.strategy import Strategy

GROUP: Final = "tapehub.strategies"
_NAME: Final = re.compile(r"[a-z][a-z0-9_]{0,31}\Z")


def plugins_of(folder: Path) -> dict[str, type[Strategy]]:
    """Name to class of every plugin there is.

    Args:
        folder: Of files; it need not be there.

    Raises:
        ConfigError: a file or package cannot be loaded, or two plugins have one name; names every mistake.
    """
    from actors.scanner.strategies import STRATEGIES  # noqa: PLC0415 - where somebody looks for them

    found: dict[str, tuple[type[Strategy], str]] = {}
    problems: list[str] = []
    _collect(found, STRATEGIES, "tapehub itself", problems)
    for entry in importlib.metadata.entry_points(group=GROUP):
        try:
            _collect(found, [entry.load()], f"package {entry.value}", problems)
        except (Exception, SystemExit) as fault:  # noqa: BLE001 - somebody else's code
            problems.append(f"strategy plugin {entry.name} ({entry.value}) cannot be loaded: {fault!r}")
    for path in sorted(folder.glob("*.py")) if folder.is_dir() else ():
        if path.name.startswith(("_", "test_")):
            continue
        try:
            _collect(found, _strategies_in(path), str(path), problems)
        except (Exception, SystemExit) as fault:  # noqa: BLE001 - a person's file
            problems.append(f"{_place(fault, path)}: cannot be loaded: {_words(fault)}")
    if problems:
        raise ConfigError(problems)
    return {name: kind for name, (kind, _) in found.items()}


def _strategies_in(path: Path) -> Iterable[type[Strategy]]:
    name = f"tapehub_strategies_{path.stem}"
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None, path
    assert spec.loader is not None, path
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # where the types of a `Params` are looked up
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    found: object = getattr(module, "STRATEGIES", None)
    if not isinstance(found, (tuple, list)):
        raise TypeError("it needs `STRATEGIES`, a tuple of classes; a file that is no plugin begins with _")
    return found


def _place(fault: BaseException, path: Path) -> str:
    """File and, where that is known, line at which loading it failed."""
    if isinstance(fault, SyntaxError) and fault.filename == str(path):
        return f"{path}:{fault.lineno}"
    lines = [one.lineno for one in traceback.extract_tb(fault.__traceback__) if one.filename == str(path)]
    return f"{path}:{lines[-1]}" if lines else str(path)


def _words(fault: BaseException) -> str:
    text = fault.msg if isinstance(fault, SyntaxError) else str(fault)
    return f"{type(fault).__name__}: {text}"


def _collect(
    found: dict[str, tuple[type[Strategy], str]],
    kinds: Iterable[type[Strategy]],
    where: str,
    problems: list[str],
) -> None:
    for kind in kinds:
        name = getattr(kind, "name", "")
        if not (isinstance(name, str) and _NAME.match(name)):
            problems.append(
                f"{where}: {kind!r} needs a `name` of a-z, 0-9 and _ that begins with a letter, not {name!r}"
            )
        elif not isinstance(kind, type) or not callable(getattr(kind, "evaluate", None)):
            problems.append(f"{where}: {name} needs to be a class with `evaluate` (see protocol/strategy.py)")
        elif not _is_struct(getattr(kind, "Params", None)):
            problems.append(f"{where}: {name} needs `Params`, a msgspec.Struct (see protocol/strategy.py)")
        elif name in found:
            problems.append(f"{where}: the strategy {name} is that of {found[name][1]} too")
        else:
            found[name] = (kind, where)


def strategies_of(
    wanted: Mapping[str, StrategySettings], plugins: Mapping[str, type[Strategy]]
) -> dict[str, Strategy]:
    """Every strategy that the settings name, with its parameters.

    Raises:
        ConfigError: a plugin or parameter that is not there, a value of the wrong type; names every mistake.
    """
    made: dict[str, Strategy] = {}
    problems: list[str] = []
    for name, settings in wanted.items():
        if not _NAME.match(name):
            problems.append(f"strategies.{name}: a name is a-z, then a-z 0-9 _, at most 32")
            continue
        kind: Any = plugins.get(settings.plugin or name)
        if kind is None:
            problems.append(f"strategies.{name}: {_unknown(settings.plugin or name, plugins)}")
            continue
        wrong = list(_param_problems(settings.params, kind.Params))
        if wrong:
            problems += [f"strategies.{name}.params{one}" for one in wrong]
            continue
        try:
            made[name] = kind(
                msgspec.convert(settings.params, kind.Params, strict=False)
            )  # a file's are texts
            needs_of(made[name])
        except (Exception, SystemExit) as fault:  # noqa: BLE001 - somebody else's code
            problems.append(f"strategies.{name}: {_words(fault)}")
    if problems:
        raise ConfigError(problems)
    return made


def _param_problems(params: Mapping[str, Any], kind: type[msgspec.Struct]) -> Iterable[str]:
    known = [field.encode_name for field in msgspec.structs.fields(kind)]
    for name in params:
        if name not in known:
            near = nearest(name, known)
            hint = f"did you mean {near[0]!r}?" if near else f"there is {', '.join(known) or 'none'}"
            yield f".{name}: no such parameter; {hint}"
    rest = {name: value for name, value in params.items() if name in known}
    try:
        msgspec.convert(rest, kind, strict=False)
    except msgspec.ValidationError as fault:
        found = [f".{dotted(one.path)}: {one.text}" for one in faults(rest, kind, ())]
        yield from found or [f": {fault}"]


def _is_struct(kind: object) -> bool:
    return isinstance(kind, type) and issubclass(kind, msgspec.Struct)


def _unknown(name: str, plugins: Mapping[str, object]) -> str:
    near = nearest(name, plugins)
    hint = f"; did you mean {near[0]!r}?" if near else f"; there is {', '.join(sorted(plugins))}"
    return f"no strategy plugin {name!r}{hint}"
