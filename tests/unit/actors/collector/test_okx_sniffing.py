"""What a recorded OKX frame says about itself."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.collector.recorded.sniffing import Sniffed
from actors.collector.registry import sniffer
from actors.collector.venue import Contract
from protocol.topics import is_symbol
from tests.unit.actors.collector.okx_frames import answer, book, forced, liquidation, top, trade

SNIFFER = sniffer("okx")
WS = "wss://ws.okx.com:8443/ws/v5/public"


@pytest.mark.parametrize(
    ("data", "found"),
    [
        (trade(), Sniffed("spot", "trades", raw="BTC-USDT")),
        (trade(raw="BTC-USDT-SWAP"), Sniffed("swap", "trades", raw="BTC-USDT-SWAP")),
        (trade(raw="BTC-USDT-261225"), Sniffed("futures", "trades", raw="BTC-USDT-261225")),
        (trade(raw="BTC-USD-220304-32000-P"), Sniffed("", "trades", raw="BTC-USD-220304-32000-P")),
        (top(channel="books5"), Sniffed("spot", "books5", raw="BTC-USDT")),
        (book("snapshot", -1, 1), Sniffed("spot", "books/snapshot", raw="BTC-USDT")),
        (book("update", 1, 2), Sniffed("spot", "books/update", raw="BTC-USDT")),
        (liquidation(forced()), Sniffed("swap", "liquidation-orders")),
        (liquidation(forced(), inst_type="FUTURES"), Sniffed("futures", "liquidation-orders")),
        (
            b'{"event":"subscribe","arg":{"channel":"trades","instId":"BTC-USDT"}}',
            Sniffed("spot", "ack", raw="BTC-USDT"),
        ),
        (b'{"event":"error","code":"60018","msg":"no"}', Sniffed("", "error")),
        (b'{"event":"notice","code":"64008"}', Sniffed("", "notice")),
        (b'{"event":"anything"}', Sniffed("", "event")),
        (b"pong", Sniffed("", "pong")),
        (b'{"table":"swap/depth","data":[]}', Sniffed("swap", "swap/depth")),
        (b'{"table":"index/ticker","data":[]}', Sniffed("", "index/ticker")),
        (
            b'{"code":"0","data":[{"instId":"BTC-USD-SWAP","instType":"SWAP","oi":"1"}],"msg":""}',
            Sniffed("swap", ""),
        ),
        (b'{"code":"0","data":[{"asks":[],"bids":[]}]}', Sniffed("", "")),
        (b'{"arg":', Sniffed("", "")),
        (b"7", Sniffed("", "")),
    ],
)
def test_frames(data, found):
    assert SNIFFER.sniff(data, "") == SNIFFER.sniff(data, WS) == found


@pytest.mark.parametrize(
    ("inst_type", "market"), [("SPOT", "spot"), ("SWAP", "swap"), ("FUTURES", "futures")]
)
def test_instruments_are_told_by_their_url_or_their_shape(inst_type, market):
    url = f"https://www.okx.com/api/v5/public/instruments?instType={inst_type}"
    body = answer({"instId": "BTC-USDT", "instType": inst_type, "tickSz": "0.1", "ctVal": ""})
    found = Sniffed(market, "instruments", rest="instruments")
    assert SNIFFER.sniff(body, url) == SNIFFER.sniff(body, "") == SNIFFER.sniff(answer(), url) == found


def test_a_book_over_rest_has_its_name_in_the_url_only():
    url = "https://www.okx.com/api/v5/market/books?instId=BTC-USDT-SWAP&sz=400"
    assert SNIFFER.sniff(answer({}), url) == Sniffed("swap", "snapshot", rest="snapshot", raw="BTC-USDT-SWAP")


@pytest.mark.parametrize(
    ("raw", "symbol"),
    [
        ("BTC-USDT", "BTC_USDT"),
        ("1INCH-USDT", "1INCH_USDT"),
        ("BTC-USDT-SWAP", "BTC_USDT.PERP"),
        ("BTC-USD-SWAP", "BTC_USD.PERP"),
        ("BTC-USDT-261225", "BTC_USDT.261225"),
        ("BTC-USD_UM-SWAP", "BTC_USD_UM.PERP"),
        ("BTC-USD-220304-32000-P", "BTC_USD.220304-32000-P"),
    ],
)
def test_derived_symbols(raw, symbol):
    assert SNIFFER.derived_symbol("", raw) == symbol


@given(st.text())
def test_derived_symbols_are_canonical_whatever_the_name(raw):
    assert is_symbol(SNIFFER.derived_symbol("spot", raw))


@given(st.binary(), st.text())
def test_sniffing_never_raises(data, address):
    assert SNIFFER.sniff(data, address).market in ("", "spot", "swap", "futures")


def test_contracts_that_are_known_without_a_list():
    assert SNIFFER.contract("swap", "BTC-USD-SWAP") == Contract(100.0, is_inverse=True)
    assert SNIFFER.contract("futures", "ETH-USD-261225") == Contract(10.0, is_inverse=True)
    assert SNIFFER.contract("swap", "BTC-USDT-SWAP") == Contract(0.01)
    assert SNIFFER.contract("swap", "NEW-USDT-SWAP") is None
    assert SNIFFER.contract("spot", "BTC-USDT") is None
