"""Frames of a market, a clock that moves when told, and a look at what a Parquet folder holds."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from actors.persistence.batch import Batch
from actors.persistence.catalogue import Catalogue
from actors.persistence.parquet_folder import live_files
from actors.persistence.parquet_read import StoredFiles
from actors.persistence.parquet_schema import KIND_OF
from actors.persistence.parquet_sink import ParquetSink
from protocol.codec import encode_events
from protocol.journal.disk import Disk
from protocol.messages import Bar, Gap, Message, Quote, Trade
from protocol.record import Frame, FrameWriter, parse_frame
from protocol.replay import Position

HOUR_NS = 3_600_000_000_000
START_NS = 1_763_715_600_000_000_000
"""2025-11-21T09:00:00Z."""
PUBLISHER = "collector.binance.1"
OTHER = "aggregator.1"
MINUTE_NS = 60_000_000_000


class Hands:
    """Both clocks; they move together, and only when told."""

    def __init__(self, ns: int = START_NS) -> None:
        self.ns = ns

    def now_ns(self) -> int:
        return self.ns

    def mono_ns(self) -> int:
        return self.ns


class QuickDisk(Disk):
    """A disk that is never waited for."""

    def sync(self, fd):
        pass

    def sync_folder(self, path):
        pass


def trade(number: int, symbol: str = "BTC_USDT", ts_ns: int = 0) -> Trade:
    ts_ns = ts_ns or START_NS + number
    return Trade(symbol, "binance", ts_ns, ts_ns + 5, 100.0 + number, 0.5, 1 if number % 2 else -1, number)


def quote(number: int, symbol: str = "BTC_USDT") -> Quote:
    ts_ns = START_NS + number
    return Quote(symbol, "binance", ts_ns, ts_ns, 99.0, 101.0, 1.0, 2.0, number)


def bar(number: int, revision: int = 1, close: float = 11.0, timeframe: str = "1m") -> Bar:
    ts_ns = START_NS + number * MINUTE_NS
    return Bar(
        "BTC_USDT", "binance", timeframe, ts_ns, ts_ns + 7, 10.0, 12.0, 9.0, close, 3.0, 2.0, 1.0, 10.5, 4, "closed",
        1.0, revision, "trade",
    )  # fmt: skip


def gap(number: int, state: str = "open") -> Gap:
    return Gap(
        f"{PUBLISHER}-1-{number}",
        "binance",
        "BTC_USDT",
        "trade",
        5,
        9,
        START_NS,
        START_NS + 9,
        "venue_jump",
        state,
    )


def frames_of(
    messages: Sequence[Message | Sequence[Message]], publisher: str = PUBLISHER, epoch: int = 1
) -> list[Frame]:
    """One frame a message, or a list of messages of one kind; numbered from 1."""
    writer = FrameWriter(publisher, epoch)
    found = []
    for one in messages:
        events = [one] if isinstance(one, Message) else list(one)
        data = writer.build(f"{events[0].KIND}.binance.X", events[0].SCHEMA, encode_events(events), START_NS)
        found.append(parse_frame(data))
    return found


def market(count: int) -> list[Frame]:
    """Frames of two publishers and four kinds, mixed; every third has several events."""
    first = frames_of([
        [trade(10 * n + k) for k in range(1 + n % 3)] if n % 4 else ([quote(n)] if n % 8 else [gap(n)])
        for n in range(1, count + 1)
    ])  # fmt: skip
    second = frames_of([bar(n) for n in range(count // 3)], OTHER, 7)
    return [
        frame for n, frame in enumerate(first) for frame in [frame, *second[n // 3 : n // 3 + (n % 3 == 2)]]
    ]


def batch_of(
    frames: Sequence[Frame], since: Mapping[str, Position], catalogue: Catalogue | None = None
) -> Batch:
    batch = Batch(catalogue or Catalogue(), since)
    for frame in frames:
        batch.add(frame)
    return batch


def behind(frames: Sequence[Frame], positions: Mapping[str, Position]) -> list[Frame]:
    """What a journal gives to somebody who has these positions."""
    return [
        frame for frame in frames if (frame.epoch, frame.seq) > positions.get(frame.publisher, Position(0, 0))
    ]


def store(sink: ParquetSink, frames: Sequence[Frame]) -> dict[str, Position]:
    """Add and flush, as one batch."""
    sink.add(batch_of(frames, sink.positions()))
    return sink.flush()


class Lives:
    """One sink after another in the same folder; each can end as kill -9 ends it."""

    def __init__(self, folder: Path, hands: Hands) -> None:
        self.folder = folder
        self.hands = hands
        self._open: list[ParquetSink] = []

    def start(self, **settings) -> ParquetSink:
        settings.setdefault("disk", QuickDisk())
        sink = ParquetSink(self.folder, self.hands, **settings)
        self._open.append(sink)
        return sink

    def kill(self) -> None:
        """What the system does for a process that is gone: its lock falls."""
        for sink in self._open:
            os.close(sink._lock_fd)
        self._open.clear()

    def restart(self, **settings) -> ParquetSink:
        self.kill()
        return self.start(**settings)


Key = tuple[str, str, int, int, int]


def keys_of(frames: Sequence[Frame]) -> Counter[Key]:
    """(table, publisher, epoch, seq, k) of every row that these frames make."""
    from actors.persistence.rows import rows_of

    found: Counter[Key] = Counter()
    tables = {kind: table for table, kind in KIND_OF.items()}
    for frame in frames:
        made = rows_of(frame, 1, Catalogue())
        for k in range(len(made.rows)):
            found[tables[made.kind], frame.publisher, frame.epoch, frame.seq, k] += 1
    return found


def stored_keys(folder: Path) -> Counter[Key]:
    """The same of what a reader finds now; every file that counts must be readable."""
    found: Counter[Key] = Counter()
    for table in KIND_OF:
        rows = StoredFiles(folder, table).dataset.to_table(["publisher", "epoch", "seq", "k"])
        found.update((table, *values) for values in zip(*rows.to_pydict().values(), strict=True))
    return found


def read(folder: Path, table: str) -> pa.Table:
    """All rows of a table that count, in order."""
    return pa.concat_tables(pq.ParquetFile(path).read() for path in live_files(folder, table))


def names_in(folder: Path) -> list[str]:
    """Every Parquet file and draft, relative to the folder."""
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*.parquet*"))
