"""A file that says it is pure imports no socket, no clock, no process and no file system."""

import ast
import functools
import re

import pytest

from tests.support.paths import ROOT

IMPURE = {
    "asyncio",
    "ctypes",
    "http",
    "multiprocessing",
    "os",
    "protocol.transport",
    "select",
    "shutil",
    "signal",
    "socket",
    "subprocess",
    "sys",
    "tempfile",
    "threading",
    "time",
    "urllib.request",
    "websocket",
    "zmq",
    "actors.runtime.actor",
    "actors.runtime.background",
    "actors.runtime.clock",
    "actors.runtime.living",
    "actors.runtime.main",
    "actors.runtime.precedence",
}
PURE = re.compile(r"\bPure\.(?:\s|$)")
FOLDERS = ("protocol", "actors", "tapehub")


@functools.cache
def pure_files() -> list[str]:
    found = []
    for folder in FOLDERS:
        for path in sorted((ROOT / folder).rglob("*.py")):
            text = path.read_text()
            if PURE.search(text) and PURE.search(ast.get_docstring(ast.parse(text)) or ""):
                found.append(str(path.relative_to(ROOT)))
    return found


def imported_when_run(name: str) -> set[str]:
    """Modules that the file imports, but for those that only a type checker sees."""
    tree = ast.parse((ROOT / name).read_text())
    tree.body = [
        node
        for node in tree.body
        if not (isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test))
    ]
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return names


def test_there_are_pure_files():
    assert len(pure_files()) > 40


@pytest.mark.parametrize("name", pure_files())
def test_a_pure_file_is_pure(name):
    impure = {
        module
        for module in imported_when_run(name)
        if module in IMPURE or any(module.startswith(other + ".") for other in IMPURE)
    }
    assert not impure, f"{name} says that it is pure and imports {', '.join(sorted(impure))}"
