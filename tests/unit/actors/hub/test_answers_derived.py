"""What is derived, as the hub answers it: order flow by window, footprints, profiles, indicator values, sweeps."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from protocol.messages import Feature, Flow, Footprint, News, Sweep, Verdict
from tests.unit.actors.hub.desks import FakeHub
from tests.unit.actors.hub.samples import (
    BASE_NS,
    MINUTE_NS,
    feature,
    flow,
    footprint,
    sweep,
    verdict,
)

decode = msgspec.msgpack.decode


@pytest.fixture
def hub() -> FakeHub:
    return FakeHub()


def test_a_window_of_no_length_is_the_session(hub: FakeHub) -> None:
    hub.hear("flow.binance.BTC_USDT", flow(60.0, cvd=1.0), flow(0.0, cvd=2.0))

    session = decode(hub.ask("order_flow", symbol="BTC_USDT", args={"window_s": 0}).data, type=Flow)
    assert (session.window_s, session.values) == (0.0, {"cvd": 2.0})
    assert decode(hub.ask("order_flow", symbol="BTC_USDT").data, type=Flow).window_s == 60.0
    assert hub.ask("order_flow", symbol="BTC_USDT", args={"window_s": True}).code == "invalid_request"


def test_footprints_and_features_of_the_last_candles(hub: FakeHub) -> None:
    for minute in range(10, 14):
        hub.hear("footprint.binance.BTC_USDT.1m", footprint(minute))
        hub.hear("feature.binance.BTC_USDT.1m", feature(minute, float(minute)))
    hub.hear("footprint.binance.BTC_USDT.1m", footprint(14, status="open", revision=0))
    hub.hear(
        "footprint.binance.BTC_USDT.session", footprint(0, timeframe="session", revision=0, status="open")
    )

    reply = hub.ask("footprint", symbol="BTC_USDT", n=2)
    assert decode(reply.data, type=list[Footprint]) == [
        footprint(13),
        footprint(14, status="open", revision=0),
    ]
    assert (reply.asked, reply.covered_from_ns, reply.covered_to_ns) == (2, 13 * MINUTE_NS, 15 * MINUTE_NS)
    assert len(hub.data("footprint", symbol="BTC_USDT")) == 5
    [profile] = decode(
        hub.ask("footprint", symbol="BTC_USDT", timeframe="session").data, type=list[Footprint]
    )
    assert (profile.timeframe, profile.poc) == ("session", 100.5)
    found = decode(hub.ask("features_history", symbol="BTC_USDT", n=3).data, type=list[Feature])
    assert [one.values["rsi_14"] for one in found] == [11.0, 12.0, 13.0]
    assert hub.ask("footprint", symbol="BTC_USDT", timeframe="7m").code == "invalid_request"
    assert hub.ask("footprint", symbol="BTC_USDT", timeframe="5m").details["timeframes"] == ["1m", "session"]


def test_sweeps_are_listed_like_alerts(hub: FakeHub) -> None:
    for number in range(3):
        hub.hear("sweep.binance.BTC_USDT", sweep(BASE_NS + number))

    assert decode(hub.ask("sweeps", n=2).data, type=list[Sweep]) == [sweep(BASE_NS + 1), sweep(BASE_NS + 2)]
    assert hub.data("sweeps", symbol="ETH_USDT") == []


def test_verdicts_on_candles_are_listed_too(hub: FakeHub) -> None:
    told = [verdict(BASE_NS + number) for number in range(3)]
    for one in told:
        hub.hear("verdict.rest.EUR_USD", one, publisher="collector.rest.1")

    assert decode(hub.ask("verdicts", n=2).data, type=list[Verdict]) == told[1:]
    assert hub.data("verdicts", venue="binance") == []
    assert hub.store.received()["verdicts_received"] == 3


def test_a_stream_begins_with_the_last_events_of_its_topic(hub: FakeHub) -> None:
    """What `stream(topic, snapshot=n)` is joined to: of a list several, of order flow each window, of candles several."""
    for number in range(3):
        hub.hear("sweep.binance.BTC_USDT", sweep(BASE_NS + number))
        hub.hear("sweep.okx.BTC_USDT", sweep(BASE_NS + number, venue="okx"))
        hub.hear("news.wire", News("wire", str(number), BASE_NS, BASE_NS, "t", "u", ["BTC_USDT"]))
        hub.hear("news.other", News("other", str(number), BASE_NS, BASE_NS, "t", "u", []))
        hub.hear("footprint.binance.BTC_USDT.1m", footprint(number))
    hub.hear("flow.binance.BTC_USDT", flow(60.0), flow(0.0))

    def tail(topic: str, n: int = 2) -> list[Any]:
        [[name, _, _, topic_seq, events]] = hub.data("tail", topic=f"{topic}$", n=n)
        assert (name, topic_seq) == (topic, 1 if topic.startswith("flow") else 3)
        return list(events)

    assert [one[2] for one in tail("sweep.okx.BTC_USDT")] == [BASE_NS + 1, BASE_NS + 2]
    assert [one[:2] for one in tail("news.wire")] == [["wire", "1"], ["wire", "2"]]
    assert [one[2] for one in tail("flow.binance.BTC_USDT")] == [60.0, 0.0]
    assert [one[3] for one in tail("footprint.binance.BTC_USDT.1m")] == [MINUTE_NS, 2 * MINUTE_NS]
    assert tail("sweep.binance.BTC_USDT", 0) == []
