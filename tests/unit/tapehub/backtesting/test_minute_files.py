"""Files of minutes: what is read of them, and what is refused with which words."""

from __future__ import annotations

import gzip
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from msgspec.structs import replace

from actors.collector.recorded.recordings import UnreadableRecording
from protocol.instruments import Catalog
from tapehub.backtesting.minute_files import Named, is_minute_file, minute_bars
from tapehub.backtesting.sources import Selection, SourceError, played, recorded
from tapehub.stretches import ALWAYS, Stretch
from tests.unit.tapehub.backtesting.rig import MINUTE_NS, START_NS, quotes, walk

TEXT = (
    "timestamp_utc,open,high,low,close,volume\n"
    "2025-11-21 09:00:00,1.1,1.3,1.0,1.2,5\n"
    "2025-11-21T09:01:00Z,1.2,1.2,1.2,1.2,\n"
    "2025-11-21 11:02:00+02:00,1.2,1.25,1.15,1.2,2.5\n"
)
NAMED = Named("EUR_USD", "cme")


def written(folder: Path, text: str, name: str = "bars.csv") -> Path:
    path = folder / name
    path.write_bytes(gzip.compress(text.encode()) if name.endswith(".gz") else text.encode())
    return path


@pytest.mark.parametrize("name", ["bars.csv", "bars.csv.gz"])
def test_csv(tmp_path: Path, name: str) -> None:
    path = written(tmp_path, TEXT, name)
    assert is_minute_file(path)
    bars = list(minute_bars(path, NAMED))
    assert [bar.ts_open_ns for bar in bars] == [START_NS + n * MINUTE_NS for n in range(3)]
    first = bars[0]
    assert (first.open, first.high, first.low, first.close, first.volume) == (1.1, 1.3, 1.0, 1.2, 5)
    assert (first.symbol, first.venue, first.revision, first.status) == ("EUR_USD", "cme", 1, "closed")
    assert not [fault for bar in bars for fault in bar.validate()]


def test_times_that_are_ends(tmp_path: Path) -> None:
    (first, *_) = minute_bars(written(tmp_path, TEXT), NAMED._replace(is_end=True))
    assert first.ts_open_ns == START_NS - MINUTE_NS


def test_a_zip_of_lean(tmp_path: Path) -> None:
    path = tmp_path / "20251121_trade.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("20251121_btcusd_minute_trade.csv", "32400000,7.5,8,7,7.25,3\n32460000,7,7,7,7,1\n")
    assert is_minute_file(path)
    bars = list(minute_bars(path, NAMED))
    assert [(bar.ts_open_ns, bar.open) for bar in bars] == [(START_NS, 7.5), (START_NS + MINUTE_NS, 7)]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("date,open,high,low,close\nyesterday,1,1,1,1\n", "csv:2: Invalid isoformat"),
        ("date,open,high,low,close\n2025-11-21 09:00:01,1,1,1,1\n", "is no whole minute"),
        ("date,open,high,low,close\n2025-11-21 09:00:00,1,1,1\n", "4 fields where"),
        ("date,open,high,low,close\n2025-11-21 09:00:00,1,0.9,1,1\n", "does not hold"),
        ("date,open,high,low,close\n2025-11-21 09:00:00,1,inf,1,1\n", "does not hold"),
        ("date,open,high,low,close\n2025-11-21 09:00:00,1,1,nan,1\n", "does not hold"),
        (
            "date,open,high,low,close\n2025-11-21 09:00:00,1,1,1,1\n2025-11-21 10:00:00,1,1,1,1\n",
            "3600 s apart",
        ),
        ("date,open,high,low,close\n2025-11-21 09:01:00,1,1,1,1\n2025-11-21 09:00:00,1,1,1,1\n", "goes back"),
    ],
)
def test_what_is_refused(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(UnreadableRecording, match=words):
        list(minute_bars(written(tmp_path, text), NAMED))


def test_a_zip_of_futures_is_refused_with_a_reason(tmp_path: Path) -> None:
    path = tmp_path / "es.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for month in ("201403", "201406"):
            archive.writestr(f"20131218_es_minute_trade_{month}.csv", "0,1,1,1,1,1\n")
    with pytest.raises(UnreadableRecording, match="several contracts"):
        list(minute_bars(path, NAMED))


def test_others_are_not_taken_for_one(tmp_path: Path) -> None:
    assert not is_minute_file(written(tmp_path, '{"e":"trade"}\n'))
    assert not is_minute_file(tmp_path / "absent.csv")


def chosen(*symbols: str, stretch: Stretch = ALWAYS) -> Selection:
    return Selection(symbols, stretch)


def test_whose_they_are_must_be_said(tmp_path: Path) -> None:
    path = written(tmp_path, TEXT)
    with pytest.raises(SourceError, match="whose minutes"):
        recorded([path], "cme", Catalog([]), chosen(), is_end=False)
    bars = list(recorded([path], "cme", Catalog([]), chosen("EUR_USD"), is_end=False))
    assert len(bars) == 3


def test_an_unknown_venue_is_named(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="no decoder for venue 'nobody'"):
        recorded([written(tmp_path, "{}")], "nobody", Catalog([]), chosen("EUR_USD"), is_end=False)


def test_several_files_are_merged_and_cut(tmp_path: Path) -> None:
    head, first, second, third = TEXT.splitlines(keepends=True)
    files = [written(tmp_path, head + third, "b.csv"), written(tmp_path, head + first + second, "a.csv")]
    stretch = Stretch(START_NS + MINUTE_NS, START_NS + 3 * MINUTE_NS)
    bars = list(recorded(files, "cme", Catalog([]), chosen("EUR_USD", stretch=stretch), is_end=False))
    assert [bar.ts_open_ns - START_NS for bar in bars] == [MINUTE_NS, 2 * MINUTE_NS]  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("make", "data", "found"),
    [
        (lambda: quotes(1, 5), "auto", "ticks"),
        (lambda: walk(1, 5), "auto", "minutes"),
        (lambda: [*quotes(1, 5), *walk(1, 5)], "auto", "ticks"),
        (lambda: [*quotes(1, 5), *walk(1, 5)], "minutes", "minutes"),
    ],
)
def test_what_is_played(make: Callable[[], list], data: str, found: str) -> None:
    one = played(make(), data, "")
    assert one is not None
    assert (one.data, one.venue) == (found, "paper")
    assert len(list(one.messages)) == 5


def test_nothing_to_play() -> None:
    assert played([], "auto", "") is None
    with pytest.raises(SourceError, match="no candles of one minute"):
        played(quotes(1, 5), "minutes", "")
    with pytest.raises(SourceError, match="no quotes"):
        played(walk(1, 5), "ticks", "")


def test_two_venues_are_not_mixed() -> None:
    other = [replace(one, venue="other") for one in quotes(2, 3)]
    mixed = played([*quotes(1, 3), *other], "auto", "")
    assert mixed is not None
    with pytest.raises(SourceError, match="data of paper and other"):
        list(mixed.messages)
    named = played([*quotes(1, 3), *other], "auto", "both")
    assert named is not None
    assert len(list(named.messages)) == 6
