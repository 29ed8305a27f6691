"""Which minutes are stored: the same answer from the database and from the files; gaps are not there."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from protocol.messages import Bar
from tapehub import stored_minutes
from tapehub.stored_minutes import StoredMinutes
from tapehub.stores import Stores
from tests.unit.actors.hub.samples import fetched
from tests.unit.actors.persistence.parquet_rig import frames_of
from tests.unit.tapehub.stored import fill_database, fill_files

M = 60_000_000_000
CLOSED, QUIET, GAPS = (0, 1, 2, 6, 7), (3,), (4, 5)


def market() -> list[Bar]:
    """Minutes of EUR_USD, a gap that was filled later, and what is not asked for."""
    return [
        *(fetched(minute) for minute in (*CLOSED, 9)),
        *(fetched(minute, status="quiet", count=0) for minute in QUIET),
        *(fetched(minute, status="gap", count=0, coverage=0.0) for minute in (*GAPS, 8)),
        fetched(8, revision=2),
        fetched(4, symbol="GBP_USD"),
        fetched(5, venue="ig"),
        fetched(5, timeframe="5m"),
    ]


THERE = {fetched(minute).ts_open_ns for minute in (*CLOSED, *QUIET, 8, 9)}
BEGIN_NS = fetched(0).ts_open_ns


@pytest.fixture(scope="module", params=["database", "files"])
def stores(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Stores:
    run_dir: Path = tmp_path_factory.mktemp("run")
    fill = fill_database if request.param == "database" else fill_files
    return fill(run_dir, frames_of([[one] for one in market()]))


@pytest.fixture
def stored(stores: Stores) -> Iterator[StoredMinutes]:
    with StoredMinutes(stores) as found:
        yield found


def test_gaps_are_not_there(stored: StoredMinutes) -> None:
    assert stored.of("EUR_USD", BEGIN_NS, BEGIN_NS + 100 * M) == THERE


def test_only_what_lies_in_the_range(stored: StoredMinutes) -> None:
    within = {ts_ns for ts_ns in THERE if BEGIN_NS + M <= ts_ns < BEGIN_NS + 7 * M}
    assert stored.of("EUR_USD", BEGIN_NS + M, BEGIN_NS + 7 * M) == within
    assert stored.of("EUR_USD", BEGIN_NS + 7 * M, BEGIN_NS + M) == set()


def test_an_instrument_that_is_not_stored(stored: StoredMinutes) -> None:
    assert stored.of("XAU_USD", BEGIN_NS, BEGIN_NS + 100 * M) == set()


def test_page_by_page(stored: StoredMinutes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stored_minutes, "PAGE_ROWS", 2)
    assert stored.of("EUR_USD", BEGIN_NS, BEGIN_NS + 100 * M) == THERE


def test_where_nothing_is_stored_nothing_is_there(tmp_path: Path) -> None:
    with StoredMinutes(Stores(tmp_path)) as stored:
        assert not stored.is_there
        assert stored.of("EUR_USD", BEGIN_NS, BEGIN_NS + M) == set()
