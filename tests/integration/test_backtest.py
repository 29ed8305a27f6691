"""`tapehub backtest` over recordings and stored data: the report, the plot, every trade as arrays compute it."""

from __future__ import annotations

import gzip
import itertools
import json
import math
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pandas as pd
import pytest

from protocol.messages import Bar
from tests.support.config import write_config
from tests.support.paths import ROOT
from tests.unit.actors.persistence.parquet_rig import frames_of
from tests.unit.tapehub.backtesting.rig import START_NS, Cross, CrossParams, catalog_of, quotes, run, walk
from tests.unit.tapehub.backtesting.vectorised import Plan, Row, trades
from tests.unit.tapehub.calls import Result, call
from tests.unit.tapehub.stored import fill_database, fill_files

RIG = ROOT / "tests" / "unit" / "tapehub" / "backtesting" / "rig.py"
SYMBOLS = {
    "GBP_USD": {"session": "fx", "pip_size": 0.0001, "bars_from": "quote"},
    "EUR_USD": {"session": "fx", "pip_size": 0.0001, "bars_from": "quote"},
    "6E.FUT": {"session": "cme", "tick_size": 0.00005, "base": "EUR", "quote": "USD", "aliases": ["6E"]},
}
EXPIRES_S, COOLDOWN_S = 1800.0, 300.0
PARAMS = {"fast": 5, "slow": 20, "stop_pips": 8.0, "target_pips": 12.0}


@pytest.fixture
def home(run_dir: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A configuration with one strategy, which stands in its folder of plugins; nothing runs."""
    (run_dir / "strategies").mkdir()
    (run_dir / "strategies" / "cross.py").write_text(RIG.read_text())
    strategy = {"expires_s": EXPIRES_S, "cooldown_s": COOLDOWN_S, "params": PARAMS}
    actors: dict[str, Any] = {"scanner.1": {"strategies": {"cross": strategy}}, "persistence.1": {}}
    write_config(run_dir, actors, SYMBOLS)
    monkeypatch.chdir(run_dir)
    return run_dir


def backtest(capsys: pytest.CaptureFixture[str], home: Path, *words: str | Path) -> Result:
    return call(capsys, "backtest", "--config", str(home / "tapehub.yaml"), *map(str, words))


def compare(document: dict[str, Any], expected: list[Row]) -> None:
    found = document["trades"]
    assert len(found) == len(expected) > 50
    for one, row in zip(found, expected, strict=True):
        assert (one["side"], one["ts_entry_ns"], one["ts_exit_ns"], one["reason"]) == (
            row.side, row.ts_entry_ns, row.ts_exit_ns, row.reason,
        )  # fmt: skip
        for name in ("entry", "exit", "pips", "r"):
            assert math.isclose(one[name], getattr(row, name), rel_tol=0, abs_tol=1e-9), name
    pips = pd.Series([row.pips for row in expected])
    figures = document["figures"]
    assert math.isclose(figures["total_pips"], pips.sum(), abs_tol=1e-9, rel_tol=0)
    assert math.isclose(figures["expectancy_pips"], pips.mean(), abs_tol=1e-9, rel_tol=0)
    assert math.isclose(figures["expectancy_pips_error"], pips.sem(), abs_tol=1e-9, rel_tol=0)
    assert math.isclose(figures["profit_factor"], pips[pips > 0].sum() / -pips[pips < 0].sum(), abs_tol=1e-9)
    sums = pd.concat([pd.Series([0.0]), pips.cumsum()])
    assert math.isclose(
        figures["drawdown_pips"]["size"], (sums.cummax() - sums).max(), abs_tol=1e-9, rel_tol=0
    )
    assert {"target", "stopped", "expired"} <= set(document["by_reason"])
    total = sum(one["trades"] for one in document["by_reason"].values())
    assert total == document["signals"] - document["vetoed"] == len(expected)


def candles(path: Path, column: str, shift_ns: int = 0) -> pd.DataFrame:
    frame = pd.read_csv(path)
    moments = pd.to_datetime(frame[column], utc=True).astype("datetime64[ns, UTC]")
    frame["ts_ns"] = moments.astype("int64") + shift_ns
    return frame


def plan(session: str, cost_pips: float) -> Plan:
    lengths = round(EXPIRES_S * 1e9), round(COOLDOWN_S * 1e9)
    return Plan(5, 20, 8.0, 12.0, 0.0001, *lengths, cost_pips, session)


def beginning(path: Path, folder: Path, minutes: int | None) -> Path:
    """The first minutes of a recording as a file of its own; None: all of them."""
    found = folder / path.name
    with gzip.open(path, "rt") as lines, gzip.open(found, "wt") as file:
        file.writelines(lines if minutes is None else itertools.islice(lines, minutes + 1))
    return found


@pytest.mark.recording
@pytest.mark.parametrize("minutes", [6000, pytest.param(None, marks=pytest.mark.long)])
def test_fx_minutes_of_bid_and_ask(
    home: Path, recording: Callable[[str], Path], capsys: pytest.CaptureFixture[str], minutes: int | None
) -> None:
    names = [f"fx/fxcm_gbpusd-m1-{side}-2012.csv.gz" for side in ("bid", "ask")]
    bid, ask = (beginning(recording(name), home, minutes) for name in names)
    words = ("cross", "--file", bid, "--file", ask, "--venue", "fx", "--cost-pips", "0.3")
    done = backtest(capsys, home, *words, "--json", "--trades")
    assert done.code == 0, done.err
    document = json.loads(done.out)
    compare(document, trades(candles(bid, "timestamp"), candles(ask, "timestamp"), plan("fx", 0.3)))
    assert (document["data"], document["venue"]) == ("minutes", "fxcm")
    assert document["coverage"] > 0.99
    drawing = home / "backtest-cross.svg"
    assert f"% plot in {drawing.name}" in done.err
    assert ET.fromstring(drawing.read_text()).tag.endswith("svg")


@pytest.mark.recording
def test_cme_minutes_of_one_price(
    home: Path, recording: Callable[[str], Path], capsys: pytest.CaptureFixture[str]
) -> None:
    path = recording("cme/6EH4_1min_20240101_20240119.csv.gz")
    words = (
        "cross",
        "--file",
        path,
        "--venue",
        "cme",
        "--symbol",
        "6E",
        "--times-are-ends",
        "--pip-size",
        "0.0001",
    )
    costs = ("--spread-pips", "0.5", "--cost-pips", "0.2")
    done = backtest(capsys, home, *words, *costs, "--json", "--trades", "--no-plot")
    assert done.code == 0, done.err
    whole = candles(path, "timestamp_utc", -60_000_000_000)
    half = 0.5 * 0.0001 / 2
    prices = ["open", "high", "low", "close"]
    bid, ask = whole.copy(), whole.copy()
    bid[prices] -= half
    ask[prices] += half
    document = json.loads(done.out)
    compare(document, trades(bid, ask, plan("cme", 0.2)))
    assert [row["symbol"] for row in document["by_symbol"]] == ["6E.FUT"]
    assert not list(home.glob("*.svg"))


@pytest.mark.recording
def test_fx_ticks(home: Path, recording: Callable[[str], Path], capsys: pytest.CaptureFixture[str]) -> None:
    path = recording("fx/histdata_eurusd_ticks_20200101.csv.gz")
    words = ("cross", "--file", path, "--venue", "fx", "--param", "slow=9", "--param", "fast=3")
    done = backtest(capsys, home, *words, "--json", "--trades", "--no-plot")
    assert done.code == 0, done.err
    document = json.loads(done.out)
    assert (document["data"], document["messages"]) == ("ticks", 9500)
    frame = pd.read_csv(path, header=None, names=["time", "bid", "ask", "size"])
    times = pd.to_datetime(frame["time"], format="%Y%m%d %H%M%S%f").astype("datetime64[ns]").astype("int64")
    frame["ts_ns"] = times + 5 * 3_600_000_000_000
    assert document["trades"]
    for trade in document["trades"]:
        newest = frame[frame["ts_ns"] <= trade["ts_entry_ns"]].iloc[-1]
        assert trade["entry"] == (newest["ask"] if trade["side"] > 0 else newest["bid"])


def part_of(path: Path, folder: Path, ticks: int) -> Path:
    """The first ticks of a recording, under its name."""
    found = folder / path.name
    with zipfile.ZipFile(path) as whole, zipfile.ZipFile(found, "w") as part:
        (name,) = whole.namelist()
        part.writestr(name, b"".join(whole.read(name).splitlines(keepends=True)[:ticks]))
    return found


@pytest.mark.recording
def test_signals_are_those_of_the_scanner(
    home: Path, recording: Callable[[str], Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The same ticks through `scan`: each open signal is a trade, entered and ended as it says."""
    path = part_of(recording("fx/lean_oanda_eurusd_tick_20140506_quote.zip"), tmp_path, 10_000)
    config = (
        "--config",
        str(home / "tapehub.yaml"),
        "--set",
        "actors.scanner.1.strategies={mean_reversion: {}}",
    )
    scanned = call(capsys, "scan", str(path), "--venue", "fx", "--json", *config)
    assert scanned.code == 0, scanned.err
    revisions = [json.loads(line) for line in scanned.out.splitlines()]
    opened = {one["signal_id"]: one for one in revisions if one["state"] == "open"}
    done = call(
        capsys,
        "backtest",
        "mean_reversion",
        "--file",
        str(path),
        "--venue",
        "fx",
        "--json",
        "--trades",
        "--no-plot",
        *config,
    )
    found = json.loads(done.out)["trades"]
    assert {one["signal_id"] for one in found} == set(opened)
    ends = {one["signal_id"]: one for one in revisions if one["state"] in ("stopped", "target")}
    assert ends
    for trade in found:
        assert trade["entry"] == opened[trade["signal_id"]]["entry"]
        end = ends.get(trade["signal_id"])
        if end is not None:
            assert (trade["exit"], trade["ts_exit_ns"]) == (end["exit_price"], end["ts_event_ns"])


def test_the_table_for_people(home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = csv_of(tmp_path, walk(1, 600))
    words = ("cross", "--file", path, "--venue", "paper", "--symbol", "EUR_USD", "--param", "slow=8")
    drawing = tmp_path / "out.svg"
    done = backtest(capsys, home, *words, "--trades", "--plot", drawing)
    assert done.code == 0, done.err
    assert "strategy    cross" in done.out
    assert "candles of one minute: 600 messages, 2025-11-21T09:00:00Z to" in done.out
    entries = [line for line in done.out.splitlines() if line.startswith("2025-11-21T") and "EUR_USD" in line]
    document = json.loads(backtest(capsys, home, *words, "--json", "--no-plot").out)
    assert len(entries) == document["figures"]["trades"] > 3
    assert drawing.is_file()
    half = backtest(capsys, home, *words, "--json", "--no-plot", "--to", "2025-11-21T12:00Z")
    assert json.loads(half.out)["messages"] == 180


def csv_of(folder: Path, bars: list[Bar]) -> Path:
    rows = [(pd.Timestamp(b.ts_open_ns, tz="UTC"), b.open, b.high, b.low, b.close, b.volume) for b in bars]
    path = folder / "bars.csv"
    columns = ["timestamp", "open", "high", "low", "close", "volume"]
    pd.DataFrame(rows, columns=columns).to_csv(path, index=False)
    return path


@pytest.mark.parametrize("fill", [fill_database, fill_files])
@pytest.mark.parametrize("kind", ["ticks", "minutes"])
def test_stored_data_gives_what_its_messages_give(
    home: Path, capsys: pytest.CaptureFixture[str], fill: Callable[..., Any], kind: str
) -> None:
    messages: list[Any] = quotes(4, 1200) if kind == "ticks" else walk(2, 400)
    frames = frames_of([messages[place : place + 50] for place in range(0, len(messages), 50)])
    fill(home, frames)
    words = ("cross", "--venue", "paper", "--param", "slow=8", "--param", "fast=3")
    done = backtest(capsys, home, *words, "--json", "--trades", "--no-plot", "--from", str(START_NS))
    assert done.code == 0, done.err
    document = json.loads(done.out)
    assert (document["data"], document["messages"]) == (kind, len(messages))
    strategy = Cross(CrossParams(fast=3, slow=8, stop_pips=8.0, target_pips=12.0))
    alone = run(
        strategy, messages, catalog=catalog_of(session="fx"), expires_s=EXPIRES_S, cooldown_s=COOLDOWN_S
    )
    assert [trade["signal_id"] for trade in document["trades"]] == [
        one.signal_id for one in alone.ledger.trades
    ]
    assert [trade["pips"] for trade in document["trades"]] == [one.pips for one in alone.ledger.trades]
    assert document["trades"]


def test_words_and_exit_codes(home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bars = csv_of(tmp_path, walk(1, 30))
    named = ("--venue", "paper", "--symbol", "EUR_USD")
    broken = tmp_path / "broken.csv"
    broken.write_text("date,open,high,low,close\nnever,1,1,1,1\n")
    for words, code, told in (
        (("crosss", "--file", bars, *named), 2, "no strategy 'crosss'; there is cross"),
        (("cross", "--file", bars), 2, "whose recording is it?"),
        (("cross", "--file", bars, "--venue", "paper"), 2, "does not say whose minutes they are"),
        (("cross", "--file", bars, *named, "--param", "slow"), 2, "'slow' is not NAME=VALUE"),
        (("cross", "--file", bars, *named, "--param", "slow=much"), 78, "strategies.cross.params"),
        (("cross", "--file", bars, *named, "--data", "candles"), 2, "none of auto, ticks, minutes"),
        (("cross", "--file", bars, *named, "--data", "ticks"), 2, "there are no quotes"),
        (("cross", "--file", bars, *named, "--to", "2020-01-01"), 5, "no data of EUR_USD to 2020-01-01"),
        (("cross", "--file", bars, "--venue", "paper", "--pip-size", "1"), 2, "of which symbol?"),
        (("cross", "--file", broken, *named), 1, "broken.csv:2"),
        (("cross", "--file", tmp_path / "absent.csv", *named), 2, "no decoder for venue 'paper'"),
        (("cross", "--file", bars, *named, "--plot", "strategies/cross.py"), 2, "no name of an SVG file"),
        (("cross",), 5, "nothing is stored"),
    ):
        done = backtest(capsys, home, *words)
        assert done.code == code, (words, done.err)
        assert told in done.err, words
    assert not list(home.glob("*.svg"))


def test_a_strategy_that_looks_nowhere_is_told(
    home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    strategy = {"symbols": ["BTC_*"]}
    write_config(home, {"scanner.1": {"strategies": {"cross": strategy}}}, SYMBOLS)
    bars = csv_of(tmp_path, walk(1, 60))
    done = backtest(
        capsys, home, "cross", "--file", bars, "--venue", "paper", "--symbol", "EUR_USD", "--no-plot"
    )
    assert done.code == 0
    assert "asked about nothing" in done.err
