"""DBN files: versions, compression, fragments, damage."""

from __future__ import annotations

import datetime as dt
import itertools
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from actors.collector.databento.dbn_file import read_all
from actors.collector.databento.decode import DbnDecoder
from actors.collector.databento.metadata import BadMetadata, Interval, parse_metadata
from actors.collector.databento.runs import Walk
from actors.collector.recorded.recordings import UnreadableRecording
from protocol.messages import Trade
from tests.support.databento_gateway import dbn, mapping, trade
from tests.unit.actors.collector.databento.made import AT_NS, INSTRUMENT, joined


def header(version: int) -> bytes:
    """A header in which instrument 42 is 6EZ6 in July 2024."""
    interval = SimpleNamespace(start_date=dt.date(2024, 7, 1), end_date=dt.date(2024, 8, 1), symbol="42")
    named: Any = SimpleNamespace(raw_symbol="6EZ6", intervals=[interval])
    found = dbn.Metadata(
        dataset="GLBX.MDP3", start=AT_NS, stype_in=dbn.SType.RAW_SYMBOL, stype_out=dbn.SType.INSTRUMENT_ID,
        schema=dbn.Schema.TRADES, symbols=["6EZ6"], partial=[], not_found=["6XZ6"],
        mappings=[named], end=AT_NS + 9, limit=5, version=version,
    )  # fmt: skip
    return bytes(found.encode())


ROWS = joined(*(trade(INSTRUMENT, 1.0, number, AT_NS + number, number) for number in range(1, 4)))


@pytest.mark.parametrize("version", [1, 2, 3])
def test_headers_of_all_versions(version: int) -> None:
    found, start = parse_metadata(header(version) + ROWS)
    assert start == len(header(version))
    assert (found.version, found.dataset, found.schema, found.limit) == (version, "GLBX.MDP3", "trades", 5)
    assert (found.start_ns, found.end_ns, found.stype_in, found.stype_out) == (
        AT_NS, AT_NS + 9, "raw_symbol", "instrument_id",
    )  # fmt: skip
    assert (found.symbols, found.not_found) == (["6EZ6"], ["6XZ6"])
    assert found.mappings == {"6EZ6": [Interval(20240701, 20240801, "42")]}


@pytest.mark.parametrize("is_compressed", [True, False])
def test_plain_and_compressed_files_hold_the_same(tmp_path: Path, is_compressed: bool) -> None:
    data = header(3) + ROWS
    path = tmp_path / "any.name"
    path.write_bytes(zstandard.compress(data) if is_compressed else data)
    metadata, records = read_all(path)
    assert records == ROWS
    assert metadata is not None
    found = [one for one in DbnDecoder().messages(path) if isinstance(one, Trade)]
    assert [(one.symbol, one.size) for one in found] == [
        ("6EZ6.FUT", 1.0),
        ("6EZ6.FUT", 2.0),
        ("6EZ6.FUT", 3.0),
    ]


def test_frames_that_were_appended_to_each_other_are_one_file(tmp_path: Path) -> None:
    path = tmp_path / "two.dbn.zst"
    path.write_bytes(zstandard.compress(header(3)) + zstandard.compress(ROWS))
    assert read_all(path)[1] == ROWS


def test_a_fragment_has_no_header_and_names_its_instruments_itself(tmp_path: Path) -> None:
    path = tmp_path / "live.frag"
    path.write_bytes(joined(mapping(INSTRUMENT, "6E.v.0", "6EZ6")) + ROWS)
    decoder = DbnDecoder()
    assert [one.symbol for one in decoder.messages(path) if isinstance(one, Trade)] == ["6E_V_0.FUT"] * 3
    assert decoder.summary.to_dict()["fragment_without_metadata"]


def test_a_file_that_is_cut_off_gives_what_is_whole_and_says_so(tmp_path: Path) -> None:
    path = tmp_path / "cut.dbn"
    path.write_bytes(header(3) + ROWS[:-7])
    decoder = DbnDecoder()
    assert len(list(decoder.messages(path))) == 2
    assert decoder.summary.to_dict()["bytes_cut_off"] == 41


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"DBN\x09" + header(3)[4:], "version 9"),
        (header(3)[:60], "bytes in 60"),
        (zstandard.compress(header(3) + ROWS)[:-20], "cut off"),
    ],
)
def test_damaged_files_are_told(tmp_path: Path, data: bytes, says: str) -> None:
    path = tmp_path / "bad.dbn"
    path.write_bytes(data)
    with pytest.raises(UnreadableRecording, match=r"bad\.dbn") as refusal:
        read_all(path)
    assert says in str(refusal.value)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(UnreadableRecording, match="No such file"):
        read_all(tmp_path / "none.dbn")


@settings(max_examples=200, deadline=None)
@given(at=st.integers(0, len(header(2)) - 1), value=st.integers(0, 255))
def test_a_broken_header_is_refused_or_read_and_nothing_else(at: int, value: int) -> None:
    data = bytearray(header(2))
    data[at] = value
    try:
        parse_metadata(bytes(data))
    except BadMetadata:
        return


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(st.sampled_from([0, 1, 22, 160]), st.integers(1, 400)), max_size=8))
def test_runs_are_the_records_in_their_order(stretches: list[tuple[int, int]]) -> None:
    sizes = {0: 48, 1: 80, 22: 176, 160: 56}
    data = b"".join(
        (bytes([sizes[rtype] // 4, rtype]) + bytes(sizes[rtype] - 2)) * count for rtype, count in stretches
    )
    walk = Walk(data)
    found = list(walk.runs())
    assert b"".join(run.data for run in found) == data
    assert sum(len(run) for run in found) == sum(count for _, count in stretches)
    assert all(
        run.data[at] * 4 == run.size_bytes for run in found for at in range(0, len(run.data), run.size_bytes)
    )
    assert all(before.rtype != after.rtype for before, after in itertools.pairwise(found))
