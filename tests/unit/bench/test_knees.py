"""Where a curve bends, by rule."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.bench.knees import FACTOR, SHARE, correlation, falling, reason, rising, saturated

XS = [1.0, 10.0, 100.0, 1000.0]
CURVES = st.lists(st.floats(0.1, 1e6), min_size=1, max_size=12)


def test_a_cost_that_grows_bends_at_the_last_point_that_is_near_its_lowest() -> None:
    assert rising(XS, [5.0, 5.1, 6.0, 9.0]) == 100.0
    assert rising(XS, [6.0, 5.0, 5.1, 6.2]) is None, "what grows by less than the factor does not bend"
    assert rising(XS, [9.0, 5.0, 5.1, 5.2]) is None, "what only falls does not grow"


def test_a_cost_that_falls_bends_where_it_has_come_to_its_lowest() -> None:
    assert falling(XS, [40.0, 20.0, 5.5, 5.0]) == 100.0
    assert falling(XS, [40.0, 20.0, 10.0, 5.0]) is None, "it still falls at the last point"
    assert falling(XS, [5.0, 5.1, 5.2, 5.0]) is None


def test_an_actor_is_full_behind_the_last_rate_that_it_took() -> None:
    assert saturated(XS, [1.0, 10.0, 99.0, 400.0]) == 100.0
    assert saturated(XS, XS) is None
    assert saturated(XS, [0.5, 10.0, 100.0, 1000.0]) is None, "the first rate was too much already"


@given(CURVES)
def test_up_to_the_knee_a_growing_cost_is_near_its_lowest_and_behind_it_not(ys: list[float]) -> None:
    xs = [float(place) for place in range(len(ys))]
    knee = rising(xs, ys)

    if knee is not None:
        assert ys[int(knee) + 1] > FACTOR * min(ys)
        assert all(y <= FACTOR * min(ys) for y in ys[ys.index(min(ys)) : int(knee) + 1])


@given(CURVES)
def test_from_the_knee_on_a_falling_cost_is_near_its_lowest_and_before_it_not(ys: list[float]) -> None:
    xs = [float(place) for place in range(len(ys))]
    knee = falling(xs, ys)

    if knee is not None:
        assert all(y <= FACTOR * min(ys) for y in ys[int(knee) :])
        assert ys[int(knee) - 1] > FACTOR * min(ys)


@given(st.lists(st.tuples(st.floats(1, 1e6), st.floats(0, 2)), min_size=1, max_size=12))
def test_every_rate_up_to_the_knee_was_taken(steps: list[tuple[float, float]]) -> None:
    offered = sorted(rate for rate, _ in steps)
    taken = [rate * share for rate, (_, share) in zip(offered, steps, strict=True)]
    knee = saturated(offered, taken)

    if knee is not None:
        place = offered.index(knee)
        assert taken[place] >= SHARE * offered[place]


def test_the_reason_is_what_follows_the_curve_best_with_its_ends() -> None:
    ys = [40.0, 20.0, 6.0, 5.0]
    causes = {"noise": [1.0, 3.0, 1.0, 2.0], "events to a frame": [1.0, 2.0, 7.5, 8.0]}

    assert reason(causes, ys, 3) == "events to a frame: 1 at the first point, 7.5 there"


@pytest.mark.parametrize(
    ("other", "wanted"), [([10.0, 20.0, 90.0], 1.0), ([3.0, 2.0, 1.0], -1.0), ([1.0, 1.0, 1.0], 0.0)]
)
def test_correlation_is_of_ranks(other: list[float], wanted: float) -> None:
    assert correlation([1.0, 2.0, 3.0], other) == pytest.approx(wanted)
