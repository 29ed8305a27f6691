"""Any spelling finds its instrument, or says which ones it may mean."""

import pytest

from actors.runtime.settings import load
from protocol.brokers import Broker
from protocol.errors import InvalidRequest, UnknownSymbol
from protocol.instruments import Catalog, Instrument
from protocol.naming import Names, plain_name
from tests.support.paths import ROOT

CATALOG = Catalog(
    [
        Instrument(
            symbol="BTC_USDT",
            venues={"binance": "spot:BTCUSDT", "okx": "spot:BTC-USDT"},
            aliases=["BTC", "BTCUSDT"],
        ),
        Instrument(
            symbol="BTC_USDT.PERP",
            venues={"binance": "usdm:BTCUSDT", "okx": "swap:BTC-USDT-SWAP"},
            aliases=["BTCPERP"],
        ),
        Instrument(symbol="BTC_USD.PERP", venues={"bybit": "inverse:BTCUSD"}),
        Instrument(
            symbol="EUR_USD",
            session="fx",
            venues={"ig": "cfd:CS.D.EURUSD.CFD.IP"},
            providers={"yahoo": "EURUSD=X", "polygon": "C:EURUSD", "twelvedata": "EUR/USD"},
            aliases=["EURUSD"],
        ),
        Instrument(symbol="GBP_USD", session="fx", aliases=["GBPUSD"]),
        Instrument(symbol="XAU_USD", session="fx", aliases=["XAUUSD"]),
        Instrument(
            symbol="NAS100_USD", session="us_equity", providers={"yahoo": "^NDX"}, aliases=["NAS100", "US100"]
        ),
        Instrument(symbol="6E.FUT", session="cme", venues={"databento": "glbx:6E.v.0"}, aliases=["6E"]),
        Instrument(symbol="EURUSDM", session="cme"),
    ]
)
BROKERS = {
    "any": Broker(suffixes=[".m", "m", ".r", "."], prefixes=["#"]),
    "acme": Broker(
        suffixes=["_i"], names={"GOLD": "XAU_USD", "US100Cash": "NAS100_USD", "GBPUSD": "EUR_USD"}
    ),
    "plain": Broker(),
}
NAMES = Names(CATALOG, BROKERS)
SHIPPED = load(ROOT / "config" / "tapehub.yaml", environ={})
SHIPPED_NAMES = Names(Catalog(SHIPPED.instruments), SHIPPED.brokers)


@pytest.mark.parametrize(
    ("name", "symbol", "owner"),
    [
        ("NAS100", "NAS100_USD", ""),
        ("XAUUSD", "XAU_USD", ""),
        ("EURUSD", "EUR_USD", ""),
        ("EURUSD=X", "EUR_USD", "yahoo"),
        ("C:EURUSD", "EUR_USD", "polygon"),
        ("EUR/USD", "EUR_USD", "twelvedata"),
        ("EUR/USD", "EUR_USD", "alphavantage"),
        ("cfd:CS.D.EURUSD.CFD.IP", "EUR_USD", "ig"),
        ("CS.D.EURUSD.CFD.IP", "EUR_USD", ""),
        ("6E", "6E.FUT", ""),
        ("glbx:6E.v.0", "6E.FUT", "databento"),
        ("EURUSD.m", "EUR_USD", "any"),
        ("XAUUSD.", "XAU_USD", "any"),
        ("#US100", "NAS100_USD", ""),
        ("^NDX", "NAS100_USD", "yahoo"),
        ("I:NDX", "NAS100_USD", "polygon"),
        ("GC=F", "GC.FUT", "yahoo"),
        ("swap:BTC-USDT-SWAP", "BTC_USDT.PERP", "okx"),
    ],
)
def test_the_shipped_file_knows_these_spellings_both_ways(name, symbol, owner):
    assert SHIPPED_NAMES.resolve(name, owner).symbol == symbol
    assert SHIPPED_NAMES.resolve(name).symbol == symbol
    back = [one.name for one in SHIPPED_NAMES.spellings(symbol, owner)]
    aliases = SHIPPED_NAMES.catalog.get(symbol).aliases
    assert name in back or (not owner and (name.lstrip("#") in aliases or f"cfd:{name}" in back))


def test_every_spelling_of_the_shipped_file_leads_back():
    seen = 0
    for symbol in SHIPPED_NAMES.catalog.symbols:
        for owner in SHIPPED_NAMES.owners:
            for one in SHIPPED_NAMES.spellings(symbol, owner):
                seen += 1
                assert SHIPPED_NAMES.resolve(one.name, owner).symbol == symbol, one
                assert SHIPPED_NAMES.resolve(str(one)).symbol == symbol, one
        for alias in SHIPPED_NAMES.catalog.get(symbol).aliases:
            assert SHIPPED_NAMES.resolve(alias).symbol == symbol, alias
    assert seen > 400


@pytest.mark.parametrize(
    ("name", "owner", "symbol", "how", "known_from"),
    [
        ("BTC_USDT", "", "BTC_USDT", "exact", "canonical BTC_USDT"),
        ("BTCUSDT", "", "BTC_USDT", "exact", "alias BTCUSDT"),
        ("BTC-USDT-SWAP", "", "BTC_USDT.PERP", "exact", "okx:swap:BTC-USDT-SWAP"),
        ("binance:usdm:BTCUSDT", "", "BTC_USDT.PERP", "exact", "binance:usdm:BTCUSDT"),
        ("polygon:C:EURUSD", "", "EUR_USD", "exact", "polygon:C:EURUSD"),
        ("c:eurusd", "", "EUR_USD", "normalised", "polygon:C:EURUSD"),
        ("eur-usd", "", "EUR_USD", "normalised", "canonical EUR_USD"),
        ("btc usdt", "", "BTC_USDT", "normalised", "canonical BTC_USDT"),
        ("btcusd", "bybit", "BTC_USD.PERP", "normalised", "bybit:inverse:BTCUSD"),
        ("EURUSD.m", "", "EUR_USD", "affixed", "alias EURUSD without the affixes of any broker"),
        ("eurusd.m", "", "EUR_USD", "affixed", "canonical EUR_USD without the affixes of any broker"),
        ("#US100.r", "", "NAS100_USD", "affixed", "alias US100 without the affixes of any broker"),
        ("XAUUSD_i", "", "XAU_USD", "affixed", "alias XAUUSD without the affixes of acme"),
        ("GOLD", "", "XAU_USD", "exact", "acme:GOLD"),
        ("gold_i", "acme", "XAU_USD", "affixed", "acme:GOLD without the affixes of acme"),
        ("EURUSD.m", "acme", "EUR_USD", "affixed", "alias EURUSD without the affixes of any broker"),
        ("GBPUSD", "acme", "EUR_USD", "exact", "acme:GBPUSD"),
        ("GBPUSD", "", "GBP_USD", "exact", "alias GBPUSD"),
        ("GBPUSD", "plain", "GBP_USD", "exact", "alias GBPUSD"),
    ],
)
def test_a_name_and_where_it_is_known_from(name, owner, symbol, how, known_from):
    reading = NAMES.resolve(name, owner)
    assert (reading.symbol, reading.how, str(reading)) == (symbol, how, known_from)


@pytest.mark.parametrize(
    ("name", "owner", "symbols"),
    [
        ("BTCUSDT", "binance", ["BTC_USDT", "BTC_USDT.PERP"]),
        ("binance:BTCUSDT", "", ["BTC_USDT", "BTC_USDT.PERP"]),
        ("btc-usdt", "binance", ["BTC_USDT", "BTC_USDT.PERP"]),
        ("EURUSDm", "", ["EURUSDM", "EUR_USD"]),
        ("EURUSDm", "plain", ["EURUSDM", "EUR_USD"]),
    ],
)
def test_what_may_mean_several_is_an_error_that_lists_them(name, owner, symbols):
    with pytest.raises(InvalidRequest) as caught:
        NAMES.resolve(name, owner)
    assert caught.value.details["candidates"] == symbols
    assert all(symbol in caught.value.message for symbol in symbols)
    assert len(caught.value.errors) == len(symbols)


def test_an_exact_name_beats_a_suffix():
    assert NAMES.resolve("EURUSDM").how == "exact"
    assert NAMES.resolve("EURUSDM", "plain").symbol == "EURUSDM"


@pytest.mark.parametrize(
    ("name", "owner", "suggestion"),
    [
        ("EURUSX", "", "EUR_USD"),
        ("EURUSD=Y", "yahoo", "EUR_USD"),
        ("BTC_USTD", "", "BTC_USDT"),
        ("EURSUD_i", "acme", "EUR_USD"),
        ("binance:spot:BTCUSDC", "", "BTC_USDT"),
    ],
)
def test_an_unknown_name_is_told_the_nearest(name, owner, suggestion):
    with pytest.raises(UnknownSymbol) as caught:
        NAMES.resolve(name, owner)
    assert suggestion in caught.value.suggestions
    assert suggestion in caught.value.message


@pytest.mark.parametrize(
    "name", ["", ":", "m", ".m", "#", "#.m", "yahoo:", "\x00", "X" * 100_000, "BTC_USDT\n"]
)
def test_what_is_no_name_is_unknown(name):
    with pytest.raises(UnknownSymbol):
        NAMES.resolve(name)


def test_a_venue_does_not_take_names_of_ours():
    with pytest.raises(UnknownSymbol):
        NAMES.resolve("EURUSD", "yahoo")
    with pytest.raises(UnknownSymbol):
        NAMES.resolve("EURUSD.m", "ig")


def test_an_unknown_owner_is_told_the_nearest():
    with pytest.raises(InvalidRequest, match="did you mean yahoo"):
        NAMES.resolve("EURUSD=X", "yaho")


def test_what_others_call_an_instrument():
    assert [str(one) for one in NAMES.spellings("EURUSD")] == [
        "ig:cfd:CS.D.EURUSD.CFD.IP",
        "rest:bars:EUR_USD",
        "polygon:C:EURUSD",
        "twelvedata:EUR/USD",
        "yahoo:EURUSD=X",
        "acme:GBPUSD",
        "plain:EURUSD",
    ]
    assert [one.name for one in NAMES.spellings("XAU_USD", "acme")] == ["GOLD"]
    assert [one.name for one in NAMES.spellings("BTC_USDT.PERP", "acme")] == ["BTCPERP_i"]
    assert [one.name for one in NAMES.spellings("EUR_USD", "any")] == [
        "EURUSD.m",
        "EURUSD.r",
        "EURUSD.",
        "#EURUSD",
    ]


def test_a_name_that_a_broker_uses_for_something_else_is_not_given():
    """acme says GBPUSD for EUR_USD (whatever for): then it cannot be its name of GBP_USD."""
    names = Names(CATALOG, {"acme": Broker(names={"GBPUSD": "EUR_USD"})})
    assert names.spellings("GBP_USD", "acme") == []


@pytest.mark.parametrize(
    ("symbol", "plain"),
    [
        ("EUR_USD", "EURUSD"),
        ("BTC_USDT", "BTCUSDT"),
        ("NAS100_USD", "NAS100"),
        ("6E.FUT", "6E"),
        ("BTC_USDT.PERP", "BTCPERP"),
        ("BTC_USD.PERP", "BTCUSD.PERP"),
    ],
)
def test_the_usual_name_is_what_brokers_add_affixes_to(symbol, plain):
    assert plain_name(CATALOG.get(symbol)) == plain
