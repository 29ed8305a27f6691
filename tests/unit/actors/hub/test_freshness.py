"""States and refusals: who is alive, what is missing, how old."""

from __future__ import annotations

import pytest

from actors.hub.freshness import Freshness
from actors.hub.ledger import GapLedger
from actors.hub.slots import QuoteSlot, Slot
from protocol.fleet import Fleet
from protocol.messages import Beat, Watermark
from protocol.record import RecordKind
from protocol.topics import parse_topic
from tests.unit.actors.hub.samples import BASE_NS, SECOND_NS, Pen, bar, gap, quote

NAME = "collector.binance.1"


class World:
    """A fleet, a ledger and a judge, at a time that the test sets (one clock for both kinds of time)."""

    def __init__(self, is_open: bool = True) -> None:
        self.pen = Pen(NAME)
        self.fleet = Fleet(1.5)
        self.gaps = GapLedger(10)
        self.judge = Freshness(
            {"quote": 5.0, "bar": 5.0}, self.fleet, self.gaps, lambda *_: is_open, lambda *_: "trade"
        )

    def beat(self, at_s: float, state: str = "RUNNING", epoch: int = 1, seq: int = 0) -> None:
        beat = Beat(NAME, epoch, seq, 0, 0, 0, 0, state)
        self.fleet.on_beat(Pen(NAME, epoch).beat(beat), round(at_s * SECOND_NS))

    def mark(self, at_s: float, is_connected: bool, publisher: str = NAME) -> None:
        mark = Watermark(publisher, "binance", BASE_NS, is_connected)
        frame = Pen(publisher).frame(f"mark.{publisher}", [mark], kind=RecordKind.TIME)
        self.fleet.on_mark(frame, round(at_s * SECOND_NS))

    def slot(self, name: str = "quote.binance.BTC_USDT", session: str = "") -> Slot:
        event = bar(0) if name.startswith("bar") else quote()
        frame = self.pen.frame(name, [event])
        slot = QuoteSlot(name, parse_topic(name), frame)
        slot.session = session
        return slot

    def state(
        self, slot: Slot, age_s: float, at_s: float = 100.0, interval_s: float = 0.0
    ) -> tuple[str, bool]:
        now_ns = round(at_s * SECOND_NS)
        judged = self.judge.judge(slot, now_ns - round(age_s * SECOND_NS), now_ns, now_ns, interval_s)
        assert judged.age_s == pytest.approx(age_s)
        return judged.state, judged.is_refused


def test_young_is_fresh_and_old_is_refused() -> None:
    world = World()

    assert world.state(world.slot(), 4.9) == ("fresh", False)
    assert world.state(world.slot(), 5.1) == ("stale", True)


def test_a_candle_lives_its_timeframe_longer() -> None:
    world = World()
    slot = world.slot("bar.binance.BTC_USDT.1m")

    assert world.state(slot, 64.0, interval_s=60.0) == ("fresh", False)
    assert world.state(slot, 66.0, interval_s=60.0) == ("stale", True)


def test_a_kind_without_ttl_never_becomes_stale() -> None:
    world = World()

    assert world.state(world.slot("feature.binance.BTC_USDT.1m"), 1e6) == ("fresh", False)


def test_a_closed_market_leaves_its_last_value_standing() -> None:
    world = World(is_open=False)

    assert world.state(world.slot(session="fx"), 9999.0) == ("closed_market", False)
    assert world.state(world.slot(), 9999.0) == ("stale", True)


@pytest.mark.parametrize(("silent_s", "state"), [(1.4, "fresh"), (1.6, "venue_down")])
def test_a_publisher_that_stops_beating_is_down(silent_s: float, state: str) -> None:
    world = World()
    world.beat(100.0 - silent_s)

    assert world.state(world.slot(), 0.1)[0] == state


def test_a_publisher_that_said_good_bye_is_down_at_once() -> None:
    world = World()
    world.beat(99.9, "STOPPED")

    assert world.state(world.slot(), 0.1) == ("venue_down", True)


def test_a_disconnected_venue_is_down() -> None:
    world = World()
    world.beat(99.9)
    world.mark(99.0, is_connected=True)
    assert world.state(world.slot(), 0.1)[0] == "fresh"

    world.mark(99.9, is_connected=False)

    assert world.state(world.slot(), 0.1) == ("venue_down", True)


def test_a_derived_value_is_as_good_as_any_connected_collector() -> None:
    world = World()
    world.mark(99.9, is_connected=False)
    world.mark(99.9, is_connected=True, publisher="collector.binance.2")
    world.pen = Pen("aggregator.1")
    slot = world.slot("bar.binance.BTC_USDT.1m")

    assert world.state(slot, 0.1)[0] == "fresh"
    world.mark(99.95, is_connected=False, publisher="collector.binance.2")
    assert world.state(slot, 0.1)[0] == "venue_down"


def test_an_open_gap_is_told_and_does_not_hide_old_age() -> None:
    world = World()
    world.gaps.add([gap("c-1-1", kind="quote")])

    assert world.state(world.slot(), 0.1) == ("gap_open", False)
    assert world.state(world.slot(), 9.0) == ("gap_open", True)


def test_a_candle_has_the_gap_of_what_it_is_built_from() -> None:
    world = World()
    world.gaps.add([gap("c-1-1", kind="trade")])

    assert world.state(world.slot("bar.binance.BTC_USDT.1m"), 0.1)[0] == "gap_open"
    assert world.state(world.slot(), 0.1)[0] == "fresh"


def test_a_new_epoch_is_news_once_and_an_old_process_is_not_heard() -> None:
    world = World()
    world.beat(1.0, epoch=5, seq=100)
    world.beat(1.2, epoch=5, seq=200)
    assert [publisher.name for publisher in world.fleet.news] == [NAME]
    world.fleet.news.clear()

    world.beat(1.3, epoch=4)
    world.beat(2.2, epoch=5, seq=1300)

    assert world.fleet.news == []
    assert world.fleet.publishers()[0].rate_per_s == pytest.approx(1000.0)
