"""Loading a configuration: layers, places, and every mistake at once."""

from pathlib import Path
from typing import Annotated, Literal

import msgspec
import pytest

from actors.runtime import layers
from actors.runtime.settings import check, compiled_of, load
from protocol.errors import ConfigError


class HubSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    bar_window: Annotated[int, msgspec.Meta(ge=1)] = 5000
    symbols: list[str] = []
    mode: Literal["fast", "safe"] = "safe"
    api_token: str = ""
    ttl_s: dict[str, float] = {}
    limit: float | None = None
    url: str = ""

    def __post_init__(self) -> None:
        if self.mode == "fast" and self.bar_window > 9000:
            raise ValueError("bar_window must be at most 9000 in mode fast")


SECTIONS = {"hub": HubSettings}
SYMBOLS = "BTC_USDT: {venues: {binance: 'spot:BTCUSDT'}, aliases: [BTC]}\nNO_USDT:\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "symbols.yaml").write_text(SYMBOLS)
    return tmp_path


def write(folder: Path, text: str) -> Path:
    path = folder / "tapehub.yaml"
    path.write_text(text)
    return path


def problems(path: Path, overrides=(), **environ: str) -> list[str]:
    found = check(layers.read(path, overrides, environ), SECTIONS)
    return [line.replace(f"{path.parent}/", "") for line in found]


def test_scalars_are_typed_by_the_schema_not_by_yaml(folder):
    (folder / "symbols.yaml").write_text("NO_USDT:\nON_USDT: {base: 0123, quote: NO, aliases: [yes, 1.10]}\n")
    path = write(
        folder, "actors: {hub.1: {symbols: [NO_USDT], bar_window: '7', limit: 1e3}}\nheartbeat_s: 0.5\n"
    )
    loaded = load(path, (), {})
    hub = loaded.section("hub.1", HubSettings)

    assert (hub.symbols, hub.bar_window, hub.limit) == (["NO_USDT"], 7, 1000.0)
    assert loaded.common.heartbeat_s == 0.5
    one = loaded.instruments[1]
    assert (one.symbol, one.base, one.quote, one.aliases) == ("ON_USDT", "0123", "NO", ["yes", "1.10"])


def test_base_and_quote_come_from_the_name(folder):
    (folder / "symbols.yaml").write_text("BTC_USDT.PERP:\n")
    one = load(write(folder, "actors: {hub.1: }"), (), {}).instruments[0]
    assert (one.base, one.quote) == ("BTC", "USDT")


def test_a_key_without_a_value_means_its_default(folder):
    loaded = load(
        write(folder, "log_level:\nbus: ~\nactors:\n  hub.1:\n    # nothing\n  hub.2: {mode: }\n"), (), {}
    )
    assert loaded.common.log_level == "info"
    assert loaded.common.bus.high_water_mark == 100_000
    assert list(loaded.common.actors) == ["hub.1", "hub.2"]
    assert loaded.section("hub.2", HubSettings).mode == "safe"


def test_later_layers_win(folder):
    (folder / "conf.d").mkdir()
    (folder / "conf.d" / "20.yaml").write_text("log_level: error\nactors: {hub.1: {bar_window: 3}}")
    (folder / "conf.d" / "10.yaml").write_text("log_level: debug\ndrain_s: 3")
    (folder / ".env").write_text("# comment\nTAPEHUB__DRAIN_S='4'\nexport TAPEHUB__HEARTBEAT_S=0.1\n")
    path = write(folder, "log_level: warning\ndrain_s: 2\nactors: {hub.1: {bar_window: 2, mode: fast}}")

    loaded = load(path, ["actors.hub.1.bar_window=9"], {"TAPEHUB__DRAIN_S": "5"})

    common, hub = loaded.common, loaded.section("hub.1", HubSettings)
    assert (common.log_level, common.drain_s, common.heartbeat_s) == ("error", 5.0, 0.1)
    assert (hub.bar_window, hub.mode) == (9, "fast")
    assert [Path(name).name for name in loaded.files] == [
        "tapehub.yaml",
        "10.yaml",
        "20.yaml",
        ".env",
        "symbols.yaml",
    ]


def test_environment_names_actors_without_their_dots(folder):
    path = write(folder, "actors: {hub.spare-1: {}, hub.1: {}}")
    environ = {
        "TAPEHUB__ACTORS__HUB_SPARE_1__BAR_WINDOW": "7",
        "TAPEHUB__ACTORS__HUB_1__SYMBOLS": "[BTC_USDT, NO_USDT]",
        "TAPEHUB_CONFIG": "elsewhere",
    }
    loaded = load(path, (), environ)
    assert loaded.section("hub.spare-1", HubSettings).bar_window == 7
    assert loaded.section("hub.1", HubSettings).symbols == ["BTC_USDT", "NO_USDT"]


def test_set_finds_names_with_dots_and_may_add_an_actor(folder):
    path = write(folder, "actors: {hub.a.b: {ttl_s: {quote: 1}}}")
    loaded = load(
        path, ["actors.hub.a.b.ttl_s.quote=2.5", "bus.high_water_mark=2000", "actors.hub.2={bar_window: 4}"]
    )
    assert loaded.section("hub.a.b", HubSettings).ttl_s == {"quote": 2.5}
    assert loaded.section("hub.2", HubSettings).bar_window == 4
    assert loaded.common.bus.high_water_mark == 2000


def test_variables_and_files_expand(folder):
    (folder / "token").write_text("s3cret\n")
    path = write(
        folder,
        "run_dir: ${BASE}/run\nactors: {hub.1: {api_token: '${file:token}', url: '${U:-http://x}/$$1', mode: fast}}",
    )
    loaded = load(path, (), {"BASE": "/srv"})
    hub = loaded.section("hub.1", HubSettings)
    assert (loaded.common.run_dir, hub.api_token, hub.url) == ("/srv/run", "s3cret", "http://x/$1")


def test_run_dir_counts_from_above_the_config_folder(tmp_path):
    examples = tmp_path / "config" / "examples"
    examples.mkdir(parents=True)
    (tmp_path / "config" / "symbols.yaml").write_text(SYMBOLS)
    for file in (tmp_path / "config" / "tapehub.yaml", examples / "other.yaml"):
        file.write_text(f"symbols_file: {tmp_path}/config/symbols.yaml\nactors: {{hub.1: }}")
        assert load(file, (), {}).common.run_dir == str(tmp_path / "var")


def test_every_mistake_is_reported_at_once_with_its_place(folder):
    path = write(
        folder,
        "log_level: inf\n"
        "log_levl: info\n"
        "bus: {high_water_mark: 5}\n"
        "heartbeat_s: 5s\n"
        "actors:\n"
        "  hub.1: {bar_windo: 1, bar_window: x, symbols: [BTC_USD], ttl_s: {quote: a}}\n"
        "  HUB.2: {}\n"
        "  hubb.3: {}\n"
        "  hub.4: {mode: quick, limit: [1], api_token: [x]}\n"
        "  hub.5: {mode: fast, bar_window: 9001}\n",
    )
    assert problems(path) == [
        "tapehub.yaml:1:12: log_level: expected one of debug, info, warning, error (got 'inf'); did you mean 'info'?",
        "tapehub.yaml:2:1: log_levl: unknown key; did you mean 'log_level'?",
        "tapehub.yaml:3:24: bus.high_water_mark: expected an integer >= 1000 and <= 10000000 (got '5')",
        "tapehub.yaml:4:14: heartbeat_s: expected a number > 0 and <= 1 (got '5s')",
        "tapehub.yaml:6:11: actors.hub.1.bar_windo: unknown key; did you mean 'bar_window'?",
        "tapehub.yaml:6:37: actors.hub.1.bar_window: expected an integer >= 1 (got 'x')",
        "tapehub.yaml:6:75: actors.hub.1.ttl_s.quote: expected a number (got 'a')",
        "tapehub.yaml:6:50: actors.hub.1.symbols[0]: no instrument 'BTC_USD' in the symbols file; did you mean 'BTC_USDT'?",
        "tapehub.yaml:7:3: actors.HUB.2: an actor's name is 1 to 32 of a-z 0-9 . _ -",
        "tapehub.yaml:8:3: actors.hubb.3: unknown kind of actor 'hubb'; did you mean 'hub'?; there are: hub",
        "tapehub.yaml:9:17: actors.hub.4.mode: expected one of fast, safe (got 'quick')",
        "tapehub.yaml:9:31: actors.hub.4.limit: expected a number or nothing (got a list)",
        "tapehub.yaml:9:47: actors.hub.4.api_token: expected text (got a list)",
        "tapehub.yaml:10:10: actors.hub.5: bar_window must be at most 9000 in mode fast",
    ]


def test_mistakes_of_the_symbols_file_have_places_too(folder):
    (folder / "symbols.yaml").write_text(
        "btc_usdt:\n"
        "BTC_USDT: {venues: {binance: BTCUSDT}}\n"
        "ETH_USDT: {venues: {binance: 'spot:ETHUSDT'}, aliases: [ETH], tick_size: x}\n"
        "SOL_USDT: {venues: {binance: 'spot:X'}, aliases: [SOL]}\n"
        "SOL_EUR: {venues: {binance: 'spot:X'}, aliases: [sol], quot: EUR}\n"
        "SOL_USD: {venues: {binance: 'spot:X'}, aliases: [sol]}\n"
    )
    assert problems(write(folder, "actors: {hub.1: }")) == [
        "symbols.yaml:1:1: symbols.btc_usdt: not a canonical symbol, like BTC_USDT or BTC_USDT.PERP",
        "symbols.yaml:2:30: symbols.BTC_USDT.venues.binance: expected market:RAW, like spot:BTCUSDT (got 'BTCUSDT')",
        "symbols.yaml:3:74: symbols.ETH_USDT.tick_size: expected a number (got 'x')",
        "symbols.yaml:5:56: symbols.SOL_EUR.quot: unknown key; did you mean 'quote'?",
        "symbols.yaml:6:29: symbols.SOL_USD.venues.binance: binance spot:X is already mapped to SOL_USDT",
        "symbols.yaml:6:50: symbols.SOL_USD.aliases[0]: alias sol already names SOL_USDT",
    ]


def test_a_mistake_in_a_layer_names_the_layer(folder):
    (folder / ".env").write_text("nonsense\n")
    found = problems(
        write(folder, "actors: {hub.1: {url: '${NOPE}'}}"),
        ["actors.hub.1.bar_window=x", "actors.hubb.mode=fast", "log_level", "drain_s=[1"],
        TAPEHUB__ACTORS__HUB_9__MODE="fast",
        TAPEHUB__BUS__HIGH_WATER_MARK="many",
        TAPEHUB__BUS____X="1",
    )
    assert found == [
        ".env:1:1: write it as NAME=value",
        "environment TAPEHUB__ACTORS__HUB_9__MODE: no actor 'hub_9' in the configuration; there are: hub.1",
        "environment TAPEHUB__BUS____X: write it as TAPEHUB__SECTION__KEY",
        "--set actors.hubb.mode: no actor 'hubb' in the configuration; there are: hub.1",
        "--set log_level: write it as section.key=value",
        "--set drain_s: drain_s: not YAML: while parsing a flow sequence: did not find expected ',' or ']'",
        "tapehub.yaml:1:23: actors.hub.1.url: ${NOPE} is not set in the environment; set it, or write ${NOPE:-default}",
        "environment TAPEHUB__BUS__HIGH_WATER_MARK: bus.high_water_mark: expected an integer >= 1000 and <= 10000000 (got 'many')",
        "--set actors.hub.1.bar_window: actors.hub.1.bar_window: expected an integer >= 1 (got 'x')",
    ]


def test_secrets_are_not_in_messages(folder):
    class Keys(msgspec.Struct):
        api_key: int = 0
        port: int = 0

    path = write(folder, "actors: {hub.1: {api_key: geheim, port: 'redis://me:geheim@host/1'}}")
    text = "\n".join(check(layers.read(path, (), {}), {"hub": Keys}))
    assert "geheim" not in text
    assert text.count("***") == 2


def test_compiled_form_reads_back_the_same(folder):
    loaded = load(write(folder, "actors: {hub.1: {bar_window: 7}}\nlog_level: debug"), (), {})
    compiled = folder / "config.msgpack"
    compiled.write_bytes(compiled_of(loaded))

    again = load(compiled)
    assert (again.common, again.instruments, again.digest) == (
        loaded.common,
        loaded.instruments,
        loaded.digest,
    )
    assert again.section("hub.1", HubSettings).bar_window == 7

    changed = load(compiled, ["actors.hub.1.bar_window=8"])
    assert changed.section("hub.1", HubSettings).bar_window == 8
    assert changed.digest != loaded.digest


def test_section_reports_all_its_mistakes_also_from_the_compiled_form(folder):
    loaded = load(write(folder, "actors: {hub.1: {bar_window: x, mode: y}}"), (), {})
    compiled = folder / "config.msgpack"
    compiled.write_bytes(compiled_of(loaded))
    for one, place in ((loaded, "tapehub.yaml:1:30: "), (load(compiled), "config.msgpack: ")):
        with pytest.raises(ConfigError) as caught:
            one.section("hub.1", HubSettings)
        first, second = caught.value.problems
        assert first.endswith(f"{place}actors.hub.1.bar_window: expected an integer >= 1 (got 'x')")
        assert "actors.hub.1.mode" in second


def test_digest_follows_every_change(folder):
    path = write(folder, "actors: {hub.1: {}}")
    digests = {
        load(path, overrides, {}).digest for overrides in ([], ["drain_s=4"], ["actors.hub.1.mode=fast"])
    }
    (folder / "symbols.yaml").write_text(SYMBOLS + "ETH_USDT:\n")
    digests.add(load(path, (), {}).digest)
    assert len(digests) == 4


@pytest.mark.parametrize("data", [b"", b"\xc1", b"\x80", b'{"format": 1}', b"actors:"])
def test_a_broken_compiled_form_is_a_bad_configuration(folder, data):
    path = folder / "config.msgpack"
    path.write_bytes(data)
    with pytest.raises(ConfigError, match="tapehub up"):
        load(path)


def test_missing_files_say_where_they_were_looked_for(tmp_path, monkeypatch):
    with pytest.raises(ConfigError, match=r"nowhere\.yaml: no such file"):
        load(tmp_path / "nowhere.yaml", (), {})
    with pytest.raises(ConfigError, match=r"gone\.yaml: no such file \(from \$TAPEHUB_CONFIG\)"):
        load(None, (), {"TAPEHUB_CONFIG": str(tmp_path / "gone.yaml")})
    with pytest.raises(ConfigError, match=r"config\.msgpack: cannot read it"):
        load(tmp_path / "config.msgpack")
    with pytest.raises(ConfigError, match=r"symbols\.yaml: cannot read it"):
        load(write(tmp_path, "actors: {hub.1: }"), (), {})


def test_nearest_configuration_upwards_is_found(folder, monkeypatch):
    (folder / "config").mkdir()
    (folder / "config" / "symbols.yaml").write_text(SYMBOLS)
    (folder / "config" / "tapehub.yaml").write_text("actors: {hub.7: }")
    deep = folder / "a" / "b"
    deep.mkdir(parents=True)
    monkeypatch.chdir(deep)
    assert list(load(None, (), {}).common.actors) == ["hub.7"]


def test_unknown_actor_names_those_there_are(folder):
    loaded = load(write(folder, "actors: {hub.1: }"), (), {})
    with pytest.raises(ConfigError, match=r"no actor 'hub\.2' here; there are: hub\.1"):
        loaded.section("hub.2", HubSettings)


@pytest.mark.parametrize("text", ["actors: {}", ""])
def test_nothing_to_run_is_a_mistake(folder, text):
    assert problems(write(folder, text))[0].endswith("no actor at all: there is nothing to run")
