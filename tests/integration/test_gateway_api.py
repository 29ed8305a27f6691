"""Reads over HTTP as a client meets them: hub, store and gateway as processes of their own, real sockets between."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import httpx2
import msgspec
import pytest

from actors.persistence.history import HistoryServer
from actors.persistence.reader import Reader
from protocol.endpoints import Endpoints
from tests.support.gateway_world import GatewayWorld, gateway_world
from tests.support.hub_world import DEADLINE_S, QUOTE, TRADE, answered, now_bar, now_quote, now_trade
from tests.support.paths import short_folder
from tests.support.stored import Stored
from tests.support.wait import until
from tests.unit.actors.hub.samples import MINUTE_NS, Pen, bar, trade
from tests.unit.protocol.client.served import Served

BARS = "bar.binance.BTC_USDT.1m"
PERSISTENCE = "persistence.1"
STORED_TRADES = 3000
STORED_FROM_NS = 1_700_000_000_000_000_000


@pytest.fixture(scope="module")
def world() -> Iterator[GatewayWorld]:
    """A world whose store holds old candles and trades, and whose feed sends new ones."""
    with short_folder() as folder:
        run_dir = Path(folder)
        stored = Stored(run_dir / "store.sqlite")
        pen = Pen("collector.binance.1", epoch=1)
        trades = [trade(number, recv_ns=STORED_FROM_NS + number // 5) for number in range(STORED_TRADES)]
        stored.write([pen.frame(TRADE, trades[at : at + 500]) for at in range(0, STORED_TRADES, 500)])
        opened_ns = time.time_ns() // MINUTE_NS * MINUTE_NS
        bars = [bar(0, ts_open_ns=opened_ns - ago * MINUTE_NS) for ago in range(90, 5, -1)]
        stored.write([pen.frame(BARS, bars)])
        endpoints = Endpoints(run_dir)
        endpoints.prepare()
        reader = Reader(stored.url)
        server = HistoryServer(reader, PERSISTENCE, 1, time.time_ns)
        with (
            Served(endpoints.query(PERSISTENCE), lambda body: [server.answer(body)]),
            gateway_world(
                run_dir, hub={"bar_window": 20, "trade_window": 20}, others={PERSISTENCE: {}}
            ) as made,
        ):
            made.feed.publish(QUOTE, now_quote())
            newest = [now_bar(0, ts_open_ns=opened_ns - ago * MINUTE_NS) for ago in range(5, 0, -1)]
            made.feed.publish(BARS, *newest)
            made.feed.publish(TRADE, now_trade(STORED_TRADES))
            until(lambda: TRADE in {one.topic for one in made.hub.topics()}, DEADLINE_S, "the trades")
            yield made
        reader.close()
        stored.close()


@pytest.fixture(scope="module")
def client(world: GatewayWorld) -> Iterator[httpx2.Client]:
    with world.client() as made:
        yield made


def test_a_quote_is_the_hubs_with_its_age(world: GatewayWorld, client: httpx2.Client) -> None:
    world.feed.publish(QUOTE, now_quote(123.5))
    until(lambda: answered(lambda: world.hub.tick("BTC_USDT").bid) == 123.5, DEADLINE_S, "the quote")
    answer = client.get("/api/v1/quotes/BTC_USDT")
    body = answer.json()
    assert body["data"]["bid"] == 123.5
    assert 0 <= body["age_s"] < 5
    assert answer.headers["x-request-id"]
    assert answer.headers["server-timing"].startswith("hub;dur=")


def test_candles_of_hub_and_store_page_by_page(client: httpx2.Client) -> None:
    opened, at = [], "/api/v1/bars/BTC_USDT?limit=30"
    while at:
        answer = client.get(at)
        assert answer.status_code == 200, answer.text
        opened = [row["ts_open_ns"] for row in answer.json()["data"]] + opened
        at = answer.headers["link"].split(">")[0][1:] if "link" in answer.headers else ""
    assert len(opened) == 90
    assert {later - earlier for earlier, later in itertools.pairwise(opened)} == {MINUTE_NS}


def test_a_replay_is_in_order_and_whole(client: httpx2.Client) -> None:
    ids = []
    with client.stream("GET", "/api/v1/replay?symbol=BTC_USDT&kinds=trade") as answer:
        assert answer.status_code == 200
        ids = [msgspec.json.decode(line)["data"]["trade_id"] for line in answer.iter_lines()]
    assert ids == list(range(STORED_TRADES + 1))


def test_a_reader_that_hangs_in_a_replay_holds_up_nobody(world: GatewayWorld, client: httpx2.Client) -> None:
    with (
        world.client() as slow,
        slow.stream("GET", "/api/v1/replay?symbol=BTC_USDT&kinds=trade,bar") as stuck,
    ):
        assert stuck.status_code == 200
        assert client.get("/api/v1/bars/BTC_USDT?limit=1&allow_stale=true").status_code == 200


def test_refusals_are_the_hubs(client: httpx2.Client) -> None:
    answer = client.get("/api/v1/quotes/BTC_USTD")
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"
    assert (answer.json()["code"], answer.json()["suggestions"][0]) == ("unknown_symbol", "BTC_USDT")


def test_equal_questions_of_many_clients_are_all_answered(world: GatewayWorld) -> None:
    statuses: list[int] = []

    def read() -> None:
        with world.client() as own:
            statuses.extend(own.get("/api/v1/bars/BTC_USDT?allow_stale=true").status_code for _ in range(10))

    threads = [threading.Thread(target=read) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert statuses == [200] * 40


def test_a_hub_that_is_gone_is_told(world: GatewayWorld, client: httpx2.Client) -> None:
    world.processes["hub.1"].kill()
    answer = client.get("/api/v1/quotes/BTC_USDT")
    assert answer.status_code in (503, 504)
    assert answer.json()["code"] in ("unreachable", "timeout")
