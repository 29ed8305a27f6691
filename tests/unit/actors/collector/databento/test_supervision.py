"""When to come again, and what to believe of what the client raises."""

from __future__ import annotations

import pytest

from actors.collector.backoff import Backoff
from actors.collector.databento.control import GatewayError
from actors.collector.databento.supervision import Supervisor

S = 10**9


def supervisor(replay_max_s: float = 86_000.0) -> Supervisor:
    """One whose random is always 1."""
    found = Supervisor(Backoff(1.0, 60.0, lambda: 1.0), 300.0, replay_max_s, 1.0)
    found.begin()
    return found


def test_a_clean_end_is_tried_again_after_a_pause_that_grows() -> None:
    found = supervisor()
    assert [found.ended("", False, 0).pause_s for _ in range(3)] == [1.0, 2.0, 4.0]
    assert found.next_attempt_ns == 4 * S


@pytest.mark.parametrize("name", ["auth_failed", "api_key_deactivated", "connection_limit_exceeded"])
def test_refusals_pause_long(name: str) -> None:
    found = supervisor()
    found.error(GatewayError(name, "no"))
    end = found.ended("no", False, 0)
    assert (end.is_refused, end.pause_s, end.reason) == (True, 300.0, f"{name}: no")
    assert supervisor().ended("Authentication failed.", True, 0).is_refused


def test_old_error_texts_do_not_make_a_clean_end_an_error() -> None:
    """The client remembers every error text and raises them at the next end, whatever it is."""
    found = supervisor()
    found.error(GatewayError("symbol_resolution_failed", "6X.v.0"))
    end = found.ended("The following errors occurred: 6X.v.0", False, 0)
    assert end.reason == "closed by the gateway after symbol_resolution_failed"
    assert not end.is_refused
    found.begin()
    assert found.ended("Connection reset by peer", False, 0).reason == "Connection reset by peer"


def test_a_replay_begins_a_little_before_the_newest_record() -> None:
    assert supervisor().replay_from_ns(50 * S, 60 * S) == (49 * S, "")


def test_reasons_for_no_replay() -> None:
    assert supervisor().replay_from_ns(0, 60 * S) == (0, "nothing came before")
    assert supervisor(0.0).replay_from_ns(50 * S, 60 * S) == (0, "replay is switched off")
    assert supervisor(5.0).replay_from_ns(50 * S, 60 * S) == (0, "away for more than 5 s")
    found = supervisor()
    found.error(GatewayError("replay_data_aged_out", "too old"))
    assert found.replay_from_ns(50 * S, 60 * S) == (0, "the gateway keeps nothing so old")
    assert found.replay_from_ns(50 * S, 60 * S)[0], "only once: newer data can be replayed again"
