"""`tapehub keys`: made once, handed out sparingly, rotated in steps, revoked; no secret is ever printed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from actors.runtime.keys import keyring_of
from actors.runtime.settings import load
from protocol.errors import ConfigError
from protocol.security.key_folder import KeyFolder
from tapehub.cli.main import main
from tests.support.paths import ROOT

HOSTS = {
    "a": {"address": "10.0.0.1", "actors": ["journal.1", "hub.1"]},
    "b": {"address": "10.0.0.2", "actors": ["journal.2", "hub.2"]},
}


class Keys:
    """Runs the command in one topology."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.config = folder / "tapehub.yaml"
        self.folder = KeyFolder(folder / "keys")
        self._capsys = capsys
        actors: dict[str, Any] = {name: {} for host in HOSTS.values() for name in host["actors"]}
        settings = {"hosts": HOSTS, "actors": actors, "symbols_file": str(ROOT / "config" / "symbols.yaml")}
        self.config.write_text(json.dumps(settings))

    def __call__(self, *words: str, code: int = 0) -> Any:
        """The JSON that it prints."""
        with pytest.raises(SystemExit) as caught:
            main(["--config", str(self.config), "keys", *words, "--json"])
        out, err = self._capsys.readouterr()
        assert caught.value.code == code, err
        for name in self.folder.secret_names():
            assert self.folder.secret(name).secret not in out + err
        return json.loads(out) if out else err


@pytest.fixture
def keys(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Keys:
    for name in ("TAPEHUB_KEYS", "TAPEHUB_KEY", "TAPEHUB_RUN_DIR", "TAPEHUB_HOST", "TAPEHUB_CONFIG"):
        monkeypatch.delenv(name, raising=False)
    return Keys(tmp_path, capsys)


def test_every_actor_gets_a_key_once(keys: Keys) -> None:
    made = keys("init")["made"]
    assert made == ["journal.1", "hub.1", "journal.2", "hub.2", "operator.a", "operator.b"]
    before = keys.folder.public("hub.1")
    assert before.addresses[0].startswith("tcp://10.0.0.1:")
    assert keys("init")["made"] == []
    assert keys.folder.public("hub.1") == before


def test_an_actor_without_its_key_does_not_start(keys: Keys) -> None:
    loaded = load(keys.config, ["host=a"], {})
    with pytest.raises(ConfigError, match="keys init"):
        keyring_of(loaded, "hub.1")
    keys("init")
    ring = keyring_of(loaded, "hub.1")
    assert ring is not None
    assert ring.server_of(keys.folder.public("hub.2").addresses[2]) == "hub.2"
    keys.folder.secret_path("hub.1").chmod(0o644)
    with pytest.raises(ConfigError, match="chmod"):
        keyring_of(loaded, "hub.1")


def test_an_engines_key_is_added_listed_and_revoked(keys: Keys) -> None:
    made = keys("add", "desk", "--role", "query", "--role", "subscribe", "--topics", "quote.,bar.")
    assert made["secret"] == str(keys.folder.secret_path("desk"))
    assert keys("add", "desk", "--role", "query", "--role", "subscribe", "--topics", "quote.,bar.") == made
    assert "already" in keys("add", "desk", "--role", "admin", code=78)
    assert "none of" in keys("add", "other", "--role", "king", code=78)
    (row,) = keys("list")["keys"]
    assert (row["state"], row["topics"], row["has_secret"]) == ("valid", ["quote.", "bar."], True)
    assert keys("revoke", "desk")["state"] == "revoked"
    assert keys("list")["keys"][0]["state"] == "revoked"


def test_what_is_wrong_is_listed(keys: Keys) -> None:
    keys("add", "desk")
    keys("add", "other")
    keys.folder.save_secret("desk", keys.folder.secret("other"))
    row = keys("list", code=1)["keys"][0]
    assert row["state"] == "broken"
    assert "not the secret of the public key" in row["problems"][0]


def test_a_rotation_goes_step_by_step(keys: Keys) -> None:
    keys("init")
    first = keys.folder.public("hub.1").public
    assert "announced" in keys("rotate", "hub.1", "--switch", code=78)
    assert keys("rotate", "hub.1", "--announce")["state"] == "announced"
    assert keys.folder.public("hub.1").public == first
    assert keys("rotate", "hub.1", "--switch")["state"] == "rotating"
    key = keys.folder.public("hub.1")
    assert key.previous == first != key.public
    assert keys("rotate", "hub.1", "--finish")["state"] == "valid"
    assert keys.folder.public("hub.1").keys == (key.public,)
    assert keys("rotate", "hub.1")["state"] == "rotating", "both steps at once"


def test_a_bundle_holds_no_more_than_is_needed(keys: Keys, tmp_path: Path) -> None:
    keys("init")
    keys("add", "desk", "--role", "query")
    host = keys("bundle", "b", "--to", str(tmp_path / "b"))
    assert host["secrets"] == ["journal.2", "hub.2", "operator.b"]
    assert KeyFolder(tmp_path / "b").names() == keys.folder.names(), "a host must know everybody"
    keys("bundle", "desk", "--to", str(tmp_path / "desk"))
    engine = KeyFolder(tmp_path / "desk")
    assert engine.secret_names() == ["desk"]
    assert engine.names() == ["desk", "hub.1", "hub.2", "journal.1", "journal.2"]
    assert "not empty" in keys("bundle", "desk", "--to", str(tmp_path / "desk"), code=78)
    assert "neither" in keys("bundle", "nobody", code=78)
