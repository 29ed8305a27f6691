"""Local providers speak as the real ones were recorded: names in their order, kinds of values, ways to write numbers."""

from __future__ import annotations

import json
import struct
from typing import Any, Final

import pytest

from tests.support.providers.market import Market
from tests.support.providers.world import World
from tests.unit.actors.collector.bars.provider_calls import HEADERS, NOW_NS, NOW_S, answer, call

INTRADAY_KEYS: Final = {"previousClose", "scale"}
"""Yahoo says these of minutes and not of days, which is what was recorded of currencies."""


def world() -> World:
    return World(Market(), NOW_NS, limits={})


def shape(value: Any) -> Any:
    """Names in their order and kinds of values; of a list that of its first element."""
    if isinstance(value, dict):
        return {name: shape(part) for name, part in value.items()}
    if isinstance(value, list):
        return [shape(part) for part in value[:1]]
    return (
        "number" if isinstance(value, int | float) and not isinstance(value, bool) else type(value).__name__
    )


def same(ours: Any, theirs: Any) -> bool:
    """Equal with the order of names."""
    return json.dumps(ours) == json.dumps(theirs)


@pytest.mark.recording
@pytest.mark.parametrize(
    ("symbol", "name"),
    [
        ("AAPL", "AAPL-2025-02-01-to-2025-02-02-includePrePost-false-interval-1m"),
        ("EUR_USD", "EURUSD_X-2020-01-01-to-2020-01-03"),
        ("BTC_USD", "BTC-USD-2020-01-01-to-2020-01-03"),
    ],
)
def test_yahoo_speaks_as_recorded(recording, symbol, name):
    theirs = json.loads(recording(f"yahoo/chart-{name}.json").read_text())["response"]["bodyJson"]["chart"]
    chart = json.loads(answer(world(), "yahoo", symbol).body)["chart"]

    assert [*chart] == [*theirs]
    ours, (recorded,) = chart["result"][0], theirs["result"]
    meta = {
        key: value
        for key, value in ours["meta"].items()
        if key in recorded["meta"] or key not in INTRADAY_KEYS
    }
    assert same(shape(meta), shape(recorded["meta"]))
    constant = (
        "exchangeName",
        "fullExchangeName",
        "instrumentType",
        "exchangeTimezoneName",
        "validRanges",
        "symbol",
    )
    assert [meta[key] for key in constant] == [recorded["meta"][key] for key in constant]
    if "timestamp" in recorded:
        recorded["indicators"].pop("adjclose")
        assert [*ours] == [*recorded]
        quote, theirs_quote = ours["indicators"]["quote"][0], recorded["indicators"]["quote"][0]
        assert {key: shape(column) for key, column in quote.items()} == {
            key: shape(column) for key, column in theirs_quote.items()
        }
        for column in (quote["close"], theirs_quote["close"]):
            prices = [price for price in column if price is not None]
            assert [struct.unpack("f", struct.pack("f", price))[0] for price in prices] == prices
    else:  # recorded of a weekend: no timestamps, and a quote without columns
        empty = world().answer("yahoo", *call("yahoo", "AAPL", 30, NOW_S - 5 * 86_400), HEADERS, NOW_NS)
        (nothing,) = json.loads(empty.body)["chart"]["result"]
        assert same({**nothing, "meta": 0}, {**recorded, "meta": 0})


@pytest.mark.recording
@pytest.mark.parametrize(
    ("symbol", "name"),
    [("EUR_USD", "fx_intraday_EURUSD_5min_2020"), ("AAPL", "time_series_intraday_MSFT_1min")],
)
def test_alpha_vantage_speaks_as_recorded(recording, symbol, name):
    theirs = json.loads(recording(f"alphavantage/{name}.json").read_text())
    ours = json.loads(answer(world(), "alphavantage", symbol).body)
    (meta, series), (their_meta, their_series) = ours.items(), theirs.items()

    assert same(shape(meta), shape(their_meta))
    assert series[0] == their_series[0].replace("5min", "1min")
    ours_row, their_row = (next(iter(part[1].values())) for part in (series, their_series))
    assert same(shape(ours_row), shape(their_row))
    if symbol == "AAPL":
        assert {len(text.partition(".")[2]) for text in ours_row.values()} == {4, 0}
        same_meta = ("1. Information", "4. Interval", "5. Output Size", "6. Time Zone")
        assert [meta[1][key] for key in same_meta] == [their_meta[1][key] for key in same_meta]
        raw = answer(world(), "alphavantage", symbol).body.decode().splitlines()
        indents = [len(line) - len(line.lstrip()) for line in raw[:20]]
        their_lines = recording(f"alphavantage/{name}.json").read_text().splitlines()
        assert indents == [len(line) - len(line.lstrip()) for line in their_lines[:20]]
    assert [*series[1]] == sorted(series[1], reverse=True)
    assert len(series[1]) == 100


@pytest.mark.recording
@pytest.mark.parametrize(
    ("symbol", "name"), [("AAPL", "time_series_AAPL_1min"), ("EUR_USD", "time_series_EURUSD_1day")]
)
def test_twelve_data_speaks_as_recorded(recording, symbol, name):
    theirs = json.loads(recording(f"twelvedata/{name}.json").read_text())
    ours = json.loads(answer(world(), "twelvedata", symbol).body)

    assert same(shape(ours), shape(theirs))
    assert {**ours["meta"], "interval": ""} == {**theirs["meta"], "interval": ""}
    if symbol == "AAPL":
        texts = [
            row[key]
            for row in (*ours["values"], *theirs["values"])
            for key in ("open", "high", "low", "close")
        ]
        assert {len(text.partition(".")[2]) for text in texts} == {5}


@pytest.mark.recording
def test_twelve_data_refuses_as_recorded(recording):
    theirs = [json.loads(line) for line in recording("twelvedata/errors.jsonl").read_text().splitlines()]
    one, voice = world(), world().voices["twelvedata"]
    unknown = one.answer("twelvedata", *call("twelvedata", "NO/SUCH"), {}, NOW_NS)
    ours = [voice.bad_key(), voice.over_limit(9, 8, 60.0), unknown, voice.no_plan()]

    for reply, recorded in zip(ours, theirs, strict=True):
        told = json.loads(reply.body)
        assert same(shape(told), shape(recorded))
        assert told["code"] == recorded["code"]
        assert told["message"].startswith(recorded["message"])
        assert reply.status == 200


@pytest.mark.recording
@pytest.mark.parametrize(
    ("symbol", "name"), [("AAPL", "aggs_AAPL_1minute"), ("EUR_USD", "aggs_C_EURUSD_1day")]
)
def test_polygon_speaks_as_recorded(recording, symbol, name):
    text = recording(f"polygon/{name}.json").read_text()
    theirs, body = json.loads(text), answer(world(), "polygon", symbol).body
    ours = json.loads(body)

    assert same(shape(ours), shape(theirs))
    assert len(ours["request_id"]) == len(theirs["request_id"])
    assert b" " not in body
    assert b".0," not in body, "whole numbers have no point, as in the recording"
    if symbol == "EUR_USD":
        assert all(row["v"] == row["n"] for row in (*ours["results"], *theirs["results"]))
