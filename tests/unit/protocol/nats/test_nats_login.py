"""Logins: keys as nats.io has them, credentials files, addresses without a login, and no secret in any text."""

from __future__ import annotations

from pathlib import Path

import pytest

from protocol.errors import InvalidRequest
from protocol.nats.login import Login, parse_creds, read_seed, sign
from protocol.nats.secrets import login_of
from protocol.nats.servers import Server, parse_server, parse_servers

SEED = "SUACSSL3UAHUDXKFSNVUZRF5UHPMWZ6BFDTJ7M6USDXIEDNPPQYYYCU3VY"
"""The example of docs.nats.io, NKeys."""
PUBLIC = "UDXU4RCSJNZOIQHZNWXHXORDPRTGNJAHAHFRGZNEEJCPQTT2M7NLCNF4"
CREDS = f"""-----BEGIN NATS USER JWT-----
eyJ0.eyJq.sig
------END NATS USER JWT------

************************* IMPORTANT *************************
-----BEGIN USER NKEY SEED-----
{SEED}
------END USER NKEY SEED------
"""


def test_a_seed_gives_the_public_key_of_the_documentation() -> None:
    pytest.importorskip("cryptography", reason="pip install 'tapehub[nats]'")
    assert sign(SEED, b"nonce")[0] == PUBLIC
    fields = Login(seed=SEED).fields("nonce")
    assert fields["nkey"] == PUBLIC
    assert SEED not in str(fields)
    assert "nkey" not in parse_creds(CREDS).fields("nonce")


@pytest.mark.parametrize("seed", ["", "hello", SEED[:-1], SEED.replace("Y", "Z"), "SA" + SEED[2:], "S U"])
def test_what_is_no_seed_is_refused_without_showing_it(seed: str) -> None:
    with pytest.raises(ValueError, match="seed") as refused:
        read_seed(seed)
    assert not seed or seed not in str(refused.value)


def test_a_credentials_file_holds_both() -> None:
    assert parse_creds(CREDS) == Login(jwt="eyJ0.eyJq.sig", seed=SEED)
    with pytest.raises(ValueError, match="not a NATS credentials file"):
        parse_creds("something else")


def test_a_login_shows_no_secret() -> None:
    assert repr(Login(user="me", password="pw")) == "Login(user=***, password=***)"
    assert Login(token="t").fields("") == {"auth_token": "t"}
    assert Login(user="me", password="pw").fields("") == {"user": "me", "pass": "pw"}


def test_the_environment_or_a_file_names_one_way_to_log_in(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("abc\n")
    assert login_of({}) == Login()
    assert login_of({"TAPEHUB_NATS_TOKEN_FILE": str(tmp_path / "token")}) == Login(token="abc")
    with pytest.raises(InvalidRequest, match="TAPEHUB_NATS_TOKEN and TAPEHUB_NATS_USER are set"):
        login_of({"TAPEHUB_NATS_TOKEN": "a", "TAPEHUB_NATS_USER": "b", "TAPEHUB_NATS_PASSWORD": "c"})
    with pytest.raises(InvalidRequest, match="cannot read"):
        login_of({"TAPEHUB_NATS_CREDS": str(tmp_path / "none")})


def test_addresses() -> None:
    assert parse_server("nats://a:5") == Server("a", 5, is_tls=False)
    assert parse_server("tls://a") == Server("a", 4222, is_tls=True)
    assert parse_servers("a, nats://b:1,a") == [Server("a", 4222, is_tls=False), Server("b", 1, is_tls=False)]
    for bad in ("http://a", "nats://", "nats://a:99999", "nats://a/x"):
        with pytest.raises(ValueError, match="is not nats://host:port"):
            parse_server(bad)
    with pytest.raises(ValueError, match="does not belong into the address") as refused:
        parse_server("nats://me:pw123@host")
    assert "pw123" not in str(refused.value)
