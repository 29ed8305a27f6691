"""A frame becomes the rows of its table, or a dead letter; it never raises."""

import math

import msgpack
import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from actors.persistence.batch import Batch
from actors.persistence.catalogue import Catalogue
from actors.persistence.rows import DEAD_LETTER_BYTES, WHOLE_FRAME, rows_of
from actors.persistence.sift import sift
from actors.persistence.tables import DEFAULT_KINDS, STORED, columns_of
from protocol.messages import (
    Alert,
    Beat,
    Book,
    Feature,
    Flow,
    Liquidation,
    News,
    Trade,
    Watermark,
)
from protocol.record import FLAG_REPAIRED
from protocol.replay import Position
from tests.unit.actors.hub.samples import fetched, footprint, signal, sweep, verdict
from tests.unit.actors.persistence.frames import BASE_NS, NAME, Publisher, bar, gap, quote, trade

ONE_OF_EACH = [
    quote(1),
    trade(1),
    Book("BTC_USDT", "binance", 1, 2, True, 3, 4, [(1.0, 2.0)], [(3.0, 4.0)]),
    Liquidation("BTC_USDT", "binance", 1, 2, 3.0, 4.0, -1),
    bar(0, 1),
    Feature("BTC_USDT", "binance", "1m", 1, 2, True, {"rsi": 50.0}, 1, 0.5),
    Flow("BTC_USDT", "binance", 60.0, 0, False, {"delta": -1.0}, 0.5, "gap", 0.25),
    footprint(0),
    News("wire", "n-1", 1, 2, "title", "url", ["BTC_USDT"]),
    Alert("BTC_USDT", "binance", "spike", "warning", 1, "text", {"z": 4.0}),
    signal(1, "target"),
    sweep(),
    verdict(),
    gap("open"),
]


def batch_of(*frames, since=None, kinds=frozenset(STORED)) -> Batch:
    batch = Batch(Catalogue(), since or {}, kinds)
    for frame in frames:
        batch.add(frame)
    return batch


def as_dict(kind, row):
    return dict(zip(columns_of(STORED[kind].table), row, strict=True))


@pytest.mark.parametrize("event", ONE_OF_EACH, ids=lambda event: event.KIND)
def test_every_kind_becomes_a_row_of_its_own_columns(event):
    frame = Publisher().frame([event, event])
    kind, rows, dead = rows_of(frame, 7, Catalogue(), STORED)
    assert (kind, len(rows), dead) == (event.KIND, 2, None)
    for k, row in enumerate(rows):
        found = as_dict(kind, row)
        assert (found["publisher_id"], found["epoch"], found["seq"], found["k"]) == (7, 9, 1, k)
        for name, value in event.to_dict().items():
            if name in found and name != "side":
                assert found[name] == value or name == "trade_id"
            if f"{name}_json" in found:
                assert found[f"{name}_json"] == msgspec.json.encode(value).decode()


def test_there_is_a_sample_of_every_kind():
    assert [event.KIND for event in ONE_OF_EACH] == list(STORED)


def test_running_candles_are_not_kept_and_later_revisions_are():
    kind, rows, _ = rows_of(Publisher().frame([bar(0, 0), bar(0, 1), bar(1, 2)]), 1, Catalogue())
    found = [as_dict(kind, row) for row in rows]
    assert [one["revision"] for one in found] == [1, 2]
    assert [one["k"] for one in found] == [1, 2], "k is the place in the frame, not among the rows"


def test_a_candle_of_a_provider_says_when_it_was_fetched_and_why_it_is_not_as_it_came():
    event = fetched(7, is_adjusted=True, reason="split of 4 to 1")
    kind, [row], _ = rows_of(Publisher().frame([event]), 1, Catalogue())
    found = as_dict(kind, row)
    assert (found["source"], found["ts_recv_ns"]) == ("yahoo", event.ts_recv_ns)
    assert (found["is_adjusted"], found["reason"]) == (True, "split of 4 to 1")


def test_what_is_said_of_running_candles_is_not_kept():
    running = [Feature("BTC_USDT", "binance", "1m", 1, 2, True, {"rsi": 50.0}), footprint(0, revision=0)]
    assert [rows_of(Publisher().frame([event]), 1, Catalogue()).rows for event in running] == [[], []]


def test_windows_of_order_flow_that_overlap_are_kept_once():
    seconds = range(119, 302)
    frames = [
        Publisher().frame(
            [Flow("BTC_USDT", "binance", length_s, s * 10**9, True, {}) for length_s in (60.0, 300.0, 0.0)]
        )
        for s in seconds
    ]
    kept = [as_dict("flow", row) for frame in frames for row in rows_of(frame, 1, Catalogue()).rows]
    assert [(row["window_s"], row["ts_event_ns"] // 10**9, row["k"]) for row in kept] == [
        (length_s, s, k)
        for s in (120, 180, 240, 300)
        for k, length_s in enumerate((60.0, 300.0, 0.0))
        if s == 300 or length_s != 300.0
    ]


def test_buckets_and_values_come_back_from_their_text_as_they_were():
    kind, rows, _ = rows_of(Publisher().frame([footprint(0)]), 1, Catalogue())
    found = as_dict(kind, rows[0])
    assert [msgspec.json.decode(found[f"{name}_json"]) for name in ("prices", "unknown_volumes")] == [
        [100.0, 100.5],
        [0.0, 0.25],
    ]


def test_trade_ids_of_every_sort_make_distinct_keys():
    events = [
        trade(1, trade_id=77),
        trade(1, trade_id="77"),
        trade(1, trade_id="a-1"),
        trade(1, trade_id=2**63),
        trade(1, trade_id=0),
        trade(1, trade_id=""),
    ]
    kind, rows, _ = rows_of(Publisher().frame(events), 1, Catalogue())
    ids = [(found["trade_id"], found["trade_ref"]) for found in (as_dict(kind, row) for row in rows)]
    assert ids == [(77, ""), (0, "77"), (0, "a-1"), (0, str(2**63)), (0, "#9.1.4"), (0, "#9.1.5")]


def test_repaired_trades_say_so():
    publisher = Publisher()
    for flags, is_repaired in ((0, False), (FLAG_REPAIRED, True)):
        kind, rows, _ = rows_of(publisher.frame([trade(1)], flags=flags), 1, Catalogue())
        assert as_dict(kind, rows[0])["is_repaired"] is is_repaired


def test_marks_beats_and_unwanted_kinds_leave_no_row_but_move_the_position():
    publisher = Publisher()
    frames = [
        publisher.begin(0, 0),
        publisher.frame([Watermark(NAME, "binance", BASE_NS, True)], "mark.x"),
        publisher.frame([Beat(NAME, 1, 1, 1, 0, 0, 1, "RUNNING")], "beat.x"),
        publisher.frame([ONE_OF_EACH[2]]),
        publisher.stop(),
    ]
    batch = batch_of(*frames, kinds=frozenset(DEFAULT_KINDS))
    assert not batch.rows
    assert not batch.dead_letters
    assert batch.positions == {NAME: Position(9, 5)}
    assert batch


def test_what_cannot_be_decoded_is_a_dead_letter_and_the_rest_goes_on():
    publisher = Publisher()
    junk = msgpack.packb([["x" * 9000]])
    batch = batch_of(
        publisher.frame([trade(1)]),
        publisher.raw(junk),
        publisher.raw(b"\x93", 99 << 8),
        publisher.frame([trade(2)]),
    )
    first, second = batch.dead_letters
    assert (first.seq, first.k, first.size_bytes, len(first.payload)) == (
        2,
        WHOLE_FRAME,
        len(junk),
        DEAD_LETTER_BYTES,
    )
    assert "99" in second.error
    assert len(batch.rows["trade"]) == 2
    assert batch.positions == {NAME: Position(9, 4)}


def test_an_empty_frame_is_only_a_position():
    batch = batch_of(Publisher().raw(msgpack.packb([])))
    assert (batch.row_count, batch.dead_letters, batch.positions[NAME].seq) == (0, [], 1)


def test_ids_are_given_out_once_and_told_with_the_batch_that_needs_them():
    publisher, other = Publisher(), Publisher("collector.binance.2")
    first = batch_of(publisher.frame([trade(1), trade(2, "ETH_USDT")]))
    second = first.following()
    second.add(publisher.frame([trade(3)]))
    second.add(other.frame([trade(4, "SOL_USDT")]))
    assert first.fresh.instruments == [(1, "binance", "BTC_USDT"), (2, "binance", "ETH_USDT")]
    assert first.fresh.publishers == [(1, NAME)]
    assert second.fresh.instruments == [(3, "binance", "SOL_USDT")]
    assert second.fresh.publishers == [(2, "collector.binance.2")]


def test_ids_go_on_behind_those_that_are_stored():
    catalogue = Catalogue({("binance", "BTC_USDT"): 41}, {NAME: 8})
    assert catalogue.instrument("binance", "BTC_USDT") == 41
    assert catalogue.publisher(NAME) == 8
    assert not catalogue.has_fresh
    assert (catalogue.instrument("kraken", "BTC_USDT"), catalogue.publisher("x")) == (42, 9)


@pytest.mark.parametrize(
    ("since", "prev", "orphans"),
    [
        ({NAME: Position(8, 50)}, (8, 40), [(1, 8, 41, 50)]),
        ({NAME: Position(8, 50)}, (7, 40), [(1, 8, 1, 50)]),
        ({NAME: Position(8, 50)}, (8, 50), []),
        ({NAME: Position(8, 30)}, (8, 50), []),
        ({NAME: Position(7, 50)}, (8, 40), []),
        ({}, (8, 40), []),
    ],
)
def test_an_epoch_that_ended_before_what_we_have_leaves_orphans(since, prev, orphans):
    batch = batch_of(Publisher().begin(*prev), since=since)
    assert [tuple(one) for one in batch.orphans] == orphans


def test_orphans_are_seen_within_a_batch_and_from_the_batch_before():
    early, late = Publisher(epoch=8), Publisher(epoch=9)
    before = batch_of(early.frame([trade(1)]), early.frame([trade(2)]))
    after = before.following()
    after.add(late.begin(8, 1))
    assert [tuple(one) for one in after.orphans] == [(1, 8, 2, 2)]


def test_an_epoch_that_was_left_by_a_hole_is_judged_by_the_next_first_record():
    early, late = Publisher(epoch=8), Publisher(epoch=10)
    before = batch_of(early.frame([trade(1)]), early.frame([trade(2)]), early.frame([trade(3)]))
    before.add_hole(NAME, 8, 4, 0, "gone")
    before.add_hole(NAME, 9, 1, 7, "gone")
    after = before.following()
    after.add(late.begin(8, 1))
    assert [tuple(one) for one in after.orphans] == [(1, 8, 2, 3), (1, 9, 1, 7)]
    assert after.following()._left == {}


def test_holes_move_the_position_unless_their_end_is_not_known():
    batch = Batch(Catalogue(), {NAME: Position(9, 10)})
    batch.add_hole(NAME, 9, 11, 0, "expired")
    assert batch.positions[NAME] == Position(9, 10)
    batch.add_hole(NAME, 9, 11, 15, "bit\x00rot")
    assert batch.positions[NAME] == Position(9, 15)
    assert [one.reason for one in batch.holes] == ["expired", "bitrot"]


def test_sifting_takes_out_what_no_column_holds_and_nothing_else():
    publisher = Publisher()
    batch = batch_of(
        publisher.frame([trade(1), trade(2, side=2**40), trade(3, trade_id="a\x00b"), trade(4, side=40_000)]),
        publisher.frame([quote(1, bid=math.nan, ask=math.inf)]),
        publisher.frame([trade(9, "A\x00B")]),
    )
    assert sift(batch)
    assert [one.k for one in batch.dead_letters] == [1, 2, 3]
    assert [row[2] for row in batch.rows["trade"]] == [1, 9]
    assert batch.row_count == 3
    assert (2, "binance", "A\ufffdB") in batch.fresh.instruments
    assert not sift(batch)


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=60), st.sampled_from([Trade.SCHEMA, bar(0, 1).SCHEMA, 14 << 8, 77 << 8]))
def test_no_payload_raises(payload, schema):
    batch = batch_of(Publisher().raw(payload, schema))
    assert batch.positions == {NAME: Position(9, 1)}
    assert len(batch.dead_letters) <= 1
