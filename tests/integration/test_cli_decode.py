"""`tapehub decode` of every source, as a process."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from actors.collector.recorded.decoders import NAMES
from tests.support.tapehub_command import run

FILES = {
    "binance": "binance/cryptofeed_BINANCE_spot_2021.jsonl.zst",
    "bybit": "bybit/xrpusdt_ob500_20241201.jsonl.gz",
    "coinbase": "coinbase/cryptofeed_COINBASE_exchange_2021.jsonl.zst",
    "okx": "okx/cryptofeed_OKX_2022_BTC-USDT_UNI-USD-SWAP.jsonl.zst",
    "databento": "databento/esu4_trades_20240701.dbn.zst",
    "ig": "ig/rest_historic_prices.json",
    "fx": "fx/histdata_eurusd_ticks_20200101.csv.gz",
    "news": "news/cointelegraph_20260815.xml",
    "liquidations": "liquidations/frames_2026.jsonl",
    "yahoo": "yahoo/chart-EURUSD_X-2020-01-01-to-2020-01-03.json",
    "alphavantage": "alphavantage/time_series_intraday_MSFT_1min.json",
    "twelvedata": "twelvedata/time_series_AAPL_1min.json",
    "polygon": "polygon/aggs_C_EURUSD_1day.json",
}


def test_each_source_has_its_file() -> None:
    assert set(FILES) == set(NAMES)


@pytest.mark.recording
@pytest.mark.parametrize("name", FILES)
def test_messages_are_lines_and_the_summary_counts_them(
    run_dir: Path, recording: Callable[[str], Path], name: str
) -> None:
    result = run("decode", name, recording(FILES[name]), cwd=run_dir, deadline_s=60)

    assert result.code == 0
    summary = json.loads(result.err.splitlines()[-1])
    kinds = dict.fromkeys(summary["by_kind"], 0)
    for row in result.rows:
        kinds[row["type"]] += 1
    assert kinds == summary["by_kind"]
    assert sum(kinds.values()) == len(result.rows) > 0


@pytest.mark.recording
@pytest.mark.parametrize(
    ("name", "file", "word"),
    [
        ("ig", "ig/rest_session.json", "answer"),
        ("ig", "ig/tlcp_update_vectors.jsonl", "vectors"),
        ("databento", "databento/definition-glbx-es-fut.dbn.zst", "definition"),
        ("databento", "databento/encodings/test_data.definition.dbn.frag.zst", "definition"),
        ("databento", "databento/stubs/GLBX.MDP3__test_data.mbo.dbn.zst", "records"),
    ],
)
def test_a_file_without_messages_still_says_what_it_is(
    run_dir: Path, recording: Callable[[str], Path], name: str, file: str, word: str
) -> None:
    alone = run("decode", name, recording(file), "--summary", cwd=run_dir)
    beside = run("decode", name, recording(file), cwd=run_dir)

    assert (alone.code, alone.document["by_kind"]) == (0, {})
    assert alone.document[word]
    assert (beside.code, beside.out) == (0, "")
    assert json.loads(beside.err.splitlines()[-1]) == alone.document


@pytest.mark.recording
@pytest.mark.parametrize(
    ("name", "file", "says"),
    [
        ("binance", FILES["okx"], "holds no message of binance"),
        ("coinbase", FILES["liquidations"], "holds no message of coinbase"),
        ("fx", FILES["news"], "neither a zip of Lean"),
        ("ig", FILES["liquidations"], "cannot read on"),
        ("yahoo", FILES["polygon"], "holds no message of yahoo"),
        ("nyse", FILES["binance"], ", ".join(NAMES)),
    ],
)
def test_a_file_of_something_else_is_a_failure(
    run_dir: Path, recording: Callable[[str], Path], name: str, file: str, says: str
) -> None:
    result = run("decode", name, recording(file), cwd=run_dir)

    assert result.code in (1, 2)
    assert says in result.err
    assert "Traceback" not in result.err


@pytest.mark.recording
def test_kinds_are_chosen(run_dir: Path, recording: Callable[[str], Path]) -> None:
    result = run(
        "decode",
        "liquidations",
        recording(FILES["liquidations"]),
        "--kind",
        "liquidation",
        "-n",
        "3",
        cwd=run_dir,
    )

    assert [row["type"] for row in result.rows] == ["liquidation"] * 3
