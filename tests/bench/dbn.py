"""DBN replay: records into our messages, against `databento_dbn` decoding the same bytes into its objects and no more.

The largest recording is 8,725 orders, one snapshot of a whole book: out of it come a book and a quote. A second row is
the same with the best bid and ask (568 records): there each record is a message. Both sides decode the records of the
file as they lie in memory, without header, file or compression, again and again, and let go of what came out each time.
"""

from __future__ import annotations

import time
from typing import Any

import databento_dbn as vendor

from actors.collector.databento.dbn_file import read_all
from actors.collector.databento.metadata import Metadata
from actors.collector.databento.records import Records
from actors.collector.databento.sources import sources_of
from actors.collector.databento.symbols import SymbolMap, Target
from tests.bench.report import Row, interleaved, say
from tests.support.data import data_dir, recording

ORDERS = "databento/esh4-glbx-mdp3-20231224.mbo.dbn.zst"
QUOTES = "databento/esu4_mbp-1_20240701.dbn.zst"
RECORDS = 1_000_000
GOAL = 0.5


def ours(metadata: Metadata, data: bytes, times: int) -> tuple[float, int]:
    """Seconds, and messages that came out."""
    symbols = SymbolMap()
    for raw, intervals in metadata.mappings.items():
        for interval in intervals:
            symbols.targets[int(interval.symbol)] = (Target(f"{raw}.FUT", raw, 50.0),)
    records = Records(symbols, sources_of([metadata.schema or ""]))
    count, start_ns = 0, time.perf_counter_ns()
    for _ in range(times):
        count += len(records.take(data))
    return (time.perf_counter_ns() - start_ns) / 1e9, count


def theirs(data: bytes, times: int) -> tuple[float, int]:
    """Seconds, and records that came out."""
    as_is: Any = vendor.VersionUpgradePolicy.AS_IS
    decoder: Any = vendor.DBNDecoder(has_metadata=False, upgrade_policy=as_is)
    count, start_ns = 0, time.perf_counter_ns()
    for _ in range(times):
        decoder.write(data)
        count += len(decoder.decode())
    return (time.perf_counter_ns() - start_ns) / 1e9, count


def row(what: str, name: str, rounds: int, count: int, goal: float | None) -> Row:
    """One recording, as often as makes at least so many records."""
    metadata, body = read_all(recording(name))
    assert metadata is not None
    per_file = len(body) // (body[0] * 4)
    times = -(-count // per_file)
    records = per_file * times
    assert theirs(body, times)[1] == records
    messages = ours(metadata, body, times)[1]
    measured, baseline, ratio = interleaved(
        rounds, lambda: records / ours(metadata, body, times)[0], lambda: records / theirs(body, times)[0]
    )
    note = f"{per_file:,} records of {name.rpartition('/')[2]}, {times} times: {messages:,} messages"
    return Row("dbn", what, measured, baseline, "records/s", ratio, goal, at_most=False, note=note)


def run(rounds: int, *, quick: bool = False) -> list[Row]:
    """Both recordings; nothing where there are none."""
    if data_dir() is None:
        say("% dbn: no recordings, nothing measured")
        return []
    count = RECORDS // 10 if quick else RECORDS
    return [
        row("replay of orders (mbo) into books", ORDERS, rounds, count, GOAL),
        row("replay of mbp-1 into quotes and trades", QUOTES, rounds, count, None),
    ]
