"""The fuzzer notices what it is there for: exceptions, unsound messages, memory that grows, frames that take too long."""

import signal
from collections import Counter
from random import Random
from typing import NamedTuple

import pytest

from actors.collector.registry import EXCHANGES
from protocol.messages import BUY, Book, Gap, Liquidation, Quote, Trade
from scripts import fuzz_frames
from scripts.fuzz_frames import Fuzz, Stuck, report, target_of
from scripts.fuzz_memory import held
from tests.support.soundness import Soundness, Unsound

T_NS = 1_790_000_000 * 10**9


class Seed(NamedTuple):
    data: bytes


class Target:
    """Takes frames and does one wrong thing."""

    is_text = True
    strangers = ()

    def __init__(self, wrong=""):
        self.groups = [[Seed(b'{"a":"b","n":1}')]]
        self.seeds = self.groups[0]
        self.reasons, self.messages, self.sound = Counter(), Counter(), None
        self.names, self.lives, self.wrong = {}, 0, wrong

    def take(self, _seed, data):
        self.reasons["taken"] += 1
        if self.wrong == "raises" and b'"b"' not in data:
            raise KeyError(data[:3])
        if self.wrong == "reasons":
            self.reasons[data.hex()] += 1
        if self.wrong == "grows":
            self.names[data] = 1

    def renew(self):
        self.lives += 1

    def connect_anew(self):
        pass

    def remembered(self):
        return self


@pytest.fixture
def fuzz_of(monkeypatch):
    def make(wrong="", flood=50, growth=20):
        monkeypatch.setattr(fuzz_frames, "FLOOD", flood)
        monkeypatch.setattr(fuzz_frames, "GROWTH", growth)
        monkeypatch.setattr(fuzz_frames, "target_of", lambda *_: Target(wrong))
        return Fuzz("x", 1, 0)

    return make


def test_nothing_wrong_is_no_crash(fuzz_of):
    result = fuzz_of().run(2000)
    assert result["crashes"] == []
    assert result["frames"] == 2000
    assert result["reasons"]["taken"] == 2000 + result["good_frames"]


@pytest.mark.parametrize(
    ("wrong", "says"),
    [("raises", "KeyError"), ("reasons", "names of counters"), ("grows", "more things remembered")],
)
def test_what_is_wrong_is_told_with_its_frame(fuzz_of, wrong, says):
    result = fuzz_of(wrong).run(2000)
    crash = next(crash for crash in result["crashes"] if says in crash["what"])
    assert crash["frame"]
    assert crash["count"] >= 1
    assert (crash["seed"], crash["job"]) == (1, 0)
    assert len(result["crashes"]) <= fuzz_frames.MAX_SORTS


def test_the_same_seed_finds_the_same(fuzz_of):
    first, again = (fuzz_of("raises").run(500)["crashes"] for _ in range(2))
    assert [crash["frame"] for crash in first] == [crash["frame"] for crash in again]


def test_a_frame_that_takes_too_long_is_stopped(fuzz_of):
    fuzz = fuzz_of()
    fuzz._look(signal.SIGALRM, None)
    with pytest.raises(Stuck):
        fuzz._look(signal.SIGALRM, None)
    fuzz._take(fuzz.target.seeds[0], b"{}")
    fuzz._look(signal.SIGALRM, None)


def test_the_whole_in_processes(monkeypatch):
    monkeypatch.setattr(fuzz_frames, "target_of", lambda *_: Target("raises"))
    monkeypatch.setattr(fuzz_frames, "FLOOD", 10)
    document = fuzz_frames.fuzz("x", 301, 1, 2)
    assert (document["frames"], document["ok"]) == (301, False)
    (crash,) = document["crashes"]
    assert crash["count"] > 10
    assert "KeyError" in report(document)


@pytest.mark.recording
@pytest.mark.parametrize("venue", fuzz_frames.FUZZED)
def test_good_frames_are_taken_and_something_comes_out(venue):
    target = target_of(venue, Random(1))
    for group in target.groups:
        target.renew()
        for seed in group[:150]:
            target.take(seed, seed.data)
    target.renew()
    assert target.messages
    assert sum(target.messages.values()) > 10 or venue == "news"


@pytest.mark.parametrize("venue", fuzz_frames.FUZZED)
def test_without_recordings_there_are_samples(monkeypatch, venue):
    monkeypatch.setattr(fuzz_frames, "data_dir", lambda: None)
    target = target_of(venue, Random(1))
    for seed in target.seeds:
        target.take(seed, seed.data)
    target.renew()
    assert target.messages or venue == "databento"
    if venue in EXCHANGES:
        assert {"trade", "quote", "book"} <= set(target.messages)


# soundness


def trade(**changes):
    return Trade(**{
        "symbol": "X", "venue": "v", "ts_event_ns": T_NS, "ts_recv_ns": T_NS, "price": 1.0, "size": 1.0, "side": BUY,
        "trade_id": 1,
    } | changes)  # fmt: skip


def book(*, is_snapshot, last, before=0, bids=(), asks=()):
    return Book("X", "v", T_NS, T_NS, is_snapshot, last, last, list(bids), list(asks), before)


def gap(**changes):
    return Gap(**{
        "gap_id": "g-1", "venue": "v", "symbol": "X", "kind": "trade", "from_id": 1, "to_id": 2, "from_ts_ns": 5,
        "to_ts_ns": 9, "cause": "venue_jump", "state": "filling",
    } | changes)  # fmt: skip


IMAGE = book(is_snapshot=True, last=5, bids=[(9.0, 1.0)], asks=[(11.0, 1.0)])


@pytest.mark.parametrize(
    "messages",
    [
        [trade(price=float("nan"))],
        [trade(price=0.0)],
        [trade(size=-1.0)],
        [trade(side=2)],
        [trade(symbol="Y")],
        [trade(venue="w")],
        [trade(ts_event_ns=0)],
        [trade(ts_event_ns=2**63)],
        [trade(trade_id=2**70)],
        [Quote("X", "v", T_NS, T_NS, 1.0, float("inf"), 1.0, 1.0)],
        [Liquidation("X", "v", T_NS, T_NS, 1.0, 1.0, 0)],
        [book(is_snapshot=False, last=6, before=5)],
        [IMAGE, book(is_snapshot=False, last=7, before=6)],
        [IMAGE, book(is_snapshot=False, last=5, before=5)],
        [IMAGE, book(is_snapshot=False, last=6, before=5, bids=[(11.0, 1.0)])],
        [IMAGE, book(is_snapshot=False, last=6, before=5, bids=[(8.0, -1.0)])],
        [book(is_snapshot=True, last=5, bids=[(8.0, 1.0), (9.0, 1.0)])],
        [gap(to_ts_ns=4)],
        [gap(to_id=0, from_id=-1)],
        [gap(state="odd")],
        [gap(state="unfillable")],
        [gap(state="filled"), gap()],
    ],
)
def test_what_must_never_come_out_is_noticed(messages):
    sound = Soundness("v", {"X"})
    *before, last = messages
    for message in before:
        sound.take(message)
    with pytest.raises((Unsound, OverflowError)):
        sound.take(last)


def test_what_is_sound_passes():
    sound = Soundness("v", {"X"})
    change = book(is_snapshot=False, last=6, before=5, bids=[(9.0, 0.0), (8.0, 2.0)])
    for message in (trade(), trade(side=0, trade_id="a"), IMAGE, change, IMAGE, gap(), gap(state="filled")):
        sound.take(message)
    assert sound.counts == {"trade": 2, "book": 3, "gap": 2}


# memory


def test_what_is_held_is_found_wherever_it_is():
    class Slotted:
        __slots__ = ("inner",)

    class Plain:
        pass

    slotted, plain = Slotted(), Plain()
    slotted.inner = {"a": [1, 2], "b": (3,)}
    plain.known, plain.loop = {1, 2, 3}, plain
    kept = [0] * 7
    plain.closure = lambda: kept
    plain.bound = slotted.inner.get
    found = held((slotted, plain))
    assert found["Slotted.inner"] == 2 + 2 + 1
    assert found["Plain.known"] == 3
    assert 7 in found.values()
