"""What is published, once each, and what people are told of it."""

from __future__ import annotations

import collections
import math

import pytest
from msgspec.structs import replace

from actors.collector.bars.judging.judged import Judged
from actors.collector.bars.outlet import MAX_SWITCHES, MAX_TOLD, Outlet, Switch
from actors.collector.bars.spending.breaker import Transition
from protocol.messages import Alert, Verdict
from tests.support.bars_timeline import bar, candidate

T0 = 1_767_657_600_000_000_000


@pytest.fixture
def outlet() -> Outlet:
    return Outlet(collections.Counter())


def judged(verdict: str, *reasons: str, start_ns: int = T0, **changes: float) -> Judged:
    return Judged(replace(bar(start_ns), **changes), None, verdict, reasons or ("spike: 7",))  # type: ignore[arg-type]


def change(before: str, after: str, reason: str = "three failures") -> Transition:
    return Transition("yahoo", "chart", before, after, reason, T0)  # type: ignore[arg-type]


def test_messages_leave_in_the_order_they_came_and_once(outlet: Outlet) -> None:
    from actors.collector.bars.candidate import closed

    first, second = (closed("EUR_USD", candidate(T0 + at), 1) for at in (0, 60_000_000_000))
    outlet.add([first])
    outlet.judged("EUR_USD", "yahoo", judged("repair"), T0)
    outlet.add([second])

    taken = outlet.take()
    assert [taken[0], taken[2]] == [first, second]
    assert isinstance(taken[1], Verdict)
    assert outlet.take() == []


def test_a_verdict_says_what_was_sent_and_why(outlet: Outlet) -> None:
    outlet.judged("EUR_USD", "yahoo", judged("quarantine", "spike: 7", "wick: 8"), T0 + 5)

    (told,) = outlet.take()
    assert isinstance(told, Verdict)
    assert (told.symbol, told.venue, told.provider, told.timeframe) == ("EUR_USD", "rest", "yahoo", "1m")
    assert (told.ts_open_ns, told.ts_event_ns, told.verdict) == (T0, T0 + 5, "quarantine")
    assert told.reasons == ["spike: 7", "wick: 8"]
    assert (told.open, told.high, told.low, told.close, told.volume) == (1.0, 1.002, 0.999, 1.001, 0.0)
    assert told.validate() == []
    assert outlet.counters["bars_quarantine"] == 1


@pytest.mark.parametrize("verdict", ["accept", "suspect"])
def test_what_is_taken_as_it_came_or_waits_is_no_verdict(outlet: Outlet, verdict: str) -> None:
    outlet.judged("EUR_USD", "yahoo", judged(verdict), T0)
    assert outlet.take() == []


def test_a_verdict_is_told_once_and_another_reason_once_more(outlet: Outlet) -> None:
    for _ in range(3):
        outlet.judged("EUR_USD", "yahoo", judged("repair"), T0)
    assert len(outlet.take()) == 1
    outlet.judged("EUR_USD", "yahoo", judged("repair", "wick: 8"), T0)
    outlet.judged("EUR_USD", "polygon", judged("repair"), T0)
    outlet.judged("AAPL", "yahoo", judged("repair"), T0)
    outlet.judged("EUR_USD", "yahoo", judged("repair", start_ns=T0 + 60_000_000_000), T0)
    assert len(outlet.take()) == 4


def test_numbers_that_are_none_are_told_as_zero(outlet: Outlet) -> None:
    outlet.judged("EUR_USD", "yahoo", judged("quarantine", high=math.inf, low=-math.inf, close=math.nan), T0)

    (told,) = outlet.take()
    assert isinstance(told, Verdict)
    assert (told.open, told.high, told.low, told.close) == (1.0, 0.0, 0.0, 0.0)


def test_memory_of_verdicts_and_switches_is_bounded(outlet: Outlet) -> None:
    for at in range(MAX_TOLD + 10):
        outlet.judged("EUR_USD", "yahoo", judged("repair", start_ns=at), T0)
    for at in range(MAX_SWITCHES + 10):
        outlet.switched(Switch(at, "EUR_USD", "yahoo", "polygon", "stale"))

    assert len(outlet._told) == MAX_TOLD
    assert [outlet.switches[0].ts_ns, outlet.switches[-1].ts_ns] == [10, MAX_SWITCHES + 9]
    outlet.take()
    outlet.judged("EUR_USD", "yahoo", judged("repair", start_ns=MAX_TOLD), T0)
    assert outlet.take() == [], "the newest are still known"


@pytest.mark.parametrize(
    ("before", "after", "severity"),
    [("closed", "open", "warning"), ("half_open", "closed", "info"), ("open", "closed", "info")],
)
def test_a_breaker_that_opens_or_closes_is_told(
    outlet: Outlet, before: str, after: str, severity: str
) -> None:
    outlet.breaker(change(before, after))

    (told,) = outlet.take()
    assert isinstance(told, Alert)
    assert (told.symbol, told.venue, told.rule, told.severity) == (
        "YAHOO",
        "rest",
        "provider_breaker",
        severity,
    )
    assert told.text == f"yahoo chart: {after}: three failures"
    assert told.ts_event_ns == T0


@pytest.mark.parametrize(("before", "after"), [("open", "half_open"), ("half_open", "open")])
def test_a_trial_is_counted_and_no_news(outlet: Outlet, before: str, after: str) -> None:
    outlet.breaker(change(before, after))
    outlet.breaker(None)

    assert outlet.take() == []
    assert outlet.counters[f"breaker_{after}"] == 1


def test_a_disagreement_is_an_alert_of_the_instrument(outlet: Outlet) -> None:
    outlet.disagreement("EUR_USD", "yahoo is 30 bp from polygon", {"apart_bp": 30.0}, T0)

    (told,) = outlet.take()
    assert isinstance(told, Alert)
    assert (told.symbol, told.rule, told.severity) == ("EUR_USD", "provider_disagreement", "warning")
    assert told.values == {"apart_bp": 30.0}
