"""A scan plays candles, order flow and scanner as the live system does; and `tapehub config check` tells what strategies lack."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from actors.aggregator.fold import Fold as Candles
from actors.aggregator.rules import rules_of as candle_rules
from actors.orderflow.fold import Fold as Flows
from actors.orderflow.rules import rules_of as flow_rules
from actors.runtime.settings import load
from protocol.errors import ConfigError
from protocol.instruments import Catalog
from protocol.messages import Gap, Message, Quote, Signal, Trade
from tapehub.kinds import problems_of_actors
from tapehub.scanners import scan_of
from tapehub.scanning import Scan, unknown_instrument
from tests.support.config import write_config
from tests.support.scanner_world import CANDLES, CATALOG, FLOWS, scanner, tape
from tests.support.talking_strategy import write_talker


def played(messages: list[Message], venue: str = "binance") -> list[Signal]:
    scan = Scan(
        venue,
        CATALOG,
        Candles(CATALOG, candle_rules(CANDLES), Counter()),
        Flows(CATALOG, flow_rules(FLOWS), Counter()),
        scanner(),
    )
    found = [signal for message in messages for signal in scan.take(message)]
    return found + scan.end(5.0)


def test_the_same_recording_gives_the_same_signals() -> None:
    messages = [message for message in tape(1) if not isinstance(message, Gap)]
    first = played(messages)
    assert len(first) > 100
    assert played(messages) == first


def test_it_is_said_of_the_venue_that_is_asked_for() -> None:
    messages = [message for message in tape(1) if not isinstance(message, Gap)]
    found = played(messages, "other")
    assert {signal.venue for signal in found} == {"other"}
    assert len(found) == len(played(messages))


@pytest.mark.parametrize(
    ("symbol", "kind", "session", "bars_from", "pip_size"),
    [
        ("EUR_USD", Quote.KIND, "fx", "quote", 0.0001),
        ("USD_JPY", Quote.KIND, "fx", "quote", 0.01),
        ("BTC_USDT", Quote.KIND, "crypto", "quote", 0.0),
        ("BTC_USD", Trade.KIND, "crypto", "trade", 0.0),
    ],
)
def test_what_nobody_configured(
    symbol: str, kind: str, session: str, bars_from: str, pip_size: float
) -> None:
    found = unknown_instrument(symbol, kind)
    assert (found.session, found.bars_from, found.pip_size) == (session, bars_from, pip_size)


def test_only_some_strategies() -> None:
    run = scan_of(None, Catalog([]), ["mean_reversion"], lambda venue: venue)
    assert list(run.reasons()) == ["mean_reversion"]
    with pytest.raises(ConfigError, match="no strategy 'mean'"):
        scan_of(None, Catalog([]), ["mean"], lambda venue: venue)


def problems(folder: Path, **actors: dict[str, Any]) -> list[str]:
    path = write_config(folder, {name.replace("_", "."): settings for name, settings in actors.items()})
    return problems_of_actors(load(path))


def test_check_finds_nothing_wrong_with_the_defaults(tmp_path: Path) -> None:
    assert problems(tmp_path, aggregator_1={}, orderflow_1={}, scanner_1={}) == []
    assert problems(tmp_path, scanner_1={}) == [], "candles and order flow may be made elsewhere"


def test_check_tells_of_all_that_is_wrong_with_a_scanner(tmp_path: Path) -> None:
    write_talker(tmp_path)
    (tmp_path / "shield.yaml").write_text("rules:\n  spred: {}\n")
    strategies = {
        "talk": {"params": {"risc": 1}},
        "mine": {"plugin": "trend_pulback"},
        "trend_pullback": {"params": {"timeframe": "7m"}},
    }
    told = "\n".join(problems(tmp_path, scanner_1={"strategies": strategies, "keep_bars": 2}))
    assert "shield.yaml:2" in told
    assert "scanner.1: strategies.talk.params.risc: no such parameter; did you mean 'risk'?" in told
    assert "did you mean 'trend_pullback'?" in told
    assert "'7m' is no timeframe" in told


def test_check_tells_of_inputs_that_nobody_makes(tmp_path: Path) -> None:
    write_talker(tmp_path)
    told = problems(
        tmp_path,
        aggregator_1={
            "timeframes": ["1m"],
            "indicators": ["rsi(14)"],
            "indicator_timeframes": [],
            "lateness_s": 2,
        },
        orderflow_1={"windows_s": [30], "lateness_s": 3},
        scanner_1={"strategies": {"talk": {}}},
    )
    assert [one.partition(": ")[2] for one in told] == [
        "strategies.talk: it needs candles of 10s, no aggregator has that in timeframes",
        "strategies.talk: it needs indicators of 1m, no aggregator has that in indicator_timeframes",
        "strategies.talk: it needs ema_3, which no aggregator has in indicators",
        "strategies.talk: it needs order flow of 60 s, no orderflow has that in windows_s",
        "candle_wait_s 1 is below lateness_s 2 of an aggregator",
        "flow_wait_s 1 is below lateness_s 3 of an orderflow",
    ]


def test_check_tells_of_a_broken_plugin(tmp_path: Path) -> None:
    (tmp_path / "strategies").mkdir()
    (tmp_path / "strategies" / "bad.py").write_text("import nothing_like_that\n")
    (told,) = problems(tmp_path, scanner_1={})
    assert "strategies/bad.py:1: cannot be loaded: ModuleNotFoundError" in told
