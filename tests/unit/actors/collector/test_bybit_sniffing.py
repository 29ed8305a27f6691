"""Which market a recorded frame is of, and how symbols that no catalog maps are named."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.collector.recorded.sniffing import Sniffed
from actors.collector.venues.bybit_sniffing import BybitSniffer
from protocol.topics import market_topic, parse_topic

SNIFFER = BybitSniffer()


@pytest.mark.parametrize(
    ("market", "raw", "symbol"),
    [
        ("linear", "BTCUSDT", "BTC_USDT.PERP"),
        ("spot", "BTCUSDT", "BTC_USDT"),
        ("spot", "SOLBTC", "SOL_BTC"),
        ("spot", "USDCUSDT", "USDC_USDT"),
        ("inverse", "BTCUSD", "BTC_USD.PERP"),
        ("linear", "BTCPERP", "BTC_USDC.PERP"),
        ("linear", "1000PEPEUSDT", "1000PEPE_USDT.PERP"),
        ("linear", "1000PEPEPERP", "1000PEPE_USDC.PERP"),
        ("linear", "BTCUSDT-25DEC26", "BTC_USDT.261225"),
        ("linear", "BTC-25DEC26", "BTC_USDC.261225"),
        ("linear", "BTC-1JAN27", "BTC_USDC.270101"),
        ("inverse", "BTC-25DEC26", "BTC_USD.261225"),
        ("inverse", "BTCUSDZ26", "BTC_USD.261225"),
        ("inverse", "ETHUSDH27", "ETH_USD.270326"),
        ("linear", "PERP", "PERP.PERP"),
        ("spot", "USDT", "USDT"),
    ],
)
def test_derived_symbols(market, raw, symbol):
    assert SNIFFER.derived_symbol(market, raw) == symbol
    assert parse_topic(market_topic("trade", "bybit", symbol)).symbol == symbol


def encoded(topic, **more):
    return json.dumps({"topic": topic, "type": "snapshot", "ts": 1, **more}).encode()


@pytest.mark.parametrize(
    ("address", "market"),
    [
        ("wss://stream.bybit.com/v5/public/linear", "linear"),
        ("wss://stream-testnet.bybit.com/v5/public/spot", "spot"),
        ("ws://127.0.0.1:1234/v5/public/inverse", "inverse"),
    ],
)
def test_the_address_decides(address, market):
    found = SNIFFER.sniff(encoded("orderbook.50.BTCUSDT", data={}), address)
    assert found == Sniffed(market, "orderbook.50/snapshot", raw="BTCUSDT")


@pytest.mark.parametrize(
    ("frame", "market"),
    [
        (encoded("orderbook.500.XRPUSDT", data={}), "linear"),
        (encoded("publicTrade.BTCUSD", data=[]), "inverse"),
        (encoded("publicTrade.BTCUSDZ26", data=[]), "inverse"),
        (encoded("publicTrade.BTCUSDT", data=[{"i": "229", "T": 1}]), "spot"),
        (encoded("publicTrade.BTCUSDT", data=[{"i": "0cbf-1", "L": "PlusTick"}]), "linear"),
        (encoded("publicTrade.BTC-25DEC26", data=[{"i": "1"}]), "linear"),
        (encoded("publicTrade.BTCPERP", data=[{"i": "1"}]), "linear"),
        (encoded("tickers.BTCUSDT", data={"usdIndexPrice": "1"}), "spot"),
        (encoded("tickers.BTCUSDT", data={"bid1Price": "1"}), "linear"),
        (encoded("allLiquidation.BTCUSDT", data=[]), "linear"),
        (b'{"topic":"orderbook.1.BTCUSDT","ts":1,"type":"snapshot","data":{}}', "spot"),
        (b'{"type":"snapshot","topic":"kline.1.BTCUSDT","data":[],"ts":1}', "spot"),
        (b'{"topic":"kline.1.BTCUSDT","data":[],"ts":1,"type":"snapshot"}', "linear"),
    ],
)
def test_without_an_address_the_frame_decides(frame, market):
    assert SNIFFER.sniff(frame, "").market == market


def test_control_answers_are_acks_of_the_market_around_them():
    assert SNIFFER.sniff(b'{"success":true,"ret_msg":"pong","op":"ping"}', "") == Sniffed("", "ack")
    assert SNIFFER.sniff(b'{"success":true,"op":"subscribe"}', "wss://x/v5/public/spot") == Sniffed(
        "spot", "ack"
    )


def test_rest_answers_are_known_by_their_url_or_their_body():
    url = "https://api.bybit.com/v5/market/instruments-info?&category=inverse&limit=1000"
    assert SNIFFER.sniff(b"{}", url) == Sniffed("inverse", "instruments", rest="instruments")
    url = "https://api.bybit.com/v5/market/recent-trade?category=spot&symbol=BTCUSDT&limit=60"
    assert SNIFFER.sniff(b"{}", url) == Sniffed("spot", "recent-trade", raw="BTCUSDT")
    body = {
        "retCode": 0,
        "result": {"category": "linear", "list": [{"symbol": "BTCUSDT", "baseCoin": "BTC"}]},
    }
    assert SNIFFER.sniff(json.dumps(body).encode(), "") == Sniffed(
        "linear", "instruments", rest="instruments"
    )
    assert SNIFFER.sniff(b'{"retCode":10001,"result":{}}', "") == Sniffed("", "rest")
    assert SNIFFER.sniff(b'{"retCode":10001,"result":5}', "") == Sniffed("", "rest")


def test_no_contract_size_need_be_known():
    assert SNIFFER.contract("inverse", "BTCUSD") is None


@pytest.mark.parametrize(
    "frame", [b"", b"{", b"[]", b"null", b'"x"', b"\xff", b"[" * 100_000, b'{"topic":5}']
)
def test_what_is_unreadable_is_of_no_market(frame):
    assert SNIFFER.sniff(frame, "") == Sniffed("", "")


@given(
    st.text(alphabet="ABCDEFGHUSDTPERPUSDC0123456789-", max_size=20),
    st.sampled_from(["spot", "linear", "inverse"]),
)
def test_any_name_has_a_symbol(raw, market):
    assert isinstance(SNIFFER.derived_symbol(market, raw), str)
