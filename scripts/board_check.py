"""Write a board without a pause, and read it meanwhile from other processes: every read must be of one piece.

All numbers of a quote, all bytes of a value and all columns of each row are made of one count, so a read that mixes two writes
shows. The writer is killed (SIGKILL) and started anew on a new board now and then, in the middle of whatever it was doing.

    quotes    the record of a quote, as `Hub().tick` reads it
    values    a record and the bytes that it points to, which move and are used again
    rows      a window of candles that grows, moves and is corrected

exit 0: nothing torn · 1: something was · 2: usage
"""

from __future__ import annotations

import argparse
import multiprocessing
import signal
import sys
import tempfile
import time
from collections import Counter
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Final

from protocol.board import layout
from protocol.board.layout import NEVER, Common
from protocol.board.reading import BoardReader, NoBoard, Place
from protocol.board.writing import BoardWriter, Entry

MEBIBYTE: Final = 1 << 20
BATCH: Final = 100_000
"""Reads of quotes between two looks at the time."""
VALUES_EACH: Final = 1000
"""Reads of values and of rows for each such batch."""
SAID_S: Final = 10.0
"""Between two words about how far it is."""
LIFE_S: Final = 5.0
"""After so long the writer is killed."""
SIZES: Final = (40, 300, 2000, 9000)
"""Lengths of a value: it moves from one room to another."""
SYMBOLS: Final = tuple(f"S{number}" for number in range(8))


def write(pointer: Path) -> None:
    """Write until killed."""
    writer = BoardWriter(pointer, time.time_ns(), 512 * MEBIBYTE)
    writer.words[layout.HEADER_CLOCK] = time.monotonic_ns()
    verdict, source = writer.verdict(), writer.source("collector.binance.1")
    quotes = [writer.entry("quote", f"quote.binance.{symbol}") for symbol in SYMBOLS]
    values = [writer.entry("feature", f"feature.binance.{symbol}.1m") for symbol in SYMBOLS]
    rows = [writer.entry("bar", f"bar.binance.{symbol}.1m") for symbol in SYMBOLS]
    count = 0
    while True:
        count += 1
        common = Common(verdict, source, count, count, count, NEVER, 1)
        number = float(count)
        for entry in quotes:
            entry.write_quote(*common.words, count, count, count, number, number, number, number)
        _write_bytes(writer, values[count % 8], common, count, SIZES[count % 4])
        if not count % 10:
            _write_bytes(writer, rows[count % 8], common, count, 112 * (count % 5000 + 1))


def _write_bytes(writer: BoardWriter, entry: Entry, common: Common, count: int, size_bytes: int) -> None:
    entry.begin()
    if entry.extent is None or len(entry.extent.view) < size_bytes or not count % 3:
        fresh = writer.allocate(size_bytes)
        if entry.extent is not None:
            writer.release(entry.extent)
        entry.extent = fresh
    entry.extent.view[:size_bytes] = bytes((count % 251,)) * size_bytes
    entry.write(common, entry.extent.place, size_bytes)


def read(pointer: Path, results: Connection) -> None:
    """Read until killed; tells (kind, reads, refused, torn) after each batch."""
    while True:
        try:
            reader = BoardReader(pointer)
        except (NoBoard, OSError):
            continue
        if len(reader.places) < 3 * len(SYMBOLS):
            continue
        quotes, values, rows = (
            [place for (kind, _, _), found in reader.places.items() if kind == wanted for place in found]
            for wanted in ("quote", "feature", "bar")
        )
        turn = 0
        while reader.is_current:
            turn += 1
            results.send(("quotes", *_read_quotes(quotes[turn % 8])))
            results.send(("values", *_read_bytes(reader, values)))
            results.send(("rows", *_read_bytes(reader, rows)))


def _read_quotes(place: Place) -> tuple[int, int, int]:
    unpack, memory, offset = layout.QUOTE.unpack_from, place.memory, place.offset
    refused = torn = 0
    for _ in range(BATCH):
        (
            end, _, epoch, seq, born_ns, _, ts_event_ns, ts_recv_ns, update_id, bid, ask, bid_size, ask_size, begin,
        ) = unpack(memory, offset)  # fmt: skip
        if end != begin:
            refused += 1
        elif not (
            epoch
            == seq
            == born_ns
            == ts_event_ns
            == ts_recv_ns
            == update_id
            == bid
            == ask
            == bid_size
            == ask_size
        ):
            torn += 1
    return BATCH, refused, torn


def _read_bytes(reader: BoardReader, places: list[Place]) -> tuple[int, int, int]:
    refused = torn = 0
    for number in range(VALUES_EACH):
        place = places[number % len(places)]
        found = reader.take(
            place, lambda common, rest: (common, bytes(reader.bytes_at(rest[0], rest[1])), rest[1])
        )
        if found is None:
            refused += 1
            continue
        common, taken, size_bytes = found
        wanted = bytes((common.seq % 251,)) * size_bytes
        torn += taken != wanted or common.epoch != common.seq
    return VALUES_EACH, refused, torn


def check(reads: int, readers: int) -> Counter[str]:
    """Let them run until so many reads were made."""
    counts: Counter[str] = Counter()
    with tempfile.TemporaryDirectory() as folder:
        pointer = Path(folder) / "hub.1.board"
        results, told = multiprocessing.Pipe(duplex=False)
        asking = [
            multiprocessing.Process(target=read, args=(pointer, told), daemon=True) for _ in range(readers)
        ]
        writing = _writer(pointer)
        for process in asking:
            process.start()
        due_s = said_s = time.monotonic() + LIFE_S
        try:
            while counts["reads"] < reads:
                kind, made, refused, torn = results.recv()
                counts.update({"reads": made, "torn": torn, kind: made, f"{kind} refused": refused})
                if time.monotonic() > said_s:
                    said_s += SAID_S
                    print(f"% {counts['reads']:,} of {reads:,} reads, {counts['torn']} torn", file=sys.stderr)
                if time.monotonic() > due_s:
                    writing.kill()
                    writing.join()
                    counts["writer killed"] += 1
                    writing = _writer(pointer)
                    due_s = time.monotonic() + LIFE_S
        finally:
            for process in (*asking, writing):
                process.kill()
                process.join()
            BoardWriter(pointer, 1, 64 * MEBIBYTE).close()
    return counts


def _writer(pointer: Path) -> multiprocessing.Process:
    process = multiprocessing.Process(target=write, args=(pointer,), daemon=True)
    process.start()
    return process


def main() -> int:
    """Exit 0 only if nothing was torn."""
    parser = argparse.ArgumentParser(
        prog="scripts/board-check", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--reads", type=int, default=100_000_000, help="default 100000000")
    parser.add_argument("--readers", type=int, default=1, help="processes that read; default 1")
    arguments = parser.parse_args()
    if arguments.reads < 1 or arguments.readers < 1:
        parser.error("--reads and --readers are counts, 1 or more")
    multiprocessing.set_start_method("spawn")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    started_s = time.monotonic()
    counts = check(arguments.reads, arguments.readers)
    for name, count in sorted(counts.items()):
        print(f"{name:16}{count:>16,}")
    print(f"{'seconds':16}{time.monotonic() - started_s:>16,.0f}")
    print("PASSED" if not counts["torn"] else "FAILED: reads of two pieces")
    return 1 if counts["torn"] else 0


if __name__ == "__main__":
    sys.exit(main())
