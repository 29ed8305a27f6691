"""The soak's verdict: what grows is seen, what is noise is not, and a run that is too short says so."""

import math
import os
from random import Random

import pytest

from tests.chaos.checks import Check
from tests.soak.sampling import Sample, sample_of
from tests.soak.slopes import HOUR_S, quantile, slope_of
from tests.soak.verdict import Reading, Soak, document_of, faults_of, lines_of, text_of

TIMES = [5.0 * number for number in range(720)]


def noisy(per_hour, seed=1, noise=3.0):
    random = Random(seed)
    return [100.0 + per_hour * at / HOUR_S + random.gauss(0, noise) for at in TIMES]


def test_a_straight_line_is_its_slope():
    slope = slope_of(TIMES, [7.0 + 2.0 * at / HOUR_S for at in TIMES])
    assert slope.per_hour == pytest.approx(2.0)
    assert (slope.low, slope.high) == (pytest.approx(2.0), pytest.approx(2.0))


def test_a_leak_is_seen_through_noise():
    assert slope_of(TIMES, noisy(50.0)).grows(8.0)


@pytest.mark.parametrize("seed", range(20))
def test_noise_is_no_leak(seed):
    assert not slope_of(TIMES, noisy(0.0, seed)).grows(8.0)


def test_the_interval_holds_the_true_slope_nearly_always():
    held = sum((one := slope_of(TIMES, noisy(10.0, seed))).low <= 10.0 <= one.high for seed in range(200))
    assert held >= 180


@pytest.mark.parametrize("seed", range(10))
def test_neighbours_that_are_alike_make_the_interval_wider(seed):
    """A random walk around a mean drifts for minutes: that is no growth."""
    random, value, walk = Random(seed), 0.0, []
    for _ in TIMES:
        value = 0.97 * value + random.gauss(0, 1.0)
        walk.append(value)
    alone, alike = slope_of(TIMES, [random.gauss(0, 4.0) for _ in TIMES]), slope_of(TIMES, walk)
    assert alike.high - alike.low > 2 * (alone.high - alone.low)


def test_a_few_measurements_say_nothing():
    slope = slope_of([0.0, 5.0], [1.0, 2.0])
    assert slope.is_vague(8.0)
    assert not slope.grows(0.0)
    assert math.isinf(slope.high)


def test_quantiles():
    assert quantile([], 0.5) == 0.0
    assert quantile([3.0, 1.0, 2.0], 0.5) == 2.0
    assert quantile(range(100), 0.99) == 99


def test_this_process_can_be_looked_at():
    sample = sample_of(os.getpid(), 1.0)
    assert sample.rss_mib > 5
    assert sample.fds > 2
    assert sample.threads >= 1
    assert sample_of(2**22 + 5, 1.0) is None


def soak(**changes):
    samples = [Sample(at, 5, 110.0, 100.0, 30, 4, at * 0.1) for at in TIMES]
    fields = {
        "settings": {"rate_per_s": 1000.0},
        "samples": {"hub.1": samples},
        "readings": [Reading(at, 100, 0.001, 0.002) for at in TIMES],
        "errors": {}, "seconds": 3600.0, "events": 3_600_000, "skipped_ms": 0, "restarts": {}, "tails": {}, "troubles": [],
        "checks": [Check(what="storage trades", expected=10)],
    }  # fmt: skip
    return Soak(**{**fields, **changes})


def test_a_good_run_passes():
    assert faults_of(soak()) == []
    assert "PASSED" in text_of(soak())
    assert document_of(soak())["passed"]
    assert {line.verdict for line in lines_of(soak())} == {"flat"}


def test_growth_restarts_losses_and_a_missed_rate_are_faults():
    leaky = [Sample(at, 5, 110.0, 100.0 + at / 30, 30, 4, at * 0.1) for at in TIMES]
    wrong = soak(
        samples={"hub.1": leaky},
        restarts={"orderflow.1": "1 times, exit status 1"},
        tails={"orderflow.1": "KeyError"},
        checks=[Check(what="storage trades", expected=10, lost=1)],
        events=1_800_000,
        errors={"timeout": 2},
    )
    faults = "\n".join(faults_of(wrong))
    for word in (
        "hub.1 PSS MiB grows",
        "orderflow.1 was started anew",
        "lost 1",
        "500 events a second",
        "timeout",
    ):
        assert word in faults
    assert "KeyError" in text_of(wrong)


def test_the_simulator_may_remember_everything():
    leaky = [Sample(at, 5, 110.0, 100.0 + at, 30, 4, 0.0) for at in TIMES]
    assert faults_of(soak(samples={"simulator.1": leaky})) == []
