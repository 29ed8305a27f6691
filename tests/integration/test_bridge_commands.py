"""What the command line says of a bridge: tap, why, status, doctor, config check; and the asynchronous reader."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from protocol.client import AsyncNats, Missing
from protocol.errors import HubUnreachable
from tests.support.bridge_world import BRIDGE, WAIT_S, BridgeWorld
from tests.support.config import write_config
from tests.support.nats_server import NatsServer, needs_nats
from tests.support.tapehub_command import Command, run
from tests.support.wait import until

pytestmark = [needs_nats, pytest.mark.long]


def test_commands_see_the_bridge_and_the_mirror(run_dir: Path) -> None:
    with NatsServer(run_dir) as nats, BridgeWorld(run_dir, nats) as world:
        world.start()
        world.send(20)
        world.wait_until_stored()
        words = ["tap", "trade.binance.BTC_USDT$", "--nats", nats.url, "-n", "30", "--json"]
        with Command(*words, cwd=run_dir) as tap:
            tap.wait_for_text("topics trade.binance.BTC_USDT")
            for _ in range(3):
                world.send(10)
            result = tap.finished()
        ids = [row["trade_id"] for row in result.rows]
        assert result.code == 0
        assert ids == list(range(ids[0], ids[0] + 30))
        assert ", 0 gaps" in result.err
        at = ("--config", world.config)
        good = run(*at, "doctor", cwd=run_dir)
        assert "NATS 2" in good.out
        assert "stream TAPEHUB: " in good.out
        hops = run(*at, "why", "BTC_USDT", "--json", "--for", "100ms", cwd=run_dir).document["hops"]
        assert [hop["status"] for hop in hops if hop["place"] == "bridge"] == ["OK"]
        nats.kill()
        until(lambda: world.mirror().get("state") in ("failed", "opening"), WAIT_S, "the bridge to see it")
        rows = run(*at, "status", "--json", cwd=run_dir).document["actors"]
        note = next(row["note"] for row in rows if row["name"] == BRIDGE)
        assert note.startswith("mirrors nothing")
        bad = run(*at, "doctor", cwd=run_dir)
        assert (bad.code, "no NATS server answers" in bad.out) == (1, True)
        nobody = run("tap", "trade", "--nats", nats.url, "--for", "1s", cwd=run_dir)
        assert nobody.code == 4


def test_a_configuration_is_judged_whole(run_dir: Path) -> None:
    sections = {
        "bridge.1": {"servers": ["nats://me:hush@h"], "topics": ["nothing."]},
        "bridge.2": {"login": {"token_env": "NO_SUCH_VARIABLE"}},
    }
    config = write_config(run_dir, sections)
    found = run("--config", config, "config", "check", cwd=run_dir)
    assert found.code == 78
    assert "actors.bridge.1.servers[0]" in found.err
    assert "no kind 'nothing'" in found.err
    assert "the environment has no NO_SUCH_VARIABLE" in found.err
    assert "hush" not in found.out + found.err


def test_the_asynchronous_reader_reads_the_same(run_dir: Path) -> None:
    with NatsServer(run_dir) as nats, BridgeWorld(run_dir, nats) as world:
        world.start()
        world.send(500)
        world.wait_until_stored()
        gaps: list[Missing] = []

        async def read() -> tuple[list[int], str]:
            async with AsyncNats(nats.url) as reader:
                stream = reader.stream("trade.", 400, on_gap=gaps.append, idle_s=10.0)
                found = [int(getattr(await anext(stream), "trade_id")) for _ in range(400)]  # noqa: B009
                await asyncio.to_thread(world.send, 100)
                found += [int(getattr(await anext(stream), "trade_id")) for _ in range(100)]  # noqa: B009
                await stream.aclose()  # type: ignore[attr-defined]
                return found, str((await reader.status())["bridge"])

        found, bridge = asyncio.run(read())
        assert found == list(range(101, 601))
        assert bridge == BRIDGE
        assert not gaps

    async def unreachable() -> None:
        async for _ in AsyncNats("nats://127.0.0.1:1").stream("trade."):
            pass

    with pytest.raises(HubUnreachable):
        asyncio.run(unreachable())
