"""Jumps that look like a split, and levels that are too far to be true."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from actors.collector.bars.judging.splits import FORGOTTEN_NS, SPLITS, level_of, nearest_jump, split_of
from actors.collector.bars.providers.provider import ProviderBar
from tests.unit.actors.collector.bars.judging_world import COIN, FX, MARKETS, SHARE, scaled

BEFORE = ProviderBar(0, 99.0, 101.0, 98.0, 100.0)


@pytest.mark.parametrize(("new", "old"), SPLITS)
@pytest.mark.parametrize("away", [0.981, 1.0, 1.019])
def test_a_ratio_near_a_split_is_told(new, old, away):
    assert split_of(new / old * away) == f"{new}:{old}"
    assert split_of(old / new / away) == f"{old}:{new}"


@pytest.mark.parametrize("ratio", [0.0, 0.72, 0.99, 1.0, 1.25, 1.4, 1.6, 2.5, 12.0, 1e308, float("inf")])
def test_another_ratio_is_none(ratio):
    assert split_of(ratio) == ""


def test_a_split_is_seen_at_the_open_or_at_the_close():
    at_open = ProviderBar(60, 25.1, 27.0, 25.0, 26.5)
    assert level_of(SHARE, BEFORE, at_open) == "split: 100 to 26.5 looks like a split 4:1"
    only_open = ProviderBar(60, 25.0, 101.0, 25.0, 100.0)
    assert not level_of(SHARE, BEFORE, only_open)
    at_close = ProviderBar(60, 206.0, 206.0, 200.0, 200.0)
    assert level_of(SHARE, BEFORE, at_close) == "split: 100 to 200 looks like a split 1:2"


@pytest.mark.parametrize(
    ("market", "ratio", "reason"),
    [
        (FX, 1.035, ""),
        (FX, 1.12, "level: 100 to 112, +12 %"),
        (FX, 0.88, "level: 100 to 88, -12 %"),
        (SHARE, 0.75, ""),
        (SHARE, 1.45, ""),
        (SHARE, 0.57, "level: 100 to 57, -43 %"),
        (COIN, 1.6, "level: 100 to 160, +60 %"),
        (COIN, 1e-310, "level: 100 to 1e-308, -100 %"),
    ],
)
def test_what_is_farther_than_a_market_goes_is_another_level(market, ratio, reason):
    assert level_of(market, BEFORE, scaled(replace(BEFORE, open=100.0), ratio)) == reason


def test_what_was_long_ago_says_nothing():
    half = scaled(BEFORE, 0.5)
    assert level_of(COIN, BEFORE, replace(half, ts_open_ns=FORGOTTEN_NS))
    assert not level_of(COIN, BEFORE, replace(half, ts_open_ns=FORGOTTEN_NS + 1))


@pytest.mark.parametrize("market", MARKETS)
def test_less_than_the_nearest_jump_is_no_level(market):
    nearest = nearest_jump(market)
    for ratio in (nearest * 0.999, 1.0 / (nearest * 0.999)):
        assert not level_of(market, BEFORE, scaled(replace(BEFORE, open=100.0), ratio))
    assert any(
        level_of(market, BEFORE, scaled(replace(BEFORE, open=100.0), nearest * more))
        for more in (1.001, 1.02)
    )
