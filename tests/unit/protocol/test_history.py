"""Windows of candles put together, and pages put together."""

from __future__ import annotations

import pytest

from protocol.client import Candles, questions
from protocol.client.paging import Paging
from protocol.errors import InvalidRequest, NoData, Overloaded, PayloadError
from protocol.history import bar_data, decode_windows, joined_bars, page_end_of, recoded
from protocol.requests import Reply, raw
from protocol.windows import BarData, pack_bar, unpack_bar
from tests.unit.actors.hub.samples import MINUTE_NS, bar


def window(minutes: range, sources: list[str]) -> BarData:
    rows = b"".join(pack_bar(bar(minute), minute % len(sources)) for minute in minutes)
    return bar_data("BTC_USDT", "binance", "1m", sources, rows)


def test_joined_windows_keep_the_source_of_each_candle() -> None:
    whole = joined_bars([window(range(4), ["trade", "rest.a"]), window(range(4, 8), ["rest.b", "trade"])])

    names = [unpack_bar(whole.rows, at, ("s", "v", "1m"), whole.sources).source for at in range(8)]
    assert names == ["trade", "rest.a"] * 2 + ["rest.b", "trade"] * 2
    assert whole.sources == ["trade", "rest.a", "rest.b"]


def test_rows_whose_codes_are_right_are_not_copied() -> None:
    rows = pack_bar(bar(1), 1)

    assert recoded(rows, ["trade", "quote"], ["trade", "quote", "x"]) is rows


def test_too_many_sources_and_other_columns_are_refused() -> None:
    with pytest.raises(ValueError, match="255"):
        recoded(b"", ["one.more"], [str(number) for number in range(255)])
    other = window(range(1), ["trade"])
    with pytest.raises(ValueError, match="columns"):
        joined_bars([other, BarData("s", "v", "1m", 8, [("x", "<i8")], [], [], memoryview(b""))])


@pytest.mark.parametrize("data", [raw("text"), raw([1]), raw([{"a": 1}, "", [], [], []])])
def test_rubbish_is_not_taken_for_windows(data: object) -> None:
    with pytest.raises(InvalidRequest):
        decode_windows(Reply(id=1, ok=True, data=data))  # type: ignore[arg-type]
    with pytest.raises(InvalidRequest):
        page_end_of(Reply(id=1, ok=True, details={"cursor": 7}))


def page(minutes: range, cursor: str = "", **fields: object) -> Reply:
    details = {
        "cursor": cursor,
        "parts": [{"source": "store", "from_ns": 0, "to_ns": 1, "rows": len(minutes)}],
        "missing": fields.pop("missing", []),
    }
    covered = {"covered_from_ns": minutes[0] * MINUTE_NS, "covered_to_ns": (minutes[-1] + 1) * MINUTE_NS}
    return Reply(id=1, ok=True, data=raw(window(minutes, ["trade"])), details=details, **covered, **fields)  # type: ignore[arg-type]


def test_pages_are_asked_for_until_there_are_enough_rows() -> None:
    paging = Paging(questions.history("BTC_USDT", n=5))

    first = paging.next()
    assert first is not None
    assert (first.n, first.args) == (5, {})
    paging.take(page(range(7, 10), "c1", age_s=1.5, state="fresh"))
    second = paging.next()
    assert second is not None
    assert (second.n, second.args) == (2, {"cursor": "c1"})
    paging.take(page(range(5, 7), "c2"))
    assert paging.next() is None

    whole = paging.whole()
    assert isinstance(whole, Candles)
    assert (whole.ts_open_ns // MINUTE_NS).tolist() == [5, 6, 7, 8, 9]
    assert (whole.age_s, whole.state, whole.asked) == (1.5, "fresh", 5)
    assert (whole.covered_from_ns, whole.covered_to_ns) == (5 * MINUTE_NS, 10 * MINUTE_NS)


def test_a_page_that_was_deleted_meanwhile_ends_the_range_and_other_refusals_are_raised() -> None:
    for code, error in (("no_data", None), ("overloaded", Overloaded)):
        paging = Paging(questions.history("BTC_USDT"), is_oldest_first=True)
        first = paging.next()
        assert first is not None
        assert first.args == {"order": "oldest"}
        paging.take(page(range(3), "c"))
        refusal = Reply(id=1, ok=False, code=code, message="no")
        if error is None:
            assert paging.take(refusal) is None
            assert paging.next() is None
            assert len(paging.whole()) == 3
        else:
            with pytest.raises(error):
                paging.take(refusal)
    with pytest.raises(NoData):
        Paging(questions.history("BTC_USDT")).take(Reply(id=1, ok=False, code="no_data"))


def test_pages_that_do_not_fit_together_are_named_so() -> None:
    paging = Paging(questions.history("BTC_USDT"))
    paging.take(page(range(3), "c"))
    many = window(range(3), [f"s{number}" for number in range(255)])
    paging.take(Reply(id=1, ok=True, data=raw(many)))

    with pytest.raises(PayloadError):
        paging.whole()


def test_a_hole_on_any_page_shows_in_the_whole() -> None:
    lack = {"from_ns": 1, "to_ns": 2, "reason": "not stored yet"}
    paging = Paging(questions.history("BTC_USDT"))
    paging.take(page(range(5, 8), "c", missing=[lack]))
    paging.take(page(range(3)))

    whole = paging.whole()

    assert whole.missing == [lack]
    assert whole.covered_from_ns == 5 * MINUTE_NS
