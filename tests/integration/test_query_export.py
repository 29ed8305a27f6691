"""`query` and `export` as processes, while the Parquet sink of another process runs and is killed."""

from __future__ import annotations

import csv
import io
import json
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from protocol.replay import Position
from tests.support.config import write_config
from tests.support.paths import ROOT
from tests.support.process import clean_environment
from tests.support.tapehub_command import run
from tests.unit.actors.persistence.parquet_rig import keys_of, market, stored_keys
from tests.unit.tapehub.stored import TRADES, fill_database, fill_files

KILLS = 2
WRITER = """
import sys
from pathlib import Path
from actors.persistence.parquet_sink import ParquetSink
from tests.unit.actors.persistence.parquet_rig import HOUR_NS, Hands, batch_of, behind, market

hands = Hands()
hands.ns += int(sys.argv[2]) * 2 * HOUR_NS
sink = ParquetSink(Path(sys.argv[1]), hands)
rest = behind(market(240), sink.positions())
while rest:
    sink.add(batch_of(rest[:8], sink.positions()))
    rest = rest[8:]
    for name, place in sink.flush().items():
        print(name, *place, flush=True)
    hands.ns += HOUR_NS // 5
    while sink.compact():
        pass
print("done", flush=True)
"""


@pytest.fixture
def home(run_dir: Path) -> Path:
    write_config(run_dir, {"persistence.1": {}})
    return run_dir


def test_a_question_and_an_export_of_both_stores(home: Path) -> None:
    fill_database(home)
    fill_files(home)
    at = ("--config", home / "tapehub.yaml")

    sql = "SELECT symbol, count(*) n FROM trades JOIN db.trades USING (publisher, epoch, seq, k, symbol) GROUP BY ALL"
    asked = run("query", sql, "--json", *at, cwd=home)
    assert asked.code == 0, asked.err
    assert sorted(row["n"] for row in asked.document["rows"]) == [5, 20]
    assert "trades from parquet" in asked.err

    made = run(
        "export", "trades", "BTC_USDT", "--source", "db", "-o", home / "t.csv", "--json", *at, cwd=home
    )
    assert made.code == 0, made.err
    assert made.document["rows"] == 20
    rows = list(csv.DictReader(io.StringIO((home / "t.csv").read_text())))
    assert [int(row["trade_id"]) for row in rows] == [n for n in range(1, TRADES + 1) if n % 5]
    assert [path.name for path in home.glob("*.part")] == []

    refused = run("query", "COPY trades TO 'x.csv'", *at, cwd=home)
    assert refused.code == 2
    assert "COPY is refused: query only reads" in refused.err
    assert not (home / "x.csv").exists()


def test_nothing_stored_has_a_code_of_its_own(home: Path) -> None:
    asked = run("query", "FROM trades", "--config", home / "tapehub.yaml", cwd=home)
    assert asked.code == 5
    assert "nothing is stored" in asked.err


def test_killed_at_any_moment_nothing_is_lost_or_doubled(run_dir: Path) -> None:
    """A real process and kill -9; this one reads all the time, and what was told as stored is always there."""
    folder = run_dir / "parquet"
    frames = market(240)
    for life in range(KILLS + 1):
        command = [sys.executable, "-c", WRITER, str(folder), str(life)]
        with subprocess.Popen(
            command, cwd=ROOT, env=clean_environment(), stdout=subprocess.PIPE, text=True
        ) as writer:
            assert writer.stdout is not None
            told: dict[str, Position] = {}
            for count, line in enumerate(writer.stdout):
                if line == "done\n":
                    break
                name, epoch, seq = line.split()
                told[name] = Position(int(epoch), int(seq))
                if count % 20 == 19:
                    check(keys_while_written(folder), frames, told)
                if life < KILLS and count == 19 + 7 * life:
                    writer.kill()  # in the middle of whatever it does next
                    break
            writer.wait(40)
        assert (writer.returncode == 0) == (life == KILLS)
        for path in folder.rglob("[!.]*.parquet"):
            pq.read_metadata(path)
        check(stored_keys(folder), frames, told)
    assert stored_keys(folder) == keys_of(frames)


def keys_while_written(folder: Path) -> Counter:
    """What a reader sees; hours of this writer's clock pass in milliseconds, so it may have to read again."""
    while True:
        try:
            return stored_keys(folder)
        except FileNotFoundError:
            continue


def check(found: Counter, frames: list, told: dict[str, Position]) -> None:
    assert max(found.values()) == 1
    known = [
        frame for frame in frames if (frame.epoch, frame.seq) <= told.get(frame.publisher, Position(0, 0))
    ]
    assert keys_of(known) <= found


def test_json_of_an_export_to_stdout_goes_to_stderr(home: Path) -> None:
    fill_files(home)
    made = run("export", "bars", "--format", "ndjson", "--json", "--config", home / "tapehub.yaml", cwd=home)
    assert made.code == 0, made.err
    assert [row["close"] for row in made.rows][:2] == [11.75, 11.0]
    assert json.loads(made.err.splitlines()[-1])["rows"] == 4
