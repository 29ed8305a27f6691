"""The recorded market data: found, or a clear reason why a test cannot have it."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any, Final

from tests.support.paths import ROOT

MISSING: Final = (
    "no recordings: set TAPEHUB_DATA to the folder that holds binance/ and truth/ "
    "(looked there and in ../shared/data)"
)


def data_dir() -> Path | None:
    """Folder of the recordings: `TAPEHUB_DATA`, else `../shared/data` beside the checkout, else None."""
    named = os.environ.get("TAPEHUB_DATA")
    folder = Path(named) if named else ROOT.parent / "shared" / "data"
    return folder if (folder / "truth").is_dir() else None


def data_environment() -> dict[str, str]:
    """What a process of ours needs to find the same recordings; empty where there are none."""
    folder = data_dir()
    return {} if folder is None else {"TAPEHUB_DATA": str(folder)}


_used: set[str] = set()


def take_used() -> list[str]:
    """Names of the recordings that were asked for since the last call."""
    found = sorted(_used)
    _used.clear()
    return found


def recording(name: str) -> Path:
    """Path of one recording, for example `binance/hft_spot_ethusdt_20240808.gz`.

    Raises:
        FileNotFoundError: no such folder or file; mark the test with `recording`, then it is skipped instead.
    """
    folder = data_dir()
    if folder is None:
        raise FileNotFoundError(MISSING)
    path = folder / name
    if not path.is_file():
        raise FileNotFoundError(f"{path} is not there")
    _used.add(name)
    return path


def truth(name: str, table: str = "exchange_captures") -> dict[str, Any]:
    """What was computed about one recording independently of this project; empty if nothing was."""
    folder = data_dir()
    if folder is None:
        raise FileNotFoundError(MISSING)
    entries: dict[str, dict[str, Any]] = json.loads((folder / "truth" / f"{table}.json").read_text())
    return entries.get(name, {})
