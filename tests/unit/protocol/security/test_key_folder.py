"""Key files: what is written is read, what is wrong or too open is refused, and nothing shows a secret."""

from __future__ import annotations

import stat
from pathlib import Path

import msgspec
import pytest

from protocol.errors import ConfigError, Unauthorized
from protocol.security.key_files import SecretKey, is_key
from protocol.security.keyring import keyring_at
from protocol.transport.curve import new_pair, public_of
from tests.unit.protocol.security.rig import Keys


@pytest.fixture
def keys(tmp_path: Path) -> Keys:
    return Keys(tmp_path / "keys")


def test_what_is_written_is_read(keys: Keys) -> None:
    key = keys.add("desk", "query", "subscribe", topics=["quote.", "bar."])
    assert keys.folder.public("desk") == key
    assert public_of(keys.folder.secret("desk").secret) == key.public
    assert keys.folder.names() == keys.folder.secret_names() == ["desk"]


def test_files_and_folders_are_their_owners_only(keys: Keys) -> None:
    keys.add("desk", "query")
    for path in keys.folder.path.rglob("*"):
        assert stat.S_IMODE(path.stat().st_mode) == (0o700 if path.is_dir() else 0o600), path


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o622])
def test_a_secret_that_others_can_read_is_refused(keys: Keys, mode: int) -> None:
    keys.add("desk", "query")
    keys.folder.secret_path("desk").chmod(mode)
    with pytest.raises(ConfigError, match="chmod 0600"):
        keys.folder.secret("desk")


def test_an_open_folder_of_secrets_is_refused(keys: Keys) -> None:
    keys.add("desk", "query")
    keys.folder.secret_path("desk").parent.chmod(0o755)
    with pytest.raises(ConfigError, match="chmod 0700"):
        keys.folder.secret("desk")


@pytest.mark.parametrize(
    "text",
    [b"", b"\xff", b"secret = 1", b'secret = "short"', b"secret = 'x'\nmore = 1", b"[[[", b"x" * 20_000],
)
def test_a_broken_secret_is_refused_without_showing_it(keys: Keys, text: bytes) -> None:
    keys.add("desk", "query")
    secret = keys.folder.secret("desk").secret
    path = keys.folder.secret_path("desk")
    path.write_bytes(text + f'\n# {secret}\nsecret = "{secret}x'.encode())
    with pytest.raises(ConfigError) as caught:
        keys.folder.secret("desk")
    assert secret not in str(caught.value)
    assert str(path) in str(caught.value)


def test_a_secret_is_not_in_a_traceback() -> None:
    _, secret = new_pair()
    assert is_key(secret)
    assert secret not in repr(SecretKey(secret=secret))


def test_one_broken_file_takes_its_own_key_out_of_force_only(keys: Keys) -> None:
    hub, desk = keys.add("hub.1"), keys.add("desk", "query")
    ring = keys.ring("hub.1")
    keys.folder.public_path("desk").write_text("what")
    assert ring.refresh()
    assert ring.find(desk.public) is None
    assert ring.find(hub.public) is not None
    assert "desk.toml" in ring.now.problems[0]


def test_two_names_cannot_share_a_key(keys: Keys) -> None:
    desk = keys.add("desk", "query")
    keys.folder.save_public(msgspec.structs.replace(desk, name="evil", roles=("admin",)))
    publics, problems = keys.folder.publics()
    assert list(publics) == ["desk"]
    assert "evil.toml" in problems[0]


def test_a_revoked_key_is_not_in_force(keys: Keys) -> None:
    keys.add("hub.1")
    desk = keys.add("desk", "query")
    ring = keys.ring("hub.1")
    assert not ring.refresh(), "nothing has changed"
    keys.folder.save_public(msgspec.structs.replace(desk, revoked="2026-01-01"))
    assert ring.refresh()
    assert ring.find(desk.public) is None
    assert ring.now.revoked == {desk.public: "desk"}


def test_during_a_rotation_both_keys_are_in_force_and_each_is_tried(keys: Keys) -> None:
    hub = keys.add("hub.1")
    keys.add("desk", "query")
    fresh, _ = new_pair()
    keys.folder.save_public(msgspec.structs.replace(hub, public=fresh, previous=hub.public))
    ring = keys.ring("desk")
    assert ring.find(fresh) == ring.find(hub.public) is not None
    assert ring.candidate("hub.1") == fresh
    assert not ring.failed("hub.1", fresh)
    assert ring.candidate("hub.1") == hub.public
    assert not ring.failed("hub.1", fresh), "another connection's late failure says nothing of this one"
    assert ring.failed("hub.1", hub.public), "now none of them was right"
    ring.succeeded("hub.1", hub.public)
    assert ring.candidate("hub.1") == hub.public


def test_the_key_of_an_address_is_found_by_whose_it_is(keys: Keys) -> None:
    hub = keys.add("hub.1")
    keys.add("desk", "query")
    keys.folder.save_public(msgspec.structs.replace(hub, addresses=("tcp://10.0.0.1:5",)))
    keys.add("hub.2")
    ring = keyring_at(keys.folder.secret_path("desk"), {"tcp://10.0.0.2:5": "hub.2"})
    assert ring.server_of("tcp://10.0.0.1:5") == "hub.1"
    assert ring.server_of("tcp://10.0.0.2:5") == "hub.2"
    assert ring.server_of("hub.2@tcp://127.0.0.1:7") == "hub.2"
    assert ring.server_of("tcp://127.0.0.1:5") == ring.server_of("ipc:///x@y") == ""
    with pytest.raises(Unauthorized, match=r"hub\.1@tcp"):
        ring.server_of("tcp://10.0.0.9:1")


@pytest.mark.parametrize("path", ["nothing/private/desk.key", "desk.key", "private/desk.toml"])
def test_what_is_no_key_is_said_clearly(tmp_path: Path, path: str) -> None:
    with pytest.raises(Unauthorized, match="key"):
        keyring_at(tmp_path / path)
