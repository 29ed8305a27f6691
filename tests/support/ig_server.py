"""IG's REST side for tests: logins of both versions, tokens that end, epics, candles. In a thread, steered by the test."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Final

DEADLINE_S: Final = 40.0
PREFIX: Final = "/gateway/deal"
USER, PASSWORD, API_KEY = "myuser", "mypass", "key123"
ACCOUNT: Final = "ABC12"
OTHER_ACCOUNT: Final = "XYZ99"
Answer = tuple[int, dict[str, str], Any]


class IgServer:
    """Use as a context manager; `url` is the REST base address, `endpoint` what logins name for streaming."""

    def __init__(self, endpoint: str = "http://127.0.0.1:1") -> None:
        self.endpoint = endpoint
        self.refusals: list[tuple[int, str]] = []
        """Status and errorCode of the answers to the next logins."""
        self.expires_in = "60"
        self.markets: dict[str, dict[str, Any]] = {}
        """Epic to the `snapshot` of its market; 404 for others."""
        self.requests: list[tuple[str, str, int]] = []
        """(method, path, version) of each request."""
        self.logins = 0
        self._number = 0
        self._sessions: dict[tuple[str, str], str] = {}
        """(CST, X-SECURITY-TOKEN) to the active account."""
        self._oauth: dict[str, str] = {}
        """Access token to account."""
        self._refresh: dict[str, str] = {}
        self._changed = threading.Condition(threading.RLock())
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)

    @property
    def url(self) -> str:
        """REST base address."""
        return f"http://127.0.0.1:{self._server.server_port}{PREFIX}"

    def __enter__(self) -> IgServer:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(DEADLINE_S)

    # steering

    def wait(self, condition: Callable[[], Any], what: str, deadline_s: float = DEADLINE_S) -> Any:
        """Wait until something that a client does has happened."""
        with self._changed:
            assert self._changed.wait_for(condition, deadline_s), f"waited {deadline_s:g} s for {what}"
            return condition()

    def revoke(self) -> None:
        """All tokens count no longer, as after the weekend's maintenance."""
        with self._changed:
            self._sessions.clear()
            self._oauth.clear()
            self._refresh.clear()

    def expire(self) -> None:
        """Access tokens end; they can be refreshed."""
        with self._changed:
            self._oauth.clear()

    def admits(self, user: str, password: str) -> bool:
        """Whether the stream server takes them: the active account and its session tokens."""
        with self._changed:
            return any(
                user == account and password == f"CST-{cst}|XST-{xst}"
                for (cst, xst), account in self._sessions.items()
            )

    # inside

    def _answer(self, method: str, path: str, headers: dict[str, str], body: dict[str, Any]) -> Answer:
        version = int(headers.get("version", 1))
        with self._changed:
            self.requests.append((method, path, version))
            self._changed.notify_all()
            if headers.get("x-ig-api-key") != API_KEY:
                return _refuse(403, "error.security.api-key-invalid")
            if method == "POST" and path == "/session":
                return self._log_in(version, body)
            if method == "POST" and path == "/session/refresh-token":
                return self._refreshed(body)
            return self._known(method, path, headers, body)

    def _log_in(self, version: int, body: dict[str, Any]) -> Answer:
        if self.refusals:
            return _refuse(*self.refusals.pop(0))
        if (body.get("identifier"), body.get("password")) != (USER, PASSWORD):
            return _refuse(401, "error.security.invalid-details")
        self.logins += 1
        about = {"clientId": "100112233", "timezoneOffset": 1, "lightstreamerEndpoint": self.endpoint}
        if version == 2:
            return 200, self._tokens(ACCOUNT), {"currentAccountId": ACCOUNT, **about}
        return 200, {}, {"accountId": ACCOUNT, **about, "oauthToken": self._oauth_token(ACCOUNT)}

    def _next(self, name: str) -> str:
        self._number += 1
        return f"{name}{self._number}"

    def _tokens(self, account: str) -> dict[str, str]:
        cst, xst = self._next("cst"), self._next("xst")
        self._sessions[cst, xst] = account
        return {"CST": cst, "X-SECURITY-TOKEN": xst}

    def _oauth_token(self, account: str) -> dict[str, str]:
        access, refresh = self._next("access"), self._next("refresh")
        self._oauth[access] = self._refresh[refresh] = account
        return {
            "access_token": access,
            "refresh_token": refresh,
            "scope": "profile",
            "token_type": "Bearer",
            "expires_in": self.expires_in,
        }

    def _refreshed(self, body: dict[str, Any]) -> Answer:
        account = self._refresh.pop(str(body.get("refresh_token")), None)
        if account is None:
            return _refuse(401, "error.security.oauth-token-invalid")
        return 200, {}, self._oauth_token(account)

    def _known(self, method: str, path: str, headers: dict[str, str], body: dict[str, Any]) -> Answer:
        """Requests of somebody who is logged in."""
        key = headers.get("cst", ""), headers.get("x-security-token", "")
        bearer = headers.get("authorization", "").removeprefix("Bearer ")
        account = self._oauth.get(bearer) if bearer else self._sessions.get(key)
        if account is None:
            word = "oauth-token-invalid" if bearer else "client-token-invalid"
            return _refuse(401, f"error.security.{word}")
        if method == "PUT" and path == "/session":
            return self._switch(key, account, str(body.get("accountId")))
        if method == "GET" and path == "/session?fetchSessionTokens=true":
            return 200, self._tokens(account), {"accountId": account, "lightstreamerEndpoint": self.endpoint}
        epic = path.removeprefix("/markets/")
        if epic in self.markets:
            return 200, {}, {"instrument": {"epic": epic}, "snapshot": self.markets[epic]}
        return _refuse(404, "error.service.marketdata.instrument.epic.unavailable")

    def _switch(self, key: tuple[str, str], account: str, wanted: str) -> Answer:
        if wanted == account:
            return _refuse(412, "error.switch.accountId-must-be-different")
        if wanted != OTHER_ACCOUNT:
            return _refuse(400, "error.switch.invalid-accountId")
        xst = self._next("xst")
        self._sessions.pop(key, None)
        self._sessions[key[0], xst] = wanted
        return 200, {"X-SECURITY-TOKEN": xst}, {"dealingEnabled": True}

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        server = self

        class Handler(BaseHTTPRequestHandler):
            """Hands every request to the server."""

            def do_GET(self) -> None:
                """Any."""
                self._do("GET")

            def do_POST(self) -> None:
                """Any."""
                self._do("POST")

            def do_PUT(self) -> None:
                """Any."""
                self._do("PUT")

            def _do(self, method: str) -> None:
                data = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                headers = {name.lower(): value for name, value in self.headers.items()}
                body = json.loads(data) if data else {}
                status, extra, answer = server._answer(method, self.path.removeprefix(PREFIX), headers, body)
                encoded = json.dumps(answer).encode()
                self.send_response(status)
                for name, value in {**extra, "Content-Length": str(len(encoded))}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(encoded)

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the library's name
                """Say nothing."""

        return Handler


def _refuse(status: int, code: str) -> Answer:
    return status, {}, {"errorCode": code}
