"""Databento's historical service on loopback: metadata, symbology and one file of three trades."""

from __future__ import annotations

import base64
import datetime as dt
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace, TracebackType
from typing import Any, cast
from urllib.parse import parse_qs

import databento_dbn as dbn
import zstandard

from tests.support.databento_gateway import DATASET, KEY, trade

AT_NS = 1_794_000_000 * 10**9
"""About when its trades are."""


class HistoryServer:
    """Use as a context manager; `url` is its address. Tests must lift the client's demand for TLS first."""

    def __init__(self) -> None:
        self.cost = "1.25"
        self.status: dict[str, int] = {}
        """Method to the HTTP status with which it is refused."""
        self.datasets = [DATASET, "XNAS.ITCH"]
        self.unknown: set[str] = set()
        """Names that it cannot resolve."""
        self.requests: list[tuple[str, dict[str, str]]] = []
        """(method, parameters) of each request."""
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)

    @property
    def url(self) -> str:
        """Address."""
        return f"http://127.0.0.1:{self._server.server_port}"

    def asked(self) -> list[str]:
        """Methods, in order."""
        return [name for name, _ in self.requests]

    def __enter__(self) -> HistoryServer:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(10.0)

    def answer(self, name: str, given: dict[str, str], key: str) -> tuple[int, bytes]:
        """Status and body."""
        if key != KEY:
            return 401, _detail("auth_authentication_failed", "Authentication failed.")
        if name in self.status:
            return self.status[name], _detail("refused", "not entitled")
        if name == "timeseries.get_range":
            return 200, file_of_trades()
        answers: dict[str, Any] = {
            "metadata.list_datasets": self.datasets,
            "metadata.get_dataset_range": {"start": "2010-06-06T00:00:00Z", "end": "2026-11-21T00:00:00Z"},
            "metadata.get_cost": float(self.cost),
            "metadata.get_billable_size": 144,
            "metadata.get_record_count": 3,
            "symbology.resolve": self._resolved(given.get("symbols", "").split(",")),
        }
        return 200, json.dumps(answers.get(name, {})).encode()

    def _resolved(self, names: list[str]) -> dict[str, Any]:
        span = {"d0": "2026-11-14", "d1": "2026-11-21", "s": "17077"}
        return {
            "result": {name: [span] for name in names if name not in self.unknown},
            "symbols": names,
            "partial": [],
            "not_found": [name for name in names if name in self.unknown],
            "message": "OK",
            "status": 0,
        }


def file_of_trades() -> bytes:
    """A compressed DBN file with three trades."""
    names, schemas = cast("Any", dbn.SType), cast("Any", dbn.Schema)  # the stubs take their members for texts
    month = SimpleNamespace(start_date=dt.date(2026, 11, 1), end_date=dt.date(2026, 12, 1), symbol="17077")
    named = cast("Any", SimpleNamespace(raw_symbol="6EZ6", intervals=[month]))
    header = dbn.Metadata(
        dataset=DATASET, start=AT_NS, end=AT_NS + 10**9, stype_in=names.RAW_SYMBOL,
        stype_out=names.INSTRUMENT_ID, schema=schemas.TRADES, symbols=["6EZ6"], partial=[], not_found=[],
        mappings=[named], version=3,
    )  # fmt: skip
    rows = b"".join(bytes(trade(17077, 1.1, 1, AT_NS + number, number)) for number in range(3))
    return zstandard.compress(bytes(header.encode()) + rows)


def _detail(case: str, message: str) -> bytes:
    return json.dumps({"detail": {"case": case, "message": message, "status_code": 401, "docs": ""}}).encode()


def _handler(server: HistoryServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        """GET and POST alike."""

        def _answer(self) -> None:
            path, _, query = self.path.partition("?")
            form = query or self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
            name = path.rpartition("/")[2]
            given = {key: values[0] for key, values in parse_qs(form).items()}
            server.requests.append((name, given))
            user = base64.b64decode(self.headers.get("Authorization", "").removeprefix("Basic ")).decode()
            status, body = server.answer(name, given, user.partition(":")[0])
            is_file = status == 200 and name == "timeseries.get_range"
            self.send_response(status)
            self.send_header("Content-Type", "application/octet-stream" if is_file else "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def do_GET(self) -> None:
            """Any method."""
            self._answer()

        def do_POST(self) -> None:
            """Any method."""
            self._answer()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the library's name
            """Say nothing."""

    return Handler
