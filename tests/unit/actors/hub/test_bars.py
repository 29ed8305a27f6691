"""The candle window: order, revisions, bounds."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from actors.hub.bars import BarWindow
from protocol.messages import Bar
from protocol.windows import BAR_BYTES, REASON_ELSEWHERE, bar_dtype, pack_bar
from tests.unit.actors.hub.samples import bar, fetched

MINUTE_NS = 60_000_000_000


def window_of(limit: int) -> BarWindow:
    return BarWindow("BTC_USDT", "binance", "1m", limit)


def opens(window: BarWindow) -> list[int]:
    return [window.ts_open_ns(index) for index in range(len(window))]


def test_a_new_minute_is_appended_and_the_running_one_replaced() -> None:
    window = window_of(10)

    window.upsert(bar(0, close=1.0))
    window.upsert(bar(1, close=2.0, status="open", revision=0))
    window.upsert(bar(1, close=3.0, status="open", revision=0))

    assert [window.bar(index).close for index in range(len(window))] == [1.0, 3.0]


def test_an_older_revision_changes_nothing() -> None:
    window = window_of(10)
    window.upsert(bar(0, close=2.0, revision=2))

    assert not window.upsert(bar(0, close=1.0, revision=1))
    assert window.bar(0).close == 2.0


def test_a_bar_survives_packing_exactly() -> None:
    window = window_of(4)
    original = bar(3, close=0.1, status="gap", revision=7, source="rest.binance", coverage=0.3)

    window.upsert(original)

    assert window.bar(0) == original


def test_a_bar_of_a_provider_keeps_when_it_was_fetched_and_that_it_was_changed() -> None:
    window = BarWindow("EUR_USD", "rest", "1m", 4)
    original = fetched(3, is_adjusted=True, reason="high 0.9 was below close 1.0")

    window.upsert(original)

    assert window.bar(0) == msgspec.structs.replace(original, reason=REASON_ELSEWHERE)


def test_a_stretch_of_older_candles_goes_in_with_one_move(monkeypatch: pytest.MonkeyPatch) -> None:
    """500 candles one by one would move all that is newer 500 times."""
    window = window_of(2000)
    window.upsert_all([bar(minute) for minute in range(1000, 2000)])
    window.upsert(bar(0))
    monkeypatch.setattr(BarWindow, "_insert", lambda *_: pytest.fail("one was moved by itself"))

    assert window.upsert_all([bar(minute, close=2.0) for minute in range(300, 800)]) == 0

    assert opens(window) == [minute * MINUTE_NS for minute in (0, *range(300, 800), *range(1000, 2000))]
    assert window.bar(1).close == 2.0
    window.upsert(bar(2000))
    assert len(window) == 1502


def test_of_older_candles_a_full_window_takes_none() -> None:
    window = window_of(10)
    window.upsert_all([bar(minute) for minute in range(100, 120)])

    assert window.upsert_all([bar(minute) for minute in range(50)]) == 50

    assert opens(window) == [minute * MINUTE_NS for minute in range(110, 120)]
    assert window.upsert_all([bar(minute, revision=0) for minute in range(100, 125)]) == 20
    assert opens(window) == [minute * MINUTE_NS for minute in range(115, 125)]


def test_a_missing_minute_is_filled_in_place() -> None:
    window = window_of(10)
    for minute in (0, 1, 3, 4):
        window.upsert(bar(minute))

    assert window.upsert(bar(2, close=9.0))

    assert opens(window) == [minute * MINUTE_NS for minute in range(5)]
    assert window.bar(2).close == 9.0


def test_a_full_window_forgets_the_oldest_and_refuses_what_is_older_still() -> None:
    window = window_of(3)
    for minute in range(1, 10):
        window.upsert(bar(minute))

    assert opens(window) == [7 * MINUTE_NS, 8 * MINUTE_NS, 9 * MINUTE_NS]
    assert not window.upsert(bar(2))


def test_a_range_is_one_buffer_that_numpy_reads_without_a_copy() -> None:
    window = window_of(100)
    for minute in range(20):
        window.upsert(bar(minute, close=float(minute + 1)))

    start, stop = window.between(5 * MINUTE_NS, 8 * MINUTE_NS)
    rows = np.frombuffer(window.rows(start, stop), bar_dtype())

    assert rows["close"].tolist() == [6.0, 7.0, 8.0]
    assert not rows.flags.owndata


def test_memory_stays_bounded() -> None:
    window = window_of(100)
    for minute in range(1000):
        window.upsert(bar(minute))

    assert len(window) == 100
    assert len(window._rows) <= 126 * BAR_BYTES


def test_an_unknown_status_is_refused() -> None:
    with pytest.raises(ValueError, match="status"):
        window_of(3).upsert(bar(0, status="sleeping"))


changes = st.lists(st.tuples(st.integers(0, 30), st.integers(0, 3), st.integers(1, 99)), max_size=80)


@settings(max_examples=150, deadline=None)
@given(changes, st.integers(1, 12))
def test_any_order_of_candles_leaves_the_newest_ones_at_their_highest_revision(
    steps: list[tuple[int, int, int]], limit: int
) -> None:
    """Against a plain dict that keeps everything and forgets the oldest when it is too long."""
    window, kept = window_of(limit), dict[int, Bar]()

    for minute, revision, close in steps:
        candle = bar(minute, close=float(close), revision=revision)
        window.upsert(candle)
        old = kept.get(minute)
        too_old = old is None and len(kept) == limit and minute < min(kept)
        if not too_old and (old is None or revision >= old.revision):
            kept[minute] = candle
        if len(kept) > limit:
            del kept[min(kept)]

    assert [window.bar(index) for index in range(len(window))] == [kept[minute] for minute in sorted(kept)]


frames = st.lists(
    st.lists(
        st.tuples(st.integers(0, 30), st.integers(0, 2), st.integers(0, 3), st.integers(1, 99)), max_size=12
    ),
    max_size=12,
)


@settings(max_examples=150, deadline=None)
@given(frames, st.integers(1, 20))
def test_a_frame_leaves_what_its_candles_one_by_one_would(
    steps: list[list[tuple[int, int, int, int]]], limit: int
) -> None:
    whole, single = window_of(limit), window_of(limit)

    for step in steps:
        candles = [
            bar(minute, close=float(close), revision=revision, ts_event_ns=event, source=f"provider.{close}")
            for minute, revision, event, close in step
        ]
        whole.upsert_all(candles)
        for candle in candles:
            single.upsert(candle)

    kept = [[one.bar(index) for index in range(len(one))] for one in (whole, single)]
    assert kept[0] == kept[1]


stored_bars = st.dictionaries(st.integers(0, 30), st.integers(1, 3), max_size=20)


@settings(max_examples=100, deadline=None)
@given(stored_bars, changes, st.integers(1, 40))
def test_stored_candles_join_those_that_are_here_at_the_newest_revision(
    stored: dict[int, int], steps: list[tuple[int, int, int]], limit: int
) -> None:
    window = window_of(limit)
    for minute, revision, close in steps:
        window.upsert(bar(minute, close=float(close), revision=revision, source="trade"))
    kept = {one.ts_open_ns: one for one in (window.bar(index) for index in range(len(window)))}
    old = [bar(minute, revision=stored[minute], close=100.0, source="rest.a") for minute in sorted(stored)]

    window.fill(b"".join(pack_bar(one, 0) for one in old), ["rest.a"])

    for one in old:
        if one.ts_open_ns not in kept or one.revision > kept[one.ts_open_ns].revision:
            kept[one.ts_open_ns] = one
    newest = [kept[ts_open_ns] for ts_open_ns in sorted(kept)][-limit:]
    assert [window.bar(index) for index in range(len(window))] == newest
    window.upsert(bar(99))
    assert window.bar(len(window) - 1) == bar(99)
    assert len(window) == min(limit, len(newest) + 1)


def test_the_running_candle_never_goes_back_in_time() -> None:
    window = window_of(3)
    window.upsert(bar(1, revision=0, ts_event_ns=MINUTE_NS + 9, close=2.0))

    assert not window.upsert(bar(1, revision=0, ts_event_ns=MINUTE_NS + 5, close=1.0))
    assert window.bar(0).close == 2.0
