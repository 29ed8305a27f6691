"""Every Coinbase recording through the readers equals what was computed of it independently."""

import collections
import time
from decimal import Decimal
from typing import Any

import pytest

from actors.collector.outcomes import (
    BookChange,
    BookImage,
    Broken,
    Ignored,
    PastTrade,
    Pong,
    Reject,
    Subscribed,
)
from actors.collector.recorded.recordings import Recorded, read_recording
from actors.collector.venues.coinbase import Coinbase
from actors.collector.venues.coinbase_sides import SideCheck
from actors.collector.venues.coinbase_sniffing import CoinbaseSniffer
from protocol.messages import BUY, SELL, Quote, Trade
from tests.support import data

pytestmark = pytest.mark.recording

EXCHANGE = "coinbase/cryptofeed_COINBASE_exchange_2021.jsonl.zst"
ADVANCED = "coinbase/cryptofeed_COINBASE_advanced_2026_first55pct.jsonl.zst"
MARKETS = {EXCHANGE: "exchange", ADVANCED: "advanced"}
VENUE = Coinbase()
SNIFFER = CoinbaseSniffer()


def frames(name: str) -> list[Recorded]:
    return [found for found in read_recording(data.recording(name)) if not found.is_rest]


class Heard:
    """What one recording says, kept as a collector would keep it, but simpler."""

    def __init__(self, name: str, recorded: list[Recorded] | None = None) -> None:
        products = data.truth(name)["products"]
        self.reader = VENUE.parser(MARKETS[name], {product: product for product in products}, {}).reader()
        self.trades: dict[str, list[Trade]] = collections.defaultdict(list)
        self.past: dict[str, list[Trade]] = collections.defaultdict(list)
        self.quotes: dict[str, Quote] = {}
        self.books: dict[str, tuple[dict[float, float], dict[float, float]]] = {}
        self.numbers: dict[str, int] = {}
        self.lost: set[str] = set()
        self.counts: collections.Counter[str] = collections.Counter()
        self.subscribed: list[frozenset[str]] = []
        self.others: list[Any] = []
        for one in recorded if recorded is not None else frames(name):
            for outcome in self.reader.parse(one.data, one.ts_recv_ns):
                self.counts[type(outcome).__name__] += 1
                self.take(outcome)

    def take(self, outcome: Any) -> None:
        match outcome:
            case Trade():
                self.trades[outcome.symbol].append(outcome)
            case PastTrade(trade):
                self.past[trade.symbol].append(trade)
            case Quote():
                self.quotes[outcome.symbol] = outcome
            case BookImage():
                self.books[outcome.symbol] = dict(outcome.bids), dict(outcome.asks)
                self.numbers[outcome.symbol] = outcome.last_id
                self.lost.discard(outcome.symbol)
            case BookChange():
                self.change(outcome)
            case Subscribed():
                self.subscribed.append(outcome.streams)
            case _:
                self.others.append(outcome)

    def change(self, change: BookChange) -> None:
        if change.after_id != self.numbers[change.symbol]:
            self.lost.add(change.symbol)
        self.numbers[change.symbol] = change.last_id
        for levels, news in zip(self.books[change.symbol], (change.bids, change.asks), strict=True):
            for price, size in news:
                if size:
                    levels[price] = size
                else:
                    levels.pop(price, None)

    def check_book(self, product: str, truth: dict[str, Any]) -> None:
        bids, asks = self.books[product]
        assert [len(bids), len(asks)] == truth["levels"]
        assert sorted(bids.items(), reverse=True)[:5] == pairs(truth["bids"])
        assert sorted(asks.items())[:5] == pairs(truth["asks"])

    def check_quote(self, product: str, truth: dict[str, Any]) -> None:
        quote = self.quotes[product]
        assert (quote.bid, quote.ask) == (float(truth["best_bid"]), float(truth["best_ask"]))


def pairs(levels: list[list[str]]) -> list[tuple[float, float]]:
    return [(float(price), float(size)) for price, size in levels]


def check_trades(trades: list[Trade], truth: dict[str, Any]) -> None:
    assert len(trades) == truth["n"]
    if not trades:
        return
    assert total(trades) == Decimal(truth["volume"])
    assert total(trade for trade in trades if trade.side == BUY) == Decimal(truth["taker_buy_volume"])
    assert total(trade for trade in trades if trade.side == SELL) == Decimal(truth["taker_sell_volume"])
    notional = sum(trade.price * trade.size for trade in trades)
    assert notional == pytest.approx(float(truth["notional"]), rel=1e-12)
    ids = [int(trade.trade_id) for trade in trades]
    assert (ids[0], ids[-1]) == (truth["ids"]["first"], truth["ids"]["last"])
    assert ids == list(range(ids[0], ids[-1] + 1))
    assert [str(trades[0].price), str(trades[-1].price)] == [
        str(float(truth["first_price"])),
        str(float(truth["last_price"])),
    ]
    # the truth was rounded to ms
    assert trades[0].ts_event_ns / 1e6 == pytest.approx(truth["first_ts_ms"], rel=0, abs=0.6)
    assert trades[-1].ts_event_ns / 1e6 == pytest.approx(truth["last_ts_ms"], rel=0, abs=0.6)


def total(trades: Any) -> Decimal:
    return sum((Decimal(repr(trade.size)) for trade in trades), Decimal(0))


@pytest.fixture(scope="module")
def exchange() -> Heard:
    return Heard(EXCHANGE)


@pytest.fixture(scope="module")
def advanced() -> Heard:
    return Heard(ADVANCED)


def test_the_folder_holds_no_recording_that_is_not_tested():
    folder = data.data_dir()
    names = {f"coinbase/{path.name}" for path in (folder / "coinbase").iterdir()} if folder else set()
    assert names == {EXCHANGE, ADVANCED, "coinbase/tardis_frames.jsonl"}


def test_exchange_kinds(exchange):
    kinds = data.truth(EXCHANGE)["by_kind"]
    assert exchange.counts == {
        "Subscribed": kinds["subscriptions"],
        "BookImage": kinds["snapshot"],
        "Quote": kinds["ticker"],
        "PastTrade": kinds["last_match"],
        "BookChange": kinds["l2update"],
        "Trade": kinds["match"],
    }


def test_exchange_products(exchange):
    for product, truth in data.truth(EXCHANGE)["products"].items():
        check_trades(exchange.trades[product], truth["matches"])
        assert len(exchange.past[product]) == truth["last_match_messages"]
        exchange.check_book(product, truth["final_book"])
        exchange.check_quote(product, truth["last_ticker"])
    assert not exchange.lost


def test_exchange_past_trades_are_those_before_the_first(exchange):
    found = {product: trades for product, trades in exchange.trades.items() if trades}
    assert len(found) == 4
    for product, trades in found.items():
        assert int(exchange.past[product][-1].trade_id) == int(trades[0].trade_id) - 1


def test_exchange_lists_what_is_subscribed_and_it_grows(exchange):
    assert [len(streams) for streams in exchange.subscribed] == [10, 20, 30]
    assert exchange.subscribed[0] < exchange.subscribed[1] < exchange.subscribed[2]
    assert {"level2:SKL-BTC", "ticker:SKL-BTC", "matches:SKL-BTC"} <= exchange.subscribed[2]


def test_exchange_times_are_the_venues_to_the_microsecond(exchange):
    assert exchange.trades["SKL-BTC"][0].ts_event_ns == 1_618_677_817_089_723_000


def test_advanced_kinds(advanced):
    kinds = data.truth(ADVANCED)["events_by_kind"]
    assert advanced.counts["Subscribed"] == kinds["subscriptions/"]
    assert advanced.counts["Pong"] == kinds["heartbeats/"]
    assert advanced.counts["Quote"] == kinds["ticker/snapshot"] + kinds["ticker/update"]
    assert advanced.counts["BookImage"] == kinds["l2_data/snapshot"]
    assert advanced.counts["BookChange"] == kinds["l2_data/update"]
    assert advanced.others.count(Ignored("candles")) == kinds["candles/snapshot"] + kinds["candles/update"]
    assert set(map(type, advanced.others)) == {Ignored, Pong}


def test_advanced_products(advanced):
    for product, truth in data.truth(ADVANCED)["products"].items():
        check_trades(advanced.past[product], truth["trades_in_snapshot"])
        check_trades(advanced.trades[product], truth["trades_in_updates"])
        advanced.check_book(product, truth["final_book"])
        advanced.check_quote(product, truth["last_ticker"])
        assert int(advanced.past[product][-1].trade_id) == int(advanced.trades[product][0].trade_id) - 1
    assert not advanced.lost


def test_advanced_lists_all_channels_each_time(advanced):
    assert advanced.subscribed[0] == {"market_trades:BTC-USD", "market_trades:ETH-USD"}
    for before, after in zip(advanced.subscribed, advanced.subscribed[1:], strict=False):
        assert before < after
    wanted = {
        VENUE.stream(product, kind) for product in ("BTC-USD", "ETH-USD") for kind in ("tickers", "level2")
    }
    assert wanted | {"heartbeats"} <= advanced.subscribed[-1]


@pytest.mark.parametrize("removed", [0, 5, 40, 300])
def test_a_message_taken_out_of_it_is_noticed(removed):
    recorded = frames(ADVANCED)
    del recorded[removed + 1]
    heard = Heard(ADVANCED, recorded)
    (broken,) = [outcome for outcome in heard.others if isinstance(outcome, Broken)]
    assert broken == Broken(f"sequence_num jumped from {removed} to {removed + 2}")
    books_before = {one.data.count(b'"channel":"l2_data"') for one in recorded[: removed + 1]}
    assert bool(heard.lost) is (1 in books_before)


def test_a_message_that_comes_twice_changes_nothing(advanced):
    recorded = frames(ADVANCED)
    heard = Heard(ADVANCED, [one for one in recorded for _ in range(2)])
    assert heard.trades == advanced.trades
    assert heard.books == advanced.books
    assert heard.others.count(Ignored("duplicate_sequence_num")) == len(recorded)


def test_sides_agree_with_the_quotes_and_would_not_if_they_were_the_takers():
    """54 of 56 prints; the other way round none."""
    right, wrong = SideCheck(50), SideCheck(50)
    verdicts = []
    reader = VENUE.parser("advanced", {"BTC-USD": "BTC-USD", "ETH-USD": "ETH-USD"}, {}).reader()
    for one in frames(ADVANCED):
        for found in reader.parse(one.data, one.ts_recv_ns):
            if isinstance(found, Quote):
                for sides in (right, wrong):
                    sides.quote(found.symbol, found.ts_event_ns, found.bid, found.ask)
            elif isinstance(found, Trade):
                assert not right.trade(found.symbol, found.ts_event_ns, found.price, found.side)
                verdicts.append(wrong.trade(found.symbol, found.ts_event_ns, found.price, -found.side))
    assert right.share > 0.9
    assert wrong.share == 0.0
    assert verdicts.count(True) == 1


def test_the_five_megabytes_are_read_in_far_less_than_a_second():
    recorded = max(frames(ADVANCED), key=lambda one: len(one.data))
    assert len(recorded.data) > 5_000_000
    reader = VENUE.parser("advanced", {"BTC-USD": "BTC_USD"}, {}).reader()
    begun = time.process_time()
    (book,) = reader.parse(recorded.data, recorded.ts_recv_ns)
    assert time.process_time() - begun < 0.5
    assert (len(book.bids), len(book.asks)) == (18_764, 27_236)


@pytest.mark.parametrize("name", [EXCHANGE, ADVANCED])
def test_each_frame_says_its_market_and_type(name):
    truth = data.truth(name)
    kinds: collections.Counter[str] = collections.Counter()
    for one in frames(name):
        sniffed = SNIFFER.sniff(one.data, "")
        assert sniffed.market == MARKETS[name]
        kinds[sniffed.stream_type] += 1
        assert not sniffed.raw or sniffed.raw in truth["products"]
    assert kinds == truth.get("by_kind", truth.get("events_by_kind"))


def test_the_products_of_the_recording_have_no_contracts():
    (answer,) = [found for found in read_recording(data.recording(ADVANCED)) if found.is_rest]
    sniffed = SNIFFER.sniff(answer.data, answer.address)
    assert (sniffed.market, sniffed.rest) == ("advanced", "instruments")
    assert VENUE.parse_instruments(sniffed.market, answer.data) == {}


def test_single_frames_of_2019_to_2022():
    names = {name: name for name in ("ETC-GBP", "BTC-EUR", "BAT-USDC", "BTC-USD")}
    reader = VENUE.parser("exchange", names, {}).reader()
    found = [
        outcome
        for one in read_recording(data.recording("coinbase/tardis_frames.jsonl"))
        for outcome in reader.parse(one.data, 1_000)
    ]
    trade, change, image, undated, old, new = found
    assert (trade.side, trade.trade_id, trade.ts_event_ns) == (SELL, 216_544, 1_564_617_603_816_000_000)
    assert change.asks == [(9202.54, 0.432)]
    assert (image.bids, image.asks, image.ts_event_ns) == ([(0.247175, 5299.0)], [(0.257175, 12.0)], 1_000)
    assert (undated.ts_event_ns, undated.after_id) == (1_000, change.last_id)
    assert (old.bid, old.bid_size, old.update_id) == (4094.99, 0.0, 8_176_375_276)
    assert (new.bid_size, new.ask_size) == (0.6154089, 0.18528568)


def test_the_single_frame_of_2026():
    (one,) = [
        found
        for found in read_recording(data.recording("frames_2026/frames.jsonl"))
        if b'"channel":"ticker"' in found.data and b'"events"' in found.data
    ]
    (quote,) = VENUE.parser("advanced", {"BTC-USD": "BTC_USD"}, {}).reader().parse(one.data, 0)
    assert (quote.bid, quote.ask, quote.ts_event_ns) == (63320.73, 63320.74, 1_786_562_853_489_674_268)
    assert not isinstance(quote, Reject)
