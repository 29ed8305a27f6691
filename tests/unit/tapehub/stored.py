"""The same market in both stores of a run directory: what `query` and `export` are asked about."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from actors.persistence.opening import open_store
from actors.persistence.parquet_sink import ParquetSink
from protocol.record import Frame
from tapehub.stores import Stores
from tests.unit.actors.persistence.parquet_rig import (
    HOUR_NS,
    OTHER,
    Hands,
    QuickDisk,
    bar,
    batch_of,
    behind,
    frames_of,
    gap,
    quote,
    trade,
)

TRADES = 25


def market() -> list[Frame]:
    """Trades and quotes of two symbols, a gap that is filled, candles of which one has a second revision."""
    first = frames_of([
        [trade(n, "ETH_USDT" if n % 5 == 0 else "BTC_USDT") for n in range(1, TRADES + 1)],
        quote(1), quote(2, "ETH_USDT"), gap(1), gap(1, "filled"), gap(2),
    ])  # fmt: skip
    second = frames_of([bar(0), bar(1), bar(0, 2, 11.75), bar(0, timeframe="5m"), bar(2)], OTHER, 7)
    return [*first, *second]


def fill_database(run_dir: Path, frames: Sequence[Frame] = ()) -> Stores:
    (run_dir / "db").mkdir(exist_ok=True)
    store = open_store("", str(run_dir))
    since = store.positions()
    batch = batch_of(behind(frames or market(), since), since, store.catalogue)
    store.save(batch, 1)
    store.close()
    return Stores(run_dir)


def fill_files(run_dir: Path, frames: Sequence[Frame] = (), hands: Hands | None = None) -> Stores:
    """In two parts and two hours."""
    hands = hands or Hands()
    sink = ParquetSink(run_dir / "parquet", hands, disk=QuickDisk())
    frames = frames or market()
    for part in (frames[:4], frames[4:]):
        sink.add(batch_of(behind(part, sink.positions()), sink.positions()))
        sink.flush()
        hands.ns += HOUR_NS
    sink.close()
    return Stores(run_dir)
