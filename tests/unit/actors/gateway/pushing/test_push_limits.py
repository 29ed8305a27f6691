"""How fast a source may push."""

from __future__ import annotations

import pytest

from actors.gateway.pushing.limits import MAX_SOURCES, Limits
from actors.gateway.pushing.settings import PushingSettings

S = 10**9
SETTINGS = PushingSettings(requests_per_s=2, request_burst=3, items_per_s=100, item_burst=1000)


def test_a_burst_passes_then_the_rate_counts_for_each_source():
    limits = Limits(SETTINGS)
    assert [limits.wait_s("a", 0) for _ in range(4)] == [0.0, 0.0, 0.0, 0.5]
    assert limits.wait_s("b", 0) == 0.0
    assert limits.wait_s("a", S // 2) == 0.0
    assert limits.wait_s("a", S // 2) == pytest.approx(0.5)


def test_items_are_counted_afterwards_and_waited_for():
    limits = Limits(SETTINGS)
    assert limits.wait_s("a", 0) == 0.0
    limits.spend("a", 1500, 0)
    assert limits.wait_s("a", 0) == pytest.approx(5.01)
    assert limits.wait_s("a", 6 * S) == 0.0


def test_a_refused_request_costs_nothing():
    limits = Limits(SETTINGS)
    for _ in range(100):
        limits.wait_s("a", 0)
    assert limits.wait_s("a", S // 2) == 0.0


def test_sources_are_forgotten_in_the_end():
    limits = Limits(SETTINGS)
    for number in range(MAX_SOURCES + 10):
        limits.wait_s(f"s{number}", 0)
    assert len(limits._known) == MAX_SOURCES
