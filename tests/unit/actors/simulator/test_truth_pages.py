"""Everything that traded, in pages: equal to what was sent and to what REST gives."""

import json
from typing import Any

from actors.simulator.exchange import Exchange
from actors.simulator.listing import listings_of
from actors.simulator.rest import Rest
from actors.simulator.rest_data import ExchangeData
from actors.simulator.streams import Stream
from actors.simulator.truth import rows_of, trades_of
from protocol.instruments import Instrument

START_MS = 1_795_168_800_000
INSTRUMENTS = [
    Instrument(symbol="BTC_USDT", venues={"binance": "spot:BTCUSDT"}, tick_size=0.01),
    Instrument(symbol="BTC_USDT.PERP", venues={"binance": "usdm:BTCUSDT"}, tick_size=0.1),
]


class Told:
    """Keeps what a stream says."""

    def __init__(self) -> None:
        self.events: list[dict[str, Any]] = []

    def send(self, text: str) -> None:
        self.events.append(json.loads(text))


def exchange_of(history: int = 100_000) -> tuple[Exchange, dict[str, Told]]:
    exchange = Exchange(listings_of(INSTRUMENTS), seed=3, start_ms=START_MS, rate_per_s=400, history=history)
    told = {kind: Told() for kind in ("trade", "aggTrade")}
    exchange.open("spot", Stream("BTCUSDT", "trade"), told["trade"])
    exchange.open("usdm", Stream("BTCUSDT", "aggTrade"), told["aggTrade"])
    for step in range(1, 21):
        exchange.advance(START_MS + step * 900)
    return exchange, told


def test_pages_hold_every_fill_that_was_sent() -> None:
    exchange, told = exchange_of()
    market = exchange.markets["spot", "BTCUSDT"]
    found: list[tuple[float, ...]] = []
    next_id = 0
    while True:
        page = trades_of(market, "trade", next_id, 1 << 62, 100)
        rows = rows_of(page)
        assert len(rows) <= 100
        found += [
            (number, price / page["price_scale"], lots / page["lot_scale"], t_ms, maker)
            for number, price, lots, t_ms, maker in rows
        ]
        next_id = page["next_id"]
        if next_id > page["last_id"]:
            break
    sent = [(one["t"], float(one["p"]), float(one["q"]), one["T"], one["m"]) for one in told["trade"].events]
    assert len(sent) > 500
    assert found == sent


def test_an_id_range_of_aggregate_trades_equals_rest() -> None:
    exchange, told = exchange_of()
    first = told["aggTrade"].events[10]["a"]
    page = trades_of(exchange.markets["usdm", "BTCUSDT"], "aggTrade", first, first + 29, 1_000)
    assert (page["first_id"], page["next_id"]) == (first, first + 30)
    answers = []
    limits = {"spot": 6_000, "usdm": 6_000, "coinm": 6_000}
    rest = Rest(ExchangeData(exchange), limits, lambda: 0)
    rest.answer(f"/usdm/fapi/v1/aggTrades?symbol=BTCUSDT&fromId={first}&limit=30", answers.append)
    ours = [
        (number, price / page["price_scale"], lots / page["lot_scale"], first_id, last_id, t_ms, bool(maker))
        for number, price, lots, first_id, last_id, t_ms, maker in rows_of(page)
    ]
    assert ours == [
        (row["a"], float(row["p"]), float(row["q"]), row["f"], row["l"], row["T"], row["m"])
        for row in json.loads(answers[0].body)
    ]


def test_what_is_forgotten_and_what_is_to_come_is_said() -> None:
    exchange, _ = exchange_of(history=100)
    market = exchange.markets["spot", "BTCUSDT"]
    page = trades_of(market, "trade", 0, 1 << 62, 10)
    assert page["first_id"] == page["kept_from_id"] == market.trades.first_id > market.first_trade_id
    behind = trades_of(market, "trade", market.trades.next_id, 1 << 62, 10)
    assert (behind["rows"], behind["next_id"]) == (b"", behind["last_id"] + 1)
    before = trades_of(market, "trade", 0, 5, 10)
    assert before["rows"] == b""
