"""Two persistence actors that store different kinds: a hub that starts has both, and asks each for its own past."""

from __future__ import annotations

import contextlib
import time

import pytest

from protocol.client import Hub
from protocol.errors import HubError
from protocol.messages import BUY, Bar, Trade
from tests.support.config import write_config
from tests.support.journalled_source import JournalledSource
from tests.support.peers import peers_of
from tests.support.process import ActorProcess
from tests.support.wait import until
from tests.unit.actors.hub.samples import MINUTE_NS, bar

COLLECTOR, AGGREGATOR = "collector.binance.1", "aggregator.1"
ACTORS = {
    COLLECTOR: {},
    AGGREGATOR: {},
    "journal.1": {},
    "persistence.1": {"kinds": ["trade", "quote"], "database": "sqlite:///ticks.sqlite", "batch_s": 0.05},
    "persistence.2": {"kinds": ["bar", "gap"], "database": "sqlite:///derived.sqlite", "batch_s": 0.05},
    "hub.1": {"trade_window": 10, "bar_window": 10},
}
DEADLINE_S = 50.0


@pytest.mark.long
def test_a_hub_is_warm_from_both_and_finds_each_past_where_it_is(run_dir) -> None:
    config = write_config(run_dir, ACTORS, heartbeat_s=0.05)
    start_ns = time.time_ns() // MINUTE_NS * MINUTE_NS - 40 * MINUTE_NS
    with contextlib.ExitStack() as stack:
        peers = stack.enter_context(peers_of(run_dir))
        sources = {
            name: JournalledSource(peers.wire, run_dir, peers.endpoints.pub(name), name)
            for name in (COLLECTOR, AGGREGATOR)
        }
        for number in range(30):
            at_ns = start_ns + number * MINUTE_NS
            trade = Trade("BTC_USDT", "binance", at_ns, at_ns, 100.0 + number, 1.0, BUY, number)
            sources[COLLECTOR].send("trade.binance.BTC_USDT", trade)
            candle: Bar = bar(0, ts_open_ns=at_ns)
            sources[AGGREGATOR].send("bar.binance.BTC_USDT.1m", candle)
        for source in sources.values():
            source.beat()
        for name in ("journal.1", "persistence.1", "persistence.2"):
            stack.enter_context(ActorProcess(name.partition(".")[0], name, config))
        hub_process = stack.enter_context(ActorProcess("hub", "hub.1", config))
        hub = stack.enter_context(Hub(run_dir, timeout_s=DEADLINE_S))

        def is_all_stored() -> bool:
            for source in sources.values():
                source.beat()
            with contextlib.suppress(HubError):
                trades = hub.history("BTC_USDT", kind="trade")
                candles = hub.history("BTC_USDT", kind="bar")
                return (len(trades), len(candles)) == (30, 30)
            return False

        until(is_all_stored, DEADLINE_S, "all rows of both stores")
        assert hub_process.stop() == 0
        stack.enter_context(ActorProcess("hub", "hub.1", config))
        until(lambda: _windows(hub) == (10, 10), DEADLINE_S, "windows from both stores")


def _windows(hub: Hub) -> tuple[int, ...]:
    with contextlib.suppress(HubError):
        return len(hub.trades("BTC_USDT", 0, allow_stale=True)), len(
            hub.candles("BTC_USDT", "1m", 0, allow_stale=True)
        )
    return ()
