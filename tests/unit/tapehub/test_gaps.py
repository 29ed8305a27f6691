from typing import Any

import pytest

from protocol.gap_ids import publisher_of
from protocol.messages import Gap
from tapehub.gaps import KINDS, missing_of, revised, row_of, within

S = 1_000_000_000


def gap(from_s: int, to_s: int, first: int = 0, last: int = 0) -> Gap:
    return Gap("c.1-5-1", "v", "A_B", "trade", first, last, from_s * S, to_s * S, "disconnect", "filled")


def test_gaps_of_a_time_range_are_those_that_touch_it() -> None:
    before, inside, over, still_open = gap(1, 2), gap(4, 5), gap(2, 9), gap(3, 0)

    assert within([before, inside, over, still_open], 3 * S, 6 * S) == [inside, over, still_open]
    assert within([before, inside], 0, 4 * S) == [before]
    assert within([before, still_open], 100 * S, 0) == [still_open]
    assert within([before, inside], 0, 0) == [before, inside]


def test_the_publisher_stands_in_the_id() -> None:
    assert publisher_of("collector.binance-x.1-1795168800-3") == "collector.binance-x.1"
    for text in ("", "x", "a-b", "a-1-b", "-1-2", "c.1-1"):
        with pytest.raises(ValueError, match="not the id of a gap"):
            publisher_of(text)


def test_candles_that_a_gap_changed() -> None:
    def candle(opened_s: int, revision: int) -> dict[str, Any]:
        return {"ts_open_ns": opened_s * S, "revision": revision}

    rows = [candle(0, 2), candle(60, 2), candle(120, 1), candle(180, 3), candle(240, 5)]
    found = revised(gap(70, 200), rows, 60 * S)
    assert [row["ts_open_ns"] // S for row in found] == [60, 180]
    assert [row["ts_open_ns"] // S for row in revised(gap(200, 0), rows, 60 * S)] == [180, 240]
    assert revised(gap(60, 60), [candle(0, 2)], 60 * S) == []


def test_a_row_says_how_long_and_how_many() -> None:
    row = row_of(gap(10, 40, 5, 9), 100 * S)
    assert (row["length_s"], row["missing"], row["state"]) == (30.0, 5, "filled")
    assert row_of(gap(10, 0), 100 * S)["length_s"] == 90.0
    assert missing_of(gap(1, 2)) == 0


def test_of_candles_minutes_are_counted() -> None:
    minute = 29_900_000
    hole = Gap(
        "c-5-1",
        "rest",
        "EUR_USD",
        "bar",
        minute,
        minute + 59,
        minute * 60 * S,
        (minute + 60) * 60 * S,
        "",
        "",
    )

    assert (row_of(hole, 0)["missing"], row_of(hole, 0)["length_s"]) == (60, 3600.0)
    assert "bar" in KINDS
