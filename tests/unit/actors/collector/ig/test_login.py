"""Logins of both versions against IG's REST side on this host; and what follows from each refusal."""

import pytest

from actors.collector.backoff import Backoff
from actors.collector.ig import http
from actors.collector.ig.login import ALLOWANCE_PAUSE_S, Fault, LoginError, LoginPauses, RestSession, fault_of
from actors.collector.ig.settings import IgSettings
from actors.collector.rest import RestError
from tests.support.ig_server import ACCOUNT, API_KEY, OTHER_ACCOUNT, PASSWORD, USER, IgServer

EPIC = "CS.D.EURUSD.CEEM.IP"


@pytest.fixture
def server():
    with IgServer() as server:
        server.markets[EPIC] = {"scalingFactor": 10000, "bid": 11515.4, "offer": 11516.0}
        yield server


class Time:
    now = 0

    def __call__(self):
        return self.now


def rest_of(server, **settings):
    given = {"username": USER, "password": PASSWORD, "api_key": API_KEY}
    time = Time()
    return RestSession(IgSettings(**given | settings), server.url, 5.0, time), time


@pytest.mark.parametrize("version", [2, 3])
def test_a_login_gives_a_ticket_that_the_stream_server_takes(server, version):
    rest, _ = rest_of(server, login_version=version)
    ticket = rest.log_in()
    assert (ticket.user, ticket.endpoint) == (ACCOUNT, server.endpoint)
    assert server.admits(ticket.user, ticket.password)
    assert rest.timezone_offset_h == 1.0
    expected = [("POST", "/session", version)]
    if version == 3:
        expected.append(("GET", "/session?fetchSessionTokens=true", 1))
    assert server.requests == expected


@pytest.mark.parametrize("version", [2, 3])
def test_another_account_is_made_the_active_one(server, version):
    rest, _ = rest_of(server, login_version=version, account_id=OTHER_ACCOUNT)
    ticket = rest.log_in()
    assert ticket.user == OTHER_ACCOUNT
    assert server.requests[-1] == ("PUT", "/session", 1)
    if version == 2:
        assert server.admits(OTHER_ACCOUNT, ticket.password)
        assert not server.admits(ACCOUNT, ticket.password)


def test_the_account_that_is_active_already_is_not_switched(server):
    rest, _ = rest_of(server, account_id=ACCOUNT)
    rest.log_in()
    assert len(server.requests) == 1


def test_oauth_tokens_are_refreshed_before_they_end(server):
    rest, time = rest_of(server, login_version=3)
    rest.log_in()
    time.now = 49_000_000_000
    assert rest.market(EPIC).snapshot.scalingFactor == 10000
    assert rest.refreshes == 0
    server.expire()
    time.now = 51_000_000_000
    rest.market(EPIC)
    assert (rest.refreshes, rest.logins) == (1, 1)
    assert server.requests[-2:] == [("POST", "/session/refresh-token", 1), ("GET", f"/markets/{EPIC}", 3)]


@pytest.mark.parametrize(("version", "later_s"), [(2, 0), (3, 0), (3, 60)], ids=["v2", "v3", "v3 refresh"])
def test_stale_tokens_lead_to_one_new_login(server, version, later_s):
    rest, time = rest_of(server, login_version=version)
    rest.log_in()
    server.revoke()
    time.now = later_s * 1_000_000_000
    assert rest.market(EPIC).instrument.epic == EPIC
    assert (rest.logins, server.logins) == (2, 2)


@pytest.mark.parametrize(
    ("status", "code", "fault"),
    [
        (401, "error.security.invalid-details", Fault.CREDENTIALS),
        (403, "error.security.api-key-invalid", Fault.CREDENTIALS),
        (403, "error.public-api.failure.encryption.required", Fault.CREDENTIALS),
        (403, "error.public-api.exceeded-api-key-allowance", Fault.ALLOWANCE),
        (403, "error.public-api.exceeded-account-allowance", Fault.ALLOWANCE),
        (403, "error.public-api.exceeded-account-historical-data-allowance", Fault.ALLOWANCE),
        (403, "", Fault.ALLOWANCE),
        (401, "error.security.client-token-invalid", Fault.STALE),
        (401, "", Fault.STALE),
        (500, "error.system", Fault.OTHER),
        (503, "", Fault.OTHER),
    ],
)
def test_kinds_of_refusals(server, status, code, fault):
    assert fault_of(status, code) is fault
    server.refusals.append((status, code))
    rest, _ = rest_of(server)
    with pytest.raises(LoginError) as caught:
        rest.log_in()
    assert caught.value.fault is fault
    assert str(caught.value) == f"HTTP {status} {code}".strip()


def test_no_secret_is_told():
    """Neither where the answer repeats what was sent, nor in what is printed."""

    def echo(method, url, headers, body, timeout_s):
        return http.Answer(401, {}, b'{"errorCode":"bad: ' + PASSWORD.encode() + b'"}')

    rest = RestSession(
        IgSettings(username=USER, password=PASSWORD, api_key=API_KEY), "https://x", 1.0, Time(), echo
    )
    with pytest.raises(LoginError) as caught:
        rest.log_in()
    assert str(caught.value) == "HTTP 401"
    for text in (repr(rest), repr(IgSettings(username=USER, password=PASSWORD, api_key=API_KEY))):
        assert PASSWORD not in text
        assert API_KEY not in text


@pytest.mark.parametrize("url", ["http://example.com/gateway/deal", "ftp://x", "file:///etc/passwd"])
def test_secrets_go_nowhere_unencrypted(url):
    assert not http.is_safe(url)
    with pytest.raises(RestError, match="neither https"):
        http.send("POST", url, {}, b"{}", 1.0)


def test_an_unencrypted_stream_address_is_not_used(server):
    server.endpoint = "http://push.example.com"
    rest, _ = rest_of(server)
    with pytest.raises(LoginError, match="encrypted"):
        rest.log_in()


def test_a_redirect_is_not_followed():
    """It could carry the password elsewhere."""
    with IgServer() as there, IgServer() as here:
        here._log_in = lambda version, body: (307, {"Location": f"{there.url}/session"}, {})
        rest, _ = rest_of(here)
        with pytest.raises(LoginError, match="HTTP 307"):
            rest.log_in()
        assert there.requests == []


def test_nobody_there_is_an_error_like_others():
    with IgServer() as server:
        url = server.url
    rest = RestSession(IgSettings(username=USER, password=PASSWORD, api_key=API_KEY), url, 1.0, Time())
    with pytest.raises(LoginError) as caught:
        rest.log_in()
    assert caught.value.fault is Fault.OTHER


def test_without_credentials_nothing_is_sent(server):
    rest, _ = rest_of(server, password="")
    with pytest.raises(LoginError, match="must be set") as caught:
        rest.log_in()
    assert caught.value.fault is Fault.CREDENTIALS
    assert server.requests == []


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b"\xff", b'{"currentAccountId":1}', b"[" * 5000])
def test_an_answer_that_cannot_be_read(body):
    rest = RestSession(
        IgSettings(username=USER, password=PASSWORD, api_key=API_KEY), "https://x", 1.0, Time(),
        lambda *_: http.Answer(200, {"cst": "a", "x-security-token": "b"}, body),
    )  # fmt: skip
    with pytest.raises(LoginError, match="cannot be read"):
        rest.log_in()


class TestPauses:
    def pauses(self):
        return LoginPauses(Backoff(1.0, 300.0, lambda: 1.0))

    def test_refused_credentials_stop_after_three(self):
        pauses = self.pauses()
        error = LoginError(Fault.CREDENTIALS, "x")
        for number in range(3):
            assert not pauses.is_stopped, number
            pauses.failed(error, 0)
        assert pauses.is_stopped
        pauses.reset()
        assert not pauses.is_stopped

    def test_a_good_login_in_between_forgives(self):
        pauses = self.pauses()
        for _ in range(5):
            pauses.failed(LoginError(Fault.CREDENTIALS, "x"), 0)
            pauses.failed(LoginError(Fault.CREDENTIALS, "x"), 0)
            pauses.succeeded(0)
        assert not pauses.is_stopped

    def test_trouble_of_the_network_never_stops_it(self):
        pauses = self.pauses()
        waits = [pauses.failed(LoginError(Fault.OTHER, "x"), 0) for _ in range(12)]
        assert waits[:4] == [1.0, 2.0, 4.0, 8.0]
        assert waits[-1] == 300.0
        assert not pauses.is_stopped

    def test_an_exceeded_allowance_is_a_long_pause(self):
        assert self.pauses().failed(LoginError(Fault.ALLOWANCE, "x"), 0) >= ALLOWANCE_PAUSE_S
