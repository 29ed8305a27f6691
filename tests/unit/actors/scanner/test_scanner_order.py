"""The same frames give the same signals to the byte, in whatever order the publishers' frames come; so does a restart at any frame."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable

import pytest
from msgspec.structs import replace

from actors.scanner.fold import Fold
from protocol.codec import decode_as
from protocol.messages import Bar, Gap
from protocol.record import FLAG_REFERENCE, FLAG_REPAIRED, Frame
from tapehub.playing import Published
from tests.support.scanner_world import (
    NS,
    START_NS,
    bytes_of,
    collector,
    in_step,
    merged,
    said,
    scanner,
    streams_of,
    tape,
)

Streams = list[list[Frame]]
CLOSE_NS = 1_700_258_400 * NS
"""Friday 17:00 in New York."""
VETO = "rules:\n  exposure: {veto: true, max_open: 1}\n"


def one(seed: int, **changes: object) -> Streams:
    return streams_of(list(collector(tape(seed, **changes), "collector.binance.1", "binance")))  # type: ignore[arg-type]


def jump(seconds: int) -> Streams:
    """The collector was away for so long."""
    messages = tape(4, seconds=100) + tape(5, seconds=150, start_ns=START_NS + (100 + seconds) * NS)
    return streams_of(list(collector(messages, "collector.binance.1", "binance")))


def weekend() -> Streams:
    friday = tape(6, symbols=("EUR_USD",), venue="fx", seconds=200, start_ns=CLOSE_NS - 180 * NS)
    sunday_ns = CLOSE_NS + 48 * 3600 * NS
    sunday = tape(7, symbols=("EUR_USD",), venue="fx", seconds=200, start_ns=sunday_ns - 20 * NS)
    return streams_of(list(collector(friday + sunday, "collector.fx.1", "fx")))


def two_venues() -> Streams:
    return streams_of(
        list(collector(tape(8), "collector.binance.1", "binance")),
        list(collector(tape(9, venue="okx"), "collector.okx.1", "okx")),
    )


def copies() -> Streams:
    """Two collectors of one venue that send the same."""
    messages = tape(10)
    later = [
        replace(message, ts_recv_ns=message.ts_recv_ns + NS // 25)  # type: ignore[attr-defined]
        for message in messages
        if not isinstance(message, Gap)
    ]
    return streams_of(
        list(collector(messages, "collector.binance.1", "binance")),
        list(collector(later, "collector.binance.2", "binance")),
    )


def halves() -> Streams:
    """Two collectors of one venue with different symbols."""
    return streams_of(
        list(collector(tape(11, symbols=("BTC_USDT",)), "collector.binance.1", "binance")),
        list(collector(tape(12, symbols=("ETH_USDT",)), "collector.binance.2", "binance")),
    )


WORLDS: dict[str, Callable[[], Streams]] = {
    "one": lambda: one(1),
    "other": lambda: one(2),
    "a market that begins later": lambda: one(3, begins_s={"ETH_USDT": 63.0}),
    "away for two minutes": lambda: jump(120),
    "away for seven minutes": lambda: jump(420),
    "away for an hour": lambda: jump(3600),
    "weekend": weekend,
    "two venues": two_venues,
    "two collectors, copies": copies,
    "two collectors, halves": halves,
}


def begun(streams: Streams) -> tuple[list[Frame], Streams]:
    """All up to the first mark of each collector, which only who has heard it can wait for; and the rest."""
    heads: list[Frame] = []
    rest: Streams = []
    for stream in streams:
        first = next((place for place, frame in enumerate(stream) if frame.topic.startswith("mark.")), -1)
        heads += stream[: first + 1]
        rest.append(stream[first + 1 :])
    return heads, rest


def talk(frames: Iterable[Frame], fold: Fold | None = None) -> dict[str, list[bytes]]:
    fold = fold or scanner(shield=VETO)
    found = bytes_of(said(fold, frames))
    assert (
        not fold.counters["markets_late"] + fold.counters["collectors_late"] + fold.counters["flows_dropped"]
    )
    return found


@pytest.mark.parametrize("name", WORLDS)
def test_order_of_publishers_does_not_matter(name: str) -> None:
    heads, rest = begun(WORLDS[name]())
    expected = talk([*heads, *in_step(rest)])
    assert sum(map(len, expected.values())) > 80
    for seed in range(6):
        assert talk([*heads, *merged(rest, random.Random(seed))]) == expected, f"seed {seed}"


def test_it_depends_on_each_publishers_own_order() -> None:
    """The strategies tell of everything that they see: a test that could not fail would be none."""
    streams = one(1)
    expected = talk(in_step(streams))
    candles = streams[1]
    place = next(
        place
        for place in range(len(candles) // 2, len(candles))
        if candles[place].topic.startswith("bar.") and candles[place].topic.endswith(".10s")
    )
    streams[1] = candles[:place] + candles[place + 1 :]
    found = bytes_of(said(scanner(shield=VETO), in_step(streams)))
    assert found != expected


@pytest.mark.parametrize("flag", [FLAG_REFERENCE, FLAG_REPAIRED])
def test_candles_of_the_venue_itself_are_not_ours(flag: int) -> None:
    """A collector sends fetched candles on the topic of ours, for others to take in or to compare with."""
    streams = one(1)
    expected = talk(in_step(streams))
    collected, candles = streams[0], streams[1]
    published = Published("collector.binance.1")
    theirs = [
        published.frame(frame.topic, [replace(bar, close=1.0, revision=9)], frame.ts_pub_ns, flags=flag)
        for frame in candles
        if frame.schema == Bar.SCHEMA
        for bar in decode_as(frame, Bar)
    ]
    mixed = sorted([*collected, *theirs], key=lambda frame: frame.ts_pub_ns)
    assert talk(in_step([mixed, *streams[1:]])) == expected


@pytest.mark.parametrize(
    "name", ["one", "weekend", "two venues", "two collectors, copies", "away for an hour"]
)
def test_restart_at_any_frame_goes_on_as_if_nothing_had_been(name: str) -> None:
    heads, rest = begun(WORLDS[name]())
    draw = random.Random(17)
    frames = [*heads, *merged(rest, draw)]
    expected = talk(frames)
    for _ in range(4):
        fold, found = scanner(shield=VETO), {}
        cuts = sorted(draw.sample(range(1, len(frames)), 5))
        for first, last in zip([0, *cuts], [*cuts, len(frames)], strict=True):
            for topic, signals in said(fold, frames[first:last]).items():
                found.setdefault(topic, []).extend(signals)
            memory = fold.snapshot()
            fold = scanner(shield=VETO)
            fold.restore(memory)
            assert fold.snapshot() == memory
        assert bytes_of(found) == expected


def test_memory_has_what_is_needed_and_no_more() -> None:
    """Candles as far as strategies look back, whatever the market has seen."""
    fold = scanner()
    said(fold, in_step(one(1)))
    market = fold.markets["binance", "BTC_USDT"].state()
    assert {timeframe: len(taken) for timeframe, (taken, _) in market.bars.items()} == {"10s": 6, "1m": 2}
    assert all(len(taken) == 1 for taken, _ in market.features.values())
    assert all(len(flows) <= 10 for flows in market.flows.values())


def test_signals_of_the_same_second_are_no_exposure_of_each_other_and_earlier_ones_are() -> None:
    fold = scanner(shield=VETO)
    signals = [signal for found in said(fold, in_step(one(1))).values() for signal in found]
    vetoed = [signal for signal in signals if signal.state == "vetoed"]
    assert vetoed
    assert all("exposure" in signal.reasons[0] for signal in vetoed)
