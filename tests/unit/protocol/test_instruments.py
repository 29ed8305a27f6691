"""Symbols are found by every name they have; an unknown one names its neighbours."""

import pytest

from protocol.errors import UnknownSymbol
from protocol.instruments import Catalog, Instrument

CATALOG = Catalog(
    [
        Instrument(symbol="BTC_USDT", venues={"binance": "spot:BTCUSDT"}, aliases=["XBT"]),
        Instrument(symbol="BTC_USDT.PERP", venues={"binance": "usdm:BTCUSDT"}),
        Instrument(symbol="EUR_USD", session="fx"),
    ]
)


def test_one_raw_name_in_two_markets_is_two_symbols():
    assert CATALOG.canonical("binance", "spot", "BTCUSDT") == "BTC_USDT"
    assert CATALOG.canonical("binance", "usdm", "BTCUSDT") == "BTC_USDT.PERP"
    assert CATALOG.canonical("binance", "coinm", "BTCUSDT") is None
    assert CATALOG.raw("BTC_USDT.PERP", "binance") == ("usdm", "BTCUSDT")
    assert CATALOG.raw("EUR_USD", "binance") is None


def test_an_alias_finds_its_symbol():
    assert CATALOG.get("xbt").symbol == "BTC_USDT"


def test_an_unknown_symbol_names_the_nearest():
    with pytest.raises(UnknownSymbol, match="did you mean BTC_USDT") as caught:
        CATALOG.get("BTCUSDT")
    assert caught.value.suggestions[0] == "BTC_USDT"


@pytest.mark.parametrize(
    "instruments",
    [
        [Instrument(symbol="A_B"), Instrument(symbol="A_B")],
        [Instrument(symbol="a_b")],
        [Instrument(symbol="A_B", venues={"v": "spot:X"}), Instrument(symbol="C_D", venues={"v": "spot:X"})],
        [Instrument(symbol="A_B", aliases=["X"]), Instrument(symbol="C_D", aliases=["x"])],
    ],
)
def test_an_ambiguous_catalog_is_refused(instruments):
    with pytest.raises(ValueError, match=r"twice|canonical|both"):
        Catalog(instruments)


def test_instruments_of_a_venue():
    assert [found.symbol for found in CATALOG.of_venue("binance")] == ["BTC_USDT", "BTC_USDT.PERP"]
