"""Rows of candles: exact both ways, and the numpy view agrees with the struct layout."""

from __future__ import annotations

import subprocess
import sys

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.messages import BAR_STATUSES, Bar
from protocol.windows import (
    BAR_BYTES,
    BAR_COLUMNS,
    REASON_ELSEWHERE,
    bar_dtype,
    pack_bar,
    revision_of,
    status_of,
    ts_open_of,
    unpack_bar,
)
from tests.support.paths import ROOT

times = st.integers(-(2**62), 2**62)
numbers = st.floats(allow_nan=False)
bars = st.builds(
    Bar, st.just("BTC_USDT"), st.just("binance"), st.just("1m"), times, times, *[numbers] * 8,
    st.integers(0, 2**62), st.sampled_from(BAR_STATUSES), numbers, st.integers(0, 2**31 - 1), st.just("trade"),
    times, st.booleans(), st.sampled_from(["", REASON_ELSEWHERE]),
)  # fmt: skip
IDENTITY = ("BTC_USDT", "binance", "1m")


@given(bars)
def test_a_bar_survives_its_row(bar: Bar) -> None:
    rows = b"\xff" * BAR_BYTES + pack_bar(bar, 0)

    assert unpack_bar(rows, 1, IDENTITY, ["trade"]) == bar
    assert (ts_open_of(rows, 1), revision_of(rows, 1)) == (bar.ts_open_ns, bar.revision)
    assert status_of(rows, 1) == bar.status


def test_a_row_says_that_there_is_a_reason_but_not_which() -> None:
    repaired = Bar(*IDENTITY, 0, 1, *[1.0] * 8, 1, "closed", 1.0, 1, "yahoo", 5, True, "high was below close")

    found = unpack_bar(pack_bar(repaired, 0), 0, IDENTITY, ["yahoo"])

    assert found == msgspec.structs.replace(repaired, reason=REASON_ELSEWHERE)


@given(bars)
def test_numpy_sees_the_same_values_by_name(bar: Bar) -> None:
    row = np.frombuffer(pack_bar(bar, 3), bar_dtype())[0]

    for name, _ in BAR_COLUMNS:
        known = {"status": BAR_STATUSES.index(bar.status), "source": 3, "is_repaired": bar.reason != ""}
        assert row[name] == (known[name] if name in known else getattr(bar, name)), name


def test_a_newer_hub_may_append_columns() -> None:
    wider = (*BAR_COLUMNS, ("extra", "<f8"))
    rows = np.zeros(3, np.dtype({**_layout(wider), "itemsize": 128}))
    rows["close"] = [1.0, 2.0, 3.0]

    seen = np.frombuffer(rows.tobytes(), bar_dtype(wider, 128))

    assert seen["close"].tolist() == [1.0, 2.0, 3.0]


def _layout(columns: tuple[tuple[str, str], ...]) -> dict[str, list[object]]:
    dtype = bar_dtype()
    offsets: list[object] = [dtype.fields[name][1] for name, _ in BAR_COLUMNS]
    return {
        "names": [name for name, _ in columns],
        "formats": [format_ for _, format_ in columns],
        "offsets": [*offsets, BAR_BYTES],
    }


def test_an_older_program_reads_the_columns_that_it_knows() -> None:
    known = BAR_COLUMNS[: [name for name, _ in BAR_COLUMNS].index("is_adjusted")]
    bar = Bar(*IDENTITY, 60, 61, *[1.0] * 7, 4.25, 7, "quiet", 1.0, 1, "yahoo", 9, True, "nobody traded")

    [row] = np.frombuffer(pack_bar(bar, 5), bar_dtype(known, BAR_BYTES))

    assert (row["vwap"], row["count"], row["revision"], row["status"], row["source"]) == (4.25, 7, 1, 2, 5)


def test_what_does_not_fit_is_refused() -> None:
    bar = Bar(*IDENTITY, 2**70, 0, *[1.0] * 8, 1, "closed", 1.0, 1, "trade")

    with pytest.raises(ValueError, match="does not fit"):
        pack_bar(bar, 0)


def test_a_writer_of_windows_needs_no_numpy() -> None:
    code = "import protocol.windows, sys; sys.exit('numpy' in sys.modules)"

    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0
