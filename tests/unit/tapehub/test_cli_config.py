"""`tapehub config`, `symbols`, `doctor`, `completion`: what reads the configuration only."""

import json
import re
import socket
import subprocess
import sys
from typing import Any

import msgspec
import pytest

from actors.runtime import hiding, layers
from actors.runtime.settings import Common, check, load, loaded_of
from tapehub import checkup
from tapehub.cli import context, exit_codes
from tapehub.kinds import kinds, sections
from tapehub.settings_template import template
from tests.support.paths import ROOT
from tests.unit.tapehub.calls import call

CONFIG = """\
run_dir: {folder}
actors:
  hub.1: {{bar_window: 77}}
  simulator.1: {{port: {port}}}
"""
SYMBOLS = """\
BTC_USDT: {venues: {binance: "spot:BTCUSDT"}, aliases: [BTC, XBT]}
BTC_USDT.PERP: {venues: {binance: "usdm:BTCUSDT"}}
ETH_USDT: {venues: {binance: "spot:ETHUSDT"}}
"""


@pytest.fixture(autouse=True)
def fresh_context():
    yield
    context.use(context.Context())


@pytest.fixture
def config(tmp_path, monkeypatch):
    for name in ("TAPEHUB_CONFIG", "TAPEHUB_ENDPOINT"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "symbols.yaml").write_text(SYMBOLS)
    path = tmp_path / "tapehub.yaml"
    path.write_text(CONFIG.format(folder=tmp_path, port=9801))
    monkeypatch.setenv("TAPEHUB_CONFIG", str(path))
    return path


def test_check_counts_what_is_configured(capsys, config):
    result = call(capsys, "config", "check")
    assert result.code == 0
    assert "2 actors, 3 symbols" in result.out
    assert json.loads(call(capsys, "config", "check", "--json").out)["ok"] is True


def test_check_reads_the_thresholds_of_detectors_too(capsys, config):
    path = config.parent / "detectors.yaml"
    path.write_text("rules:\n  big_trade: {least_notional: 5}\n")
    config.write_text(config.read_text() + "  detector.1: {}\n")
    refused = call(capsys, "config", "check")
    assert refused.code == 78
    assert f"{path}:2:" in refused.err
    path.write_text("rules:\n  big_trade: {least_notional_usd: 5}\n")
    assert call(capsys, "config", "check").code == 0


def test_check_names_a_transport_that_is_not_installed(capsys, config, monkeypatch):
    config.write_text(config.read_text() + "  collector.binance.1: {transport: picows}\n")
    monkeypatch.setitem(sys.modules, "picows", None)
    result = call(capsys, "config", "check")
    assert result.code == exit_codes.BAD_CONFIG
    assert "actors.collector.binance.1.transport: picows cannot be imported" in result.err
    assert "pip install 'tapehub[picows]'" in result.err


def test_check_reports_all_mistakes_and_exits_78(capsys, config):
    config.write_text(
        "log_level: loud\nactors: {hub.1: {bar_window: 0, bar_windw: 1}, hubb.2: {}}\nrun_dri: x\n"
    )
    result = call(capsys, "config", "check")
    assert result.code == exit_codes.BAD_CONFIG
    assert not result.out
    assert len(re.findall(r"tapehub\.yaml:\d+:\d+: ", result.err)) == 5
    assert "5 mistakes" in result.err
    as_json = call(capsys, "config", "check", "--json")
    assert as_json.code == exit_codes.BAD_CONFIG
    assert len(json.loads(as_json.out)["problems"]) == 5


def test_show_fills_in_defaults_and_later_layers(capsys, config):
    whole = json.loads(call(capsys, "config", "show", "--json", "--set", "log_level=debug").out)
    assert whole["log_level"] == "debug"
    assert whole["actors"]["hub.1"]["bar_window"] == 77
    assert whole["actors"]["hub.1"]["quote_ttl_s"] == 5.0
    assert "  hub.1:\n    bar_window: 77\n" in call(capsys, "config", "show").out


@pytest.mark.parametrize(
    ("path", "out"),
    [
        ("log_level", "info\n"),
        ("actors.hub.1.bar_window", "77\n"),
        ("bus", '{"high_water_mark":100000,"lagging_s":1.0,"replay":true}\n'),
    ],
)
def test_get_one_setting(capsys, config, path, out):
    assert call(capsys, "config", "get", path).out == out


def test_get_what_is_not_there(capsys, config):
    result = call(capsys, "config", "get", "actors.hub.1.bar_windo")
    assert result.code == exit_codes.NO_DATA
    assert "did you mean 'bar_window'?" in result.err


def test_schema_describes_every_setting(capsys, config):
    schema = json.loads(call(capsys, "config", "schema").out)
    properties = schema["properties"]
    assert set(properties) == {field.name for field in msgspec.structs.fields(Common)}
    assert all(one.get("description") for one in properties.values())
    for kind in kinds():
        section = schema["$defs"][sections()[kind].__name__]
        assert not [name for name, one in section["properties"].items() if not one.get("description")]
    assert {key.strip("^").partition("(")[0] for key in properties["actors"]["patternProperties"]} == set(
        kinds()
    )


def test_secrets_are_hidden():
    data = {
        "api_key": "geheim",
        "db_password": "geheim",
        "token": "geheim",
        "url": "postgresql://me:geheim@host/db?x=1",
        "urls": ["amqp://u:geheim@h"],
        "keys": {"venue_secret": "geheim"},
        "empty_secret": "",
        "keyboard": "qwerty",
    }
    hidden = hiding.without_secrets(data)
    assert "geheim" not in json.dumps(hidden)
    assert hidden["url"] == "postgresql://me:***@host/db?x=1"
    assert (hidden["empty_secret"], hidden["keyboard"]) == ("", "qwerty")


def test_default_configuration_lists_every_setting_with_its_default():
    path = ROOT / "config" / "tapehub.yaml"
    fresh = template(loaded_of(layers.read(path, (), {})), sections())
    assert path.read_text() == fresh, "write it again: tapehub config template"


def test_what_the_template_comments_out_are_the_defaults(tmp_path):
    """Every line behind a # becomes a setting, and nothing changes by it."""
    text = (ROOT / "config" / "tapehub.yaml").read_text()
    (tmp_path / "symbols.yaml").write_text((ROOT / "config" / "symbols.yaml").read_text())
    path = tmp_path / "tapehub.yaml"
    path.write_text(re.sub(r"^( *)# ([a-z_]+: \S)", r"\1\2", text, flags=re.MULTILINE))
    assert path.read_text().count("bar_window: 5000") == 1
    tree = layers.read(path, (), {})
    assert not check(tree, sections())
    set_by_hand = loaded_of(tree)
    default = load(ROOT / "config" / "tapehub.yaml", (), {})
    for name in default.common.actors:
        kind = sections()[name.partition(".")[0]]
        assert set_by_hand.section(name, kind) == default.section(name, kind)
        shown = {field.name for field in msgspec.structs.fields(kind) if not is_part(field.type)}
        assert set(set_by_hand.common.actors[name]) == shown


def is_part(kind: Any) -> bool:
    """Whether a field is a section of its own: those of other sorts of sources are left out."""
    return isinstance(kind, type) and issubclass(kind, msgspec.Struct)


def test_template_hides_secrets_and_quotes_what_needs_it(config):
    config.write_text('run_dir: "a: b"\nactors: {hub.1: {bar_window: 9}, hub.x: }\n')
    text = template(loaded_of(layers.read(config, (), {})), sections())
    assert 'run_dir: "a: b"' in text
    assert re.search(r"^    bar_window: 9 ", text, re.MULTILINE)
    assert text.count("# bar_window: 5000") == 1


@pytest.mark.parametrize("name", sorted(path.name for path in (ROOT / "config" / "examples").glob("*.yaml")))
def test_examples_are_in_order(name):
    tree = layers.read(ROOT / "config" / "examples" / name, (), {"TAPEHUB_RECORDING": "x.gz"})
    assert not check(tree, sections())
    assert loaded_of(tree).common.run_dir.startswith(str(ROOT / "var") + "/")


def test_symbols_are_found_by_any_of_their_names(capsys, config):
    found = json.loads(call(capsys, "symbols", "search", "xbt", "--json").out)
    assert [row["symbol"] for row in found] == ["BTC_USDT"]
    assert "BTC_USDT.PERP" in call(capsys, "symbols", "search", "btcusdt").out
    nothing = call(capsys, "symbols", "search", "DOGE")
    assert nothing.code == exit_codes.NO_DATA


def test_an_unknown_symbol_is_told_the_nearest(capsys, config):
    result = call(capsys, "symbols", "show", "BTC_USTD")
    assert result.code == exit_codes.NO_DATA
    assert "did you mean BTC_USDT" in result.err


@pytest.mark.parametrize(
    ("name", "out"),
    [
        ("binance:usdm:BTCUSDT", "BTC_USDT.PERP\n"),
        ("binance:spot:BTCUSDT", "BTC_USDT\n"),
        ("BTC_USDT.PERP", "binance:usdm:BTCUSDT\n"),
        ("xbt", "binance:spot:BTCUSDT\n"),
    ],
)
def test_names_translate_both_ways(capsys, config, name, out):
    assert call(capsys, "symbols", "map", name).out == out


def test_an_unmapped_venue_name(capsys, config):
    assert call(capsys, "symbols", "map", "binance:spot:DOGEUSDT").code == exit_codes.NO_DATA


def test_doctor_finds_the_taken_port(capsys, config):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        config.write_text(CONFIG.format(folder=config.parent, port=port))
        result = call(capsys, "doctor", "--json")
    document = json.loads(result.out)
    failed = [one["text"] for one in document["findings"] if one["word"] == "FAIL"]
    assert result.code == exit_codes.FAILURE
    assert failed == [f"port 127.0.0.1:{port} of simulator.1 is taken by another program"]


def test_doctor_goes_on_with_a_bad_configuration(capsys, config):
    config.write_text("actors: {hub.1: {bar_window: 0}}")
    result = call(capsys, "doctor")
    assert result.code == exit_codes.FAILURE
    assert "bar_window" in result.out
    assert "python 3." in result.out


def test_doctor_sees_a_folder_it_cannot_write(tmp_path, monkeypatch):
    monkeypatch.setattr(checkup.os, "access", lambda *_: False)
    assert next(one.word for one in checkup.of_run_dir(tmp_path / "var")) == "FAIL"


def test_bash_accepts_the_completion(capsys):
    script = call(capsys, "completion", "bash").out
    assert "_TAPEHUB_COMPLETE" in script
    subprocess.run(["bash", "-n"], input=script, text=True, check=True)


def test_supervisord_conf_is_what_the_command_prints(capsys, monkeypatch):
    monkeypatch.chdir(ROOT)
    monkeypatch.delenv("TAPEHUB_CONFIG", raising=False)
    assert call(capsys, "config", "supervisord").out == (ROOT / "supervisord.conf").read_text()
