"""`tapehub gaps` after an outage of the venue: one gap, filled, and the candles that it changed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.paths import short_folder
from tests.support.system import System
from tests.support.tapehub_command import Result, run
from tests.support.wait import until


class Outage:
    """A system whose venue was away for two seconds."""

    def __init__(self, system: System) -> None:
        self.system = system

    def tapehub(self, *words: str) -> Result:
        return run("--config", str(self.system.config), *words, cwd=self.system.run_dir)

    def gaps(self, *words: str) -> list[dict[str, Any]]:
        return self.tapehub("gaps", "list", "--json", *words).document["data"]


@pytest.fixture(scope="module")
def outage() -> Iterator[Outage]:
    with short_folder() as folder, System(Path(folder), simulator={"rate_per_s": 400}) as system:
        system.wait_for_data()
        system.ask("simulator.1", "outage", seconds=2.0)

        def is_over() -> bool:
            gaps = system.hub.gaps(0)
            trades = [gap for gap in gaps if (gap.symbol, gap.kind) == ("BTC_USDT", "trade")]
            return bool(trades) and not any(gap.state in ("open", "filling") for gap in gaps)

        until(is_over, 30.0, "the gaps to be closed")
        yield Outage(system)


def test_list_shows_one_gap_of_trades_and_how_it_was_filled(outage: Outage) -> None:
    (row,) = outage.gaps("--symbol", "BTC_USDT", "--kind", "trade")
    assert (row["symbol"], row["state"], row["cause"], row["filled_by"]) == (
        "BTC_USDT",
        "filled",
        "disconnect",
        "rest",
    )
    assert row["missing"] == row["count"] > 0
    assert row["length_s"] > 1.5
    assert isinstance(row["revised"], int)
    table = outage.tapehub("gaps", "list", "--symbol", "BTC_USDT")
    assert table.code == 0
    head, *lines = table.out.splitlines()
    assert head.split()[:4] == ["ID", "SYMBOL", "KIND", "STATE"]
    assert {line.split()[2] for line in lines} >= {"trade", "quote"}


def test_filters_and_check(outage: Outage) -> None:
    assert {row["kind"] for row in outage.gaps("--kind", "quote")} == {"quote"}
    assert outage.gaps("--to", "1h") == []
    assert outage.gaps("--from", "1h", "-n", "1") == outage.gaps()[-1:]
    assert outage.tapehub("gaps", "list", "--kind", "trade", "--check").code == 0
    assert outage.tapehub("gaps", "list", "--state", "unfillable", "--check").code == 7
    nothing = outage.tapehub("gaps", "list", "--to", "2020-01-01T00:00:00Z")
    assert (nothing.code, nothing.out) == (0, "")


def test_show_names_the_candles_that_were_published_again(outage: Outage) -> None:
    (row,) = outage.gaps("--symbol", "BTC_USDT", "--kind", "trade")

    def revised() -> list[dict[str, Any]]:
        document = outage.tapehub("gaps", "show", row["gap_id"], "--json").document
        assert document["gap_id"] == row["gap_id"]
        return [bar for bar in document["revised"] if bar["timeframe"] == "1s"]

    bars = until(revised, 40.0, "a revision of a second")
    assert bars is not None
    assert all(bar["revision"] >= 2 for bar in bars)
    text = outage.tapehub("gaps", "show", row["gap_id"])
    assert row["gap_id"] in text.out
    assert "REVISION" in text.out


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (["list", "--state", "lost"], 2, "unfillable"),
        (["list", "--kind", "candle"], 2, "quote"),
        (["list", "--from", "yesterday"], 2, "yesterday"),
        (["list", "--symbol", "BTC_USTD"], 5, "BTC_USDT"),
        (["show", "collector.binance.1-1-1"], 5, "no gap"),
        (["show", "nonsense"], 2, "not the id"),
        (["repair", "collector.kraken.1-1-1"], 5, "kraken"),
        (["repair", "collector.binance.1-1-1"], 1, "no gap"),
    ],
)
def test_what_cannot_be_done_is_said(outage: Outage, words: list[str], code: int, says: str) -> None:
    result = outage.tapehub("gaps", *words)
    assert result.code == code, result.err
    assert says in result.err
