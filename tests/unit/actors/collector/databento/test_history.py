"""History: the price before it is spent, a limit, one file per order; against a server on loopback."""

from __future__ import annotations

import threading
import urllib.parse
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import zstandard

from actors.collector.databento.decode import DbnDecoder
from actors.collector.databento.history import History, HistoryError, Order, TooExpensive
from tests.unit.actors.collector.databento.made import AT_NS
from tests.unit.actors.collector.databento.test_dbn_file import ROWS, header

KEY = "db-unittestunittestunittest12345"
ORDER = Order("GLBX.MDP3", "trades", ("6EZ6",), AT_NS, AT_NS + 10**9)


class Service:
    """What the historical service answers."""

    def __init__(self) -> None:
        self.cost = "1.25"
        self.status = 200
        self.requests: list[tuple[str, dict[str, str]]] = []
        self.body = zstandard.compress(header(3) + ROWS)
        service = self

        class Handler(BaseHTTPRequestHandler):
            def _answer(self) -> None:
                length = int(self.headers.get("Content-Length") or 0)
                path, _, query = self.path.partition("?")
                form = query or self.rfile.read(length).decode()
                name = path.rpartition("/")[2]
                service.requests.append((name, dict(urllib.parse.parse_qsl(form))))
                body = {
                    "metadata.get_cost": service.cost.encode(),
                    "metadata.get_billable_size": b"144",
                    "metadata.get_record_count": b"3",
                    "timeseries.get_range": service.body,
                }.get(name, b"{}")
                status = service.status if name == "timeseries.get_range" else 200
                if status != 200:
                    body = b'{"detail": "not entitled"}'
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.send_header(
                    "Content-Type",
                    "application/json" if name != "timeseries.get_range" else "application/octet-stream",
                )
                self.end_headers()
                self.wfile.write(body)

            do_GET = do_POST = _answer  # noqa: N815 - names of the base class

            def log_message(self, *arguments: Any) -> None:
                """Say nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True)
        self.thread.start()

    def asked(self) -> list[str]:
        """What was asked for, in order."""
        return [name for name, _ in self.requests]


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch) -> Iterator[Service]:
    """One that knows a file of three trades; without TLS, which the client would insist on."""
    monkeypatch.setattr("databento.historical.client.validate_gateway", lambda url: url)
    found = Service()
    yield found
    found.server.shutdown()
    found.server.server_close()
    found.thread.join(5.0)


def test_the_price_is_asked_and_nothing_fetched(service: Service) -> None:
    price = History(KEY, service.url).price(ORDER)
    assert (price.cost_usd, price.size_bytes, price.records) == (1.25, 144, 3)
    assert str(price) == "1.25 USD for 3 records (0.0 MB)"
    assert "timeseries.get_range" not in service.asked()


def test_a_file_is_fetched_once_and_can_be_read(service: Service, tmp_path: Path) -> None:
    history = History(KEY, service.url)
    path = history.fetch(ORDER, tmp_path / "dbn", 5.0)
    assert [message.KIND for message in DbnDecoder().messages(path)] == ["trade"] * 3
    wanted = dict(service.requests)["timeseries.get_range"]
    assert wanted["symbols"] == "6EZ6"
    assert wanted["stype_in"] == "raw_symbol"
    before = len(service.requests)
    assert history.fetch(ORDER, tmp_path / "dbn", 0.0) == path
    assert len(service.requests) == before, "it is not paid for again"
    assert list((tmp_path / "dbn").iterdir()) == [path]


def test_more_than_the_limit_is_spent_only_when_confirmed(service: Service, tmp_path: Path) -> None:
    history = History(KEY, service.url)
    with pytest.raises(TooExpensive, match=r"1\.25 USD .* limit of 1\.00 USD"):
        history.fetch(ORDER, tmp_path, 1.0)
    assert "timeseries.get_range" not in service.asked()
    assert history.fetch(ORDER, tmp_path, 1.0, is_confirmed=True).is_file()


def test_a_refusal_leaves_no_file(service: Service, tmp_path: Path) -> None:
    service.status = 403
    with pytest.raises(HistoryError, match="not entitled"):
        History(KEY, service.url).fetch(ORDER, tmp_path, 5.0)
    assert list(tmp_path.iterdir()) == []


def test_a_service_that_cannot_be_reached(tmp_path: Path, service: Service) -> None:
    service.server.server_close()
    with pytest.raises(HistoryError):
        History(KEY, "http://127.0.0.1:9").price(ORDER)


def test_wrong_orders_are_told_before_anybody_is_asked(service: Service) -> None:
    wrong = Order("GLBX.MDP3", "trades", ("6EZ6", "6E.v.0"), AT_NS, AT_NS)
    with pytest.raises(HistoryError, match=r"cannot be mixed.*must end after"):
        History(KEY, service.url).price(wrong)
    assert service.requests == []


def test_different_orders_have_different_files() -> None:
    names = {
        ORDER.file_name,
        ORDER._replace(symbols=("6EH7",)).file_name,
        ORDER._replace(end_ns=AT_NS + 1).file_name,
    }
    assert len(names) == 3
    assert all("/" not in name and name.endswith(".dbn.zst") for name in names)
