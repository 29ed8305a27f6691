"""`tapehub token`: what it prints is what the gateway's configuration takes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from actors.gateway.edge.settings import TokenSettings
from actors.gateway.edge.tokens import Tokens
from actors.gateway.settings import GatewaySettings
from actors.runtime.settings import load
from tests.support.config import write_config
from tests.unit.tapehub.calls import call


def test_the_configuration_takes_what_it_prints(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    code, out, _ = call(capsys, "token", "mt5", "--source", "mt5", "--json")
    made = json.loads(out)
    assert code == 0
    config = write_config(tmp_path, {"gateway.1": {"edge": {"tokens": {"mt5": made["settings"]}}}})
    edge = load(config).section("gateway.1", GatewaySettings).edge
    caller = Tokens(edge.tokens).find(made["token"], 0)
    assert caller is not None
    assert (caller.name, caller.scopes, caller.source) == ("mt5", frozenset({"push"}), "mt5")


def test_only_the_token_is_on_stdout_and_no_two_are_alike(capsys: pytest.CaptureFixture[str]) -> None:
    tokens = [call(capsys, "token", "desk").out.strip() for _ in range(2)]
    assert len(set(tokens)) == 2
    assert all(len(token) >= 43 for token in tokens)


def test_the_digest_for_people_is_that_of_the_token(capsys: pytest.CaptureFixture[str]) -> None:
    _, out, err = call(capsys, "token", "desk", "--scope", "read", "--scope", "admin")
    digest = err.partition("sha256: ")[2].partition(",")[0]
    caller = Tokens({"desk": TokenSettings(sha256=digest, scopes=["read", "admin"])}).find(out.strip(), 0)
    assert caller is not None


@pytest.mark.parametrize(
    "words",
    [
        ("desk", "--scope", "write"),
        ("Desk!",),
        ("x", "--source", "MT5"),
        ("x", "--source", "a", "--scope", "read"),
    ],
)
def test_what_cannot_be_is_refused_with_a_way_out(
    capsys: pytest.CaptureFixture[str], words: tuple[str, ...]
) -> None:
    code, out, err = call(capsys, "token", *words)
    assert code == 2
    assert not out
    assert "try:" in err
