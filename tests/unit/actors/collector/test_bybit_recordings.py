"""Every recorded Bybit frame through the parser and the live path, against what was computed of it independently."""

import json
from collections import Counter, defaultdict
from itertools import pairwise

import pytest

from actors.collector.gaps import Gaps
from actors.collector.intake.normaliser import Normaliser, Rules
from actors.collector.outcomes import Ack, BookChange, BookImage, Ignored, Reject
from actors.collector.recorded.recordings import read_recording
from actors.collector.venue import TradeIds
from actors.collector.venues.bybit import Bybit
from actors.collector.venues.bybit_sniffing import BybitSniffer
from protocol.book import OrderBook
from protocol.messages import BUY, SELL, Book, Gap, Liquidation, Quote, Trade
from tests.support import data

pytestmark = pytest.mark.recording

VENUE, SNIFFER = Bybit(), BybitSniffer()
CAPTURE = "bybit/cryptofeed_BYBIT_v5_2026_linear_BTC_DOGE_spot_ETH.jsonl.zst"
OB500 = "bybit/xrpusdt_ob500_20241201.jsonl.gz"
TARDIS = "bybit/tardis_frames.jsonl"
RULES = Rules(ids=TradeIds.UNORDERED, is_streamed=True, is_curious=True)
CONNECTIONS = {"BYBIT.ws.2": "linear", "BYBIT.ws.3": "spot"}


class Names(dict):
    """Every raw name has a derived symbol."""

    def __init__(self, market):
        super().__init__()
        self.market = market

    def get(self, raw, _default=None):
        return self.setdefault(raw, SNIFFER.derived_symbol(self.market, raw))


def outcomes(name):
    """(what the frame says about itself, outcomes) of each frame of the streams."""
    readers = {}
    for recorded in read_recording(data.recording(name)):
        sniffed = SNIFFER.sniff(recorded.data, recorded.address)
        if recorded.is_rest:
            continue
        market = sniffed.market or "linear"
        if market not in readers:
            readers[market] = VENUE.parser(market, Names(market), {}).reader()
        yield sniffed, readers[market].parse(recorded.data, recorded.ts_recv_ns or 1)


def through_the_live_path(name):
    """Messages, drops and normaliser of each market of a recording."""
    markets, messages, drops = {}, defaultdict(list), Counter()
    for recorded in read_recording(data.recording(name)):
        market = SNIFFER.sniff(recorded.data, recorded.address).market
        if recorded.is_rest or not market:
            continue
        if market not in markets:
            markets[market] = Normaliser(
                "bybit",
                VENUE.parser(market, Names(market), {}),
                Gaps("bybit", "test-1"),
                messages[market].append,
                lambda reason, _what: drops.update([reason]),
                RULES,
            )
        markets[market].take(recorded.data, recorded.ts_recv_ns or 1)
    return markets, messages, drops


def pairs(levels):
    return [(float(price), float(size)) for price, size in levels]


def test_every_frame_of_the_capture_is_of_its_kind_and_none_is_refused():
    by_connection = {market: name for name, market in CONNECTIONS.items()}
    kinds, refused = Counter(), []
    for sniffed, found in outcomes(CAPTURE):
        is_ack = sniffed.stream_type == "ack"
        kinds["ack" if is_ack else f"{by_connection[sniffed.market]} {sniffed.stream_type}"] += 1
        refused += [one for one in found if isinstance(one, Reject)]
        assert found
        if is_ack:
            assert found == (Ack(0),)
        elif sniffed.stream_type.startswith("kline") or (sniffed.market, sniffed.stream_type) == ("spot", "tickers/snapshot"):  # fmt: skip
            assert isinstance(found[0], Ignored)
    assert dict(kinds) == data.truth(CAPTURE)["by_kind"]
    assert refused == []


def test_the_capture_names_its_instruments():
    found = [
        SNIFFER.sniff(recorded.data, recorded.address)
        for recorded in read_recording(data.recording(CAPTURE))
        if recorded.is_rest
    ]
    assert [(one.market, one.rest) for one in found] == [("linear", "instruments"), ("spot", "instruments")]
    unaddressed = [
        SNIFFER.sniff(recorded.data, "")
        for recorded in read_recording(data.recording(CAPTURE))
        if recorded.is_rest
    ]
    assert unaddressed == found


def test_frames_tell_their_market_without_an_address():
    for recorded in read_recording(data.recording(CAPTURE)):
        told = SNIFFER.sniff(recorded.data, recorded.address)
        if told.raw and not recorded.is_rest and not told.stream_type.startswith("tickers"):
            assert SNIFFER.sniff(recorded.data, "").market == told.market, recorded.data[:200]


@pytest.mark.parametrize("key", ["BYBIT.ws.2 BTCUSDT", "BYBIT.ws.2 DOGEUSDT", "BYBIT.ws.3 ETHUSDT"])
def test_trades_equal_the_truth(key):
    connection, raw = key.split()
    truth = data.truth(CAPTURE)["markets"][key]["trades"]
    symbol = SNIFFER.derived_symbol(CONNECTIONS[connection], raw)
    found = [one for _, many in outcomes(CAPTURE) for one in many if isinstance(one, Trade) and one.symbol == symbol]  # fmt: skip
    assert len(found) == len({trade.trade_id for trade in found}) == truth["n"]

    def volume(side):
        return sum(trade.size for trade in found if trade.side == side)

    assert sum(trade.size for trade in found) == pytest.approx(float(truth["volume"]), rel=1e-11)
    assert sum(trade.size * trade.price for trade in found) == pytest.approx(
        float(truth["notional"]), rel=1e-11
    )
    assert volume(BUY) == pytest.approx(float(truth["taker_buy_volume"]), rel=1e-11)
    assert volume(SELL) == pytest.approx(float(truth["taker_sell_volume"]), rel=1e-11)
    assert (found[0].price, found[-1].price) == (float(truth["first_price"]), float(truth["last_price"]))
    assert min(trade.price for trade in found) == float(truth["low"])
    assert max(trade.price for trade in found) == float(truth["high"])
    assert found[0].ts_event_ns == truth["first_ts_ms"] * 1_000_000
    assert found[-1].ts_event_ns == truth["last_ts_ms"] * 1_000_000


def check_book(name, key, symbol):
    truth = data.truth(name)["markets"][key]
    book, last_id, images, changes = OrderBook(), 0, 0, 0
    for _, many in outcomes(name):
        for one in many:
            if isinstance(one, BookImage) and one.symbol == symbol:
                assert one.last_id == truth["first_snapshot_u"]
                book.snapshot(one.bids, one.asks, one.last_id)
                images += 1
            elif isinstance(one, BookChange) and one.symbol == symbol:
                assert one.after_id == last_id
                book.apply(one.bids, one.asks, one.last_id)
                assert not book.is_crossed
                changes += 1
            else:
                continue
            last_id = one.last_id
    bids, asks = book.top()
    assert [images, changes] == truth["book_snapshots_deltas"]
    assert last_id == truth["last_u"]
    assert [len(bids), len(asks)] == truth["final_book"]["levels"]
    assert [tuple(level) for level in bids[:5]] == pairs(truth["final_book"]["bids"])
    assert [tuple(level) for level in asks[:5]] == pairs(truth["final_book"]["asks"])


@pytest.mark.parametrize("key", ["BYBIT.ws.2 BTCUSDT", "BYBIT.ws.2 DOGEUSDT", "BYBIT.ws.3 ETHUSDT"])
def test_books_equal_the_truth(key):
    connection, raw = key.split()
    check_book(CAPTURE, key, SNIFFER.derived_symbol(CONNECTIONS[connection], raw))


def test_the_book_of_500_levels_has_no_address_and_equals_the_truth():
    check_book(OB500, "file XRPUSDT", "XRP_USDT.PERP")
    kinds = Counter(f"file {sniffed.stream_type}" for sniffed, _ in outcomes(OB500))
    assert dict(kinds) == data.truth(OB500)["by_kind"]


@pytest.mark.parametrize("raw", ["BTCUSDT", "DOGEUSDT"])
def test_the_last_quote_of_the_merged_ticker_equals_the_truth(raw):
    truth = data.truth(CAPTURE)["markets"][f"BYBIT.ws.2 {raw}"]
    symbol = SNIFFER.derived_symbol("linear", raw)
    found, frames = [], 0
    for sniffed, many in outcomes(CAPTURE):
        frames += sniffed.raw == raw and sniffed.stream_type.startswith("tickers")
        found += [one for one in many if isinstance(one, Quote) and one.symbol == symbol]
    assert frames == sum(truth["ticker_snapshots_deltas"])
    assert found[-1].bid == float(truth["last_ticker"]["bid1Price"])
    assert found[-1].ask == float(truth["last_ticker"]["ask1Price"])
    assert all(quote.bid < quote.ask and quote.bid_size > 0 and quote.ask_size > 0 for quote in found)
    assert [quote.update_id for quote in found] == sorted({quote.update_id for quote in found})


def test_the_live_path_takes_the_whole_capture():
    markets, messages, drops = through_the_live_path(CAPTURE)
    truth = data.truth(CAPTURE)
    assert drops == Counter()
    assert not any(isinstance(one, Gap) for many in messages.values() for one in many)
    for key, expected in truth["markets"].items():
        connection, raw = key.split()
        market = CONNECTIONS[connection]
        symbol = SNIFFER.derived_symbol(market, raw)
        mine = [one for one in messages[market] if one.symbol == symbol]
        books = [one for one in mine if isinstance(one, Book)]
        assert sum(isinstance(one, Trade) for one in mine) == expected["trades"]["n"]
        assert [books[0].is_snapshot, len(books)] == [True, sum(expected["book_snapshots_deltas"])]
        assert all(after.prev_update_id == before.last_update_id for before, after in pairwise(books))
        sync = markets[market].tapes[symbol].book
        assert sync.is_synced
        assert sync.book.update_id == expected["last_u"]


def test_a_change_that_is_left_out_loses_the_book_and_an_image_brings_it_back():
    frames = [recorded.data for recorded in read_recording(data.recording(OB500))]
    messages, drops = [], Counter()
    normaliser = Normaliser(
        "bybit", VENUE.parser("linear", Names("linear"), {}), Gaps("bybit", "test-1"), messages.append,
        lambda reason, _what: drops.update([reason]), RULES,
    )  # fmt: skip
    for number, frame in enumerate(frames):
        if number != 20:
            normaliser.take(frame, 1)
    assert drops == {"book_lost": 1}
    assert normaliser.unsynced == {"XRP_USDT.PERP"}
    normaliser.take(frames[0].replace(b'"u":20254869', b'"u":1'), 1)
    assert normaliser.unsynced == set()
    assert [one.state for one in messages if isinstance(one, Gap)] == ["open", "filled"]
    assert messages[-1].last_update_id > max(
        one.last_update_id for one in messages[:-1] if isinstance(one, Book)
    )


def test_liquidations_equal_what_they_were_said_to_mean():
    rows = [
        json.loads(line) for line in data.recording("liquidations/frames_2026.jsonl").read_text().splitlines()
    ]
    rows = [row for row in rows if row["venue"] == "bybit_linear"]
    assert len(rows) == 3
    for row in rows:
        expect = row["expect"]
        assert SNIFFER.sniff(row["raw"].encode(), "").market == "linear"
        (found,) = (
            VENUE.parser("linear", {expect["symbol"]: "X_USDT.PERP"}, {})
            .reader()
            .parse(row["raw"].encode(), 1)
        )
        assert found == Liquidation(
            "X_USDT.PERP", "bybit", expect["ts_ms"] * 1_000_000, 1, float(expect["price"]), float(expect["size"]),
            SELL if expect["position"] == "long" else BUY,
        )  # fmt: skip


def test_frames_of_other_venues_are_refused_or_ignored_and_nothing_breaks():
    source = VENUE.parser("linear", Names("linear"), {}).reader()
    for name in ("liquidations/frames_2026.jsonl", "frames_2026/frames.jsonl", "okx/tardis_frames.jsonl", "binance/tardis_frames.jsonl", "coinbase/tardis_frames.jsonl"):  # fmt: skip
        for recorded in read_recording(data.recording(name)):
            SNIFFER.sniff(recorded.data, "")
            assert all(one.__class__.__module__.startswith(("actors.", "protocol.")) for one in source.parse(recorded.data, 1))  # fmt: skip


def test_quoted_tickers_of_2026():
    rows = [json.loads(line) for line in data.recording("frames_2026/frames.jsonl").read_text().splitlines()]
    rows = [row["raw"].encode() for row in rows if row["venue"] == "bybit_linear"]
    source = VENUE.parser("linear", Names("linear"), {}).reader()
    (partial,), (quote,) = (source.parse(raw, 1) for raw in rows)
    assert partial == Ignored("tickers")  # a change without the snapshot that it belongs to
    assert (quote.bid, quote.bid_size, quote.ask, quote.ask_size) == (63958.6, 6.907, 63958.7, 2.75)
    assert quote.update_id == 760580211302


TARDIS_EXPECTED = [
    # v3, retired: its acks and topics are other ones
    "control", "instrument_info", "orderBookL2_25", "orderBookL2_25", "trade", "instrument_info", "orderBook_200",
    "orderBookL2_25", "instrument_info", "trade", "orderBookL2_25", "orderBookL2_25", "orderBookL2_25", "orderBook_200",
    "liquidation", "instrument_info", "liquidation", "liquidation", "instrument_info", "orderBookL2_25", "trade",
    "instrument_info",
    # v5, 2023 to 2025
    "inverse Trade Trade Trade", "linear Quote", "linear Quote", "inverse Quote", "inverse Quote", "linear Quote",
    "liquidation", "orderbook.1 unfounded", "linear Liquidation",
    # v3 of spot
    "depth", "depth", "trade", "bookTicker",
    # v5 of spot
    "spot Trade Trade Trade Trade", "spot Quote", "spot Quote",
]  # fmt: skip


def test_single_frames_of_many_years():
    found = []
    for sniffed, many in outcomes(TARDIS):
        kinds = [type(one).__name__ for one in many]
        ignored = [one.type for one in many if isinstance(one, Ignored)]
        found.append(ignored[0] if ignored else " ".join([sniffed.market, *kinds]))
    assert found == TARDIS_EXPECTED


def test_single_inverse_frames_are_in_base_units():
    trades = [one for _, many in outcomes(TARDIS) for one in many if isinstance(one, Trade)]
    quotes = [one for _, many in outcomes(TARDIS) for one in many if isinstance(one, Quote)]
    assert trades[0].symbol == "BTC_USD.PERP"
    assert trades[0].size == 5823 / 28560.5
    assert quotes[2].bid_size == 340549 / 28560.0
    assert [trade.side for trade in trades[-4:]] == [SELL] * 4
    assert quotes[-1].bid_size == 0.166754
