"""What symbols.yaml says of providers, asset classes and brokers: read, checked, compiled."""

from pathlib import Path

import pytest

from actors.runtime import layers
from actors.runtime.settings import check, compiled_of, load
from protocol.brokers import Broker
from protocol.errors import ConfigError
from tests.support.paths import ROOT

GOOD = """\
EUR_USD: {providers: {yahoo: EURUSD=X, polygon: "C:EURUSD", twelvedata: EUR/USD}, session: fx}
NAS100_USD: {providers: {yahoo: ^NDX}, asset_class: index, session: us_equity}
brokers:
  any: {suffixes: [.m, m, "."], prefixes: ["#"]}
  acme: {suffixes: [_i], names: {US100Cash: NAS100_USD}}
  plain:
"""


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "tapehub.yaml"
    path.write_text("actors: {hub.1: }")
    (tmp_path / "symbols.yaml").write_text(GOOD)
    return path


def problems(config: Path, symbols: str) -> list[str]:
    (config.parent / "symbols.yaml").write_text(symbols)
    return [line.replace(f"{config.parent}/", "") for line in check(layers.read(config, (), {}), None)]


def test_providers_and_brokers_are_read_verbatim(config):
    loaded = load(config, (), {})
    eur, nas = loaded.instruments
    assert eur.providers == {"yahoo": "EURUSD=X", "polygon": "C:EURUSD", "twelvedata": "EUR/USD"}
    assert nas.asset_class == "index"
    assert loaded.brokers == {
        "any": Broker(suffixes=[".m", "m", "."], prefixes=["#"]),
        "acme": Broker(suffixes=["_i"], names={"US100Cash": "NAS100_USD"}),
        "plain": Broker(),
    }


@pytest.mark.parametrize("text", ["EUR_USD:\n", "EUR_USD:\nbrokers:\n", "EUR_USD:\nbrokers: {}\n"])
def test_brokers_may_be_left_out(config, text):
    assert problems(config, text) == []
    loaded = load(config, (), {})
    assert loaded.brokers == {}
    assert [one.symbol for one in loaded.instruments] == ["EUR_USD"]


def test_every_mistake_has_its_place(config):
    assert problems(
        config,
        "EUR_USD: {providers: {Yahoo: EURUSD=X, polygon: ''}, asset_class: forex}\n"
        "GBP_USD: {providers: {Yahoo: GBPUSD=X, polygon: ''}, asset_class: fx}\n"
        "AUD_USD: {providers: {yahoo: X}, venues: {rest: 'bars:AUD_USD'}}\n"
        "NZD_USD: {providers: {yahoo: X}, asset_class: metl}\n"
        "CAD_USD: {providers: {yahoo: X}}\n"
        "brokers:\n"
        "  Acme: {suffixes: [.m]}\n"
        "  beta: {suffix: [.m], prefixes: '#'}\n"
        "  gamma: {suffixes: [.m, ''], names: {GOLD: XAU_USD, EUR: EURUSD}}\n",
    ) == [
        "symbols.yaml:1:67: symbols.EUR_USD.asset_class: expected one of fx, metal, index, equity, crypto, future (got 'forex')",
        "symbols.yaml:2:30: symbols.GBP_USD.providers.Yahoo: expected a provider and its name, like yahoo: EURUSD=X (got 'GBPUSD=X')",
        "symbols.yaml:2:49: symbols.GBP_USD.providers.polygon: expected a provider and its name, like yahoo: EURUSD=X (got '')",
        "symbols.yaml:3:43: symbols.AUD_USD.venues.rest: follows from providers: name these instead",
        "symbols.yaml:4:47: symbols.NZD_USD.asset_class: expected one of fx, metal, index, equity, crypto, future (got 'metl'); did you mean 'metal'?",
        "symbols.yaml:5:30: symbols.CAD_USD.providers.yahoo: provider yahoo X is already mapped to AUD_USD",
        "symbols.yaml:7:3: symbols.brokers.Acme: a broker's name is small letters, digits, . _ -",
        "symbols.yaml:8:10: symbols.brokers.beta.suffix: unknown key; did you mean 'suffixes'?",
        "symbols.yaml:8:34: symbols.brokers.beta.prefixes: expected a list of text (got '#')",
        "symbols.yaml:9:26: symbols.brokers.gamma.suffixes[1]: is empty",
        "symbols.yaml:9:45: symbols.brokers.gamma.names.GOLD: no instrument 'XAU_USD' in this file; did you mean 'AUD_USD'?",
        "symbols.yaml:9:59: symbols.brokers.gamma.names.EUR: no instrument 'EURUSD' in this file; did you mean 'EUR_USD'?",
    ]


def test_brokers_that_are_no_mapping(config):
    found = problems(config, "EUR_USD:\nbrokers: [acme]\n")
    assert found == [
        "symbols.yaml:2:10: symbols.brokers: expected a mapping of brokers, like acme: {suffixes: [.m]}"
    ]
    with pytest.raises(ConfigError):
        load(config, (), {})


def test_the_compiled_form_has_them_too(config):
    loaded = load(config, (), {})
    compiled = config.parent / "config.msgpack"
    compiled.write_bytes(compiled_of(loaded))
    again = load(compiled)
    assert (again.instruments, again.brokers, again.digest) == (
        loaded.instruments,
        loaded.brokers,
        loaded.digest,
    )
    assert load(compiled, ["drain_s=4"]).brokers == loaded.brokers


def test_a_changed_broker_changes_the_digest(config):
    before = load(config, (), {}).digest
    symbols = config.parent / "symbols.yaml"
    symbols.write_text(GOOD.replace("_i", "_j"))
    assert load(config, (), {}).digest != before


def test_the_shipped_file_is_in_order():
    assert check(layers.read(ROOT / "config" / "tapehub.yaml", (), {}), None) == []
