"""What an event costs the order-flow actor: frames of quotes and trades through the fold, against decoding alone.

The events are those of one busy symbol, three quotes to a trade, half of the frames single events and half batches of
ten, with a watermark each quarter of a second, so that flows, footprints and the profile are made and counted in.
"""

from __future__ import annotations

import random
import time
from collections import Counter

from actors.orderflow.fold import Fold
from actors.orderflow.rules import rules_of
from actors.orderflow.settings import OrderFlowSettings
from protocol.codec import decode_events, encode_events
from protocol.instruments import Catalog, Instrument
from protocol.messages import Book, Quote, Trade, Watermark
from protocol.record import Frame, FrameWriter, RecordKind, parse_frame
from protocol.topics import mark_topic
from tests.bench.report import Row, interleaved

NAME = "collector.binance.1"
SYMBOL, VENUE = "BTC_USDT.PERP", "binance"
CATALOG = Catalog([Instrument(symbol=SYMBOL, venues={VENUE: "usdm:BTCUSDT"}, tick_size=0.1)])
START_NS = 1_723_161_600_000_000_000
EVENTS_PER_S = 5_000
"""Of venue time."""
QUARTER_NS = 250_000_000
BATCH = 10
GOAL_PER_S = 200_000.0


def frames_of(count: int, seed: int = 1) -> list[Frame]:
    """So many events in frames as a collector publishes them."""
    rng, writer = random.Random(seed), FrameWriter(NAME, 1)
    found: list[Frame] = []
    ts_ns, price, number, made, next_mark_ns = START_NS, 600_000, 0, 0, START_NS + QUARTER_NS

    def send(topic: str, events: list, kind: int = RecordKind.DATA) -> None:
        data = writer.build(topic, events[0].SCHEMA, encode_events(events), ts_ns, kind)
        found.append(parse_frame(data))

    while made < count:
        is_trades = rng.random() < 0.25
        events: list = []
        for _ in range(rng.choice((1, BATCH))):
            ts_ns += int(rng.expovariate(EVENTS_PER_S) * 1e9)
            price += rng.choice((-1, 0, 0, 0, 0, 1))
            bid, ask = price / 10, (price + 1) / 10
            size = rng.randint(1, 5_000) / 1000
            if is_trades:
                number += 1
                side = rng.choice((1, -1))
                at = ask if side > 0 else bid
                events.append(Trade(SYMBOL, VENUE, ts_ns, ts_ns, at, size, side, number))
            else:
                events.append(
                    Quote(SYMBOL, VENUE, ts_ns, ts_ns, bid, ask, size, rng.randint(1, 5_000) / 1000)
                )
        send(f"{'trade' if is_trades else 'quote'}.{VENUE}.{SYMBOL}", events)
        made += len(events)
        while ts_ns >= next_mark_ns:
            send(mark_topic(NAME), [Watermark(NAME, VENUE, next_mark_ns, True)], RecordKind.TIME)
            next_mark_ns += QUARTER_NS
    return found


def books_of(count: int, seed: int = 2) -> list[Frame]:
    """So many changes of a book of a thousand levels a side, ten levels each, most of them out of reach of the best."""
    rng, writer = random.Random(seed), FrameWriter(NAME, 1)
    bids = [(60_000 - level / 10, 1.0) for level in range(1, 1001)]
    asks = [(60_000 + level / 10, 1.0) for level in range(1, 1001)]
    found: list[Frame] = []
    for number in range(1, count + 1):
        ts_ns = START_NS + number * 100_000_000
        if number == 1:
            event = Book(SYMBOL, VENUE, ts_ns, ts_ns, True, 1, 1, bids, asks)
        else:
            reach = 5 if rng.random() < 0.2 else 900
            levels = [
                ((reach if reach > 5 else 0) + rng.randint(1, 100), rng.randint(0, 9) / 3) for _ in range(10)
            ]
            event = Book(
                SYMBOL, VENUE, ts_ns, ts_ns, False, number, number,
                [(60_000 - level / 10, size) for level, size in levels[:5]],
                [(60_000 + level / 10, size) for level, size in levels[5:]], number - 1,
            )  # fmt: skip
        data = writer.build(f"book.{VENUE}.{SYMBOL}", Book.SCHEMA, encode_events([event]), ts_ns)
        found.append(parse_frame(data))
        if number % 3 == 0:
            mark = Watermark(NAME, VENUE, ts_ns, True)
            data = writer.build(
                mark_topic(NAME), Watermark.SCHEMA, encode_events([mark]), ts_ns, RecordKind.TIME
            )
            found.append(parse_frame(data))
    return found


def events_of(frames: list[Frame]) -> int:
    """Quotes and trades in them."""
    return sum(len(decode_events(frame)) for frame in frames if not frame.topic.startswith("mark."))


def through_fold(frames: list[Frame]) -> float:
    """Seconds of CPU of the fold, decoding and everything that comes out included."""
    fold = Fold(CATALOG, rules_of(OrderFlowSettings()), Counter())
    flows = 0
    started = time.process_time()
    for frame in frames:
        for topic, messages in fold.apply(frame):
            flows += len(messages) if topic.startswith("flow.") else 0
    spent = time.process_time() - started
    assert flows, "no flow was published"
    return spent


def decoded(frames: list[Frame]) -> float:
    """Seconds of CPU of decoding alone."""
    started = time.process_time()
    for frame in frames:
        decode_events(frame)
    return time.process_time() - started


def run(rounds: int, *, quick: bool) -> list[Row]:
    """All rows."""
    frames = frames_of(30_000 if quick else 300_000)
    events = events_of(frames)
    spent, alone, ratio = interleaved(
        rounds, lambda: through_fold(frames) / events * 1e6, lambda: decoded(frames) / events * 1e6
    )
    books = books_of(2_000 if quick else 20_000)
    changes = events_of(books)
    of_books = interleaved(
        rounds, lambda: through_fold(books) / changes * 1e6, lambda: decoded(books) / changes * 1e6
    )
    note = f"{events:,} events in {len(frames):,} frames each round"
    return [
        Row(
            "orderflow", "events through the fold", 1e6 / spent, 0.0, "events/s", 0.0, GOAL_PER_S,
            at_most=False, of_value=True, note=note,
        ),
        Row("orderflow", "CPU per event, against decoding it", spent, alone, "us", ratio),
        Row("orderflow", "CPU per book change of ten levels", of_books[0], of_books[1], "us", of_books[2]),
    ]  # fmt: skip
