"""A provider's minute as a message."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from actors.collector.bars.candidate import Candidate, closed, flat, is_other, running
from actors.collector.bars.memory import MINUTE_NS
from actors.collector.bars.providers.provider import ProviderBar

START_NS = 1_767_657_600_000_000_000
PRICE = st.floats(0.5, 2.0)


def found(volume: float | None = None, vwap: float = 0.0, recv_ns: int = START_NS + 1) -> Candidate:
    bar = ProviderBar(START_NS, 1.0, 1.2, 0.9, 1.1, volume, 7, vwap)
    return Candidate(bar, "amber", recv_ns, True, "repaired")


def test_a_closed_minute_says_everything_that_is_known() -> None:
    bar = closed("EUR_USD", found(40.0, 1.05), 3)

    assert (bar.symbol, bar.venue, bar.timeframe, bar.source) == ("EUR_USD", "rest", "1m", "amber")
    assert (bar.ts_open_ns, bar.ts_event_ns) == (START_NS, START_NS + MINUTE_NS - 1)
    assert (bar.open, bar.high, bar.low, bar.close, bar.volume) == (1.0, 1.2, 0.9, 1.1, 40.0)
    assert (bar.vwap, bar.count, bar.status, bar.coverage, bar.revision) == (1.05, 7, "closed", 1.0, 3)
    assert (bar.ts_recv_ns, bar.is_adjusted, bar.reason) == (START_NS + 1, True, "repaired")


@pytest.mark.parametrize(
    ("volume", "told", "vwap"),
    [
        (None, 1.15, 1.1),
        (0.0, 1.15, 1.1),
        (5.0, 1.15, 1.15),
        (5.0, 9.0, 1.2),
        (5.0, 0.0, (1.2 + 0.9 + 1.1) / 3),
    ],
)
def test_vwap_is_as_told_else_the_typical_price_and_the_close_without_volume(
    volume: float | None, told: float, vwap: float
) -> None:
    assert closed("EUR_USD", found(volume, told), 1).vwap == pytest.approx(vwap)


@pytest.mark.parametrize(("recv_s", "event_s"), [(-5, 0), (12, 12), (59, 59)])
def test_a_running_minute_is_as_old_as_its_fetch_but_in_its_minute(recv_s: int, event_s: int) -> None:
    bar = running("EUR_USD", found(recv_ns=START_NS + recv_s * 10**9), "open")

    assert (bar.status, bar.revision, bar.ts_event_ns) == ("open", 0, START_NS + event_s * 10**9)


def test_a_running_minute_never_ends_in_the_next_one() -> None:
    bar = running("EUR_USD", found(recv_ns=START_NS + 90 * 10**9), "stale")

    assert bar.ts_event_ns == START_NS + MINUTE_NS - 1


@pytest.mark.parametrize(
    ("status", "coverage", "revision"), [("quiet", 1.0, 1), ("gap", 0.0, 1), ("stale", 0.0, 0)]
)
def test_a_minute_without_a_bar_repeats_the_price_and_counts_nothing(
    status: str, coverage: float, revision: int
) -> None:
    bar = flat("EUR_USD", START_NS, 1.3, status, "amber", START_NS + 5, "no bar at amber")

    assert {bar.open, bar.high, bar.low, bar.close, bar.vwap} == {1.3}
    assert (bar.volume, bar.count, bar.coverage, bar.revision) == (0.0, 0, coverage, revision)
    assert (bar.ts_recv_ns, bar.reason, bar.source) == (START_NS + 5, "no bar at amber", "amber")
    assert bar.validate() == []


@given(PRICE, PRICE, PRICE, PRICE, st.floats(0.0, 100.0), st.floats(0.0, 3.0))
def test_whatever_sound_bar_comes_the_message_is_valid(
    a: float, b: float, c: float, d: float, volume: float, vwap: float
) -> None:
    low, *middle, high = sorted((a, b, c, d))
    bar = ProviderBar(START_NS, middle[0], high, low, middle[1], volume, 0, vwap)
    told = closed("EUR_USD", Candidate(bar, "amber", START_NS), 1)

    assert told.validate() == []
    assert low <= told.vwap <= high
    assert told.count == 1, "a bar without a count has happened"


def test_only_prices_volume_and_status_make_another_bar() -> None:
    bar = closed("EUR_USD", found(40.0), 1)
    same = replace(bar, source="beryl", ts_recv_ns=1, reason="late", revision=9, vwap=1.0, count=1)
    assert not is_other(bar, same)
    for name in ("open", "high", "low", "close", "volume"):
        assert is_other(bar, replace(bar, **{name: 7.0})), name
    assert is_other(bar, replace(bar, status="quiet"))
