"""What was not seen: gaps of the ledger, frames lost on the bus, restarts."""

from tests.unit.actors.aggregator.series import builder, gap, ns, play, second, statuses, trade


def test_the_first_candle_was_not_seen_from_its_start():
    series = builder(["1s", "5s"])
    tape = play(series, [("trades", [trade(0.75)]), ("mark", ns(7))])
    assert (second(tape, 0).status, second(tape, 0).coverage) == ("gap", 0.25)
    assert (second(tape, 0, "5s").status, second(tape, 0, "5s").coverage) == ("gap", 0.85)
    assert second(tape, 1).coverage == 1.0


def test_the_coverage_of_a_running_candle_is_that_of_its_part_so_far():
    series = builder(["1s", "5s"])
    shown = play(series, [("trades", [trade(0.4)]), ("mark", ns(0.8))]).all
    assert [bar.coverage for bar in shown] == [0.5, 0.5]
    shown = play(series, [("trades", [trade(1.2)]), ("mark", ns(1.6))]).all
    assert [bar.coverage for bar in shown] == [1.0, 0.75]


def test_a_gap_marks_every_candle_that_it_touches_and_is_shown_as_stale():
    series = builder(["1s", "5s", "15s"])
    tape = play(series, [("trades", [trade(0.0), trade(7.1)]), ("gap", gap(7.5, None)), ("mark", ns(7.6))])
    assert {bar.status for bar in tape.all if not bar.revision} == {"stale"}
    play(
        series,
        [
            ("mark", ns(12)),
            ("gap", gap(7.5, 11.25, "unfillable")),
            ("trades", [trade(11.3)]),
            ("mark", ns(20)),
        ],
        tape,
    )

    assert statuses(tape, "1s") == {
        **dict.fromkeys(range(19), "quiet"), 0: "closed", 7: "gap", 8: "gap", 9: "gap", 10: "gap", 11: "gap",
    }  # fmt: skip
    assert [second(tape, n).coverage for n in (7, 9, 11, 12)] == [0.5, 0.0, 0.75, 1.0]
    assert statuses(tape, "5s") == {0: "closed", 5: "gap", 10: "gap"}
    assert second(tape, 5, "5s").coverage == 0.5
    assert second(tape, 0, "15s").coverage == 0.75
    assert second(tape, 9).close == 100.0, "the close before is repeated"


def test_a_gap_over_closed_candles_is_a_revision_and_so_is_its_repair():
    series = builder(["1s", "5s"])
    tape = play(series, [("trades", [trade(0.0)]), ("mark", ns(8)), ("gap", gap(2.5, 4.5, "open"))])
    assert [second(tape, n).status for n in range(6)] == ["closed", "quiet", "gap", "gap", "gap", "quiet"]
    assert [second(tape, n).revision for n in range(6)] == [1, 1, 2, 2, 2, 1]
    assert second(tape, 0, "5s").coverage == 0.6

    play(series, [("gap", gap(2.5, 4.5, "filled"))], tape)
    assert [second(tape, n).status for n in range(6)] == ["closed"] + ["quiet"] * 5
    assert [second(tape, n).revision for n in range(6)] == [1, 1, 3, 3, 3, 1]
    assert (second(tape, 0, "5s").status, second(tape, 0, "5s").coverage) == ("closed", 1.0)


def test_a_gap_that_shrinks_gives_back_what_it_covered():
    series = builder(["1s"])
    steps = [
        ("trades", [trade(0.0)]),
        ("gap", gap(2.0, None)),
        ("mark", ns(8)),
        ("gap", gap(4.0, 5.0, "filling")),
    ]
    assert [bar.status for bar in play(series, steps).closed("1s").values()] == [
        "closed", "quiet", "quiet", "quiet", "gap", "quiet", "quiet",
    ]  # fmt: skip


def test_a_gap_shows_no_running_candle_without_events():
    series = builder(["1s", "5s"])
    play(series, [("trades", [trade(0.0)]), ("mark", ns(8))])
    shown = play(series, [("gap", gap(7.5, None)), ("mark", ns(8.2))]).all
    assert [bar for bar in shown if not bar.revision] == []


def test_a_gap_without_length_still_counts():
    series = builder(["1s"])
    tape = play(series, [("trades", [trade(0.0)]), ("gap", gap(2.5, 2.5, "unfillable")), ("mark", ns(8))])
    assert statuses(tape, "1s")[2] == "gap"


def test_frames_lost_on_the_bus_make_a_gap_up_to_the_next_event():
    series = builder(["1s"])
    tape = play(
        series,
        [("trades", [trade(0.0), trade(1.5)]), ("lost", "bus"), ("trades", [trade(4.25)]), ("mark", ns(9))],
    )
    assert [second(tape, n).coverage for n in range(7)] == [1.0, 0.5, 0.0, 0.0, 0.75, 1.0, 1.0]


def test_a_hole_on_the_bus_begins_at_the_newest_event_not_at_the_last_to_arrive():
    series = builder(["1s"])
    steps = [
        ("trades", [trade(0.0), trade(5.25)]),
        ("trades", [trade(4.5)]),
        ("lost", "bus"),
        ("trades", [trade(7.5)]),
    ]
    tape = play(series, [*steps, ("mark", ns(12))])
    assert [second(tape, n).coverage for n in range(4, 9)] == [1.0, 0.25, 0.0, 0.5, 1.0]


def test_candles_closed_while_disconnected_are_whole_again_once_the_hole_has_an_end():
    series = builder(["1s"])
    tape = play(series, [("trades", [trade(0.0)]), ("mark", ns(3)), ("restart", 2)])
    series.advance(ns(9), is_connected=False)
    tape.take(series)
    assert second(tape, 6).status == "gap"
    play(series, [("trades", [trade(5.5)])], tape)
    assert [second(tape, n).status for n in range(8)] == ["closed", "quiet", "quiet"] + ["gap"] * 3 + [
        "quiet"
    ] * 2


def test_a_restarted_publisher_leaves_a_gap_from_its_last_watermark():
    series = builder(["1s"])
    tape = play(
        series,
        [
            ("trades", [trade(0.0)]),
            ("mark", ns(3.5)),
            ("restart", 2),
            ("trades", [trade(5.5)]),
            ("mark", ns(9)),
        ],
    )
    assert [second(tape, n).coverage for n in range(7)] == [1.0, 1.0, 1.0, 0.5, 0.0, 0.5, 1.0]


def test_a_restart_ends_the_gaps_that_the_old_process_had_open():
    series = builder(["1s"])
    steps = [
        ("trades", [trade(0.0)]),
        ("gap", gap(2.0, None)),
        ("mark", ns(3.5)),
        ("restart", 2),
        ("mark", ns(6)),
    ]
    tape = play(series, [*steps, ("mark", ns(12))])
    assert [second(tape, n).status for n in range(9)] == ["closed", "quiet"] + ["gap"] * 4 + ["quiet"] * 3


def test_the_ledger_entry_of_a_restart_replaces_our_guess():
    series = builder(["1s"])
    steps = [("trades", [trade(0.0)]), ("mark", ns(3)), ("restart", 2)]
    repaired = gap(3.0, 4.0, "filled", "c-2-1", "restart")
    tape = play(series, [*steps, ("gap", repaired), ("trades", [trade(4.5)]), ("mark", ns(9))])
    assert set(statuses(tape, "1s").values()) == {"closed", "quiet"}


def test_only_a_new_epoch_may_go_back_in_time():
    series = builder(["1s"])
    tape = play(series, [("trades", [trade(90_000.5)]), ("trades", [trade(1.5)])])
    assert series._counters["rejected_behind"] == 1
    play(
        series,
        [("restart", 2), ("trades", [trade(1.5, 7.0)]), ("trades", [trade(0.0)]), ("mark", ns(9))],
        tape,
    )
    assert series._counters["series_restarted"] == 1
    assert second(tape, 1).close == 7.0
    play(series, [("restart", 3), ("trades", [trade(9_000.0)]), ("trades", [trade(2.0)])])
    assert series._counters["rejected_behind"] == 2


def test_memory_of_holes_ends_with_the_candles_they_touch():
    series = builder(["1s", "5s"], keep=4)
    for n in range(100):
        hole = gap(n, n + 0.5, "unfillable", f"g{n}")
        play(series, [("trades", [trade(n)]), ("gap", hole)])
    assert len(series._coverage.holes()) < 30
