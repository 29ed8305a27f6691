"""A hub process between a feed and its engines: what arrives, what is refused, what comes back after a crash."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from protocol.client import Hub
from protocol.errors import HubUnreachable, NoData, StaleData
from protocol.messages import Alert, Feature, Flow, Gap, Liquidation, News, Signal
from protocol.record import RecordKind
from tests.support.feed import Feed
from tests.support.hub_world import (
    BOOK,
    COLLECTOR,
    DEADLINE_S,
    QUOTE,
    TRADE,
    World,
    answered,
    bench_of,
    now_bar,
    now_quote,
    now_trade,
    once,
    wait_until_heard,
    world_of,
)
from tests.support.paths import ROOT
from tests.support.wait import until
from tests.unit.actors.hub.samples import MINUTE_NS, bar, book, flow, footprint, gap, sweep


@pytest.fixture
def world(run_dir: Path) -> Iterator[World]:
    """A hub that hears the feed."""
    with world_of(run_dir) as found:
        yield found


def test_everything_that_is_published_can_be_read(world: World) -> None:
    feed, hub, now_ns = world.feed, world.hub, time.time_ns()
    feed.publish(QUOTE, now_quote())
    feed.publish(TRADE, *map(now_trade, range(30)))
    feed.publish(BOOK, book(10, recv_ns=now_ns))
    feed.publish(BOOK, book(11, prev_id=10, recv_ns=now_ns, bids=[(100.5, 4.0)], asks=[]))
    feed.publish("bar.binance.BTC_USDT.1m", *(now_bar(ago) for ago in (3, 2, 1)))
    feed.publish("bar.binance.BTC_USDT.1m", now_bar(0, status="open", revision=0, close=5.0))
    feed.publish("flow.binance.BTC_USDT", Flow("BTC_USDT", "binance", 5.0, now_ns, True, {"cvd": 1.0}))
    feed.publish(
        "feature.binance.BTC_USDT.1m", Feature("BTC_USDT", "binance", "1m", 0, 0, True, {"rsi": 9.0})
    )
    feed.publish("flow.binance.BTC_USDT", flow(60.0, now_ns, cvd=2.0), flow(0.0, now_ns, cvd=3.0))
    feed.publish("footprint.binance.BTC_USDT.1m", footprint(1), footprint(2, status="open", revision=0))
    feed.publish("footprint.binance.BTC_USDT.session", footprint(0, timeframe="session"))
    feed.publish("sweep.binance.BTC_USDT", sweep(now_ns))
    feed.publish("alert.binance.BTC_USDT", Alert("BTC_USDT", "binance", "r", "info", now_ns, "t", {}))
    feed.publish("signal.binance.BTC_USDT", Signal("BTC_USDT", "s", now_ns, 1, 1.0, 1.0, 1.0, 1.0, {}))
    feed.publish("news.wire", News("wire", "1", now_ns, now_ns, "t", "u", ["BTC_USDT"]))
    feed.publish("liquidation.binance.BTC_USDT", Liquidation("BTC_USDT", "binance", 0, 0, 1.0, 1.0, 1))
    feed.publish("gap.binance.BTC_USDT", gap("g-1-1", kind="book"), kind=RecordKind.UPSTREAM_GAP)

    assert [one.gap_id for one in until(hub.gaps, DEADLINE_S, "the gap, which was sent last")] == ["g-1-1"]
    assert (hub.tick("BTC_USDT").state, hub.tick("BTC_USDT").source) == ("fresh", COLLECTOR)
    assert [one.trade_id for one in hub.trades("BTC_USDT", 3)] == [27, 28, 29]
    assert hub.book("BTC_USDT", 1).best_bid == (100.5, 4.0)
    assert hub.book("BTC_USDT").state == "gap_open"
    bars = hub.candles("BTC_USDT", "1m", 10)
    assert bars.status.tolist() == ["closed", "closed", "closed", "open"]
    assert bars.close[-1] == 5.0
    assert [hub.order_flow("BTC_USDT", window_s)["cvd"] for window_s in (None, 60.0, 0.0)] == [1.0, 2.0, 3.0]
    assert [one.revision for one in hub.footprint("BTC_USDT", "1m", 9)] == [1, 0]
    assert (hub.profile("BTC_USDT").poc, hub.profile("BTC_USDT").state) == (100.5, "fresh")
    assert hub.sweeps() == [sweep(now_ns)]
    assert hub.features("BTC_USDT")["rsi"] == 9.0
    assert [len(found) for found in (hub.alerts(), hub.signals(), hub.news(), hub.liquidations())] == [1] * 4
    assert len(hub.history("BTC_USDT", kind="trade")) == 30
    assert hub.symbols()["BTC_USDT"].venues == {
        "binance": [
            "quote", "trade", "book", "bar", "flow", "feature", "footprint", "sweep", "alert", "signal", "liquidation", "gap",
        ]
    }  # fmt: skip
    assert len(hub.topics()) == 14
    counters = hub.status()["counters"]
    assert (counters["ticks_received"], counters["trades_received"], counters["candles_received"]) == (
        1,
        30,
        4,
    )
    assert counters["get_tick_calls"] == 2


def test_a_plain_req_socket_in_ten_lines_is_an_engine(world: World) -> None:
    world.feed.publish(QUOTE, now_quote(123.0))
    once(lambda: world.hub.tick("BTC_USDT"))
    script = f"""
import zmq, msgpack
socket = zmq.Context().socket(zmq.REQ)
socket.connect({world.bench.endpoints.query("hub.1")!r})
socket.send(msgpack.packb({{"op": "tick", "symbol": "BTC_USDT"}}))
reply = msgpack.unpackb(socket.recv())
print(reply["ok"], reply["data"][4], reply["state"], reply["age_s"] < 5)
socket.send(msgpack.packb({{"op": "tick", "symbol": "BTCUSDT"}}))
reply = msgpack.unpackb(socket.recv())
print(reply["code"], reply["details"]["suggestions"][0])
"""

    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=20, check=True
    )

    assert done.stdout.split("\n")[:2] == ["True 123.0 fresh True", "unknown_symbol BTC_USDT"]


def test_the_twelve_line_engine_of_the_readme_finds_the_hub_by_itself(world: World) -> None:
    world.feed.publish(QUOTE, now_quote(123.0))
    world.feed.publish("bar.binance.BTC_USDT.1m", *(now_bar(ago) for ago in (2, 1, 0)))
    once(lambda: world.hub.candles("BTC_USDT", "1m"))
    script = """
from tapehub import Hub
with Hub() as hub:
    print(hub.tick("BTC_USDT").bid)
    print(hub.candles("BTC_USDT", "1m", 100).close)
    print(hub.status()["actors"]["hub.1"]["state"])
"""
    environment = {
        "TAPEHUB_RUN_DIR": str(world.bench.run_dir),
        "PYTHONPATH": str(ROOT),
        "PATH": "/usr/bin:/bin",
    }

    done = subprocess.run(
        [sys.executable, "-c", script],
        env=environment,
        capture_output=True,
        text=True,
        timeout=20,
        check=True,
    )

    assert done.stdout.split("\n")[:3] == ["123.0", "[1. 1. 1.]", "RUNNING"]


def test_five_thousand_candles_arrive_as_one_buffer(world: World) -> None:
    newest_ns = now_bar(0).ts_open_ns
    for start in range(5200, 0, -400):
        opens = [newest_ns - ago * MINUTE_NS for ago in range(start, start - 400, -1)]
        world.feed.publish("bar.binance.BTC_USDT.1m", *(bar(0, ts_open_ns=open_ns) for open_ns in opens))
    until(lambda: world.hub.status()["counters"]["candles_received"] == 5200, DEADLINE_S, "all candles")

    bars = world.hub.candles("BTC_USDT", "1m", 5000)

    assert len(bars) == 5000
    assert (bars.ts_open_ns[1:] - bars.ts_open_ns[:-1] == MINUTE_NS).all()
    assert not bars.rows.flags.owndata


def test_a_value_that_nobody_renews_becomes_stale(run_dir: Path) -> None:
    bench = bench_of(run_dir, quote_ttl_s=0.3)
    with Feed(bench.endpoints) as feed, bench.start_hub(), bench.client() as hub:
        wait_until_heard(hub)
        feed.publish(QUOTE, now_quote())
        assert once(lambda: hub.tick("BTC_USDT", allow_stale=True)).bid == 100.0

        assert (
            until(lambda: refusal(hub), DEADLINE_S, "the quote to become stale").details["state"] == "stale"
        )
        assert hub.tick("BTC_USDT", allow_stale=True).age_s > 0.3
        feed.publish(QUOTE, now_quote(200.0))
        assert until(lambda: not refusal(hub), DEADLINE_S, "a fresh quote")


def refusal(hub: Hub) -> StaleData | None:
    try:
        hub.tick("BTC_USDT")
    except StaleData as fault:
        return fault
    return None


def test_a_venue_that_is_cut_off_is_down_at_once_and_comes_back(world: World) -> None:
    world.feed.publish(QUOTE, now_quote())
    once(lambda: world.hub.tick("BTC_USDT"))

    world.feed.is_connected = False
    fault = until(lambda: refusal(world.hub), DEADLINE_S, "the venue to be down")
    assert fault.details["state"] == "venue_down"
    assert fault.age_s < 5
    world.feed.is_connected = True
    until(lambda: not refusal(world.hub), DEADLINE_S, "the venue to be back")

    world.feed.is_beating = False
    fault = until(lambda: refusal(world.hub), DEADLINE_S, "the silence of the feed to be noticed")
    assert fault.details["state"] == "venue_down"
    assert not world.hub.status()["actors"][COLLECTOR]["is_alive"]


def test_an_open_gap_is_seen_on_every_read_until_it_is_closed(world: World) -> None:
    def announce(state: str, **changes: Any) -> None:
        entry: Gap = gap("g-1-1", state, kind="quote", **changes)
        world.feed.publish("gap.binance.BTC_USDT", entry, kind=RecordKind.UPSTREAM_GAP)

    announce("open")
    world.feed.publish(QUOTE, now_quote())
    assert once(lambda: world.hub.tick("BTC_USDT")).state == "gap_open"
    announce("filled", to_ts_ns=1)
    until(
        lambda: answered(lambda: world.hub.tick("BTC_USDT").state) == "fresh",
        DEADLINE_S,
        "the gap to be closed",
    )


def test_a_book_that_lost_a_change_is_not_served_until_its_snapshot_came(world: World) -> None:
    feed, hub = world.feed, world.hub
    feed.publish(BOOK, book(10, recv_ns=time.time_ns()))
    assert once(lambda: hub.book("BTC_USDT")).update_id == 10
    feed.lose(BOOK, book(11, prev_id=10))
    feed.publish(BOOK, book(12, prev_id=11, recv_ns=time.time_ns()))

    def is_refused() -> bool:
        with pytest.raises(NoData, match="not synced"):
            hub.book("BTC_USDT")
        return True

    until(lambda: feed.snaps == ["BTC_USDT"], DEADLINE_S, "a snapshot to be asked for")
    assert is_refused()
    feed.books["BTC_USDT"] = book(20, recv_ns=time.time_ns())
    assert once(lambda: hub.book("BTC_USDT")).update_id == 20


def test_a_hub_that_starts_late_knows_what_was_said_before(run_dir: Path) -> None:
    bench = bench_of(run_dir)
    with Feed(bench.endpoints) as feed:
        feed.publish(QUOTE, now_quote(77.0))
        feed.publish(TRADE, *map(now_trade, range(3)))
        feed.publish("bar.binance.BTC_USDT.1m", now_bar(0))
        with bench.start_hub(), bench.client() as hub:
            assert once(lambda: hub.tick("BTC_USDT")).bid == 77.0
            assert len(once(lambda: hub.trades("BTC_USDT"))) == 3
            feed.publish(TRADE, now_trade(3))
            until(lambda: len(hub.trades("BTC_USDT")) == 4, DEADLINE_S, "the live trade")
            assert hub.status()["counters"]["frames_restored"] == 3


def test_clients_live_through_a_crash_of_the_hub(run_dir: Path) -> None:
    bench = bench_of(run_dir)
    with Feed(bench.endpoints) as feed, bench.client() as hub:
        feed.publish(QUOTE, now_quote(1.0))
        with bench.start_hub() as first:
            before = once(lambda: hub.tick("BTC_USDT"))
            first.kill()
        seen: list[Any] = []
        reader = threading.Thread(
            target=lambda: seen.append(once(lambda: hub.tick("BTC_USDT", allow_stale=True)))
        )
        reader.start()  # asks while there is no hub
        with bench.start_hub():
            reader.join(DEADLINE_S)
            assert seen[0].bid == 1.0
            assert seen[0].hub_epoch > before.hub_epoch
            feed.publish(QUOTE, now_quote(2.0))
            until(
                lambda: answered(lambda: hub.tick("BTC_USDT").bid) == 2.0,
                DEADLINE_S,
                "live data after the crash",
            )


def test_forgetting_is_for_every_client(world: World) -> None:
    world.feed.publish(QUOTE, now_quote())
    once(lambda: world.hub.tick("BTC_USDT"))
    with world.bench.client() as other:
        assert other.clear("BTC_USDT") >= 1
        with pytest.raises(NoData):
            world.hub.tick("BTC_USDT")
        world.feed.publish(QUOTE, now_quote(5.0))
        assert once(lambda: world.hub.tick("BTC_USDT")).bid == 5.0
        assert other.clear_all() >= 1


def test_rubbish_on_the_bus_is_counted_and_the_next_good_message_is_kept(world: World) -> None:
    publisher = world.feed.publisher
    for data in (b"quote.binance.BTC_USDT\x00short", b"quote.", b"quote.binance.BTC_USDT\x00" + b"x" * 300):
        publisher.send_raw(data)
    world.feed.publish("quote.binance.btc", now_quote())
    world.feed.publish(QUOTE, now_trade(1))
    world.feed.publish(QUOTE, now_quote(9.0))

    assert once(lambda: world.hub.tick("BTC_USDT")).bid == 9.0
    dropped = world.hub.status()["hub"]["dropped"]
    assert sum(dropped.values()) >= 5  # what came by the bus once more in the values that a new hub asks for


def test_the_hub_stops_cleanly(world: World) -> None:
    assert world.process.stop() == 0
    with world.bench.client(timeout_s=0.3) as other, pytest.raises(HubUnreachable):
        other.ping()
