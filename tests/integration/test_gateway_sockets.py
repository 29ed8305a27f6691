"""WebSocket clients in front of a gateway process: snapshot and live, a stuck one, a restart."""

from __future__ import annotations

import json
import signal
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from tests.support.examples import example
from tests.support.gateway_world import GATEWAY, GatewayWorld, gateway_world
from tests.support.hub_world import DEADLINE_S, TRADE, now_trade
from tests.support.paths import ROOT
from tests.support.wait import until

SUBSCRIBE = {"op": "subscribe", "id": 1, "channels": [{"name": "trades", "symbols": ["BTC_USDT"]}]}


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GatewayWorld]:
    run_dir: Path = tmp_path_factory.mktemp("ws")
    gateway = {"sockets": {"silence_s": 0.5, "queue_messages": 200}}
    with gateway_world(run_dir, gateway=gateway) as made:
        yield made


def opened(world: GatewayWorld, path: str = "/ws/v1", **options: Any) -> ClientConnection:
    return connect(world.url.replace("http", "ws") + path, open_timeout=DEADLINE_S, **options)


def read(client: ClientConnection) -> Any:
    """The next message but heartbeats."""
    while True:
        message = json.loads(client.recv(timeout=DEADLINE_S))
        if message.get("op") != "heartbeat":
            return message


def read_until(client: ClientConnection, last_id: int) -> list[int]:
    """Ids of the trades up to one."""
    found: list[int] = []
    while not found or found[-1] != last_id:
        found += [row["trade_id"] for row in read(client).get("data", ())]
    return found


def test_snapshot_then_live_and_the_old_route(world: GatewayWorld) -> None:
    world.feed.publish(TRADE, now_trade(1))
    until(lambda: world.hub.topics("trade."), DEADLINE_S, "the hub to hear a trade")
    with opened(world) as client, opened(world, "/ws") as old:
        hello = read(client)
        assert (hello["op"], hello["heartbeat_s"], "read" in hello["scopes"]) == ("hello", 5.0, True)
        client.send(json.dumps(SUBSCRIBE))
        assert read(client)["channels"] == [{"name": "trades", "topics": 1}]
        assert read_until(client, 1) == [1]
        old.send("ping")
        assert old.recv(timeout=DEADLINE_S) == "pong"
        world.feed.publish(TRADE, now_trade(2))
        assert read_until(client, 2) == [2]
        event = read(old)
        assert (event["type"], event["exchange"], event["data"]["trade_id"]) == ("trade", "binance", 2)


def test_the_client_of_the_manual_works(world: GatewayWorld) -> None:
    names: dict[str, Any] = {"__name__": "manual"}
    exec(example(ROOT / "docs" / "websocket.md", "client"), names)
    world.feed.publish(TRADE, now_trade(10))
    messages = names["follow"](world.url.replace("http", "ws") + "/ws/v1", SUBSCRIBE["channels"])
    found: list[int] = []
    while not found or found[-1] != 10:
        found += [row["trade_id"] for row in next(messages)["data"]]
    messages.close()


def test_a_stuck_client_is_evicted_and_a_healthy_one_gets_every_trade(world: GatewayWorld) -> None:
    host, port = world.url.removeprefix("http://").split(":")
    raw = socket.socket()
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    raw.connect((host, int(port)))
    with opened(world) as healthy, opened(world, sock=raw, max_queue=1) as stuck:
        for client in (healthy, stuck):
            client.send(json.dumps({**SUBSCRIBE, "snapshot": False}))
            while read(client)["op"] != "subscribed":
                pass
        found: list[int] = []
        number = 100

        def is_evicted() -> bool:
            nonlocal number
            first = number + 1
            for _ in range(20):
                trades = [now_trade(one) for one in range(number + 1, number + 101)]
                number += 100
                world.feed.publish(TRADE, *trades)
            found.extend(read_until(healthy, number))
            assert found[-1] - first == 1999
            status = world.hub.status()["actors"][GATEWAY]["detail"] or {}
            return bool(status.get("sockets", {}).get("evicted_by", {}).get("slow_consumer"))

        until(is_evicted, DEADLINE_S, "the stuck client to be evicted")
        assert found == list(range(101, number + 1))
        with pytest.raises(ConnectionClosed):
            read_until(stuck, -1)


def test_a_restart_is_told_and_a_resume_then_says_what_it_cannot(world: GatewayWorld) -> None:
    with opened(world) as client:
        stream = read(client)["stream"]
        world.processes[GATEWAY].send(signal.SIGTERM)
        closing = read(client)
        assert (closing["op"], closing["code"]) == ("closing", "restarting")
        with pytest.raises(ConnectionClosed) as closed:
            client.recv(timeout=DEADLINE_S)
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 1012
    assert world.processes[GATEWAY].wait() == 0
    old_url = world.url
    world.start(GATEWAY)
    until(lambda: world._is_listening() and world.url != old_url, 2 * DEADLINE_S, "the new gateway to listen")
    with opened(world) as client:
        assert read(client)["stream"] != stream
        client.send(json.dumps({**SUBSCRIBE, "op": "resume", "stream": stream, "topics": {TRADE: 5}}))
        answer = read(client)["topics"][TRADE]
        assert not answer["is_complete"]
        assert "another stream" in answer["reason"]
        assert read(client)["op"] == "subscribed"
        snapshot = read(client)
        assert (snapshot["t"], len(snapshot["data"])) == ("snapshot", 100)
