"""Frames in, slots out: what is kept, what is refused, what a restart brings back."""

from __future__ import annotations

import msgspec
import pytest

from actors.hub.settings import HubSettings
from actors.hub.store import Store
from actors.hub.trades import TradeSlot
from protocol.errors import PayloadError
from protocol.messages import Alert, Quote, Trade
from protocol.record import Frame, RecordKind, parse_frame
from tests.unit.actors.hub.samples import BASE_NS, Pen, bar, book, gap, quote, trade

QUOTE = "quote.binance.BTC_USDT"


def store(**settings: int) -> Store:
    return Store(HubSettings(**settings), lambda _: "")


def test_every_kind_finds_its_place() -> None:
    kept, pen = store(), Pen()
    for topic, event in (
        (QUOTE, quote()),
        ("trade.binance.BTC_USDT", trade(1)),
        ("book.binance.BTC_USDT", book(1)),
        ("bar.binance.BTC_USDT.1m", bar(0)),
        ("alert.binance.BTC_USDT", Alert("BTC_USDT", "binance", "r", "info", BASE_NS, "t", {})),
    ):
        kept.ingest(pen.frame(topic, [event]))
    kept.ingest(pen.frame("gap.binance.BTC_USDT", [gap("1")], kind=RecordKind.UPSTREAM_GAP))

    received = kept.received()

    assert {name for name, count in received.items() if count == 1} == {
        "ticks_received", "trades_received", "books_received", "candles_received", "alerts_received",
        "gaps_received",
    }  # fmt: skip
    assert len(kept) == 6
    assert kept.gaps.open_count == 1


@pytest.mark.parametrize(
    "topic",
    ["quote.binance", "quote.BINANCE.BTC", "bar.binance.BTC_USDT.7m", "beat.x", "wish.binance.BTC_USDT"],
)
def test_a_topic_that_is_none_is_refused_and_costs_nothing(topic: str) -> None:
    kept = store()

    with pytest.raises(PayloadError):
        kept.ingest(Pen().frame(topic, [bar(0) if topic.startswith("bar") else quote()]))
    assert len(kept) == 0


def test_a_wrong_type_on_a_topic_is_refused_and_the_value_before_it_stays() -> None:
    kept, pen = store(), Pen()
    kept.ingest(pen.frame(QUOTE, [quote(1.0)]))

    with pytest.raises(PayloadError, match="not what this topic carries"):
        kept.ingest(pen.frame(QUOTE, [trade(1)]))
    with pytest.raises(PayloadError):
        kept.ingest(parse_frame(pen.writer.build(QUOTE, Quote.SCHEMA, b"\xc0", BASE_NS)))
    kept.ingest(pen.frame(QUOTE, [quote(2.0)]))

    assert kept.received()["ticks_received"] == 2


def test_quotes_that_newer_ones_have_overtaken_count_as_received() -> None:
    kept, pen = store(), Pen()
    kept.ingest(pen.frame(QUOTE, [quote()]))
    kept.pass_over(QUOTE, 3)
    kept.pass_over("quote.binance.NOBODY", 5)

    assert kept.received()["ticks_received"] == 4
    assert [slot.events for slot in kept] == [4]


def test_the_number_of_topics_is_bounded() -> None:
    kept, pen = store(max_topics=2), Pen()
    for symbol in ("A", "B"):
        kept.ingest(pen.frame(f"quote.binance.{symbol}", [quote()]))

    with pytest.raises(PayloadError, match="more than 2 topics"):
        kept.ingest(pen.frame("quote.binance.C", [quote()]))
    kept.ingest(pen.frame("quote.binance.A", [quote()]))


def test_clearing_a_symbol_leaves_the_others_and_the_counts() -> None:
    kept, pen = store(), Pen()
    for symbol in ("A", "B"):
        kept.ingest(pen.frame(f"quote.binance.{symbol}", [quote()]))
        kept.ingest(pen.frame(f"bar.binance.{symbol}.1m", [bar(0)]))

    assert kept.clear("A") == 2

    assert kept.of_symbol("quote", "A") == []
    assert not kept.has_symbol("A")
    assert len(kept.of_symbol("bar", "B", "1m")) == 1
    assert kept.received()["ticks_received"] == 2
    assert kept.clear() == 2
    kept.ingest(pen.frame("quote.binance.A", [quote()]))
    assert len(kept.of_symbol("quote", "A")) == 1


def test_what_is_forgotten_does_not_come_back_by_another_way() -> None:
    kept, pen = store(), Pen()
    heard = pen.frame(QUOTE, [quote(1.0)])
    kept.restore(heard)
    kept.clear("BTC_USDT")

    assert not kept.restore(heard)  # an answer that was under way
    kept.ingest(heard)  # the bus's own copy
    assert kept.get(QUOTE) is None

    later = pen.frame(QUOTE, [quote(2.0)])
    assert kept.restore(later)
    kept.clear()
    kept.ingest(Pen(epoch=2).frame(QUOTE, [quote(3.0)]))  # the publisher's next life
    assert kept.get(QUOTE) is not None


def frames(count: int, epoch: int = 1) -> list[Frame]:
    pen = Pen(epoch=epoch)
    return [pen.frame("trade.binance.BTC_USDT", [trade(number)]) for number in range(count)]


def newest_id(kept: Store) -> object:
    slot = kept.get("trade.binance.BTC_USDT")
    return msgspec.msgpack.decode(slot.newest()[0], type=Trade).trade_id if slot is not None else None


def test_a_restored_value_that_the_bus_brings_again_counts_once() -> None:
    kept, sent = store(), frames(4)
    assert kept.restore(sent[1])

    for frame in sent:
        kept.ingest(frame)

    slot = kept.get("trade.binance.BTC_USDT")
    assert isinstance(slot, TradeSlot)
    assert kept.received()["trades_received"] == 4
    assert [trade.trade_id for trade in slot.between(0, 0)] == [0, 1, 2, 3], (
        "the earlier one is put in its place"
    )


def test_a_restored_value_does_not_replace_a_newer_one() -> None:
    kept, sent = store(), frames(3)
    kept.ingest(sent[2])

    assert not kept.restore(sent[1])
    assert not kept.restore(sent[2])
    assert newest_id(kept) == 2


def test_a_restored_value_of_an_older_process_does_not_replace_a_newer_one() -> None:
    kept = store()
    kept.ingest(frames(1, epoch=9)[0])

    assert not kept.restore(frames(5, epoch=8)[4])


def test_rates_are_events_a_second() -> None:
    kept = store()
    for frame in frames(10):
        kept.ingest(frame)

    kept.measure(2.0)

    assert next(iter(kept)).rate_per_s == 5.0
    kept.measure(2.0)
    assert next(iter(kept)).rate_per_s == 0.0
