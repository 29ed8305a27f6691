"""Medians, MADs and weighted means against vectors of others and slow definitions."""

import math
import statistics

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from actors.detector.statistics import SURE, Ewma, Window, median_of, summary_of

NUMBERS = st.floats(-1e6, 1e6, allow_nan=False)


@pytest.mark.parametrize(
    ("value", "window", "z"),
    [(50.0, [10, 11, 9, 10, 12, 10, 9], 26.98), (5.0, [1, 1, 1, 1, 1, 1, 2], 22.34)],
)
def test_detector_robust_z_gives_the_reference_vectors(value, window, z):
    assert summary_of(window).z(value) == pytest.approx(z, abs=0.005)


def test_detector_robust_z_of_a_history_without_spread():
    usual = summary_of([3.0] * 7)
    assert (usual.z(3.0), usual.z(3.1), usual.z(2.9)) == (0.0, SURE, -SURE)


def test_detector_upper_z_does_not_see_how_long_the_lower_side_is():
    dust = summary_of([-90.0, -50.0, -20.0, 0.0, 1.0, 2.0, 3.0])
    assert dust.z(10.0) == pytest.approx(0.6745 * 10.0 / 3.0)
    assert dust.upper_z(10.0) == pytest.approx(0.6745 * 10.0 / 2.0)


@given(st.lists(NUMBERS, min_size=1, max_size=40))
@settings(max_examples=50)
def test_detector_summary_is_that_of_the_definition(values):
    usual = summary_of(values)
    middle = statistics.median(values)
    assert usual.median == median_of(sorted(values)) == middle
    assert usual.mad == statistics.median(abs(value - middle) for value in values)
    assert usual.mean_deviation == pytest.approx(statistics.fmean(abs(value - middle) for value in values))


@given(st.lists(st.tuples(NUMBERS, st.integers(1, 12)), max_size=40))
@settings(max_examples=60)
def test_detector_window_holds_the_newest_also_when_its_size_changes(steps):
    window, slow = Window(), []
    for value, size in steps:
        window.add(value, size)
        slow = [*slow, value][-size:]
        assert sorted(window.values) == sorted(slow)
        assert window.exact() == summary_of(slow)


def test_detector_window_summary_is_renewed_after_a_sixteenth_of_it():
    window = Window()
    for _ in range(160):
        window.add(1.0, 160)
    assert window.summary().median == 1.0
    renewed = []
    for _ in range(22):
        window.add(2.0, 160)
        renewed.append(window.summary().mean_deviation > 0)
    assert renewed.index(True) == 10
    again = msgspec.msgpack.decode(msgspec.msgpack.encode(window), type=Window)
    assert again == window
    assert again.summary() == window.summary()


def test_detector_ewma_averages_plainly_at_first_and_forgets_later():
    ewma = Ewma()
    for value in (1.0, 2.0, 3.0):
        ewma.add(value, 0.1)
    assert ewma.mean == pytest.approx(2.0)
    assert ewma.variance == pytest.approx(2 / 3)
    for _ in range(200):
        ewma.add(7.0, 0.1)
    assert ewma.mean == pytest.approx(7.0)


def test_detector_ewma_is_not_spoilt_by_one_outlier():
    plain, spoilt = Ewma(), Ewma()
    for number in range(100):
        plain.add(math.sin(number), 0.02)
        spoilt.add(math.sin(number), 0.02)
    spoilt.add(1e9, 0.02)
    assert spoilt.mean - plain.mean < 5 * 0.02 * math.sqrt(plain.variance) * 1.001
    assert spoilt.z(6.0) > 3.5
    assert plain.z(plain.mean) == 0.0
