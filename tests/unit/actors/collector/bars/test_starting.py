"""Where an instrument begins: behind what is stored, else with its history."""

from __future__ import annotations

import msgspec
import pytest

from actors.collector.bars.candidate import closed
from actors.collector.bars.memory import MINUTE_NS, RECENT, BarsState, LineState
from actors.collector.bars.starting import DAY_NS, question, start, stored
from protocol.errors import InvalidRequest
from protocol.messages import Bar
from protocol.requests import Reply, raw
from protocol.sessions import session_named
from protocol.windows import BAR_BYTES, BarData, pack_bar
from tests.support.bars_timeline import SYMBOL, candidate

CRYPTO, FX = session_named("crypto"), session_named("fx")
NOW_NS = 1_767_702_650_000_000_000
"""2026-01-06T12:30:50Z."""
THIS_MINUTE_NS = NOW_NS // MINUTE_NS * MINUTE_NS


def bars(count: int, until_ns: int = THIS_MINUTE_NS) -> list[Bar]:
    starts = range(until_ns - count * MINUTE_NS, until_ns, MINUTE_NS)
    return [closed(SYMBOL, candidate(start_ns), 1) for start_ns in starts]


def reply(found: list[Bar], row_bytes: int = BAR_BYTES) -> Reply:
    """As a persistence actor tells them."""
    rows = b"".join(pack_bar(bar, 0) for bar in found)
    data = BarData(SYMBOL, "rest", "1m", row_bytes, [], [], ["amber"], memoryview(rows))
    return Reply(1, True, data=raw(data))


def test_the_store_is_asked_for_the_newest_minutes_of_the_venue() -> None:
    asked = question(SYMBOL)

    assert (asked.op, asked.kind, asked.symbol, asked.venue) == ("history", "bar", SYMBOL, "rest")
    assert (asked.timeframe, asked.n, asked.args) == ("1m", RECENT, {"order": "newest"})


def test_what_is_stored_comes_back_as_it_was() -> None:
    sent = bars(3)

    found = stored(reply(sent))

    for name in (
        "ts_open_ns",
        "open",
        "high",
        "low",
        "close",
        "volume",
        "count",
        "status",
        "revision",
        "source",
    ):
        assert [getattr(bar, name) for bar in found] == [getattr(bar, name) for bar in sent], name


@pytest.mark.parametrize("code", ["no_data", "unknown_symbol"])
def test_a_store_that_has_nothing_is_no_fault(code: str) -> None:
    assert stored(Reply(1, False, code=code)) == []


@pytest.mark.parametrize(
    "broken",
    [
        Reply(1, False, code="overloaded", message="later"),
        Reply(1, True, data=msgspec.Raw(b"\xc1")),
        Reply(1, True, data=raw({"symbol": SYMBOL})),
        reply(bars(2), row_bytes=BAR_BYTES + 8),
    ],
)
def test_what_cannot_be_read_is_told(broken: Reply) -> None:
    with pytest.raises(InvalidRequest, match=r"."):
        stored(broken)


def test_it_goes_on_behind_the_newest_stored_minute() -> None:
    line = LineState()
    found = bars(RECENT + 20, THIS_MINUTE_NS - 30 * MINUTE_NS)

    start(line, CRYPTO, found, NOW_NS, 90)

    assert line.until_ns == line.begin_ns == THIS_MINUTE_NS - 30 * MINUTE_NS
    assert line.recent == found[-RECENT:]


def test_without_history_it_begins_with_this_minute() -> None:
    line = LineState()
    start(line, FX, [], NOW_NS, 0)

    assert (line.begin_ns, line.until_ns, line.recent) == (THIS_MINUTE_NS, 0, [])


@pytest.mark.parametrize("session", [CRYPTO, FX])
def test_history_begins_with_a_day_of_the_session(session) -> None:
    line = LineState()
    start(line, session, [], NOW_NS, 10)

    day_ns = line.begin_ns
    assert session.day_ns(day_ns)[0] == day_ns
    assert NOW_NS - 11 * DAY_NS <= day_ns <= NOW_NS - 10 * DAY_NS


def test_a_store_that_is_behind_the_journal_takes_nothing_back() -> None:
    state = BarsState({SYMBOL: LineState()})
    sent = bars(30)
    state.enter_bars(sent)

    start(state.lines[SYMBOL], CRYPTO, sent[:-7], NOW_NS, 90)

    assert state.lines[SYMBOL].until_ns == THIS_MINUTE_NS
    assert state.lines[SYMBOL].recent == sent


@pytest.mark.parametrize("days", [0, 90])
def test_nothing_is_left_out_silently_behind_old_stored_minutes(days: int) -> None:
    line = LineState()
    start(line, CRYPTO, bars(5, THIS_MINUTE_NS - (days + 2) * DAY_NS), NOW_NS, days)

    assert line.begin_ns == line.until_ns
