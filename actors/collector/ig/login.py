"""IG's REST session: log in, keep tokens fresh, give tickets for streaming. Blocking: one thread at a time.

Version 2 gives session tokens in headers. Version 3 gives OAuth tokens that live about a minute, are refreshed before
a request that needs them, and are exchanged for session tokens where streaming needs these. Sources: IG's REST
reference, and the public clients that agree with it. Secrets are in no message and in no error here.
"""

from __future__ import annotations

import enum
import json
from collections.abc import Callable, Mapping
from typing import Any, Final
from urllib.parse import quote

from actors.collector.backoff import Backoff
from actors.collector.ig import http
from actors.collector.ig.actions import Ticket
from actors.collector.ig.rest_shapes import Market, OAuthToken, SessionBody, decode, error_code
from actors.collector.ig.settings import IgSettings
from actors.collector.outcomes import Reject
from actors.collector.rest import RestError

REST_URLS: Final = {
    "demo": "https://demo-api.ig.com/gateway/deal",
    "live": "https://api.ig.com/gateway/deal",
}
REFRESH_EARLY_S: Final = 10.0
MAX_REFUSALS: Final = 3
"""Refused credentials in a row; a fourth attempt could lock the account."""
ALLOWANCE_PAUSE_S: Final = 900.0
_CREDENTIALS: Final = (
    "invalid-details",
    "api-key",
    "encryption.required",
    "too-many-failed",
    "suspended",
    "not-enabled",
)
_SAME_ACCOUNT: Final = "accountId-must-be-different"

Send = Callable[[str, str, Mapping[str, str], bytes | None, float], http.Answer]


class Fault(enum.Enum):
    """What kind of refusal."""

    CREDENTIALS = "credentials"
    """Wrong name, password or key, or a login that needs what we do not do: trying again makes it worse."""
    ALLOWANCE = "allowance"
    """Too many requests."""
    STALE = "stale"
    """Tokens that count no longer."""
    OTHER = "other"
    """The network, or IG's own trouble."""


class LoginError(Exception):
    """IG did not give what was asked for; the text holds no secret."""

    def __init__(self, fault: Fault, text: str, status: int = 0, retry_after_s: float | None = None) -> None:
        super().__init__(text)
        self.fault = fault
        self.status = status
        self.retry_after_s = retry_after_s


def fault_of(status: int, code: str) -> Fault:
    """Kind of a refusal, from HTTP status and `errorCode`."""
    if ("exceeded-" in code and code.endswith("-allowance")) or status == 429:
        return Fault.ALLOWANCE
    if "-token-" in code:
        return Fault.STALE
    if any(word in code for word in _CREDENTIALS):
        return Fault.CREDENTIALS
    if status == 403:  # nobody here wants us for now, whatever the reason
        return Fault.ALLOWANCE
    return Fault.STALE if status == 401 else Fault.OTHER


class LoginPauses:
    """When to log in again after a refusal. Pure.

    Args:
        backoff: For the network and IG's own trouble.
    """

    def __init__(self, backoff: Backoff) -> None:
        self.refusals = 0
        """Of the credentials, in a row."""
        self._backoff = backoff

    @property
    def is_stopped(self) -> bool:
        """Whether a person must look at the credentials."""
        return self.refusals >= MAX_REFUSALS

    def failed(self, error: LoginError, mono_ns: int) -> float:
        """Seconds to wait; meaningless when it is stopped."""
        if error.fault is Fault.CREDENTIALS:
            self.refusals += 1
        pause_s = self._backoff.failed(mono_ns, 0, error.retry_after_s)
        return pause_s + ALLOWANCE_PAUSE_S if error.fault is Fault.ALLOWANCE else pause_s

    def succeeded(self, mono_ns: int) -> None:
        """Logged in."""
        self.refusals = 0
        self._backoff.flowing(mono_ns)

    def reset(self) -> None:
        """A person wants another attempt."""
        self.refusals = 0


class RestSession:
    """What is known of one login.

    Args:
        settings: Who we are.
        base_url: Of the REST side.
        timeout_s: For each step of a request.
        mono_ns: Monotonic clock.
        send: The way out; tests have their own.
    """

    def __init__(
        self,
        settings: IgSettings,
        base_url: str,
        timeout_s: float,
        mono_ns: Callable[[], int],
        send: Send = http.send,
    ) -> None:
        self.timezone_offset_h = 0.0
        self.logins = 0
        self.refreshes = 0
        self._settings = settings
        self._base_url = base_url.rstrip("/")
        self._timeout_s = timeout_s
        self._mono_ns = mono_ns
        self._send = send
        self._cst = self._xst = ""
        self._account = self._endpoint = ""
        self._oauth: OAuthToken | None = None
        self._oauth_until_ns = 0

    def __repr__(self) -> str:
        return f"RestSession({self._base_url!r})"

    def log_in(self) -> Ticket:
        """Log in anew.

        Raises:
            LoginError: refused, or IG cannot be reached.
        """
        settings = self._settings
        if not (settings.username and settings.password and settings.api_key):
            raise LoginError(Fault.CREDENTIALS, "ig.username, ig.password and ig.api_key must be set")
        self._cst = self._xst = ""
        self._oauth = None
        body: dict[str, Any] = {"identifier": settings.username, "password": settings.password}
        if settings.login_version == 2:
            body["encryptedPassword"] = False
        answer = self._call("POST", "/session", settings.login_version, body)
        session = self._session_of(answer)
        self._account, self._endpoint = session.account, session.lightstreamerEndpoint
        self.timezone_offset_h = session.timezoneOffset
        if settings.login_version == 2:
            self._take_tokens(answer)
        else:
            if session.oauthToken is None:
                raise LoginError(Fault.OTHER, "login without an OAuth token", answer.status)
            self._take_oauth(session.oauthToken)
            self._take_tokens(self._call("GET", "/session?fetchSessionTokens=true", 1))
        if settings.account_id and settings.account_id != self._account:
            self._switch(settings.account_id)
        if not self._endpoint or not http.is_safe(self._endpoint):
            raise LoginError(Fault.OTHER, "login without an encrypted stream address")
        self.logins += 1
        password = f"CST-{self._cst}|XST-{self._xst}"
        return Ticket(self._account, password, self._endpoint, self._mono_ns())

    def _switch(self, account_id: str) -> None:
        """Make another account the active one; that gives a new account token."""
        body = {"accountId": account_id, "defaultAccount": False}
        try:
            answer = self._call("PUT", "/session", 1, body)
        except LoginError as error:
            if _SAME_ACCOUNT not in str(error):
                raise
        else:
            self._xst = answer.headers.get("x-security-token", self._xst)
        self._account = account_id

    def get(self, path: str, version: int) -> bytes:
        """Body of a REST answer; logs in once more where the tokens have become stale.

        Raises:
            LoginError: refused, or IG cannot be reached.
        """
        try:
            self._keep_fresh()
            return self._call("GET", path, version).body
        except LoginError as error:
            if error.fault is not Fault.STALE:
                raise
        self.log_in()
        return self._call("GET", path, version).body

    def market(self, epic: str) -> Market:
        """What IG says of an epic.

        Raises:
            LoginError: refused, or the answer cannot be read.
        """
        found = decode(self.get(f"/markets/{quote(epic, safe='')}", 3), Market)
        if isinstance(found, Reject):
            raise LoginError(Fault.OTHER, found.detail)
        return found

    def _keep_fresh(self) -> None:
        """Refresh OAuth tokens before they end."""
        oauth = self._oauth
        if oauth is None or self._mono_ns() < self._oauth_until_ns:
            return
        answer = self._call(
            "POST", "/session/refresh-token", 1, {"refresh_token": oauth.refresh_token}, is_open=True
        )
        found = decode(answer.body, OAuthToken)
        if isinstance(found, Reject):
            raise LoginError(Fault.STALE, "refresh without a token", answer.status)
        self._take_oauth(found)
        self.refreshes += 1

    def _take_oauth(self, token: OAuthToken) -> None:
        self._oauth = token
        keep_s = max(token.expires_in - REFRESH_EARLY_S, token.expires_in / 2.0)
        self._oauth_until_ns = self._mono_ns() + round(keep_s * 1e9)

    def _take_tokens(self, answer: http.Answer) -> None:
        self._cst = answer.headers.get("cst", "")
        self._xst = answer.headers.get("x-security-token", "")
        if not (self._cst and self._xst):
            raise LoginError(Fault.OTHER, "login without session tokens", answer.status)

    def _session_of(self, answer: http.Answer) -> SessionBody:
        found = decode(answer.body, SessionBody)
        if isinstance(found, Reject) or not found.account:
            raise LoginError(Fault.OTHER, "the answer to the login cannot be read", answer.status)
        return found

    def _headers(self, version: int, *, is_open: bool) -> dict[str, str]:
        headers = {
            "Content-Type": "application/json; charset=UTF-8",
            "Accept": "application/json; charset=UTF-8",
            "X-IG-API-KEY": self._settings.api_key,
            "VERSION": str(version),
        }
        if is_open:
            return headers
        if self._oauth is not None:
            headers["Authorization"] = f"Bearer {self._oauth.access_token}"
            headers["IG-ACCOUNT-ID"] = self._account
        elif self._cst:
            headers["CST"], headers["X-SECURITY-TOKEN"] = self._cst, self._xst
        return headers

    def _call(
        self,
        method: str,
        path: str,
        version: int,
        body: dict[str, Any] | None = None,
        *,
        is_open: bool = False,
    ) -> http.Answer:
        """One request.

        Raises:
            LoginError: anything but 200.
        """
        data = None if body is None else json.dumps(body).encode()
        headers = self._headers(version, is_open=is_open)
        try:
            answer = self._send(method, self._base_url + path, headers, data, self._timeout_s)
        except RestError as error:
            raise LoginError(Fault.OTHER, str(error)) from None
        if answer.status != 200:
            code = error_code(answer.body)
            raise LoginError(
                fault_of(answer.status, code), f"HTTP {answer.status} {code}".strip(), answer.status
            )
        return answer
