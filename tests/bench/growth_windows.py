"""Growth with the depth of windows: memory of a hub against the candles that it keeps, and a read against the candles asked for."""

from __future__ import annotations

import contextlib
import statistics
import time
from typing import Final

from msgspec import structs

from protocol.client.hub import Hub
from protocol.endpoints import Endpoints
from protocol.topics import market_topic
from protocol.transport import Wire
from tests.bench.feeder import VENUE, bars_of, sign_of_life
from tests.bench.growth_feeder import NAME, names_of
from tests.bench.knees import Knee, reason, rising
from tests.bench.report import Row, say
from tests.bench.series import Plot, plot_of
from tests.bench.spent import cpu_s
from tests.soak.sampling import sample_of
from tests.support.config import write_config
from tests.support.paths import short_folder
from tests.support.process import ActorProcess
from tests.support.wait import until

DEPTHS: Final = (500, 2000, 5000, 20_000)
READS: Final = (1, 10, 100, 1000, 5000, 20_000)
SYMBOLS: Final = 50
PER_FRAME: Final = 100
TIMES: Final = 400
ROW_BYTES: Final = 112
DEADLINE_S: Final = 120.0


def candles_in(hub: Hub) -> int:
    """Candles that it has taken."""
    return sum(topic.events for topic in hub.topics("bar."))


def measured(
    depth: int, reads: tuple[int, ...], times: int
) -> tuple[float, float, dict[int, tuple[float, float]]]:
    """(MiB of windows, us of the hub per candle taken, reads by candles: us for the engine, us of the hub)."""
    names = names_of(SYMBOLS)
    with contextlib.ExitStack() as stack:
        folder = stack.enter_context(short_folder())
        endpoints = Endpoints(folder)
        endpoints.prepare()
        symbols = {name: {"venues": {"binance": f"spot:{name.replace('_', '')}"}} for name in names}
        config = write_config(folder, {NAME: {}, "hub.1": {"bar_window": depth}}, symbols)
        wire = stack.enter_context(Wire())
        publisher = wire.publisher(endpoints.pub(NAME), NAME, time.time_ns(), time.time_ns)
        process = stack.enter_context(ActorProcess("hub", "hub.1", config))
        hub = stack.enter_context(Hub(endpoints.query("hub.1"), timeout_s=30.0))
        publisher.socket.poll()
        publisher.subscriptions()
        bars = bars_of(names[0], depth, time.time_ns())
        empty, began_s = sample_of(process.pid, 0.0), cpu_s(process.pid)
        for number, name in enumerate(names, 1):
            topic = market_topic("bar", VENUE, name, "1m")
            for start in range(0, depth, PER_FRAME):
                publisher.publish(
                    topic, [structs.replace(bar, symbol=name) for bar in bars[start : start + PER_FRAME]]
                )
            sign_of_life(publisher)
            until(lambda: candles_in(hub) >= number * depth, DEADLINE_S, "the hub to have taken them")  # noqa: B023
        full, spent_s = sample_of(process.pid, 0.0), cpu_s(process.pid) - began_s
        assert empty is not None
        assert full is not None
        found = {
            count: read_us(hub, names[0], count, times, process.pid) for count in reads if count <= depth
        }
    return full.rss_mib - empty.rss_mib, spent_s / (SYMBOLS * depth) * 1e6, found


def read_us(hub: Hub, symbol: str, count: int, times: int, pid: int) -> tuple[float, float]:
    """(median time for the engine, processor time of the hub) of one read of so many candles, us."""
    assert len(hub.candles(symbol, "1m", count, allow_stale=True)) == count
    took, began_s = [], cpu_s(pid)
    for _ in range(times):
        started_s = time.perf_counter()
        hub.candles(symbol, "1m", count, allow_stale=True)
        took.append(time.perf_counter() - started_s)
    return statistics.median(took) * 1e6, (cpu_s(pid) - began_s) / times * 1e6


def run(
    times: int = TIMES, depths: tuple[int, ...] = DEPTHS, reads: tuple[int, ...] = READS
) -> tuple[list[Row], list[Plot]]:
    """Rows of the ends, two plots."""
    sizes, costs, found = [], [], {}
    for depth in depths:
        say(f"% growth: {depth:,} candles kept of {SYMBOLS} symbols")
        size, cost, found = measured(depth, reads, times)
        sizes.append(size)
        costs.append(cost)
    asked = sorted(found)
    engine, own = [found[count][0] for count in asked], [found[count][1] for count in asked]
    xs, counts = [float(depth) for depth in depths], [float(count) for count in asked]
    x = rising(counts, engine)
    knee = (
        Knee(x, reason({"bytes of an answer": [n * ROW_BYTES for n in counts]}, engine, len(engine)))
        if x
        else None
    )
    per_candle = sizes[-1] * 1024 * 1024 / (SYMBOLS * depths[-1])
    rows = [
        Row("growth", f"hub, {depths[-1]:,} candles kept against {depths[0]}", sizes[-1], sizes[0], "MiB", sizes[-1] / sizes[0],
            note=f"{SYMBOLS} symbols; {per_candle:.0f} bytes a candle; taking one costs {costs[0]:.1f} us at the least depth, {costs[-1]:.1f} us at the most"),
        Row("growth", f"read of {asked[-1]:,} candles against {asked[0]}", engine[-1], engine[0], "us p50", engine[-1] / engine[0],
            note="; ".join(f"{n:,}: {took:.0f} us, {cpu:.0f} of them the hub's" for n, took, cpu in zip(asked, engine, own, strict=True))),
    ]  # fmt: skip
    plots = [
        plot_of("growth-windows-memory", "Memory of a hub's windows against candles kept", "candles kept of each symbol", "MiB",
                xs, {"windows": sizes}, None, f"{SYMBOLS} symbols, one timeframe"),
        plot_of("growth-windows-read", "A read against the candles asked for", "candles", "us", counts,
                {"for the engine, p50": engine, "of the hub, processor": own}, knee, "over the socket"),
    ]  # fmt: skip
    return rows, plots
