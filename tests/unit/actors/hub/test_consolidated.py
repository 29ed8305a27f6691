"""The best bid and offer and the depth over venues: who counts, who is left out and why, what is crossed."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.hub.consolidated import condition_of, consolidate, merge
from protocol.across import CONDITIONS, EXPIRED, Consolidated, ConsolidatedDepth, VenueBook, VenueQuote
from protocol.messages import Beat, Watermark
from protocol.record import RecordKind
from tests.unit.actors.hub.desks import FakeHub
from tests.unit.actors.hub.samples import Pen, book, gap, quote

VENUES = ("binance", "bybit", "okx")


def said(venue: str, bid: float, ask: float, size: float = 1.0, expired: str = "") -> VenueQuote:
    return VenueQuote(venue, bid, size, ask, size, 0.5, 1, "quote", expired)


@pytest.mark.parametrize(
    ("bid", "ask", "condition"),
    [(1.0, 2.0, "ok"), (2.0, 2.0, "locked"), (3.0, 2.0, "crossed"), (0.0, 2.0, "one_sided"), (1.0, 0.0, "one_sided"),
     (0.0, 0.0, "empty")],
)  # fmt: skip
def test_conditions(bid: float, ask: float, condition: str) -> None:
    assert condition_of(bid, ask) == condition
    assert condition in CONDITIONS


def test_the_best_of_each_side_wins_and_of_equal_ones_the_larger() -> None:
    found = consolidate("X", [said("okx", 10, 12), said("bybit", 11, 12, 3.0), said("binance", 11, 13, 2.0)])
    assert (found.bid, found.bid_size, found.bid_venue) == (11, 3.0, "bybit")
    assert (found.ask, found.ask_size, found.ask_venue) == (12, 3.0, "bybit")
    assert [one.venue for one in found.venues] == sorted(VENUES)
    assert consolidate("X", [said("okx", 10, 12), said("bybit", 12.5, 13)]).condition == "crossed"


prices = st.sampled_from([0.0, 1.0, 2.0, 3.0, float("nan"), float("inf"), -1.0])
rows = st.lists(
    st.builds(
        said,
        st.sampled_from(VENUES),
        prices,
        prices,
        st.sampled_from([1.0, 2.0]),
        st.sampled_from(["", *EXPIRED]),
    ),
    max_size=3,
    unique_by=lambda one: one.venue,
)


@given(rows)
def test_no_venue_that_counts_is_better_and_none_that_is_left_out_shows(quotes: list[VenueQuote]) -> None:
    found = consolidate("X", quotes)
    alive = {one.venue: one for one in quotes if not one.expired}
    bids = [one.bid for one in alive.values() if 0 < one.bid < float("inf")]
    asks = [one.ask for one in alive.values() if 0 < one.ask < float("inf")]
    assert found.bid == max(bids, default=0.0)
    assert found.ask == min(asks, default=0.0)
    assert {found.bid_venue, found.ask_venue} <= {*alive, ""}
    assert found.condition == condition_of(found.bid, found.ask)
    assert len(found.venues) == len(quotes)


sides = st.lists(st.tuples(st.integers(1, 9).map(float), st.integers(1, 5).map(float)), max_size=5)


@given(st.lists(st.tuples(sides, sides, st.booleans()), max_size=3), st.integers(0, 6))
def test_depth_is_the_levels_of_all_that_count_in_order(books: list[Any], depth: int) -> None:
    given_books = [
        (
            VenueBook(VENUES[index], 0.1, 1, 1, "old" if is_old else ""),
            sorted(bids, key=lambda level: (-level[0], -level[1])),
            sorted(asks, key=lambda level: (level[0], -level[1])),
        )
        for index, (bids, asks, is_old) in enumerate(books)
    ]
    found = merge("X", given_books, depth)
    for levels, side, sign in ((found.bids, 1, -1), (found.asks, 2, 1)):
        everything = sorted(
            (sign * price, -size, one[0].venue)
            for one in given_books
            if not one[0].expired
            for price, size in one[side]
        )
        wanted = everything[: depth or None]
        assert [(sign * price, -size, venue) for price, size, venue in levels] == wanted


# in the hub


class Venues(FakeHub):
    """A hub that hears three venues."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self.marks = {venue: Pen(f"collector.{venue}.1", epoch=5) for venue in VENUES}
        self.live(*VENUES)

    def live(self, *venues: str) -> None:
        for venue in venues:
            name, pen = f"collector.{venue}.1", self.marks[venue]
            beat = Beat(name, 5, 0, 0, 0, 0, 0, "RUNNING")
            self.fleet.on_beat(pen.frame(f"beat.{name}", [beat], kind=RecordKind.HEARTBEAT), self.clock.ns)
            mark = Watermark(name, venue, self.clock.ns, is_connected=True)
            self.fleet.on_mark(pen.frame(f"mark.{name}", [mark], kind=RecordKind.TIME), self.clock.ns)

    def quote(self, venue: str, bid: float, ask: float, **changes: Any) -> None:
        message = quote(bid, self.clock.ns, venue=venue, ask=ask, **changes)
        self.hear(f"quote.{venue}.BTC_USDT", message, publisher=f"collector.{venue}.1")

    def book(self, venue: str, bids: Any, asks: Any, prev: int = 0) -> None:
        message = book(prev + 1, prev_id=prev, recv_ns=self.clock.ns, venue=venue, bids=bids, asks=asks)
        self.hear(f"book.{venue}.BTC_USDT", message, publisher=f"collector.{venue}.1")

    def gap(self, venue: str, kind: str) -> None:
        message = gap(f"collector.{venue}.1-5-1", venue=venue, kind=kind)
        self.hear(f"gap.{venue}.BTC_USDT", message, publisher=f"collector.{venue}.1")

    def bbo(self) -> Consolidated:
        reply = self.ask("bbo", symbol="BTC_USDT")
        assert reply.ok, reply
        return msgspec.msgpack.decode(reply.data, type=Consolidated)

    def depth(self, levels: int = 0) -> ConsolidatedDepth:
        reply = self.ask("book", symbol="BTC_USDT", venue="*", depth=levels)
        assert reply.ok, reply
        return msgspec.msgpack.decode(reply.data, type=ConsolidatedDepth)


def expired(found: Consolidated | ConsolidatedDepth) -> dict[str, str]:
    return {one.venue: one.expired for one in found.venues if one.expired}


def test_bbo_over_venues_and_its_age() -> None:
    hub = Venues()
    hub.quote("binance", 100.0, 102.0)
    hub.clock.advance(1.0)
    hub.quote("bybit", 101.0, 103.0)
    found, reply = hub.bbo(), hub.ask("bbo", symbol="BTC_USDT")
    assert (found.condition, found.bid_venue, found.ask_venue) == ("ok", "bybit", "binance")
    assert (reply.state, reply.age_s) == ("fresh", 1.0)
    hub.quote("okx", 102.5, 104.0)
    assert hub.bbo().condition == "crossed"
    assert hub.data("bbo", symbol="BTC_USDT")[2] == 102.5


def test_a_venue_that_is_old_down_or_gapped_is_left_out_and_named() -> None:
    hub = Venues()
    hub.quote("binance", 105.0, 106.0)
    hub.clock.advance(5.1)
    hub.quote("bybit", 104.0, 106.0)
    hub.quote("okx", 103.0, 107.0)
    hub.live(*VENUES)
    hub.gap("bybit", "quote")
    found = hub.bbo()
    assert (found.bid, found.ask) == (103.0, 107.0)
    assert expired(found) == {"binance": "old", "bybit": "gap_open"}
    hub.clock.advance(2.0)
    hub.live("binance", "bybit")
    found, reply = hub.bbo(), hub.ask("bbo", symbol="BTC_USDT")
    assert found.condition == "empty"
    assert expired(found) == {"binance": "old", "bybit": "gap_open", "okx": "venue_down"}
    assert (reply.ok, reply.state) == (True, "stale")


def test_the_expiry_is_a_setting_of_each_kind() -> None:
    hub = Venues(venue_expiry_s={"quote": 60.0})
    hub.quote("binance", 105.0, 106.0)
    hub.clock.advance(50.0)
    hub.live(*VENUES)
    assert expired(hub.bbo()) == {}
    hub.clock.advance(20.0)
    hub.live(*VENUES)
    assert expired(hub.bbo()) == {"binance": "old"}


def test_the_top_of_a_book_stands_in_for_a_quote_that_does_not_count() -> None:
    hub = Venues()
    hub.quote("binance", 105.0, 106.0)
    hub.clock.advance(6.0)
    hub.live(*VENUES)
    hub.book("binance", [(104.0, 2.0)], [(107.0, 3.0)])
    hub.book("okx", [], [(106.5, 1.0)])
    found = hub.bbo()
    assert [(one.venue, one.kind, one.expired) for one in found.venues] == [
        ("binance", "book", ""),
        ("okx", "book", ""),
    ]
    assert (found.bid, found.bid_size, found.ask, found.ask_venue) == (104.0, 2.0, 106.5, "okx")


def test_a_quote_without_any_price_is_empty() -> None:
    hub = Venues()
    hub.quote("binance", 0.0, 0.0)
    assert expired(hub.bbo()) == {"binance": "empty"}


def test_depth_names_the_venue_of_each_level() -> None:
    hub = Venues()
    hub.book("binance", [(100.0, 1.0), (99.0, 1.0)], [(101.0, 1.0)])
    hub.book("bybit", [(100.0, 2.0), (98.0, 1.0)], [(102.0, 1.0)])
    found = hub.depth(3)
    assert found.bids == [(100.0, 2.0, "bybit"), (100.0, 1.0, "binance"), (99.0, 1.0, "binance")]
    assert found.asks == [(101.0, 1.0, "binance"), (102.0, 1.0, "bybit")]
    assert found.condition == "ok"
    assert len(hub.depth().bids) == 4


def test_depth_leaves_out_a_book_that_nobody_vouches_for() -> None:
    hub = Venues()
    hub.book("binance", [(100.0, 1.0)], [(101.0, 1.0)])
    hub.book("bybit", [(100.5, 2.0)], [(102.0, 1.0)])
    hub.book("bybit", [(100.6, 2.0)], [], prev=7)  # a change that does not follow on
    hub.book("okx", [(100.7, 2.0)], [(102.0, 1.0)])
    hub.gap("okx", "book")
    found = hub.depth()
    assert found.bids == [(100.0, 1.0, "binance")]
    assert expired(found) == {"bybit": "not_synced", "okx": "gap_open"}


def test_refusals() -> None:
    hub = Venues()
    assert hub.ask("bbo", symbol="BTC_USDT").code == "no_data"
    assert hub.ask("book", symbol="BTC_USDT", venue="*").code == "no_data"
    assert hub.ask("bbo", symbol="DOGE_USDT").code == "unknown_symbol"
    assert hub.ask("bbo", symbol="BTC_USDT", venue="okx").code == "invalid_request"
    hub.quote("binance", 1.0, 2.0)
    assert hub.ask("bbo", symbol="BTC").ok  # an alias


def test_many_at_once_are_a_snapshot() -> None:
    hub = Venues()
    hub.quote("binance", 1.0, 2.0)
    queries = [{"op": "bbo", "symbol": name} for name in ("BTC_USDT", "ETH_USDT")]
    parts = hub.data("snapshot", queries=queries)
    assert [part["ok"] for part in parts] == [True, False]
