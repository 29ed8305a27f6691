"""Every form of an answer holds the same rows."""

from __future__ import annotations

import csv
import io
from typing import Any

import msgspec
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.gateway.rendering.arrow import arrow_bytes
from actors.gateway.rendering.dressing import PLAIN, Dress, decimal_text, dressed, rfc3339
from actors.gateway.rendering.encoding import PART, many_pieces, one_bytes
from actors.gateway.rendering.envelopes import ManyHead, OneHead
from actors.gateway.rendering.formats import MEDIA_TYPES, Format, NotAcceptable, format_of
from actors.gateway.rendering.tables import BarTable, MessageTable, Table
from protocol.messages import Feature, Trade
from tests.unit.actors.gateway.rendering.test_tables import packed
from tests.unit.actors.hub.samples import bar, feature, trade

HEAD = ManyHead(symbol="BTC_USDT", next_cursor="abc", has_more=True, ts_ns=1_700_000_000_000_000_001)
WRITTEN = Dress(is_iso=True, is_exact=True)
COUNTS = [0, 1, PART, PART + 1]


def written(form: Format, table: Table, dress: Dress = PLAIN, **options: bool) -> bytes:
    return b"".join(many_pieces(form, table, HEAD, dress, **options))


def bars(count: int) -> BarTable:
    return BarTable(packed([bar(minute, close=1.0 + minute % 7 / 3) for minute in range(count)]))


@pytest.mark.parametrize("count", COUNTS)
@pytest.mark.parametrize("dress", [PLAIN, WRITTEN], ids=str)
def test_pieces_make_one_document(count: int, dress: Dress) -> None:
    table = bars(count)
    rows = msgspec.to_builtins(dressed(table.part(0, count), dress))
    as_json = msgspec.json.decode(written(Format.JSON, table, dress))
    assert as_json["data"] == rows
    assert msgspec.msgpack.decode(written(Format.MSGPACK, table, dress)) == as_json
    lines = written(Format.NDJSON, table, dress).splitlines()
    assert [msgspec.json.decode(line) for line in lines] == rows
    assert as_json["next_cursor"] == "abc"


@pytest.mark.parametrize("count", [0, 1, PART + 1])
def test_columns_hold_the_rows(count: int) -> None:
    table = bars(count)
    columns = msgspec.json.decode(written(Format.JSON, table, is_columns=True))["data"]
    assert msgspec.msgpack.decode(written(Format.MSGPACK, table, is_columns=True))["data"] == columns
    for place, row in enumerate(msgspec.to_builtins(table.part(0, count))):
        assert {name: values[place] for name, values in columns.items()}.items() <= row.items()


def test_csv_has_a_header_always_and_quotes_what_needs_it() -> None:
    assert written(Format.CSV, MessageTable([], Trade)).startswith(b"symbol,venue,ts_event_ns,")
    named = msgspec.structs.replace(trade(1), trade_id='a,"b"\nc', side=-1)
    text = written(Format.CSV, MessageTable([named, trade(2)], Trade)).decode()
    assert text.count("\r\n") == 3
    rows = list(csv.DictReader(io.StringIO(text, newline="")))
    assert [row["trade_id"] for row in rows] == ['a,"b"\nc', "2"]
    assert rows[0]["side"] == "sell"
    nested = written(Format.CSV, MessageTable([feature(1)], Feature)).decode()
    (row,) = csv.DictReader(io.StringIO(nested, newline=""))
    assert msgspec.json.decode(row["values"]) == {"rsi_14": 50.0}
    assert row["is_ready"] == "true"


def test_csv_leaves_empty_what_is_not_known() -> None:
    (row,) = csv.DictReader(
        io.StringIO(written(Format.CSV, BarTable(packed([bar(1, vwap=float("nan"))]))).decode())
    )
    assert row["vwap"] == ""


@pytest.mark.parametrize("count", [0, 1, PART + 1])
def test_arrow_has_the_rows_and_always_the_same_columns(count: int) -> None:
    table = bars(count)
    found = pa.ipc.open_stream(arrow_bytes(table, PLAIN)).read_all()
    assert found.to_pylist() == msgspec.to_builtins(table.part(0, count))
    assert found.schema.field("close").type == pa.float64()
    mixed = MessageTable([trade(1), msgspec.structs.replace(trade(2), trade_id="x-2")], Trade)
    assert pa.ipc.open_stream(arrow_bytes(mixed, PLAIN)).read_all()["trade_id"].to_pylist() == ["1", "x-2"]


def test_arrow_writes_times_and_numbers_as_they_are_asked_for() -> None:
    (row,) = pa.ipc.open_stream(arrow_bytes(bars(1), WRITTEN)).read_all().to_pylist()
    assert row["close"] == "1.0"
    assert row["ts_event"] == "1970-01-01T00:00:00.000000001Z"


def test_one_value_in_every_form() -> None:
    (row,) = MessageTable([trade(7)], Trade).part(0, 1)
    head = OneHead(0.5, "fresh", "collector.binance.1", 1, 2, 3, 4)
    as_json = msgspec.json.decode(one_bytes(Format.JSON, row, head))
    assert as_json == {"data": trade(7).to_dict(), **msgspec.to_builtins(head)}
    assert msgspec.msgpack.decode(one_bytes(Format.MSGPACK, row, head)) == as_json
    assert msgspec.json.decode(one_bytes(Format.NDJSON, row, head)) == as_json["data"]
    assert len(one_bytes(Format.CSV, row, head).splitlines()) == 2
    assert msgspec.json.decode(one_bytes(Format.JSON, row, head, WRITTEN))["ts"] == rfc3339(4)


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_decimal_text_is_exact(value: float) -> None:
    text = decimal_text(value)
    assert text is not None
    assert float(text) == value
    assert "e" not in text


def test_what_is_no_number_has_no_text() -> None:
    assert decimal_text(float("nan")) is None
    assert decimal_text(float("inf")) is None


def test_times_have_nine_digits() -> None:
    assert rfc3339(1_700_000_000_123_456_789) == "2023-11-14T22:13:20.123456789Z"
    assert rfc3339(0) is None


ACCEPTS: list[tuple[str, Any]] = [
    ("", Format.JSON),
    ("*/*", Format.JSON),
    ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", Format.JSON),
    ("text/csv", Format.CSV),
    ("TEXT/CSV; charset=utf-8", Format.CSV),
    ("text/*", Format.CSV),
    ("application/*;q=0.2, text/csv;q=0.5", Format.CSV),
    ("application/json;q=0, */*", Format.NDJSON),
    ("application/x-msgpack", Format.MSGPACK),
    ("application/vnd.apache.arrow.stream", Format.ARROW),
    ("text/csv;q=nonsense, application/msgpack;q=0.1", Format.MSGPACK),
]


@pytest.mark.parametrize(("accept", "form"), ACCEPTS)
def test_the_form_that_is_wanted_most(accept: str, form: Format) -> None:
    assert format_of(accept) is form


@pytest.mark.parametrize("accept", ["text/html", "application/json;q=0", "nonsense", ";;;,,,"])
def test_what_is_not_written_is_refused_and_what_there_is_named(accept: str) -> None:
    with pytest.raises(NotAcceptable) as refused:
        format_of(accept)
    assert refused.value.details["available"] == list(MEDIA_TYPES.values())


def test_format_wins_over_accept() -> None:
    assert format_of("text/html", "csv") is Format.CSV
