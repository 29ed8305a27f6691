import csv
import io
import json

import msgpack
import pytest

from protocol.messages import Alert, Bar, Book, Gap, Liquidation, Quote
from tapehub.columns import number_text
from tapehub.rowformats import fields_of, missing_fields, row_format
from tapehub.rows import Row, rows_of
from tests.unit.actors.hub.samples import feature, flow, footprint, signal, sweep, verdict
from tests.unit.tapehub.frames import T0_NS, frame_of, trade, unknown_frame

HERE_NS = T0_NS + 5_000_000


def trade_row(price: float = 100.0) -> Row:
    return rows_of(frame_of("trade.binance.BTC_USDT", [trade(price)]), HERE_NS)[0]


def test_table_of_trades_lines_up_under_its_titles() -> None:
    table = row_format("table", "trade")
    header, line = table.header.decode(), table.line(trade_row()).decode()

    assert header.split() == ["TIME", "SYMBOL", "VENUE", "SIDE", "PRICE", "SIZE", "ID", "LAG"]
    assert line.split() == ["23:54:15.000000", "BTC_USDT", "binance", "buy", "100", "0.5", "1", "3.00ms"]
    assert line.index("100") + 3 == header.index("PRICE") + 5
    assert len(line) == len(header)


def test_a_long_value_is_never_cut() -> None:
    row = trade_row() | {"symbol": "A" * 60}

    assert "A" * 60 in row_format("table", "trade").line(row).decode()


@pytest.mark.parametrize(
    ("topic", "event", "shows"),
    [
        ("quote", Quote("BTC_USDT", "binance", T0_NS, T0_NS, 1.5, 2.5, 3, 4), ["1.5", "2.5"]),
        (
            "book",
            Book("BTC_USDT", "binance", T0_NS, T0_NS, True, 1, 9, [(1.5, 2.0)], []),
            ["snapshot", "1.5 x1", "9"],
        ),
        (
            "book",
            Book("BTC_USDT", "binance", T0_NS, T0_NS, False, 1, 9, [(1.5, 2.0)], []),
            ["delta", "1 changed"],
        ),
        (
            "feature",
            feature(1, 70.0),
            ["1m", "00:01:00", "yes", "rsi_14=70"],
        ),
        ("flow", flow(0.0, T0_NS, delta=-1.5, vwap=100.25), ["session", "-1.5", "100.25", "-"]),
        ("flow", flow(60.0, T0_NS, cvd=2.0), ["60s", "2"]),
        ("footprint", footprint(1), ["1m", "3.75", "-1.5", "100.5", "101", "2", "closed"]),
        ("sweep", sweep(T0_NS), ["sell", "4", "100", "99.5", "199.5"]),
        (
            "verdict",
            verdict(T0_NS),
            ["1m", "2024-08-08T23:54:00Z", "yahoo", "quarantine", "9.5", "before; polygon says 1.16"],
        ),
        (
            "alert",
            Alert("BTC_USDT", "binance", "big_trade", "warning", T0_NS, "two words", {}),
            ["big_trade", "warning", "two words"],
        ),
        ("liquidation", Liquidation("BTC_USDT", "binance", T0_NS, T0_NS, 1.5, 2.0, -1), ["sell", "1.5"]),
        (
            "bar",
            Bar(
                "BTC_USDT",
                "binance",
                "1m",
                T0_NS,
                T0_NS,
                1,
                4,
                0.5,
                2,
                7,
                3,
                4,
                1.7,
                9,
                "closed",
                1.0,
                1,
                "trade",
            ),
            ["1m", "23:54:15", "0.5", "closed", "trade"],
        ),
        (
            "gap",
            Gap(
                "g",
                "binance",
                "BTC_USDT",
                "trade",
                5,
                8,
                1,
                2,
                "venue_jump",
                "unfillable",
                reason="no ledger",
            ),
            ["venue_jump", "unfillable", "5", "8", "no ledger"],
        ),
    ],
)
def test_each_kind_has_its_columns(topic: str, event: object, shows: list[str]) -> None:
    (row,) = rows_of(frame_of(f"{topic}.binance.BTC_USDT", [event]), HERE_NS)  # type: ignore[list-item]

    line = row_format("table", topic).line(row).decode()

    for text in shows:
        assert text in line


def test_a_signal_has_its_state_prices_and_score_under_their_titles() -> None:
    table = row_format("table", "signal")
    (row,) = rows_of(frame_of("signal.binance.BTC_USDT", [signal(1, "target")]), HERE_NS)

    assert table.header.decode().split()[1:-1] == [
        "SYMBOL", "VENUE", "STATE", "STRATEGY", "SIDE", "ENTRY", "STOP", "TARGET", "CONFIDENCE", "SCORE",
    ]  # fmt: skip
    assert table.line(row).decode().split()[1:-1] == [
        "BTC_USDT", "binance", "target", "cross", "buy", "100", "99", "102", "0.75", "0.5",
    ]  # fmt: skip


def test_mixed_and_unknown_kinds_name_their_fields() -> None:
    table = row_format("table", "")
    (unknown,) = rows_of(unknown_frame([["BTC", 2]]), HERE_NS)

    assert "price=100 size=0.5 side=buy" in table.line(trade_row()).decode()
    assert "depth9.binance.BTC_USDT" in table.line(unknown).decode()
    assert "values=['BTC', 2]" in table.line(unknown).decode()


def test_fields_select_and_order_columns() -> None:
    assert row_format("table", "trade", ["price", "symbol"]).line(trade_row()).split() == [
        b"100",
        b"BTC_USDT",
    ]
    assert json.loads(row_format("ndjson", "", ["price", "nope"]).line(trade_row())) == {
        "price": 100.0,
        "nope": None,
    }


def test_ndjson_is_the_whole_row() -> None:
    assert json.loads(row_format("ndjson", "trade").line(trade_row())) == trade_row()


def test_msgpack_rows_read_back_from_a_stream() -> None:
    form = row_format("msgpack", "trade")

    assert list(msgpack.Unpacker(io.BytesIO(form.line(trade_row()) * 2))) == [trade_row()] * 2


def test_csv_quotes_and_keeps_the_columns_of_its_first_row() -> None:
    form = row_format("csv", "gap")
    first = {"a": 'say "x", y', "levels": [[1.5, 2.0]], "n": 1}
    content = form.header + form.line(first) + form.line({"a": "b", "extra": 1})

    assert list(csv.reader(io.StringIO(content.decode()))) == [
        ["a", "levels", "n"],
        ['say "x", y', "[[1.5,2.0]]", "1"],
        ["b", "", ""],
    ]


def test_csv_of_several_kinds_needs_fields() -> None:
    with pytest.raises(ValueError, match="--fields"):
        row_format("csv", "")
    assert row_format("csv", "", ["a", "b"]).header == b"a,b\n"


@pytest.mark.parametrize(
    ("template", "line"),
    [
        ("{symbol} {price:.2f}", b"BTC_USDT 100.00\n"),
        (r"{symbol}\t{nothing}", b"BTC_USDT\t-\n"),
        ("{symbol:.2f}", b"BTC_USDT\n"),
        ("{{}}", b"{}\n"),
    ],
)
def test_template_fills_in_fields(template: str, line: bytes) -> None:
    assert row_format("table", "", template=template).line(trade_row()) == line


@pytest.mark.parametrize("template", ["{", "{}", "{price.__class__}", "{price!r}", "{price[0]}", "}"])
def test_a_template_reaches_for_fields_only(template: str) -> None:
    with pytest.raises(ValueError, match="template"):
        row_format("table", "", template=template)


def test_an_unknown_format_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match="xml"):
        row_format("xml", "trade")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "-"),
        (91234.0, "91234"),
        (0.34783000000000003, "0.34783"),
        (1e-9, "0.000000001"),
        (float("nan"), "nan"),
        (0.00000012, "0.00000012"),
        (1e22, "10000000000000000000000"),
        ("x", "x"),
        (3, "3"),
    ],
)
def test_numbers_have_no_exponent(value: object, text: str) -> None:
    assert number_text(value) == text


def test_field_lists_ignore_space_and_repeats() -> None:
    assert fields_of(" a, b,,a ") == ["a", "b"]
    assert missing_fields({"a": None, "b": {"c": 1}}, ["a", "b.c", "b.d", "e"]) == ["e"]
