"""The journal: the bus with and without it, appending against `os.write` of the same bytes, recovery, reading it back.

Appending is what every publisher pays per frame before it sends. The raw contender writes the very same bytes with
the same calls' sizes to one file opened with O_APPEND: what no journal can be faster than. Both write to the page
cache of the disk that holds the temporary folder; syncing is a thread's work and not part of it. Only the bus,
measured as `bus` does, has its journal synced meanwhile.
"""

from __future__ import annotations

import os
import time
import zlib
from collections.abc import Callable, Sequence
from pathlib import Path

from protocol.codec import encode_events
from protocol.journal.journal import Journal
from protocol.journal.reader import JournalReader, Outcome
from protocol.journal.recovery import recover
from protocol.record import FrameWriter
from tests.bench import catchup
from tests.bench.bus import TOPICS, batch_of, one_way
from tests.bench.report import Row, interleaved
from tests.support.paths import short_folder

NAME = "bench.1"
FRAMES = 200_000
BATCHES = (1, 10, 100)
READ_BYTES = 1024 * 1024
BUS_GOAL = 0.8
"""Of the bus without a journal."""
WHY = (
    "one call of write(2) is most of it; ours also checks the number, looks at the clock for the segment's age, "
    "and keeps count"
)


def frames_of(count: int) -> list[bytes]:
    """Frames of one trade each, as a collector publishes them."""
    writer = FrameWriter(NAME, 1)
    payloads = {topic: (batch_of(topic, 1)[0].SCHEMA, encode_events(batch_of(topic, 1))) for topic in TOPICS}
    return [
        writer.build(topic, *payloads[topic], time.time_ns())
        for topic in (TOPICS[number % len(TOPICS)] for number in range(count))
    ]


def timed(write: Callable[[Sequence[bytes]], object], batches: Sequence[Sequence[bytes]]) -> float:
    """Nanoseconds per frame of writing all batches."""
    start_ns = time.perf_counter_ns()
    for batch in batches:
        write(batch)
    return (time.perf_counter_ns() - start_ns) / sum(map(len, batches))


def journal_in(folder: Path) -> Journal:
    """A fresh journal; nothing but its folder is special to the benchmark."""
    return Journal(folder, NAME, 1, time.time_ns, time.monotonic_ns, ballast_bytes=0)


def append_ours(batches: Sequence[Sequence[bytes]]) -> float:
    """Nanoseconds per frame of `Journal.write`."""
    with short_folder() as folder:
        journal = journal_in(folder)
        found = timed(journal.write, batches)
        journal.close()
        return found


def append_raw(batches: Sequence[Sequence[bytes]]) -> float:
    """Nanoseconds per frame of `os.write`; what is joined for one call is joined beforehand."""
    whole = [b"".join(batch) for batch in batches]
    with short_folder() as folder:
        fd = os.open(folder / "raw", os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            start_ns = time.perf_counter_ns()
            for data in whole:
                os.write(fd, data)
            return (time.perf_counter_ns() - start_ns) / sum(map(len, batches))
        finally:
            os.close(fd)


def scan_ours(folder: Path, count: int) -> float:
    """Records per second of recovery: every checksum of the last segment, its sync, and its index."""
    start_s = time.perf_counter()
    found = recover(folder, NAME)
    seconds = time.perf_counter() - start_s
    assert found.seq == count, found
    return count / seconds


def read_ours(folder: Path, count: int) -> float:
    """Records per second of a reader that reads it all in windows of 1 MiB, as a catch-up does."""
    reader, seq = JournalReader(folder, NAME), 1
    start_s = time.perf_counter()
    while (chunk := reader.read(1, seq, READ_BYTES)).outcome is Outcome.DATA:
        seq = chunk.last + 1
    seconds = time.perf_counter() - start_s
    assert seq == count + 1, chunk
    return count / seconds


def read_raw(folder: Path, count: int) -> float:
    """Records per second of reading the same bytes in the same windows, with one checksum per window."""
    start_s = time.perf_counter()
    for path in folder.glob("*.seg"):
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        while data := os.read(fd, READ_BYTES):
            zlib.crc32(data)
        os.close(fd)
    return count / (time.perf_counter() - start_s)


def bus_row(rounds: int, frames: int) -> Row:
    """The bus, journal on against off."""
    with short_folder() as folder:
        on, off, ratio = interleaved(
            rounds,
            lambda: one_way("journalled", folder, frames, 1),
            lambda: one_way("ours", folder, frames, 1),
        )
    what = "bus, journal on against off, single-event frames"
    return Row("journal", what, on, off, "events/s", ratio, BUS_GOAL, at_most=False)


def run(rounds: int, *, quick: bool) -> list[Row]:
    """Rows for the bus, for appending by batch size, for recovery, for reading, and for persistence catching up."""
    count = FRAMES // (20 if quick else 1)
    rows = [bus_row(rounds, count)]
    frames = frames_of(count)
    for size in BATCHES:
        batches = [frames[start : start + size] for start in range(0, len(frames), size)]
        ours, raw, ratio = interleaved(
            rounds,
            lambda: append_ours(batches),  # noqa: B023 - called in this turn
            lambda: append_raw(batches),  # noqa: B023
        )
        what = "append, one frame a call" if size == 1 else f"append, batches of {size}"
        rows.append(Row("journal", what, ours, raw, "ns/frame", ratio, note=WHY if size == 1 else ""))
    with short_folder() as folder:
        journal = journal_in(folder)
        for start in range(0, len(frames), 100):
            journal.write(frames[start : start + 100])
        journal.close()
        for what, scan in (("recovery scan", scan_ours), ("reader scan", read_ours)):
            ours, raw, ratio = interleaved(
                rounds,
                lambda: scan(folder, len(frames)),  # noqa: B023
                lambda: read_raw(folder, len(frames)),
            )
            rows.append(Row("journal", what, ours, raw, "records/s", ratio, at_most=False))
    return rows + catchup.run(rounds, quick=quick)
