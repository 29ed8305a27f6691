"""Holes of trades are filled from the venue's REST side: real collector, real sockets, real simulator."""

import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from protocol.codec import decode_events
from protocol.record import FLAG_REPAIRED
from tests.support.collector_rig import BTC, NAME, Rig, rig_of
from tests.support.config import write_config
from tests.support.peers import peers_of
from tests.support.process import ActorProcess
from tests.support.system import System
from tests.support.venue_server import VenueServer
from tests.support.wait import until

GAP = "gap.binance.BTC_USDT"
KINDS = {"BTC_USDT": "trade", "BTC_USDT.PERP": "aggTrade"}


@pytest.fixture
def rig(run_dir: Path) -> Iterator[Rig]:
    with rig_of(run_dir) as found:
        found.venue.client("btcusdt@trade")
        yield found


def now_ms() -> int:
    return time.time_ns() // 1_000_000


def heard(rig: Rig, last_state: str) -> tuple[list[tuple[str, Any]], Any]:
    """(kind, what) in the order of the bus, up to a gap that has ended so; what of a trade: (id, is repaired)."""
    story: list[tuple[str, Any]] = []
    for frame in rig.ear.frames():
        if frame.topic == BTC:
            is_repaired = bool(frame.flags & FLAG_REPAIRED)
            story += [("trade", (trade.trade_id, is_repaired)) for trade in decode_events(frame)]
        elif frame.topic == GAP:
            (gap,) = decode_events(frame)
            story.append(("gap", gap.state))
            if gap.state == last_state:
                return story, gap
    raise AssertionError("unreachable")


def test_missing_trades_come_once_behind_the_one_that_revealed_them(rig):
    rig.venue.set_history("BTCUSDT", range(1, 2_000), now_ms())
    rig.trade(1)
    rig.trade(1_502)
    story, gap = heard(rig, "filled")
    repaired = [("trade", (number, True)) for number in range(2, 1_502)]
    live = [("trade", (1, False)), ("gap", "filling"), ("trade", (1_502, False))]
    assert story == [*live, *repaired, ("gap", "filled")]
    assert (gap.filled_by, gap.count, gap.reason) == ("rest", 1_500, "")
    path = "/api/v3/historicalTrades"
    assert rig.venue.history_requests == [(path, "BTCUSDT", 2, 1_000), (path, "BTCUSDT", 1_002, 500)]
    status = rig.status(lambda status: status["counters"].get("trades_repaired") == 1_500)
    assert (status["trades_missing"], status["markets"]["spot"]["repairs_under_way"]) == (0, 0)


def test_a_disconnect_is_repaired(rig):
    rig.venue.set_history("BTCUSDT", range(1, 9), now_ms())
    rig.trade(1)
    rig.ear.events(BTC, 1)
    rig.venue.clients[0].drop()
    rig.venue.client("btcusdt@trade", 2)
    rig.trade(5)
    story, gap = heard(rig, "filled")
    states = [what for kind, what in story if kind == "gap"]
    assert (states[0], states[-2:]) == ("open", ["filling", "filled"])
    assert [what[0] for kind, what in story if kind == "trade"] == [5, 2, 3, 4]
    assert (gap.cause, gap.count) == ("disconnect", 3)


def test_live_trades_that_are_faster_are_not_doubled(rig):
    rig.venue.set_history("BTCUSDT", range(1, 9), now_ms())
    rig.venue.history_gate.clear()
    rig.trade(1)
    rig.trade(5)
    rig.venue.wait(lambda: rig.venue.history_requests, "the request")
    rig.trade(3)
    rig.ear.until(lambda trade: trade.trade_id == 3, BTC)
    rig.venue.history_gate.set()
    story, gap = heard(rig, "filled")
    assert story == [("trade", (2, True)), ("trade", (4, True)), ("gap", "filled")]
    assert gap.count == 3


def test_a_venue_that_asks_to_wait_is_asked_again(rig):
    rig.venue.set_history("BTCUSDT", range(1, 9), now_ms())
    rig.venue.history_status = (429, {"Retry-After": "0.3"})
    rig.trade(1)
    rig.trade(5)
    rig.venue.wait(lambda: rig.venue.history_requests, "the first request")
    rig.venue.history_status = (200, {})
    _, gap = heard(rig, "filled")
    assert gap.count == 3
    assert rig.status(lambda status: status["dropped"].get("repair_failed") == 1)


@pytest.mark.parametrize(("status", "requests"), [(401, 1), (400, 1)])
def test_a_venue_that_does_not_give_them_ends_it_as_unfillable(rig, status, requests):
    rig.venue.history_status = (status, {})
    rig.trade(1)
    rig.trade(5)
    _, gap = heard(rig, "unfillable")
    assert f"HTTP {status}" in gap.reason
    assert (gap.count, len(rig.venue.history_requests)) == (0, requests)
    rig.trade(6)
    rig.ear.until(lambda trade: trade.trade_id == 6, BTC)


def test_a_venue_that_is_down_is_asked_until_it_is_back(rig):
    rig.venue.set_history("BTCUSDT", [2, 3, 4], now_ms())
    rig.venue.history_status = (503, {})
    rig.trade(1)
    rig.trade(5)
    rig.status(lambda _: len(rig.venue.history_requests) > 3)
    rig.venue.history_status = (200, {})
    _, gap = heard(rig, "filled")
    assert gap.count == 3


def test_what_the_venue_no_longer_has_is_said(rig):
    rig.venue.set_history("BTCUSDT", [2, 4, 5, 6], now_ms())
    rig.trade(1)
    rig.trade(6)
    story, gap = heard(rig, "unfillable")
    assert [what[0] for kind, what in story if kind == "trade"] == [1, 6, 2, 4, 5]
    assert (gap.count, gap.reason) == (3, "the venue does not have all of these ids")


def test_a_hole_that_is_too_large_is_not_asked_for(run_dir):
    with rig_of(run_dir, repair_max_trades=10) as rig:
        rig.venue.client("btcusdt@trade")
        rig.trade(1)
        rig.trade(13)
        _, gap = heard(rig, "unfillable")
        assert "repair_max_trades" in gap.reason
        assert rig.venue.history_requests == []


def test_what_is_no_longer_wanted_is_no_longer_fetched(rig):
    rig.venue.history_status = (429, {"Retry-After": "60"})
    rig.trade(1)
    rig.trade(5)
    heard(rig, "filling")
    rig.ask("unsubscribe", symbol="BTC_USDT")
    _, gap = heard(rig, "unfillable")
    assert gap.reason == "unsubscribed"


def test_a_collector_that_stops_ends_what_it_was_filling(run_dir):
    with VenueServer() as venue, peers_of(run_dir) as peers:
        urls = {"ws_url": {"spot": venue.ws_url}, "rest_url": {"spot": venue.rest_url}}
        config = write_config(run_dir, {NAME: {**urls, "symbols": ["BTC_USDT"]}}, heartbeat_s=0.05)
        ear = peers.ear(NAME)
        with ActorProcess("collector", NAME, config) as process:
            ear.beat("RUNNING")
            rig = Rig(venue, peers, ear, process, config)
            venue.client("btcusdt@trade")
            venue.history_status = (429, {"Retry-After": "60"})
            rig.trade(1)
            rig.trade(5)
            heard(rig, "filling")
            assert process.stop() == 0
            _, gap = heard(rig, "unfillable")
            assert gap.reason == "the collector stopped"


def test_a_repaired_hole_makes_the_next_revision_of_a_closed_candle(run_dir):
    with rig_of(run_dir, beside=("aggregator.1",)) as rig:
        bars = rig.peers.ear("aggregator.1")
        with ActorProcess("aggregator", "aggregator.1", rig.config):
            bars.beat("RUNNING")
            rig.venue.client("btcusdt@trade")
            rig.venue.history_gate.clear()
            first_ms = now_ms() // 1_000 * 1_000 - 10_000
            ids = iter(range(1, 1_000))

            def is_heard() -> bool:
                rig.trade(next(ids), T=first_ms)
                return any(frame.topic.startswith("bar.") for frame in bars.waiting())

            until(is_heard, 40.0, "the first candle")
            last, hole_ms = next(ids), first_ms + 5_000
            rig.trade(last, T=hole_ms)
            rig.venue.set_history("BTCUSDT", range(last + 1, last + 4), hole_ms)
            rig.trade(last + 4)

            def is_closed(bar: Any) -> bool:
                is_it = (bar.timeframe, bar.ts_open_ns) == ("1s", hole_ms * 1_000_000)
                return is_it and bar.revision >= 1

            closed = bars.until(is_closed, "bar.")
            assert (closed.count, closed.status) == (1, "gap")
            rig.venue.history_gate.set()
            whole = bars.until(lambda bar: is_closed(bar) and bar.status == "closed", "bar.")
            assert (whole.count, whole.volume, whole.coverage) == (4, 8.0, 1.0)
            assert whole.revision > closed.revision


@pytest.mark.parametrize("symbol", ["BTC_USDT", "BTC_USDT.PERP"])
def test_what_the_simulator_drops_comes_back_exactly_once(run_dir, symbol):
    with System(run_dir, simulator={"rate_per_s": 500}) as system:
        system.wait_for_data(symbol)
        trades, gaps = f"trade.binance.{symbol}", f"gap.binance.{symbol}"
        ear = system.peers.ear(NAME, trades, gaps)
        ids: Counter[int] = Counter()
        filled: list[Any] = []
        system.ask("simulator.1", "drop", symbol=symbol, kind=KINDS[symbol], n=7)
        for frame in ear.frames():
            for event in decode_events(frame):
                if frame.topic == trades:
                    ids[event.trade_id] += 1
                elif frame.topic == gaps and event.kind == "trade":
                    assert event.state in ("filling", "filled")
                    filled += [event] * (event.state == "filled")
            if filled and max(ids) > filled[-1].to_id + 50:
                break
        assert sum(gap.count for gap in filled) == 7
        assert set(ids.values()) == {1}
        assert sorted(ids) == list(range(min(ids), max(ids) + 1))
