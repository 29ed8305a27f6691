"""A hub that starts fills its windows from what is stored; what the bus brings again counts once."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from actors.hub.candles import BarSlot
from actors.hub.series import SeriesSlot
from actors.hub.slots import FlowSlot
from actors.hub.trades import TradeSlot
from protocol.messages import Alert, Flow, News, Quote
from protocol.record import Frame, RecordKind
from protocol.replay import Position
from protocol.requests import decode_reply, encode_request
from tests.unit.actors.hub.samples import (
    BASE_NS,
    MINUTE_NS,
    bar,
    feature,
    fetched,
    flow,
    footprint,
    gap,
    sweep,
    trade,
    verdict,
)
from tests.unit.actors.hub.starting import AGGREGATOR, BARS, COLLECTOR, GAPS, QUOTES, Start, minute_of


@pytest.fixture
def world(tmp_path: Path) -> Iterator[Start]:
    made = Start(tmp_path)
    yield made
    made.reader.close()
    made.stored.close()


def test_windows_come_back_and_go_on_without_a_seam(world: Start) -> None:
    for number in range(1, 11):
        minute_of(world, number)
    world.publish(GAPS, gap("g-1"), kind=RecordKind.UPSTREAM_GAP)
    world.store_all()
    for number in range(11, 14):
        minute_of(world, number)
    world.publish(BARS, bar(14, status="open", revision=0))
    world.publish(GAPS, gap("g-1", "filled", to_ts_ns=9), kind=RecordKind.UPSTREAM_GAP)

    world.warm()
    [positions] = world.begun
    assert world.minutes() == [(number, 1) for number in range(1, 11)]
    assert world.trade_ids() == list(range(3, 33))
    assert world.hub.gaps.open_count == 1
    world.pull(positions)

    assert positions == {COLLECTOR: Position(5, 31), AGGREGATOR: Position(6, 20)}
    assert world.minutes() == [*((number, 1) for number in range(1, 14)), (14, 0)]
    assert world.trade_ids() == list(range(3, 42))
    slot = world.hub.get(QUOTES)
    assert slot is not None
    assert msgspec.msgpack.decode(slot.newest()[0], type=Quote).bid == 13.0
    assert world.hub.gaps.open_count == 0
    assert world.warm_start.state == "warm"


def test_a_window_is_a_window_however_much_is_stored(world: Start) -> None:
    for number in range(1, 31):
        minute_of(world, number)
    world.store_all()
    world.start(bar_window=7, trade_window=10)

    world.warm()
    world.pull(world.begun[0])
    minute_of(world, 31)
    world.pull(world.begun[0])

    assert world.minutes() == [(number, 1) for number in range(25, 32)]
    assert world.trade_ids()[-10:] == list(range(86, 96))


def test_what_is_stored_between_two_pages_does_not_count_twice(world: Start) -> None:
    """The positions are those of the first page; a later page may hold more."""
    world.publish("bar.binance.A.1m", *(bar(number, symbol="A") for number in range(400)))
    for number in range(1, 6):
        minute_of(world, number)
        world.publish("trade.binance.ETH_USDT", trade(number, recv_ns=BASE_NS + number, symbol="ETH_USDT"))
    world.store_all()
    world.start(max_reply_bytes=65_536)
    world.warm_start.warm(world.begun.append)
    question, _, done = world.asked.pop(0)
    done(decode_reply(world.server.answer(encode_request(question))))
    assert not world.begun, "the first page is not all"
    world.publish("trade.binance.ETH_USDT", trade(6, recv_ns=BASE_NS + 6, symbol="ETH_USDT"))
    minute_of(world, 6)
    world.store_all()

    world.answer()
    world.pull(world.begun[0])

    slot = world.hub.get("trade.binance.ETH_USDT")
    assert isinstance(slot, TradeSlot)
    assert [one.trade_id for one in slot.between(0, 0)] == [1, 2, 3, 4, 5, 6]
    assert world.trade_ids() == list(range(3, 21))
    assert world.minutes() == [(number, 1) for number in range(1, 7)]


def test_what_was_heard_before_the_windows_came_does_not_count_twice(world: Start) -> None:
    """The hub hears the bus from its first moment; then everything is read again from the stored positions."""
    for number in range(1, 6):
        minute_of(world, number)
    world.store_all()
    minute_of(world, 6)
    heard = len(world.journal)
    minute_of(world, 7)
    world.publish("flow.binance.BTC_USDT", Flow("BTC_USDT", "binance", 5.0, BASE_NS, True, {"cvd": 1.0}))
    world.publish("alert.binance.BTC_USDT", Alert("BTC_USDT", "binance", "r", "info", BASE_NS, "t", {}))
    world.publish("trade.binance.ETH_USDT", trade(1, symbol="ETH_USDT"))
    for frame in world.journal[heard:]:
        world.hub.ingest(frame)

    world.warm()
    world.pull(world.begun[0])

    assert world.minutes() == [(number, 1) for number in range(1, 8)]
    assert world.trade_ids() == list(range(3, 24))
    assert len(world.hub.logs["alert"]) == 1
    other = world.hub.get("trade.binance.ETH_USDT")
    assert isinstance(other, TradeSlot)
    assert other.count() == 1
    minute_of(world, 8)
    for frame in world.journal[-5:]:
        world.hub.ingest(frame)
    assert world.trade_ids() == list(range(3, 27))


def test_what_is_derived_comes_back_with_the_windows(world: Start) -> None:
    """Indicator values, footprints, order flow of each window, lists: stored, in the publishers' memory, or live."""
    flows, alerts = "flow.binance.BTC_USDT", "alert.binance.BTC_USDT"
    for number in range(1, 6):
        world.publish("feature.binance.BTC_USDT.1m", feature(number, float(number)))
        world.publish("footprint.binance.BTC_USDT.1m", footprint(number))
        at_ns = number * MINUTE_NS
        world.publish(flows, flow(60.0, at_ns, cvd=number), flow(0.0, at_ns, cvd=9.0))
        world.publish(alerts, Alert("BTC_USDT", "binance", "r", "info", BASE_NS + number, "t", {"z": 4.0}))
        world.publish("sweep.binance.BTC_USDT", sweep(BASE_NS + number))
    world.publish("news.wire", News("wire", "1", BASE_NS, BASE_NS, "title", "url", ["BTC_USDT"]))
    world.store_all()
    last_alert = world.publish(alerts, Alert("BTC_USDT", "binance", "r", "info", BASE_NS + 6, "t", {}))

    world.start(series_window=3)
    world.warm()
    for frame in [*world.journal[-8:], last_alert]:
        world.hub.restore(frame)
    world.pull(world.begun[0])

    for kind in ("feature", "footprint"):
        slot = world.hub.get(f"{kind}.binance.BTC_USDT.1m")
        assert isinstance(slot, SeriesSlot)
        assert slot.opened(9) == (3 * MINUTE_NS, 5 * MINUTE_NS)
    flow_slot = world.hub.get(flows)
    assert isinstance(flow_slot, FlowSlot)
    assert {length_s: found.values["cvd"] for length_s, (found, _) in flow_slot.windows.items()} == {
        60.0: 5.0,
        0.0: 9.0,
    }
    listed = {kind: log.newest(0) for kind, log in world.hub.logs.items()}
    assert [one.ts_event_ns - BASE_NS for one in listed["alert"]] == [1, 2, 3, 4, 5, 6]
    assert listed["sweep"] == [sweep(BASE_NS + number) for number in range(1, 6)]
    assert len(listed["news"]) == 1


def test_candles_of_providers_come_back_with_their_sources_and_marks(world: Start) -> None:
    topic = "bar.rest.EUR_USD.1m"
    names = ("yahoo", "polygon", "twelvedata")
    sent = [fetched(n, source=names[n % 3], is_adjusted=n == 4, reason="x" * (n % 2)) for n in range(1, 9)]
    world.publish(topic, *sent[:5])
    told = [verdict(BASE_NS + n) for n in range(3)]
    world.publish("verdict.rest.EUR_USD", *told[:2])
    world.store_all()
    world.publish(topic, *sent[5:], fetched(9, status="stale", revision=0, source="polygon"))
    world.publish("verdict.rest.EUR_USD", told[2])

    world.warm()
    world.pull(world.begun[0])

    slot = world.hub.get(topic)
    assert isinstance(slot, BarSlot)
    found = [slot.window.bar(at) for at in range(len(slot.window))]
    assert [(one.source, one.ts_recv_ns, one.is_adjusted, bool(one.reason)) for one in found] == [
        *((one.source, one.ts_recv_ns, one.is_adjusted, bool(one.reason)) for one in sent),
        ("polygon", fetched(9).ts_recv_ns, False, False),
    ]
    assert slot.is_last_known()
    assert world.hub.logs["verdict"].newest(0) == told


def test_an_event_that_was_heard_before_the_stored_ones_came_stays_behind_them(world: Start) -> None:
    sweeps = [world.publish("sweep.binance.BTC_USDT", sweep(BASE_NS + number)) for number in range(4)]
    world.stored.write(world.journal[:3])
    for frame in sweeps[2:]:
        world.hub.ingest(frame)

    world.warm()
    world.pull(world.begun[0])

    assert world.hub.logs["sweep"].newest(0) == [sweep(BASE_NS + number) for number in range(4)]


def test_an_older_revision_never_replaces_a_newer_one(world: Start) -> None:
    world.publish(BARS, bar(1))
    world.publish(BARS, bar(1, revision=2, close=7.0))
    world.stored.write(world.journal[1:])

    world.warm()
    world.pull({})

    assert world.minutes() == [(1, 2)]


def test_last_values_and_stored_windows_come_in_any_order(world: Start) -> None:
    for number in range(1, 4):
        minute_of(world, number)
    world.store_all()
    minute_of(world, 4)
    newest = {frame.topic: frame for frame in world.journal}
    for is_last_first in (True, False):
        world.start()
        if is_last_first:
            for frame in newest.values():
                world.hub.restore(frame)
        world.begun.clear()
        world.warm()
        if not is_last_first:
            for frame in newest.values():
                world.hub.restore(frame)
        world.pull(world.begun[0])

        assert world.minutes() == [(number, 1) for number in range(1, 5)]
        assert world.trade_ids() == list(range(3, 15))
        assert [slot.frame.topic_seq for slot in world.hub] == [
            slot_seq(newest, slot.name) for slot in world.hub
        ]


def test_the_number_of_a_stored_value_comes_from_its_publishers_memory(world: Start) -> None:
    """The database keeps no `topic_seq`, and a stream joins by it."""
    minute_of(world, 1)
    world.store_all()
    world.warm()
    slot = world.hub.get(QUOTES)
    assert slot is not None
    assert slot.frame.topic_seq == 0

    world.hub.restore(world.journal[2])

    assert slot.frame.topic_seq == 1


def test_every_split_of_the_journal_gives_the_same_windows(world: Start) -> None:
    """Whatever part is stored when the hub starts, and whatever it has heard by then: nothing lost, nothing doubled."""
    for number in range(1, 5):
        minute_of(world, number)
    everything = list(world.journal)
    for split, heard in itertools.product(range(0, len(everything) + 1, 3), repeat=2):
        world.stored.clear()
        world.stored.write(everything[:split])
        world.start()
        world.begun.clear()
        for frame in everything[heard:]:
            world.hub.ingest(frame)
        world.warm()
        if split:
            world.pull(world.begun[0])

        if split or heard == 0:
            found = (world.minutes(), world.trade_ids())
            assert found == ([(number, 1) for number in range(1, 5)], list(range(3, 15))), (split, heard)


def slot_seq(newest: dict[str, Frame], topic: str) -> int:
    return newest[topic].topic_seq
