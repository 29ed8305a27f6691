"""Candles that providers are asked for, and what is made of them: what the hub says of their age and state."""

from __future__ import annotations

from typing import Any

import pytest

from actors.hub.freshness import Freshness
from protocol.instruments import REST
from protocol.messages import Beat, Watermark
from protocol.record import RecordKind
from tests.unit.actors.hub.desks import FakeHub
from tests.unit.actors.hub.samples import BASE_NS, MINUTE_NS, Pen, feature, fetched, gap

COLLECTOR, AGGREGATOR = "collector.rest.1", "aggregator.1"
MINUTES, FIVES, VALUES = "bar.rest.EUR_USD.1m", "bar.rest.EUR_USD.5m", "feature.rest.EUR_USD.5m"
NOW = BASE_NS // MINUTE_NS
"""The minute in which the tests begin; it began 20 s ago."""


class World(FakeHub):
    """A hub that hears a collector of providers, and an aggregator."""

    def __init__(self, *, is_open: bool = True) -> None:
        super().__init__()
        self.freshness = self.desk.freshness = Freshness(
            {"bar": 5.0, "feature": 5.0},
            self.fleet,
            self.store.gaps,
            lambda *_: is_open,
            lambda venue, _: "bar" if venue == REST else "trade",
            self.store.of_market,
        )
        self.beats = {name: Pen(name, epoch=5) for name in (COLLECTOR, AGGREGATOR)}
        self.live()

    def live(self, *, is_connected: bool = True) -> None:
        """Heartbeats and a watermark of now."""
        now_ns = self.clock.ns
        for name, pen in self.beats.items():
            self.fleet.on_beat(pen.beat(Beat(name, 5, 0, 0, 0, 0, now_ns, "RUNNING")), now_ns)
        mark = Watermark(COLLECTOR, REST, now_ns, is_connected)
        self.fleet.on_mark(
            self.beats[COLLECTOR].frame(f"mark.{COLLECTOR}", [mark], kind=RecordKind.TIME), now_ns
        )

    def minutes(self, *bars: Any) -> None:
        self.hear(MINUTES, *bars, publisher=COLLECTOR)

    def derived(self, minute: int) -> None:
        """Five minutes and their indicator values, as the aggregator makes them of those minutes."""
        opened = minute - minute % 5
        five = fetched(opened, timeframe="5m", revision=0, status="open", ts_recv_ns=0)
        values = feature(opened, revision=0, symbol="EUR_USD", venue=REST, timeframe="5m")
        self.hear(FIVES, five, publisher=AGGREGATOR)
        self.hear(VALUES, values, publisher=AGGREGATOR)

    def pass_by(self, seconds: float) -> None:
        self.clock.advance(seconds)
        self.live()

    def states(self) -> dict[str, tuple[str, bool]]:
        """Topic to its state, and whether it is refused."""
        found = {}
        for slot in self.store:
            _, recv_ns = slot.newest()
            length_s = 300.0 if slot.topic.timeframe == "5m" else 60.0
            judged = self.freshness.judge(slot, recv_ns, self.clock.ns, self.clock.ns, length_s)
            found[slot.name] = judged.state, judged.is_refused
        return found


@pytest.fixture
def world() -> World:
    made = World()
    made.minutes(fetched(NOW - 1), fetched(NOW, status="open", revision=0))
    made.derived(NOW)
    return made


def test_a_running_minute_lives_as_long_as_any_candle_since_it_came(world: World) -> None:
    assert set(world.states().values()) == {("fresh", False)}

    world.pass_by(64.0)
    assert world.states()[MINUTES] == ("fresh", False)
    world.pass_by(2.0)
    assert world.states()[MINUTES] == ("stale", True)


def test_a_closed_minute_lives_since_its_end() -> None:
    world = World()
    world.minutes(fetched(NOW - 1))

    world.pass_by(44.0)
    assert world.states()[MINUTES] == ("fresh", False)
    world.pass_by(2.0)
    assert world.states()[MINUTES] == ("stale", True)


def test_history_that_has_just_come_is_as_old_as_its_newest_candle() -> None:
    """A first start loads three months: what it has so far is not today's."""
    world = World()
    world.minutes(*(fetched(minute) for minute in range(NOW - 1000, NOW - 500)))
    world.derived(NOW - 500)

    assert set(world.states().values()) == {("stale", True)}
    reply = world.ask("candles", symbol="EUR_USD", allow_stale=True)
    assert (reply.state, round(reply.age_s)) == ("stale", 500 * 60 + 20)


def test_older_history_does_not_make_a_minute_young_again(world: World) -> None:
    world.pass_by(120.0)

    world.minutes(*(fetched(minute) for minute in range(NOW - 900, NOW - 400)))

    assert world.states()[MINUTES] == ("stale", True)
    assert (
        world.ask("candles", symbol="EUR_USD", allow_stale=True, n=2).covered_to_ns == (NOW + 1) * MINUTE_NS
    )


@pytest.mark.parametrize("topic", [MINUTES, FIVES, VALUES])
def test_a_gap_of_candles_is_told_of_all_that_is_made_of_them(world: World, topic: str) -> None:
    hole = gap("collector.rest.1-5-1", kind="bar", symbol="EUR_USD", venue=REST, from_id=NOW - 1)
    world.hear("gap.rest.EUR_USD", hole, publisher=COLLECTOR)
    assert world.states()[topic] == ("gap_open", False)

    closed = {"to_id": NOW - 1, "to_ts_ns": BASE_NS, "kind": "bar", "symbol": "EUR_USD", "venue": REST}
    world.hear("gap.rest.EUR_USD", gap("collector.rest.1-5-1", "filling", **closed), publisher=COLLECTOR)

    assert world.states()[topic] == ("fresh", False)


def test_a_gap_of_trades_or_of_another_venue_is_not_theirs(world: World) -> None:
    for number, (kind, venue) in enumerate((("trade", REST), ("quote", REST), ("bar", "ig"))):
        hole = gap(f"collector.ig.1-5-{number}", kind=kind, symbol="EUR_USD", venue=venue)
        world.hear(f"gap.{venue}.EUR_USD", hole, publisher=COLLECTOR)

    assert set(world.states().values()) == {("fresh", False)}


def test_without_any_provider_the_venue_is_down(world: World) -> None:
    world.live(is_connected=False)

    assert set(world.states().values()) == {("venue_down", True)}


def test_a_closed_market_leaves_its_last_candle_standing() -> None:
    world = World(is_open=False)
    world.minutes(fetched(NOW - 3000))
    for slot in world.store:
        slot.session = "fx"

    assert world.states() == {MINUTES: ("closed_market", False)}


def test_a_running_minute_that_repeats_what_was_known_is_stale(world: World) -> None:
    """Every provider fails: the running minute is the last known value, and so is what is made of it."""
    world.minutes(fetched(NOW, status="stale", revision=0, ts_event_ns=(NOW + 1) * MINUTE_NS + 1))

    assert set(world.states().values()) == {("stale", True)}
    refused = world.ask("candles", symbol="EUR_USD")
    assert refused.code == "stale_data"
    assert refused.message.startswith("no provider of EUR_USD answers: the newest candle of EUR_USD at rest")
    served = world.ask("candles", symbol="EUR_USD", allow_stale=True)
    assert (served.ok, served.state) == (True, "stale")

    world.minutes(fetched(NOW, status="open", revision=0, ts_event_ns=(NOW + 1) * MINUTE_NS + 2))

    assert set(world.states().values()) == {("fresh", False)}


def test_of_two_venues_a_stream_is_served_while_it_is_not_a_minute_older(world: World) -> None:
    streamed = fetched(NOW, venue="ig", source="quote", ts_recv_ns=0, status="open", revision=0)
    world.hear("bar.ig.EUR_USD.1m", streamed, publisher=AGGREGATOR)

    def venue() -> str:
        return str(world.data("candles", symbol="EUR_USD", allow_stale=True)["venue"])

    world.pass_by(39.0)
    world.minutes(fetched(NOW, status="open", revision=0))
    assert venue() == "ig"

    world.pass_by(22.0)
    world.minutes(*(fetched(minute) for minute in range(NOW - 9, NOW)))
    assert venue() == "ig", "history is not news"

    world.minutes(fetched(NOW + 1, status="open", revision=0))
    assert venue() == "rest"


def test_a_stale_candle_of_a_stream_is_judged_by_its_gaps_alone() -> None:
    """The aggregator calls a running candle stale while trades are missing: readers are told `gap_open`."""
    world = World()
    topic = "bar.binance.BTC_USDT.1m"
    candle = fetched(NOW, symbol="BTC_USDT", venue="binance", status="stale", revision=0)
    world.hear(topic, candle, publisher=AGGREGATOR)

    assert world.states()[topic] == ("fresh", False)
