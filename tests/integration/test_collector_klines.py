"""Gaps whose trades cannot be had are filled with the venue's candles: real collector, aggregator and simulator."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec

from protocol.codec import decode_events
from protocol.record import FLAG_REPAIRED
from tests.integration.test_collector_repair import now_ms
from tests.support.collector_rig import NAME, Rig, rig_of
from tests.support.system import System

BAR = "bar.binance.BTC_USDT.1m"
GAP = "gap.binance.BTC_USDT"
MINUTE_MS = 60_000
MINUTE_NS = 60_000_000_000


@contextmanager
def ready(run_dir: Path, **settings: Any) -> Iterator[tuple[Rig, int]]:
    """A collector for which two missing trades are too many, and the start of a minute that has nearly ended."""
    with rig_of(
        run_dir, streams={"spot": ["trade"]}, repair_max_trades=1, **{"repair_klines": True, **settings}
    ) as rig:
        rig.venue.client("btcusdt@trade")
        yield rig, (now_ms() // MINUTE_MS - 3) * MINUTE_MS


def lose_two(rig: Rig, minute_ms: int, raw: str = "BTCUSDT") -> None:
    rig.trade(1, raw, T=minute_ms + 58_000)
    rig.trade(4, raw, T=minute_ms + 59_900)


def candle(minute_ms: int) -> list[Any]:
    return [minute_ms, "100", "103", "99", "101", "8", minute_ms + 59_999, "808", 5, "3", "303", "0"]


def test_the_minutes_of_a_gap_come_as_candles_and_fill_it(run_dir: Path) -> None:
    with ready(run_dir) as (rig, minute_ms):
        rig.venue.snapshots["BTCUSDT"] = json.dumps([candle(minute_ms)]).encode()
        lose_two(rig, minute_ms)
        story: list[Any] = []
        for frame in rig.ear.frames():
            if frame.topic == GAP:
                (gap,) = decode_events(frame)
                story.append((gap.state, gap.filled_by, gap.count, gap.reason))
                if gap.state == "filled":
                    break
            elif frame.topic == BAR:
                assert frame.flags & FLAG_REPAIRED
                (bar,) = decode_events(frame)
                story.append((bar.ts_open_ns, bar.close, bar.volume, bar.buy_volume, bar.count, bar.revision))
        assert story == [
            ("filling", "", 0, ""),
            (minute_ms * 1_000_000, 101.0, 8.0, 3.0, 5, 0),
            ("filled", "klines", 1, ""),
        ]
        assert rig.venue.history_requests == []
        assert rig.status(lambda status: status["trades_missing"] == 0)["counters"]["klines_repaired"] == 1


def test_candles_that_cannot_be_had_leave_it_unfillable(run_dir: Path) -> None:
    says = {"BTC_USDT": "0 of 1 minutes", "ETH_USDT": "HTTP 400"}
    with ready(run_dir, symbols=tuple(says), repair_retry_s=0.001) as (rig, minute_ms):
        rig.venue.snapshots["BTCUSDT"] = b"[]"
        lose_two(rig, minute_ms)
        lose_two(rig, minute_ms, "ETHUSDT")
        reasons: dict[str, str] = {}
        while len(reasons) < len(says):
            gap = rig.ear.until(lambda gap: gap.state == "unfillable", "gap.")
            reasons[gap.symbol] = gap.reason
        assert all(text in reasons[symbol] for symbol, text in says.items()), reasons


def test_candles_are_only_asked_for_where_that_is_wanted(run_dir: Path) -> None:
    with ready(run_dir, repair_klines=False) as (rig, minute_ms):
        lose_two(rig, minute_ms)
        gap = rig.ear.until(lambda gap: gap.state == "unfillable", GAP)
        assert gap.reason == "2 trades are more than repair_max_trades = 1"
        assert rig.venue.snapshot_requests == []


def test_a_gap_that_is_too_large_ends_in_the_minutes_of_the_venue(run_dir: Path) -> None:
    start_ms = (now_ms() // MINUTE_MS - 2) * MINUTE_MS + 50_000
    simulator = {"rate_per_s": 200, "start_time_ms": start_ms}
    symbols = {"BTC_USDT": {"venues": {"binance": "spot:BTCUSDT"}}}
    with System(run_dir, simulator=simulator, collector={"repair_max_trades": 5}, symbols=symbols) as system:
        gaps, bars = system.peers.ear(NAME, GAP), system.peers.ear("aggregator.1", BAR)
        system.wait_for_data()
        system.ask("simulator.1", "drop", symbol="BTC_USDT", kind="trade", n=40)
        gap = gaps.until(
            lambda gap: gap.kind == "trade" and gap.state in ("filled", "unfillable"), GAP, 100.0
        )
        assert (gap.state, gap.filled_by) == ("filled", "klines"), gap
        minutes = [at * MINUTE_MS for at in range(gap.from_ts_ns // MINUTE_NS, gap.to_ts_ns // MINUTE_NS + 1)]
        assert gap.count == len(minutes)
        absorbed: dict[int, Any] = {}
        while len(absorbed) < len(minutes):
            bar = bars.until(lambda bar: bar.source == "binance", BAR)
            absorbed[bar.ts_open_ns // 1_000_000] = bar
        (truth,) = system.ask("simulator.1", "truth", symbol="BTC_USDT", market="spot")
        true_minutes = {row[0]: [float(text) for text in row[1:]] for row in truth["minutes"]}
        reply = system.peers.ask("aggregator.1", "bars", symbol="BTC_USDT", timeframe="1s", n=200)
        seconds = msgspec.msgpack.decode(reply.data)

    for open_ms in minutes:
        bar = absorbed[open_ms]
        prices = [bar.open, bar.high, bar.low, bar.close]
        assert [*prices, bar.volume, bar.count, bar.buy_volume] == true_minutes[open_ms]
        assert (bar.status, bar.coverage, bar.revision) == ("closed", 1.0, 2)
    inside = [row["status"] for row in seconds if overlaps(row["ts_open_ns"], gap)]
    assert inside
    assert set(inside) == {"gap"}
    assert sum(row["count"] for row in seconds) < truth["trades"]


def overlaps(open_ns: int, gap: Any) -> bool:
    return bool(open_ns < gap.to_ts_ns and open_ns + 1_000_000_000 > gap.from_ts_ns)
