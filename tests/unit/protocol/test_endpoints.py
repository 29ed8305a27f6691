"""Addresses follow from names; a deep run directory still gets a bindable path; strangers get none."""

from pathlib import Path

import pytest

from protocol.endpoints import Endpoints, check_bind, socket_dir
from protocol.errors import ConfigError
from protocol.topology import Host, Topology


def test_addresses_follow_from_the_name(tmp_path):
    hosts = {
        "feed": Host(address="127.0.0.1", actors=["aggregator.1"]),
        "far": Host(address="127.0.0.2", port=5553, actors=["hub.1"]),
    }
    endpoints = Endpoints(Path("/run/tapehub"), Topology(hosts, "feed"))

    assert endpoints.pub("aggregator.1") == "ipc:///run/tapehub/sock/aggregator.1.pub"
    assert endpoints.query("hub.1") == "tcp://127.0.0.2:5555"
    assert endpoints.binds("aggregator.1", "ctl") == [
        "ipc:///run/tapehub/sock/aggregator.1.ctl",
        "tcp://127.0.0.1:9701",
    ]
    assert Endpoints(Path("/run/tapehub")).binds("hub.1", "pub") == ["ipc:///run/tapehub/sock/hub.1.pub"]


def test_a_deep_run_directory_gets_a_short_socket_folder(tmp_path):
    deep = tmp_path / ("d" * 60) / ("e" * 60)
    folder = socket_dir(deep)

    assert len(str(folder / ("x" * 38))) <= 100
    assert folder == socket_dir(deep)
    assert folder != socket_dir(tmp_path / "other" / ("e" * 90))


def test_folders_are_private(tmp_path):
    endpoints = Endpoints(tmp_path / "run")
    endpoints.prepare()
    assert endpoints.socket_dir.stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize(
    "endpoint", ["ipc:///tmp/x", "tcp://127.0.0.1:1", "tcp://localhost:1", "tcp://[::1]:1"]
)
def test_local_addresses_may_be_bound(endpoint):
    check_bind(endpoint)


@pytest.mark.parametrize(
    "endpoint", ["tcp://0.0.0.0:1", "tcp://*:1", "tcp://192.0.2.1:1", "tcp://[::]:1", "tcp://eth0:1"]
)
def test_addresses_that_strangers_reach_are_refused(endpoint):
    with pytest.raises(ConfigError, match="without authentication"):
        check_bind(endpoint)
