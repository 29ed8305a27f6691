"""Windows of truth: recordings through all processes; the hub has the candles and the book of the file."""

from __future__ import annotations

import gzip
import itertools
from collections.abc import Callable
from pathlib import Path

import pytest

from scripts.recorded import Candle, FinalBook, Recorded
from scripts.replay_check import check, same_book, same_candles

LARGE = [
    "binance/hft_usdm_btcusdt_20240808.gz",
    "binance/hft_spot_ethusdt_20240808.gz",
    "binance/hft_spot_ethusdt_20240809.gz",
]
SMALL = [
    "binance/hft_cm_btcusd_perp_20240808_first8000.gz",
    "binance/cryptofeed_BINANCE_spot_2021.jsonl.zst",
]
OTHERS = [*LARGE, "binance/cryptofeed_BINANCE_FUTURES_2021_SUSHIUSDT_KEEPUSDT.jsonl.zst"]
WHOLE = [*SMALL, *(pytest.param(name, marks=pytest.mark.long) for name in OTHERS)]


def short(name: str) -> str:
    """Name of a recording without folder and endings."""
    return Path(name).name.partition(".")[0]


@pytest.mark.recording
@pytest.mark.parametrize("name", WHOLE, ids=short)
def test_hub_equals_the_whole_recording(name: str, recording: Callable[[str], Path]) -> None:
    assert check(recording(name), market="", speed=0.0)


@pytest.mark.recording
def test_hub_equals_a_part_at_its_own_pace(recording: Callable[[str], Path], tmp_path: Path) -> None:
    part = tmp_path / "part.gz"
    with gzip.open(recording(LARGE[1]), "rt") as lines, gzip.open(part, "wt") as file:
        file.writelines(itertools.islice(lines, 2000))
    assert check(part, market="", speed=50.0)


@pytest.mark.recording
@pytest.mark.parametrize("name", LARGE, ids=short)
def test_what_the_hub_is_compared_with_is_the_truth(name: str, recording: Callable[[str], Path]) -> None:
    recorded = Recorded(recording(name))
    assert recorded.symbols
    for symbol, wanted in recorded.symbols.items():
        independent = recorded.truth(symbol)
        assert independent is not None
        assert same_candles(wanted.candles, independent)


def test_truth_is_asked_only_for_its_own_recordings(tmp_path: Path) -> None:
    stranger = tmp_path / "stranger.gz"
    with gzip.open(stranger, "wt") as file:
        file.write('1 {"stream":"btcusdt@trade","data":{"e":"trade","E":1700000000000,"T":1700000000000,')
        file.write('"s":"BTCUSDT","t":7,"p":"100.5","q":"2","m":true}}\n')
    recorded = Recorded(stranger, "spot")
    assert recorded.symbols["BTC_USDT"].candles == [
        Candle(1_700_000_000_000 // 60_000 * 60_000, *[100.5] * 4, 2.0, 1)
    ]
    assert recorded.truth("BTC_USDT") is None


@pytest.mark.parametrize("column", range(7))
def test_any_other_number_is_noticed(column: int) -> None:
    candle = Candle(0, 100.0, 110.0, 90.0, 105.0, 12.5, 40)
    other = Candle(*(value + (1e-6 if at == column else 0) for at, value in enumerate(candle)))
    assert same_candles([candle], [candle])
    assert not same_candles([candle], [other])
    assert not same_candles([candle], [])


def test_any_other_level_is_noticed() -> None:
    book = FinalBook(7, [(100.0, 1.0), (99.0, 2.0)], [(101.0, 1.0)])
    assert same_book(book, FinalBook(9, [(100.0, 1.0), (99.0, 2.0)], [(101.0, 1.0)]))
    assert not same_book(book, FinalBook(7, [(100.0, 1.0)], [(101.0, 1.0)]))
    assert not same_book(book, FinalBook(7, [(100.0, 1.0), (99.0, 2.0)], [(101.0, 1.5)]))
    assert not same_book(book, None)
    assert same_book(None, None)
