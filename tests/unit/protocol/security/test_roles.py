"""Who may do what."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.security.roles import ROLES, Grant


def grant(name: str, *roles: str, topics: tuple[str, ...] = ()) -> Grant:
    return Grant(name, frozenset(roles), topics)


@pytest.mark.parametrize(
    ("who", "purpose", "op", "may"),
    [
        (grant("desk", "query"), "query", "tick", True),
        (grant("desk", "query"), "query", "clear_all", False),
        (grant("desk", "query"), "query", "ack", False),
        (grant("desk", "query"), "ctl", "status", True),
        (grant("desk", "query"), "ctl", "stop", False),
        (grant("desk", "query"), "ctl", "anything new", False),
        (grant("desk", "query"), "ingest", "push", False),
        (grant("mt5", "publish"), "ingest", "push", True),
        (grant("mt5", "publish"), "query", "tick", False),
        (grant("mt5", "publish"), "query", "endpoints", False),
        (grant("ear", "subscribe"), "query", "fetch", True),
        (grant("ear", "subscribe"), "query", "tick", False),
        (grant("boss", "admin"), "query", "clear_all", True),
        (grant("boss", "admin"), "ctl", "stop", True),
        (grant("boss", "admin"), "", "tick", True),
        (grant("desk", "query"), "", "tick", False),
        (grant("persistence.1", "actor"), "query", "ack", True),
        (grant("journal.2", "actor"), "ctl", "ping", True),
        (grant("hub.1", "actor"), "ctl", "snap", True),
        (grant("hub.1", "actor"), "ctl", "stop", False),
        (grant("aggregator.1", "actor"), "ctl", "snap", False),
        (grant("gateway.1", "actor"), "ctl", "repair", True),
        (grant("guardian.1", "actor"), "ctl", "stop", True),
        (grant("gateway.1", "query"), "ctl", "repair", False),
    ],
)
def test_operations(who: Grant, purpose: str, op: str, may: bool) -> None:
    assert who.may_ask(purpose, op) is may


def test_a_fetch_is_for_topics_that_may_be_heard() -> None:
    who = grant("ear", "subscribe", topics=("quote.",))
    assert who.may_ask("query", "fetch", ["quote.binance."])
    assert not who.may_ask("query", "fetch", ["quote.", "trade."])
    assert not who.may_ask("query", "fetch"), "no prefix means all"


@given(st.text(max_size=12), st.text(min_size=1, max_size=12))
def test_a_prefix_may_be_heard_only_below_an_allowed_one(wanted: str, allowed: str) -> None:
    who = grant("ear", "subscribe", topics=(allowed,))
    assert who.may_subscribe(wanted) is wanted.startswith((allowed, "beat.", "mark."))


@given(st.sets(st.sampled_from(ROLES)), st.sampled_from(["ctl", "query", "ingest", ""]), st.text(max_size=10))
def test_more_roles_never_allow_less(roles: set[str], purpose: str, op: str) -> None:
    for role in ROLES:
        if grant("x", *roles).may_ask(purpose, op):
            assert grant("x", *roles, role).may_ask(purpose, op)
