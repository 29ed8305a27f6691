"""A configuration file to start from: every setting with a word about it, those at their default commented out.

`config/tapehub.yaml` is written by this, and a test compares them: no setting is missing there, none is stale.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import msgspec

from actors.runtime.hiding import without_secrets
from actors.runtime.layers import base_of
from actors.runtime.settings import Common, Loaded
from tapehub.settings_view import field_docs

HEADER: Final = """\
# The default system: a simulated exchange on this machine, a collector that reads it as it would read Binance,
# candles with indicators, order flow, detectors of what is unusual, and the hub that answers engines. No account
# and no internet needed; live: config/examples/.
#
#   tapehub config check     every mistake at once, with file:line:column
#   tapehub config show      what is in force after all layers: defaults < this file < conf.d/*.yaml
#                            < TAPEHUB__SECTION__KEY in the environment or .env < --set section.key=value
#
# Every setting stands here; those behind a # have their default value. In full: docs/configuration.md.
# ${VAR}, ${VAR:-default} and ${file:/path} are replaced in values. `tapehub config template` prints this file anew.
"""
_COLUMN: Final = 46
_WIDTH: Final = 116
_NEEDS_QUOTES: Final = re.compile(r"[:#@&*!|>%`{}\[\],'\"]|^\s|\s$|^[-?~]|^$")
_SENTENCE_END: Final = re.compile(r"(?<=[\w)`])[.](?:\s|$)")
_CLAUSE_END: Final = re.compile(r"(?<=[\w)`])[.;](?:\s|$)")


def template(loaded: Loaded, sections: Mapping[str, type[msgspec.Struct]]) -> str:
    """Text of the file for a configuration: what it sets stays set."""
    assert loaded.tree is not None, "made from YAML"
    data = without_secrets(loaded.tree.data)
    run_dir, base = Path(loaded.common.run_dir), base_of(loaded.tree.path)
    data["run_dir"] = str(run_dir.relative_to(base)) if run_dir.is_relative_to(base) else str(run_dir)
    lines = [HEADER]
    nested: list[tuple[str, type[msgspec.Struct]]] = []
    for field in msgspec.structs.fields(Common):
        if isinstance(field.type, type) and issubclass(field.type, msgspec.Struct):
            nested.append((field.name, field.type))
        elif field.name != "actors":
            lines += _setting(field, field_docs(Common)[field.name], data, 0)
    for name, kind in nested:
        lines += ["", f"{name}:", *_settings(kind, data.get(name, {}), 2)]
    lines += ["", "actors:  # name: its settings; the kind is the text before the first dot"]
    for index, (name, row) in enumerate(data["actors"].items()):
        lines += [""] * bool(index)
        lines += [f"  {name}:", *_settings(sections[name.partition(".")[0]], row, 4)]
    return "\n".join(lines) + "\n"


def _settings(kind: type[msgspec.Struct], data: Mapping[str, Any], indent: int) -> Iterator[str]:
    docs = field_docs(kind)
    for field in msgspec.structs.fields(kind):
        is_part = isinstance(field.type, type) and issubclass(field.type, msgspec.Struct)
        if not is_part or field.name in data:  # parts of another sort of source would only be in the way
            yield from _setting(field, docs[field.name], data, indent)


def _setting(field: Any, doc: str, data: Mapping[str, Any], indent: int) -> Iterator[str]:
    is_set = field.name in data
    value = data[field.name] if is_set else default_of(field)
    margin = " " * indent
    line = f"{margin}{'' if is_set else '# '}{field.name}: {flow(value)}"
    remarks = [doc.rstrip("."), _SENTENCE_END.split(doc)[0], _CLAUSE_END.split(doc)[0]]
    for remark in remarks:
        if len(line) < _COLUMN and _COLUMN + len(remark) <= _WIDTH:
            yield f"{line:<{_COLUMN}}# {remark}"
            return
    yield from (f"{margin}# {part}" for part in textwrap.wrap(remarks[1] + ":", _WIDTH - indent - 2))
    yield line


def default_of(field: Any) -> Any:
    """Default of a struct's field, as plain data."""
    return msgspec.to_builtins(
        field.default_factory() if field.default is msgspec.NODEFAULT else field.default
    )


def flow(value: Any) -> str:
    """Value as YAML on one line."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {flow(one)}" for key, one in value.items()) + "}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(flow, value))}]"
    if isinstance(value, float):
        return f"{value:.15g}"
    text = "" if value is None else str(value)
    return f'"{text}"' if _NEEDS_QUOTES.search(text) else text
