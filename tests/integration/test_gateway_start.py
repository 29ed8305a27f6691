"""The gateway as a process: it listens, answers, refuses by RFC 9457, and ends when told to."""

from __future__ import annotations

import signal
from pathlib import Path

from tests.support.config import write_config
from tests.support.gateway_world import GATEWAY, gateway_world
from tests.support.process import ActorProcess


def test_it_listens_and_ends_in_order(run_dir: Path) -> None:
    with gateway_world(run_dir) as world:
        with world.client() as client:
            page = client.get("/")
            missing = client.get("/api/v1/nothing")
        assert page.status_code == 200
        assert "tapehub" in page.text
        assert missing.status_code == 404
        assert missing.headers["content-type"] == "application/problem+json"
        assert missing.json()["code"] == "not_found"
        gateway = world.processes[GATEWAY]
        gateway.send(signal.SIGTERM)
        assert gateway.wait() == 0, gateway.report()


def test_off_loopback_it_refuses_to_start_without_a_token(run_dir: Path) -> None:
    config = write_config(run_dir, {"gateway.1": {"host": "0.0.0.0", "port": 0}})
    with ActorProcess("gateway", "gateway.1", config) as gateway:
        assert gateway.wait() == 78
        assert "off loopback" in gateway.stderr_text
        assert "tapehub token" in gateway.stderr_text
