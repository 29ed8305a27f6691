"""Live looks when nobody answers, and at the edges of market hours; and everything at once."""

from __future__ import annotations

import datetime as dt
from random import Random
from typing import Any

import pytest

from actors.collector.bars.memory import MINUTE_NS
from protocol.messages import Alert, Bar, Gap, Verdict
from tests.support.bars_looks import (
    FROM_MINUTE,
    ONE,
    TO_MINUTE,
    TWO,
    at,
    begun,
    fault,
    is_whole,
    play,
)
from tests.support.bars_played import (
    HOUR_NS,
    TUESDAY_NS,
    PlayedBars,
    market_of,
    open_minutes,
    settings,
    untrue,
    world_of,
)
from tests.support.providers.faults import DATA, Fault
from tests.support.virtual_bars import SECOND_NS

# nobody answers


def test_minutes_that_nobody_could_tell_are_gaps_and_filled_when_somebody_can() -> None:
    bars = play(25, "yahoo", "polygon", faults=[fault("error", "*")])

    opened, filling, filled = (one for one in bars.of(Gap) if one.symbol == ONE)
    assert (opened.state, opened.cause, opened.from_ts_ns) == ("open", "disconnect", at(FROM_MINUTE - 1))
    assert "yahoo" in opened.reason
    assert "polygon" in opened.reason
    assert (filling.state, filled.state) == ("filling", "filled")
    assert filled.count == (filling.to_ts_ns - opened.from_ts_ns) // MINUTE_NS
    marked = [bar for bar in bars.of(Bar) if bar.status == "gap"]
    assert all(bar.ts_recv_ns >= bar.ts_open_ns + MINUTE_NS + 90 * SECOND_NS for bar in marked)
    assert is_whole(bars)
    assert {bar.status for bar in bars.bars(ONE).values()} == {"closed"}


def test_the_last_value_is_marked_stale_once_a_minute_until_data_returns() -> None:
    bars = play(25, "yahoo", "polygon", faults=[fault("error", "*", to_minute=15)])

    stale = [bar for bar in bars.laws[ONE].running if bar.status == "stale"]
    starts = [bar.ts_open_ns for bar in stale]
    assert starts == sorted(set(starts))
    assert set(starts) >= {at(minute) for minute in range(9, 15)}
    assert min(starts) >= at(FROM_MINUTE + 1)
    assert max(starts) < at(18)
    assert {bar.revision for bar in stale} == {0}
    known = [bar for bar in bars.of(Bar) if bar.status == "closed" and bar.ts_open_ns < at(FROM_MINUTE - 1)]
    assert {bar.close for bar in stale} <= {known[-1].close} | {
        bar.close for bar in bars.laws[ONE].running if bar.status == "open"
    }
    assert bars.laws[ONE].running[-1].status == "open"
    assert all(bar.reason for bar in stale)


def test_a_breaker_is_told_when_it_opens_and_when_it_is_closed_and_not_between() -> None:
    bars = play(45, "yahoo", "polygon", faults=[fault("error", to_minute=25)], symbols=(ONE, TWO))

    texts = [one.text for one in bars.of(Alert) if one.rule == "provider_breaker"]
    assert [text.split(": ")[1] for text in texts] == ["open", "closed"]
    assert bars.counters["breaker_half_open"] > 2
    assert is_whole(bars)


def test_when_nobody_answers_they_are_not_hammered() -> None:
    bars = play(60, "yahoo", "polygon", faults=[fault("error", "*", to_minute=60)])

    assert len([sent for sent in bars.sent if sent.at_ns > at(20)]) < 40


def test_hurrying_looks_at_everything_now() -> None:
    bars = play(5.5, "yahoo", symbols=(ONE, TWO))
    count = len(bars.sent)
    bars.orchestrator.hurry(bars.now_ns)
    bars.run(bars.now_ns + 2 * SECOND_NS)

    assert {sent.ask.symbol for sent in bars.sent[count:]} == {ONE, TWO}


def test_a_gap_is_not_blamed_on_a_suspect_of_before() -> None:
    faults = [fault("spike", bars=0.1), Fault("yahoo", "error", 60.0 * TO_MINUTE, 60.0 * 30)]
    bars = play(20, "yahoo", faults=faults)

    assert bars.of(Verdict) or bars.orchestrator.lines[ONE].suspects
    assert bars.of(Gap)[-1].from_ts_ns >= at(TO_MINUTE - 2)
    assert bars.of(Gap)[-1].cause == "disconnect"
    assert "suspect" not in bars.of(Gap)[-1].reason


# the clock


def test_minutes_between_two_looks_are_no_gaps() -> None:
    bars = play(40, "yahoo", refresh_s=300.0)

    assert len(bars.sent) < 12
    assert bars.of(Gap) == []
    assert is_whole(bars) or len(bars.bars(ONE)) > 30


def test_minutes_of_a_short_stop_are_no_gaps() -> None:
    bars = play(10, "yahoo")
    later = PlayedBars(bars.world, at(25), bars.settings, bars.remembered(), 2, bars.laws)
    later.run(at(30))

    assert later.of(Gap) == []
    assert is_whole(later)


FRIDAY_NS = int(dt.datetime(2026, 1, 9, 21, 50, tzinfo=dt.UTC).timestamp()) * SECOND_NS
CLOSE_NS = FRIDAY_NS + 10 * MINUTE_NS
OPEN_NS = CLOSE_NS + 48 * HOUR_NS


@pytest.mark.parametrize("checks", [{}, {"cross_check_s": 600.0}])
def test_nobody_is_asked_while_the_market_is_closed_and_its_last_minute_is_there(checks: Any) -> None:
    bars = begun("yahoo", "polygon", symbols=("EUR_USD",), start_ns=FRIDAY_NS, cycle_s=20.0, **checks)
    bars.run(OPEN_NS + 10 * MINUTE_NS)

    during = [one for one in bars.sent if CLOSE_NS + 5 * MINUTE_NS <= one.at_ns < OPEN_NS]
    assert during == []
    found = bars.bars("EUR_USD")
    assert found[CLOSE_NS - MINUTE_NS].status in ("closed", "quiet")
    assert found[OPEN_NS].status in ("closed", "quiet")
    assert found[OPEN_NS].ts_recv_ns < OPEN_NS + 3 * MINUTE_NS
    assert list(found) == open_minutes("fx", min(found), max(found) + MINUTE_NS)
    assert not [bar for bar in bars.of(Bar) if bar.status == "stale"]
    assert untrue(bars.world.market, "EUR_USD", found) == []


def test_the_last_minutes_are_there_at_once_where_looks_are_rare() -> None:
    bars = begun("yahoo", symbols=("EUR_USD",), start_ns=FRIDAY_NS - 3 * MINUTE_NS, refresh_s=300.0)
    bars.run(CLOSE_NS + 30 * MINUTE_NS)

    assert bars.bars("EUR_USD")[CLOSE_NS - MINUTE_NS].status in ("closed", "quiet")


@pytest.mark.parametrize("delay_s", [8.0, 40.0])
def test_the_last_minute_of_a_session_is_whole_if_the_provider_is_late(delay_s: float) -> None:
    world = world_of(market_of("EUR_USD"), FRIDAY_NS, delay_s=delay_s)
    bars = PlayedBars(world, FRIDAY_NS, settings("yahoo"))
    bars.run(CLOSE_NS + 10 * MINUTE_NS)

    assert untrue(world.market, "EUR_USD", bars.bars("EUR_USD")) == []


def test_a_provider_that_is_always_late_begins_a_series_too() -> None:
    world = world_of(market_of(ONE), TUESDAY_NS, delay_s=130.0)
    bars = PlayedBars(world, TUESDAY_NS, settings("yahoo"))
    bars.run(at(20))

    assert len(bars.bars(ONE)) > 10


def test_the_session_after_a_night_begins_with_its_first_minute() -> None:
    start_ns = TUESDAY_NS + 20 * HOUR_NS + 55 * MINUTE_NS
    bars = begun("yahoo", symbols=("AAPL",), start_ns=start_ns, cycle_s=15.0)
    bars.run(start_ns + 19 * HOUR_NS)

    found = bars.bars("AAPL")
    assert list(found) == open_minutes("us_equity", min(found), max(found) + MINUTE_NS)
    assert len(found) > 50
    assert bars.of(Gap) == []


# everything at once

HARMLESS = ("error", "html", "cut", "reset", "hang", "throttle", "limit_note", "auth", "refused", "torn_gzip")


@pytest.mark.parametrize("seed", range(6))
def test_whatever_goes_wrong_no_limit_is_exceeded_and_every_minute_is_told(seed: int) -> None:
    random = Random(seed)
    providers = ("yahoo", "twelvedata", "polygon", "alphavantage")
    faults = []
    for _ in range(12):
        from_s = random.randrange(90 * 60)
        kind = random.choice((*HARMLESS, "stale", "missing", "duplicated", "spike"))
        hit = random.choice((*providers, "*")) if kind not in DATA else "yahoo"
        to_s, share = from_s + random.randrange(1200), random.choice((0.3, 1.0))
        faults.append(Fault(hit, kind, from_s, to_s, share=share, factor=3.0 if kind == "spike" else None))
    symbols = ("EUR_USD", ONE, TWO)
    bars = begun(*providers, faults=faults, symbols=symbols, cross_check_s=900.0, seed=seed)
    bars.run(at(120))

    assert bars.world.violations == []
    for symbol in symbols:
        found = bars.bars(symbol)
        assert list(found) == open_minutes("crypto", min(found), max(found) + MINUTE_NS)
        assert max(found) >= at(117)
        lies = untrue(
            bars.world.market, symbol, {one: bar for one, bar in found.items() if bar.status == "closed"}
        )
        assert lies == []
    for one in bars.switches:
        assert one.before != one.after
        assert one.reason
