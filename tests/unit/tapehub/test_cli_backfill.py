"""`tapehub backfill rest ...` where no collector runs: what it would cost, and words for everything that cannot be."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from protocol.messages import Bar
from tapehub.cli import context
from tests.support.config import write_config
from tests.unit.actors.hub.samples import BASE_NS, MINUTE_NS, fetched
from tests.unit.actors.persistence.parquet_rig import frames_of
from tests.unit.tapehub.calls import Result, call
from tests.unit.tapehub.stored import fill_database

SYMBOLS = {
    "EUR_USD": {"session": "fx", "providers": {"yahoo": "EURUSD=X"}, "aliases": ["EURUSD"]},
    "BTC_USD": {"providers": {"yahoo": "BTC-USD", "twelvedata": "BTC/USD"}},
    "BTC_USDT": {"venues": {"binance": "spot:BTCUSDT"}},
}
Ask = Callable[..., Result]


@pytest.fixture
def ask(run_dir: Path, capsys: pytest.CaptureFixture[str]) -> Iterator[Ask]:
    config = write_config(run_dir, {"collector.rest.1": {}}, SYMBOLS)
    yield lambda *words: call(capsys, "--config", str(config), "backfill", *words)
    context.use(context.Context())


def test_what_it_costs(ask: Ask) -> None:
    result = ask("rest", "BTC_USD", "EURUSD", "--from", "-10d", "--dry-run")
    assert result.code == 0, result.err
    head, *rows = result.out.splitlines()
    assert head.split() == ["SYMBOL", "PROVIDER", "CALLS", "MINUTES", "FROM", "TO", "AT", "LEAST"]
    assert rows[0].split()[:4] == ["BTC_USD", "yahoo", "2", "14,405"]
    assert rows[1].startswith("EUR_USD")
    assert "what of the budgets is in use is not known" in result.err


def test_the_same_for_programs(ask: Ask) -> None:
    document = json.loads(ask("yahoo", "BTC_USD", "--from", "-60d", "--dry-run", "--json").out)
    (cost,) = document["costs"]
    (symbol,) = document["symbols"]
    assert (document["state"], document["is_running"], document["job_ids"]) == ("planned", False, [])
    assert (cost["symbol"], cost["provider"], cost["calls"]) == ("BTC_USD", "yahoo", 5)
    assert symbol["floor_ns"] > symbol["from_ns"], "Yahoo does not go back so far"
    assert document["budgets"]["yahoo"] == [{"calls": 30, "per_s": 60.0}]


def test_a_range_that_nobody_reaches_is_told(ask: Ask) -> None:
    result = ask("rest", "BTC_USD", "--from", "-60d", "--to", "-45d", "--dry-run")
    assert "nothing that anybody has is missing" in result.err
    assert "1m bars go back to" in result.err


def test_what_is_stored_costs_nothing(ask: Ask, run_dir: Path) -> None:
    first = (time.time_ns() - BASE_NS) // MINUTE_NS - 100
    bars: list[Bar] = [fetched(minute, symbol="BTC_USD") for minute in range(first, first + 10)]
    fill_database(run_dir, frames_of([bars]))
    ends = ("--from", str(bars[0].ts_open_ns), "--to", str(bars[-1].ts_open_ns), "--dry-run")
    result = ask("rest", "BTC_USD", *ends)
    assert (result.code, result.out) == (0, "")
    assert "already complete" in result.err


def test_nothing_is_ordered_without_the_collector(ask: Ask) -> None:
    result = ask("rest", "BTC_USD", "--from", "-1d")
    assert result.code == 4
    assert "collector.rest.1 does not run, and it owns the budgets" in result.err
    assert "tapehub up -d" in result.err


def test_status_and_cancel_without_the_collector(ask: Ask) -> None:
    assert ask("status").code == 4
    assert ask("cancel", "collector.rest.1-1-2").code == 4
    assert ask("cancel", "collector.rest.9-1-2").code == 5
    assert ask("cancel", "7").code == 2


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("rest", "BTC_USD", "--from", "soon"), 2, "'soon' is not a moment"),
        (("rest", "BTC_USD", "--from", "now"), 2, "must begin before it ends"),
        (("rest", "BTC_USD", "--from", "-1d", "--to", "-2d"), 2, "must begin before it ends"),
        (("rest", "BTC_USD", "--from", "2090-01-01"), 2, "before now"),
        (("rest", "BTC_USDX", "--from", "-1d"), 5, "did you mean BTC_USD"),
        (("rest", "BTC_USDT", "--from", "-1d"), 5, "BTC_USDT: not collected by collector.rest.1"),
        (("polygon", "BTC_USD", "--from", "-1d", "--dry-run"), 5, "polygon is not asked by collector.rest.1: it needs a key"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_told(ask: Ask, words: tuple[str, ...], code: int, said: str) -> None:
    result = ask(*words)
    assert result.code == code
    assert said in result.err


def test_an_instrument_without_a_name_at_the_provider(
    run_dir: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rest = {"rest": {"providers": {"twelvedata": {"key": "k"}}}}
    config = write_config(run_dir, {"collector.rest.1": rest}, SYMBOLS)
    words = ("--config", str(config), "backfill", "twelvedata", "EUR_USD", "--from", "-1d", "--dry-run")
    result = call(capsys, *words)
    context.use(context.Context())
    assert result.code == 5
    assert "EUR_USD: no name at twelvedata" in result.err


@pytest.mark.parametrize("words", [("rest", "BTC_USD", "--from", "-1d"), ("status",)])
def test_a_configuration_without_a_collector(
    run_dir: Path, capsys: pytest.CaptureFixture[str], words: tuple[str, ...]
) -> None:
    config = write_config(run_dir, {"hub.1": {}}, SYMBOLS)
    result = call(capsys, "--config", str(config), "backfill", *words)
    context.use(context.Context())
    assert result.code == 5
    assert "live-rest.yaml" in result.err
