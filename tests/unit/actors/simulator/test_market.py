"""One simulated market: repeatable, never crossed, and its trades, best prices and depth agree."""

import json
from typing import Any

import pytest

from actors.simulator.exchange import Exchange
from actors.simulator.listing import listing, listings_of
from actors.simulator.market import Market
from actors.simulator.streams import parse_stream
from actors.simulator.timed import DepthChain
from protocol.instruments import Instrument

START_MS = 1_795_168_800_000
MARKETS = ["spot", "usdm"]


def market_of(name: str, seed: int = 7, levels: int = 60) -> Market:
    return Market(listing(name, "BTCUSDT", "BTC_USDT", "BTC", "USDT"), seed, START_MS, levels)


def run(market: Market, steps: int) -> list[tuple[str, dict[str, Any]]]:
    """Everything said in so many steps, depth flushed after each tenth, as (stream kind, message)."""
    said: list[tuple[str, dict[str, Any]]] = []

    def hear(kind: str):
        return lambda text: said.append((kind, json.loads(text)))

    market.on_trade = hear("trade")
    market.on_agg_trade = hear("aggTrade")
    market.on_ticker = hear("bookTicker")
    chain = DepthChain(market, hear("depth"))
    market.chains.append(chain)
    for number in range(steps):
        market.step(START_MS + number * 10)
        if number % 10 == 9:
            chain.flush(START_MS + number * 10)
    return said


@pytest.mark.parametrize("name", MARKETS)
def test_same_seed_says_the_same(name: str) -> None:
    assert run(market_of(name), 500) == run(market_of(name), 500)


def test_another_seed_or_market_says_something_else() -> None:
    first = run(market_of("spot"), 200)
    assert first != run(market_of("spot", seed=8), 200)
    assert first != run(market_of("usdm"), 200)


@pytest.mark.parametrize("name", MARKETS)
def test_book_is_never_crossed_and_keeps_its_depth(name: str) -> None:
    market = market_of(name)
    for number in range(20_000):
        market.step(START_MS + number)
        book = market.book
        assert book.best_bid < book.best_ask
        assert book.best_ask - book.best_bid < 60
    book = market.book
    assert book.best_bid == max(book.bids)
    assert book.best_ask == min(book.asks)
    assert 40 <= len(book.bids) <= 95
    assert 40 <= len(book.asks) <= 95
    assert min(book.bids.values()) > 0
    assert min(book.asks.values()) > 0


@pytest.mark.parametrize("name", MARKETS)
def test_trade_ids_step_by_one_and_aggregates_cover_them(name: str) -> None:
    said = run(market_of(name), 2_000)
    trades = {message["t"]: message for kind, message in said if kind == "trade"}
    aggregates = [message for kind, message in said if kind == "aggTrade"]
    ids = list(trades)
    assert ids == list(range(ids[0], ids[0] + len(ids)))
    assert [row["a"] for row in aggregates] == list(
        range(aggregates[0]["a"], aggregates[0]["a"] + len(aggregates))
    )
    covered = []
    for row in aggregates:
        fills = [trades[trade_id] for trade_id in range(row["f"], row["l"] + 1)]
        covered += [fill["t"] for fill in fills]
        assert {fill["p"] for fill in fills} == {row["p"]}
        assert {fill["m"] for fill in fills} == {row["m"]}
        assert sum(round(float(fill["q"]) * 1e8) for fill in fills) == round(float(row["q"]) * 1e8)
    assert covered == ids
    assert len(ids) > len(aggregates) > 300


@pytest.mark.parametrize("name", MARKETS)
def test_depth_chain_has_no_hole_and_rebuilds_the_book(name: str) -> None:
    market = market_of(name)
    snapshot = json.loads(market.snapshot(START_MS, 5_000))
    said = [message for kind, message in run(market, 3_000) if kind == "depth"]
    sides = {"b": dict(snapshot["bids"]), "a": dict(snapshot["asks"])}
    last = snapshot["lastUpdateId"]
    for event in said:
        assert event["U"] <= event["u"]
        if name == "spot":
            assert event["U"] == last + 1
            assert "pu" not in event
        else:
            assert event["pu"] == last
            assert event["U"] > last
        last = event["u"]
        for side, levels in sides.items():
            for price, size in event[side]:
                if float(size):
                    levels[price] = size
                else:
                    levels.pop(price, None)  # it may have come and gone in between
    final = json.loads(market.snapshot(START_MS, 5_000))
    assert last == final["lastUpdateId"]
    assert sides["b"] == dict(final["bids"])
    assert sides["a"] == dict(final["asks"])


@pytest.mark.parametrize("name", MARKETS)
def test_trades_happen_at_the_best_price_and_tickers_follow(name: str) -> None:
    market = market_of(name)
    best: dict[str, Any] = {}
    seen = []

    def on_ticker(text: str) -> None:
        best.update(json.loads(text))

    def on_agg_trade(text: str) -> None:
        row = json.loads(text)
        if best:
            seen.append((row, dict(best)))

    market.on_ticker, market.on_agg_trade = on_ticker, on_agg_trade
    updates = []
    for number in range(2_000):
        before = len(seen)
        market.step(START_MS + number)
        for row, quote in seen[before : before + 1]:  # the first fill of an order is at the best price
            assert row["p"] == (quote["b"] if row["m"] else quote["a"])
        if best:
            updates.append(best["u"])
            assert best["b"] == market.level_text(market.book.best_bid)
            assert best["A"] == market.listing.lots_text(market.book.asks[market.book.best_ask])
    assert len(seen) > 300
    assert updates == sorted(updates)


@pytest.mark.parametrize("name", MARKETS)
def test_trades_consume_what_rests_in_the_book(name: str) -> None:
    market = market_of(name)
    levels = {market.level_text(level): level for level in range(170_000, 195_000)}
    filled: list[tuple[dict[int, int], int, int]] = []

    def on_agg_trade(text: str) -> None:
        row = json.loads(text)
        side = market.book.bids if row["m"] else market.book.asks
        filled.append((side, levels[row["p"]], round(float(row["q"]) * market.listing.lot_scale)))

    market.on_agg_trade = on_agg_trade
    consumed = 0
    for number in range(3_000):
        before = {**market.book.bids, **market.book.asks}
        market.step(START_MS + number)
        for side, level, lots in filled:
            assert side.get(level, 0) == before[level] - lots
            consumed += 1
        filled.clear()
    assert consumed > 500


def test_prices_move_but_stay_plausible() -> None:
    market = market_of("spot")
    for number in range(24_000):  # 20 minutes at 20 orders a second
        market.step(START_MS + number * 50)
    minutes = list(market.candles.minutes)
    assert len(minutes) == 20
    spans = [(minute.high - minute.low) / minute.low for minute in minutes]
    assert all(0.00002 < span < 0.02 for span in spans)


def test_exchange_is_the_same_however_it_is_advanced() -> None:
    def play(steps_ms: list[int]) -> list[str]:
        instruments = [
            Instrument(symbol="BTC_USDT", venues={"binance": "spot:BTCUSDT"}),
            Instrument(symbol="ETH_USDT.PERP", venues={"binance": "usdm:ETHUSDT"}),
        ]
        exchange = Exchange(listings_of(instruments), seed=3, start_ms=START_MS, rate_per_s=400)
        said: list[str] = []

        class Sink:
            def send(self, text: str) -> None:
                said.append(text)

        for market, name in (
            ("spot", "btcusdt@trade"),
            ("spot", "btcusdt@depth@100ms"),
            ("usdm", "ethusdt@bookTicker"),
            ("usdm", "ethusdt@depth@0ms"),
            ("usdm", "ethusdt@depth20@100ms"),
            ("spot", "btcusdt@kline_1m"),
        ):
            stream = parse_stream(market, name)
            assert stream is not None
            exchange.open(market, stream, Sink())
        now_ms = START_MS
        for step_ms in steps_ms:
            now_ms += step_ms
            exchange.advance(now_ms)
        return said

    even = play([10] * 300)
    assert even == play([7, 13, 1, 79, 900] * 3)
    assert len(even) > 1_000


def test_exchange_keeps_its_rate_and_jumps_when_it_is_far_behind() -> None:
    instruments = [Instrument(symbol="BTC_USDT", venues={"binance": "spot:BTCUSDT"})]
    exchange = Exchange(listings_of(instruments), seed=1, start_ms=START_MS, rate_per_s=1_000)
    for tick in range(1, 201):
        exchange.advance(START_MS + tick * 5)
    assert exchange.events == 1_000
    market = exchange.markets["spot", "BTCUSDT"]
    last_id = market.trades.next_id
    exchange.advance(START_MS + 1_000 + 60_000)
    assert exchange.skipped_ms == 60_000
    assert exchange.events == 1_000
    exchange.rate_per_s = 100
    exchange.advance(START_MS + 61_500)
    assert exchange.events == 1_050
    assert market.trades.rows(last_id, 1).__next__()[0] == last_id  # ids go on without a hole


def test_frozen_market_stands_still_and_goes_on() -> None:
    instruments = [
        Instrument(symbol="BTC_USDT", venues={"binance": "spot:BTCUSDT"}),
        Instrument(symbol="ETH_USDT", venues={"binance": "spot:ETHUSDT"}),
    ]
    exchange = Exchange(listings_of(instruments), seed=1, start_ms=START_MS, rate_per_s=1_000)
    frozen, other = exchange.markets["spot", "BTCUSDT"], exchange.markets["spot", "ETHUSDT"]
    frozen.is_frozen = True
    exchange.advance(START_MS + 500)
    assert frozen.steps == 0
    assert other.steps > 100
    frozen.is_frozen = False
    exchange.advance(START_MS + 1_000)
    assert frozen.steps > 100


@pytest.mark.parametrize(("count", "extra"), [(3, 0), (1, 499)])
def test_any_number_of_instruments(count: int, extra: int) -> None:
    names = ["BTC", "ETH", "SOL"][:count]
    instruments = [
        Instrument(symbol=f"{name}_USDT", venues={"binance": f"spot:{name}USDT"}) for name in names
    ]
    exchange = Exchange(
        listings_of(instruments, extra=extra), seed=1, start_ms=START_MS, rate_per_s=20_000, levels=20
    )
    for tick in range(1, 21):
        exchange.advance(START_MS + tick * 50)
    assert len(exchange.markets) == count + extra
    assert min(market.steps for market in exchange.markets.values()) > 0
