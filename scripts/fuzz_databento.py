"""The path of Databento for `fuzz_frames.py`: records of live sessions, headers and whole files."""

from __future__ import annotations

import tempfile
from collections import Counter
from pathlib import Path
from random import Random
from typing import Any, Final, NamedTuple

import zstandard

from actors.collector.databento.dbn_file import DbnFile
from actors.collector.databento.decode import DbnDecoder
from actors.collector.databento.metadata import BadMetadata, parse_metadata
from actors.collector.databento.records import Records
from actors.collector.databento.runs import Walk
from actors.collector.databento.sources import sources_of
from actors.collector.databento.symbols import SymbolMap, Target, Wanted
from actors.collector.recorded.recordings import UnreadableRecording
from protocol.messages import Bar, Book, Quote, Trade
from tests.support.soundness import Soundness

RECV_NS: Final = 1_795_000_000_000_000_000
MESSAGES: Final = (Trade, Quote, Book, Bar)
SCHEMAS: Final = (
    ("mbo", "ohlcv-1s"), ("mbp-1", "ohlcv-1m"), ("mbp-10", "definition"), ("tbbo", "ohlcv-1h"), ("trades", "bbo-1s", "ohlcv-1d"),
)  # fmt: skip
MOST_RECORDS: Final = 300
FILE_SHARE: Final = 0.02
SYMBOL: Final = "ES.FUT"


class Seed(NamedTuple):
    """One record, a header, or a small file."""

    data: bytes
    kind: str = "record"
    instrument: int = 0


class DatabentoTarget:
    """One session after another, each with other schemas."""

    is_text = False

    def __init__(self, folder: Path | None, random: Random) -> None:
        self.reasons: Counter[str] = Counter()
        self.messages: Counter[str] = Counter()
        self._random = random
        self.groups = _recorded(folder / "databento") if folder is not None else [_made_up()]
        self.seeds = [seed for group in self.groups for seed in group]
        self._instruments = sorted({seed.instrument for seed in self.seeds if seed.kind == "record"})
        self.strangers = [seed.data for seed in self.seeds if seed.kind == "record"]
        self.sound: Any = None
        self.renew()

    def renew(self) -> None:
        """A new process."""
        if self.sound is not None:
            self.messages.update(self.sound.counts)
        self.sound = Soundness("databento")
        self._symbols = SymbolMap()
        self._symbols.want(Wanted(SYMBOL, "ES.v.0", 50.0, 0.25))
        self._symbols.want(Wanted("6E.FUT", "6E.FUT", 125_000.0, 0.00005))
        self._records = Records(self._symbols, sources_of(self._random.choice(SCHEMAS)))
        self._map()

    def connect_anew(self) -> None:
        """A new session: instruments are named anew, books begin anew."""
        self._count()
        self._records = Records(self._symbols, sources_of(self._random.choice(SCHEMAS)))
        self._records.begin_session()
        self.sound.books.clear()
        self._map()

    def remembered(self) -> object:
        """Records and symbols."""
        return self._records

    def _map(self) -> None:
        for number, instrument in enumerate(self._instruments):
            self._symbols.targets[instrument] = (Target(f"X{number}.FUT", f"X{number}", 50.0, 0.25),)

    def take(self, seed: Seed, data: bytes) -> None:
        """One record, or several, or what should be some."""
        if seed.kind == "file" or self._random.random() < FILE_SHARE:
            self._whole(seed, data)
            return
        if seed.kind == "header":
            try:
                parse_metadata(data)
            except BadMetadata:
                self.reasons["bad_metadata"] += 1
            return
        for outcome in self._records.take(data, RECV_NS):
            if isinstance(outcome, MESSAGES):
                self.sound.take(outcome)
            else:
                self.reasons[f"({type(outcome).__name__.lower()})"] += 1
        if self._records.waiting_bytes:  # of a record cut off: the socket would bring the rest
            self.reasons["cut_off"] += 1
            self.connect_anew()

    def _whole(self, seed: Seed, data: bytes) -> None:
        """As a file."""
        if seed.kind != "file" and self._random.random() < 0.5:
            data = zstandard.ZstdCompressor().compress(data)
        decoder = DbnDecoder()
        sound = Soundness("databento")
        with tempfile.NamedTemporaryFile(suffix=".dbn") as file:
            file.write(data)
            file.flush()
            try:
                for message in decoder.messages(Path(file.name)):
                    sound.take(message)
            except UnreadableRecording:
                self.reasons["unreadable_file"] += 1
        decoder.summary.to_dict()

    def _count(self) -> None:
        self.reasons.update(self._records.dropped)
        self._records.dropped.clear()


def _recorded(folder: Path) -> list[list[Seed]]:
    """Each file's records, header and, if it is small, its bytes."""
    groups = []
    for path in sorted(folder.rglob("*.dbn*")):
        file = DbnFile(path)
        records = b"".join(file.blocks())
        walk = Walk(records)
        group: list[Seed] = []
        for run in walk.runs():
            for at in range(0, len(run.data), run.size_bytes):
                record = bytes(run.data[at : at + run.size_bytes])
                if len(group) < MOST_RECORDS:
                    group.append(Seed(record, "record", int.from_bytes(record[4:8], "little")))
        plain = path.read_bytes()
        if plain[:4] == b"\x28\xb5\x2f\xfd":
            plain = zstandard.ZstdDecompressor().stream_reader(plain, read_across_frames=True).read()
        if plain[:3] == b"DBN":
            header_bytes = 8 + int.from_bytes(plain[4:8], "little")
            group.append(Seed(plain[:header_bytes], "header"))
        if len(plain) < 5_000:
            group += [Seed(path.read_bytes(), "file"), Seed(plain, "file")]
        groups.append(group)
    return groups


def _made_up() -> list[Seed]:
    """A trade and a change of a book, as version 3 has them."""
    trade = bytes([12, 0, 1, 0]) + (17).to_bytes(4, "little") + RECV_NS.to_bytes(8, "little")
    trade += (5000 * 10**9).to_bytes(8, "little") + (3).to_bytes(4, "little") + b"TB\x82\x00"
    trade += RECV_NS.to_bytes(8, "little") + (1000).to_bytes(4, "little") + (7).to_bytes(4, "little")
    return [Seed(trade, "record", 17), Seed(b"DBN\x03" + (100).to_bytes(4, "little") + bytes(100), "header")]
