"""A topic that two collectors send: the hub keeps the first copies and never depends on one of them."""

from __future__ import annotations

from typing import Any

import pytest

from protocol.messages import Beat, Liquidation, Watermark
from protocol.record import RecordKind
from tests.unit.actors.hub.desks import FakeHub
from tests.unit.actors.hub.samples import SECOND_NS, Pen, book, gap, quote, trade

A, B = "collector.binance.1", "collector.binance.2"
QUOTE, TRADE, BOOK = (f"{kind}.binance.BTC_USDT" for kind in ("quote", "trade", "book"))


class Pair(FakeHub):
    """A hub with two collectors that live."""

    def __init__(self) -> None:
        super().__init__()
        fits = self.desk.freshness.fits
        self.store.fits = lambda publisher, topic: fits(publisher, topic, self.clock.mono_ns())
        self.desk.freshness._source_of = self.store.of_market
        self.beats = {A: Pen(A, epoch=5), B: Pen(B, epoch=5)}
        self.live(A, B)

    def live(self, *names: str, is_connected: bool = True) -> None:
        """Heartbeats and watermarks of now."""
        now_ns = self.clock.ns
        for name in names:
            beat = Beat(name, 5, 0, 0, 0, 0, now_ns, "RUNNING")
            self.fleet.on_beat(
                self.beats[name].frame(f"beat.{name}", [beat], kind=RecordKind.HEARTBEAT), now_ns
            )
            mark = Watermark(name, "binance", now_ns, is_connected)
            self.fleet.on_mark(self.beats[name].frame(f"mark.{name}", [mark], kind=RecordKind.TIME), now_ns)

    def pass_by(self, seconds: float, *names: str) -> None:
        """So much time passes; these live on."""
        self.clock.advance(seconds)
        self.live(*names)
        self.store.turn()

    def both(self, topic: str, *events: Any) -> None:
        for name in (A, B):
            self.hear(topic, *events, publisher=name)

    @property
    def now_ns(self) -> int:
        return self.clock.ns


@pytest.fixture
def hub() -> Pair:
    return Pair()


def test_trades_are_kept_once_and_in_their_order(hub: Pair) -> None:
    hub.hear(TRADE, trade(1), trade(2))
    hub.hear(TRADE, trade(2), trade(3), publisher=B)
    hub.hear(TRADE, trade(5))
    hub.hear(TRADE, trade(4), trade(5), trade(6), publisher=B)
    hub.hear(TRADE, trade(6))
    assert [row[7] for row in hub.data("trades", symbol="BTC_USDT")] == [1, 2, 3, 4, 5, 6]
    assert hub.store.received()["second_copies"] == 3
    assert hub.store.received()["trades_received"] == 6


def test_a_quote_never_goes_back(hub: Pair) -> None:
    hub.both(QUOTE, quote(1.0, update_id=1))
    hub.hear(QUOTE, quote(3.0, update_id=3), publisher=B)
    hub.hear(QUOTE, quote(2.0, update_id=2), quote(3.0, update_id=3))
    assert hub.data("tick", symbol="BTC_USDT")[4] == 3.0


def test_liquidations_are_listed_once(hub: Pair) -> None:
    for name in (A, B, A):
        hub.hear(
            "liquidation.binance.BTC_USDT",
            Liquidation("BTC_USDT", "binance", 5, hub.now_ns, 1.0, 1.0, 1),
            publisher=name,
        )
    hub.hear(
        "liquidation.binance.BTC_USDT", Liquidation("BTC_USDT", "binance", 5, 1, 1.0, 1.0, 1), publisher=B
    )
    found = hub.data("liquidations")
    assert len(found) <= 2  # what the first one repeats before anybody else is heard is its own affair


def test_a_value_is_as_alive_as_one_of_its_collectors(hub: Pair) -> None:
    hub.hear(QUOTE, quote(1.0, recv_ns=hub.now_ns, update_id=1), publisher=B)
    hub.hear(QUOTE, quote(2.0, recv_ns=hub.now_ns, update_id=2))  # A has sent the newest one
    hub.pass_by(2.0, B)
    assert hub.ask("tick", symbol="BTC_USDT").state == "fresh"
    hub.clock.advance(2.0)
    assert hub.ask("tick", symbol="BTC_USDT").details["state"] == "venue_down"


@pytest.mark.parametrize("kind", ["quote", "trade"])
def test_a_gap_is_open_when_nobody_is_whole(hub: Pair, kind: str) -> None:
    hub.both(QUOTE, quote(1.0, recv_ns=hub.now_ns, update_id=1))
    hub.both(TRADE, trade(1, recv_ns=hub.now_ns))
    op = {"quote": "tick", "trade": "trades"}[kind]
    hub.hear("gap.binance.BTC_USDT", gap(f"{A}-5-1", kind=kind))
    assert hub.ask(op, symbol="BTC_USDT").state == "fresh"
    hub.hear("gap.binance.BTC_USDT", gap(f"{B}-5-1", kind=kind), publisher=B)
    assert hub.ask(op, symbol="BTC_USDT").state == "gap_open"


def begun(hub: Pair) -> None:
    hub.both(BOOK, book(1, recv_ns=hub.now_ns))
    hub.both(BOOK, book(1, recv_ns=hub.now_ns))  # the hub has asked both: both are known


def bid_of(hub: Pair) -> Any:
    return hub.data("book", symbol="BTC_USDT")[7][0][0]


def test_a_book_goes_on_with_the_other_collector(hub: Pair) -> None:
    begun(hub)
    hub.hear(BOOK, book(2, prev_id=1, recv_ns=hub.now_ns, bids=[(100.5, 1.0)], asks=[]), publisher=B)
    assert bid_of(hub) == 100.0  # A is followed and has not said so
    hub.pass_by(2.0, B)  # A is dead
    assert bid_of(hub) == 100.5
    hub.hear(BOOK, book(3, prev_id=2, recv_ns=hub.now_ns, bids=[(100.7, 1.0)], asks=[]), publisher=B)
    hub.hear(BOOK, book(9, recv_ns=hub.now_ns, bids=[(50.0, 1.0)]))  # A is back: it is not followed any more
    assert bid_of(hub) == 100.7


def test_a_book_that_one_has_lost_goes_on_with_the_other_at_once(hub: Pair) -> None:
    begun(hub)
    hub.hear(BOOK, book(2, prev_id=1, recv_ns=hub.now_ns, bids=[(100.5, 1.0)], asks=[]), publisher=B)
    hub.hear("gap.binance.BTC_USDT", gap(f"{A}-5-1", kind="book"))
    hub.store.turn()
    assert bid_of(hub) == 100.5
    assert hub.ask("book", symbol="BTC_USDT").state == "fresh"


def test_a_slot_that_lost_its_book_gets_it_from_what_is_known(hub: Pair) -> None:
    begun(hub)
    (slot,) = hub.store.books()
    slot.lose("for the test")
    hub.store.turn()
    assert slot.is_synced


def test_every_collector_is_asked_for_the_book_that_is_not_known(hub: Pair) -> None:
    hub.both(BOOK, book(1, recv_ns=hub.now_ns))
    (slot,) = hub.store.books()
    assert slot.sharing is not None
    assert [one.rstrip(b"\0").decode() for one in slot.sharing.unknown(hub.store.fits)] == [A]
    hub.hear(BOOK, book(1, recv_ns=hub.now_ns))
    assert slot.sharing.unknown(hub.store.fits) == []


def test_one_that_is_behind_in_venue_time_is_not_followed(hub: Pair) -> None:
    begun(hub)
    hub.clock.advance(1.0)
    hub.live(B)
    mark = Watermark(B, "binance", hub.now_ns + 2 * SECOND_NS, is_connected=True)
    hub.fleet.on_mark(hub.beats[B].frame(f"mark.{B}", [mark], kind=RecordKind.TIME), hub.now_ns)
    (slot,) = hub.store.books()
    assert slot.sharing is not None
    assert slot.sharing.chosen(hub.store.fits) == B


def test_what_is_forgotten_begins_anew(hub: Pair) -> None:
    begun(hub)
    assert hub.data("clear_all") == 1
    hub.store.turn()
    hub.hear(BOOK, book(7, recv_ns=hub.now_ns), publisher=B)
    assert bid_of(hub) == 100.0
