"""A collector that is killed at any record: every trade is published once, every gap ends, whatever was under way."""

from __future__ import annotations

import json
import os
from collections import Counter
from random import Random

import pytest
from msgspec.structs import replace

from actors.collector.checkpoint import Checkpoint, Recollection, decode, encode
from actors.collector.gaps import RESTART, Gaps
from actors.collector.intake.normaliser import Normaliser
from actors.collector.outbox import Outbox
from actors.collector.resume import NOT_COLLECTED, STOPPED, end_rest, remember, resume
from actors.collector.venues.binance import Binance
from protocol.codec import decode_events, encode_events
from protocol.messages import Bar, Gap, Message, Watermark
from protocol.record import Frame, FrameWriter, RecordKind, parse_frame
from tests.unit.actors.collector.frames import NAMES, RECV_NS, T_MS, depth, snapshot, ticker, trade

KINDS = {"BTC_USDT": {"trade", "quote", "book"}}
ROUNDS = int(os.environ.get("TAPEHUB_RESTART_ROUNDS", "60"))
MS = 1_000_000


class Collector:
    """One process without sockets: what it publishes goes to the records of its world."""

    def __init__(self, world: World, epoch: int) -> None:
        self.writer = FrameWriter("collector.binance.1", epoch)
        self.records = world.records
        self.counters: Counter[str] = Counter()
        self.outbox = Outbox(self.publish, self.counters)
        self.gaps = Gaps("binance", f"collector.binance.1-{epoch}")
        self.dropped: Counter[str] = Counter()
        parser = Binance().parser("spot", NAMES, {})
        self.normaliser = Normaliser("binance", parser, self.gaps, self.outbox.add, self.drop)
        self.normaliser.watch("BTC_USDT", book=True)
        self.claims: list[Gap] = []
        self.normaliser.trades.claim = self.claim

    def publish(self, topic: str, events: list[Message], kind: int, flags: int = 0) -> None:
        frame = self.writer.build(topic, events[0].SCHEMA, encode_events(events), 1, kind, flags)
        self.records.append(parse_frame(frame))

    def drop(self, reason: str, _what: object) -> None:
        self.dropped[reason] += 1

    def claim(self, gap: Gap) -> str:
        self.claims.append(gap)
        return ""

    def take(self, *frames: bytes) -> None:
        for frame in frames:
            self.normaliser.take(frame, RECV_NS)
        self.outbox.flush()

    def fetch(self, gap: Gap, most: int) -> None:
        """One page of REST, as the mender takes it."""
        hole = self.normaliser.tapes["BTC_USDT"].trades.hole(gap.gap_id)
        if hole is None:
            self.claims.remove(gap)
            return
        first = hole.ranges[0][0]
        ids = range(first, min(first + most, gap.to_id + 1))
        rows = [
            {"id": number, "price": "7", "qty": "2", "time": T_MS + number, "isBuyerMaker": True}
            for number in ids
        ]
        found = self.normaliser.take_trades("BTC_USDT", json.dumps(rows).encode(), RECV_NS)
        self.outbox.add_repaired(found.trades)  # type: ignore[union-attr]
        for ended in found.gaps:  # type: ignore[union-attr]
            self.outbox.add(ended)


class World:
    """A journal that outlives its collectors."""

    def __init__(self) -> None:
        self.records: list[Frame] = []
        self.memories: list[tuple[int, bytes]] = [(0, encode(Checkpoint()))]
        """(records before it, memory)."""
        self.epoch = 0

    def past(self) -> Checkpoint:
        at, data = self.memories[-1]
        start = decode(data)
        assert start is not None
        fold = Recollection(start)
        for frame in self.records[at:]:
            fold.apply(frame)
        assert fold.rejected == 0
        return fold.checkpoint()

    def start(self) -> Collector:
        self.epoch += 1
        collector = Collector(self, self.epoch)
        resume(collector.normaliser, KINDS, self.past())
        collector.outbox.flush()
        self.remember(collector)
        return collector

    def remember(self, collector: Collector) -> None:
        kept = Checkpoint(at_ns=1, symbols=remember(collector.normaliser), open_gaps=collector.gaps.unsettled)
        self.memories.append((len(self.records), encode(kept)))

    def kill(self, lost: int) -> None:
        """The newest records were never written."""
        del self.records[max(0, len(self.records) - lost) :]
        self.memories = [memory for memory in self.memories if memory[0] <= len(self.records)]

    def ids(self) -> list[int]:
        return [
            one.trade_id
            for frame in self.records
            if frame.topic.startswith("trade")
            for one in decode_events(frame)
        ]

    def ledger(self) -> dict[str, Gap]:
        """Last word on each gap."""
        found = [decode_events(frame)[0] for frame in self.records if frame.topic.startswith("gap")]
        return {gap.gap_id: gap for gap in found}


def numbered(trade_id: int) -> bytes:
    return trade(trade_id, t_ms=T_MS + trade_id)


@pytest.mark.parametrize("seed", range(ROUNDS))
def test_killed_anywhere_nothing_is_lost_or_doubled(seed: int) -> None:
    random = Random(seed)
    world = World()
    collector = world.start()
    next_id, skipped = 1, []
    for _ in range(random.randint(20, 120)):
        match random.choices(
            ("live", "drop", "late", "fetch", "down", "snap", "kill"), (30, 6, 5, 8, 2, 3, 3)
        )[0]:
            case "live":
                count = random.randint(1, 3)
                collector.take(*(numbered(number) for number in range(next_id, next_id + count)))
                next_id += count
            case "drop":
                count = random.randint(1, 4)
                skipped += range(next_id, next_id + count)
                next_id += count
            case "late" if skipped:
                collector.take(numbered(skipped.pop(random.randrange(len(skipped)))))
            case "fetch" if collector.claims:
                collector.fetch(random.choice(collector.claims), random.randint(1, 3))
            case "down":
                collector.normaliser.interrupt("BTC_USDT", "trade", 1, "disconnect")
                if random.random() < 0.5:
                    collector.normaliser.resume("BTC_USDT", "trade", RECV_NS)
            case "snap":
                world.remember(collector)
            case "kill":
                world.kill(random.choice((0, 0, 1, 1, 2, 3, 6)))
                next_id += random.choice((0, 0, 1, 5))
                collector = world.start()
    collector.take(numbered(next_id))
    while collector.claims:
        collector.fetch(collector.claims[0], 1000)
    ids = world.ids()
    assert sorted(ids) == list(range(min(ids), next_id + 1))
    assert {gap.state for gap in world.ledger().values() if gap.kind == "trade"} <= {"filled"}
    assert (collector.gaps.missing, collector.gaps.open_count) == (0, 0)


def test_forgetting_what_was_published_is_caught() -> None:
    """Negative control: a restart without memory leaves a hole that nobody tells of."""
    world = World()
    world.start().take(numbered(1), numbered(2))
    world.records.append(world.records[0])
    world.memories = [(len(world.records), encode(Checkpoint()))]
    world.start().take(numbered(5))
    assert world.ids() != list(range(1, 6))
    assert world.ledger() == {}


def test_the_gap_of_a_restart_is_filled_at_once_if_nothing_is_missing() -> None:
    world = World()
    world.start().take(numbered(1), numbered(2))
    collector = world.start()
    (opened,) = world.ledger().values()
    newest_ns = (T_MS + 2) * MS
    assert (opened.cause, opened.state, opened.from_id, opened.from_ts_ns) == (RESTART, "open", 3, newest_ns)
    collector.take(numbered(3))
    (filled,) = world.ledger().values()
    assert (filled.gap_id, filled.state, filled.count) == (opened.gap_id, "filled", 0)
    assert world.ids() == [1, 2, 3]


def test_missing_trades_are_fetched_and_others_that_come_again_are_duplicates() -> None:
    world = World()
    world.start().take(numbered(1), numbered(2))
    collector = world.start()
    collector.take(numbered(2), numbered(6))
    assert collector.dropped == {"duplicate_trade": 1}
    (gap,) = collector.claims
    assert (gap.cause, gap.from_id, gap.to_id) == (RESTART, 3, 5)
    collector.fetch(gap, 10)
    assert world.ids() == [1, 2, 6, 3, 4, 5]
    (filled,) = world.ledger().values()
    assert (filled.state, filled.filled_by, filled.count) == ("filled", "rest", 3)


def test_a_disconnect_that_a_restart_ends_stays_one_gap() -> None:
    world = World()
    first = world.start()
    first.take(numbered(1))
    first.normaliser.interrupt("BTC_USDT", "trade", 1, "disconnect", "reset by peer")
    collector = world.start()
    (gap,) = world.ledger().values()
    assert (gap.cause, gap.state, gap.reason) == (RESTART, "open", "disconnect, then a restart")
    collector.take(numbered(2))
    assert [gap.state for gap in world.ledger().values()] == ["filled"]


def test_what_was_being_fetched_is_fetched_on_from_the_first_missing_id() -> None:
    world = World()
    first = world.start()
    first.take(numbered(1), numbered(9))
    first.fetch(first.claims[0], 3)
    collector = world.start()
    assert [(gap.from_id, gap.state, gap.count) for gap in collector.claims] == [(2, "filling", 3)]
    hole = collector.normaliser.tapes["BTC_USDT"].trades.holes[0]
    assert hole.ranges == [(5, 8)]
    collector.fetch(collector.claims[0], 10)
    assert world.ledger()[collector.claims[0].gap_id].count == 7


def test_what_a_clean_end_gave_up_is_tried_again_and_a_refusal_of_the_venue_is_not() -> None:
    for reason, tries in ((STOPPED, 1), ("HTTP 400", 0)):
        world = World()
        first = world.start()
        first.take(numbered(1), numbered(9))
        first.normaliser.announce(first.gaps.abandon(first.claims[0].gap_id, reason))
        collector = world.start()
        assert len(collector.claims) == tries
        collector.take(numbered(4))
        assert world.ids() == [1, 9, 4], "still missing, so a late one counts"


def test_fetched_trades_whose_end_was_not_announced() -> None:
    world = World()
    first = world.start()
    first.take(numbered(1), numbered(4))
    first.fetch(first.claims[0], 10)
    world.kill(1)
    assert [gap.state for gap in world.ledger().values()] == ["filling"]
    collector = world.start()
    states = sorted((gap.cause, gap.state, gap.filled_by) for gap in world.ledger().values())
    assert states == [(RESTART, "open", ""), ("venue_jump", "filled", "rest")]
    assert collector.claims == []
    collector.take(numbered(2))
    assert world.ids().count(2) == 1


def test_a_late_trade_goes_out_before_the_end_of_its_gap() -> None:
    world = World()
    first = world.start()
    first.take(numbered(1), numbered(3))
    first.take(numbered(2))
    world.kill(1)
    collector = world.start()
    collector.take(numbered(4))
    assert world.ids() == [1, 3, 2, 4]
    assert {gap.state for gap in world.ledger().values()} == {"filled"}


def test_quotes_and_books_are_interrupted_too() -> None:
    world = World()
    first = world.start()
    first.take(ticker(5), depth(10, 10))
    first.normaliser.take_snapshot("BTC_USDT", snapshot(9), RECV_NS)
    first.take(depth(11, 12))
    collector = world.start()
    found = {gap.kind: gap for gap in world.ledger().values()}
    assert {(gap.cause, gap.state) for gap in found.values()} == {(RESTART, "open")}
    assert found.keys() == {"quote", "book"}
    assert found["book"].from_id == 13
    collector.normaliser.resume("BTC_USDT", "quote", RECV_NS)
    collector.take(ticker(3), depth(20, 20))
    collector.normaliser.take_snapshot("BTC_USDT", snapshot(19), RECV_NS)
    states = {gap.kind: (gap.state, gap.filled_by) for gap in world.ledger().values()}
    assert states == {"quote": ("unfillable", ""), "book": ("filled", "snapshot")}


def test_gaps_of_what_is_collected_no_longer_end() -> None:
    world = World()
    first = world.start()
    first.take(numbered(1), numbered(5), ticker(5))
    first.normaliser.interrupt("BTC_USDT", "quote", 1, "disconnect")
    first.outbox.flush()
    gaps = Gaps("binance", "c-9")
    ended = end_rest(gaps, {}, world.past())
    assert {(gap.kind, gap.state, gap.reason) for gap in ended} == {
        ("quote", "unfillable", NOT_COLLECTED),
        ("trade", "unfillable", NOT_COLLECTED),
    }
    assert {gap.gap_id for gap in ended} == world.ledger().keys()
    assert end_rest(Gaps("binance", "c-9"), KINDS, world.past()) == []


def test_a_watermark_moves_the_beginning_of_the_gap() -> None:
    world = World()
    first = world.start()
    first.take(numbered(1))
    reached_ns = (T_MS + 60_000) * MS
    first.publish("mark.c", [Watermark("c", "binance", reached_ns, True)], RecordKind.TIME)
    world.start()
    (gap,) = world.ledger().values()
    assert gap.from_ts_ns == reached_ns - 1_000 * MS


def test_a_memory_of_another_version_counts_as_none() -> None:
    kept = Checkpoint(version=99)
    assert decode(encode(kept)) is None
    assert decode(b"\xc1") is None
    assert decode(b"") is None


def test_candles_of_providers_are_remembered_beside_what_is_traded() -> None:
    """One memory holds both, and neither knows of the other's gaps."""
    minute_ns = 60 * 1_000_000_000
    bar = Bar(
        "EUR_USD", "rest", "1m", minute_ns, 2 * minute_ns - 1, 1.0, 1.2, 0.9, 1.1, 0.0, 0.0, 0.0, 1.1, 5, "closed",
        1.0, 1, "yahoo",
    )  # fmt: skip
    missing = replace(bar, ts_open_ns=2 * minute_ns, status="gap", count=0)
    gap = Gap("c-1-EUR_USD-1", "rest", "EUR_USD", "bar", 2, 0, 2 * minute_ns, 0, "disconnect", "open")
    world = World()
    collector = world.start()
    collector.take(numbered(1), numbered(5))
    collector.publish("bar.rest.EUR_USD.1m", [bar], RecordKind.DATA)
    collector.publish("gap.rest.EUR_USD", [gap], RecordKind.UPSTREAM_GAP)
    collector.publish("bar.rest.EUR_USD.1m", [missing], RecordKind.DATA)
    collector.publish("bar.rest.EUR_USD.1m", [replace(bar, revision=0)], RecordKind.DATA)

    past = world.past()

    assert past.bars is not None
    line = past.bars.lines["EUR_USD"]
    assert line.recent == [bar, missing]
    assert [(hole.gap, hole.minutes) for hole in line.holes] == [(gap, [2 * minute_ns])]
    assert past.symbols.keys() == {"BTC_USDT"}
    assert "EUR_USD" not in {one.symbol for one in past.open_gaps}
    assert decode(encode(past)) == past
