"""Compiled code that is kept from run to run, also where the person wants none beside the sources."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Final

import pytest

FOLDER: Final = "bytecode"
"""Below pytest's own cache folder."""
OF_TESTS: Final = ("th-*", "pytest-of-*")
"""Temporary folders that tests make: what is compiled in them is of no use to the next run."""


def keep(config: pytest.Config) -> None:
    """Let this process and those it starts keep compiled code in pytest's cache folder.

    Without it each of hundreds of processes compiles all that it imports, and each worker all tests. It touches
    nothing where Python keeps compiled code as usual, or where pytest has no cache folder.
    """
    cache: pytest.Cache | None = getattr(config, "cache", None)
    if not sys.dont_write_bytecode or cache is None:
        return
    folder = cache.mkdir(FOLDER)
    _forget_temporary(folder)
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    os.environ["PYTHONPYCACHEPREFIX"] = str(folder)
    sys.pycache_prefix = str(folder)
    sys.dont_write_bytecode = False


def _forget_temporary(folder: Path) -> None:
    for parent in {Path("/tmp"), Path(tempfile.gettempdir())}:
        for pattern in OF_TESTS:
            for path in folder.joinpath(*parent.parts[1:]).glob(pattern):
                shutil.rmtree(path, ignore_errors=True)
