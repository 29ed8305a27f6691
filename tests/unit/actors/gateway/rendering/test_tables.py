"""Rows over HTTP are the messages, whatever way they are made."""

from __future__ import annotations

import math
from typing import Any

import msgspec
import pytest

from actors.gateway.rendering.row_types import ListedQuoteRow, bbo_row, maker_of
from actors.gateway.rendering.tables import BarTable, MessageTable, chosen
from protocol.across import Consolidated, VenueQuote
from protocol.errors import PayloadError
from protocol.history import bar_data
from protocol.messages import (
    Bar,
    Book,
    Feature,
    Flow,
    Footprint,
    Gap,
    Liquidation,
    Quote,
    Sweep,
    Trade,
    Verdict,
)
from protocol.windows import BAR_BYTES, REASON_ELSEWHERE, BarData, pack_bar
from tests.unit.actors.hub.samples import (
    bar,
    book,
    feature,
    flow,
    footprint,
    gap,
    quote,
    sweep,
    trade,
    verdict,
)

LIQUIDATION = Liquidation("BTC_USDT", "binance", 1, 2, 100.0, 1.0, -1)
MESSAGES: list[Any] = [
    quote(), trade(1, side=0), book(1), bar(1), feature(1), flow(60, delta=2.0), footprint(1), gap("a"), sweep(),
    verdict(), LIQUIDATION,
]  # fmt: skip


def packed(bars: list[Bar], sources: tuple[str, ...] = ("trade", "quote")) -> BarData:
    rows = b"".join(pack_bar(one, sources.index(one.source)) for one in bars)
    return bar_data("BTC_USDT", "binance", "1m", list(sources), rows)


@pytest.mark.parametrize("message", MESSAGES, ids=lambda one: type(one).__name__)
def test_a_row_says_what_the_message_says_of_itself(message: Any) -> None:
    (row,) = maker_of(type(message))([message])
    assert msgspec.to_builtins(row) == message.to_dict()


def test_all_kinds_were_looked_at() -> None:
    kinds = {Quote, Trade, Book, Bar, Feature, Flow, Footprint, Gap, Sweep, Verdict, Liquidation}
    assert {type(message) for message in MESSAGES} == kinds


def test_candles_are_read_from_their_bytes() -> None:
    bars = [bar(1, source="quote"), bar(2, status="open", revision=0, reason="mended"), bar(3)]
    table = BarTable(packed(bars))
    expected = [one.to_dict() for one in bars]
    expected[1]["reason"] = REASON_ELSEWHERE
    assert msgspec.to_builtins(table.part(0, 9)) == expected
    assert msgspec.to_builtins(table.part(1, 2)) == expected[1:2]
    columns = table.columns()
    assert {name: values[1] for name, values in columns.items()} == {
        name: value for name, value in expected[1].items() if name not in ("symbol", "venue", "timeframe")
    }
    assert table.identity == ("BTC_USDT", "binance", "1m")
    assert msgspec.to_builtins(table.cut(2, 3).part(0, 9)) == expected[2:]
    assert (table.ts_open_ns(0), table.ts_open_ns(-1)) == (bars[0].ts_open_ns, bars[2].ts_open_ns)


def test_candles_of_a_newer_hub_have_columns_that_are_passed_over() -> None:
    data = packed([bar(1), bar(2)])
    wide = b"".join(bytes(data.rows[at : at + BAR_BYTES]) + b"newcolum" for at in (0, BAR_BYTES))
    newer = msgspec.structs.replace(
        data, row_bytes=BAR_BYTES + 8, columns=[*data.columns, ("new", "<i8")], rows=memoryview(wide)
    )
    assert BarTable(newer).part(0, 9) == BarTable(data).part(0, 9)
    assert BarTable(newer).columns() == BarTable(data).columns()


@pytest.mark.parametrize(
    "change",
    [{"columns": [("ts", "<i8")]}, {"row_bytes": 8}, {"rows": memoryview(b"abc")}],
    ids=["columns", "row_bytes", "rows"],
)
def test_candles_laid_out_otherwise_are_refused(change: dict[str, Any]) -> None:
    with pytest.raises(PayloadError):
        BarTable(msgspec.structs.replace(packed([bar(1)]), **change))


def test_no_candles_are_empty_columns() -> None:
    assert set(map(len, BarTable(packed([])).columns().values())) == {0}


def test_a_column_per_indicator_with_holes_where_it_had_not_warmed_up() -> None:
    features = [feature(1, values={"rsi_14": 1.0}), feature(2, values={"rsi_14": 2.0, "ema_20": 3.0})]
    columns = MessageTable(features, Feature, is_series=True).columns()
    assert columns["rsi_14"] == [1.0, 2.0]
    assert columns["ema_20"] == [None, 3.0]
    assert "symbol" not in columns


def test_a_value_called_like_a_field_does_not_hide_it() -> None:
    columns = MessageTable([feature(1, values={"revision": 5.0})], Feature).columns()
    assert columns["values.revision"] == [5.0]
    assert MessageTable([feature(1, values={"coverage": 0.5})], Feature).columns()["coverage"] == [1.0]


def test_indicators_are_chosen_by_name() -> None:
    features = [feature(1, values={"rsi_14": 1.0}), feature(2, values={"rsi_14": 2.0, "ema_20": 3.0})]
    assert [one.values for one in chosen(features, ["ema_20"])] == [{}, {"ema_20": 3.0}]
    assert chosen(features, []) == features
    with pytest.raises(KeyError, match="sma_9"):
        chosen(features, ["sma_9"])
    assert chosen([], ["sma_9"]) == []


def test_rows_of_all_venues_have_names_inside_too() -> None:
    inner = VenueQuote("binance", 1.0, 2.0, 3.0, 4.0, 0.5, 9, "quote")
    row = msgspec.to_builtins(
        bbo_row(Consolidated("BTC_USDT", "ok", 1, 2, "binance", 3, 4, "binance", [inner]))
    )
    assert row["venues"] == [
        {"venue": "binance", "bid": 1.0, "bid_size": 2.0, "ask": 3.0, "ask_size": 4.0, "age_s": 0.5,
         "ts_event_ns": 9, "kind": "quote", "expired": ""}
    ]  # fmt: skip


def test_a_listed_quote_has_what_a_quote_has() -> None:
    own = ("age_s", "state", "source", "epoch", "seq")
    (row,) = maker_of(Quote)([quote()])
    assert ListedQuoteRow.__struct_fields__ == (*type(row).__struct_fields__, *own)


def test_a_price_that_is_not_known_is_null() -> None:
    (row,) = BarTable(packed([bar(1, vwap=math.nan)])).part(0, 1)
    assert msgspec.json.decode(msgspec.json.encode(row))["vwap"] is None
