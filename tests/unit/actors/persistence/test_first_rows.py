"""Two collectors send the same: a row is stored once, whoever sent it, and none is left out."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from actors.persistence import first_rows
from actors.persistence.batch import Batch
from actors.persistence.catalogue import Catalogue
from protocol.codec import encode_events
from protocol.messages import Book, Liquidation, Quote, Trade
from protocol.record import FrameWriter, parse_frame

S = 1_000_000_000
A, B = FrameWriter("collector.binance.1", 1), FrameWriter("collector.binance.2", 1)


def trade(number, at_s=1.0):
    return Trade("BTC_USDT", "binance", round(at_s * S), 1, 1.0, 1.0, 1, number)


def quote(number, at_s=1.0):
    return Quote("BTC_USDT", "binance", round(at_s * S), 1, 1.0, 2.0, 1.0, 1.0, number)


def liquidation(number):
    return Liquidation("BTC_USDT", "binance", number, number + 7, 1.0, 1.0, 1)


def frame(writer, *events):
    topic = f"{events[0].KIND}.binance.BTC_USDT"
    return parse_frame(writer.build(topic, events[0].SCHEMA, encode_events(events), 1))


@st.composite
def arrivals(draw):
    """Frames of both in any interleaving; each number comes from one of them at least."""
    sent = []
    for number in range(1, 30):
        sent += [(number, writer) for writer in draw(st.sampled_from([(A,), (B,), (A, B), (B, A)]))]
    late = draw(st.lists(st.integers(0, len(sent) - 1), max_size=10, unique=True))
    return [one for index, one in enumerate(sent) if index not in late] + [sent[index] for index in late]


@given(arrivals(), st.sampled_from([trade, quote, liquidation, lambda n: trade(f"text-{n}")]), st.data())
def test_rows_of_both_are_kept_exactly_once(sent, make, data):
    batch = Batch(Catalogue(), {})
    kind = make(1).KIND
    rows = []
    for number, writer in sent:
        if data.draw(st.booleans()):
            rows += batch.rows.get(kind, [])
            batch = batch.following()
        batch.add(frame(writer, make(number)))
    rows += batch.rows.get(kind, [])
    assert len(rows) == 29
    assert batch.first.second == len(sent) - 29


def test_what_one_publisher_repeats_is_none_of_its_business():
    batch = Batch(Catalogue(), {})
    batch.add(frame(A, quote(1), quote(1)))
    assert len(batch.rows["quote"]) == 2


def test_rows_without_a_key_come_from_the_first_until_the_other_goes_on_alone():
    batch = Batch(Catalogue(), {})
    for at_s in (1.0, 2.0, 3.0):
        batch.add(frame(A, quote(0, at_s)))
        batch.add(frame(B, quote(0, at_s)))
    assert len(batch.rows["quote"]) == 3
    for at_s in (4.0, 4.5, 5.5, 6.0):
        batch.add(frame(B, quote(0, at_s)))
    assert [row[1] for row in batch.rows["quote"][3:]] == [round(5.5 * S), 6 * S]
    batch.add(frame(A, quote(0, 6.5)))
    assert len(batch.rows["quote"]) == 5


def test_trades_without_any_id_are_stored_once():
    batch = Batch(Catalogue(), {})
    for writer in (A, B):
        batch.add(frame(writer, trade("", 1.0)))
    assert len(batch.rows["trade"]) == 1


def test_books_are_kept_of_both_since_each_is_a_chain_of_its_own():
    batch = Batch(Catalogue(), {}, ["book"])
    image = Book("BTC_USDT", "binance", 1, 1, True, 1, 1, [(1.0, 1.0)], [])
    for writer in (A, B):
        batch.add(frame(writer, image))
    assert len(batch.rows["book"]) == 2


def test_what_is_known_is_bounded(monkeypatch):
    monkeypatch.setattr(first_rows, "MAX_KEYS", 4)
    batch = Batch(Catalogue(), {})
    for writer in (A, B):
        batch.add(frame(writer, *(quote(number) for number in range(1, 20))))
    (topic,) = batch.first._topics.values()
    assert len(topic.known) == 4
    assert len(batch.rows["quote"]) == 19, "what is forgotten counts as sent all the same"


def test_a_publisher_that_is_heard_long_after_the_other_doubles_nothing(monkeypatch):
    monkeypatch.setattr(first_rows, "MAX_KEYS", 8)
    batch = Batch(Catalogue(), {})
    for number in range(100, 200):
        batch.add(frame(A, quote(number, number / 100)))
    for number in range(50, 220):
        batch.add(frame(B, quote(number, number / 100)))
    assert len(batch.rows["quote"]) == 170, "B alone has what was before A, and what comes after it"


def test_a_late_trade_is_stored_however_much_has_come_since(monkeypatch):
    monkeypatch.setattr(first_rows, "MAX_KEYS", 8)
    batch = Batch(Catalogue(), {})
    for number in range(1, 50):
        if number != 7:
            batch.add(frame(A, trade(number, number / 10)))
    batch.add(frame(A, trade(7, 0.7)))
    assert len(batch.rows["trade"]) == 49


def test_only_venues_of_several_collectors_are_looked_at():
    actors = {
        "collector.binance.1": {}, "collector.spare.1": {"venue": "binance"}, "collector.okx.1": None, "hub.1": {},
    }  # fmt: skip
    assert first_rows.shared_venues(actors) == {"binance"}
    batch = Batch(Catalogue(), {})
    batch.first.venues = frozenset({"okx"})
    for writer in (A, B):
        batch.add(frame(writer, quote(1)))
    assert len(batch.rows["quote"]) == 2
