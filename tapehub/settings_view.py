"""The configuration as people look at it: every default filled in, secrets hidden; and its JSON schema."""

from __future__ import annotations

import ast
import inspect
import itertools
import textwrap
from collections.abc import Mapping
from typing import Any, Final

import msgspec

from actors.runtime.hiding import without_secrets
from actors.runtime.settings import Common, Loaded
from protocol.instruments import Instrument

_SCHEMA_DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"


def effective(loaded: Loaded, sections: Mapping[str, type[msgspec.Struct]]) -> dict[str, Any]:
    """Every setting with the value in force, secrets as `***`.

    Raises:
        ConfigError: a section does not fit.
    """
    whole = msgspec.to_builtins(loaded.common)
    whole["actors"] = {
        name: msgspec.to_builtins(loaded.section(name, sections[name.partition(".")[0]]))
        for name in loaded.common.actors
    }
    hidden: dict[str, Any] = without_secrets(whole)
    return hidden


def json_schema(sections: Mapping[str, type[msgspec.Struct]]) -> dict[str, Any]:
    """JSON schema of tapehub.yaml: an editor completes and checks with it."""
    types: list[type[msgspec.Struct]] = [Common, Instrument, *sections.values()]
    refs, components = msgspec.json.schema_components(types, ref_template="#/$defs/{name}")
    for kind in _structs(types):
        _describe(components.get(kind.__name__, {}), field_docs(kind))
    root = components.pop(Common.__name__)
    root["properties"]["actors"] = {
        "description": field_docs(Common)["actors"],
        "type": "object",
        "patternProperties": {
            f"^{kind}(\\..+)?$": {"anyOf": [ref, {"type": "null"}]}
            for kind, ref in zip(sections, refs[2:], strict=True)
        },
        "additionalProperties": False,
    }
    return {"$schema": _SCHEMA_DIALECT, **root, "title": "tapehub.yaml", "$defs": components}


def field_docs(kind: type[msgspec.Struct]) -> dict[str, str]:
    """Field to the text under it in the source, on one line."""
    tree = ast.parse(textwrap.dedent(inspect.getsource(kind)))
    (body,) = (node.body for node in tree.body if isinstance(node, ast.ClassDef))
    found: dict[str, str] = {}
    for field, text in itertools.pairwise(body):
        if not isinstance(field, ast.AnnAssign) or not isinstance(field.target, ast.Name):
            continue
        if isinstance(text, ast.Expr) and isinstance(text.value, ast.Constant):
            found[field.target.id] = " ".join(str(text.value.value).split())
    return found


def _structs(kinds: list[type[msgspec.Struct]]) -> list[type[msgspec.Struct]]:
    """These and every struct their fields hold."""
    found: list[type[msgspec.Struct]] = []
    for kind in kinds:
        if kind in found:
            continue
        found.append(kind)
        inner = [field.type for field in msgspec.structs.fields(kind)]
        found += [one for one in inner if isinstance(one, type) and issubclass(one, msgspec.Struct)]
    return found


def _describe(schema: dict[str, Any], docs: Mapping[str, str]) -> None:
    for name, text in docs.items():
        if name in schema.get("properties", {}):
            schema["properties"][name]["description"] = text
