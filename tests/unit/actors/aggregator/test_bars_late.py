"""Events that come late, out of order, or with impossible times and values."""

import msgspec

from tests.unit.actors.aggregator.series import (
    Tape,
    builder,
    ns,
    play,
    second,
    statuses,
    trade,
)


def test_a_candle_closes_by_a_later_event_of_the_symbol():
    series = builder(["1s"], lateness_s=0.5)
    tape = play(series, [("trades", [trade(0.1)]), ("trades", [trade(1.499)])])
    assert not tape.closed("1s")
    play(series, [("trades", [trade(1.5)])], tape)
    assert list(tape.closed("1s")) == [ns(0)]


def test_an_event_within_the_lateness_is_in_time():
    series = builder(["1s"])
    tape = play(series, [("trades", [trade(0.2), trade(1.9), trade(0.9, 50.0)]), ("mark", ns(3))])
    bar = second(tape, 0)
    assert (bar.close, bar.count, bar.revision) == (50.0, 2, 1)
    assert not series._counters["late"]


def test_a_late_event_is_a_revision_in_every_timeframe_that_holds_it():
    series = builder(["1s", "5s", "15s"])
    tape = play(series, [("trades", [trade(n + 0.5, 100.0 + n) for n in range(7)]), ("mark", ns(8))])
    before = second(tape, 3)
    tape.all.clear()
    published = play(series, [("trades", [trade(2.9, 500.0, 7.0)])], Tape()).all

    assert [(bar.timeframe, bar.ts_open_ns, bar.revision) for bar in published] == [
        ("1s", ns(2), 2),
        ("5s", ns(0), 2),
    ]
    assert [(bar.high, bar.count) for bar in published] == [(500.0, 2), (500.0, 6)]
    assert published[0].close == 500.0, "it is the newest event of its own second"
    assert published[1].close == 104.0, "but not of the five seconds"
    assert second(play(series, [("mark", ns(20))], tape), 0, "15s").high == 500.0, "the open one has it too"
    kept = {bar.ts_open_ns: bar for bar in series.bars("1s")}
    assert kept[ns(3)] == before, "a later candle is untouched"


def test_a_late_event_older_than_all_in_its_candle_opens_it():
    series = builder(["1s"])
    tape = play(series, [("trades", [trade(1.5)]), ("mark", ns(9)), ("trades", [trade(1.1, 42.0)])])
    assert (second(tape, 1).open, second(tape, 1).close) == (42.0, 100.0)


def test_several_late_events_of_one_frame_are_one_revision():
    series = builder(["1s"])
    tape = play(series, [("trades", [trade(1.5)]), ("mark", ns(9)), ("trades", [trade(1.6), trade(1.7)])])
    assert (second(tape, 1).revision, second(tape, 1).count) == (2, 3)


def test_candles_of_one_frame_are_published_in_order_of_time():
    series = builder(["1s"])
    play(series, [("trades", [trade(n + 0.5) for n in range(8)])])
    published = play(series, [("trades", [trade(20.0), trade(2.9)])]).all
    opened = [bar.ts_open_ns for bar in published]
    assert opened == sorted(opened)
    assert published[0].ts_open_ns == ns(2)


def test_a_late_event_in_a_quiet_candle_moves_the_quiet_ones_after_it():
    series = builder(["1s", "5s"])
    tape = play(series, [("trades", [trade(0.5, 100.0), trade(4.5, 200.0)]), ("mark", ns(9))])
    assert statuses(tape, "1s") == {
        0: "gap",
        1: "quiet",
        2: "quiet",
        3: "quiet",
        4: "closed",
        5: "quiet",
        6: "quiet",
        7: "quiet",
    }
    play(series, [("trades", [trade(2.5, 150.0)])], tape)

    assert statuses(tape, "1s")[2] == "closed"
    assert [second(tape, n).close for n in range(6)] == [100.0, 100.0, 150.0, 150.0, 200.0, 200.0]
    assert [second(tape, n).revision for n in range(6)] == [1, 1, 2, 2, 1, 1]


def test_a_late_event_newer_than_all_moves_the_quiet_candles_to_come():
    series = builder(["1s", "5s"])
    tape = play(
        series, [("trades", [trade(0.5)]), ("mark", ns(12)), ("trades", [trade(2.0, 7.0)]), ("mark", ns(30))]
    )
    assert [second(tape, n).close for n in (1, 2, 10, 20)] == [100.0, 7.0, 7.0, 7.0]
    assert [second(tape, n, "5s").close for n in (0, 5, 20)] == [7.0, 7.0, 7.0]


def test_an_event_whose_first_candle_is_gone_still_corrects_the_longer_ones():
    series = builder(["1s", "1m"], keep=3)
    tape = play(
        series, [("trades", [trade(0.5), trade(30.5)]), ("trades", [trade(1.0, 900.0)]), ("mark", ns(62))]
    )
    assert second(tape, 0, "1m").high == 900.0
    assert series._counters["late"] == 1


def test_a_late_event_newer_than_all_moves_quiet_candles_even_if_its_own_is_gone():
    series = builder(["1s", "1m"], keep=3)
    tape = play(series, [("trades", [trade(0.5)]), ("mark", ns(20)), ("trades", [trade(2.0, 7.0)])])
    assert [second(tape, n).close for n in (15, 16, 17, 18)] == [100.0, 7.0, 7.0, 7.0]


def test_an_event_that_no_kept_candle_holds_is_dropped_and_counted():
    series = builder(["1s"], keep=3)
    tape = play(series, [("trades", [trade(0.5), trade(30.5)]), ("trades", [trade(1.0, 900.0)])])
    assert series._counters["late_dropped"] == 1
    assert max(bar.high for bar in tape.all) == 100.0


def test_impossible_values_are_refused_and_the_next_event_counts():
    series = builder(["1s"])
    bad = [trade(1.1, price) for price in (0.0, -1.0, float("nan"), float("inf"))] + [
        trade(1.1, 1.0, size) for size in (-1.0, float("nan"), float("inf"))
    ]
    bad.append(msgspec.structs.replace(trade(1.1), ts_event_ns=0))
    tape = play(series, [("trades", [trade(0.1), *bad, trade(1.2, 5.0)]), ("mark", ns(9))])
    assert (second(tape, 1).count, second(tape, 1).close) == (1, 5.0)
    assert series._counters["rejected_value"] == len(bad)


def test_a_venue_clock_a_little_ahead_is_legal_and_far_ahead_is_not():
    series = builder(["1s"], max_ahead_s=5.0)
    ahead = [msgspec.structs.replace(trade(at), ts_recv_ns=ns(0)) for at in (1.27, 5.0, 5.001, 86_400.0)]
    tape = play(series, [("trades", [trade(0.1), *ahead]), ("mark", ns(9))])
    assert series._counters["rejected_ahead"] == 2
    assert sum(bar.count for bar in tape.closed("1s").values()) == 3


def test_an_old_recording_played_today_is_legal():
    series = builder(["1s"])
    old = msgspec.structs.replace(trade(1.0), ts_recv_ns=ns(2 * 365 * 86_400))
    tape = play(series, [("trades", [old]), ("mark", ns(9))])
    assert second(tape, 1).count == 1


def test_an_event_an_hour_behind_is_refused():
    series = builder(["1s", "1m"], max_behind_s=3600.0)
    tape = play(series, [("trades", [trade(4000.0), trade(399.0, 1.0), trade(4000.1)]), ("mark", ns(4100))])
    assert series._counters["rejected_behind"] == 1
    assert min(bar.low for bar in tape.all) == 100.0


def test_one_poisoned_time_stamp_costs_one_event():
    """Far in the future as seen from the receive time, or far in the past: the candles are those without it."""
    good = [trade(n / 10, 100 + n % 7) for n in range(3000)]
    for poison in (9e8, -9e5):
        bad = msgspec.structs.replace(trade(150.0), ts_event_ns=ns(poison))
        clean, poisoned = (builder(["1s", "1m"]) for _ in range(2))
        expected = play(clean, [("trades", good)]).all
        assert play(poisoned, [("trades", [*good[:1500], bad, *good[1500:]])]).all == expected
