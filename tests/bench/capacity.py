"""What a hub takes that keeps 5,000 candles of each of 500 symbols. Fed once, then weighed."""

from __future__ import annotations

import contextlib
import time
from typing import Final

from msgspec import structs

from protocol.client.hub import Hub
from protocol.endpoints import Endpoints
from protocol.topics import market_topic
from protocol.transport import Wire
from tests.bench.feeder import VENUE, bars_of, sign_of_life
from tests.bench.reads import COLLECTOR
from tests.bench.report import Row
from tests.soak.sampling import sample_of
from tests.support.config import write_config
from tests.support.paths import short_folder
from tests.support.process import ActorProcess
from tests.support.wait import until

SYMBOLS: Final = 500
CANDLES: Final = 5000
PER_FRAME: Final = 100
AHEAD: Final = 20
"""Symbols that are sent before it is asked how far the hub is."""
GOAL_MIB: Final = 1024.0
DEADLINE_S: Final = 120.0


def run(rounds: int, *, quick: bool) -> list[Row]:
    """One row, of one round: what is kept is the same each time."""
    del rounds, quick
    names = [f"S{number:03d}_USDT" for number in range(SYMBOLS)]
    bars = bars_of(names[0], CANDLES, time.time_ns())
    with contextlib.ExitStack() as stack:
        folder = stack.enter_context(short_folder())
        endpoints = Endpoints(folder)
        endpoints.prepare()
        config = write_config(folder, {COLLECTOR: {}, "hub.1": {}}, {name: {} for name in names})
        wire = stack.enter_context(Wire())
        publisher = wire.publisher(endpoints.pub(COLLECTOR), COLLECTOR, int(time.time()), time.time_ns)
        hub_process = stack.enter_context(ActorProcess("hub", "hub.1", config))
        hub = stack.enter_context(Hub(endpoints.query("hub.1"), timeout_s=30.0))
        publisher.socket.poll()
        publisher.subscriptions()
        empty = sample_of(hub_process.pid, 0.0)
        for number, name in enumerate(names, 1):
            mine = [structs.replace(bar, symbol=name) for bar in bars]
            topic = market_topic("bar", VENUE, name, "1m")
            for start in range(0, CANDLES, PER_FRAME):
                publisher.publish(topic, mine[start : start + PER_FRAME])
            if number % AHEAD == 0:
                sign_of_life(publisher)
                publisher.flush()
                until(lambda: candles_in(hub) >= number * CANDLES, DEADLINE_S, "the hub to have taken them")  # noqa: B023
        full = sample_of(hub_process.pid, 0.0)
        assert full is not None
        assert empty is not None
        assert len(hub.candles(names[-1], "1m", CANDLES, allow_stale=True)) == CANDLES
    what = f"hub with {SYMBOLS} symbols x {CANDLES:,} candles"
    note = f"{empty.rss_mib:.0f} MiB empty; the other actors of the default system: startup"
    return [
        Row(
            "capacity", what, full.rss_mib, 0.0, "MiB", 0.0, GOAL_MIB, of_value=True, note=note, goal_id="capacity"
        )
    ]  # fmt: skip


def candles_in(hub: Hub) -> int:
    """Candles that it has taken."""
    return sum(topic.events for topic in hub.topics() if topic.topic.startswith("bar."))
