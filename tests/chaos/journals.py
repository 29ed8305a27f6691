"""Reads every journal of a run from its first record to its last, and says where a chain does not hold."""

from __future__ import annotations

import struct
from array import array
from pathlib import Path
from typing import Any, Final, NamedTuple

import msgspec
import numpy as np

from protocol.journal.reader import Chunk, JournalReader, Outcome
from protocol.messages import Epoch, Gap, Quote, Trade
from protocol.record import HEADER_BYTES, RecordKind
from protocol.replay import Position
from tests.chaos.keys import Keys
from tests.chaos.trades import Trades, joined, trades_of

_READ_BYTES: Final = 4 * 1024 * 1024
_HEAD: Final = struct.Struct("<IIBBHI32sQQ")
"""Header up to and with seq."""
_ROWS: Final = 50_000
_trades: Final = msgspec.msgpack.Decoder(list[Trade])
_gaps: Final = msgspec.msgpack.Decoder(list[Gap])
_epochs: Final = msgspec.msgpack.Decoder(list[Epoch])


class _Head(NamedTuple):
    topic: str
    kind: int
    schema: int
    epoch: int
    seq: int
    payload: bytes


class JournalFacts:
    """What one journal holds."""

    def __init__(self, publisher: str) -> None:
        self.publisher = publisher
        self.frames = 0
        self.epochs = 0
        self.unclean = 0
        """Epochs that did not end in order: kills, mostly."""
        self.faults: list[str] = []
        """Damage, records that are missing, chains that do not follow on."""
        self.gaps: dict[str, Gap] = {}
        """Newest entry of each gap."""
        self._last: tuple[int, int] = (0, 0)
        self._is_open = False
        self._rows: dict[str, list[tuple[Any, ...]]] = {}
        self._parts: dict[str, list[Trades]] = {}
        self._quotes = array("q")

    @property
    def position(self) -> Position:
        """Of the last record."""
        return Position(*self._last)

    @property
    def quote_frames(self) -> Keys:
        """(epoch, seq, events) of every frame of quotes."""
        return np.frombuffer(self._quotes, np.int64).reshape(-1, 3)

    def trades(self, symbol: str) -> Trades:
        """Every trade of a symbol, as published."""
        rows = self._rows.pop(symbol, [])
        if rows:
            self._parts.setdefault(symbol, []).append(trades_of(rows))
        return joined(self._parts.get(symbol, []))

    def symbols(self) -> list[str]:
        """Symbols with trades."""
        return sorted({*self._rows, *self._parts})

    def take(self, head: _Head) -> None:
        """Take the next record."""
        self.frames += 1
        if head.epoch != self._last[0]:
            self._begin(head)
        elif head.seq != self._last[1] + 1:
            self.faults.append(f"{self.publisher}: {head.epoch}/{head.seq} follows {self._last[1]}")
        self._last = head.epoch, head.seq
        self._is_open = head.kind != RecordKind.CLEAN_STOP
        if head.schema == Trade.SCHEMA:
            self._take_trades(head.payload)
        elif head.schema == Quote.SCHEMA:
            self._quotes.extend((head.epoch, head.seq, _count(head.payload)))
        elif head.schema == Gap.SCHEMA:
            self.gaps |= {gap.gap_id: gap for gap in _gaps.decode(head.payload)}

    def _begin(self, head: _Head) -> None:
        self.epochs += 1
        self.unclean += self._is_open
        if head.kind != RecordKind.EPOCH or head.seq != 1:
            self.faults.append(f"{self.publisher}: epoch {head.epoch} begins with {head.topic} {head.seq}")
            return
        told = _epochs.decode(head.payload)[0]
        if self._last[0] and (told.prev_epoch, told.prev_last_seq) != self._last:
            self.faults.append(
                f"{self.publisher}: epoch {head.epoch} says it follows {told.prev_epoch}/{told.prev_last_seq},"
                f" the journal ends at {self._last[0]}/{self._last[1]}"
            )

    def _take_trades(self, payload: bytes) -> None:
        for trade in _trades.decode(payload):
            rows = self._rows.setdefault(trade.symbol, [])
            rows.append((trade.trade_id, trade.ts_event_ns, trade.price, trade.size, trade.side, trade.count))
            if len(rows) >= _ROWS:
                self._parts.setdefault(trade.symbol, []).append(trades_of(rows))
                rows.clear()


def read_journal(folder: Path, publisher: str) -> JournalFacts:
    """Read the journal of one publisher, all epochs."""
    facts = JournalFacts(publisher)
    reader = JournalReader(folder / publisher, publisher)
    for epoch in reader.epochs():
        seq = 1
        while True:
            chunk = reader.read(epoch, seq, _READ_BYTES)
            if chunk.outcome is Outcome.END:
                break
            if chunk.outcome is not Outcome.DATA:
                facts.faults.append(f"{publisher}: {epoch}/{chunk.first} to {chunk.last} {chunk.outcome}")
                if chunk.last < seq:
                    break
            else:
                _take_all(facts, chunk)
            seq = chunk.last + 1
    return facts


def _take_all(facts: JournalFacts, chunk: Chunk) -> None:
    frames, offset = chunk.frames, 0
    while offset < len(frames):
        head = frames.index(0, offset) + 1
        length, _crc, _version, kind, _flags, schema, _name, epoch, seq = _HEAD.unpack_from(frames, head)
        end = head + HEADER_BYTES + length
        topic = frames[offset : head - 1].decode("ascii")
        facts.take(_Head(topic, kind, schema, epoch, seq, frames[head + HEADER_BYTES : end]))
        offset = end


def _count(payload: bytes) -> int:
    """Events in a payload: the head of its msgpack array says it."""
    first = payload[0]
    if first == 0xDC:
        return int.from_bytes(payload[1:3], "big")
    if first == 0xDD:
        return int.from_bytes(payload[1:5], "big")
    return first & 0x0F
