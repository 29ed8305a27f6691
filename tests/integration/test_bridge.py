"""The bridge as a process and a real NATS server: byte for byte, each once, in order, whatever is killed or cut."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from protocol.client import AsyncNats, Missing, Nats
from protocol.errors import HubUnreachable, NoData, Unauthorized
from protocol.messages import Trade
from tests.support.bridge_world import COLLECTOR, WAIT_S, BridgeWorld
from tests.support.certificates import certificate
from tests.support.cutting_proxy import CuttingProxy
from tests.support.mirrored import read_mirror
from tests.support.nats_server import NatsServer, needs_nats
from tests.support.wait import until

pytestmark = needs_nats
SEED = "SUACSSL3UAHUDXKFSNVUZRF5UHPMWZ6BFDTJ7M6USDXIEDNPPQYYYCU3VY"
PUBLIC = "UDXU4RCSJNZOIQHZNWXHXORDPRTGNJAHAHFRGZNEEJCPQTT2M7NLCNF4"
"""The example of docs.nats.io, NKeys."""


@pytest.fixture
def nats(run_dir: Path) -> Iterator[NatsServer]:
    with NatsServer(run_dir) as found:
        yield found


def ids(nats: NatsServer, topic: str, snapshot: int, gaps: list[Missing] | None = None) -> list[int]:
    with Nats(nats.url) as reader:
        on_gap = gaps.append if gaps is not None else None
        found = reader.stream(topic, snapshot, on_gap=on_gap, idle_s=0.5)
        return [int(message.trade_id) for message in found if isinstance(message, Trade)]


async def newest(nats: NatsServer) -> list[int]:
    """The last trade of each symbol, as the asynchronous reader has it."""
    async with AsyncNats(nats.url) as reader:
        return [getattr(message, "trade_id", 0) async for message in reader.stream("trade.", 1, idle_s=0.2)]


def test_everything_is_mirrored_once_also_over_a_kill_and_a_restart_of_the_server(
    run_dir: Path, nats: NatsServer
) -> None:
    with BridgeWorld(run_dir, nats) as world:
        world.send(300)
        bridge = world.start()
        world.wait_until_stored()
        bridge.kill()
        world.send(300)
        nats.kill()
        world.start()
        world.send(100, "ETH_USDT")
        nats.start()
        world.send(100)
        world.wait_until_stored()
        assert world.verdict().is_good
        assert world.verdict().records == 800
        assert ids(nats, "trade.binance.BTC_USDT$", 150) == [*range(551, 601), *range(701, 801)]
        assert ids(nats, "trade.", 2) == [799, 800, 699, 700]
        assert asyncio.run(newest(nats)) == [800, 700]
        status = world.status()
        assert status["mirror"]["state"] == "mirroring"
        assert status["mirror"]["holes"] == 0
        assert world.bridge.stop() == 0
        assert dict(read_mirror(nats.server).positions[-1].positions)[COLLECTOR] == (5, 801)


@pytest.mark.long
@pytest.mark.parametrize("seed", range(4))
def test_a_kill_or_cut_within_a_message_neither_loses_nor_doubles(
    run_dir: Path, nats: NatsServer, seed: int
) -> None:
    with CuttingProxy(nats.port) as proxy, BridgeWorld(run_dir, nats, {"servers": [proxy.url]}) as world:
        world.start()
        for turn in range(4):
            kills = (turn + seed) % 2 == 0
            proxy.arm(2_000 + 7_919 * turn + 131 * seed, world.bridge.kill if kills else lambda: None)
            world.send(400)
            assert proxy.fell.wait(WAIT_S)
            world.send(200)
            if kills:
                world.start()
            world.wait_until_stored()
        verdict = world.verdict()
        assert verdict.is_good, verdict
        assert verdict.records == 2400


@pytest.mark.long
def test_a_frozen_line_is_left_and_a_stopped_bridge_goes_on(run_dir: Path, nats: NatsServer) -> None:
    settings = {"ack_timeout_s": 1.0, "connect_timeout_s": 1.0}
    with (
        CuttingProxy(nats.port) as proxy,
        BridgeWorld(run_dir, nats, {**settings, "servers": [proxy.url]}) as world,
    ):
        world.start()
        world.send(100)
        world.wait_until_stored()
        proxy.freeze()
        world.send(100)
        until(lambda: "trouble" in world.mirror(), WAIT_S, "the bridge to see that nothing is confirmed")
        proxy.thaw()
        world.wait_until_stored()
        world.bridge.send(signal.SIGSTOP)
        world.send(100)
        world.bridge.send(signal.SIGCONT)
        world.wait_until_stored()
        assert world.verdict().is_good
        assert world.mirror()["failures"] >= 1


@pytest.mark.long
def test_a_stream_set_back_by_a_power_cut_is_filled_again(run_dir: Path, nats: NatsServer) -> None:
    with BridgeWorld(run_dir, nats) as world, Nats(nats.url) as reader:
        world.start()
        world.send(200)
        world.wait_until_stored()
        gaps: list[Missing] = []
        live = reader.stream("trade.", 1000, on_gap=gaps.append)
        heard = [int(next(live).trade_id) for _ in range(200)]  # type: ignore[attr-defined]
        nats.stop()
        nats.save()
        nats.start()
        world.send(200)
        heard += [int(next(live).trade_id) for _ in range(200)]  # type: ignore[attr-defined]
        world.wait_until_stored()
        nats.kill()
        nats.restore()
        nats.start()
        world.send(100)
        world.wait_until_stored()
        heard += [int(next(live).trade_id) for _ in range(100)]  # type: ignore[attr-defined]
        live.close()  # type: ignore[attr-defined]
        assert heard == list(range(1, 501))
        assert not gaps
        assert world.verdict().is_good


@pytest.mark.long
def test_a_deleted_stream_is_made_again_and_filled_again(run_dir: Path, nats: NatsServer) -> None:
    with BridgeWorld(run_dir, nats) as world:
        world.start()
        world.send(100)
        world.wait_until_stored()
        nats.ask("$JS.API.STREAM.DELETE.TAPEHUB")
        world.send(100)
        world.wait_until_stored()
        assert world.verdict().is_good
        assert "no stream" in world.bridge.stdout_text + world.bridge.stderr_text


@pytest.mark.long
def test_a_stream_that_dropped_everything_goes_on_where_the_journals_say(
    run_dir: Path, nats: NatsServer
) -> None:
    with BridgeWorld(run_dir, nats, {"begins": "now"}) as world:
        bridge = world.start()
        until(lambda: world.mirror().get("stored_seq"), WAIT_S, "the first position")
        world.send(100)
        world.wait_until_stored()
        until(lambda: world.acknowledged() >= 101, WAIT_S, "the journal to know of it")
        bridge.kill()
        nats.ask("$JS.API.STREAM.PURGE.TAPEHUB")
        world.send(100)
        world.start()
        until(lambda: world.stored() >= 100, WAIT_S, "what was sent meanwhile")
        verdict = world.verdict(is_whole=False)
        assert verdict.is_good, verdict
        assert verdict.records == 100


@pytest.mark.long
def test_what_the_journal_does_not_have_any_more_is_told_in_its_place(
    run_dir: Path, nats: NatsServer
) -> None:
    with BridgeWorld(run_dir, nats) as world:
        bridge = world.start()
        world.send(50)
        world.wait_until_stored()
        assert bridge.stop() == 0
        world.renew(lost=10)
        world.start()
        until(lambda: world.mirror().get("is_live"), WAIT_S, "the bridge to be there")
        world.send(10)
        until(lambda: world.stored() >= 60, WAIT_S, "what came behind the hole")
        mirrored = read_mirror(nats.server)
        assert [(hole.publisher, hole.first_seq, hole.last_seq) for hole in mirrored.holes] == [
            (COLLECTOR, 52, 61)
        ]
        assert ids(nats, "trade.", 12) == [*range(49, 61)]


@pytest.mark.long
def test_logins_are_kept_secret_and_refused_ones_told(run_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with NatsServer(run_dir, 'authorization { token: "s3cr3t-token" }') as nats:
        env = {"BRIDGE_TOKEN": "s3cr3t-token"}
        with BridgeWorld(run_dir, nats, {"login": {"token_env": "BRIDGE_TOKEN"}}, env) as world:
            world.start()
            monkeypatch.setenv("TAPEHUB_NATS_TOKEN", "s3cr3t-token")
            world.nats.token = "s3cr3t-token"
            world.send(20)
            world.wait_until_stored()
            assert ids(nats, "trade.", 3) == [18, 19, 20]
            monkeypatch.setenv("TAPEHUB_NATS_TOKEN", "wrong")
            with pytest.raises(Unauthorized, match="refuses the login"):
                ids(nats, "trade.", 3)
            said = world.bridge.stdout_text + world.bridge.stderr_text + repr(world.status())
            assert "s3cr3t" not in said


def test_a_reader_is_told_what_it_cannot_have(run_dir: Path) -> None:
    with pytest.raises(HubUnreachable, match="no NATS server answers"):
        next(Nats("nats://127.0.0.1:1", timeout_s=2.0).stream("trade."))
    with NatsServer(run_dir) as nats, pytest.raises(NoData, match="no stream TAPEHUB"):
        next(Nats(nats.url).stream("trade."))


@pytest.mark.long
def test_keys_tls_and_the_rights_that_the_howto_names_are_enough(
    run_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("cryptography", reason="pip install 'tapehub[nats]'")
    certificate(run_dir)
    reader = ", ".join(
        f'"{subject}"'
        for subject in (
            "$JS.API.STREAM.INFO.TAPEHUB",
            "$JS.API.STREAM.MSG.GET.TAPEHUB",
            "$JS.API.CONSUMER.CREATE.TAPEHUB",
            "$JS.FC.>",
        )
    )
    extra = f"""
    tls {{ cert_file: "{run_dir}/cert.pem", key_file: "{run_dir}/key.pem", timeout: 20 }}
    authorization {{ users: [
        {{ nkey: {PUBLIC} }}
        {{ user: reader, password: pw, permissions: {{ publish: [{reader}], subscribe: ["_INBOX.>"] }} }}
    ] }}
    """
    with NatsServer(run_dir, extra) as nats:
        section = {
            "servers": [f"tls://localhost:{nats.port}"],
            "login": {"seed_env": "SEED"},
            "tls": {"ca_file": "cert.pem"},
        }
        monkeypatch.setenv("TAPEHUB_NATS_CA", str(run_dir / "cert.pem"))
        with BridgeWorld(run_dir, nats, section, {"SEED": SEED}) as world:
            world.start()
            world.send(3000)
            until(lambda: world.mirror().get("messages", 0) >= 3000, WAIT_S, "3000 messages handed out")
            until(lambda: not world.mirror().get("unconfirmed"), WAIT_S, "all of them confirmed")
            with pytest.raises(Unauthorized):
                next(Nats(f"nats://localhost:{nats.port}").stream("trade."))
            monkeypatch.setenv("TAPEHUB_NATS_USER", "reader")
            monkeypatch.setenv("TAPEHUB_NATS_PASSWORD", "pw")
            with Nats(f"nats://localhost:{nats.port}") as nats_reader:
                found = list(nats_reader.stream("trade.", 2500, idle_s=1.0))
                assert len(found) == 2500
                assert nats_reader.status()["bridge"] == "bridge.1"
            monkeypatch.delenv("TAPEHUB_NATS_CA")
            with pytest.raises(HubUnreachable, match="certificate is not accepted"):
                next(Nats(f"tls://localhost:{nats.port}").stream("trade."))


@pytest.mark.long
def test_a_frame_that_the_server_does_not_take_is_told(run_dir: Path) -> None:
    with NatsServer(run_dir, "max_payload: 1024") as nats, BridgeWorld(run_dir, nats) as world:
        world.start()
        world.send(10)
        world.source.send(
            "trade.binance.BTC_USDT",
            *(Trade("BTC_USDT", "binance", 1, 1, 100.0, 1.0, 1, number) for number in range(100)),
        )
        world.send(10)
        world.wait_until_stored()
        mirrored = read_mirror(nats.server)
        assert [(hole.first_seq, hole.last_seq) for hole in mirrored.holes] == [(12, 12)]
        assert "max_payload" in mirrored.holes[0].reason
        gaps: list[Missing] = []
        with Nats(nats.url) as reader:
            live = reader.stream("trade.", on_gap=gaps.append, idle_s=3.0)
            world.send(1)
            assert world.status()["dropped"] == {"not_mirrored": 1}
            live.close()  # type: ignore[attr-defined]


@pytest.mark.long
def test_a_second_bridge_of_the_stream_doubles_nothing(run_dir: Path, nats: NatsServer) -> None:
    with BridgeWorld(run_dir, nats, others=("bridge.2",)) as world:
        world.start()
        second = world.start("bridge.2")
        for _ in range(20):
            world.send(50)
            world.status()
        second.kill()
        world.wait_until_stored()
        verdict = world.verdict()
        assert verdict.is_good, verdict


@pytest.mark.long
def test_what_the_stream_dropped_before_a_slow_reader_came_back_is_told(
    run_dir: Path, nats: NatsServer
) -> None:
    gaps: list[Missing] = []
    with CuttingProxy(nats.port) as proxy, BridgeWorld(run_dir, nats, {"max_bytes": 60_000}) as world:
        world.start()
        world.send(10)
        world.wait_until_stored()
        with Nats(proxy.url) as reader:
            live = reader.stream("trade.", 10, on_gap=gaps.append)
            heard = [int(getattr(next(live), "trade_id", 0)) for _ in range(10)]
            proxy.freeze()
            world.send(2000)
            until(lambda: world.mirror().get("messages", 0) >= 2010, WAIT_S, "all of it mirrored")
            until(lambda: not world.mirror().get("unconfirmed"), WAIT_S, "all of it confirmed")
            proxy.cut()
            proxy.thaw()
            while heard[-1] < 2010:
                heard.append(int(getattr(next(live), "trade_id", 0)))
            live.close()  # type: ignore[attr-defined]
    assert heard[:10] == list(range(1, 11))
    assert heard[10:] == list(range(heard[10], 2011))
    assert [(gap.first_topic_seq, gap.last_topic_seq) for gap in gaps] == [(11, heard[10] - 1)]
