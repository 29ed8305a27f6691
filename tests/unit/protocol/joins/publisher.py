"""A publisher with the real journal over a disk in memory, that dies at any place between writing and sending."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from pathlib import Path

from protocol.codec import encode_events
from protocol.journal.journal import Journal
from protocol.journal.recovery import Recovered, recover
from protocol.journal.segment import SEGMENT_HEADER_BYTES, SegmentName
from protocol.journal.walk import chain_of, find_next, walk
from protocol.messages import Beat, CleanStop, Epoch
from protocol.record import Frame, FrameWriter, RecordKind, parse_frames
from protocol.topics import beat_topic, mark_topic
from tests.unit.protocol.joins.memory_disk import MemoryDisk

NAME = "collector.binance.1"
FOLDER = Path("/journal") / NAME
TOPICS = (
    "trade.binance.BTC_USDT",
    "trade.binance.ETH_USDT",
    "quote.binance.BTC_USDT",
    "bar.binance.BTC_USDT.1m",
)
SEGMENT_BYTES = 12_000

Send = Callable[[bytes], None]
Clock = Callable[[], int]


class SimPublisher:
    """Begins an epoch, writes before it sends, and beats; `kill` it anywhere and make another one.

    Args:
        disk: Where its journal is; what is there is recovered first.
        send: Puts a frame on the bus.
        clock: Both of its clocks.
        epoch: At least this.
        sends_first: Wrong on purpose: frames go out before they are in the journal.
    """

    def __init__(
        self, disk: MemoryDisk, send: Send, clock: Clock, epoch: int = 1, *, sends_first: bool = False
    ) -> None:
        self.recovered: Recovered = recover(FOLDER, NAME, disk)
        self.epoch = max(epoch, self.recovered.highest_epoch + 1)
        self._disk = disk
        self._send = send
        self._sends_first = sends_first
        self._writer = FrameWriter(NAME, self.epoch)
        self._topics = itertools.cycle(TOPICS)
        self.published: list[bytes] = []
        """Every frame that was given a number."""
        self.journal = Journal(
            FOLDER,
            NAME,
            self.epoch,
            clock,
            clock,
            disk,
            segment_bytes=SEGMENT_BYTES,
            ring_bytes=4_000,
            ballast_bytes=0,
        )
        first = Epoch(
            NAME,
            self.recovered.epoch,
            self.recovered.seq,
            is_clean=self.recovered.is_clean,
            boot_id="",
            host="",
            pid=1,
            version="",
        )
        self._say([self._build(mark_topic(NAME), first, RecordKind.EPOCH)])

    @property
    def seq(self) -> int:
        """Last number given out."""
        return self._writer.seq

    def _build(self, topic: str, event: Epoch | CleanStop, kind: int) -> bytes:
        frame = self._writer.build(topic, event.SCHEMA, encode_events([event]), 0, kind)
        self.published.append(frame)
        return frame

    def frames(self, count: int) -> list[bytes]:
        """The next frames, numbered."""
        found = [
            self._writer.build(next(self._topics), 257, b"\x91\xa4%04d" % (self.seq % 10_000), 0)
            for _ in range(count)
        ]
        self.published += found
        return found

    def publish(self, count: int) -> None:
        """Write and send."""
        self._say(self.frames(count))

    def _say(self, frames: Sequence[bytes], sent: int | None = None) -> None:
        if self._sends_first:
            for frame in frames:
                self._send(frame)
            if sent is None:
                self.journal.write(frames)
            return
        for frame in self.journal.write(frames)[:sent]:
            self._send(frame)

    def die_writing(self, count: int) -> None:
        """The end comes before the frames are written (where it sends first: when they are sent)."""
        frames = self.frames(count)
        if self._sends_first:
            self._say(frames, 0)
        self._disk.end_process()

    def die_sending(self, count: int, sent: int) -> None:
        """The end comes when all are written and some of them are sent."""
        self._say(self.frames(count), sent)
        self._disk.end_process()

    def die(self) -> None:
        """The end comes in a quiet moment."""
        self._disk.end_process()

    def lose_power(self) -> None:
        """The end comes with a power cut."""
        self._disk.cut_power()

    def stop(self) -> None:
        """End in order."""
        last = [self._build(mark_topic(NAME), CleanStop(NAME, self.seq + 1), RecordKind.CLEAN_STOP)]
        for frame in self.journal.close(last):
            self._send(frame)
        self._disk.end_process()

    def beat(self) -> None:
        """Heartbeat, as actors/runtime/speaking.py has it."""
        recovered = self.recovered
        said = Beat(NAME, self.epoch, self.seq, 0, recovered.epoch, recovered.seq, 0, "RUNNING")
        self._send(self._writer.build_beat(beat_topic(NAME), Beat.SCHEMA, encode_events([said]), 0))

    def tick(self) -> None:
        """Store what waits for room."""
        self.journal.retry()


def records_of(disk: MemoryDisk, name: SegmentName) -> dict[tuple[int, int], Frame]:
    """Everything that is whole in a segment."""
    fd = disk.open_to_read(FOLDER / name.file)
    data = disk.read(fd, disk.size(fd), 0)
    disk.close(fd)
    chain, offset, seq = chain_of(NAME, name.epoch), SEGMENT_HEADER_BYTES, name.first_seq
    found: dict[tuple[int, int], Frame] = {}
    while True:
        reached = walk(data, offset, chain, seq)
        frames = parse_frames(data[offset : reached.offset])
        found.update({(frame.epoch, frame.seq): frame for frame in frames})
        following = find_next(data, reached.offset, chain, reached.seq - 1)
        if following is None:
            return found
        offset, seq = following
