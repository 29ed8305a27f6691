"""Verdicts, medians and the table of the benchmarks."""

from __future__ import annotations

import json

from tests.bench.report import Row, against, as_json, in_turn, interleaved, number, paired, table


def row(ratio: float = 1.0, measured: float = 10.0, **fields) -> Row:
    return Row("bus", "frames", measured, 10.0, "us", ratio, **fields)


def test_a_time_is_good_up_to_its_goal() -> None:
    assert row(1.3, goal=1.3).verdict == "ok"
    assert row(1.31, goal=1.3).verdict == "MISS"


def test_a_throughput_is_good_from_its_goal_on() -> None:
    assert row(0.4, goal=0.4, at_most=False).verdict == "ok"
    assert row(0.39, goal=0.4, at_most=False).verdict == "MISS"


def test_a_goal_may_be_a_number_of_its_own() -> None:
    assert row(0.0, 30_001, goal=30_000, at_most=False, of_value=True).verdict == "ok"
    assert row(9.9, 29_999, goal=30_000, at_most=False, of_value=True).verdict == "MISS"


def test_without_a_goal_there_is_no_verdict() -> None:
    assert row().verdict == "info"


def test_ratio_is_the_median_of_the_pairs_not_the_ratio_of_the_medians() -> None:
    assert paired([(1.0, 1.0), (10.0, 2.0), (3.0, 3.0)]) == (3.0, 2.0, 1.0)


def test_who_goes_first_alternates() -> None:
    order: list[str] = []

    def ours() -> float:
        order.append("ours")
        return 2.0

    def theirs() -> float:
        order.append("theirs")
        return 1.0

    assert interleaved(3, ours, theirs) == (2.0, 1.0, 2.0)
    assert order == ["theirs", "ours", "ours", "theirs", "theirs", "ours"]


def test_of_many_each_is_first_once_and_all_are_compared_round_by_round() -> None:
    order: list[str] = []

    def contender(name: str, value: float):
        def measure() -> float:
            order.append(name)
            return value * len(order)

        return measure

    found = in_turn(3, {"a": contender("a", 1.0), "b": contender("b", 2.0), "c": contender("c", 3.0)})
    assert order == ["a", "b", "c", "b", "c", "a", "c", "a", "b"]
    assert found["a"] == [1.0, 6.0, 8.0]
    assert found["b"] == [4.0, 8.0, 18.0]
    assert against(found, "a", "b") == (6.0, 8.0, 8.0 / 18.0)


def test_numbers_have_three_digits_that_mean_something() -> None:
    assert [number(value) for value in (999.6, 1234.5, 0.0123456, 12.0)] == ["1,000", "1,234", "0.0123", "12"]


def test_table_and_json_say_the_same() -> None:
    rows = [row(1.5, goal=1.3, note="why it misses")]
    text = table(rows)
    assert "1.50x" in text
    assert "MISS" in text
    assert "why it misses" in text
    document = json.loads(as_json(rows))
    assert document["rows"][0]["verdict"] == "MISS"
    assert {"python", "libzmq", "cores", "commit"} <= document["machine"].keys()
