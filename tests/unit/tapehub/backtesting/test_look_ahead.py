"""Nobody sees what is later: not a strategy that tries everything, and not through anything that it leaves behind."""

from __future__ import annotations

import functools
import time
from collections import Counter
from collections.abc import Sequence
from typing import Any, ClassVar

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from actors.scanner.shield import Shield, parse_shield
from protocol.messages import Message, Quote, Signal
from protocol.strategy import Idea, Needs, Snapshot
from tapehub.backtesting.ledger import Trade
from tapehub.backtesting.minute_scan import MinuteCandles, MinuteScan
from tapehub.backtesting.minutes import minutes_of
from tapehub.backtesting.runs import Costs
from tests.unit.tapehub.backtesting.rig import (
    MINUTE_NS,
    PIP,
    START_NS,
    Cross,
    CrossParams,
    asked,
    catalog_of,
    minute,
    quotes,
    run,
    walk,
)

BARS = walk(3, 300, hole_share=0.05)
WHOLE = walk(3, 300)
TICKS = quotes(5, 800)


ONE_AT_A_TIME = "rules: {exposure: [{veto: true, max_open: 1}]}"


class NoParams(msgspec.Struct, frozen=True):
    pass


class Cheat:
    """Looks for what is later in all that it is given, breaks all that it can break, and remembers everything."""

    name: ClassVar[str] = "cheat"
    Params: ClassVar[type[NoParams]] = NoParams

    def __init__(self, *, each_second: bool = False) -> None:
        self.needs = Needs(
            timeframe="1m", bars={"1m": 3, "5m": 1}, features={"1m": ("ema_9",)}, each_second=each_second
        )
        self.seen: list[Snapshot] = []
        self.broken: list[str] = []
        self.later: list[str] = []
        self.clocks: list[int] = []

    def evaluate(self, snapshot: Snapshot) -> Idea | str:
        self.clocks.append(time.time_ns())
        self.later += self._later(snapshot)
        self._break(snapshot)
        self.seen.append(snapshot)
        last, first = snapshot.bars["1m"][-1], self.seen[0].bars["1m"][-1]
        side = 1 if first.close < last.close else -1
        entry = snapshot.ask if side > 0 else snapshot.bid
        return Idea(side, entry - side * 5 * PIP, entry + side * 5 * PIP, 1.0, {})

    def _later(self, snapshot: Snapshot) -> list[str]:
        """What it sees that is not over yet."""
        now_ns = snapshot.ts_ns
        found = [
            f"{timeframe} of {bar.ts_open_ns} at {now_ns}"
            for timeframe, length in (("1m", 1), ("5m", 5))
            for bar in snapshot.bars[timeframe]
            if bar.ts_open_ns + length * MINUTE_NS > now_ns
        ]
        return found + [f"quote of {snapshot.ts_quote_ns} at {now_ns}"] * (snapshot.ts_quote_ns > now_ns)

    def _break(self, snapshot: Snapshot) -> None:
        bars: Any = snapshot.bars
        values: Any = snapshot.features["1m"]
        for name, attempt in (
            ("clear a list", lambda: list.clear(bars["1m"])),
            ("append to a list", lambda: bars["1m"].append(bars["1m"][-1])),
            ("replace a candle", lambda: bars["1m"].__setitem__(-1, bars["1m"][0])),
            ("change a candle", lambda: setattr(bars["1m"][-1], "close", 0.0)),
            ("change an indicator", lambda: values.__setitem__("ema_9", 0.0)),
            ("change the snapshot", lambda: setattr(snapshot, "bid", 0.0)),
        ):
            try:
                attempt()
            except (AttributeError, TypeError):
                continue
            self.broken.append(name)


@pytest.mark.parametrize("each_second", [False, True])
@pytest.mark.parametrize("messages", [WHOLE, TICKS], ids=["minutes", "ticks"])
def test_a_strategy_that_tries_everything(messages: Sequence[Message], each_second: bool) -> None:
    cheat = Cheat(each_second=each_second)
    result = run(cheat, messages, Costs(0.0, 1.0), cooldown_s=60.0, expires_s=300.0)
    assert not cheat.broken
    assert not cheat.later
    assert not [why for why in result.report.why if why.startswith("error")], result.report.why
    assert result.report.why.get("a signal is open"), "it was asked and had ideas"
    assert result.report.signals > 3


def test_what_it_breaks_does_not_change_what_others_see() -> None:
    class Vandal(Cheat):
        def evaluate(self, snapshot: Snapshot) -> Idea | str:
            super().evaluate(snapshot)
            return "nothing"

    class Reader(Cheat):
        def _break(self, snapshot: Snapshot) -> None:
            pass

        def evaluate(self, snapshot: Snapshot) -> Idea | str:
            super().evaluate(snapshot)
            return "nothing"

    vandal, reader = Vandal(), Reader()
    run(vandal, WHOLE, Costs(0.0, 1.0))
    run(reader, WHOLE, Costs(0.0, 1.0))
    assert [one.bars["1m"] for one in vandal.seen] == [one.bars["1m"] for one in reader.seen]
    assert [dict(one.features["1m"]) for one in vandal.seen] == [
        dict(one.features["1m"]) for one in reader.seen
    ]


def test_a_minute_is_not_seen_before_it_is_over() -> None:
    """Asked each second: it sees the open of the minute that runs, then nothing of it until the next begins."""
    bars = [minute(n, [1.1, 1.1 + (n + 1) * PIP, 1.1 - (n + 1) * PIP, 1.1 + n * PIP / 2]) for n in range(60)]
    cheat = Cheat(each_second=True)
    run(cheat, bars, Costs(0.0, 1.0), cooldown_s=0.0, expires_s=1.0)
    assert len(cheat.seen) > 20
    opens = {bar.ts_open_ns: bar.open for bar in bars}
    for snapshot in cheat.seen:
        assert snapshot.ts_quote_ns == snapshot.ts_ns
        assert abs(snapshot.mid - opens[snapshot.ts_ns]) < 1e-12
        assert snapshot.bars["1m"][-1].ts_open_ns == snapshot.ts_ns - MINUTE_NS


def trades_of(messages: Sequence[Message]) -> list[Trade]:
    return run(
        Cross(CrossParams()), messages, Costs(0.0, 1.0), cooldown_s=30.0, expires_s=240.0
    ).ledger.trades


@functools.cache
def trades_of_bars() -> list[Trade]:
    return trades_of(BARS)


@functools.cache
def trades_of_ticks() -> list[Trade]:
    return trades_of(TICKS)


@settings(max_examples=25)
@given(at=st.integers(0, len(BARS) - 1), seed=st.integers(0, 1 << 20))
def test_other_candles_after_a_moment_change_nothing_before_it(at: int, seed: int) -> None:
    now_ns = BARS[at].ts_open_ns
    other = [bar for bar in walk(seed, 400) if bar.ts_open_ns >= now_ns]
    check(now_ns, trades_of([*BARS[:at], *other]), trades_of_bars())


@settings(max_examples=8)
@given(at=st.integers(0, len(TICKS) - 1), seed=st.integers(0, 1 << 20))
def test_other_quotes_after_a_moment_change_nothing_before_it(at: int, seed: int) -> None:
    now_ns = TICKS[at].ts_event_ns
    other = [quote for quote in quotes(seed, 850) if quote.ts_event_ns > now_ns]
    check(now_ns, trades_of([*TICKS[: at + 1], *other]), trades_of_ticks())


def check(now_ns: int, one: list[Trade], other: list[Trade]) -> None:
    """All trades that were over by then are the same, and those that had begun have begun the same way."""
    over = [[t for t in trades if t.ts_exit_ns < now_ns and t.reason != "open"] for trades in (one, other)]
    assert over[0] == over[1]
    begun = [
        [(t.signal_id, t.side, t.entry, t.stop, t.target) for t in trades if t.ts_entry_ns < now_ns]
        for trades in (one, other)
    ]
    assert sorted(begun[0]) == sorted(begun[1])


def test_the_markets_above_have_trades() -> None:
    """What would make the two properties empty."""
    assert len(trades_of_bars()) > 8
    assert len(trades_of_ticks()) >= 2


def test_rounds_left_out_would_have_said_nothing() -> None:
    """Every second of each minute against only those in which something can come; a signal of one symbol keeps back others."""
    bars = sorted([*BARS, *walk(8, 300, "GBP_USD")], key=lambda bar: bar.ts_open_ns)
    found = []
    for has_every_second in (False, True):
        made = asked(Cross(CrossParams()), expires_s=97.0, cooldown_s=31.0)
        made = made._replace(shield=Shield(parse_shield(ONE_AT_A_TIME, "test")))
        catalog = catalog_of()
        scanner = made.fold(catalog, is_of_minutes=True)
        candles = MinuteCandles(catalog, made.candles)
        scan = MinuteScan("paper", candles, scanner, has_every_second=has_every_second)
        signals: list[Signal] = []
        for group in minutes_of(bars, "paper", lambda _: PIP / 2, Counter()):
            signals += scan.take(group)
        found.append(sorted(signals + scan.end(), key=lambda one: (one.signal_id, one.revision)))
    assert found[0] == found[1]
    assert {one.state for one in found[0]} >= {"open", "expired", "stopped", "vetoed"}
    assert all(one.ts_event_ns >= START_NS for one in found[0])


def test_a_tick_is_entered_at_the_price_of_then() -> None:
    """Bought at the ask, sold at the bid, of the newest quote that is not later than the signal."""
    result = run(Cross(CrossParams(stop_pips=4.0)), TICKS, cooldown_s=0.0, expires_s=300.0)
    assert result.report.data == "ticks"
    for trade in result.ledger.trades:
        newest: Quote = [one for one in TICKS if one.ts_event_ns <= trade.ts_entry_ns][-1]
        assert trade.entry == (newest.ask if trade.side > 0 else newest.bid)
        if trade.reason == "stopped":
            (there,) = [one for one in TICKS if one.ts_event_ns == trade.ts_exit_ns]
            assert trade.exit == (there.bid if trade.side > 0 else there.ask)
