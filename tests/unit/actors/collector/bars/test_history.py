"""History: the same minutes whatever happens on the way, each once, and then live without a seam."""

from __future__ import annotations

import collections
import functools
from random import Random
from typing import Any

import pytest

from actors.collector.bars.asking import Found
from actors.collector.bars.memory import MINUTE_NS
from actors.collector.bars.providers.provider import Page
from actors.collector.bars.providers.registry import PROVIDERS, provider
from protocol.messages import Bar, Gap, Verdict
from tests.support.bars_played import (
    CLOSE,
    DAY_NS,
    HOUR_NS,
    TUESDAY_NS,
    PlayedBars,
    market_of,
    open_minutes,
    settings,
    untrue,
    world_of,
)
from tests.support.providers.faults import Fault
from tests.support.providers.listings import LISTINGS
from tests.support.providers.market import Market
from tests.support.virtual_bars import SECOND_NS

SYMBOLS = ("EUR_USD", "BTC_USD", "AAPL")
DAYS = 10
FAULTS = (
    Fault("*", "throttle", share=0.04, retry_after_s=20),
    *(Fault("*", kind, share=0.1) for kind in ("error", "html", "cut", "reset", "hang")),
)
"""What says nothing of the minutes: asking again does."""
FORTY = [Fault("*", "error", to_s=40 * 60.0)]


def pages_of(monkeypatch: pytest.MonkeyPatch, minutes: int) -> None:
    """Every provider has so many minutes in an answer."""
    for name in PROVIDERS:
        monkeypatch.setattr(type(provider(name)), "bars_per_call", minutes)
        monkeypatch.setattr(type(provider(name)), "longest_ns", minutes * MINUTE_NS)


def begun(
    market: Market,
    *providers: str,
    faults: Any = (),
    delay_s: float = 2.0,
    is_limited: bool = True,
    **changes: Any,
) -> PlayedBars:
    """A collector that begins with a day of history; without limits pages do not wait for each other."""
    if not is_limited:
        changes |= {name: [(100_000, 60.0)] for name in providers}
    world = world_of(market, TUESDAY_NS, faults, delay_s=delay_s, limits=None if is_limited else {})
    return PlayedBars(world, TUESDAY_NS, settings(*providers, **{"bootstrap_days": 1} | changes))


def load(bars: PlayedBars, limit_ns: int = 6 * HOUR_NS) -> PlayedBars:
    """Until all beginnings are loaded."""
    bars.run_until(lambda: not bars.is_loading, limit_ns)
    return bars


Told = dict[str, dict[int, tuple[str, float, float, float, float]]]


def told(bars: PlayedBars) -> Told:
    """What is known of each minute that was history."""
    return {
        symbol: {
            start_ns: (bar.status, bar.open, bar.high, bar.low, bar.close)
            for start_ns, bar in laws.newest.items()
            if start_ns < TUESDAY_NS - 7 * HOUR_NS
        }
        for symbol, laws in bars.laws.items()
    }


@functools.cache
def undisturbed() -> Told:
    """Without a fault, a kill or a small page."""
    return told(load(begun(market_of(*SYMBOLS), "yahoo", bootstrap_days=DAYS)))


def test_history_is_what_happened() -> None:
    bars = load(begun(market_of(*SYMBOLS), "yahoo", bootstrap_days=DAYS))

    for symbol, session in zip(SYMBOLS, ("fx", "crypto", "us_equity"), strict=True):
        found = bars.bars(symbol)
        expected = open_minutes(session, TUESDAY_NS - DAYS * DAY_NS, max(found) + MINUTE_NS)
        assert list(found) == expected
        assert untrue(bars.world.market, symbol, found) == []
        assert {bar.source for bar in found.values()} == {"yahoo"}
    assert bars.world.violations == []


def assert_same(found: Told, expected: Told) -> None:
    """The same minutes with the same status, at prices that differ by what one provider rounds."""
    assert found.keys() == expected.keys()
    for symbol, minutes in found.items():
        assert list(minutes) == list(expected[symbol])
        for start_ns, (status, *prices) in minutes.items():
            known, *truth = expected[symbol][start_ns]
            assert status == known, start_ns
            assert max(abs(a / b - 1.0) for a, b in zip(prices, truth, strict=True)) < CLOSE


@pytest.mark.parametrize(
    ("seed", "providers"),
    [(1, ("yahoo",)), (2, ("yahoo",)), (3, ("yahoo", "twelvedata")), (4, ("polygon", "twelvedata", "yahoo"))],
)
def test_faults_and_kills_change_nothing_but_the_time_it_takes(
    monkeypatch: pytest.MonkeyPatch, seed: int, providers: tuple[str, ...]
) -> None:
    pages_of(monkeypatch, 700)
    random = Random(seed)
    world = world_of(market_of(*SYMBOLS), TUESDAY_NS, FAULTS)
    bars = PlayedBars(world, TUESDAY_NS, settings(*providers, bootstrap_days=DAYS), seed=seed)
    kills = 0
    while bars.is_loading:
        assert bars.now_ns < TUESDAY_NS + 12 * HOUR_NS, "it does not end"
        bars.run(bars.now_ns + random.randrange(150) * SECOND_NS)
        if random.random() < 0.3:
            bars.snap()
        if random.random() < 0.4:
            memory = bars.found() if random.random() < 0.5 else bars.remembered()
            bars = PlayedBars(world, bars.now_ns + 5, bars.settings, memory, seed + kills, bars.laws)
            kills += 1

    found = told(bars)
    if len(providers) == 1:
        assert found == undisturbed()
        sources = {bar.source for laws in bars.laws.values() for bar in laws.newest.values()}
        assert sources == set(providers)
    assert_same(found, undisturbed())
    assert kills > 1
    assert sum(world.script.hits.values()) > 10
    assert world.violations == []


def test_where_pages_end_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    pages_of(monkeypatch, 37)
    bars = load(begun(market_of("EUR_USD"), "yahoo", is_limited=False, bootstrap_days=2))

    found = told(bars)["EUR_USD"]
    assert len(bars.asked(purpose="history")) > 20
    assert found == {at: one for at, one in undisturbed()["EUR_USD"].items() if at in found}


def test_live_follows_history_without_a_seam(monkeypatch: pytest.MonkeyPatch) -> None:
    pages_of(monkeypatch, 500)
    bars = load(begun(market_of("BTC_USD"), "yahoo", "twelvedata", faults=FAULTS, bootstrap_days=2))
    bars.run(bars.now_ns + 20 * MINUTE_NS)

    found = bars.bars("BTC_USD")
    assert list(found) == open_minutes("crypto", TUESDAY_NS - 2 * DAY_NS, max(found) + MINUTE_NS)
    assert max(found) >= bars.now_ns - 5 * MINUTE_NS
    assert {one.ask.purpose for one in bars.sent} == {"history", "live"}
    assert untrue(bars.world.market, "BTC_USD", found, ignore=bars.laws["BTC_USD"].missing) == []
    assert bars.world.violations == []


def test_no_minute_is_missing_between_history_and_live(monkeypatch: pytest.MonkeyPatch) -> None:
    pages_of(monkeypatch, 330)  # the last one but one ends less than six hours ago
    bars = load(begun(market_of("BTC_USD"), "yahoo", bootstrap_days=2))
    bars.run(bars.now_ns + MINUTE_NS)

    assert bars.of(Gap) == []


@pytest.mark.parametrize(("name", "delay_s"), [("yahoo", 30.0), ("polygon", 900.0)])
def test_what_a_provider_does_not_have_yet_is_left_to_live(name: str, delay_s: float) -> None:
    bars = load(begun(market_of("BTC_USD"), name, delay_s=delay_s))

    told = {at: bar for at, bar in firsts(bars).items() if at < TUESDAY_NS - 3 * MINUTE_NS}
    assert len(told) > 1400
    assert untrue(bars.world.market, "BTC_USD", told) == []


def test_what_nobody_goes_back_to_is_one_gap_and_no_minute(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(type(provider("yahoo")), "reach_ns", 2 * DAY_NS)
    bars = load(begun(market_of("BTC_USD"), "yahoo", bootstrap_days=5))

    (gap,) = bars.of(Gap)
    assert (gap.state, gap.from_ts_ns) == ("unfillable", TUESDAY_NS - 5 * DAY_NS)
    assert "yahoo" in gap.reason
    assert gap.to_ts_ns == min(bars.bars("BTC_USD"))
    assert TUESDAY_NS - 2 * DAY_NS <= gap.to_ts_ns <= TUESDAY_NS - 2 * DAY_NS + HOUR_NS
    assert untrue(bars.world.market, "BTC_USD", bars.bars("BTC_USD")) == []


def test_a_better_one_is_asked_only_for_what_it_reaches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(type(provider("yahoo")), "reach_ns", DAY_NS)
    bars = load(begun(market_of("BTC_USD"), "yahoo", "polygon", bootstrap_days=3))

    for one in bars.asked("yahoo", purpose="history"):
        assert one.ask.query.from_ns >= one.at_ns - DAY_NS
    assert bars.of(Gap) == []
    assert {bar.source for bar in bars.bars("BTC_USD").values()} == {"yahoo", "polygon"} or not bars.asked(
        "yahoo", purpose="history"
    )


def test_when_everybody_refuses_it_waits_says_why_and_goes_on() -> None:
    bars = begun(market_of("BTC_USD"), "yahoo", "twelvedata", faults=FORTY)
    bars.run(TUESDAY_NS + 30 * MINUTE_NS)

    own = bars.orchestrator.lines["BTC_USD"].own
    assert bars.messages == [] or not bars.of(Bar)
    assert "Service Unavailable" in own.why
    assert {"yahoo", "twelvedata"} <= set(own.why.replace(":", " ").split())
    assert len(bars.sent) < 60, "it does not hammer"
    load(bars)
    assert untrue(bars.world.market, "BTC_USD", bars.bars("BTC_USD")) == []
    assert own.why == ""


def test_an_instrument_that_nobody_has_waits_and_says_why() -> None:
    bars = begun(market_of("BTC_USD"), "yahoo", faults=[Fault("yahoo", "wrong_interval", to_s=3000)])
    bars.run(TUESDAY_NS + 10 * MINUTE_NS)

    assert "wrong_symbol" in bars.orchestrator.lines["BTC_USD"].own.why
    assert len(bars.sent) == 1
    load(bars)
    assert untrue(bars.world.market, "BTC_USD", bars.bars("BTC_USD")) == []


def test_one_failure_of_the_best_does_not_wait_for_the_daily_limit_of_the_next() -> None:
    bars = begun(
        market_of("BTC_USD", "EUR_USD"), "yahoo", "twelvedata",
        twelvedata=[(2, 86_400.0)], faults=[Fault("yahoo", "error", calls=2)],
    )  # fmt: skip

    load(bars, HOUR_NS)


def test_the_rest_of_a_long_page_does_not_wait_for_a_second_opinion() -> None:
    bars = begun(
        market_of("BTC_USD"), "yahoo", "twelvedata", bootstrap_days=4,
        twelvedata=[(1, 86_400.0)], faults=[Fault("yahoo", "spike", bars=0.001)],
    )  # fmt: skip
    account = bars.orchestrator.market.accounts["twelvedata"]
    account.begin("time_series", 1, TUESDAY_NS, is_history=False)

    load(bars, HOUR_NS)


def test_a_week_that_ends_without_a_bar_does_not_wait_for_the_next() -> None:
    close_ns = TUESDAY_NS + 4 * DAY_NS - 2 * HOUR_NS
    saturday_ns = close_ns + 11 * HOUR_NS
    silent = Fault("*", "stale", 0.0, minutes=(saturday_ns - close_ns) / MINUTE_NS + 3.0)
    market = market_of("EUR_USD")
    world = world_of(market, saturday_ns, [silent])
    bars = PlayedBars(world, saturday_ns, settings("yahoo", "polygon", bootstrap_days=2))
    bars.run(saturday_ns + HOUR_NS)

    assert not bars.is_loading
    assert max(bars.bars("EUR_USD")) == close_ns - MINUTE_NS
    assert len(bars.sent) < 20


# second opinions


def thin() -> Market:
    """Every third minute is without a trade."""
    return Market([one._replace(quiet=0.3) for one in LISTINGS if one.symbol == "BTC_USD"])


def runs(bars: PlayedBars, *statuses: str) -> list[list[Bar]]:
    """Minutes in a row of these statuses."""
    found: list[list[Bar]] = [[]]
    for bar in bars.bars("BTC_USD").values():
        if bar.status in statuses:
            found[-1].append(bar)
        elif found[-1]:
            found.append([])
    return [run for run in found if run]


def test_a_short_run_is_quiet_on_one_word_and_a_long_one_on_that_of_all(monkeypatch) -> None:
    pages_of(monkeypatch, 60)
    bars = load(begun(thin(), "yahoo", "polygon", is_limited=False))
    of_both = [run for run in runs(bars, "quiet") if len(run) > 5]

    assert of_both
    assert all(bar.reason == "no bar at polygon, yahoo" for run in of_both for bar in run)
    alone = [bar for run in runs(bars, "quiet") for bar in run if bar.reason == "no bar at yahoo"]
    assert alone
    assert untrue(bars.world.market, "BTC_USD", bars.bars("BTC_USD")) == []
    for one in bars.asked("polygon", purpose="history"):
        assert one.ask.query.to_ns - one.ask.query.from_ns < 30 * MINUTE_NS, "only what lacks is asked for"


def test_who_is_alone_is_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    bars = load(begun(thin(), "yahoo"))

    assert any(len(run) > 5 for run in runs(bars, "quiet"))
    assert untrue(bars.world.market, "BTC_USD", bars.bars("BTC_USD")) == []


@pytest.mark.parametrize("kind", ["missing", "spike"])
def test_every_run_of_a_page_gets_a_second_opinion(kind: Any) -> None:
    fault = Fault("yahoo", kind, bars=0.01)
    bars = load(begun(market_of("BTC_USD"), "yahoo", "polygon", faults=[fault], quiet_minutes=0, is_limited=False))  # fmt: skip

    assert bars.asked("polygon", purpose="history")
    statuses = collections.Counter(bar.status for bar in bars.bars("BTC_USD").values())
    assert statuses["gap"] == 0
    assert untrue(bars.world.market, "BTC_USD", bars.bars("BTC_USD")) == []


def firsts(bars: PlayedBars) -> dict[int, Bar]:
    """Each minute as it went out first."""
    return {bar.ts_open_ns: bar for bar in bars.of(Bar) if bar.revision == 1}


def test_a_suspect_that_nobody_confirms_is_a_gap_with_a_verdict() -> None:
    bars = load(begun(market_of("BTC_USD"), "yahoo", faults=[Fault("yahoo", "spike", bars=0.01)]))

    verdicts = collections.Counter(one.ts_open_ns for one in bars.of(Verdict))
    assert len(verdicts) > 5
    assert set(verdicts.values()) == {1}
    assert all(one.verdict == "quarantine" and one.reasons for one in bars.of(Verdict))
    found = {at: bar for at, bar in firsts(bars).items() if at < TUESDAY_NS - HOUR_NS}
    assert {found[start_ns].status for start_ns in verdicts if start_ns in found} == {"gap"}
    assert untrue(bars.world.market, "BTC_USD", found) == []


def test_a_suspect_that_another_one_contradicts_is_published_as_that_one_has_it(monkeypatch) -> None:
    pages_of(monkeypatch, 40)
    fault = Fault("yahoo", "spike", bars=0.004)
    bars = load(begun(market_of("BTC_USD"), "yahoo", "polygon", faults=[fault], is_limited=False))

    mended = [bar for bar in bars.bars("BTC_USD").values() if bar.source == "polygon"]
    assert len(mended) > 1
    assert untrue(bars.world.market, "BTC_USD", bars.bars("BTC_USD")) == []


def test_an_empty_page_with_more_behind_it_denies_nothing() -> None:
    bars = begun(market_of("BTC_USD"), "polygon")
    (ask,) = bars.orchestrator.advance(TUESDAY_NS)
    bars.orchestrator.answered(ask, Found(Page([], cursor="/v2/aggs/x"), [], TUESDAY_NS), TUESDAY_NS)
    bars.orchestrator.advance(TUESDAY_NS + 1)

    timeline = bars.orchestrator.lines["BTC_USD"].timeline
    assert timeline.next_ns == timeline.state.begin_ns


def test_history_uses_its_share_and_live_the_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    """One is loaded already, the others are not."""
    pages_of(monkeypatch, 100)
    bars = begun(market_of(*SYMBOLS), "yahoo", bootstrap_days=15, history_share=0.3)
    line = bars.orchestrator.lines["BTC_USD"]
    line.timeline.state.begin_ns = TUESDAY_NS
    bars.run(TUESDAY_NS + 10 * MINUTE_NS)

    assert bars.is_loading
    for minute in range(10):
        at_ns = TUESDAY_NS + minute * MINUTE_NS
        asked = [one for one in bars.sent if at_ns <= one.at_ns < at_ns + MINUTE_NS]
        assert sum(one.ask.purpose == "history" for one in asked) <= 0.3 * 30
        assert minute == 0 or any(one.ask.purpose == "live" for one in asked)
    assert bars.world.violations == []
