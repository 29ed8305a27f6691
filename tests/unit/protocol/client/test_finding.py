"""Where a client looks for the hub."""

from __future__ import annotations

from pathlib import Path

import pytest

from protocol.client.finding import find_endpoints
from protocol.endpoints import Endpoints
from protocol.errors import InvalidRequest


def make_hub(run_dir: Path, *names: str) -> list[str]:
    endpoints = Endpoints(run_dir)
    endpoints.prepare()
    for name in names:
        Path(endpoints.query(name).removeprefix("ipc://")).touch()
    return [endpoints.query(name) for name in names]


def test_what_the_caller_says_comes_first(run_dir: Path) -> None:
    environment = {"TAPEHUB_ENDPOINT": "tcp://elsewhere:1"}

    assert find_endpoints("tcp://a:1", environment) == ["tcp://a:1"]
    assert find_endpoints("tcp://a:1, ipc:///b", environment) == ["tcp://a:1", "ipc:///b"]
    assert find_endpoints(["tcp://a:1", "tcp://b:1"], environment) == ["tcp://a:1", "tcp://b:1"]
    assert find_endpoints(run_dir, environment) == [Endpoints(run_dir).query("hub.1")]
    assert find_endpoints(str(run_dir), environment) == [Endpoints(run_dir).query("hub.1")]


def test_then_the_environment(run_dir: Path) -> None:
    assert find_endpoints(None, {"TAPEHUB_ENDPOINT": "tcp://a:1,tcp://b:2"}) == ["tcp://a:1", "tcp://b:2"]
    assert find_endpoints(None, {"TAPEHUB_RUN_DIR": str(run_dir)}) == [Endpoints(run_dir).query("hub.1")]


def test_then_the_nearest_run_directory_with_a_hub(run_dir: Path) -> None:
    hubs = make_hub(run_dir / "var", "hub.1", "hub.2")
    below = run_dir / "a" / "b"
    below.mkdir(parents=True)
    (run_dir / "a" / "var").mkdir()

    assert find_endpoints(None, {}, below) == hubs


def test_else_the_place_where_it_will_be(run_dir: Path) -> None:
    assert find_endpoints(None, {}, run_dir) == [Endpoints(run_dir / "var").query("hub.1")]


@pytest.mark.parametrize("endpoint", ["http://a:1", ["tcp://a:1", "b"], [], "", "tcp://a:1,b"])
def test_what_is_no_address_is_refused(endpoint: str | list[str]) -> None:
    with pytest.raises(InvalidRequest):
        find_endpoints(endpoint, {})
