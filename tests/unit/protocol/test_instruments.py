"""Symbols are found by every name they have; an unknown one names its neighbours."""

import msgspec
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
        [Instrument(symbol="A_B", providers={"p": "X"}), Instrument(symbol="C_D", providers={"p": "X"})],
    ],
)
def test_an_ambiguous_catalog_is_refused(instruments):
    with pytest.raises(ValueError, match=r"twice|canonical|both"):
        Catalog(instruments)


def test_instruments_of_a_venue():
    assert [found.symbol for found in CATALOG.of_venue("binance")] == ["BTC_USDT", "BTC_USDT.PERP"]


def test_an_instrument_with_providers_is_at_the_venue_of_rest_bars():
    catalog = Catalog(
        [
            Instrument(
                symbol="EUR_USD", session="fx", providers={"yahoo": "EURUSD=X"}, venues={"ig": "cfd:E"}
            ),
            Instrument(symbol="BTC_USDT", venues={"binance": "spot:BTCUSDT"}),
        ]
    )
    assert [found.symbol for found in catalog.of_venue("rest")] == ["EUR_USD"]
    assert catalog.get("EUR_USD").venues == {"ig": "cfd:E", "rest": "bars:EUR_USD"}
    assert catalog.raw("EUR_USD", "rest") == ("bars", "EUR_USD")
    assert catalog.canonical("rest", "bars", "EUR_USD") == "EUR_USD"
    again = Catalog([catalog.get(symbol) for symbol in catalog.symbols])
    assert [again.get(symbol) for symbol in again.symbols] == [
        catalog.get(symbol) for symbol in catalog.symbols
    ]


@pytest.mark.parametrize(
    ("instrument", "asset_class"),
    [
        (Instrument(symbol="EUR_USD", session="fx"), "fx"),
        (Instrument(symbol="XAU_USD", session="fx"), "metal"),
        (Instrument(symbol="XAG_USDT.PERP"), "metal"),
        (Instrument(symbol="BTC_USDT.PERP"), "crypto"),
        (Instrument(symbol="EUR_USDT"), "crypto"),
        (Instrument(symbol="AAPL_USD", session="us_equity"), "equity"),
        (Instrument(symbol="6E.FUT", base="EUR", quote="USD", session="cme"), "future"),
        (Instrument(symbol="NAS100_USD", session="us_equity", asset_class="index"), "index"),
        (Instrument(symbol="GER40_EUR", session="fx"), ""),
        (Instrument(symbol="EUR_USD"), ""),
        (Instrument(symbol="ODD", session="elsewhere"), ""),
    ],
    ids=lambda value: value.symbol if isinstance(value, Instrument) else None,
)
def test_the_asset_class_is_derived_where_that_is_safe(instrument, asset_class):
    assert Catalog([instrument]).get(instrument.symbol).asset_class == asset_class


@pytest.mark.parametrize("row", [{"asset_class": "stock"}, {"providers": {"yahoo": 1}}, {"provider": {}}])
def test_entries_are_decoded_strictly(row):
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({"symbol": "A_B", **row}, Instrument)
