"""Every Binance recording, decoded by the live path, equals what was computed of it independently.

The comparisons are here; `test_data_folder.py` makes them with each recording.
"""

import json
from pathlib import Path
from typing import Any

import pytest

from actors.collector.recorded.decode import Decoder, UnknownVenue
from actors.collector.recorded.recordings import UnreadableRecording
from protocol.messages import Book, Quote, Trade
from tests.support import data
from tests.unit.actors.collector.decoded import summary_of

pytestmark = pytest.mark.recording

WITHOUT_TRUTH = {"binance/tardis_frames.jsonl"}
"""Single frames of many years and markets: no series to sum up; see test_single_frames below."""


def recordings() -> list[str]:
    folder = data.data_dir()
    return sorted(f"binance/{path.name}" for path in (folder / "binance").iterdir()) if folder else ["none"]


def test_no_recording_is_left_out():
    left_out = {name for name in recordings() if not data.truth(name)}
    assert left_out <= WITHOUT_TRUTH, "add it to the list with a reason"


def close(value: float, truth: str | float) -> bool:
    return value == pytest.approx(float(truth), rel=1e-11)


def pairs(levels: list[list[Any]]) -> list[list[float]]:
    return [[float(price), float(size)] for price, size in levels]


def check_trades(found: dict[str, Any], truth: dict[str, Any], is_coinm: bool) -> None:
    for key in ("n", "first_ts_ms", "last_ts_ms", "timestamps_going_back", "ids"):
        assert found[key] == truth[key], key
    for key in ("first_price", "last_price", "low", "high"):
        assert found[key] == float(truth[key]), key
    bars = truth["bars_1m"]
    assert len(found["bars_1m"]) == len(bars)
    for bar, expected in zip(found["bars_1m"], bars, strict=True):
        assert bar[0] == expected[0]
        assert bar[1:5] == [float(price) for price in expected[1:5]]
        assert bar[6] == expected[6]
        assert is_coinm or close(bar[5], expected[5])
    if is_coinm:  # the truth counts contracts; our sizes are base units
        assert found["volume_contracts"] == float(truth["volume"])
        return
    for key in ("volume", "notional", "taker_buy_volume", "taker_sell_volume"):
        assert close(found[key], truth[key]), key
    assert found["vwap"] == pytest.approx(float(truth["vwap"]), rel=1e-11)


def check_quotes(found: dict[str, Any], truth: dict[str, Any], is_coinm: bool) -> None:
    assert found["bookTicker"] == truth["bookTicker"]
    assert found["bookTicker_u_going_back"] == truth["bookTicker_u_going_back"]
    last = truth["last_bookTicker"]
    if last is None:
        assert found["last_bookTicker"] is None
        return
    quote = dict(found["last_bookTicker"])
    if is_coinm:  # base units again
        quote["B"], quote["A"] = (
            round(quote["B"] * quote["b"] / 100, 6),
            round(quote["A"] * quote["a"] / 100, 6),
        )
    for key in ("u", "b", "a", "B", "A"):
        assert quote[key] == float(last[key]), key


def check_books(found: dict[str, Any], truth: dict[str, Any], is_coinm: bool) -> None:
    for key in ("depth_events", "depth_chain_breaks", "first_U", "last_u"):
        assert found[key] == truth[key], key
    if "snapshot" in truth:
        for key in ("lastUpdateId", "levels", "depth_events_before_it_in_file", "joins_without_gap"):
            assert found["snapshot"][key] == truth["snapshot"][key], key
    if "final_book" not in truth:
        assert "final_book" not in found
        return
    book, expected = found["final_book"], truth["final_book"]
    assert book["levels"] == expected["levels"]
    assert book["crossed"] == expected["crossed"]
    for side in ("bids", "asks"):
        if is_coinm:
            contracts = [[price, round(size * price / 100, 6)] for price, size in book[side]]
            assert contracts == pairs(expected[side])
        else:
            assert book[side] == pairs(expected[side])


def test_counts_by_kind_equal_the_truth():
    name = "binance/hft_usdm_btcusdt_20240808.gz"
    summary, truth = summary_of(name), data.truth(name)

    assert summary["frames"] == sum(truth["by_kind"].values())
    assert summary["first_local_ns"] == truth["first_local_ns"]
    assert summary["last_local_ns"] == truth["last_local_ns"]
    assert summary["by_stream"] == {"bookTicker": 66089, "depth@0ms": 6551, "snapshot": 1, "trade": 21313}
    assert summary["gaps"] == []
    json.dumps(summary)


def test_messages_come_out_typed_valid_and_in_order():
    decoder = Decoder("binance")
    messages = list(decoder.messages(data.recording("binance/hft_spot_ethusdt_20240808.gz")))

    assert {type(message) for message in messages} == {Quote, Trade, Book}
    assert not any(message.validate() for message in messages)
    trades = [message.trade_id for message in messages if isinstance(message, Trade)]
    assert trades == list(range(trades[0], trades[0] + len(trades)))


def test_single_frames_of_many_years_never_raise():
    decoder = Decoder("binance")
    list(decoder.messages(data.recording("binance/tardis_frames.jsonl")))
    summary = decoder.summary.to_dict()

    assert summary["frames"] == 26
    assert summary["by_kind"]["trade"] >= 4
    assert summary["by_kind"]["liquidation"] == 2


def test_an_unknown_venue_names_the_known_ones():
    with pytest.raises(UnknownVenue, match="binance"):
        Decoder("binanse")


@pytest.mark.parametrize(
    "name", ["hft_spot_ethusdt_20240808.gz", "cryptofeed_BINANCE_spot_2021.jsonl.zst"], ids=["gz", "zst"]
)
@pytest.mark.parametrize("damage", ["cut", "changed"])
def test_a_damaged_recording_says_where(tmp_path: Path, name: str, damage: str):
    data_bytes = bytearray(data.recording(f"binance/{name}").read_bytes())
    if damage == "cut":
        del data_bytes[len(data_bytes) // 2 :]
    else:
        middle = len(data_bytes) // 2
        data_bytes[middle : middle + 64] = bytes(64)
    broken = tmp_path / name
    broken.write_bytes(data_bytes)

    with pytest.raises(UnreadableRecording, match=rf"{name}:\d+"):
        list(Decoder("binance").messages(broken))
