"""How far a bar may leave its neighbours."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from actors.collector.bars.judging.spikes import (
    BOTH,
    COLD,
    FLOOR,
    ONE,
    WINDOW,
    excursion,
    floor_of,
    limit_of,
    told,
    true_range,
)
from actors.collector.bars.providers.provider import MINUTE_NS, ProviderBar
from tests.unit.actors.collector.bars.judging_world import FX, SHARE, scaled, verdicts, walk

FLAT = ProviderBar(0, 100.0, 100.0, 100.0, 100.0)
CALM = [0.5] * WINDOW


@pytest.mark.parametrize(
    ("bar", "found"),
    [
        (ProviderBar(0, 101.0, 104.0, 99.0, 102.0), (4.0, 1.0, 2.0, -1.0)),
        (ProviderBar(0, 101.0, 104.0, 100.5, 99.5), (4.0, -0.5, 1.0, 0.5)),
        (ProviderBar(0, 96.0, 100.0, 95.0, 97.0), (0.0, 5.0, -3.0, 4.0)),
    ],
)
def test_an_excursion_is_measured_to_the_edge_of_all_neighbours(bar, found):
    assert excursion(bar, [FLAT]) == found
    assert excursion(bar, [FLAT, ProviderBar(0, 99.9, 110.0, 90.0, 99.9)]).up < 0.0


def test_a_true_range_reaches_to_the_close_before():
    bar = ProviderBar(0, 102.0, 103.0, 101.5, 102.5)
    assert true_range(None, bar) == 1.5
    assert true_range(FLAT, bar) == 3.0
    assert true_range(scaled(FLAT, 1.1), bar) == pytest.approx(8.5)


def test_the_limit_is_so_many_median_ranges():
    assert limit_of(SHARE, CALM, 100.0) == BOTH * 0.5
    assert limit_of(SHARE, CALM, 100.0, has_next=False) == ONE * 0.5


def test_one_wild_bar_does_not_move_the_limit():
    assert limit_of(SHARE, [*CALM[1:], 1e6], 100.0) == BOTH * 0.5
    assert limit_of(SHARE, [1e6] * 60 + CALM, 100.0) == BOTH * 0.5


def test_while_there_is_no_scale_only_what_is_gross_is_a_spike():
    assert limit_of(SHARE, CALM[:19], 100.0) == COLD * floor_of(SHARE, 100.0)
    assert limit_of(SHARE, CALM[:20], 100.0) == BOTH * 0.5


def test_a_flat_market_has_a_floor():
    assert limit_of(FX, [0.0] * WINDOW, 1.15) == pytest.approx(FLOOR["fx"] * 1.15)
    coarse = FX._replace(tick_size=0.01)
    assert limit_of(coarse, [0.0] * WINDOW, 1.15) == pytest.approx(0.1)


def test_the_longer_ago_the_farther_a_price_may_be():
    near = limit_of(SHARE, CALM, 100.0)
    assert limit_of(SHARE, CALM, 100.0, apart_ns=16 * MINUTE_NS) == 4.0 * near


def test_what_is_told_is_the_longer_side():
    bar = ProviderBar(0, 100.0, 101.0, 90.0, 100.0)
    assert told(bar, excursion(bar, [FLAT]), 2.0) == "low 90 is 10 below its neighbours, more than 2"


@pytest.mark.parametrize("ticks", [1, 9])
def test_in_a_flat_market_a_tick_is_no_spike(ticks):
    flat = [replace(FLAT, ts_open_ns=bar.ts_open_ns) for bar in walk(60)]
    flat[40] = replace(flat[40], high=100.0 + ticks * 0.05)
    assert not verdicts(flat, SHARE._replace(tick_size=0.05))
    assert not verdicts(flat, SHARE)
