"""Tokens, tickets, rates and names, each by itself."""

from __future__ import annotations

import hashlib

import hypothesis.strategies as st
import pytest
from hypothesis import given

from actors.gateway.edge import origins
from actors.gateway.edge.rates import MAX_CALLERS, Rates
from actors.gateway.edge.rules import scope_of
from actors.gateway.edge.settings import TokenSettings
from actors.gateway.edge.tickets import MAX_TICKETS, Tickets
from actors.gateway.edge.tokens import EVERYBODY, Tokens, faults

S_NS = 1_000_000_000
DIGEST = hashlib.sha256(b"t" * 40).hexdigest()


@pytest.mark.parametrize(
    ("one", "says"),
    [
        (TokenSettings(), "not both and not neither"),
        (TokenSettings(token="t" * 40, sha256=DIGEST), "not both and not neither"),
        (TokenSettings(token="short"), "32 characters"),
        (TokenSettings(sha256="abc"), "not 64 digits"),
        (TokenSettings(sha256="zz" * 32), "not 64 digits"),
        (TokenSettings(sha256=DIGEST, scopes=[]), "may do nothing"),
        (TokenSettings(sha256=DIGEST, expires="soon"), "not like 2027-01-31"),
    ],
)
def test_a_token_that_is_none_is_a_fault_and_is_not_shown(one: TokenSettings, says: str) -> None:
    (fault,) = faults({"desk": one})
    assert says in fault
    assert fault.startswith("edge.tokens.desk: ")
    assert not one.token or one.token not in fault


def test_a_token_is_found_by_itself_or_by_its_digest() -> None:
    tokens = Tokens({"a": TokenSettings(sha256=DIGEST), "b": TokenSettings(token="u" * 40, source="mt5")})
    first, second = tokens.find("t" * 40, 0), tokens.find("u" * 40, 0)
    assert first is not None
    assert second is not None
    assert (first.name, second.name, second.source) == ("a", "b", "mt5")
    assert tokens.find(DIGEST, 0) is None
    assert tokens.find("\udcff", 0) is None


def test_a_token_ends_at_its_moment() -> None:
    tokens = Tokens({"a": TokenSettings(sha256=DIGEST, expires="1970-01-02")})
    assert tokens.find("t" * 40, 86_400 * S_NS - 1) is not None
    assert tokens.find("t" * 40, 86_400 * S_NS) is None


FOLDERS = ("/app/", "/css/", "/vendor/", "/docs/", "/problems/")
FILES = ("/", "/index.html", "/favicon.ico", "/favicon.svg", "/docs", "/health/live", "/api/v1/whoami")
PATHS = st.one_of(
    st.text(max_size=30), st.sampled_from([*FILES, *FOLDERS, "/api/v1/push", "/market-data", "/ws"])
)


@given(st.sampled_from(["GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "WHAT"]), PATHS, PATHS)
def test_whatever_is_not_known_to_be_open_is_closed(method: str, path: str, more: str) -> None:
    for asked in (path, path + more, path + "/"):
        needed = scope_of(method, asked)
        if method in ("GET", "HEAD"):
            is_file = asked in FILES or asked.startswith(FOLDERS)
            assert needed == ("" if is_file else "read")
        elif asked not in ("/api/v1/push", "/market-data", "/api/v1/ws-ticket"):
            assert needed == "admin"


def test_tickets_do_not_pile_up() -> None:
    tickets = Tickets()
    for _ in range(MAX_TICKETS + 10):
        tickets.issue(EVERYBODY, 0)
    assert len(tickets._open) == MAX_TICKETS
    tickets.issue(EVERYBODY, 31 * S_NS)
    assert len(tickets._open) == 1


@given(st.lists(st.integers(0, 3 * S_NS), max_size=60))
def test_no_second_lets_more_through_than_burst_and_rate(pauses_ns: list[int]) -> None:
    rates, now_ns, passed = Rates(5.0, 3), 0, []
    for pause_ns in pauses_ns:
        now_ns += pause_ns
        verdict = rates.take("a", now_ns)
        if verdict.is_allowed:
            passed.append(now_ns)
        else:
            assert rates.take("a", now_ns + round(verdict.retry_after_s * S_NS) + 1).is_allowed
            passed.append(now_ns := now_ns + round(verdict.retry_after_s * S_NS) + 1)
    for index, begin_ns in enumerate(passed):
        within = [one for one in passed[index:] if one - begin_ns < S_NS]
        assert len(within) <= 3 + 5


def test_callers_are_forgotten_and_do_not_share() -> None:
    rates = Rates(1.0, 1)
    assert rates.take("a", 0).is_allowed
    assert not rates.take("a", 0).is_allowed
    assert rates.take("b", 0).is_allowed
    for number in range(MAX_CALLERS):
        rates.take(str(number), 0)
    assert len(rates._buckets) == MAX_CALLERS


def test_settings_that_name_no_origin_are_told() -> None:
    found = origins.problems(
        ["http://desk"], ["*", "https://*.example", "desk.example", "https://x/y", "https://ok:1"]
    )
    assert len(found) == 5
