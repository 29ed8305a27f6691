"""What the collector makes of what a venue sends: a real process against a real WebSocket and REST server."""

import time
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from protocol.record import RecordKind
from tests.support.collector_rig import BTC, LEVELS, Rig, rig_of
from tests.support.transports import TRANSPORTS


@pytest.fixture
def rig(run_dir: Path) -> Iterator[Rig]:
    with rig_of(run_dir) as found:
        yield found


def test_what_the_venue_sends_comes_out_on_the_bus(rig):
    client = rig.venue.client("btcusdt@trade")
    assert client.path == "/stream"
    assert client.streams == {"btcusdt@trade", "btcusdt@bookTicker", "btcusdt@depth@100ms"}
    rig.trade(7)
    (trade,) = rig.ear.events(BTC, 1)
    assert (trade.symbol, trade.price, trade.size, trade.side, trade.trade_id) == (
        "BTC_USDT",
        100.5,
        2.0,
        1,
        7,
    )
    assert abs(trade.ts_recv_ns - trade.ts_event_ns) < 5_000_000_000
    rig.venue.send("btcusdt@bookTicker", u=5, s="BTCUSDT", b="99", B="1", a="101", A="2")
    (quote,) = rig.ear.events("quote.binance.BTC_USDT", 1)
    assert (quote.bid, quote.ask, quote.update_id) == (99.0, 101.0, 5)
    rig.synced()
    rig.depth(11, 12, bids=[["98", "3"]])
    (book,) = rig.ear.events("book.", 1)
    assert (book.first_update_id, book.prev_update_id, book.bids) == (11, 10, [(98.0, 3.0)])
    mark = rig.ear.until(lambda mark: getattr(mark, "ts_event_ns", 0) and mark.is_connected, "mark.")
    assert mark.ts_event_ns >= trade.ts_event_ns
    counters = rig.status(lambda status: status["counters"].get("books_received") == 2)["counters"]
    assert (counters["trades_received"], counters["quotes_received"], counters["ticks_received"]) == (1, 1, 2)


def test_a_disconnect_without_loss_is_announced_and_then_filled(rig):
    first = rig.venue.client("btcusdt@trade")
    rig.trade(1)
    rig.ear.events(BTC, 1)
    first.drop()
    gap = rig.ear.until(lambda gap: gap.kind == "trade", "gap.")
    assert (gap.state, gap.cause, gap.to_ts_ns, gap.from_id) == ("open", "disconnect", 0, 2)
    rig.venue.client("btcusdt@trade", 2)
    rig.trade(2)
    settled = rig.ear.until(lambda gap: gap.kind == "trade" and gap.state != "open", "gap.")
    assert (settled.gap_id, settled.state, settled.count) == (gap.gap_id, "filled", 0)
    assert settled.to_ts_ns >= settled.from_ts_ns > 0
    assert [trade.trade_id for trade in rig.ear.events(BTC, 1)] == [2]


def test_a_disconnect_with_loss_names_what_is_missing_before_the_next_trade(rig):
    first = rig.venue.client("btcusdt@trade")
    rig.trade(1)
    rig.ear.events(BTC, 1)
    first.drop()
    rig.venue.client("btcusdt@trade", 2)
    rig.trade(5)
    topics = []
    for frame in rig.ear.frames():
        topics += [frame.topic] * frame.topic.startswith(("gap.", "trade."))
        if frame.topic == BTC:
            break
        if frame.topic.startswith("gap."):
            assert frame.kind == RecordKind.UPSTREAM_GAP
            (gap,) = msgspec.msgpack.decode(frame.payload)
    assert topics[-2:] == ["gap.binance.BTC_USDT", BTC]
    assert (gap[4], gap[5], gap[9]) == (2, 4, "filling")
    assert rig.status(lambda status: status["trades_missing"] == 3)["gaps_open"] == 0


def test_a_book_is_resynchronised_after_a_disconnect(rig):
    rig.synced()
    rig.venue.clients[0].drop()
    gap = rig.ear.until(lambda gap: gap.kind == "book", "gap.")
    assert gap.state == "open"
    rig.venue.client("btcusdt@depth@100ms", 2)
    rig.venue.set_snapshot("BTCUSDT", 50, **LEVELS)
    rig.depth(49, 52)
    filled = rig.ear.until(lambda gap: gap.kind == "book" and gap.state == "filled", "gap.")
    assert (filled.gap_id, filled.filled_by) == (gap.gap_id, "snapshot")
    book = rig.ear.until(lambda book: book.is_snapshot, "book.")
    assert book.last_update_id == 52


def test_one_lost_book_does_not_touch_the_others(run_dir):
    with rig_of(run_dir, ("BTC_USDT", "ETH_USDT")) as rig:
        rig.synced()
        rig.synced("ETHUSDT", "ETH_USDT")
        rig.venue.set_snapshot("BTCUSDT", 25, **LEVELS)
        rig.depth(20, 21)
        rig.depth(11, 11, "ETHUSDT")
        rig.depth(22, 30)
        books = rig.ear.events("book.", 2)
        assert sorted((book.symbol, book.is_snapshot) for book in books) == [
            ("BTC_USDT", True),
            ("ETH_USDT", False),
        ]
        assert rig.venue.snapshot_requests.count("ETHUSDT") == 1


def test_a_snapshot_that_is_too_old_is_asked_for_again(rig):
    rig.venue.client("btcusdt@depth@100ms")
    rig.venue.set_snapshot("BTCUSDT", 3, **LEVELS)
    rig.depth(10, 10)
    rig.venue.wait(lambda: rig.venue.snapshot_requests.count("BTCUSDT") >= 2, "a second request")
    rig.venue.set_snapshot("BTCUSDT", 9, **LEVELS)
    book = rig.ear.until(lambda book: book.is_snapshot, "book.")
    assert book.last_update_id == 10
    assert rig.status(lambda status: status["dropped"].get("unusable_snapshot"))


def test_a_rest_side_that_refuses_is_asked_again(rig):
    rig.venue.client("btcusdt@depth@100ms")
    rig.venue.rest_status = (429, {"Retry-After": "0.2"})
    rig.depth(10, 10)
    rig.venue.wait(lambda: rig.venue.snapshot_requests, "a request")
    rig.venue.rest_status = (200, {})
    rig.venue.set_snapshot("BTCUSDT", 9, **LEVELS)
    rig.ear.until(lambda book: book.is_snapshot, "book.")
    assert rig.status(lambda status: status["dropped"].get("snapshot_failed") == 1)


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_bad_frames_are_counted_and_the_next_good_one_passes(run_dir, transport):
    with rig_of(run_dir, transport=transport) as rig:
        _send_bad_frames(rig)


def _send_bad_frames(rig: Rig) -> None:
    client = rig.venue.client("btcusdt@trade")
    bad = [
        "",
        "{",
        "[]",
        "nonsense",
        '{"stream":"btcusdt@trade","data":{"e":"trade"}}',
        '{"stream":"x@y","data":1}',
    ]
    for text in bad:
        client.send(text)
    client.send(b"\x00binary\xff")
    client.send("x" * 20_000_000)
    rig.trade(1, p="NaN")
    rig.trade(1, p="-5")
    rig.trade(1, s="NOBODYUSDT")
    rig.trade(1, T=time.time_ns() // 1_000_000 + 3_600_000)
    rig.trade(1, T=time.time_ns() // 1_000_000 + 2_000)
    (trade,) = rig.ear.events(BTC, 1)
    assert trade.ts_event_ns > trade.ts_recv_ns, "two seconds ahead are legal and not clamped"
    assert rig.status(lambda _: True)["dropped"] == {
        "malformed_json": 3,
        "invalid_frame": 1,
        "invalid_trade": 3,
        "binary_frame": 1,
        "oversize_frame": 1,
        "unmapped_symbol": 1,
        "clock_ahead": 1,
    }
    assert len(rig.venue.all_clients) == 1, "all of that on one connection"


def test_a_whole_book_on_request_is_rate_limited(run_dir):
    with rig_of(run_dir, snap_interval_s=0.5) as rig:
        rig.synced()
        rig.depth(11, 11, bids=[["98", "3"]])
        rig.ear.until(lambda book: book.last_update_id == 11, "book.")
        states = [rig.ask("snap", symbol="BTC_USDT")["state"] for _ in range(5)]
        states += [rig.ask("snap", topic="book.binance.BTC_USDT")["state"]]
        assert states == ["published"] + ["pending"] * 5
        books = rig.ear.events("book.", 2)
        assert [(book.is_snapshot, book.last_update_id, len(book.bids)) for book in books] == [
            (True, 11, 2)
        ] * 2
        status = rig.status(lambda status: status["counters"]["books_republished"] == 2)
        assert status["counters"]["books_received"] == 4
