"""How the collector keeps its connections: rotation, reconnects, silence, subscriptions, with real sockets."""

import itertools
import json
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.collector_rig import BTC, NAME, Rig, rig_of
from tests.support.config import write_config
from tests.support.peers import peers_of
from tests.support.process import ActorProcess
from tests.support.transports import PICOWS_IS_LONG, TRANSPORTS
from tests.support.venue_server import VenueServer


@pytest.fixture(params=TRANSPORTS)
def transport(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture
def rig(run_dir: Path) -> Iterator[Rig]:
    with rig_of(run_dir) as found:
        yield found


@pytest.fixture
def either(run_dir: Path, transport: str) -> Iterator[Rig]:
    """With each transport in turn."""
    with rig_of(run_dir, transport=transport) as found:
        yield found


def test_pings_are_answered(either):
    client = either.venue.client("btcusdt@trade")
    pong = client.connection.ping(b"1795168800000")
    assert pong.wait(40.0)


@pytest.mark.parametrize("transport", PICOWS_IS_LONG)
def test_subscribing_and_unsubscribing_while_running(either):
    either.venue.client("btcusdt@trade")
    answer = either.ask("subscribe", symbols=["ETH_USDT", "BTC_USDT"])
    assert answer == {"subscribed": ["ETH_USDT"], "already": ["BTC_USDT"]}
    client = either.venue.client("ethusdt@trade")
    assert client is either.venue.all_clients[0], "on the connection that is there"
    either.trade(1, "ETHUSDT")
    assert either.ear.events("trade.binance.ETH_USDT", 1)
    assert either.ask("unsubscribe", symbols=["ETH_USDT"])["unsubscribed"] == ["ETH_USDT"]
    either.venue.wait(lambda: "ethusdt@trade" not in client.streams, "the unsubscription")
    assert "btcusdt@trade" in client.streams


def test_refusals_are_clear(rig):
    unknown = rig.peers.ask(NAME, "subscribe", symbols=["BTC_USDX"])
    assert (unknown.code, "BTC_USDT" in unknown.details["suggestions"]) == ("unknown_symbol", True)
    elsewhere = rig.peers.ask(NAME, "subscribe", symbols=["BTC_USDT.PERP"])
    assert (elsewhere.code, "usdm" in elsewhere.message) == ("invalid_request", True)
    assert rig.peers.ask(NAME, "subscribe").code == "invalid_request"
    assert rig.peers.ask(NAME, "snap", symbol="ETH_USDT").code == "invalid_request"
    assert rig.peers.ask(NAME, "rotate", args={"connection": "nobody"}).code == "invalid_request"


def test_a_rotation_makes_before_it_breaks(either, transport):
    old = either.venue.client("btcusdt@trade")
    either.trade(1)
    assert either.ask("rotate") == ["spot/stream#1"]
    new = either.venue.client("btcusdt@trade", 2)
    either.trade(2)  # on both
    either.trade(3)
    either.venue.wait(lambda: old not in either.venue.clients, "the old connection to be closed")
    either.trade(4)  # on the new one alone
    assert [trade.trade_id for trade in either.ear.events(BTC, 4)] == [1, 2, 3, 4]
    status = either.status(lambda status: status["counters"]["trades_received"] == 4)
    assert status["dropped"]["duplicate_trade"] == 2
    assert status["counters"].get("gaps_announced", 0) == 0
    (line,) = either.ask("connections")
    assert (line["state"], line["rotations"], line["active"]) == ("flowing", 1, 3)
    assert line["transport"] == transport
    assert either.venue.clients == [new]


def test_a_rotation_asked_for_before_anything_flows_is_not_forgotten(rig):
    old = rig.venue.client("btcusdt@trade")
    assert rig.ask("rotate") == ["spot/stream#1"]
    rig.trade(1)
    rig.venue.client("btcusdt@trade", 2)
    rig.trade(2)  # on both
    rig.venue.wait(lambda: old not in rig.venue.clients, "the old connection to be closed")
    (line,) = rig.ask("connections")
    assert (line["state"], line["rotations"]) == ("flowing", 1)


@pytest.mark.parametrize("transport", PICOWS_IS_LONG)
def test_a_server_that_is_about_to_go_is_replaced_at_once(either):
    old = either.venue.client("btcusdt@trade")
    either.trade(1)
    either.ear.events(BTC, 1)
    old.send(json.dumps({"stream": "!serverShutdown", "data": {"e": "serverShutdown", "E": 1}}))
    either.venue.client("btcusdt@trade", 2)
    either.trade(2)
    either.venue.wait(lambda: old not in either.venue.clients, "the old connection to be closed")
    assert either.status(lambda status: status["counters"]["trades_received"] == 2)["gaps_open"] == 0


@pytest.mark.parametrize("transport", PICOWS_IS_LONG)
def test_a_connection_without_any_frame_is_replaced(run_dir, transport):
    with rig_of(run_dir, transport=transport, no_frame_floor_s=1.0, silence_factor=5.0) as rig:
        rig.venue.client("btcusdt@trade")
        numbers = itertools.count(1)
        until_s = rig.status(lambda _: True)["uptime_s"] + 3.5
        while (
            True
        ):  # the rate is learnt once a second, from the second look on: trade over at least three of them
            for number in itertools.islice(numbers, 20):
                rig.trade(number)
                rig.ear.events(BTC, 1)
            if rig.status(lambda _: True)["uptime_s"] > until_s:
                break
        rig.venue.client("btcusdt@trade", 2)
        gap = rig.ear.until(lambda gap: gap.kind == "trade", "gap.")
        assert (gap.cause, "no frame" in gap.reason) == ("disconnect", True)


def test_a_stream_that_is_acked_and_stays_silent_is_subscribed_again(run_dir):
    with rig_of(run_dir, first_message_s=0.3) as rig:
        client = rig.venue.client("btcusdt@trade")
        rig.trade(1)
        rig.venue.wait(
            lambda: any(
                request["method"] == "UNSUBSCRIBE" and "btcusdt@bookTicker" in request["params"]
                for request in client.requests
            ),
            "the silent stream to be renewed",
        )
        status = rig.status(lambda status: status["markets"]["spot"]["silence"]["silent"])
        assert "btcusdt@bookTicker" in status["markets"]["spot"]["silent"]


def test_a_request_without_an_answer_ends_the_connection(run_dir):
    with rig_of(run_dir, answer_timeout_s=0.3) as rig:
        rig.venue.is_mute = True
        rig.venue.wait(lambda: rig.venue.clients, "a connection")[-1].drop()
        rig.venue.client("btcusdt@trade", 3)
        assert rig.status(lambda status: status["dropped"].get("connection_lost", 0) >= 2)


@pytest.mark.parametrize("transport", PICOWS_IS_LONG)
def test_a_refused_handshake_waits_as_long_as_the_venue_says(run_dir, transport):
    with rig_of(run_dir, transport=transport) as rig:
        rig.venue.client("btcusdt@trade")
        rig.venue.refusal = (429, {"Retry-After": "0.5"})
        rig.venue.clients[0].drop()
        rig.venue.wait(lambda: rig.venue.refused, "a refused handshake")
        begun = time.monotonic()
        rig.venue.wait(lambda: rig.venue.refused >= 2, "the next attempt")
        assert time.monotonic() - begun > 0.4
        rig.venue.refusal = None
        rig.venue.client("btcusdt@trade", 2)


@pytest.mark.parametrize("transport", PICOWS_IS_LONG)
def test_a_venue_that_is_not_there_yet(run_dir, transport):
    with rig_of(run_dir, transport=transport, ws_url={"spot": "ws://127.0.0.1:9"}) as rig:
        assert (
            rig.status(lambda status: status["dropped"].get("connection_lost", 0) >= 2)["connected"] is False
        )


def test_many_streams_need_several_connections(run_dir):
    with rig_of(run_dir, ("BTC_USDT", "ETH_USDT"), max_streams_per_connection=4) as rig:
        rig.venue.client("ethusdt@depth@100ms")
        rig.venue.wait(
            lambda: sorted(len(client.streams) for client in rig.venue.clients) == [2, 4], "two connections"
        )


def test_futures_use_two_addresses(run_dir):
    with VenueServer() as venue, peers_of(run_dir) as peers:
        section = {
            "ws_url": {"usdm": venue.ws_url},
            "rest_url": {"usdm": venue.rest_url},
            "symbols": ["BTC_USDT.PERP"],
        }
        config = write_config(run_dir, {NAME: section})
        ear = peers.ear(NAME)
        with ActorProcess("collector", NAME, config):
            ear.beat("RUNNING")
            assert venue.client("btcusdt@aggTrade").path == "/market/stream"
            public = venue.client("btcusdt@depth@100ms")
            assert (public.path, "btcusdt@bookTicker" in public.streams) == ("/public/stream", True)
            now_ms = time.time_ns() // 1_000_000
            venue.send(
                "btcusdt@aggTrade",
                e="aggTrade",
                E=now_ms,
                s="BTCUSDT",
                a=3,
                p="5",
                q="1",
                f=7,
                l=9,
                T=now_ms,
                m=True,
            )
            (trade,) = ear.events("trade.binance.BTC_USDT.PERP", 1)
            assert (trade.side, trade.count, trade.trade_id) == (-1, 3, 3)


def test_every_mistake_of_the_settings_is_named(run_dir):
    section = {
        "ws_url": {"spot": "http://x", "fx": "ws://y"},
        "rest_url": {},
        "streams": {"spot": ["trade", "aggTrade", "depthh"]},
        "symbols": ["BTC_USDX"],
    }
    with ActorProcess("collector", NAME, write_config(run_dir, {NAME: section})) as process:
        assert process.wait() == 78
        for word in (
            "ws_url.spot",
            "ws_url.fx",
            "streams.fx",
            "depthh",
            "more than one",
            "BTC_USDX",
            "did you mean",
        ):
            assert word in process.stderr_text


def test_a_term_signal_says_good_bye_to_the_venue(run_dir, transport):
    with VenueServer() as venue, peers_of(run_dir) as peers:
        urls = {"ws_url": {"spot": venue.ws_url}, "rest_url": {"spot": venue.rest_url}}
        section = urls | {"transport": transport}
        ear = peers.ear(NAME)
        with ActorProcess("collector", NAME, write_config(run_dir, {NAME: section})) as process:
            ear.beat("RUNNING")
            client = venue.client("btcusdt@trade")
            assert process.stop() == 0
            venue.wait(lambda: client not in venue.clients, "the connection to be closed")
            assert client.connection.close_code == 1000
