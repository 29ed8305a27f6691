"""Which instruments a headline is about, and above all which it is not."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.collector.news.symbols_in import SymbolFinder
from protocol.instruments import Instrument

CATALOG = [
    Instrument(symbol="BTC_USDT", aliases=["BTC", "BTCUSDT"]),
    Instrument(symbol="BTC_USDT.PERP", aliases=["BTCPERP"]),
    Instrument(symbol="BTC_USD.PERP"),
    Instrument(symbol="BCH_USDT"),
    Instrument(symbol="ETH_USDT"),
    Instrument(symbol="ETH_BTC"),
    Instrument(symbol="SOL_USDT"),
    Instrument(symbol="NEAR_USDT"),
    Instrument(symbol="ONE_USDT"),
    Instrument(symbol="LINK_USDT"),
    Instrument(symbol="ADA_USDT"),
    Instrument(symbol="W_USDT"),
    Instrument(symbol="EUR_USD", aliases=["EURUSD", "Fiber"]),
    Instrument(symbol="EUR_USDT"),
    Instrument(symbol="GBP_USD"),
    Instrument(symbol="USD_JPY"),
    Instrument(symbol="6E.FUT", base="EUR", quote="USD", flow_for="EUR_USD"),
    Instrument(symbol="6J.FUT", base="JPY", quote="USD", inverse_of="USD_JPY", flow_for="USD_JPY"),
]
FINDER = SymbolFinder(CATALOG)
BTC = ["BTC_USD.PERP", "BTC_USDT", "BTC_USDT.PERP"]
ETH = ["ETH_BTC", "ETH_USDT"]
EUR = ["6E.FUT", "EUR_USD", "EUR_USDT"]


@pytest.mark.parametrize(
    ("title", "symbols"),
    [
        ("BTC climbs above 100k", BTC),
        ("Bitcoin's rally pauses", BTC),
        ("bitcoin-backed loans return", BTC),
        ("Spot Bitcoin ETFs draw inflows", BTC),
        ("Bitcoin Cash forks again", ["BCH_USDT"]),
        ("Bitcoin and Bitcoin Cash part ways", sorted([*BTC, "BCH_USDT"])),
        ("Wrapped Bitcoin supply shrinks", []),
        ("$ETH or $SOL?", sorted([*ETH, "SOL_USDT"])),
        ("why #SOL and #bitcoin trend", sorted([*BTC, "SOL_USDT"])),
        ("$eth breaks out", ETH),
        ("Ethereum gas falls", ETH),
        ("ETH/BTC at a low", ETH),
        ("BTC/USDT order book thins", BTC),
        ("BTCUSDT funding turns negative", ["BTC_USDT"]),
        ("BTCPERP volume", ["BTC_USDT.PERP"]),
        ("NEAR Protocol ships sharding", ["NEAR_USDT"]),
        ("Traders pile into NEAR/USDT", ["NEAR_USDT"]),
        ("NEAR Foundation (NEAR) hires", ["NEAR_USDT"]),
        ("$ONE for all", ["ONE_USDT"]),
        ("Cardano (ADA) upgrade", ["ADA_USDT"]),
        ("EUR/USD slips below parity", ["6E.FUT", "EUR_USD"]),
        ("eur/usd slips", ["6E.FUT", "EUR_USD"]),
        ("EURUSD outlook", ["EUR_USD"]),
        ("EUR-USD outlook", ["6E.FUT", "EUR_USD"]),
        ("USD/JPY intervention watch", ["6J.FUT", "USD_JPY"]),
        ("USDJPY above 160", ["6J.FUT", "USD_JPY"]),
        ("Yen slides to a record low", ["6J.FUT", "USD_JPY"]),
        ("Euro gains on ECB minutes", EUR),
        ("Sterling falls after the budget", ["GBP_USD"]),
        ("BTC AND ETH CRASH HARD TODAY", sorted([*BTC, *ETH])),
    ],
)
def test_a_headline_names_its_instruments(title, symbols):
    assert FINDER.symbols_in(title) == symbols


@pytest.mark.parametrize(
    "title",
    [
        "ONE more thing about the markets", "The NEAR future of finance", "LINK in bio", "A near miss for one trader",
        "Tether", "solar power", "Together they link one another", "etherscan.io down", "W", "BTCX lists", "xBTC",
        "Dollar rises", "USD rises", "10% of ALL funds", "EUR/CHF floor", "Euro Stoxx 50 opens higher", "in $100 bills",
        "The ripple effect of rates", "THE ADA IS LAW FOR ALL", "$$ONE", "USD$ETHX", "", "BitcoinTalk", "ETHbtc",
    ],
)  # fmt: skip
def test_a_word_is_no_ticker(title):
    assert FINDER.symbols_in(title) == []


def test_what_the_source_says_itself_is_believed_where_the_catalog_has_it():
    assert FINDER.symbols_in("Sponsored", ["sol", "DOESNOTEXIST", "USD"]) == ["SOL_USDT"]


def test_without_a_catalog_nothing_is_found():
    assert SymbolFinder([]).symbols_in("BTC $ETH EUR/USD Bitcoin") == []


@given(st.text(max_size=200) | st.lists(st.sampled_from(["BTC", "/", "USD", " ", "$", "#", "(", ")", "-", "Euro", "Bitcoin", "Cash", "ONE"]), max_size=30).map("".join))  # fmt: skip
def test_whatever_the_headline_only_symbols_of_the_catalog_come_out_sorted_and_once(title):
    found = FINDER.symbols_in(title)
    assert found == sorted(set(found))
    assert set(found) <= {one.symbol for one in CATALOG}
