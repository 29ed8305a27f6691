"""The examples for live data: in order without any key, and what they start lives where no venue can be reached.

Venues are kept away by a proxy that does not answer, so that these tests are the same with and without internet.
"""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Any

import msgspec
import pytest
import yaml

from actors.runtime.main import EXIT_CONFIG
from tapehub.cli import context
from tests.support.paths import ROOT, free_port
from tests.support.peers import Peers, peers_of
from tests.support.process import ActorProcess
from tests.support.wait import until
from tests.unit.tapehub.calls import call

EXAMPLES = ROOT / "config" / "examples"
LIVE = ("live-crypto", "live-fx", "live-futures", "live-rest")
PROVIDER_KEYS = ("TWELVEDATA_API_KEY", "POLYGON_API_KEY", "ALPHAVANTAGE_API_KEY")
SECRETS = (
    "IG_USERNAME",
    "IG_PASSWORD",
    "IG_API_KEY",
    "DATABENTO_API_KEY",
    "CRYPTOPANIC_TOKEN",
    *PROVIDER_KEYS,
)
CRYPTO = ("collector.binance.1", "collector.okx.1", "collector.bybit.1", "collector.coinbase.1")


@pytest.fixture(autouse=True)
def _nobody_has_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in SECRETS:
        monkeypatch.delenv(name, raising=False)


def moved(name: str, run_dir: Path, **changes: Any) -> Path:
    """An example in the run directory of a test, otherwise as it is; `changes` go into the settings of collectors."""
    tree = yaml.safe_load((EXAMPLES / f"{name}.yaml").read_text())
    tree |= {"run_dir": str(run_dir), "symbols_file": str(ROOT / "config" / "symbols.yaml")}
    actors = {name: section or {} for name, section in tree["actors"].items()}
    actors["detector.1"]["detectors_file"] = str(ROOT / "config" / "detectors.yaml")
    for actor in actors:
        if actor.startswith("collector."):
            actors[actor] |= changes
    tree["actors"] = actors
    path = run_dir / "tapehub.yaml"
    path.write_text(yaml.safe_dump(tree, sort_keys=False))
    return path


def away() -> dict[str, str]:
    """Environment in which no other host is reached."""
    nowhere = f"http://127.0.0.1:{free_port()}"
    return {"http_proxy": nowhere, "https_proxy": nowhere, "no_proxy": ""}


def detail_of(peers: Peers, name: str) -> dict[str, Any]:
    """What a collector's status says of its markets."""
    reply = peers.ask(name, "status")
    assert reply.ok, reply
    found: dict[str, Any] = msgspec.msgpack.decode(reply.data)
    return found


@pytest.mark.parametrize("name", LIVE)
def test_it_is_in_order_without_any_key(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    result = call(capsys, "--config", str(EXAMPLES / f"{name}.yaml"), "config", "check")
    context.use(context.Context())
    assert result.code == 0, result.err


@pytest.mark.parametrize(
    ("name", "variable", "setting"),
    [
        ("live-fx", "IG_PASSWORD", "actors.collector.ig.1.ig.password"),
        ("live-fx", "CRYPTOPANIC_TOKEN", "actors.collector.news.1.news.cryptopanic.token"),
        ("live-futures", "DATABENTO_API_KEY", "actors.collector.databento.1.databento.api_key"),
    ],
)
def test_keys_come_from_the_environment_and_are_not_shown(
    name: str,
    variable: str,
    setting: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv(variable, "geheim")
    chosen = context.Context(EXAMPLES / f"{name}.yaml")
    section: Any = chosen.loaded.common.actors
    path = setting.removeprefix("actors.").split(".")
    section = section[".".join(path[:3])]
    for key in path[3:]:
        section = section[key]
    assert section == "geheim"
    shown = call(capsys, "--config", str(EXAMPLES / f"{name}.yaml"), "config", "show")
    context.use(context.Context())
    assert shown.code == 0
    assert "geheim" not in shown.out + shown.err


def test_exchanges_that_cannot_be_reached_are_told(run_dir: Path) -> None:
    config = moved("live-crypto", run_dir, backoff_base_s=0.1, backoff_cap_s=0.2)
    with contextlib.ExitStack() as stack:
        peers = stack.enter_context(peers_of(run_dir))
        ears = {name: peers.ear(name, "beat.") for name in CRYPTO}
        actors = [stack.enter_context(ActorProcess("collector", name, config, env=away())) for name in CRYPTO]
        for ear in ears.values():
            ear.beat("RUNNING")
        for name in CRYPTO:
            assert _once_told(peers, name)["connected"] is False
        assert all(actor.is_alive for actor in actors)
        assert [actor.stop() for actor in actors] == [0] * len(actors)


def _once_told(peers: Peers, name: str) -> dict[str, Any]:
    """Status of a collector once each of its markets has said what keeps it away."""

    def look() -> dict[str, Any] | None:
        reply = peers.ask(name, "connections")
        assert reply.ok, reply
        rows = [row for row in msgspec.msgpack.decode(reply.data) if row["last_ending"]]
        told = {row["name"].partition("/")[0].partition("#")[0] for row in rows}
        detail = detail_of(peers, name)
        markets = detail["markets"].items()
        told |= {market for market, row in markets if "not known:" in row.get("waits_for", "")}
        return detail if told >= {market for market, row in markets if row["streams"]} else None

    found = until(look, 40.0, f"what keeps {name} away")
    assert found is not None
    return found


def test_ig_without_credentials_runs_and_says_what_is_missing(run_dir: Path) -> None:
    """It does not ask IG for anything: no attempt is wasted on an empty password."""
    config = moved("live-fx", run_dir, backoff_base_s=0.05, backoff_cap_s=0.1)
    with peers_of(run_dir) as peers:
        ear = peers.ear("collector.ig.1", "beat.")
        with ActorProcess("collector", "collector.ig.1", config, env=away()) as process:
            ear.beat("RUNNING")

            def told() -> Any:
                return detail_of(peers, "collector.ig.1")["markets"]["cfd"]["login_error"]

            assert "ig.username, ig.password and ig.api_key must be set" in until(told, 40.0, "the reason")
            assert detail_of(peers, "collector.ig.1")["connected"] is False
            assert process.stop() == 0


def test_sources_of_news_that_cannot_be_reached_are_told(run_dir: Path) -> None:
    config = moved("live-fx", run_dir)
    section = yaml.safe_load(config.read_text())
    section["actors"]["collector.news.1"]["news"] |= {"day_s": 0.1, "night_s": 0.1}
    config.write_text(yaml.safe_dump(section))
    with peers_of(run_dir) as peers:
        ear = peers.ear("collector.news.1", "beat.")
        with ActorProcess("collector", "collector.news.1", config, env=away()) as process:
            ear.beat("RUNNING")

            def all_failed() -> bool:
                sources = detail_of(peers, "collector.news.1")["markets"]["news"]["sources"]
                return all("unreachable" in row["fault"] for row in sources.values())

            until(all_failed, 40.0, "a fault of each source")
            assert process.stop() == 0


def test_databento_without_a_key_stays_down_and_says_why(run_dir: Path) -> None:
    config = moved("live-futures", run_dir)
    with peers_of(run_dir), ActorProcess("collector", "collector.databento.1", config, env=away()) as process:
        assert process.wait() == EXIT_CONFIG
        assert "databento.api_key: set it, or DATABENTO_API_KEY" in process.stderr_text
