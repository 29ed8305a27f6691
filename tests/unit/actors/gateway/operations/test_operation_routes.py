"""Routes: who may, what is refused, and that no secret is in any answer."""

from __future__ import annotations

import errno
import os
import signal
from pathlib import Path
from typing import Any

import pytest
from fastapi.routing import APIRoute

from actors.gateway.edge import audit as audit_module
from actors.gateway.operations.routes import router_of
from actors.runtime.process_history import History
from actors.runtime.supervisord import SupervisorDownError
from tests.support.wait import until
from tests.unit.actors.gateway.operations.ops_world import ADMIN, READER, TOKENS, OpsWorld

MARK = {"X-Tapehub": "1"}
GAP = "collector.binance.1-1795168800-3"
SECRETS = ("sesame-one-1", "sesame-two-2", "sesame-three-3", "sesame-four-4", "sesame-five-5")


@pytest.fixture
def world(tmp_path: Path) -> OpsWorld:
    found = OpsWorld(tmp_path, tokens=TOKENS)
    found.process("hub.1")
    found.process("gateway.1")
    return found


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/api/v1/query"),
        ("POST", "/api/v1/actors/hub.1:restart"),
        ("POST", f"/api/v1/gaps/{GAP}:repair"),
        ("GET", "/api/v1/audit"),
    ],
)
def test_admins_only(world: OpsWorld, method: str, path: str) -> None:
    refused = world.ask(method, path, READER, headers=MARK)
    assert (refused.status_code, refused.json()["code"]) == (403, "forbidden"), refused.text
    assert "admin" in refused.json()["detail"]
    assert world.ask(method, path).status_code == 401
    assert world.audited() == []
    if method == "POST":
        form = world.ask(method, path, ADMIN, content="x=1", headers={"Content-Type": "text/plain"})
        assert (form.status_code, form.json()["code"]) == (415, "unsupported_media")
        assert world.audited() == []


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/api/v1/actors/..%2Fetc", 404), ("/api/v1/actors/hub.9", 404), ("/api/v1/logs?actor=hub.9", 404),
        ("/api/v1/logs?limit=1001", 400), ("/api/v1/logs?level=loud", 400), ("/api/v1/coverage?days=0", 400),
        ("/api/v1/coverage?timeframe=7m", 400), ("/api/v1/coverage?timeframe=1m'", 400),
        ("/api/v1/export/passwords", 400), ("/api/v1/export/trades?format=exe", 400),
        ("/api/v1/export/trades?from=yesterday", 400), ("/api/v1/export/trades?symbol=--help", 400),
        ("/api/v1/audit?limit=0", 400), ("/api/v1/export/trades", 503),
    ],
)  # fmt: skip
def test_bad_input_is_refused_clearly(tmp_path: Path, path: str, status: int) -> None:
    answer = OpsWorld(tmp_path).ask("GET", path)
    assert answer.status_code == status or (status == 400 and answer.status_code == 422), answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["detail"]


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"{", b'{"sql": 1}', b'{"sql": " "}', b'{"sql": "x", "limit": 0}', b'{"sql": "x", "more": 1}', b"\xff"]
)  # fmt: skip
def test_a_query_that_is_none(tmp_path: Path, body: bytes) -> None:
    world = OpsWorld(tmp_path)
    answer = world.ask("POST", "/api/v1/query", content=body, headers={"Content-Type": "application/json"})
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_request")
    assert world.audited() == []


def test_a_restart_is_noted_done_and_its_end_noted(world: OpsWorld) -> None:
    answer = world.ask("POST", "/api/v1/actors/hub.1:restart", ADMIN, headers=MARK)
    assert answer.status_code == 202, answer.text
    calls = world.supervision.supervisor.mock_calls
    until(lambda: len(world.audited()) == 2, 40.0, "the outcome")
    assert [(call[0], call[1]) for call in calls] == [("stop", ("hub.1",)), ("start", ("hub.1",))]
    begun, ended = world.audited()
    assert (begun["who"], begun["deed"], begun["what"]) == ("boss", "restart", {"actor": "hub.1"})
    assert (begun["outcome"], ended["outcome"], ended["id"]) == ("begun", "done", begun["id"])


def test_restarts_that_are_refused_or_fail(world: OpsWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    def restart(name: str) -> tuple[int, str]:
        answer = world.ask("POST", f"/api/v1/actors/{name}:restart", ADMIN, headers=MARK)
        return answer.status_code, answer.json().get("detail", "")

    assert restart("root.1")[0] == 404
    assert restart("persistence.1") == (
        404, "supervisord does not know persistence.1: tapehub restart --all reads the configuration again"
    )  # fmt: skip
    world.supervision.supervisor.stop.side_effect = SupervisorDownError("it has ended")
    assert restart("hub.1")[0] == 202
    until(lambda: len(world.audited()) == 2, 40.0, "the outcome")
    assert world.audited()[-1]["outcome"] == "failed: it has ended"
    world.supervision.told = None
    status, detail = restart("hub.1")
    assert (status, "no supervisord" in detail) == (503, True)


def test_our_own_restart_answers_first(world: OpsWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    killed: list[Any] = []
    monkeypatch.setattr(os, "kill", lambda *what: killed.append(what))
    answer = world.ask("POST", "/api/v1/actors/gateway.1:restart", ADMIN, headers=MARK)
    assert answer.status_code == 202
    assert killed == [(os.getpid(), signal.SIGTERM)]
    assert world.supervision.supervisor.mock_calls == []


def test_what_cannot_be_noted_is_not_done(world: OpsWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(audit_module, "_write_whole", full)
    for path in ("/api/v1/actors/hub.1:restart", f"/api/v1/gaps/{GAP}:repair"):
        answer = world.ask("POST", path, ADMIN, headers=MARK)
        assert (answer.status_code, answer.json()["code"]) == (503, "overloaded")
        assert "No space left" in answer.json()["detail"]
    assert world.supervision.supervisor.mock_calls == []
    assert world.reads.asked == []
    assert world.ask("GET", "/api/v1/actors", READER).status_code == 200


def test_repair_asks_the_collector_that_announced_the_gap(world: OpsWorld) -> None:
    path = f"/api/v1/gaps/{GAP}:repair"
    assert world.ask("POST", path, ADMIN, headers=MARK).status_code == 503
    world.reads.say("collector.binance.1", "repair", {"gap_id": GAP, "state": "filling"})
    answer = world.ask("POST", path, ADMIN, headers=MARK)
    assert (answer.status_code, answer.json()["data"]["state"]) == (200, "filling")
    assert world.reads.asked[-1][1].args == {"gap_id": GAP}
    assert [line["outcome"] for line in world.audited()][-1] == "done"
    for wrong, status in (("nonsense", 400), ("hub.1-1-1", 404), ("collector.kraken.1-1-1", 404)):
        assert world.ask("POST", f"/api/v1/gaps/{wrong}:repair", ADMIN, headers=MARK).status_code == status


def test_no_secret_is_in_any_answer(tmp_path: Path) -> None:
    one, two, three, four, five = SECRETS
    actors: dict[str, Any] = {
        "persistence.1": {"database": f"postgresql://u:{one}@h/d?password={one}"},
        "collector.ig.1": {"account": {"api_key": two, "password": three}},
        "collector.rest.1": {"providers": {"polygon": {"key": four}}},
        "hub.1": {},
        "gateway.1": {"edge": {"tokens": {"boss": {"token": five}}}},
    }
    world = OpsWorld(tmp_path, actors=actors)
    for name in actors:
        world.beat(name, note=f"{one} {two}", url=f"https://x?key={four}", token="never-seen-before", targets={
            name: {"trouble": f"cannot reach postgresql://u:{one}@h/d", "rows": 1}}, journals={},
            markets={"bars": {"providers": {"polygon": {"state": "open", "why": f"key {four} is wrong"}}}})  # fmt: skip
        world.process(name, spawn_error=three, history=History(1, f"exit {two}"))
    (tmp_path / "log").mkdir()
    (tmp_path / "log" / "hub.1.log").write_text("".join(f"said {secret}\n" for secret in SECRETS))
    world.own_status |= {"edge": {"token": five}}
    with world.context.audit.noted("boss", "", "query", sql="SELECT 1"):
        pass
    paths = [
        route.path
        for route in router_of(world.context).routes
        if isinstance(route, APIRoute) and "GET" in route.methods
    ]
    assert len(paths) == 9
    for path in paths:
        answer = world.ask("GET", path.replace("{name}", "collector.ig.1").replace("{table}", "trades"))
        found = [secret for secret in (*SECRETS, "never-seen-before") if secret in answer.text]
        assert not found, f"{path}: {answer.text}"
    assert "said ***" in world.ask("GET", "/api/v1/logs").text
    assert '"trouble":"cannot reach postgresql://u:***@h/d"' in world.ask("GET", "/api/v1/actors/hub.1").text


def test_the_paths_with_a_colon_stand_in_the_document(tmp_path: Path) -> None:
    paths = OpsWorld(tmp_path).ask("GET", "/openapi.json").json()["paths"]
    assert set(paths["/api/v1/actors/{name}:restart"]) == {"post"}
    assert set(paths["/api/v1/gaps/{gap_id}:repair"]) == {"post"}
    assert paths["/api/v1/query"]["post"]["requestBody"]["required"]
