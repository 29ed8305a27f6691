"""One frame per topic and turn, gaps in their place."""

from collections import Counter

from actors.collector.outbox import Outbox
from protocol.messages import Bar, Book, Gap, Quote, Trade
from protocol.record import FLAG_REFERENCE, FLAG_REPAIRED, RecordKind


def trade(number: int, symbol: str = "A_B") -> Trade:
    return Trade(symbol, "v", 1, 2, 3.0, 4.0, 1, number)


def quote(symbol: str = "A_B") -> Quote:
    return Quote(symbol, "v", 1, 2, 3.0, 4.0, 1.0, 1.0)


def gap() -> Gap:
    return Gap("x-1-1", "v", "A_B", "trade", 1, 2, 3, 4, "venue_jump", "unfillable")


def test_messages_are_grouped_by_topic_in_their_order():
    sent, counters = [], Counter()
    outbox = Outbox(lambda *frame: sent.append(frame), counters)
    for message in (trade(1), quote(), trade(2), trade(1, "C_D")):
        outbox.add(message)
    assert sent == []
    outbox.flush()
    outbox.flush()
    assert [(topic, len(events), kind) for topic, events, kind in sent] == [
        ("trade.v.A_B", 2, RecordKind.DATA),
        ("quote.v.A_B", 1, RecordKind.DATA),
        ("trade.v.C_D", 1, RecordKind.DATA),
    ]
    assert [event.trade_id for event in sent[0][1]] == [1, 2]
    assert counters == {"trades_received": 3, "ticks_received": 4, "quotes_received": 1}


def test_a_gap_goes_out_after_what_came_before_it_and_before_what_comes_after():
    sent = []
    outbox = Outbox(lambda *frame: sent.append(frame), Counter())
    for message in (trade(1), gap(), trade(5)):
        outbox.add(message)
    outbox.flush()
    assert [(topic, kind) for topic, _, kind in sent] == [
        ("trade.v.A_B", RecordKind.DATA),
        ("gap.v.A_B", RecordKind.UPSTREAM_GAP),
        ("trade.v.A_B", RecordKind.DATA),
    ]


def test_books_have_a_counter():
    counters = Counter()
    outbox = Outbox(lambda *_: None, counters)
    outbox.add(Book("A_B", "v", 1, 2, True, 3, 3, [], []))
    outbox.flush()
    assert counters == {"books_received": 1}


def test_candles_of_the_venue_say_what_they_are_for():
    sent, counters = [], Counter()
    outbox = Outbox(lambda *frame: sent.append(frame), counters)
    bar = Bar("A_B", "v", "1m", 0, 60, 1.0, 1.0, 1.0, 1.0, 2.0, 1.0, 1.0, 1.0, 1, "closed", 1.0, 0, "v")
    outbox.add(trade(1))
    outbox.add_references([bar])
    outbox.add_klines([bar])
    assert [(topic, flags) for topic, _, _, *flags in sent] == [
        ("trade.v.A_B", []),
        ("bar.v.A_B.1m", [FLAG_REFERENCE]),
        ("bar.v.A_B.1m", [FLAG_REPAIRED]),
    ]
    assert (counters["klines_checked"], counters["klines_repaired"]) == (1, 1)
