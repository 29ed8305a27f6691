"""A hub that cannot keep up: old quotes are left out and counted, nothing else is, it says so, and it says when it is over."""

import os
import signal
import time
from pathlib import Path

import pytest

from protocol.client import Hub
from protocol.messages import Quote, Trade, Watermark
from protocol.record import RecordKind
from protocol.topics import mark_topic, market_topic
from tests.support.config import write_config
from tests.support.journalled_source import JournalledSource
from tests.support.peers import peers_of
from tests.support.process import ActorProcess
from tests.support.wait import until

COLLECTOR = "collector.binance.1"
SYMBOLS = ("BTC_USDT", "ETH_USDT")
DEADLINE_S = 60.0
LIMIT_S = 0.05
ROUNDS = 600
"""Of one quote of each symbol; each tenth with a trade. More than a hub takes in one turn, so that some wait."""


class Flood:
    """Quotes and trades in turn, numbered."""

    def __init__(self, source: JournalledSource) -> None:
        self.source = source
        self.quotes = self.trades = 0

    def quote(self, symbol: str) -> None:
        self.quotes += 1
        now_ns = time.time_ns()
        quote = Quote(symbol, "binance", now_ns, now_ns, 100.0 + self.quotes, 1e6, 1.0, 1.0, self.quotes)
        self.source.send(market_topic("quote", "binance", symbol), quote)

    def trade(self) -> None:
        self.trades += 1
        now_ns = time.time_ns()
        trade = Trade(SYMBOLS[0], "binance", now_ns, now_ns, 100.0, 1.0, 1, self.trades)
        self.source.send(market_topic("trade", "binance", SYMBOLS[0]), trade)

    def round(self, number: int) -> None:
        for symbol in SYMBOLS:
            self.quote(symbol)
        if number % 10 == 0:
            self.trade()

    def sign_of_life(self) -> None:
        mark = Watermark(COLLECTOR, "binance", time.time_ns(), is_connected=True)
        self.source.send(mark_topic(COLLECTOR), mark, kind=RecordKind.TIME)
        self.source.beat()


def stop(process: ActorProcess) -> None:
    """Stop it, and wait until it is."""
    process.send(signal.SIGSTOP)
    os.waitid(os.P_PID, process.pid, os.WSTOPPED | os.WNOWAIT)


def counters(hub: Hub) -> dict[str, int]:
    return hub.status()["counters"]


@pytest.mark.parametrize("are_lost", [False, True], ids=["all on the bus", "fetched from the journal"])
def test_a_hub_that_was_stopped_in_a_flood_leaves_out_old_quotes_only_and_says_so(
    run_dir: Path, are_lost: bool
):
    config = write_config(
        run_dir,
        {COLLECTOR: {}, "journal.1": {}, "hub.1": {"quote_ttl_s": 600, "trade_ttl_s": 600}},
        heartbeat_s=LIMIT_S / 2,
        bus={"lagging_s": LIMIT_S},
    )
    with peers_of(run_dir) as peers:
        endpoint = peers.endpoints.pub(COLLECTOR)
        flood = Flood(JournalledSource(peers.wire, run_dir, endpoint, COLLECTOR))
        with (
            ActorProcess("journal", "journal.1", config),
            ActorProcess("hub", "hub.1", config) as process,
            Hub(run_dir, timeout_s=DEADLINE_S) as hub,
        ):

            def has_heard() -> bool:
                flood.sign_of_life()
                return hub.status()["actors"][COLLECTOR]["is_alive"]

            until(has_heard, DEADLINE_S, "the hub to hear the feed")
            stop(process)
            flood.source.loses = are_lost
            began_s = time.monotonic()
            for number in range(ROUNDS):
                flood.round(number)
            until(lambda: time.monotonic() > began_s + 2 * LIMIT_S, DEADLINE_S, "what was sent to be old")
            flood.source.loses = False
            flood.sign_of_life()
            process.send(signal.SIGCONT)
            process.wait_for_text("LAGGING: ", DEADLINE_S)

            def has_all() -> bool:
                flood.sign_of_life()
                return counters(hub)["trades_received"] == flood.trades

            until(has_all, DEADLINE_S, "every trade")
            process.wait_for_text("recovered after ", DEADLINE_S)
            told = hub.status()
            status = {**told["hub"], "counters": told["counters"]}
            ids = [trade.trade_id for trade in hub.trades(SYMBOLS[0], flood.trades, allow_stale=True)]
            newest = [hub.tick(symbol, allow_stale=True).bid for symbol in SYMBOLS]
        flood.source.close()

    assert ids == list(range(1, flood.trades + 1))
    assert newest == [100.0 + flood.quotes - 1, 100.0 + flood.quotes]
    assert status["counters"]["quotes_conflated"] > 0
    assert status["counters"]["ticks_received"] == flood.quotes, "those left out have come, too"
    assert status["counters"]["lagging_spells"] >= 1
    assert status["recovered"]["worst_s"] > LIMIT_S
    assert status["bus"]["missing"] == 0
