from typing import Any

import pytest

from protocol.messages import Gap
from tapehub.hops import (
    FAIL,
    OK,
    SKIP,
    WARN,
    Actor,
    Collector,
    Hop,
    Limits,
    aggregator_hop,
    bus_hop,
    collector_hop,
    detector_hop,
    first_broken,
    hub_hop,
    orderflow_hop,
    venue_hop,
)

NOW_NS = 1_723_161_255_000_000_000
LIMITS = Limits(silent_s=60.0)


def gap(state: str) -> Gap:
    return Gap("g", "binance", "BTC_USDT", "trade", 5, 8, NOW_NS - 90 * 10**9, 0, "venue_jump", state)


def collector(**changes: Any) -> Collector:
    """A collector in good health, but for the changes."""
    good: dict[str, Any] = {
        "name": "collector.binance.1",
        "now_ns": NOW_NS,
        "state": "RUNNING",
        "newest_ns": NOW_NS - 10**9,
        "kinds": ("trade", "quote"),
        "beats": 4,
        "is_connected": True,
    }
    return Collector(**{**good, **changes})


def aggregator(**changes: Any) -> Actor:
    good = {"name": "aggregator.1", "now_ns": NOW_NS, "state": "RUNNING", "newest_ns": NOW_NS - 10**9}
    return Actor(**{**good, **changes})


def test_a_healthy_way_is_ok_everywhere() -> None:
    answers = [{"what": "tick", "age_s": 1.0, "state": "fresh"}]
    hops = [
        venue_hop("binance", collector(), LIMITS),
        collector_hop(collector()),
        bus_hop(collector(), 40, 0, 1.0, [aggregator()]),
        aggregator_hop(aggregator(), collector(), LIMITS),
        hub_hop("hub.1", answers, 1.0, LIMITS),
    ]

    assert [hop.status for hop in hops] == [OK] * 5
    assert first_broken(hops) is None
    assert hops[0].age_s == 1.0


@pytest.mark.parametrize(
    ("changes", "status", "says"),
    [
        ({"is_connected": False}, FAIL, "collector.binance.1 has no connection to it"),
        ({"is_connected": False, "ending": "refused"}, FAIL, "no connection to it: refused"),
        ({"newest_ns": 0}, FAIL, "nothing of this symbol"),
        ({"newest_ns": NOW_NS - 61 * 10**9}, FAIL, "silent"),
        ({"silent": ("btcusdt@trade",)}, FAIL, "btcusdt@trade fell silent"),
        ({"error": "not running"}, SKIP, "only collector.binance.1 would know"),
    ],
)
def test_venue(changes: dict[str, Any], status: str, says: str) -> None:
    hop = venue_hop("binance", collector(**changes), LIMITS)

    assert (hop.status, says in hop.text) == (status, True)


@pytest.mark.parametrize(
    ("changes", "status", "says"),
    [
        ({"error": "not running: nobody is at ipc://x"}, FAIL, "not running"),
        ({"state": "DRAINING"}, FAIL, "is DRAINING"),
        ({"newest_ns": 0}, FAIL, "never published"),
        ({"gaps": (gap("open"), gap("filled"))}, FAIL, "trade gap (venue_jump) 90 s ago is still open"),
        ({"gaps": (gap("unfillable"),)}, WARN, "unfillable"),
        ({"gaps": (gap("filled"),)}, OK, "filled"),
        ({"is_book_lost": True}, WARN, "out of step"),
    ],
)
def test_collector(changes: dict[str, Any], status: str, says: str) -> None:
    hop = collector_hop(collector(**changes))

    assert (hop.status, says in hop.text) == (status, True)
    assert hop.fix or status != FAIL


@pytest.mark.parametrize(
    ("changes", "gaps", "lost", "status", "says"),
    [
        ({"beats": 0}, 0, 0, FAIL, "no heartbeat"),
        ({"error": "down"}, 0, 0, SKIP, "nobody publishes"),
        ({}, 2, 0, WARN, "2 gaps"),
        ({}, 0, 7, WARN, "aggregator.1 lost 7 frames"),
    ],
)
def test_bus(changes: dict[str, Any], gaps: int, lost: int, status: str, says: str) -> None:
    hop = bus_hop(collector(**changes), 40, gaps, 1.0, [aggregator(missing=lost)])

    assert (hop.status, says in hop.text) == (status, True)


@pytest.mark.parametrize(
    ("changes", "source", "status", "says"),
    [
        ({"error": "down"}, collector(), FAIL, "down"),
        ({"newest_ns": 0}, collector(), FAIL, "never published a candle"),
        ({"newest_ns": NOW_NS - 30 * 10**9}, collector(), FAIL, "29 s behind"),
        ({"newest_ns": NOW_NS - 30 * 10**9}, collector(newest_ns=NOW_NS - 28 * 10**9), OK, "publishes"),
        ({}, None, SKIP, "gets nothing"),
        ({}, collector(newest_ns=0), SKIP, "gets nothing"),
    ],
)
def test_aggregator(changes: dict[str, Any], source: Actor | None, status: str, says: str) -> None:
    hop = aggregator_hop(aggregator(**changes), source, LIMITS)

    assert (hop.status, says in hop.text) == (status, True)


def test_order_flow_is_judged_as_candles_are() -> None:
    late = aggregator(newest_ns=NOW_NS - 30 * 10**9)

    hop = orderflow_hop(late, collector(), LIMITS)

    assert (hop.place, hop.status, hop.text) == (
        "orderflow",
        FAIL,
        "with its order flow 29 s behind the collector",
    )


@pytest.mark.parametrize(
    ("changes", "status", "says"),
    [
        ({"newest_ns": 0}, OK, "never raised"),
        ({"newest_ns": NOW_NS - 9000 * 10**9}, OK, "newest alert"),
        ({"error": "down"}, FAIL, "down"),
        ({"state": "STARTING"}, FAIL, "STARTING"),
    ],
)
def test_a_detector_may_be_silent_but_not_gone(changes: dict[str, Any], status: str, says: str) -> None:
    hop = detector_hop(aggregator(**changes))

    assert (hop.status, says in hop.text) == (status, True)


@pytest.mark.parametrize(
    ("answers", "source_age_s", "status", "says"),
    [
        ([{"what": "tick", "age_s": 1.0, "state": "stale"}], 1.0, FAIL, "tick stale"),
        ([{"what": "tick", "age_s": 9.0, "state": "fresh"}], 1.0, FAIL, "8 s behind"),
        ([{"what": "tick", "age_s": 9.0, "state": "closed_market"}], None, OK, "closed_market"),
        (
            [{"what": "tick", "error": "no quote"}, {"what": "trades", "error": "no trade"}],
            1.0,
            FAIL,
            "no trade",
        ),
        ([{"what": "tick", "error": "no quote"}], None, SKIP, "no quote"),
        (
            [{"what": "tick", "error": "no quote"}, {"what": "trades", "age_s": 1.0, "state": "fresh"}],
            1.0,
            WARN,
            "tick: no quote",
        ),
    ],
)
def test_hub(answers: list[dict[str, Any]], source_age_s: float | None, status: str, says: str) -> None:
    hop = hub_hop("hub.1", answers, source_age_s, LIMITS)

    assert (hop.status, says in hop.text) == (status, True)


def test_a_hub_that_says_nothing_fails_with_the_reason() -> None:
    assert hub_hop("hub.1", [], 1.0, LIMITS, "no answer within 2 s").text == "no answer within 2 s"


def test_the_first_failure_is_named_not_a_warning_before_it() -> None:
    hops = [
        Hop("venue", "binance", WARN, None, ""),
        Hop("collector", "c", FAIL, None, ""),
        Hop("hub", "h", FAIL, None, ""),
    ]

    assert first_broken(hops) is hops[1]
