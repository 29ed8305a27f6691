import json
from typing import Any

import msgspec
import pytest

from protocol.across import VenueBook, VenueQuote
from protocol.client import Bbo, Book, ConsolidatedBook, Events, Features, OrderFlow, Tick, Trades
from protocol.errors import NoData
from protocol.messages import Footprint, Gap
from protocol.requests import Reply
from tapehub import snapshots
from tapehub.rowformats import TableFormat
from tests.unit.actors.hub.samples import footprint, signal
from tests.unit.tapehub.frames import trade

ORIGIN: dict[str, Any] = {"source": "", "epoch": 0, "seq": 0, "hub_epoch": 0}
TICK = Tick(
    symbol="BTC_USDT", venue="binance", ts_event_ns=1, ts_recv_ns=2, bid=10.0, ask=10.5, bid_size=1.0, ask_size=2.0,
    age_s=0.5, state="fresh", **ORIGIN,
)  # fmt: skip


def table(kind: str, shot: snapshots.Snapshot) -> list[list[str]]:
    lines = TableFormat(kind, columns=snapshots.COLUMNS[kind])
    return [lines.header.decode().split(), *(lines.line(row).decode().split() for row in shot.rows)]


def test_tick_carries_age_and_state() -> None:
    shot = snapshots.of_tick(TICK)

    assert table("tick", shot)[1] == ["BTC_USDT", "binance", "1", "10", "10.5", "2", "0.5", "0.5s", "fresh"]
    assert shot.document["age_s"] == 0.5
    assert shot.document["mid"] == 10.25


def test_ticks_say_why_some_are_missing() -> None:
    shot = snapshots.of_ticks({"BTC_USDT": TICK}, {"ETH_USDT": NoData("nothing came")})

    assert shot.document["errors"] == {"ETH_USDT": {"code": "no_data", "message": "nothing came"}}
    assert shot.remark == "ETH_USDT: nothing came"
    assert len(shot.rows) == 1


def test_both_sides_of_a_book_stand_beside_each_other() -> None:
    book = Book(
        symbol="BTC_USDT", venue="binance", ts_event_ns=1, ts_recv_ns=2, update_id=7, age_s=0.1, state="fresh", **ORIGIN,
        bids=[(10.0, 1.0), (9.5, 2.0)], asks=[(10.5, 3.0)],
    )  # fmt: skip

    shot = snapshots.of_book(book)

    assert table("book", shot)[1:] == [["1", "1", "10", "10.5", "3"], ["2", "2", "9.5", "-", "-"]]
    assert shot.document["bids"] == [[10.0, 1.0], [9.5, 2.0]] or shot.document["bids"] == [
        (10.0, 1.0),
        (9.5, 2.0),
    ]


def test_the_best_of_all_venues_is_a_row_per_venue_and_a_word() -> None:
    venues = [
        VenueQuote("binance", 10.0, 1.0, 11.0, 2.0, 0.1, 5, "quote"),
        VenueQuote("okx", 12.0, 1.0, 13.0, 2.0, 9.0, 5, "quote", "old"),
    ]
    bbo = Bbo(
        symbol="BTC_USDT", condition="ok", bid=10.0, bid_size=1.0, bid_venue="binance", ask=11.0, ask_size=2.0,
        ask_venue="binance", venues=venues, age_s=0.1, state="fresh", **ORIGIN,
    )  # fmt: skip

    shot = snapshots.of_bbo(bbo)

    assert table("bbo", shot)[1:] == [
        ["binance", "1", "10", "11", "2", "0.1s", "quote", "bid", "ask"],
        ["okx", "1", "12", "13", "2", "9.0s", "quote", "old"],
    ]
    assert shot.remark == "BTC_USDT: ok, bid 10 x 1 at binance, ask 11 x 2 at binance"
    assert json.loads(json.dumps(shot.document))["venues"][1]["expired"] == "old"


def test_the_books_of_all_venues_name_the_venue_of_each_level() -> None:
    book = ConsolidatedBook(
        symbol="BTC_USDT", condition="one_sided", bids=[(10.0, 1.0, "okx")], asks=[],
        venues=[VenueBook("okx", 0.5, 3, 1)], age_s=0.5, state="fresh", **ORIGIN,
    )  # fmt: skip

    shot = snapshots.of_depth(book)

    assert table("depth", shot)[1:] == [["1", "okx", "1", "10", "-", "-", "-"]]
    assert shot.remark == "BTC_USDT: one_sided; okx ok 0.5 s"


def test_a_window_says_when_it_is_shorter_than_asked() -> None:
    reply = Reply(id=1, ok=True, asked=5, age_s=0.25, state="fresh", source="c")

    shot = snapshots.of_trades(Trades(reply, [trade(), trade()], "BTC_USDT", "binance"))

    assert shot.remark == "BTC_USDT binance: 2 rows of 5 asked for, age 0.2 s, fresh"
    assert shot.document["data"] == shot.rows
    assert shot.rows[0]["side"] == "buy"


def test_named_values_are_rows_by_name() -> None:
    features = Features(
        symbol="BTC_USDT", venue="binance", timeframe="1m", ts_open_ns=1, ts_event_ns=1, is_ready=True,
        values={"rsi": 70.0, "ema": 1.5}, age_s=0.1, state="fresh", **ORIGIN,
    )  # fmt: skip

    assert table("features", snapshots.of_values("features", features))[1:] == [["ema", "1.5"], ["rsi", "70"]]


def test_what_is_not_complete_says_why() -> None:
    found = OrderFlow(
        symbol="BTC_USDT", venue="binance", window_s=60.0, ts_event_ns=1, is_complete=False, values={"cvd": 1.0},
        coverage=0.25, reason="warm-up,gap", age_s=0.1, state="fresh", **ORIGIN,
    )  # fmt: skip

    assert snapshots.of_values("flow", found).remark.endswith("fresh, coverage 0.25 (warm-up,gap)")


def test_one_footprint_is_its_buckets_and_several_are_a_row_each() -> None:
    def shot_of(*rows: Footprint) -> snapshots.Snapshot:
        return snapshots.of_footprints(Events(Reply(id=1, ok=True, state="fresh"), list(rows), Footprint))

    one = shot_of(footprint(1))
    assert one.table == "profile"
    assert table("profile", one) == [
        ["PRICE", "BUY_VOLUME", "SELL_VOLUME", "UNKNOWN_VOLUME", "DELTA", "MARK"],
        ["100.5", "0", "2", "0.25", "-2", "poc"],
        ["100", "1", "0.5", "0", "0.5", "value"],
    ]
    several = shot_of(footprint(1), footprint(2, count=9))
    assert table("footprint", several)[2][:2] == ["1970-01-01T00:02:00Z", "3.75"]
    assert [row["count"] for row in several.document["rows"]] == [7, 9]
    assert shot_of().rows == []


def test_a_signal_says_what_became_of_it() -> None:
    assert table("signals", snapshots.of_messages("signals", [signal(1, "target")])) == [
        ["TIME", "STATE", "STRATEGY", "SYMBOL", "VENUE", "SIDE", "ENTRY", "STOP", "TARGET", "CONFIDENCE", "SCORE"],
        ["22:13:21.500000", "target", "cross", "BTC_USDT", "binance", "buy", "100", "99", "102", "0.75", "0.5"],
    ]  # fmt: skip


def test_an_empty_list_is_said() -> None:
    assert snapshots.of_messages("gaps", []).remark == "no gaps"


@pytest.mark.parametrize("kind", snapshots.KINDS)
def test_every_kind_has_a_table(kind: str) -> None:
    assert TableFormat(kind, columns=snapshots.COLUMNS[kind]).header


def test_documents_are_json() -> None:
    gap = Gap("g", "binance", "BTC_USDT", "trade", 1, 2, 3, 4, "disconnect", "open")

    for shot in (
        snapshots.of_tick(TICK),
        snapshots.of_messages("gaps", [gap]),
        snapshots.of_status({"actors": {}}),
    ):
        assert json.loads(msgspec.json.encode(shot.document))["kind"] == shot.document["kind"]
