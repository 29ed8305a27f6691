"""What becomes of pushed ticks: symbols, clocks, sources, and what the sender is told."""

from __future__ import annotations

import pytest

from actors.collector.push.settings import PushSettings, SourceSettings
from protocol.errors import InvalidRequest
from protocol.messages import Quote
from protocol.pushing import (
    AHEAD,
    BAD_PRICE,
    BAD_SOURCE,
    DUPLICATE,
    TOO_OLD,
    UNKNOWN_OFFSET,
    UNKNOWN_SYMBOL,
)
from tests.support.push_rig import NOW, Rig, S, codes, counts, prices, tick


def test_a_tick_becomes_a_quote_of_its_source():
    rig = Rig()
    taken = rig.push(tick(bid_size=2, ask_size=3), gmt_offset_s=0)
    assert counts(taken) == (1, 0, 0)
    assert taken.outgoing[0].topic == "quote.push.mt5.EUR_USD"
    assert rig.published == [Quote("EUR_USD", "push.mt5", NOW, NOW, 1.1, 1.2, 2.0, 3.0, 0)]
    assert taken.result.gmt_offset_s == 0
    assert taken.newest_ns == {"mt5": NOW}


def test_several_symbols_are_a_frame_each_in_the_order_of_arrival():
    rig = Rig()
    taken = rig.push([tick(0), tick(1, "XAUUSD"), tick(2), tick(3, "XAUUSD")])
    assert [(one.topic, len(one.events)) for one in taken.outgoing] == [
        ("quote.push.mt5.EUR_USD", 2), ("quote.push.mt5.XAU_USD", 2),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "symbol"),
    [("EURUSD", "EUR_USD"), ("EUR_USD", "EUR_USD"), ("EURUSD.r", "EUR_USD"), ("XAUUSDm", "XAU_USD"), ("XAUUSD.", "XAU_USD"), ("US100", "NAS100_USD"), ("#US100", "NAS100_USD"), ("eur/usd", "EUR_USD")],
)  # fmt: skip
def test_a_brokers_spelling_is_understood(name, symbol):
    rig = Rig()
    rig.push(tick(0, name))
    assert [one.symbol for one in rig.published] == [symbol]


def test_an_unknown_symbol_is_rejected_with_the_nearest_names_and_the_rest_is_taken():
    rig = Rig()
    taken = rig.push([tick(0, "EURUSQ"), tick(1)])
    assert counts(taken) == (1, 0, 1)
    (item,) = taken.result.items
    assert (item.index, item.code) == (0, UNKNOWN_SYMBOL)
    assert "EUR_USD" in item.suggestions


def test_a_source_may_have_names_of_its_own():
    settings = PushSettings(
        sources={"mt5": SourceSettings(symbols={"GOLD-Z6": "XAU_USD", "EURUSD": "GBP_USD"})}
    )
    rig = Rig(settings)
    rig.push([tick(0, "GOLD-Z6"), tick(1)])
    rig.push([tick(0, "GOLD-Z6"), tick(1)], source="other")
    assert [(one.venue, one.symbol) for one in rig.published] == [
        ("push.mt5", "XAU_USD"), ("push.mt5", "GBP_USD"), ("push.other", "EUR_USD"),
    ]  # fmt: skip


def test_the_brokers_clock_is_estimated_remembered_and_told():
    rig = Rig()
    taken = rig.push(tick(time_msc=(NOW + 10_800 * S) // 1_000_000))
    assert taken.result.gmt_offset_s == 10_800
    assert prices(rig.published) == [("EUR_USD", NOW, 1.1)]


def test_an_offset_that_an_item_or_a_request_says_wins():
    rig = Rig()
    at_ms = (NOW + 7200 * S) // 1_000_000
    rig.push(tick(0, gmt_offset=7199, time_msc=at_ms))
    rig.push({"ticks": [tick(1, time_msc=at_ms + 1)], "gmt_offset": 7200}, source="b")
    rig.push(tick(2, time_msc=at_ms + 2), source="c", gmt_offset_s=7200)
    assert [one.ts_event_ns - NOW for one in rig.published] == [0, 1_000_000, 2_000_000]


def test_utc_times_know_no_offset():
    rig = Rig(PushSettings(sources={"mt5": SourceSettings(gmt_offset_s=7200)}))
    rig.push([tick(0, ts_event_ns=NOW), tick(1, time_msc=None, time="2026-11-20T12:00:01Z")])
    assert [one.ts_event_ns for one in rig.published] == [NOW, NOW + S]


def test_a_clock_that_is_wrong_is_told_with_the_numbers():
    rig = Rig()
    ahead, behind, edge = (
        tick(0, ts_event_ns=NOW + round(5.2 * S)), tick(1, ts_event_ns=NOW - 901 * S), tick(2, ts_event_ns=NOW - 899 * S),
    )  # fmt: skip
    taken = rig.push([ahead, behind, edge])
    assert codes(taken) == [AHEAD, TOO_OLD]
    assert "5.200 s ahead of our clock, at most 5 s" in taken.result.items[0].detail
    assert "901.000 s behind our clock, at most 900 s" in taken.result.items[1].detail
    assert counts(taken) == (1, 0, 2)


def test_a_first_tick_that_is_minutes_late_shows_no_offset():
    taken = Rig().push(tick(time_msc=(NOW - 600 * S) // 1_000_000))
    assert codes(taken) == [UNKNOWN_OFFSET]


def test_repeated_is_counted_and_not_published_again():
    rig = Rig()
    batch = [tick(0), tick(1), tick(1)]
    assert counts(rig.push(batch)) == (2, 1, 0)
    again = rig.push(batch)
    assert counts(again) == (0, 3, 0)
    assert codes(again) == [DUPLICATE] * 3
    assert len(rig.published) == 2
    assert counts(rig.push(batch, source="other")) == (2, 1, 0), "another source is another venue"


def test_an_id_is_its_identity():
    rig = Rig()
    first, again, other = tick(0, id="a"), tick(1, id="a"), tick(0, id="b")
    assert counts(rig.push([first, again, other])) == (2, 1, 0)


def test_two_prices_at_one_time_are_two_ticks():
    rig = Rig()
    assert counts(rig.push([tick(0), tick(0, bid=1.15)])) == (2, 0, 0)


def test_what_comes_late_is_published_and_is_never_the_newest():
    rig = Rig()
    rig.push(tick(5))
    late = rig.push([tick(3), tick(6), tick(4)])
    assert counts(late) == (3, 0, 0)
    assert [(one.is_late, len(one.events)) for one in late.outgoing] == [(True, 2), (False, 1)]


def test_what_is_older_than_all_that_is_remembered_is_refused():
    rig = Rig(PushSettings(remembered=10))
    rig.push([tick(number) for number in range(5, 25)])
    taken = rig.push([tick(3), tick(14), tick(15)])
    assert codes(taken) == [TOO_OLD, TOO_OLD, DUPLICATE]


def test_sources_are_named_by_items_where_nobody_else_does():
    rig = Rig()
    taken = rig.push([tick(0, source="a"), tick(1, source="b"), tick(2), tick(3, source="No")], source="")
    assert codes(taken) == [BAD_SOURCE, BAD_SOURCE]
    assert [one.venue for one in rig.published] == ["push.a", "push.b"]
    rig.push(tick(4, source="a"), source="mt5")
    assert rig.published[-1].venue == "push.mt5", "a token's source comes first"


def test_only_so_many_sources_and_only_known_ones_where_closed():
    rig = Rig(PushSettings(max_sources=1))
    rig.push(tick(0))
    assert codes(rig.push(tick(0), source="other")) == [BAD_SOURCE]
    closed = Rig(PushSettings(is_closed=True, sources={"mt5": SourceSettings()}))
    assert counts(closed.push(tick(0))) == (1, 0, 0)
    assert codes(closed.push(tick(0), source="other")) == [BAD_SOURCE]


def test_an_empty_push_is_a_sign_of_life():
    taken = Rig().push({"ticks": []})
    assert counts(taken) == (0, 0, 0)
    assert taken.newest_ns == {"mt5": 0}


def test_only_so_many_are_told_and_refusals_come_before_repetitions():
    rig = Rig(PushSettings(max_told=2))
    rig.push(tick(0))
    taken = rig.push([tick(0), tick(0), tick(0), tick(1, bid=-1)])
    assert counts(taken) == (0, 3, 1)
    assert codes(taken) == [DUPLICATE, BAD_PRICE]


def test_too_many_items_are_refused_whole():
    rig = Rig(PushSettings(max_items=3))
    with pytest.raises(InvalidRequest, match="4 items"):
        rig.push([tick(number) for number in range(4)])
    assert not rig.published
