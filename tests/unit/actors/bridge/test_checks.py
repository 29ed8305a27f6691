"""The bridge's section: every mistake at once, with its place, and never a secret."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest

from actors.bridge.checks import check
from actors.bridge.settings import BridgeSettings
from protocol.errors import ConfigError
from protocol.nats.login import Login


def judged(tmp_path: Path, environ: dict[str, str] | None = None, **section: Any) -> list[str]:
    settings = msgspec.convert(section, BridgeSettings)
    try:
        check("actors.bridge.1", settings, tmp_path, environ or {})
    except ConfigError as error:
        return error.problems
    return []


def test_the_default_is_in_order(tmp_path: Path) -> None:
    assert judged(tmp_path) == []


def test_all_mistakes_are_told_at_once(tmp_path: Path) -> None:
    found = judged(
        tmp_path,
        servers=["http://x", "nats://a:b@c"],
        topics=["trade", "trad.", "beat."],
        stream="a b",
        subjects="t.>",
    )
    assert [text.split(":")[0] for text in found] == [
        "actors.bridge.1.servers[0]",
        "actors.bridge.1.servers[1]",
        "actors.bridge.1.stream",
        "actors.bridge.1.subjects",
        "actors.bridge.1.topics[0]",
        "actors.bridge.1.topics[1]",
        "actors.bridge.1.topics[2]",
    ]
    assert judged(tmp_path, servers=[], topics=[]) != []


def test_secrets_come_from_the_environment_or_files(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("abc\n")
    settings = msgspec.convert({"login": {"token_file": "token"}}, BridgeSettings)
    assert check("x", settings, tmp_path, {}).login == Login(token="abc")
    settings = msgspec.convert({"login": {"user": "me", "password_env": "PW"}}, BridgeSettings)
    assert check("x", settings, tmp_path, {"PW": "pw"}).login == Login(user="me", password="pw")


@pytest.mark.parametrize(
    ("login", "says"),
    [
        ({"token_env": "NONE"}, "the environment has no NONE"),
        ({"token_file": "none"}, "cannot read"),
        ({"token_env": "A", "token_file": "b"}, "are both set"),
        ({"token_env": "T", "user": "me"}, "token and user are set"),
        ({"user": "me"}, "user goes with password_env"),
        ({"seed_env": "T"}, "not an nkey seed"),
        ({"creds_file": "secret"}, "not a NATS credentials file"),
    ],
)
def test_a_login_that_cannot_be_is_told_without_its_secret(
    tmp_path: Path, login: dict[str, str], says: str
) -> None:
    (tmp_path / "secret").write_text("hush-hush")
    found = judged(tmp_path, {"T": "hush-hush"}, login=login)
    assert len(found) == 1
    assert says in found[0]
    assert "hush" not in found[0]


def test_certificates_are_looked_at(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("no certificate")
    assert "actors.bridge.1.tls" in judged(tmp_path, tls={"ca_file": "ca.pem"})[0]
    assert "none.pem" in judged(tmp_path, tls={"ca_file": "none.pem"})[0]
    assert "of which certificate" in judged(tmp_path, tls={"key_file": "key.pem"})[0]
