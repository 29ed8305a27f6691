import json

import msgpack
import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.errors import PayloadError
from protocol.messages import Beat, Gap, Quote, Trade
from protocol.record import FrameWriter, parse_frame
from tapehub.rows import json_line, plain, rows_of
from tests.unit.tapehub.frames import T0_NS, frame_of, trade, unknown_frame

HERE_NS = T0_NS + 4_500_000


def test_a_known_message_becomes_a_row_with_its_lags() -> None:
    (row,) = rows_of(frame_of("trade.binance.BTC_USDT", [trade(side=-1)]), HERE_NS)

    assert row["type"] == "trade"
    assert row["side"] == "sell"
    assert row["price"] == 100.0
    assert row["publisher"] == "collector.binance.1"
    assert (row["seq"], row["topic_seq"], row["epoch"]) == (1, 1, 1)
    assert (row["lag_venue_ms"], row["lag_pub_ms"], row["lag_here_ms"]) == (2.0, 1.0, 1.5)


def test_a_venue_clock_ahead_of_ours_gives_a_negative_lag() -> None:
    ahead = Trade("BTC_USDT", "binance", T0_NS + 1_270_000_000, T0_NS, 1.0, 1.0, 1, 1)

    (row,) = rows_of(frame_of("trade.binance.BTC_USDT", [ahead]), HERE_NS)

    assert row["lag_venue_ms"] == -1270.0


def test_a_batch_gives_a_row_per_message() -> None:
    rows = rows_of(frame_of("trade.binance.BTC_USDT", [trade(1.0), trade(2.0)]), HERE_NS)

    assert [row["price"] for row in rows] == [1.0, 2.0]


def test_a_messages_own_kind_is_not_overwritten() -> None:
    gap = Gap("id", "binance", "BTC_USDT", "trade", 1, 2, 3, 4, "disconnect", "open")

    (row,) = rows_of(frame_of("gap.binance.BTC_USDT", [gap]), HERE_NS)

    assert row["kind"] == "trade"
    assert row["type"] == "gap"


def test_a_message_without_receive_time_has_only_the_bus_lag() -> None:
    beat = Beat("hub.1", 1, 0, 0, 0, 0, 5, "RUNNING")

    (row,) = rows_of(frame_of("beat.hub.1", [beat]), HERE_NS)

    assert "lag_here_ms" in row
    assert "lag_venue_ms" not in row


def test_an_unknown_type_is_shown_without_knowing_it() -> None:
    value = ["BTC", 1.5, {"a": b"\x01\xff", 7: None}, msgpack.ExtType(5, b"x"), msgpack.Timestamp(1, 2)]

    (row,) = rows_of(unknown_frame([value]), HERE_NS)

    assert row["type"] == "schema-77"
    assert row["values"] == [
        "BTC",
        1.5,
        {"a": "01ff", "7": None},
        {"ext": 5, "hex": "78"},
        {"ts_ns": 10**9 + 2},
    ]
    assert json.loads(json_line(row))["values"] == row["values"]


@pytest.mark.parametrize("payload", [b"\xc1", b"\x91", b"", msgpack.packb({"a": 1}), b"\x91" * 5000])
def test_an_unknown_type_with_a_rotten_payload_is_a_payload_error(payload: bytes) -> None:
    with pytest.raises(PayloadError, match="depth9"):
        rows_of(unknown_frame(payload), HERE_NS)


def test_a_known_type_with_another_ones_payload_is_a_payload_error() -> None:
    writer = FrameWriter("x", 1)
    frame = parse_frame(
        writer.build("quote.binance.X", Quote.SCHEMA, msgpack.packb([["only", "text"]]), T0_NS)
    )

    with pytest.raises(PayloadError, match=r"quote\.binance\.X"):
        rows_of(frame, HERE_NS)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text() | st.integers(), inner),
    )
)
def test_plain_values_are_json(value: object) -> None:
    json.loads(json.dumps(plain(value), allow_nan=False))


def test_nesting_without_end_is_cut() -> None:
    value: list[object] = []
    for _ in range(100):
        value = [value]

    assert "..." in json.dumps(plain(value))
