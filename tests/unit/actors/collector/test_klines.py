"""Candles that stand in for trades that cannot be had: what the venue says, and what becomes of their gap."""

from __future__ import annotations

import json
from typing import Any

import pytest

from actors.collector.backoff import Backoff
from actors.collector.budget import Budget
from actors.collector.gaps import Gaps
from actors.collector.intake.normaliser import Normaliser
from actors.collector.mending.kline_mender import MINUTE_NS, quiet_after
from actors.collector.mending.repair import Repairs
from actors.collector.outcomes import Reject
from actors.collector.venue import Contract
from actors.collector.venues.binance import Binance
from protocol.messages import Gap, Trade
from tests.unit.actors.collector.frames import NAMES, RECV_NS, trade

OPEN_MS = 1_591_258_320_000
ROW: list[Any] = [
    OPEN_MS, "9640.7", "9642.4", "9640.6", "9642.0", "206", OPEN_MS + 59_999, "2.13660389", 48, "119", "1.23424865", "0",
]  # fmt: skip
"""As the COIN-M documentation has it."""


def parsed(market: str, *rows: list[Any]) -> Any:
    contracts = {"BTC_USD.PERP": Contract(100.0, is_inverse=True)} if market == "coinm" else {}
    parser = Binance().parser(market, {"BTCUSD_PERP": "BTC_USD.PERP"}, contracts)
    return parser.parse_klines("BTC_USD.PERP", json.dumps(rows).encode())


def test_a_candle_of_base_units() -> None:
    (bar,) = parsed("usdm", ROW)
    assert (bar.venue, bar.source, bar.timeframe, bar.revision, bar.status) == (
        "binance",
        "binance",
        "1m",
        0,
        "closed",
    )
    assert (bar.ts_open_ns, bar.ts_event_ns) == (OPEN_MS * 1_000_000, (OPEN_MS + 60_000) * 1_000_000)
    assert (bar.open, bar.high, bar.low, bar.close) == (9640.7, 9642.4, 9640.6, 9642.0)
    assert (bar.volume, bar.buy_volume, bar.sell_volume, bar.count) == (206.0, 119.0, 87.0, 48)
    assert bar.vwap == 2.13660389 / 206.0


def test_a_candle_of_contracts_is_turned_into_base_units() -> None:
    (bar,) = parsed("coinm", ROW)
    assert (bar.volume, bar.buy_volume, bar.count) == (2.13660389, 1.23424865, 48)
    assert bar.sell_volume == pytest.approx(0.90235524)
    assert bar.vwap == pytest.approx(206 * 100 / 2.13660389)
    assert bar.low <= bar.vwap <= bar.high


def test_a_minute_without_trades_is_quiet() -> None:
    quiet = [OPEN_MS, "5", "5", "5", "5", "0", OPEN_MS + 59_999, "0", 0, "0", "0", "0"]
    (bar,) = parsed("spot", quiet)
    assert (bar.status, bar.volume, bar.vwap) == ("quiet", 0.0, 5.0)


@pytest.mark.parametrize(
    "row",
    [
        [],
        ROW[:8],
        [OPEN_MS + 1, *ROW[1:]],
        [OPEN_MS, "9640.7", "9600", *ROW[3:]],
        [OPEN_MS, "NaN", *ROW[2:]],
        [OPEN_MS, "-1", *ROW[2:]],
    ],
)
def test_what_is_no_candle_is_rejected(row: list[Any]) -> None:
    assert isinstance(parsed("spot", ROW, row), Reject)


def test_where_candles_are_asked_for() -> None:
    venue = Binance()
    path = venue.klines_path("coinm", "BTCUSD_PERP", OPEN_MS // 60_000, 2)
    assert path == (
        f"/dapi/v1/klines?symbol=BTCUSD_PERP&interval=1m&startTime={OPEN_MS}&endTime={OPEN_MS + 119_999}&limit=2"
    )
    assert venue.klines_path("spot", "B", 1, 1).startswith("/api/v3/klines?")
    assert (venue.klines_per_page("usdm"), venue.klines_weight("usdm")) == (499, 2)


def test_coinm_trades_by_id_are_turned_into_base_units_as_live_ones_are() -> None:
    parser = Binance().parser(
        "coinm", {"BTCUSD_PERP": "BTC_USD.PERP"}, {"BTC_USD.PERP": Contract(100.0, is_inverse=True)}
    )
    live = {"e": "aggTrade", "E": OPEN_MS, "a": 416690, "s": "BTCUSD_PERP", "p": "9642.4", "q": "3", "f": 595259,
            "l": 595259, "T": OPEN_MS, "m": False}  # fmt: skip
    frame = json.dumps({"stream": "btcusd_perp@aggTrade", "data": live}).encode()
    (expected,) = parser.parse(frame, 9)
    row = {key: live[key] for key in ("a", "p", "q", "f", "l", "T", "m")}
    assert parser.parse_trades("BTC_USD.PERP", json.dumps([row]).encode(), 9) == [expected]
    assert isinstance(expected, Trade)
    assert expected.size == 3 * 100 / 9642.4


def test_a_gap_that_candles_fill_awaits_no_trade_any_more() -> None:
    out: list[Any] = []
    drops: list[str] = []
    gaps = Gaps("binance", "c-1")
    parser = Binance().parser("spot", NAMES, {})
    path = Normaliser("binance", parser, gaps, out.append, lambda reason, _: drops.append(reason))
    path.trades.claim = lambda _gap: ""
    path.watch("BTC_USDT", book=False)
    for number in (1, 9, 4):
        path.take(trade(number), RECV_NS)
    gap_id = out[1].gap_id
    path.replace_hole("BTC_USDT", gap_id, "klines", 2)
    filled = out[-1]
    assert (filled.gap_id, filled.state, filled.filled_by, filled.count) == (gap_id, "filled", "klines", 2)
    assert (gaps.missing, gaps.get(gap_id)) == (0, None)
    path.take(trade(5), RECV_NS)
    assert drops == ["duplicate_trade"], "it is in the candle"
    path.replace_hole("BTC_USDT", gap_id, "klines", 2)
    assert out[-1] is filled


def test_a_page_is_not_asked_for_before_its_time() -> None:
    budget = Budget(100, 1, 0)
    queue = Repairs(2, budget, lambda: Backoff(1.0, 30.0, lambda: 1.0), 30.0, 10_000, page_size=3)
    gap = Gap("c-1-1", "binance", "BTC_USDT", "trade", 7, 11, 1, 2, "venue_jump", "filling")
    assert queue.add(gap, due_ns=5) == ""
    assert queue.due(4) is None
    page = queue.due(5)
    assert page is not None
    assert page[1:] == (7, 3)
    assert not queue.took(page, 9)
    page = queue.due(6)
    assert page is not None
    assert page[1:] == (10, 2)
    assert queue.took(page, 11)


def test_minutes_behind_the_newest_candle_of_a_venue_that_omits_quiet_ones_are_quiet() -> None:
    (bar,) = parsed("spot", ROW)
    minute = OPEN_MS // 60_000
    first, second = quiet_after([bar], minute + 2)
    assert (first.ts_open_ns, second.ts_open_ns) == ((minute + 1) * MINUTE_NS, (minute + 2) * MINUTE_NS)
    assert (first.open, first.close, first.volume, first.count, first.status) == (
        bar.close,
        bar.close,
        0.0,
        0,
        "quiet",
    )
    assert first.validate() == []
    assert quiet_after([bar], minute) == []
    assert quiet_after([], minute + 5) == [], "nobody knows the close before"
