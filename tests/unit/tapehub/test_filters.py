import pytest
from hypothesis import given
from hypothesis import strategies as st

from tapehub.filters import Filter

ROW = {
    "symbol": "BTC_USDT",
    "price": 101.5,
    "trade_id": 9_007_199_254_740_993,
    "side": "buy",
    "is_snapshot": True,
    "values": {"rsi": 70.0},
    "text": "12.5",
    "nothing": None,
}


@pytest.mark.parametrize(
    "condition",
    [
        "price>100",
        "price >= 101.5",
        "price<1e3",
        "price!=100",
        "side=buy",
        "side == 'buy'",
        "side!=sell",
        "symbol~^BTC",
        "symbol!~PERP",
        "values.rsi>=70",
        "is_snapshot=true",
        "is_snapshot=yes",
        "trade_id=9007199254740993",
        "text>12",
    ],
)
def test_condition_holds(condition: str) -> None:
    assert Filter([condition]).passes(ROW)


@pytest.mark.parametrize(
    "condition",
    [
        "price>101.5",
        "side=BUY",
        "symbol~^ETH",
        "values.rsi<70",
        "values.macd>0",
        "values.rsi.deeper=1",
        "missing!=1",
        "missing!~x",
        "nothing=None",
        "is_snapshot=false",
        "trade_id=9007199254740992",
        "side>5",
        "price=abc",
    ],
)
def test_condition_does_not_hold(condition: str) -> None:
    assert not Filter([condition]).passes(ROW)


def test_all_conditions_must_hold() -> None:
    assert Filter(["price>100", "side=buy"]).passes(ROW)
    assert not Filter(["price>100", "side=sell"]).passes(ROW)
    assert Filter([]).passes(ROW)
    assert not Filter([])


@pytest.mark.parametrize(
    ("condition", "says"),
    [
        ("price", "FIELD OPERATOR VALUE"),
        ("price>", "FIELD OPERATOR VALUE"),
        (">5", "FIELD OPERATOR VALUE"),
        ("", "FIELD OPERATOR VALUE"),
        ("symbol~(", "regular expression"),
        ("price>cheap", "not a number"),
    ],
)
def test_a_wrong_filter_says_what_is_wrong(condition: str, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        Filter([condition])


@given(st.floats(allow_nan=False), st.floats(allow_nan=False, allow_infinity=False))
def test_greater_and_not_greater_split_all_numbers(value: float, limit: float) -> None:
    row = {"x": value}

    assert Filter([f"x>{limit!r}"]).passes(row) != Filter([f"x<={limit!r}"]).passes(row)
