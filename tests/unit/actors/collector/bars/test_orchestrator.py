"""All instruments together: who comes first, what is forgotten, what people see."""

from __future__ import annotations

import collections
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from actors.collector.bars import making
from actors.collector.bars.asking import Ask, Found, context
from actors.collector.bars.candidate import closed, flat
from actors.collector.bars.judging.judged import Judged
from actors.collector.bars.line import OPINIONS, Suspect, next_look_ns
from actors.collector.bars.memory import MINUTE_NS, LineState
from actors.collector.bars.orchestrator import Orchestrator
from actors.collector.bars.outlet import Outlet
from actors.collector.bars.providers.provider import Page, Query, Refusal
from actors.collector.bars.providers.registry import provider
from actors.collector.bars.rules import rules_of
from actors.collector.bars.settings import TierSettings
from protocol.messages import Bar
from protocol.sessions import session_named
from tests.support.bars_looks import ONE, TWO, at
from tests.support.bars_played import (
    TUESDAY_NS,
    PlayedBars,
    instruments_of,
    market_of,
    settings,
    world_of,
)
from tests.support.bars_timeline import bar, candidate
from tests.support.virtual_bars import SECOND_NS

SYMBOLS = (ONE, TWO, "SOL_USD", "XRP_USD")


def orchestrator(*providers: str, symbols: tuple[str, ...] = SYMBOLS, begin_ns: int = TUESDAY_NS, **changes):
    chosen = settings(*(providers or ("yahoo",)), **changes)
    there = making.asked(chosen)
    market = making.market_of(chosen, there, lambda: 0.5, TUESDAY_NS)
    lines = [
        making.line_of(chosen, rules_of(chosen), there, one, "test", LineState(begin_ns=begin_ns))
        for one in instruments_of(market_of(*symbols))
    ]
    return Orchestrator(lines, market, rules_of(chosen), Outlet(collections.Counter()), lambda: 0.5)


def page(*minutes: int) -> Found:
    """Bars as they came, and all of them good."""
    bars = [bar(at(minute)) for minute in minutes]
    return Found(Page(bars), [Judged(one, one, "accept", ()) for one in bars], at(max(minutes) + 1))


def test_the_important_ones_are_asked_for_first_and_alike_by_name() -> None:
    tiers = {"best": TierSettings(symbols=["XRP_USD"], rank=1), "good": TierSettings(symbols=[TWO], rank=2)}
    asks = orchestrator(tiers=tiers).cycle(at(1))

    assert [ask.symbol for ask in asks] == ["XRP_USD", TWO, ONE, "SOL_USD"]
    assert {ask.purpose for ask in asks} == {"live"}


def test_what_is_under_way_is_not_asked_for_again() -> None:
    bars = orchestrator()
    assert len(bars.cycle(at(1))) == 4
    assert bars.cycle(at(1) + SECOND_NS) == []


def test_an_instrument_that_has_not_begun_is_not_asked_for() -> None:
    bars = orchestrator(begin_ns=0)

    assert bars.cycle(at(1)) == []
    assert bars.advance(at(1)) == []


@pytest.mark.parametrize(("teller", "is_out"), [("yahoo", False), ("polygon", True)])
def test_who_told_a_suspect_minute_does_not_confirm_it_while_others_can_be_asked(
    teller: str, is_out: bool
) -> None:
    bars = orchestrator("yahoo", "polygon", symbols=(ONE,))
    line = bars.lines[ONE]
    (ask,) = bars.cycle(at(1))
    line.suspects[at(0)] = Suspect("yahoo", "jump: 7")
    bars.answered(ask._replace(provider=teller), page(0), at(1) + SECOND_NS)

    assert (line.timeline.newest is not None) == is_out


def test_answers_are_counted_by_what_they_were() -> None:
    bars = orchestrator()
    first, second, *_ = bars.cycle(at(1))
    bars.answered(first, page(0), at(1) + SECOND_NS)
    bars.answered(second, Refusal("unavailable", "no answer"), at(1) + SECOND_NS)

    counters = bars.outlet.counters
    assert (counters["pages"], counters["bars_received"], counters["refused_unavailable"]) == (1, 1, 1)


def test_an_answer_for_an_instrument_that_is_gone_counts_and_tells_nothing() -> None:
    bars = orchestrator()
    first, *_ = bars.cycle(at(1))
    bars.remove(first.symbol)
    before = bars.market.accounts["yahoo"].changes

    bars.answered(first, page(0), at(1) + SECOND_NS)

    assert bars.market.accounts["yahoo"].changes > before
    assert [one for one in bars.outlet.take() if isinstance(one, Bar)] == []
    assert {ask.symbol for ask in bars.cycle(at(9))} <= set(bars.lines)


def test_an_answer_for_a_stretch_that_is_gone_is_nothing() -> None:
    bars = orchestrator()
    ask = Ask(ONE, "job-9", "yahoo", "chart", Query("BTC-USD", at(-9), at(0)), "history", at(0))
    bars.market.accounts["yahoo"].begin("chart", 1, at(1), is_history=True)

    bars.answered(ask, page(-9), at(1))

    assert bars.outlet.take() == []


def test_history_takes_turns_call_by_call(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(type(provider("yahoo")), "bars_per_call", 100)
    world = world_of(market_of(*SYMBOLS), TUESDAY_NS)
    bars = PlayedBars(world, TUESDAY_NS, settings("yahoo", yahoo=[(4, 60.0)], bootstrap_days=3))
    bars.run(at(10))

    calls = collections.Counter(one.ask.symbol for one in bars.asked(purpose="history"))
    assert bars.is_loading
    assert calls.total() > 15
    assert max(calls.values()) - min(calls[symbol] for symbol in SYMBOLS) <= 1


def test_what_went_out_is_judged_with_but_for_what_nobody_told() -> None:
    told = closed("EUR_USD", candidate(at(0)), 1)
    invented = flat("EUR_USD", at(1), 1.0, "quiet", "amber", at(2), "no bar at amber")

    found = context([told, invented, replace(told, ts_open_ns=at(5))], at(5))

    assert [one.ts_open_ns for one in found] == [at(0)]
    assert (found[0].close, found[0].volume, found[0].count) == (told.close, None, told.count)


def test_history_takes_turns() -> None:
    bars = orchestrator("yahoo", begin_ns=at(-1440), yahoo=[(2, 60.0)], history_share=0.5)
    first = [ask.symbol for ask in bars.advance(at(0))]
    second = [ask.symbol for ask in bars.advance(at(2))]
    third = [ask.symbol for ask in bars.advance(at(4))]

    assert len(first) == len(second) == len(third) == 1
    assert len({*first, *second, *third}) == 3


def test_only_some_of_the_pages_that_are_there_go_out_in_one_turn() -> None:
    bars = orchestrator("yahoo", begin_ns=at(-600))
    asks = bars.advance(at(0))
    assert len(asks) == 4
    for ask in asks:
        bars.answered(ask, page(*range(-600, 0)), at(0) + SECOND_NS)
    bars.outlet.take()

    per_turn = []
    for turn in range(4):
        bars.advance(at(0) + (2 + turn) * SECOND_NS)
        per_turn.append({one.symbol for one in bars.outlet.take() if isinstance(one, Bar)})

    assert max(map(len, per_turn)) == 2
    assert set().union(*per_turn) == set(SYMBOLS)


def test_all_there_is_to_see_is_plain_data() -> None:
    world = world_of(market_of(*SYMBOLS), TUESDAY_NS)
    bars = PlayedBars(world, TUESDAY_NS, settings("yahoo", "polygon"))
    bars.run(at(5))

    shown = json.loads(json.dumps(bars.orchestrator.describe(bars.now_ns)))
    assert shown.keys() == {"providers", "instruments", "switches"}
    one = shown["instruments"][ONE]
    assert one["source"] == "yahoo"
    assert 0 <= one["newest_age_s"] <= 65
    assert 0 < one["next_look_s"] <= 60
    assert one["behind_s"] <= 65
    assert one["missing"] == 0
    assert one["close"] == bars.orchestrator.lines[ONE].timeline.newest.close


# lines


@pytest.mark.parametrize(
    ("now_s", "refresh_s", "due_s"),
    [(0.5, 60, 4), (4.5, 60, 64), (64, 60, 124), (30, 60, 64), (4.5, 120, 124), (4.5, 5, 9.5), (30, 30, 60)],
)
def test_a_look_comes_a_little_after_the_end_of_a_minute_where_each_is_looked_at(
    now_s: float, refresh_s: float, due_s: float
) -> None:
    now_ns = TUESDAY_NS + round(now_s * SECOND_NS)
    due_ns = next_look_ns(now_ns, round(refresh_s * SECOND_NS), 4 * SECOND_NS, session_named("crypto"))
    assert (due_ns - TUESDAY_NS) / SECOND_NS == due_s


@given(
    st.integers(0, 7 * 86_400 * 1000),
    st.sampled_from((1, 5, 60, 61, 120, 300)),
    st.sampled_from((0, 4)),
    st.sampled_from(("fx", "us_equity", "crypto")),
)
def test_a_look_is_in_market_hours_or_when_a_minute_of_them_has_just_ended(
    ms: int, refresh_s: int, settle_s: int, name: str
) -> None:
    session = session_named(name)
    now_ns, settle_ns = TUESDAY_NS + ms * 1_000_000, settle_s * SECOND_NS
    due_ns = next_look_ns(now_ns, refresh_s * SECOND_NS, settle_ns, session)

    assert due_ns > now_ns
    assert session.open_time_ns(due_ns - 2 * MINUTE_NS - settle_ns, due_ns) > 0
    assert due_ns <= max(
        now_ns + refresh_s * SECOND_NS + MINUTE_NS, session.next_open_ns(now_ns) + 2 * MINUTE_NS
    )


def test_a_look_that_ends_just_behind_the_close_is_not_the_last() -> None:
    session = session_named("fx")
    close_ns = session.span(TUESDAY_NS).end_ns

    due_ns = next_look_ns(close_ns + SECOND_NS // 2, 60 * SECOND_NS, 4 * SECOND_NS, session)

    assert close_ns + 4 * SECOND_NS <= due_ns <= close_ns + 2 * MINUTE_NS


def test_what_each_provider_said_is_remembered_for_the_newest_minutes() -> None:
    line = orchestrator().lines[ONE]
    line.hear("yahoo", [bar(at(minute)) for minute in range(OPINIONS + 5)])
    line.hear("polygon", [bar(at(OPINIONS), 2.0)])

    assert line.others("yahoo").keys() == {at(OPINIONS)}
    (opinion,) = line.others("yahoo")[at(OPINIONS)]
    assert (opinion.provider, opinion.bar.open) == ("polygon", 2.0)
    assert line.others("polygon").keys() == {at(minute) for minute in range(5, OPINIONS + 5)}
    assert len(line.others("a third")[at(OPINIONS)]) == 2
