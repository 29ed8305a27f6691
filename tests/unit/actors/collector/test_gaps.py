"""What becomes of a gap, announcement by announcement."""

from actors.collector.gaps import MAX_REMEMBERED, NO_REPAIR, Gaps


def gaps() -> Gaps:
    return Gaps("binance", "collector.binance.1-7")


def test_a_disconnect_without_loss_is_filled():
    ledger = gaps()
    opened = ledger.interrupt("A_B", "trade", 100, 6, "disconnect", "reset by peer")
    assert (opened.gap_id, opened.state, opened.from_ts_ns, opened.to_ts_ns) == (
        "collector.binance.1-7-1", "open", 100, 0,
    )  # fmt: skip
    resumed = ledger.resume("A_B", "trade", 200)
    assert (resumed.gap_id, resumed.state, resumed.to_ts_ns) == (opened.gap_id, "open", 200)
    settled = ledger.settle("A_B", "trade", 900)
    assert (settled.gap_id, settled.state, settled.count, settled.to_ts_ns) == (
        opened.gap_id,
        "filled",
        0,
        200,
    )
    assert (settled.from_id, settled.to_id, ledger.missing, ledger.open_count) == (0, 0, 0, 0)


def test_a_disconnect_with_loss_names_what_is_missing():
    ledger = gaps()
    ledger.interrupt("A_B", "trade", 100, 6, "disconnect")
    settled = ledger.settle("A_B", "trade", 300, 6, 9)
    assert (settled.state, settled.reason, settled.from_id, settled.to_id) == ("unfillable", NO_REPAIR, 6, 9)
    assert (settled.to_ts_ns, ledger.missing) == (300, 4)


def test_what_is_missing_says_how_long_the_gap_was():
    ledger = gaps()
    ledger.interrupt("A_B", "trade", 500, 6, "disconnect")
    ledger.resume("A_B", "trade", 600)
    settled = ledger.settle("A_B", "trade", 900, 6, 9, since_ns=100)
    assert (settled.from_ts_ns, settled.to_ts_ns) == (100, 900)


def test_a_second_disconnect_before_it_is_settled_is_the_same_gap():
    ledger = gaps()
    first = ledger.interrupt("A_B", "trade", 100, 6, "disconnect")
    assert ledger.interrupt("A_B", "trade", 150, 6, "disconnect") is None
    ledger.resume("A_B", "trade", 200)
    again = ledger.interrupt("A_B", "trade", 250, 6, "disconnect")
    assert (again.gap_id, again.from_ts_ns, again.to_ts_ns) == (first.gap_id, 100, 0)
    assert ledger.open_count == 1


def test_a_hole_that_late_trades_fill():
    ledger = gaps()
    hole = ledger.hole("A_B", "trade", (6, 7), 100, 120)
    assert (hole.state, hole.cause, ledger.missing) == ("unfillable", "venue_jump", 2)
    assert ledger.fill(hole.gap_id, 1) is None
    filled = ledger.fill(hole.gap_id, 0)
    assert (filled.gap_id, filled.state, filled.count, filled.filled_by) == (hole.gap_id, "filled", 2, "late")
    assert ledger.missing == 0


def test_a_book_is_made_up_for_by_its_snapshot():
    ledger = gaps()
    ledger.interrupt("A_B", "book", 100, 6, "venue_jump", "updates are missing")
    made_up = ledger.make_up("A_B", "book", 300, "snapshot")
    assert (made_up.state, made_up.filled_by, made_up.to_ts_ns) == ("filled", "snapshot", 300)


def test_what_was_never_open_cannot_end():
    ledger = gaps()
    assert ledger.resume("A_B", "trade", 1) is None
    assert ledger.settle("A_B", "trade", 1) is None
    assert ledger.give_up("A_B", "quote", 1, "x") is None
    assert ledger.fill("nobody-1-1", 0) is None


def test_an_end_is_never_before_its_beginning():
    ledger = gaps()
    ledger.interrupt("A_B", "quote", 500, 0, "disconnect")
    assert ledger.give_up("A_B", "quote", 400, "gone").to_ts_ns == 500


def test_what_is_being_fetched_is_not_forgotten():
    ledger = gaps()
    hole = ledger.hole("A_B", "trade", (6, 7), 100, 120)
    assert ledger.begin(hole.gap_id).state == "filling"
    assert ledger.begin(hole.gap_id) is None
    for number in range(MAX_REMEMBERED + 10):
        ledger.hole("A_B", "trade", (10 * number + 10, 10 * number + 11), 100, 120)
    assert ledger.is_filling(hole.gap_id)
    assert ledger.abandon(hole.gap_id, "gone").reason == "gone"
    assert not ledger.is_filling(hole.gap_id)
