"""Code blocks of the documentation, found by the comment `<!-- run: NAME -->` above them."""

from __future__ import annotations

import re
from pathlib import Path


def example(page: Path, name: str) -> str:
    """Source of one block.

    Raises:
        AssertionError: the page has no such block.
    """
    pattern = rf"<!-- run: {re.escape(name)} -->\n```python\n(.*?)```"
    match = re.search(pattern, page.read_text(), flags=re.DOTALL)
    assert match, f"{page.name} has no block {name!r}"
    return match[1]


def code_lines(source: str) -> int:
    """Lines that are neither empty nor a comment."""
    return sum(bool(line.strip()) and not line.strip().startswith("#") for line in source.splitlines())
