"""Coinbase's words: what is asked for, where, and what a recorded frame says of its market."""

import json

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.collector import registry
from actors.collector.recorded.sniffing import Sniffed
from actors.collector.venue import TradeIds, Wanted
from actors.collector.venues.coinbase import Coinbase
from actors.collector.venues.coinbase_sniffing import CoinbaseSniffer

VENUE = Coinbase()
SNIFFER = CoinbaseSniffer()


def said(*streams: str, word: str = "subscribe"):
    return json.loads(getattr(VENUE, word)(list(streams), 7))


def test_the_registry_finds_it():
    assert registry.exchange("coinbase").name == "coinbase"
    assert isinstance(registry.sniffer("coinbase"), CoinbaseSniffer)


def test_matches_bring_their_heartbeat():
    assert said("matches:BTC-USD", "matches:ETH-EUR") == {
        "type": "subscribe",
        "product_ids": ["BTC-USD", "ETH-EUR"],
        "channels": ["matches", "heartbeat"],
    }


@pytest.mark.parametrize(
    ("stream_type", "channels"), [("ticker", ["ticker"]), ("level2_batch", ["level2_batch"])]
)
def test_other_channels_of_exchange_come_alone(stream_type, channels):
    stream = VENUE.stream("BTC-USD", stream_type)
    assert said(stream) == {"type": "subscribe", "product_ids": ["BTC-USD"], "channels": channels}


@pytest.mark.parametrize(
    ("stream_type", "channel"),
    [("market_trades", "market_trades"), ("tickers", "ticker"), ("level2", "level2")],
)
def test_advanced_trade_takes_one_channel_a_request(stream_type, channel):
    stream = VENUE.stream("BTC-USD", stream_type)
    assert said(stream) == {"type": "subscribe", "product_ids": ["BTC-USD"], "channel": channel}


def test_heartbeats_of_advanced_trade_have_no_product():
    (stream,) = VENUE.standing_streams("advanced", "wss://any")
    assert said(stream) == {"type": "subscribe", "channel": "heartbeats"}
    assert VENUE.standing_streams("exchange", "wss://any") == ()


def test_unsubscribe_is_worded_the_same():
    assert said("tickers:BTC-USD", word="unsubscribe") == {
        "type": "unsubscribe",
        "product_ids": ["BTC-USD"],
        "channel": "ticker",
    }
    assert said("matches:A-B", word="unsubscribe")["channels"] == ["matches", "heartbeat"]


STREAMS = st.lists(
    st.builds(
        VENUE.stream,
        st.from_regex(r"[A-Z]{1,3}-USD", fullmatch=True),
        st.sampled_from(VENUE.defaults.streams["exchange"]),
    ),
    min_size=1,
    unique=True,
)


@given(STREAMS)
def test_requests_mean_exactly_the_streams_of_their_batch(streams):
    left = list(streams)
    while left:
        batch = VENUE.batch("exchange", left)
        assert batch
        request = said(*batch)
        channels = [name for name in request["channels"] if name != "heartbeat"]
        meant = {f"{channel}:{product}" for channel in channels for product in request["product_ids"]}
        assert meant == set(batch)
        assert batch[0] == left[0]
        left = [stream for stream in left if stream not in set(batch)]


def test_a_request_is_not_endless():
    many = [f"ticker:P{number}-USD" for number in range(250)]
    assert len(VENUE.batch("exchange", many)) == 100


@pytest.mark.parametrize("market", VENUE.markets)
def test_each_default_stream_type_has_a_kind_and_counted_trades(market):
    kinds = {VENUE.kind_of(stream_type) for stream_type in VENUE.defaults.streams[market]}
    assert kinds == {"trade", "quote", "book"}
    trades = [name for name in VENUE.defaults.streams[market] if VENUE.kind_of(name) == "trade"]
    assert [VENUE.trade_ids(market, name) for name in trades] == [TradeIds.COUNTED]
    assert VENUE.repair_refusal(market, trades[0]) == ""
    assert "no trades" in VENUE.repair_refusal(market, "ticker")


def test_unknown_stream_types_have_no_kind():
    assert VENUE.kind_of("full") == ""
    assert VENUE.kind_of("heartbeat") == ""


def test_the_stream_has_the_book_and_sizes_are_base_units():
    assert VENUE.snapshot_path("exchange", "BTC-USD", 1000) == ""
    assert VENUE.instruments_path("advanced") == ""
    assert VENUE.parse_instruments("advanced", b'{"products":[]}') == {}
    assert VENUE.ping("exchange") is None
    assert VENUE.recent_path("exchange", "BTC-USD") == ""


def test_limits_stay_below_what_the_venue_allows():
    for market in VENUE.markets:
        assert VENUE.request_allowance(market).per_s < 8
        assert VENUE.connect_allowance(market).per_s < 8
        assert VENUE.connect_allowance(market).burst < 20
        assert VENUE.defaults.repair_weight_per_min[market] * VENUE.repair_weight(market, "x") < 10 * 60


def test_exchange_pages_trades_by_the_id_that_is_one_too_new():
    wanted = Wanted(101, 50, 0, 0)
    path = VENUE.repair_path("exchange", "matches", "BTC-USD", wanted)
    assert path == "/products/BTC-USD/trades?limit=50&after=151"


def test_advanced_trade_pages_trades_by_the_seconds_of_the_gap():
    wanted = Wanted(101, 50, 1_786_309_548_999_999_999, 1_786_309_560_000_000_001)
    path = VENUE.repair_path("advanced", "market_trades", "BTC-USD", wanted)
    assert path == (
        "/api/v3/brokerage/market/products/BTC-USD/ticker?limit=1000&start=1786309548&end=1786309561"
    )
    assert VENUE.repair_path("advanced", "market_trades", "BTC-USD", Wanted(1, 1, 0, 0)).endswith(
        "limit=1000"
    )


def test_candles_are_asked_for_with_an_hour_before():
    minute = 29_000_000
    exchange = VENUE.klines_path("exchange", "BTC-USD", minute, 240)
    assert exchange == (
        "/products/BTC-USD/candles?granularity=60&start=2025-02-19T20:20:00Z&end=2025-02-20T01:19:00Z"
    )
    advanced = VENUE.klines_path("advanced", "BTC-USD", minute, 290)
    assert advanced == (
        "/api/v3/brokerage/market/products/BTC-USD/candles"
        f"?granularity=ONE_MINUTE&start={(minute - 60) * 60}&end={(minute + 290) * 60 - 1}"
    )
    assert [VENUE.klines_per_page(market) for market in VENUE.markets] == [240, 290]


# sniffing

BOOK = {
    "channel": "l2_data",
    "events": [{"type": "update", "product_id": "BTC-USD", "updates": [{"side": 1}]}],
}
PRINTS = {"channel": "market_trades", "events": [{"type": "snapshot", "trades": [{"product_id": "ETH-USD"}]}]}


@pytest.mark.parametrize(
    ("frame", "address", "expected"),
    [
        (BOOK, "", Sniffed("advanced", "l2_data/update", raw="BTC-USD")),
        (PRINTS, "", Sniffed("advanced", "market_trades/snapshot", raw="ETH-USD")),
        (
            {"channel": "heartbeats", "events": [{"heartbeat_counter": 1}]},
            "",
            Sniffed("advanced", "heartbeats/"),
        ),
        ({"type": "match", "product_id": "A-B"}, "", Sniffed("exchange", "match", raw="A-B")),
        ({"type": "subscriptions", "channels": []}, "", Sniffed("exchange", "subscriptions")),
        ({"type": "error"}, "", Sniffed("", "error")),
        ({"type": "error"}, "wss://advanced-trade-ws.coinbase.com", Sniffed("advanced", "error")),
        ({"type": "error"}, "wss://ws-feed.exchange.coinbase.com", Sniffed("exchange", "error")),
        ({"products": []}, "", Sniffed("advanced", "instruments", "instruments")),
        (
            [{"id": "BTC-USD"}],
            "https://api.exchange.coinbase.com/products?limit=9",
            Sniffed("exchange", "instruments", "instruments"),
        ),
        ({}, "", Sniffed("", "")),
        ([], "wss://ws-feed.pro.coinbase.com", Sniffed("exchange", "")),
    ],
)
def test_a_frame_says_its_market(frame, address, expected):
    assert SNIFFER.sniff(json.dumps(frame).encode(), address) == expected


@given(st.binary())
def test_sniffing_never_raises(data):
    assert SNIFFER.sniff(data, "").market in ("", "exchange", "advanced")
    assert msgspec.json.encode(SNIFFER.sniff(b"{" + data, "wss://ws-feed"))


def test_product_ids_name_their_assets():
    assert SNIFFER.derived_symbol("exchange", "BTC-USD") == "BTC_USD"
    assert SNIFFER.contract("exchange", "BTC-USD") is None
