"""Recordings are read completely and in order; the market is told from the frames."""

import gzip
import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from actors.simulator.played_book import PlayedBook
from actors.simulator.recording import Answered, Played, Recording, market_of
from tests.support.data import truth

RECORDINGS = [
    ("binance/hft_usdm_btcusdt_20240808.gz", "usdm"),
    ("binance/hft_spot_ethusdt_20240808.gz", "spot"),
    ("binance/hft_spot_ethusdt_20240809.gz", "spot"),
    ("binance/hft_cm_btcusd_perp_20240808_first8000.gz", "coinm"),
    ("binance/cryptofeed_BINANCE_spot_2021.jsonl.zst", "spot"),
    ("binance/cryptofeed_BINANCE_FUTURES_2021_SUSHIUSDT_KEEPUSDT.jsonl.zst", "usdm"),
]


@pytest.mark.recording
@pytest.mark.parametrize(("name", "market"), RECORDINGS)
def test_counts_and_books_equal_the_truth(recording: Callable[[str], Path], name: str, market: str) -> None:
    if name.endswith(".zst"):
        pytest.importorskip("zstandard", reason="a .zst recording needs the package zstandard")
    known = truth(name)
    found = Recording(recording(name))
    assert found.head().market == market
    assert set(found.head().symbols) == set(known["symbols"])
    counts: Counter[str] = Counter()
    books: dict[str, PlayedBook] = {}
    for item in found.items():
        if isinstance(item, Answered):
            if item.endpoint == "depth":
                counts["depth snapshot (REST)"] += 1
                books.setdefault(item.symbol or found.head().symbols[0], PlayedBook()).load(item.body)
            continue
        symbol, _, stream = item.stream.partition("@")
        counts[f"{stream} -> {json.loads(item.body).get('e')}"] += 1
        if stream.startswith("depth"):
            books.setdefault(symbol.upper(), PlayedBook()).apply(item.body)
    assert dict(counts) == known["by_kind"]
    assert not found.skipped
    for symbol, expected in known["symbols"].items():
        if "final_book" in expected:
            body = json.loads(books[symbol].body())
            assert body["lastUpdateId"] == expected["last_u"]
            assert body["bids"][:5] == expected["final_book"]["bids"]
            assert body["asks"][:5] == expected["final_book"]["asks"]
            assert [len(body["bids"]), len(body["asks"])] == expected["final_book"]["levels"]


@pytest.mark.parametrize(
    ("body", "market"),
    [
        ({"u": 1, "s": "BTCUSDT", "b": "1", "B": "1", "a": "2", "A": "1"}, "spot"),
        ({"e": "bookTicker", "s": "BTCUSDT"}, "usdm"),
        ({"e": "bookTicker", "s": "BTCUSD_PERP"}, "coinm"),
        ({"e": "bookTicker", "s": "BTCUSD_250926"}, "coinm"),
        ({"e": "bookTicker", "s": "BTCUSDT_250926"}, "usdm"),
        ({"e": "depthUpdate", "s": "BTCUSDT", "pu": 1}, "usdm"),
        ({"e": "depthUpdate", "s": "BTCUSDT"}, "spot"),
        ({"e": "trade", "s": "BTCUSDT", "M": True}, "spot"),
        ({"e": "aggTrade", "s": "BTCUSDT", "st": 1}, "usdm"),
        ({"e": "aggTrade", "s": "ETHUSD", "st": 2}, "coinm"),
        ({"e": "kline", "s": "BTCUSDT"}, ""),
        ({"e": "markPriceUpdate", "s": "BTCUSDT", "st": 1}, "usdm"),
        ({}, ""),
    ],
)
def test_market_of_a_message(body: dict, market: str) -> None:
    assert market_of(json.dumps(body).encode()) == market


def test_rubbish_is_skipped_and_counted_and_the_next_line_is_read(tmp_path: Path) -> None:
    path = tmp_path / "some.gz"
    good = b'{"stream":"btcusdt@trade","data":{"e":"trade","s":"BTCUSDT","M":true}}'
    turned = b'{"data":{"e":"trade","s":"BTCUSDT","M":true},"stream":"btcusdt@trade"}'
    lines = [b"1 " + good, b"no line at all", b"2 {broken", b'3 {"result":null,"id":1}', b"4 " + turned, b""]
    with gzip.open(path, "wb") as file:
        file.write(b"\n".join(lines))
    found = Recording(path)
    items = list(found.items())
    body = b'{"e":"trade","s":"BTCUSDT","M":true}'
    assert items == [Played(1, "btcusdt@trade", body), Played(4, "btcusdt@trade", body)]
    assert found.skipped == {"no time": 1, "no stream message": 2}


def test_recording_whose_end_is_torn_off_is_read_up_to_there(tmp_path: Path) -> None:
    path = tmp_path / "torn.gz"
    line = b'%d {"stream":"btcusdt@trade","data":{"e":"trade","s":"BTCUSDT","M":true,"t":%d}}\n'
    whole = gzip.compress(b"".join(line % (number, number * 7919 % 1000) for number in range(5_000)))
    path.write_bytes(whole[: len(whole) // 2])
    found = Recording(path)
    assert 1_000 < sum(1 for _ in found.items()) < 4_000
    assert found.skipped["damaged end"] == 1


def test_recording_of_nothing_known_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "empty.gz"
    path.write_bytes(gzip.compress(b'1 {"stream":"a@b","data":{}}\n'))
    with pytest.raises(ValueError, match="which market"):
        Recording(path).head()


def test_cryptofeed_answers_come_at_their_time(tmp_path: Path) -> None:
    def line(kind: str, ts: float, **more: str) -> str:
        return json.dumps({"t": kind, "conn": "x", "ts": ts, **more})

    trade = '{"stream":"btcusdt@trade","data":{"e":"trade","s":"BTCUSDT","M":true}}'
    path = tmp_path / "plain.jsonl"
    rows = [
        json.dumps({"t": "header", "format": 2}),
        line("http", 2.0, url="https://x/api/v3/depth?symbol=ETHUSDT&limit=5", data='{"lastUpdateId":2}'),
        line("http", 1.0, url="https://x/api/v3/exchangeInfo", data="{}"),
        line("http", 9.0, url="https://x/api/v3/depth?symbol=BTCUSDT", data='{"lastUpdateId":9}'),
        line("send", 1.1, data="{}"),
        line("recv", 1.5, data=trade),
        line("recv", 2.5, data=trade),
    ]
    path.write_text("\n".join(rows))
    kinds = [
        f"{item.endpoint} {item.symbol}" if isinstance(item, Answered) else "trade"
        for item in Recording(path).items()
    ]
    assert kinds == ["exchangeInfo ", "trade", "depth ETHUSDT", "trade", "depth BTCUSDT"]
