import pytest

from tapehub.pacing import MAX, Pacer, parse_speed


@pytest.mark.parametrize(
    ("text", "speed"), [("10x", 10.0), ("1", 1.0), ("0.5X", 0.5), ("max", MAX), (" MAX ", MAX)]
)
def test_speed_is_a_factor_or_max(text: str, speed: float) -> None:
    assert parse_speed(text) == speed


@pytest.mark.parametrize("text", ["0x", "-1x", "fast", "", "nanx", "inf", "x"])
def test_a_wrong_speed_says_what_a_right_one_is(text: str) -> None:
    with pytest.raises(ValueError, match="10x"):
        parse_speed(text)


def test_distances_are_kept_divided_by_the_speed() -> None:
    pacer = Pacer(10.0, 1000)

    assert [pacer.due_ns(ts_ns) for ts_ns in (500, 1500, 1400)] == [1000, 1100, 1090]


def test_max_waits_for_nothing() -> None:
    pacer = Pacer(MAX, 1000)

    assert [pacer.due_ns(ts_ns) for ts_ns in (500, 10**18)] == [1000, 1000]
