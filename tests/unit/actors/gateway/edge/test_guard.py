"""Who is let in, from where, with what, and what everybody else is told."""

from __future__ import annotations

import pytest

from tests.unit.actors.gateway.edge.guarded import HOST, TOKENS, Guarded

PAGE = "https://desk.example"


def test_without_tokens_everybody_who_reaches_us_may_do_everything() -> None:
    guarded = Guarded()
    assert guarded.ask().text == "inside"
    assert guarded.ask("POST", "/api/v1/actors/hub.1:restart").status_code == 200
    assert guarded.seen[-1].may("admin")
    assert guarded.seen[-1].peer == "10.0.0.9"


@pytest.mark.parametrize(
    ("letter", "method", "path", "status"),
    [
        ("r", "GET", "/api/v1/quotes", 200),
        ("r", "GET", "/metrics", 200),
        ("r", "POST", "/api/v1/ws-ticket", 200),
        ("r", "POST", "/api/v1/push", 403),
        ("r", "POST", "/market-data", 403),
        ("r", "POST", "/api/v1/query", 403),
        ("r", "POST", "/api/v1/actors/hub.1:restart", 403),
        ("r", "DELETE", "/whatever/comes", 403),
        ("p", "POST", "/market-data", 200),
        ("p", "GET", "/api/v1/quotes", 403),
        ("p", "POST", "/api/v1/query", 403),
        ("a", "GET", "/api/v1/quotes", 200),
        ("a", "POST", "/api/v1/query", 200),
        ("a", "POST", "/market-data", 403),
        ("o", "GET", "/api/v1/quotes", 401),
        ("x", "GET", "/api/v1/quotes", 401),
    ],
)
def test_each_scope_reaches_its_own_paths(letter: str, method: str, path: str, status: int) -> None:
    assert Guarded(TOKENS).with_token(letter, method, path) == status


def test_the_key_header_is_as_good_as_the_bearer_one() -> None:
    assert Guarded(TOKENS).ask("POST", "/market-data", headers={"X-API-Key": "p" * 40}).status_code == 200


@pytest.mark.parametrize("path", ["/", "/app/main.js", "/css/base.css", "/vendor/x@1/x.js", "/health/live"])
def test_the_pages_own_files_need_no_token(path: str) -> None:
    guarded = Guarded(TOKENS)
    assert guarded.ask(path=path).text == "inside"
    assert not guarded.seen[-1].scopes


def test_a_request_without_a_token_is_told_what_it_lacks() -> None:
    answer = Guarded(TOKENS).ask()
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"].startswith("Bearer")
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["code"] == "unauthorized"


def test_a_wrong_token_is_never_repeated_to_anybody() -> None:
    answer = Guarded(TOKENS).ask(headers={"Authorization": "Bearer very-secret-guess"})
    assert "very-secret-guess" not in answer.text


def test_guessing_tokens_is_slowed_down() -> None:
    guarded = Guarded(TOKENS)
    told = [guarded.with_token("x") for _ in range(12)]
    assert told[0] == 401
    assert told[-1] == 429
    assert guarded.with_token("r") == 200  # who knows it is not kept out by who does not
    guarded.clock.ns += 60_000_000_000
    assert guarded.with_token("x") == 401


@pytest.mark.parametrize(
    ("host", "status"),
    [
        (HOST, 200), ("localhost:9800", 200), ("[::1]:9800", 200), ("192.168.1.7", 200), ("desk.lan:80", 200),
        ("evil.example", 421), ("127.0.0.1.evil.example:9800", 421), ("", 421),
    ],
)  # fmt: skip
def test_a_name_that_is_not_ours_is_refused(host: str, status: int) -> None:
    assert Guarded(hosts=["desk.lan"]).ask(headers={"Host": host}).status_code == status


class TestPagesElsewhere:
    def test_a_page_elsewhere_may_not_post(self) -> None:
        answer = Guarded().ask("POST", "/api/v1/query", headers={"Origin": "https://evil.example"})
        assert answer.status_code == 403
        assert "access-control-allow-origin" not in answer.headers

    def test_our_own_page_may(self) -> None:
        assert Guarded().ask("POST", headers={"Origin": f"http://{HOST}"}).status_code == 200

    def test_a_page_elsewhere_cannot_read_the_answer_of_a_get(self) -> None:
        answer = Guarded().ask(headers={"Origin": "https://evil.example"})
        assert "access-control-allow-origin" not in answer.headers
        assert answer.headers["cross-origin-resource-policy"] == "same-origin"

    def test_a_configured_page_may_after_asking(self) -> None:
        guarded = Guarded(TOKENS, origins=[PAGE])
        headers = {"Origin": PAGE, "Access-Control-Request-Method": "POST"}
        asked = guarded.ask("OPTIONS", headers=headers)
        assert asked.status_code == 204
        assert asked.headers["access-control-allow-origin"] == PAGE
        assert "Authorization" in asked.headers["access-control-allow-headers"]
        assert guarded.with_token("a", "POST", headers={"Origin": PAGE}) == 200

    def test_no_answer_is_for_any_origin_and_none_takes_cookies(self) -> None:
        for origin in (PAGE, "null", "https://evil.example"):
            headers = Guarded(origins=[PAGE]).ask(headers={"Origin": origin}).headers
            assert headers.get("access-control-allow-origin") in (None, PAGE)
            assert "access-control-allow-credentials" not in headers


class TestWebSockets:
    def test_a_page_elsewhere_is_refused(self) -> None:
        assert Guarded().handshake(origin="https://evil.example") == 403
        assert Guarded().handshake(origin=f"http://{HOST}") == 101
        assert Guarded(origins=[PAGE]).handshake(origin=PAGE) == 101

    def test_a_token_or_a_ticket_is_needed(self) -> None:
        guarded = Guarded(TOKENS)
        assert guarded.handshake() == 401
        assert guarded.handshake(authorization="Bearer " + "r" * 40) == 101
        assert guarded.handshake(query="token=" + "r" * 40) == 401

    def test_a_ticket_is_good_once_and_not_for_long(self) -> None:
        guarded = Guarded(TOKENS)
        caller = guarded.guard._tokens.find("r" * 40, guarded.clock.ns)
        assert caller is not None
        ticket, late = (guarded.tickets.issue(caller, guarded.clock.ns) for _ in range(2))
        assert guarded.handshake(query=f"encoding=msgpack&ticket={ticket}") == 101
        assert guarded.handshake(query=f"ticket={ticket}") == 401
        guarded.clock.ns += 31_000_000_000
        assert guarded.handshake(query=f"ticket={late}") == 401


class TestLimits:
    def test_more_than_the_rate_is_told_when_to_come_again(self) -> None:
        guarded = Guarded(requests_per_s=2.0, request_burst=3)
        answers = [guarded.ask() for _ in range(4)]
        assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
        assert int(answers[-1].headers["retry-after"]) >= 1
        assert answers[0].headers["ratelimit"].startswith('"default";r=2')
        guarded.clock.ns += 1_000_000_000
        assert guarded.ask().status_code == 200

    def test_the_pages_own_files_do_not_count(self) -> None:
        guarded = Guarded(requests_per_s=1.0, request_burst=1)
        assert [guarded.ask(path="/app/main.js").status_code for _ in range(4)] == [200] * 4

    def test_a_long_body_is_refused_by_its_announced_length(self) -> None:
        answer = Guarded(max_body_bytes=100).ask("POST", "/echo", content=b"x" * 101)
        assert answer.status_code == 413
        assert answer.json()["code"] == "too_large"

    def test_a_long_body_without_a_length_is_refused_as_it_comes(self) -> None:
        async def endless():
            while True:
                yield b"x" * 60

        assert Guarded(max_body_bytes=100).ask("POST", "/echo", content=endless()).status_code == 413

    def test_a_body_within_the_limit_passes(self) -> None:
        assert Guarded(max_body_bytes=100).ask("POST", "/echo", content=b"x" * 100).content == b"x" * 100

    def test_an_answer_that_does_not_come_is_given_up(self) -> None:
        answer = Guarded(request_timeout_s=0.01).ask(path="/slow")
        assert answer.status_code == 504
        assert answer.json()["code"] == "timeout"


class TestOurOwnBugs:
    def test_a_bug_is_an_answer_that_tells_nothing_of_the_inside(self) -> None:
        guarded = Guarded()
        answer = guarded.ask(path="/broken")
        assert answer.status_code == 500
        assert "RuntimeError" not in answer.text
        assert guarded.counters["http_bugs"] == 1
        assert guarded.ask().status_code == 200

    def test_half_an_answer_is_cut_off_and_never_completed(self) -> None:
        guarded = Guarded()
        guarded.ask(path="/half")
        assert guarded.counters["http_bugs"] == 1


def test_every_answer_says_what_a_browser_may_do_with_it() -> None:
    guarded = Guarded(TOKENS)
    for answer in (guarded.ask(), guarded.ask(path="/"), guarded.ask(headers={"Host": "evil.example"})):
        policy = answer.headers["content-security-policy"]
        assert "default-src 'self'" in policy
        assert "unsafe" not in policy
        assert "frame-ancestors 'none'" in policy
        assert answer.headers["x-content-type-options"] == "nosniff"


def test_what_has_its_version_in_its_name_is_kept_and_data_never() -> None:
    guarded = Guarded()
    assert "immutable" in guarded.ask(path="/vendor/uplot@1.6.32/uplot.js").headers["cache-control"]
    assert guarded.ask(path="/app/main.js").headers["cache-control"] == "no-cache"
    assert guarded.ask().headers["cache-control"] == "no-store"
