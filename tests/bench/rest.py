"""The one-second REST pipeline: a cycle in which nothing has to be asked, and an engine's read of everything.

The cycle is the orchestrator's over 100 instruments in market hours, each looked at a moment ago. The read is one snapshot
of 100 instruments, the newest candle and its ten indicators of each, against an echo of the very same bytes; the scanner
that this replaces aimed at 50 ms.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import msgspec

from actors.collector.bars.settings import LimitSettings, ProviderSettings
from protocol.client import Hub, questions
from protocol.endpoints import Endpoints
from protocol.errors import HubError
from protocol.instruments import Instrument
from protocol.messages import Bar, Feature
from protocol.requests import encode_request
from protocol.topics import market_topic
from tests.bench.reads import echo_of, median_s, raw_reply
from tests.bench.report import Row, interleaved, say
from tests.support.config import write_config
from tests.support.feed import Feed
from tests.support.paths import short_folder
from tests.support.process import ActorProcess
from tests.support.providers.listings import listings
from tests.support.providers.market import Market
from tests.support.providers.voice import TEST_KEY
from tests.support.providers.world import World
from tests.support.virtual_bars import SETTINGS, VirtualBars
from tests.support.wait import until

SYMBOLS: Final = 100
SECOND_NS: Final = 1_000_000_000
START_NS: Final = int(datetime(2026, 1, 6, 15, 0, tzinfo=UTC).timestamp()) * SECOND_NS
"""A Tuesday on which every market is open."""
CYCLE_GOAL_MS: Final = 10.0
READ_GOAL_MS: Final = 5.0
VALUES: Final = (
    "rsi_14", "ema_9", "ema_20", "ema_50", "bb_upper_20_2", "bb_middle_20_2", "bb_lower_20_2", "atr_14",
    "macd_12_26_9", "macd_signal_12_26_9", "macd_hist_12_26_9", "vwap", "volume_ma_20", "mom_10",
)  # fmt: skip


def run(rounds: int, *, quick: bool) -> list[Row]:
    """Rows: the cycle, p50 and p99; the read, p50 and p99."""
    return [*cycle_rows(100 if quick else 1000), *read_rows(rounds, 20 if quick else 300)]


def cycle_rows(times: int) -> list[Row]:
    """Milliseconds of a cycle in which every instrument is up to date."""
    chosen = listings(SYMBOLS)
    world = World(Market(chosen), START_NS, limits={})
    instruments = [msgspec.convert({**one.entry(), "symbol": one.symbol}, Instrument) for one in chosen]
    plan = ProviderSettings(key=TEST_KEY, limits=[LimitSettings(calls=100_000, per_s=60.0)])
    settings = msgspec.structs.replace(SETTINGS, providers=dict.fromkeys(SETTINGS.order, plan))
    bars = VirtualBars(world, instruments, START_NS, settings)
    bars.run(START_NS + 185 * SECOND_NS)
    calls, found = bars.counters["calls"], []
    for number in range(times):
        now_ns = bars.now_ns + number * 1_000_000
        started_s = time.perf_counter()
        asks = bars.orchestrator.advance(now_ns) + bars.orchestrator.cycle(now_ns)
        found.append((time.perf_counter() - started_s) * 1e3)
        assert not asks
    say(f"  {calls} calls before it, none in it")
    return _spread("cycle, 100 symbols, nothing to ask", found, CYCLE_GOAL_MS)


def read_rows(rounds: int, times: int) -> list[Row]:
    """Milliseconds of a snapshot of all instruments by the client."""
    names = [one.symbol for one in listings(SYMBOLS)]
    asked = [
        question
        for name in names
        for question in (questions.candles(name, "1m", 1), questions.features(name, "1m"))
    ]
    with short_folder() as folder:
        config = write_config(folder, {"collector.rest.1": {}, "hub.1": {}}, {name: {} for name in names})
        endpoints = Endpoints(folder)
        endpoints.prepare()
        with (
            Feed(endpoints, "collector.rest.1") as feed,
            ActorProcess("hub", "hub.1", config),
            Hub(endpoints.query("hub.1"), timeout_s=10.0) as hub,
        ):
            until(lambda: _publish(feed, names) or _has_all(hub, asked), 15.0, "the hub to have everything")
            read = _reader(hub, asked)
            found = [_timed_ms(read) for _ in range(times)]
            request = encode_request(questions.snapshot(asked, allow_stale=True).request)
            with echo_of(raw_reply(endpoints.query("hub.1"), request), request, Path(folder), "snapshot") as (
                ask,
                _,
            ):
                ours, raw, ratio = interleaved(
                    rounds, lambda: median_s(read, times) * 1e3, lambda: median_s(ask, times) * 1e3
                )
    what = "read, 100 symbols with indicators"
    return [
        *_spread(what, found, READ_GOAL_MS),
        Row("rest", f"{what}, against an echo of its bytes", ours, raw, "ms p50", ratio),
    ]


def _publish(feed: Feed, names: list[str]) -> None:
    minute_ns = time.time_ns() // (60 * SECOND_NS) * 60 * SECOND_NS
    values = {name: 1.0 + number / 7 for number, name in enumerate(VALUES)}
    for name in names:
        bar = Bar(
            name, "rest", "1m", minute_ns, minute_ns + SECOND_NS, 1.15, 1.16, 1.14, 1.155, 12.5, 0.0, 0.0, 1.15, 7,
            "open", 1.0, 0, "yahoo", time.time_ns(),
        )  # fmt: skip
        feature = Feature(name, "rest", "1m", minute_ns, minute_ns + SECOND_NS, True, values)
        feed.publish(market_topic("bar", "rest", name, "1m"), bar)
        feed.publish(market_topic("feature", "rest", name, "1m"), feature)


def _reader(hub: Hub, asked: list[Any]) -> Callable[[], list[Any]]:
    def read() -> list[Any]:
        return hub.snapshot(asked, allow_stale=True)

    return read


def _has_all(hub: Hub, asked: list[Any]) -> bool:
    found = hub.snapshot(asked, allow_stale=True)
    return not any(isinstance(one, HubError) for one in found)


def _timed_ms(work: Callable[[], Any]) -> float:
    started_s = time.perf_counter()
    work()
    return (time.perf_counter() - started_s) * 1e3


def _spread(what: str, found_ms: list[float], goal_ms: float) -> list[Row]:
    ordered = sorted(found_ms)
    p50, p99 = statistics.median(ordered), ordered[int(len(ordered) * 0.99)]
    return [
        Row("rest", f"{what}, p50", p50, 0.0, "ms", 0.0, goal_ms, of_value=True),
        Row("rest", f"{what}, p99", p99, 0.0, "ms", 0.0),
    ]
