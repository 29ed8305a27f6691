"""Volume by price: buckets, their bound, point of control and value area; footprints and profile of the fold."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from actors.orderflow.price_ladder import PriceLadder, number_of, price_step
from protocol.messages import SELL
from tests.unit.actors.orderflow import reference
from tests.unit.actors.orderflow.tape import START, Heard, gap, ns, trade


def ladder(*volumes, step=1.0, most=500):
    found = PriceLadder(step)
    for price, volume in enumerate(volumes, 100):
        if volume:
            found.add(price, 0.0, volume, 0.0, most)
    return found


@pytest.mark.parametrize(
    ("volumes", "area"),
    [
        ((5,), (100, 100, 101)),
        ((1, 9, 1), (101, 101, 102)),
        # pairs: 3 + 2 above against 1 + 1 below, both taken: 10 + 5 of 20, enough
        ((1, 1, 10, 3, 2, 1, 2), (102, 102, 105)),
        # equal pairs: the upper
        ((2, 2, 10, 2, 2), (102, 102, 105)),
        # of equal ones the nearest to the middle, then the lower
        ((7, 0, 7, 0, 7), (102, 100, 105)),
        ((7, 7), (100, 100, 102)),
    ],
)
def test_point_of_control_and_value_area(volumes, area):
    assert ladder(*volumes).area() == area


@given(st.lists(st.integers(1, 30).map(float), min_size=1, max_size=30))
@settings(max_examples=40, deadline=None)
def test_the_value_area_is_what_the_rule_says(volumes):
    found, (poc, first, last) = ladder(*volumes).area(), reference.value_area(volumes)
    assert found == (100 + poc, 100 + first, 101 + last)
    assert sum(volumes[first : last + 1]) >= 0.7 * sum(volumes) - 1e-9


rows = st.lists(
    st.tuples(st.integers(1, 4000), st.integers(1, 9), st.sampled_from((0, 1, -1))), min_size=1, max_size=60
)


@given(rows, st.integers(2, 20))
@settings(max_examples=40, deadline=None)
def test_buckets_are_bounded_and_lose_no_volume(trades, most):
    found = PriceLadder(0.25)
    for ticks, size, side in trades:
        cell = [0.0, 0.0, 0.0]
        cell[side] = float(size)
        found.add(ticks * 0.25, *cell[:2], cell[-1], most)
    assert len(found.cells) <= most
    power = found.step / 0.25
    assert power == 2 ** round(power).bit_length() / 2
    expected: dict[int, list[float]] = {}
    for ticks, size, side in trades:
        expected.setdefault(int(ticks * 0.25 // found.step), [0.0, 0.0, 0.0])[side] += size
    assert found.cells == expected


def test_prices_on_an_edge_belong_to_the_bucket_above_it():
    for ticks in range(1, 20_000, 37):
        assert number_of(ticks * 0.1, 0.1) == ticks
        assert number_of(float(f"{ticks / 10:.1f}"), 0.1) == ticks
        assert number_of(ticks * 0.1 + 0.05, 0.1) == ticks


@pytest.mark.parametrize(
    ("price", "tick", "step"),
    [
        (60_000.0, 0.01, 5.0),
        (60_000.0, 0.0, 5.0),
        (1.09, 0.00005, 0.0001),
        (0.0069, 0.0000005, 0.0000005),
        (148.0, 0.001, 0.02),
        (5_000.0, 0.25, 0.5),
        (3.0, 1.0, 1.0),
    ],
)
def test_a_step_that_nobody_has_set_is_about_a_basis_point(price, tick, step):
    assert price_step(price, tick) == step


def test_absurd_prices_do_not_break_it():
    found = Heard().play(trade(0.1, 1e-12, number=1), trade(0.2, 9e14, number=2), ("mark", 1.25))
    assert sum(found.footprints()[-1].buy_volumes) == 2
    found.fold.restore(found.fold.snapshot())


# in the fold


def test_a_running_footprint_each_second_and_a_closed_one_at_the_end():
    heard = Heard(price_steps={"BTC_USDT": 1.0})
    heard.play(trade(0.5, 100.2, 2), trade(0.6, 101.9, 3, SELL), ("mark", 1.2))
    assert heard.footprints() == []
    heard.play(("mark", 1.25), ("mark", 3.0), trade(3.1, 100.9, 0.5), trade(3.05, 100.9, 0.5), ("mark", 30))
    running = heard.footprints()
    assert [(one.revision, one.status, one.count) for one in running] == [(0, "open", 2), (0, "open", 4)]
    assert running[-1].prices == [100.0, 101.0]
    heard.play(trade(60.0, 100, 7), ("mark", 60.25), ("mark", 61.25))
    closed, after = heard.footprints()[2:]
    assert (closed.revision, closed.status, closed.ts_open_ns, closed.ts_event_ns) == (
        1,
        "gap",
        START,
        ns(3.1),
    )
    assert (closed.prices, closed.buy_volumes, closed.sell_volumes) == ([100, 101], [3, 0], [0, 3])
    assert (closed.volume, closed.delta, closed.poc, closed.count) == (6, 0, 100, 4)
    assert (closed.value_area_low, closed.value_area_high) == (100, 102)
    assert closed.coverage == pytest.approx(59.5 / 60)
    assert (after.ts_open_ns, after.volume, after.revision) == (ns(60), 7, 0)


def test_late_and_repaired_trades_revise_the_footprints_that_are_kept():
    heard = Heard(keep_footprints=2)
    heard.play(*(trade(minute * 60 + 1, 100, 1, number=minute + 1) for minute in range(4)), ("mark", 240.25))
    before = len(heard.footprints())
    late = [trade(minute * 60 + 2, 100, 5, SELL, number=99 + minute) for minute in range(4)]
    heard.play(("repaired", late), ("mark", 240.5))
    revised = heard.footprints()[before:]
    assert [(one.ts_open_ns, one.revision, one.volume) for one in revised] == [
        (ns(120), 2, 6),
        (ns(180), 2, 6),
    ]
    profile = heard.play(("mark", 250.25)).footprints("session")[-1]
    assert (profile.volume, profile.count, profile.revision) == (24, 8, 0)


def test_a_gap_and_its_end_revise_a_closed_footprint():
    heard = Heard().play(trade(0, number=1), ("mark", 61), trade(61, number=2), ("mark", 121))
    before = len(heard.footprints())
    heard.play(gap(70, 76), ("mark", 121.25), gap(70, 76, "filled"), ("mark", 121.5))
    assert [(one.status, one.coverage, one.revision) for one in heard.footprints()[before:]] == [
        ("gap", 0.9, 2),
        ("closed", 1.0, 3),
    ]


def test_the_profile_begins_anew_with_the_session_and_flows_carry_it():
    heard = Heard(price_steps={"BTC_USDT": 1.0}).play(trade(0, 100, 5), ("mark", 10.25))
    assert [(one.ts_open_ns, one.revision) for one in heard.footprints("session")] == [
        (START - 3600 * 10**9, 0)
    ]
    flow = heard.flows(0.0)[10.0]
    assert (flow.values["poc"], flow.values["value_area_low"], flow.values["value_area_high"]) == (
        100,
        100,
        101,
    )
    night = 23 * 3600
    heard.play(trade(night + 1, 200, 3, SELL, number=9), ("mark", night + 20.25))
    first, second = [one for one in heard.footprints("session") if one.revision or one.ts_open_ns > START]
    assert (first.revision, first.volume, first.prices) == (1, 5, [100])
    assert (second.ts_open_ns, second.volume, second.prices) == (ns(night), 3, [200])
    flows = heard.flows(0.0)
    assert flows[night].values["cvd"] == 5
    assert flows[night + 10].values["cvd"] == -3
    assert heard.flows(5.0)[night + 3].values["cvd"] == -3
    assert flows[night + 10].coverage == 1.0


def test_minutes_without_a_trade_have_a_footprint_too():
    heard = Heard(footprint_timeframes=["15s"]).play(trade(0, 100, 5), ("mark", 45.25))
    closed = [one for one in heard.footprints("15s") if one.revision]
    assert [(one.ts_open_ns, one.volume, one.prices) for one in closed] == [
        (ns(0), 5, [100]),
        (ns(15), 0, []),
        (ns(30), 0, []),
    ]


def test_a_quiet_minute_after_midnight_keeps_the_height_until_a_trade_decides_anew():
    heard = Heard().play(trade(0, 100, 5, number=1), ("mark", 10))
    night = 23 * 3600
    heard.play(("mark", night - 1), ("mark", night + 90.25), trade(night + 91, 10_000, 3, number=2))
    heard.play(("mark", night + 120.25), trade(night + 121, 10_000, 3, number=3), ("mark", night + 180.25))
    closed = [one for one in heard.footprints() if one.revision and one.ts_open_ns >= ns(night)]
    assert [(one.volume, one.price_step) for one in closed] == [(0, 0.01), (3, 0.01), (3, 1.0)]
