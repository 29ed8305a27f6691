"""What people look at and do through the gateway, against one whole system under supervisord."""

from __future__ import annotations

import csv
import io
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import msgspec
import pytest

from protocol.client import Hub
from protocol.errors import HubError
from tests.support.peers import peers_of
from tests.support.supervised import default_system
from tests.support.wait import until

BACK_S = 30.0
COLLECTOR = "collector.binance.1"
MARK = {"X-Tapehub": "1"}
OVERRIDES = (
    "actors.gateway.1.port=0",
    "actors.simulator.1.rate_per_s=300",
    "actors.persistence.1.batch_s=0.2",
    "actors.collector.binance.1.repair_klines=false",
)


class Desk:
    """A person at the dashboard."""

    def __init__(self, run_dir: Path, url: str) -> None:
        self.run_dir = run_dir
        self.http = httpx2.Client(base_url=url, timeout=40.0)

    def get(self, path: str, **params: Any) -> Any:
        answer = self.http.get(f"/api/v1{path}", params=params)
        assert answer.is_success, f"{path}: {answer.status_code} {answer.text}"
        return answer.json()

    def row(self, name: str) -> dict[str, Any]:
        return next(row for row in self.get("/actors")["data"] if row["name"] == name)

    def sql(self, text: str, **more: Any) -> httpx2.Response:
        return self.http.post("/api/v1/query", json={"sql": text, **more})


@pytest.fixture(scope="module")
def desk() -> Iterator[Desk]:
    with default_system(OVERRIDES) as run_dir, Hub(run_dir, timeout_s=5.0) as hub:

        def url() -> str:
            try:
                return str((hub.status()["actors"].get("gateway.1", {}).get("detail") or {}).get("url", ""))
            except HubError:
                return ""

        desk = Desk(run_dir, until(url, BACK_S, "the gateway to listen"))
        with desk.http:
            until(
                lambda: all(row["is_alive"] for row in desk.get("/actors")["data"]),
                BACK_S,
                "every actor to be heard",
            )
            yield desk


def test_rows_of_actors_join_heartbeats_and_supervisord(desk: Desk) -> None:
    def all_well() -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = desk.get("/actors")["data"]
        return rows if all(row["state"] == "RUNNING" and row["rss_bytes"] for row in rows) else []

    rows = until(all_well, BACK_S, "every row to say RUNNING")
    assert {"hub.1", "gateway.1", "persistence.1", COLLECTOR} <= {row["name"] for row in rows}
    for row in rows:
        assert row["supervisor"]["state"] == "RUNNING", row
        assert row["restarts"] == 0
        assert row["pid"] > 0
        os.kill(row["pid"], 0)
        assert row["epoch"] > 0
    one = desk.get("/actors/hub.1")["data"]
    assert one["status"]["name"] == "hub.1"
    missing = desk.http.get("/api/v1/actors/hub.9")
    assert (missing.status_code, missing.json()["code"]) == (404, "not_found")
    assert missing.json()["suggestions"] == ["hub.1"]


def test_venues_providers_storage(desk: Desk) -> None:
    (venue,) = [row for row in desk.get("/venues")["data"] if row["venue"] == "binance"]
    assert venue["publisher"] == COLLECTOR
    assert venue["is_connected"]
    assert abs(venue["behind_s"]) < 30.0
    budgets = [row for row in desk.get("/providers")["data"] if row["actor"] == COLLECTOR]
    assert {row["provider"] for row in budgets} == {"binance spot", "binance usdm"}
    assert all(one["limit"] > 0 <= one["used"] for row in budgets for one in row["calls"])

    def stored() -> dict[str, Any] | None:
        found: dict[str, Any] = desk.get("/storage")
        journals = {one["publisher"] for one in found["journals"]}
        return found if found["database"]["rows_per_s"] and COLLECTOR in journals else None

    found = until(stored, BACK_S, "rows in the database")
    assert found["database"]["url"].startswith("sqlite:///")
    assert found["database"]["bytes"] > 0
    assert found["database"]["wal_bytes"] is not None
    assert 0.0 <= found["database"]["oldest_unflushed_s"] < 60.0
    assert found["disk"]["free_bytes"] > 0
    assert found["disk"]["days_left"] is None


def test_logs(desk: Desk) -> None:
    lines = desk.get("/logs", actor="hub.1", limit=5)["data"]
    assert 0 < len(lines) <= 5
    assert {line["actor"] for line in lines} == {"hub.1"}
    lines = desk.get("/logs", grep="LISTENING AT", level="info")["data"]
    assert [line["actor"] for line in lines if line["actor"].startswith("gateway")] == ["gateway.1"]
    older = desk.get("/logs", before=lines[0]["ts"], limit=1000)["data"]
    assert older
    assert all(line["ts"] < lines[0]["ts"] for line in older)
    assert older == sorted(older, key=lambda line: line["ts"])
    assert any("spawned" in line["msg"] for line in desk.get("/logs", actor="supervisord")["data"])
    assert desk.http.get("/api/v1/logs?actor=../secret").status_code == 404


def test_sql_only_reads_and_says_what_is_wrong(desk: Desk) -> None:
    def trades() -> dict[str, Any] | None:
        answer = desk.sql("SELECT symbol, price, ts_event_ns FROM trades ORDER BY ts_event_ns", limit=3)
        assert answer.status_code in (200, 404), answer.text
        return answer.json() if answer.is_success and len(answer.json()["rows"]) == 3 else None

    found = until(trades, BACK_S, "three stored trades")
    assert [column["name"] for column in found["columns"]] == ["symbol", "price", "ts_event_ns"]
    assert [column["type"] for column in found["columns"]][1:] == ["double", "int64"]
    assert found["is_truncated"]
    assert found["elapsed_s"] > 0
    refused = desk.sql("COPY trades TO 'x.csv'")
    assert (refused.status_code, refused.json()["code"]) == (400, "invalid_request"), refused.text
    assert "only reads" in refused.json()["detail"]
    plain = desk.http.post(
        "/api/v1/query", content='{"sql": "SELECT 1"}', headers={"Content-Type": "text/plain"}
    )
    assert (plain.status_code, plain.json()["code"]) == (415, "unsupported_media")


def test_export_and_coverage(desk: Desk) -> None:
    answer = desk.http.get(
        "/api/v1/export/trades", params={"symbol": "BTC_USDT", "to": "1s", "format": "csv"}
    )
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-disposition"] == 'attachment; filename="trades-BTC_USDT.csv"'
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert {row["symbol"] for row in rows} == {"BTC_USDT"}
    assert desk.http.get("/api/v1/export/passwords").status_code in (400, 422)

    def covered() -> dict[str, Any] | None:
        """Late in the day its first seconds are less than the share has digits."""
        found: dict[str, Any] = desk.get("/coverage", timeframe="1s", days=2, symbol="BTC_USDT")
        return found if found["rows"] and found["rows"][0]["share"][1] else None

    found = until(covered, BACK_S, "some seconds of today")
    assert len(found["days"]) == 2
    (row,) = found["rows"]
    assert (row["symbol"], row["venue"], row["share"][0]) == ("BTC_USDT", "binance", None)
    assert 0.0 < row["share"][1] <= 1.0


def test_a_gap_is_repaired_when_somebody_asks(desk: Desk) -> None:
    with peers_of(desk.run_dir) as peers, Hub(desk.run_dir, timeout_s=5.0) as hub:

        def venue(op: str, **args: Any) -> None:
            reply = peers.ask("simulator.1", op, args=args)
            assert reply.ok, reply.message

        venue("refuse", n=1, status=400, what="rest", path="/spot/api/v3/historicalTrades")
        venue("drop", n=3, symbol="BTC_USDT", market="spot", kind="trade")

        def lost() -> Any:
            gaps = hub.gaps(0, symbol="BTC_USDT", kind="trade", state="unfillable")
            return gaps[-1] if gaps else None

        gap = until(lost, BACK_S, "a gap that cannot be filled")
        path = f"/api/v1/gaps/{gap.gap_id}:repair"
        assert desk.http.post(path).status_code == 415
        answer = desk.http.post(path, headers=MARK)
        assert answer.status_code == 200, answer.text
        assert (answer.json()["data"]["gap_id"], answer.json()["data"]["state"]) == (gap.gap_id, "filling")

        def is_filled() -> bool:
            return any(
                one.gap_id == gap.gap_id and one.state == "filled" for one in hub.gaps(0, symbol="BTC_USDT")
            )

        until(is_filled, BACK_S, "the gap to be filled")
        again = desk.http.post(path, headers=MARK)
        assert (again.status_code, again.json()["code"]) == (400, "invalid_request")
        assert "no gap" in again.json()["detail"]
        deeds = [(one["deed"], one["outcome"]) for one in desk.get("/audit")["data"]]
        assert ("repair", "done") in deeds


def test_a_restart_is_seen_and_everything_is_in_the_audit_log(desk: Desk) -> None:
    before = desk.row("aggregator.1")
    answer = desk.http.post("/api/v1/actors/aggregator.1:restart", headers=MARK)
    assert answer.status_code == 202, answer.text
    assert "GET /api/v1/actors/aggregator.1" in answer.json()["hint"]

    def back() -> dict[str, Any] | None:
        row = desk.row("aggregator.1")
        return row if row["state"] == "RUNNING" and row["pid"] not in (None, before["pid"]) else None

    row = until(back, BACK_S, "the aggregator to run again")
    assert row["epoch"] > before["epoch"]
    assert until(lambda: desk.row("aggregator.1")["restarts"], BACK_S, "the restart to be counted") == 1
    assert desk.http.post("/api/v1/actors/root.1:restart", headers=MARK).status_code == 404

    def deeds() -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = desk.get("/audit")["data"]
        return found if found[-1]["outcome"] == "done" else []

    found = until(deeds, BACK_S, "the outcome of the restart")
    assert (found[-1]["deed"], found[-1]["what"]) == ("restart", {"actor": "aggregator.1"})
    assert found[-1]["peer"] == "127.0.0.1"
    refused = desk.sql("COPY trades TO 'x.csv'")
    assert refused.status_code == 400, refused.text
    last = desk.get("/audit")["data"][-1]
    assert (last["deed"], last["outcome"].partition(":")[0]) == ("query", "failed")
    path = desk.run_dir / "audit" / "gateway.1.ndjson"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert all(msgspec.json.decode(line)["deed"] for line in path.read_bytes().splitlines())


def test_the_gateway_restarts_itself_and_answers_first(desk: Desk) -> None:
    before = desk.row("gateway.1")
    answer = desk.http.post("/api/v1/actors/gateway.1:restart", headers=MARK)
    assert answer.status_code == 202, answer.text
    with Hub(desk.run_dir, timeout_s=5.0) as hub:

        def epoch() -> int:
            return int(hub.status()["actors"]["gateway.1"]["epoch"])

        until(lambda: epoch() > before["epoch"], BACK_S, "the gateway to come back")
