"""`tapehub analyze` of a recording against pandas and the paper, both worked out from the raw lines of the file."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from tests.support.data import MISSING, data_dir, recording
from tests.support.supervised import tapehub

NAME = "binance/hft_usdm_btcusdt_20240808.gz"
SYMBOL = "BTC_USDT.PERP"
MIDNIGHT = pd.Timestamp("2024-08-09", tz="UTC")


def raw_lines(path: Path, event: str) -> pd.DataFrame:
    """Messages of one type as the venue wrote them, one row each."""
    rows = []
    with gzip.open(path, "rt") as lines:
        for line in lines:
            data = json.loads(line.partition(" ")[2]).get("data", {})
            if data.get("e") == event:
                rows.append(data)
    return pd.DataFrame(rows)


@pytest.fixture(scope="module")
def path() -> Path:
    if data_dir() is None:
        pytest.skip(MISSING)
    return recording(NAME)


@pytest.fixture(scope="module")
def trades(path: Path) -> pd.DataFrame:
    found = raw_lines(path, "trade")
    moment = pd.to_datetime(found["T"], unit="ms", utc=True)
    size = found["q"].astype(float)
    return pd.DataFrame(
        {
            "minute": moment.dt.floor("min"),
            "size": size,
            "signed": np.where(found["m"], -size, size),  # the maker bought: the aggressor sold
            "notional": size * found["p"].astype(float),
        }
    )


@pytest.fixture(scope="module")
def analysed(path: Path) -> dict[str, Any]:
    done = tapehub("analyze", str(path), "--venue", "binance", "--json")
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)["symbols"][SYMBOL]
    return found


def test_delta_vwap_and_counts_of_every_minute_are_those_of_pandas(
    analysed: dict[str, Any], trades: pd.DataFrame
) -> None:
    minutes = trades.groupby("minute").agg(
        count=("size", "size"), volume=("size", "sum"), delta=("signed", "sum"), notional=("notional", "sum")
    )
    bars = analysed["bars"]
    assert [pd.Timestamp(bar["ts_open_ns"], unit="ns", tz="UTC") for bar in bars[: len(minutes)]] == list(
        minutes.index
    )
    for bar, footprint, (_, expected) in zip(bars, analysed["footprints"], minutes.iterrows(), strict=False):
        assert bar["count"] == footprint["count"] == expected["count"]
        assert bar["volume"] == pytest.approx(expected["volume"], rel=1e-9)
        assert bar["buy_volume"] - bar["sell_volume"] == pytest.approx(expected["delta"], abs=1e-6)
        assert footprint["delta"] == pytest.approx(expected["delta"], abs=1e-6)
        assert sum(footprint["buy_volumes"]) == pytest.approx(bar["buy_volume"], rel=1e-9)
        assert bar["vwap"] == pytest.approx(expected["notional"] / expected["volume"], rel=1e-9)


def test_totals_since_the_session_start_are_those_of_pandas(
    analysed: dict[str, Any], trades: pd.DataFrame
) -> None:
    flow = analysed["sessions"][0]
    values = flow["values"]
    assert values["count"] == len(trades)
    assert values["delta"] == values["cvd"] == pytest.approx(trades["signed"].sum(), abs=1e-6)
    assert values["vwap"] == pytest.approx(trades["notional"].sum() / trades["size"].sum(), rel=1e-9)
    assert values["notional"] == pytest.approx(trades["notional"].sum(), rel=1e-9)
    assert flow["inferred_share"] == 0.0
    assert flow["reason"] == "warm-up", "the recording begins in the middle of the day"


def test_order_flow_imbalance_is_that_of_the_paper(analysed: dict[str, Any], path: Path) -> None:
    """Cont, Kukanov, Stoikov (2014), section 2.1, over every change of the best prices before midnight."""
    quotes = raw_lines(path, "bookTicker")
    before_midnight = pd.to_datetime(quotes["T"], unit="ms", utc=True) < MIDNIGHT
    bid, bid_size, ask, ask_size = (quotes[name].astype(float).to_numpy() for name in ("b", "B", "a", "A"))
    steps = (
        np.where(bid[1:] >= bid[:-1], bid_size[1:], 0.0)
        - np.where(bid[1:] <= bid[:-1], bid_size[:-1], 0.0)
        - np.where(ask[1:] <= ask[:-1], ask_size[1:], 0.0)
        + np.where(ask[1:] >= ask[:-1], ask_size[:-1], 0.0)
    )
    expected = steps[before_midnight.to_numpy()[1:]].sum()
    assert analysed["sessions"][0]["values"]["ofi"] == pytest.approx(expected, abs=1e-6)


def test_without_a_message_of_that_venue_it_says_what_to_do(path: Path) -> None:
    done = tapehub("analyze", str(path), "--venue", "nowhere")
    assert done.returncode == 2
    assert "there are: binance" in done.stderr
