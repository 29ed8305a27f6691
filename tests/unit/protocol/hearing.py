"""One publisher and one consumer, step by step: frames by number, answers by range."""

from __future__ import annotations

from protocol.codec import encode_events
from protocol.consumer import Consumer, State
from protocol.errors import FrameError, PayloadError
from protocol.messages import Beat, Epoch
from protocol.record import FrameWriter, RecordKind, parse_frame
from protocol.replay import DATA, END, Fetched, Position
from protocol.topic_consumer import TopicConsumer

NAME = "source.1"
TRADE, QUOTE = "trade.binance.BTC_USDT", "quote.binance.BTC_USDT"
SECOND_NS = 1_000_000_000


class Source:
    """Frames of one epoch by number; the first is its EPOCH record, topics alternate behind it."""

    def __init__(self, epoch=1, prev=(0, 0), count=20):
        writer = FrameWriter(NAME, epoch)
        first = Epoch(NAME, *prev, is_clean=False, boot_id="", host="", pid=1, version="")
        payload = encode_events([first])
        self.raw = [writer.build(f"mark.{NAME}", Epoch.SCHEMA, payload, 0, RecordKind.EPOCH)]
        self.raw += [writer.build((TRADE, QUOTE)[n % 2], 257, b"\x90", 0) for n in range(count)]
        self.epoch, self.prev = epoch, prev

    def __getitem__(self, seq):
        return parse_frame(self.raw[seq - 1])

    def beat(self, seq):
        writer = FrameWriter(NAME, self.epoch)
        writer.seq = seq
        said = Beat(NAME, self.epoch, seq, 0, *self.prev, 0, "RUNNING")
        return parse_frame(writer.build_beat(f"beat.{NAME}", Beat.SCHEMA, encode_events([said]), 0))

    def answer(self, first, last, next_epoch=0):
        return Fetched(DATA, self.epoch, first, last, next_epoch, b"".join(self.raw[first - 1 : last]))

    def end(self, first, next_epoch=0):
        return Fetched(END, self.epoch, first, first - 1, next_epoch)


class Ear:
    """A consumer and what it said."""

    def __init__(self, position=Position(1, 3), kind=Consumer, **options):  # noqa: B008
        self.applied, self.holes, self.orphans, self.bad = [], [], [], set()
        wanted = (options.pop("wanted"),) if kind is TopicConsumer else ()
        self.consumer = kind(
            NAME, self._apply, self.holes.append, *wanted, position, on_orphans=self.orphans.append, **options
        )
        self.now_ns = SECOND_NS

    def _apply(self, frame):
        self.applied.append((frame.epoch, frame.seq))
        if (frame.epoch, frame.seq) in self.bad:
            raise PayloadError("not for me")

    def hear(self, *frames):
        for frame in frames:
            self.consumer.hear(frame, self.now_ns)

    def answer(self, answer):
        """Ask, get this, work it off."""
        self.now_ns += SECOND_NS // 10
        assert self.consumer.request(self.now_ns) == Position(answer.epoch, answer.first - 1)
        self.consumer.fetched(answer, self.now_ns)
        self.work()

    def work(self):
        while self.consumer.has_work:
            try:
                self.consumer.work(100, self.now_ns)
            except FrameError:
                continue

    def told(self):
        return [hole[1:4] for hole in self.holes]

    @property
    def is_live(self):
        return self.consumer.state is State.LIVE


def live_at(source, seq, **options):
    ear = Ear(Position(source.epoch, seq), **options)
    ear.answer(source.end(seq + 1))
    assert ear.is_live
    return ear
