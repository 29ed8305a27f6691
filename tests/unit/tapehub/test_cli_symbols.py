"""`tapehub symbols`: any spelling of an instrument, there and back."""

import json

import pytest

from tapehub.cli import context, exit_codes
from tests.unit.tapehub.calls import call

SYMBOLS = """\
BTC_USDT: {venues: {binance: "spot:BTCUSDT"}, aliases: [BTCUSDT]}
BTC_USDT.PERP: {venues: {binance: "usdm:BTCUSDT", okx: "swap:BTC-USDT-SWAP"}}
EUR_USD:
  venues: {ig: "cfd:CS.D.EURUSD.CFD.IP"}
  providers: {yahoo: EURUSD=X, polygon: "C:EURUSD", twelvedata: EUR/USD}
  session: fx
  aliases: [EURUSD]
XAU_USD: {session: fx, aliases: [XAUUSD]}
NAS100_USD: {providers: {yahoo: ^NDX}, asset_class: index, session: us_equity, aliases: [NAS100]}
6E.FUT: {venues: {databento: "glbx:6E.v.0"}, session: cme, aliases: [6E]}
EURUSDM: {session: cme}
brokers:
  any: {suffixes: [.m, m]}
  acme: {suffixes: [_i], names: {GOLD: XAU_USD}}
"""


@pytest.fixture(autouse=True)
def config(tmp_path, monkeypatch):
    for name in ("TAPEHUB_CONFIG", "TAPEHUB_ENDPOINT"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "symbols.yaml").write_text(SYMBOLS)
    path = tmp_path / "tapehub.yaml"
    path.write_text(f"run_dir: {tmp_path}\nactors: {{hub.1: }}\n")
    monkeypatch.setenv("TAPEHUB_CONFIG", str(path))
    yield path
    context.use(context.Context())


@pytest.mark.parametrize(
    ("words", "out"),
    [
        (["EURUSD=X"], ["EUR_USD"]),
        (["C:EURUSD"], ["EUR_USD"]),
        (["EUR/USD"], ["EUR_USD"]),
        (["CS.D.EURUSD.CFD.IP"], ["EUR_USD"]),
        (["ig:cfd:CS.D.EURUSD.CFD.IP"], ["EUR_USD"]),
        (["yahoo:EURUSD=X"], ["EUR_USD"]),
        (["GOLD"], ["XAU_USD"]),
        (["acme:GOLD"], ["XAU_USD"]),
        (["BTC-USDT-SWAP"], ["BTC_USDT.PERP"]),
        (["spot:BTCUSDT", "--from", "binance"], ["BTC_USDT"]),
        (["BTCUSDT"], ["binance:spot:BTCUSDT", "acme:BTCUSDT_i"]),
        (["6e"], ["databento:glbx:6E.v.0", "acme:6E_i"]),
        (["EURUSD.m", "--to", "yahoo"], ["EURUSD=X"]),
        (["EURUSD=X", "--from", "yahoo", "--to", "ig"], ["cfd:CS.D.EURUSD.CFD.IP"]),
        (["EUR_USD", "--to", "acme"], ["EURUSD_i"]),
        (["xauusd", "--to", "acme"], ["GOLD"]),
        (["EUR_USD", "--to", "any"], ["EURUSD.m"]),
        (["NAS100.m", "--to", "yahoo"], ["^NDX"]),
    ],
)
def test_map_reads_any_spelling(capsys, words, out):
    result = call(capsys, "symbols", "map", *words)
    assert (result.code, result.out.splitlines()) == (0, out)


def test_what_a_name_was_taken_for_stands_beside_the_data(capsys):
    assert "EURUSD.m: EUR_USD, known as alias EURUSD without the affixes of any broker" in (
        call(capsys, "symbols", "map", "EURUSD.m").err
    )
    assert not call(capsys, "symbols", "map", "EUR_USD").err


def test_map_as_json_says_everything(capsys):
    document = json.loads(call(capsys, "symbols", "map", "EURUSD_i", "--json").out)
    assert document == {
        "name": "EURUSD_i",
        "symbol": "EUR_USD",
        "known_from": {"kind": "alias", "owner": "", "name": "EURUSD", "how": "affixed", "broker": "acme"},
        "venues": {"ig": "cfd:CS.D.EURUSD.CFD.IP", "rest": "bars:EUR_USD"},
        "providers": {"yahoo": "EURUSD=X", "polygon": "C:EURUSD", "twelvedata": "EUR/USD"},
        "brokers": {"acme": ["EURUSD_i"]},
    }
    one = json.loads(call(capsys, "symbols", "map", "EURUSD", "--to", "yahoo", "--json").out)
    assert (one["venues"], one["providers"], one["brokers"]) == ({}, {"yahoo": "EURUSD=X"}, {})


@pytest.mark.parametrize(
    ("words", "candidates"),
    [
        (["BTCUSDT", "--from", "binance"], ["BTC_USDT", "BTC_USDT.PERP"]),
        (["EURUSDm"], ["EURUSDM", "EUR_USD"]),
    ],
)
def test_several_meanings_are_an_error_that_lists_them(capsys, words, candidates):
    result = call(capsys, "symbols", "map", *words)
    assert (result.code, result.out) == (exit_codes.FAILURE, "")
    assert all(f"{symbol} (" in result.err for symbol in candidates)
    as_json = call(capsys, "symbols", "map", *words, "--json")
    assert as_json.code == exit_codes.FAILURE
    assert json.loads(as_json.out)["candidates"] == candidates


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["EURSUD"], exit_codes.NO_DATA, "did you mean EUR_USD"),
        (["EURUSD=Y", "--from", "yahoo"], exit_codes.NO_DATA, "did you mean EUR_USD (yahoo:EURUSD=X)"),
        (["BTC_USDT", "--to", "yahoo"], exit_codes.NO_DATA, "yahoo has no name for BTC_USDT"),
        (["BTC_USDT", "--to", "nobody"], exit_codes.USAGE, "no venue, provider or broker 'nobody'"),
        (["BTC_USDT", "--from", "nobody"], exit_codes.USAGE, "acme, any, binance"),
    ],
)
def test_what_cannot_be_mapped(capsys, words, code, said):
    result = call(capsys, "symbols", "map", *words)
    assert (result.code, result.out) == (code, "")
    assert said in result.err


@pytest.mark.parametrize(
    ("text", "symbols"),
    [
        ("=x", ["EUR_USD"]),
        ("^ndx", ["NAS100_USD"]),
        ("gold", ["XAU_USD"]),
        ("EURUSD_i", ["EUR_USD"]),
        ("EURUSDm", ["EURUSDM", "EUR_USD"]),
        ("btcusdt", ["BTC_USDT", "BTC_USDT.PERP"]),
    ],
)
def test_search_looks_at_names_of_providers_and_brokers_too(capsys, text, symbols):
    found = json.loads(call(capsys, "symbols", "search", text, "--json").out)
    assert [row["symbol"] for row in found] == symbols


def test_asset_class_and_providers_are_shown(capsys):
    head, *rows = call(capsys, "symbols", "search").out.splitlines()
    assert head.split()[:2] == ["SYMBOL", "CLASS"]
    assert {row.split()[0]: row.split()[1] for row in rows} == {
        "6E.FUT": "future",
        "BTC_USDT": "crypto",
        "BTC_USDT.PERP": "crypto",
        "EURUSDM": "future",
        "EUR_USD": "fx",
        "NAS100_USD": "index",
        "XAU_USD": "metal",
    }
    shown = call(capsys, "symbols", "show", "EURUSD=X").out
    assert "asset_class   fx\n" in shown
    assert "providers     polygon C:EURUSD, twelvedata EUR/USD, yahoo EURUSD=X\n" in shown
