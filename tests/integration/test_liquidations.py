"""Liquidations from the venue's stream to the bus: a real simulator and a real collector with its own settings."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.support.config import at_simulator, write_config
from tests.support.peers import Peers, peers_of
from tests.support.process import ActorProcess
from tests.support.wait import until

COLLECTOR, SIMULATOR = "collector.binance.1", "simulator.1"
PERP = "BTC_USDT.PERP"


def ask(peers: Peers, name: str, op: str, **fields: Any) -> Any:
    reply = peers.ask(name, op, **fields)
    assert reply.ok, reply
    return msgspec.msgpack.decode(reply.data)


def test_a_cascade_comes_out_as_liquidations_one_a_second(run_dir: Path) -> None:
    with peers_of(run_dir) as peers:
        quiet = {"port": 0, "rate_per_s": 100, "liquidation_share": 0}
        section: dict[str, Any] = {"symbols": [PERP], "watermark_s": 0.05}
        config = write_config(run_dir, {SIMULATOR: quiet, COLLECTOR: section}, heartbeat_s=0.05)
        with ActorProcess("simulator", SIMULATOR, config) as venue:
            venue.wait_for_text("RUNNING")
            port = ask(peers, SIMULATOR, "port")
            config = write_config(
                run_dir, {SIMULATOR: quiet, COLLECTOR: section | at_simulator(port)}, heartbeat_s=0.05
            )
            ear = peers.ear(COLLECTOR)
            with ActorProcess("collector", COLLECTOR, config):
                ear.beat("RUNNING")
                ear.events(f"trade.binance.{PERP}", 1)
                status = until(lambda: all_subscribed(peers), 40.0, "every stream confirmed")
                assert status is not None
                usdm = status["markets"]["usdm"]
                assert usdm["streams"] == 4
                assert sum(usdm["silence"].values()) == 3, "a stream of liquidations may be silent for hours"

                args = {"symbol": PERP, "count": 6, "notional": 300_000, "seconds": 1.5, "side": -1}
                begun = ask(peers, SIMULATOR, "liquidations", args=args)
                found = ear.events(f"liquidation.binance.{PERP}", 2)
                assert all(not one.validate() for one in found)
                assert {(one.symbol, one.venue, one.side) for one in found} == {(PERP, "binance", -1)}
                assert [one.price * one.size for one in found] == pytest.approx([50_000, 50_000], rel=0.02)
                assert found[0].ts_event_ns >= begun["begins_ms"] * 1_000_000
                assert 0 < found[1].ts_event_ns - found[0].ts_event_ns < 1.5e9
                assert all(one.ts_recv_ns - one.ts_event_ns < 3e9 for one in found)
                counters = ask(peers, COLLECTOR, "status")["counters"]
                assert counters["liquidations_received"] == 2
                (truth,) = ask(peers, SIMULATOR, "truth", args={"symbol": PERP})
                assert truth["forced_orders"] >= 5


def all_subscribed(peers: Peers) -> dict[str, Any] | None:
    """The collector's status once all its streams are confirmed."""
    lines = ask(peers, COLLECTOR, "connections")
    status: dict[str, Any] = ask(peers, COLLECTOR, "status")
    return status if sum(line.get("active", 0) for line in lines) == 4 else None
