"""On what each rule of the conformance of exchanges is tested: recordings, their books, all markets."""

from __future__ import annotations

from typing import Any, Final

import pytest

from actors.collector.registry import EXCHANGES, exchange
from tests.support import conformance
from tests.support.conformance_books import captures_with_books

RECORDINGS: Final = conformance.recordings() or [("none", "none")]
MARKETS: Final = [(venue, market) for venue in EXCHANGES for market in exchange(venue).markets]
_with_recording: Final = pytest.mark.parametrize(("venue", "name"), RECORDINGS)
_with_books: Final = pytest.mark.parametrize(
    ("venue", "name", "market"),
    [
        pytest.param(venue, name, market, id=f"{name.rpartition('/')[2]}-{market}")
        for venue, name, market in captures_with_books(RECORDINGS)
    ],
)
of_each_market: Final = pytest.mark.parametrize(("venue", "market"), MARKETS)


def of_each_recording(test: Any) -> Any:
    """A test that runs on every recording."""
    return pytest.mark.recording(_with_recording(test))


def of_each_capture_with_books(test: Any) -> Any:
    """A test that runs on every market of a recording that has order books."""
    return pytest.mark.recording(_with_books(test))
