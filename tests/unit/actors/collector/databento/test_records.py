"""Record by record: what becomes a message, what does not, and that nothing raises."""

from __future__ import annotations

import itertools
import math
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from actors.collector.databento.columns import FEW
from actors.collector.databento.control import (
    Disagreement,
    Doubt,
    GatewayError,
    Mapped,
    System,
    parse_control,
)
from actors.collector.databento.layout import ERROR, SYSTEM
from actors.collector.databento.levels import is_ordered
from actors.collector.databento.symbols import Wanted
from protocol.messages import BUY, SELL, UNKNOWN_SIDE, Bar, Book, Quote, Trade
from tests.support.databento_gateway import dbn, mapping, order, quote, trade
from tests.unit.actors.collector.databento.made import AT_NS, INSTRUMENT, SYMBOL, joined, reader

NAN = float("nan")


def test_trade_in_base_units_with_the_aggressors_side() -> None:
    records = reader("trades", contract_size=125_000.0)
    (one,) = records.take(joined(trade(INSTRUMENT, 1.15155, 3, AT_NS, 7, side="A")), AT_NS + 5)
    assert one == Trade(
        SYMBOL, "databento", AT_NS - 1000, AT_NS + 5, 1.15155, 375_000.0, SELL, f"{AT_NS}.7.0"
    )
    assert records.newest_recv_ns == AT_NS


@pytest.mark.parametrize(("side", "ours"), [("B", BUY), ("A", SELL), ("N", UNKNOWN_SIDE)])
def test_sides(side: str, ours: int) -> None:
    (one,) = reader("trades").take(joined(trade(INSTRUMENT, 1.0, 1, AT_NS, 7, side=side)))
    assert isinstance(one, Trade)
    assert one.side == ours


@pytest.mark.parametrize("action", ["F", "A", "N"])
def test_only_action_t_is_a_trade(action: str) -> None:
    assert reader("trades").take(joined(trade(INSTRUMENT, 1.0, 1, AT_NS, 7, action=action))) == []


def test_trades_of_one_packet_have_ids_of_their_own_and_the_same_in_a_replay() -> None:
    rows = joined(
        *(trade(INSTRUMENT, 1.0, size, AT_NS, 7) for size in (1, 2, 3)),
        trade(INSTRUMENT, 1.0, 1, AT_NS + 1, 7),
    )
    first = [one.trade_id for one in reader("trades").take(rows) if isinstance(one, Trade)]
    assert first == [f"{AT_NS}.7.0", f"{AT_NS}.7.1", f"{AT_NS}.7.2", f"{AT_NS + 1}.7.0"]
    assert [one.trade_id for one in reader("trades").take(rows) if isinstance(one, Trade)] == first


def test_undefined_prices_and_times_never_come_out() -> None:
    records = reader("trades", "mbp-1")
    undefined = dbn.TradeMsg(
        1, INSTRUMENT, dbn.UNDEF_TIMESTAMP, 10**9, 1, dbn.Action.TRADE, dbn.Side.BID, 0, dbn.UNDEF_TIMESTAMP
    )
    rows = joined(
        trade(INSTRUMENT, NAN, 1, AT_NS, 7),
        quote(INSTRUMENT, NAN, 1.1, AT_NS, 8),
        quote(INSTRUMENT, 1.0, NAN, AT_NS, 9),
        undefined,
    )
    assert records.take(rows) == []
    assert records.dropped == {"undefined_price": 1, "one_sided_quote": 2, "undefined_time": 1}


def test_a_record_without_event_time_has_that_of_its_receipt() -> None:
    (one,) = reader("trades").take(
        joined(
            dbn.TradeMsg(
                1, INSTRUMENT, dbn.UNDEF_TIMESTAMP, 10**9, 1, dbn.Action.TRADE, dbn.Side.BID, 0, AT_NS
            )
        )
    )
    assert isinstance(one, Trade)
    assert one.ts_event_ns == AT_NS


def test_a_quote_comes_at_the_end_of_its_event() -> None:
    rows = joined(quote(INSTRUMENT, 1.0, 1.1, AT_NS, 7, flags=0), quote(INSTRUMENT, 1.0, 1.2, AT_NS, 7))
    (one,) = reader("mbp-1", contract_size=2.0).take(rows)
    assert isinstance(one, Quote)
    assert (one.ask, one.bid_size, one.ask_size) == (1.2, 10.0, 12.0)


def test_trades_of_mbp_1_count_only_where_no_other_schema_gives_them() -> None:
    rows = joined(
        quote(INSTRUMENT, 1.0, 1.1, AT_NS, 7, flags=0, action="T"), trade(INSTRUMENT, 1.0, 5, AT_NS, 7)
    )
    assert [type(one) for one in reader("mbp-1", "trades").take(rows)] == [Trade]
    assert [type(one) for one in reader("mbp-1").take(rows)] == [Trade]
    assert reader("mbp-1").take(rows)[0] == reader("trades").take(rows)[0]


def test_a_quote_that_the_venue_doubts_is_told_and_not_published() -> None:
    bad = quote(INSTRUMENT, 1.0, 1.1, AT_NS, 7, flags=dbn.F_LAST | dbn.F_MAYBE_BAD_BOOK)
    assert reader("mbp-1").take(joined(bad)) == [Doubt(SYMBOL, "quote", AT_NS - 1000)]


def test_ten_levels_are_a_whole_book_without_the_undefined_ones() -> None:
    levels = [dbn.BidAskPair(10**9, 2 * 10**9, 1, 2, 1, 1)] + [
        dbn.BidAskPair(dbn.UNDEF_PRICE, dbn.UNDEF_PRICE, 0, 0, 0, 0)
    ] * 9
    row = dbn.MBP10Msg(
        1,
        INSTRUMENT,
        AT_NS,
        10**9,
        1,
        dbn.Action.ADD,
        dbn.Side.BID,
        0,
        AT_NS,
        dbn.F_LAST,
        0,
        7,
        levels=levels,
    )
    found = reader("mbp-10").take(joined(row, row))
    books = [one for one in found if isinstance(one, Book)]
    assert (books[0].bids, books[0].asks, books[0].is_snapshot) == ([(1.0, 1.0)], [(2.0, 2.0)], True)
    assert books[1].last_update_id == books[0].last_update_id + 1, "ids grow where times do not"
    assert sum(isinstance(one, Quote) for one in found) == 2


@pytest.mark.parametrize("bid", [3, 2], ids=["crossed", "locked"])
def test_a_crossed_book_is_held_back(bid: int) -> None:
    levels = [dbn.BidAskPair(bid * 10**9, 2 * 10**9, 1, 2, 1, 1)] * 10
    row = dbn.MBP10Msg(
        1,
        INSTRUMENT,
        AT_NS,
        10**9,
        1,
        dbn.Action.ADD,
        dbn.Side.BID,
        0,
        AT_NS,
        dbn.F_LAST,
        0,
        7,
        levels=levels,
    )
    records = reader("mbp-10")
    assert not [one for one in records.take(joined(row)) if isinstance(one, Book)]
    assert records.dropped["crossed_book"] == 1


def test_bars() -> None:
    row = dbn.OHLCVMsg(0x21, 1, INSTRUMENT, AT_NS, 2 * 10**9, 3 * 10**9, 10**9, 2 * 10**9, 7)
    (bar,) = reader("ohlcv-1m", contract_size=2.0).take(joined(row))
    assert isinstance(bar, Bar)
    assert (bar.timeframe, bar.open, bar.high, bar.low, bar.close, bar.volume) == (
        "1m",
        2.0,
        3.0,
        1.0,
        2.0,
        14.0,
    )
    assert (bar.ts_open_ns, bar.ts_event_ns, bar.status, bar.revision) == (
        AT_NS,
        AT_NS + 60 * 10**9,
        "closed",
        1,
    )
    assert bar.validate() == []


def test_a_record_before_its_mapping_is_counted_and_one_after_it_is_a_message() -> None:
    records = reader("trades")
    row = trade(7, 1.0, 1, AT_NS, 1)
    records.symbols.want(Wanted("6B.FUT", "6B.v.0", 1.0, 0.0))
    found = records.take(joined(row, mapping(7, "6B.v.0", "6BZ6"), row))
    assert records.dropped == {"unmapped_instrument": 1}
    assert [type(one) for one in found] == [Mapped, Trade]


def test_what_the_gateway_says() -> None:
    found = reader("trades").take(
        joined(
            dbn.SystemMsg(AT_NS, "Heartbeat", dbn.SystemCode.HEARTBEAT),
            dbn.SystemMsg(AT_NS, "Finished", dbn.SystemCode.REPLAY_COMPLETED),
            dbn.ErrorMsg(AT_NS, "no such symbol", True, dbn.ErrorCode.SYMBOL_RESOLUTION_FAILED),
            dbn.SystemMsgV1(AT_NS, "Heartbeat"),
            dbn.ErrorMsgV1(AT_NS, "old"),
        )
    )
    assert found == [
        System("heartbeat", "Heartbeat"),
        System("replay_completed", "Finished"),
        GatewayError("symbol_resolution_failed", "no such symbol"),
        System("heartbeat", "Heartbeat"),
        GatewayError("other", "old"),
    ]


def definition(tick: float, quantity: float) -> Any:
    """A definition of the yen future."""
    return dbn.InstrumentDefMsg(
        1, INSTRUMENT, AT_NS, AT_NS, round(tick * 1e9), 10**9, "6JZ6", "6J", "FUT", dbn.InstrumentClass.FUTURE,
        dbn.SecurityUpdateAction.ADD, unit_of_measure_qty=round(quantity * 1e9),
    )  # fmt: skip


def test_a_tick_of_another_unit_withholds_the_instrument() -> None:
    """6J: USD per JPY with a tick of 0.0000005; in another unit every price would be wrong."""
    records = reader("trades", contract_size=12_500_000.0, tick_size=0.0000005)
    row = trade(INSTRUMENT, 0.00645, 1, AT_NS, 1)
    assert len(records.take(joined(definition(0.0000005, 12_500_000), row))) == 1
    (told,) = records.take(joined(definition(0.005, 12_500_000), row))
    assert isinstance(told, Disagreement)
    assert told.is_withheld
    assert records.dropped == {"withheld_unit": 1}
    assert len(records.take(joined(definition(0.0000005, 12_500_000), row))) == 1, "until it is right again"


def test_another_contract_size_is_told_and_published_all_the_same() -> None:
    records = reader("trades", contract_size=125_000.0)
    told, one = records.take(joined(definition(0.0000005, 62_500), trade(INSTRUMENT, 1.0, 1, AT_NS, 1)))
    assert isinstance(told, Disagreement)
    assert not told.is_withheld
    assert isinstance(one, Trade)


def test_types_that_nobody_reads_are_counted_by_our_own_names() -> None:
    records = reader("trades")
    unknown = bytearray(joined(trade(INSTRUMENT, 1.0, 1, AT_NS, 1)))
    unknown[1] = 0x77
    statistic = dbn.StatMsg(1, INSTRUMENT, AT_NS, AT_NS, AT_NS, 10**9, 1, dbn.StatType.OPENING_PRICE)
    assert records.take(bytes(unknown) + joined(statistic)) == []
    assert records.ignored == {"unknown": 1, "statistics": 1}


def test_longer_records_are_read_as_far_as_they_are_known() -> None:
    """`ts_out` appends eight bytes."""
    row = bytearray(joined(trade(INSTRUMENT, 1.0, 1, AT_NS, 1)) + b"\1" * 8)
    row[0] = len(row) // 4
    found = reader("trades").take(bytes(row) * 3)
    assert [one.price for one in found if isinstance(one, Trade)] == [1.0] * 3


QUOTE = st.tuples(
    st.sampled_from([NAN, 1.0, 1.05]),
    st.sampled_from([1.1, 1.2, NAN]),
    st.integers(0, 3),
    st.sampled_from([0, 128, 130, 128]),
    st.sampled_from("AAT"),
)


@settings(max_examples=40, deadline=None)
@given(
    steps=st.lists(QUOTE, min_size=FEW, max_size=FEW + 20),
    has_trades=st.booleans(),
    recv_ns=st.sampled_from([0, AT_NS]),
)
def test_a_long_run_of_quotes_says_what_its_records_say_one_by_one(
    steps: list[tuple[float, float, int, int, str]], has_trades: bool, recv_ns: int
) -> None:
    at_ns, rows = AT_NS, []
    for number, (bid, ask, later_ns, flags, action) in enumerate(steps):
        at_ns += later_ns
        rows.append(quote(INSTRUMENT, bid, ask, at_ns, number, flags=flags, action=action))
    schemas = ["mbp-1", "trades"] if has_trades else ["mbp-1"]
    at_once, one_by_one = reader(*schemas, contract_size=3.0), reader(*schemas, contract_size=3.0)
    found = list(at_once.take(joined(*rows), recv_ns))
    assert found == [outcome for row in rows for outcome in one_by_one.take(bytes(row), recv_ns)]
    assert at_once.dropped == one_by_one.dropped
    assert at_once.newest_recv_ns == at_ns
    assert all(
        type(one.bid_size) is float and type(one.update_id) is int for one in found if isinstance(one, Quote)
    )


STREAM = joined(
    mapping(INSTRUMENT, "6E.v.0", "6EZ6"),
    *(trade(INSTRUMENT, 1.0 + number / 100, 1, AT_NS + number, number) for number in range(80)),
    quote(INSTRUMENT, 1.0, 1.1, AT_NS, 7),
    order(INSTRUMENT, 0, "R", "N", NAN, 0, AT_NS, 1, 32),
    *(order(INSTRUMENT, number, "A", "B", 1.0, 1, AT_NS, 1, 40) for number in range(1, 90)),
    order(INSTRUMENT, 99, "A", "A", 1.5, 1, AT_NS, 1, 168),
    order(INSTRUMENT, 99, "C", "A", 1.5, 1, AT_NS + 9, 2),
    dbn.SystemMsg(AT_NS, "Heartbeat", dbn.SystemCode.HEARTBEAT),
    definition(0.1, 1),
    quote(INSTRUMENT, 1.0, 1.2, AT_NS + 10, 7),
)


@settings(max_examples=60, deadline=None)
@given(cuts=st.lists(st.integers(0, len(STREAM)), max_size=12))
def test_where_the_bytes_are_cut_changes_nothing(cuts: list[int]) -> None:
    whole = list(reader("trades", "mbo", "mbp-1").take(STREAM))
    assert len(whole) > 80
    records, found = reader("trades", "mbo", "mbp-1"), []
    edges = [0, *sorted(cuts), len(STREAM)]
    for start, stop in itertools.pairwise(edges):
        found += list(records.take(STREAM[start:stop]))
    assert found == whole
    assert records.waiting_bytes == 0


@settings(max_examples=300, deadline=None)
@given(
    changes=st.lists(st.tuples(st.integers(0, len(STREAM) - 1), st.integers(0, 255)), min_size=1, max_size=30)
)
def test_no_bytes_raise_and_no_message_is_invalid(changes: list[tuple[int, int]]) -> None:
    data = bytearray(STREAM)
    for at, value in changes:
        data[at] = value
    for outcome in reader("trades", "mbo", "mbp-1").take(bytes(data)):
        if isinstance(outcome, (Trade, Quote, Bar)):
            assert outcome.validate() == []
        elif isinstance(outcome, Book):
            assert all(math.isfinite(price) and price > 0 for price, _ in outcome.bids + outcome.asks)


@settings(max_examples=100, deadline=None)
@given(data=st.binary(max_size=400))
def test_noise_never_raises(data: bytes) -> None:
    reader("trades", "mbo", "mbp-1").take(data)


def test_levels_must_go_one_way() -> None:
    assert is_ordered([(2.0, 1.0), (1.0, 1.0)], -1)
    assert not is_ordered([(2.0, 1.0), (2.0, 1.0)], -1)
    assert not is_ordered([(2.0, 1.0), (1.0, 1.0)], 1)


@pytest.mark.parametrize("length", [0, 20, 79, 100, 319])
def test_a_system_or_error_record_that_is_cut_off_is_none(length: int) -> None:
    assert parse_control(SYSTEM, bytes(length)) is None
    assert parse_control(ERROR, bytes(length)) is None
