"""REST: shapes, limits, errors, and that books and histories agree with the streams."""

import json
from typing import Any

import pytest

from actors.simulator.exchange import Exchange
from actors.simulator.listing import listings_of
from actors.simulator.rest import Answer, Rest
from actors.simulator.rest_data import ExchangeData
from protocol.instruments import Instrument

START_MS = 1_795_168_800_000
INSTRUMENTS = [
    Instrument(symbol="BTC_USDT", venues={"binance": "spot:BTCUSDT"}, tick_size=0.01),
    Instrument(symbol="BTC_USDT.PERP", venues={"binance": "usdm:BTCUSDT"}, tick_size=0.1),
]


class Desk:
    """An exchange after a minute and a half, and its REST."""

    def __init__(self, limit: int = 100_000) -> None:
        self.now_ns = 0
        self.exchange = Exchange(listings_of(INSTRUMENTS), seed=1, start_ms=START_MS, rate_per_s=200)
        for tick in range(1, 10):
            self.exchange.advance(START_MS + tick * 10_000 - 9_500)
            for _ in range(10):
                self.exchange.advance(self.exchange.now_ms + 950)
        limits = {"spot": limit, "usdm": limit, "coinm": limit}
        self.rest = Rest(ExchangeData(self.exchange), limits, lambda: self.now_ns)

    def answer(self, target: str) -> Answer:
        answers: list[Answer] = []
        self.rest.answer(target, answers.append)
        assert len(answers) == 1
        return answers[0]

    def get(self, target: str) -> Any:
        answer = self.answer(target)
        assert answer.status == 200, answer
        return json.loads(answer.body)


@pytest.fixture(scope="module")
def desk() -> Desk:
    return Desk()


def test_depth_is_the_book(desk: Desk) -> None:
    market = desk.exchange.markets["spot", "BTCUSDT"]
    found = desk.get("/spot/api/v3/depth?symbol=BTCUSDT&limit=10")
    assert found.keys() == {"lastUpdateId", "bids", "asks"}
    assert found["lastUpdateId"] == market.update_id
    assert len(found["bids"]) == len(found["asks"]) == 10
    bids = [float(price) for price, _ in found["bids"]]
    asks = [float(price) for price, _ in found["asks"]]
    assert bids == sorted(bids, reverse=True)
    assert asks == sorted(asks)
    assert bids[0] < asks[0]
    assert desk.get("/usdm/fapi/v1/depth?symbol=BTCUSDT").keys() == {"lastUpdateId", "E", "T", "bids", "asks"}


@pytest.mark.parametrize(
    ("target", "status", "code"),
    [
        ("/spot/api/v3/depth?symbol=NOPE", 400, -1121),
        ("/spot/api/v3/depth?symbol=btcusdt", 400, -1121),
        ("/spot/api/v3/depth", 400, -1102),
        ("/spot/api/v3/depth?symbol=BTCUSDT&limit=x", 400, -1130),
        ("/spot/api/v3/depth?symbol=BTCUSDT&limit=" + "9" * 5_000, 400, -1130),
        ("/usdm/fapi/v1/depth?symbol=BTCUSDT&limit=7", 400, -4021),
        ("/spot/api/v3/klines?symbol=BTCUSDT&interval=7m", 400, -1120),
        ("/spot/api/v3/klines?symbol=BTCUSDT", 400, -1102),
        ("/spot/api/v3/account", 404, -1000),
        ("/nowhere", 404, -1000),
        ("//[x", 404, -1000),
    ],
)
def test_errors_are_the_venues(desk: Desk, target: str, status: int, code: int) -> None:
    answer = desk.answer(target)
    assert answer.status == status
    assert json.loads(answer.body)["code"] == code


def test_trades_by_id_repair_a_hole(desk: Desk) -> None:
    market = desk.exchange.markets["spot", "BTCUSDT"]
    first = market.first_trade_id
    rows = desk.get(f"/spot/api/v3/historicalTrades?symbol=BTCUSDT&fromId={first + 5}&limit=1000")
    assert rows[0].keys() == {"id", "price", "qty", "quoteQty", "time", "isBuyerMaker", "isBestMatch"}
    assert [row["id"] for row in rows] == list(range(first + 5, first + 1_005))
    newest = desk.get("/spot/api/v3/trades?symbol=BTCUSDT&limit=3")
    assert newest[-1]["id"] == market.trades.next_id - 1
    assert "isBestMatch" not in desk.get("/usdm/fapi/v1/trades?symbol=BTCUSDT&limit=1")[0]


def test_aggregate_trades_by_id_and_time(desk: Desk) -> None:
    first = desk.exchange.markets["usdm", "BTCUSDT"].first_agg_id
    by_id = desk.get(f"/usdm/fapi/v1/aggTrades?symbol=BTCUSDT&fromId={first}&limit=50")
    assert by_id[0].keys() == {"a", "p", "q", "nq", "f", "l", "T", "m"}
    assert [row["a"] for row in by_id] == list(range(first, first + 50))
    start_ms, end_ms = by_id[10]["T"], by_id[30]["T"]
    by_time = desk.get(f"/usdm/fapi/v1/aggTrades?symbol=BTCUSDT&startTime={start_ms}&endTime={end_ms}")
    assert by_time == [row for row in by_id if start_ms <= row["T"] <= end_ms]
    assert desk.get("/spot/api/v3/aggTrades?symbol=BTCUSDT&limit=1")[0].keys() == {
        "a", "p", "q", "f", "l", "T", "m", "M",
    }  # fmt: skip


def test_klines_equal_the_trades(desk: Desk) -> None:
    market = desk.exchange.markets["spot", "BTCUSDT"]
    rows = desk.get("/spot/api/v3/klines?symbol=BTCUSDT&interval=1m")
    assert len(rows) == 2
    open_ms = rows[0][0]
    prices = [row[0] for _, row in market.trades.rows(0, 100_000) if row[2] < open_ms + 60_000]
    assert rows[0][1:5] == [
        market.listing.price_text(p) for p in (prices[0], max(prices), min(prices), prices[-1])
    ]
    assert rows[0][8] == len(prices)
    assert len(rows[0]) == 12
    assert desk.get(f"/spot/api/v3/klines?symbol=BTCUSDT&interval=1m&startTime={open_ms + 1}") == rows[1:]
    assert len(desk.get("/spot/api/v3/klines?symbol=BTCUSDT&interval=1h")) == 1


@pytest.mark.parametrize(
    ("target", "weight"),
    [
        ("/spot/api/v3/klines?symbol=BTCUSDT&interval=1m&limit=1000", 2),
        ("/spot/api/v3/aggTrades?symbol=BTCUSDT&limit=1000", 4),
        ("/spot/api/v3/historicalTrades?symbol=BTCUSDT&fromId=1&limit=1000", 25),
        ("/usdm/fapi/v1/aggTrades?symbol=BTCUSDT&limit=1000", 20),
        ("/usdm/fapi/v1/klines?symbol=BTCUSDT&interval=1m&limit=99", 1),
        ("/usdm/fapi/v1/klines?symbol=BTCUSDT&interval=1m&limit=100", 2),
        ("/usdm/fapi/v1/klines?symbol=BTCUSDT&interval=1m", 5),
        ("/usdm/fapi/v1/klines?symbol=BTCUSDT&interval=1m&limit=1500", 10),
    ],
)
def test_weights_are_the_venues(target: str, weight: int) -> None:
    assert Desk().answer(target).headers["X-MBX-USED-WEIGHT-1M"] == str(weight)


def test_rules_and_clock(desk: Desk) -> None:
    info = desk.get("/usdm/fapi/v1/exchangeInfo")
    assert [symbol["symbol"] for symbol in info["symbols"]] == ["BTCUSDT"]
    assert info["symbols"][0]["contractType"] == "PERPETUAL"
    assert info["symbols"][0]["filters"][0]["tickSize"] == "0.1"
    assert desk.get("/spot/api/v3/time") == {"serverTime": desk.exchange.now_ms}
    assert desk.get("/spot/api/v3/ping") == {}


def test_weights_add_up_to_a_refusal_until_the_minute_is_over() -> None:
    desk = Desk(limit=300)
    used = desk.answer("/spot/api/v3/depth?symbol=BTCUSDT&limit=5000").headers["X-MBX-USED-WEIGHT-1M"]
    assert used == "250"
    desk.now_ns = 20_000_000_000
    refused = desk.answer("/spot/api/v3/depth?symbol=BTCUSDT&limit=1000")
    assert refused.status == 200
    refused = desk.answer("/spot/api/v3/ping")
    assert refused.status == 429
    assert refused.headers["Retry-After"] == "40"
    assert json.loads(refused.body)["code"] == -1003
    assert desk.answer("/usdm/fapi/v1/ping").status == 200
    desk.now_ns = 60_000_000_000
    assert desk.answer("/spot/api/v3/ping").headers["X-MBX-USED-WEIGHT-1M"] == "1"
