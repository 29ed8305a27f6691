"""Every operation, every refusal, and whatever bytes a stranger may send."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from protocol.messages import Alert, Beat, Book, Feature, Flow, Quote, Trade
from protocol.requests import Request, decode_reply, encode_request
from protocol.windows import BarData, bar_dtype
from tests.unit.actors.hub.desks import FakeHub
from tests.unit.actors.hub.samples import (
    BASE_NS,
    MINUTE_NS,
    Pen,
    bar,
    book,
    fetched,
    footprint,
    gap,
    quote,
    sweep,
    trade,
    verdict,
)

QUOTE = "quote.binance.BTC_USDT"
decode = msgspec.msgpack.decode


@pytest.fixture
def hub() -> FakeHub:
    return FakeHub()


def test_a_tick_says_where_it_comes_from_and_how_old_it_is(hub: FakeHub) -> None:
    hub.hear(QUOTE, quote(1.0), quote(2.0))
    hub.clock.advance(1.5)

    reply = hub.ask("tick", symbol="BTC_USDT")

    assert decode(reply.data, type=Quote) == quote(2.0)
    assert (reply.id, reply.publisher, reply.epoch) == (42, "hub.1", 7)
    assert (reply.source, reply.source_epoch, reply.seq, reply.topic_seq) == ("collector.binance.1", 5, 1, 1)
    assert (reply.topic, reply.age_s, reply.state) == (QUOTE, 1.5, "fresh")
    assert reply.ts_ns == hub.clock.ns


def test_an_alias_names_the_same_thing(hub: FakeHub) -> None:
    hub.hear(QUOTE, quote())

    assert hub.ask("tick", symbol="btc").topic == QUOTE


def test_of_several_venues_the_newest_answers_unless_one_is_named(hub: FakeHub) -> None:
    hub.hear("quote.okx.BTC_USDT", quote(7.0, recv_ns=BASE_NS + 5, venue="okx"))
    hub.hear(QUOTE, quote(1.0))

    assert hub.data("tick", symbol="BTC_USDT")[1] == "okx"
    assert hub.data("tick", symbol="BTC_USDT", venue="binance")[1] == "binance"


def test_stale_is_refused_with_its_age_unless_it_is_wanted(hub: FakeHub) -> None:
    hub.hear(QUOTE, quote())
    hub.clock.advance(6)

    refusal = hub.ask("tick", symbol="BTC_USDT")
    wanted = hub.ask("tick", symbol="BTC_USDT", allow_stale=True)

    assert refusal.code == "stale_data"
    assert refusal.details["age_s"] == 6.0
    assert refusal.details["ttl_s"] == 5.0
    assert (wanted.ok, wanted.state) == (True, "stale")


def test_unknown_symbols_come_with_suggestions_and_known_ones_with_what_there_is(hub: FakeHub) -> None:
    hub.hear("bar.binance.BTC_USDT.1m", bar(0))

    assert hub.ask("tick", symbol="BTCUSDT").details["suggestions"][0] == "BTC_USDT"
    assert hub.ask("tick", symbol="ETH_USDT").code == "no_data"
    assert hub.ask("candles", symbol="BTC_USDT", timeframe="5m").details["timeframes"] == ["1m"]
    assert hub.ask("candles", symbol="BTC_USDT", venue="okx").details["venues"] == ["binance"]
    assert hub.ask("tick").code == "invalid_request"


def test_a_flood_of_wrong_symbols_gets_no_suggestions(hub: FakeHub) -> None:
    replies = [hub.ask("tick", symbol=f"WRONG_{number}") for number in range(60)]

    assert {reply.code for reply in replies} == {"unknown_symbol"}
    assert replies[-1].message == "no instrument 'WRONG_59'"


def candles(hub: FakeHub, **fields: object) -> tuple[np.ndarray, BarData]:
    data = decode(hub.ask("candles", symbol="BTC_USDT", **fields).data, type=BarData)
    return np.frombuffer(data.rows, bar_dtype()), data


def test_candles_come_as_one_buffer_with_their_range(hub: FakeHub) -> None:
    for minute in range(20):
        hub.hear("bar.binance.BTC_USDT.1m", bar(minute, close=float(minute + 1)))

    rows, data = candles(hub, timeframe="1m", n=3)
    reply = hub.ask("candles", symbol="BTC_USDT", n=3)

    assert rows["close"].tolist() == [18.0, 19.0, 20.0]
    assert (data.symbol, data.venue, data.timeframe) == ("BTC_USDT", "binance", "1m")
    assert [data.statuses[code] for code in rows["status"]] == ["closed"] * 3
    assert [data.sources[code] for code in rows["source"]] == ["trade"] * 3
    assert (reply.asked, reply.covered_from_ns, reply.covered_to_ns) == (3, 17 * MINUTE_NS, 20 * MINUTE_NS)


def test_candles_of_a_range_and_all_of_them(hub: FakeHub) -> None:
    for minute in range(20):
        hub.hear("bar.binance.BTC_USDT.1m", bar(minute))

    assert len(candles(hub)[0]) == 20
    assert len(candles(hub, from_ns=5 * MINUTE_NS, to_ns=9 * MINUTE_NS)[0]) == 4
    assert len(candles(hub, from_ns=50 * MINUTE_NS)[0]) == 0


def test_a_book_out_of_step_is_never_served(hub: FakeHub) -> None:
    hub.hear("book.binance.BTC_USDT", book(10))
    served = hub.ask("book", symbol="BTC_USDT", depth=1)
    assert decode(served.data, type=Book).bids == [(100.0, 1.0)]

    hub.hear("book.binance.BTC_USDT", book(20, prev_id=19))
    refusal = hub.ask("book", symbol="BTC_USDT", allow_stale=True)

    assert refusal.code == "no_data"
    assert refusal.details["reason"] == "book not synced"


def test_the_last_trades_exactly(hub: FakeHub) -> None:
    for first in range(0, 30, 3):
        hub.hear("trade.binance.BTC_USDT", *(trade(number) for number in range(first, first + 3)))

    found = decode(hub.ask("trades", symbol="BTC_USDT", n=4).data, type=list[Trade])

    assert [one.trade_id for one in found] == [26, 27, 28, 29]


def test_order_flow_and_features(hub: FakeHub) -> None:
    for window_s in (60.0, 5.0):
        hub.hear("flow.binance.BTC_USDT", Flow("BTC_USDT", "binance", window_s, 0, True, {"cvd": window_s}))
    hub.hear("feature.binance.BTC_USDT.1m", Feature("BTC_USDT", "binance", "1m", 0, 0, True, {"rsi": 50.0}))

    assert decode(hub.ask("order_flow", symbol="BTC_USDT").data, type=Flow).window_s == 5.0
    asked = hub.ask("order_flow", symbol="BTC_USDT", args={"window_s": 60})
    assert decode(asked.data, type=Flow).window_s == 60.0
    assert hub.ask("order_flow", symbol="BTC_USDT", args={"window_s": 7}).details["windows_s"] == [5.0, 60.0]
    assert hub.ask("order_flow", symbol="BTC_USDT", args={"window_s": "x"}).code == "invalid_request"
    assert decode(hub.ask("features", symbol="BTC_USDT").data, type=Feature).values == {"rsi": 50.0}


def test_history_says_what_it_covers_or_that_it_has_nothing(hub: FakeHub) -> None:
    for minute in range(10, 20):
        hub.hear("bar.binance.BTC_USDT.1m", bar(minute))
    hub.hear("trade.binance.BTC_USDT", *(trade(n, recv_ns=BASE_NS + n) for n in range(5)))
    hub.clock.advance(9999)

    bars = hub.ask("history", symbol="BTC_USDT", from_ns=5 * MINUTE_NS, to_ns=12 * MINUTE_NS)
    older = hub.ask("history", symbol="BTC_USDT", from_ns=MINUTE_NS, to_ns=5 * MINUTE_NS)
    trades = hub.ask("history", symbol="BTC_USDT", kind="trade", from_ns=BASE_NS + 2, to_ns=BASE_NS + 4)

    assert (bars.covered_from_ns, bars.covered_to_ns) == (10 * MINUTE_NS, 12 * MINUTE_NS)
    assert older.code == "no_data"
    assert older.details["covered_from_ns"] == 10 * MINUTE_NS
    assert [one.trade_id for one in decode(trades.data, type=list[Trade])] == [2, 3]
    assert hub.ask("history", symbol="BTC_USDT", kind="quote").code == "no_data"
    assert hub.ask("history", symbol="BTC_USDT", kind="wish").code == "invalid_request"


def test_lists_of_events(hub: FakeHub) -> None:
    for number in range(5):
        alert = Alert("BTC_USDT", "binance", "volume", "info", number, str(number), {})
        hub.hear("alert.binance.BTC_USDT", alert)
    hub.store.gaps.add([gap("1"), gap("2", kind="book")])

    assert [row[5] for row in hub.data("alerts", n=2)] == ["3", "4"]
    assert hub.data("alerts", symbol="ETH_USDT") == []
    assert hub.data("signals") == []
    assert [row[0] for row in hub.data("gaps", kind="book")] == ["2"]
    assert hub.ask("gaps", args={"state": 3}).code == "invalid_request"


def test_ticks_answer_each_symbol_by_itself(hub: FakeHub) -> None:
    hub.hear(QUOTE, quote(3.0))

    parts = hub.data("ticks", symbols=["BTC_USDT", "NOPE", "ETH_USDT"])

    assert [part.get("code", "ok") for part in parts] == ["ok", "unknown_symbol", "no_data"]
    assert len(hub.data("ticks")) == 1


def test_a_snapshot_answers_each_question_by_itself(hub: FakeHub) -> None:
    hub.hear(QUOTE, quote())
    queries = [
        {"op": "tick", "symbol": "BTC_USDT"},
        {"op": "tick", "symbol": 7},
        {"op": "tick", "wrong": 1},
        {"op": "snapshot"},
        {"op": "clear_all"},
        {"op": "ping"},
    ]

    parts = hub.data("snapshot", queries=queries)

    assert [part.get("code", "ok") for part in parts] == ["ok", *["invalid_request"] * 4, "ok"]
    assert hub.data("tick", symbol="BTC_USDT")


def test_a_snapshot_has_a_longest_answer(hub: FakeHub) -> None:
    for minute in range(500):
        hub.hear("bar.binance.BTC_USDT.1m", bar(minute))

    parts = hub.data("snapshot", queries=[{"op": "candles", "symbol": "BTC_USDT", "allow_stale": True}] * 100)

    assert [part.get("code", "ok") for part in parts].count("ok") == 2
    assert parts[-1]["code"] == "overloaded"
    assert hub.ask("tail", topic="bar.", n=5000).code in ("", "invalid_request")


def test_status_shows_everybody(hub: FakeHub) -> None:
    beat = Beat("collector.binance.1", 5, 9, 0, 0, 0, 0, "RUNNING", {"rss_bytes": 1})
    hub.fleet.on_beat(Pen(epoch=5).beat(beat), hub.clock.ns)
    hub.clock.advance(0.5)

    status = hub.data("status")

    actor = status["actors"]["collector.binance.1"]
    assert (actor["state"], actor["is_alive"], actor["beat_age_s"]) == ("RUNNING", True, 0.5)
    assert status["actors"]["hub.1"]["is_alive"]
    assert status["counters"] == {"ticks_received": 1}
    hub.clock.advance(5)
    assert not hub.data("status")["actors"]["collector.binance.1"]["is_alive"]
    assert hub.data("endpoints")["collector.binance.1"] == {"pub": "ipc:///c", "is_alive": False}


def test_symbols_and_topics(hub: FakeHub) -> None:
    hub.hear(QUOTE, quote())
    hub.clock.advance(2)

    symbols, topics = hub.data("symbols"), hub.data("topics", topic="quote.")

    assert symbols["BTC_USDT"]["venues"] == {"binance": ["quote"]}
    assert symbols["BTC_USDT"]["age_s"] == 2.0
    assert "age_s" not in symbols["ETH_USDT"]
    assert [(row["topic"], row["events"], row["topic_seq"]) for row in topics] == [(QUOTE, 1, 1)]
    assert hub.data("topics", topic="bar.") == []


def test_a_tail_carries_the_numbers_to_join_at(hub: FakeHub) -> None:
    for number in range(5):
        hub.hear("trade.binance.BTC_USDT", trade(number))
    hub.hear("trade.binance.BTC_USDT.PERP", trade(9))

    exact = hub.data("tail", topic="trade.binance.BTC_USDT$", n=2)
    both = hub.data("tail", topic="trade.binance.BTC", n=1)

    assert [row[:4] for row in exact] == [["trade.binance.BTC_USDT", "collector.binance.1", 5, 5]]
    assert [event[7] for event in exact[0][4]] == [3, 4]
    assert len(both) == 2


def test_clear_is_for_everybody_and_data_comes_back(hub: FakeHub) -> None:
    hub.hear(QUOTE, quote())
    hub.hear("quote.binance.ETH_USDT", quote(symbol="ETH_USDT"))

    assert hub.data("clear", symbol="BTC_USDT") == 1
    assert hub.ask("tick", symbol="BTC_USDT").code == "no_data"
    assert hub.data("clear_all") == 1
    hub.hear(QUOTE, quote())
    assert hub.ask("tick", symbol="BTC_USDT").ok


def test_questions_are_counted_by_kind(hub: FakeHub) -> None:
    hub.hear(QUOTE, quote())
    for _ in range(3):
        hub.ask("tick", symbol="BTC_USDT")
    hub.ask("candles", symbol="NOPE")

    assert hub.counters["get_tick_calls"] == 3
    assert hub.counters["get_candles_calls"] == 1
    assert hub.counters["refused_unknown_symbol"] == 1


def test_a_question_whose_asker_has_given_up_is_not_worked_on(hub: FakeHub) -> None:
    hub.hear(QUOTE, quote())
    late = hub.ask("tick", symbol="BTC_USDT", deadline_ns=hub.clock.ns - 1)

    assert late.code == "timeout"
    assert hub.counters["get_tick_calls"] == 0
    assert hub.ask("tick", symbol="BTC_USDT", deadline_ns=hub.clock.ns + 1).ok


def test_another_protocol_version_is_told_so(hub: FakeHub) -> None:
    reply = hub.ask("tick", symbol="BTC_USDT", v=2)

    assert (reply.code, reply.details) == ("protocol_mismatch", {"ours": 1, "theirs": 2})


def test_a_misspelt_operation_names_the_nearest(hub: FakeHub) -> None:
    assert "did you mean candles" in hub.ask("candels").message
    assert hub.ask("tick", n=-1).code == "invalid_request"
    assert hub.ask("candles", symbol="BTC_USDT", timeframe="7m").code == "invalid_request"


@pytest.mark.parametrize(
    "body",
    [b"", b"\xc1", b"GET / HTTP/1.1", b"\x81\xa2op\x01", b"\x80", b"\x93\x01\x02\x03", b"\x91" * 60_000],
)
def test_rubbish_is_answered_as_such(hub: FakeHub, body: bytes) -> None:
    assert decode_reply(hub.answers.answer(body)).code == "invalid_request"


def test_a_question_longer_than_allowed_is_refused(hub: FakeHub) -> None:
    body = encode_request(Request(op="ticks", symbols=["BTC_USDT"] * 10_000))

    assert decode_reply(hub.answers.answer(body)).code == "invalid_request"


words = st.one_of(
    st.sampled_from(["tick", "candles", "BTC_USDT", "1m", "binance", "quote.", ""]), st.text(max_size=9)
)
values = st.recursive(
    st.one_of(
        st.none(), st.booleans(), st.integers(-(2**63), 2**63 - 1), st.floats(), words, st.binary(max_size=9)
    ),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(words, inner, max_size=3)),
    max_leaves=8,
)


@settings(max_examples=200, deadline=None)
@given(st.one_of(st.binary(max_size=60), values.map(msgspec.msgpack.encode)))
def test_any_bytes_get_an_answer(body: bytes) -> None:
    assert decode_reply(FULL.answers.answer(body)).id == 0


OPERATIONS = sorted(FakeHub().answers.operations)
small = st.integers(-(2**63), 2**63 - 1)
requests = st.builds(
    Request, op=st.sampled_from(OPERATIONS), id=small, symbol=words, symbols=st.lists(words, max_size=3),
    venue=words, timeframe=words, kind=words, topic=words, n=small, depth=small, from_ns=small, to_ns=small,
    allow_stale=st.booleans(), args=st.dictionaries(st.sampled_from(["window_s", "state", "x"]), values, max_size=2),
    queries=st.lists(st.dictionaries(words, values, max_size=3), max_size=3),
)  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(requests)
def test_any_question_gets_an_answer(request: Request) -> None:
    reply = decode_reply(full_hub().answers.answer(encode_request(request)))

    assert reply.ok or reply.code
    assert reply.id == request.id


def full_hub() -> FakeHub:
    hub = FakeHub()
    hub.hear(QUOTE, quote())
    hub.hear("trade.binance.BTC_USDT", trade(1))
    hub.hear("book.binance.BTC_USDT", book(1))
    hub.hear("bar.binance.BTC_USDT.1m", bar(0))
    hub.hear("flow.binance.BTC_USDT", Flow("BTC_USDT", "binance", 5.0, 0, True, {}))
    hub.hear("feature.binance.BTC_USDT.1m", Feature("BTC_USDT", "binance", "1m", 0, 0, True, {}))
    hub.hear("footprint.binance.BTC_USDT.1m", footprint(0))
    hub.hear("sweep.binance.BTC_USDT", sweep())
    hub.hear("bar.rest.EUR_USD.1m", fetched(0))
    hub.hear("verdict.rest.EUR_USD", verdict())
    return hub


FULL = full_hub()
