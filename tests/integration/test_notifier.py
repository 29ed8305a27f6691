"""The notifier as a process: messages out once, whatever dies; commands; operators; the heartbeat goes on."""

from __future__ import annotations

import json
import os
import re
import sqlite3
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import make_url

from actors.notifier.chat_sender import MARK
from protocol.client import Hub
from protocol.endpoints import Endpoints
from protocol.errors import HubError
from protocol.messages import Signal
from tests.support.notifier_world import (
    NOTIFIER,
    NotifierWorld,
    alert_of,
    signal_of,
    telegram_channel,
)
from tests.support.process import ActorProcess
from tests.support.telegram_server import TelegramServer
from tests.support.wait import until

CHAT, GROUP = 101, -1002
POSTGRES = os.environ.get("TAPEHUB_TEST_POSTGRES", "postgresql://root@127.0.0.1:5432/postgres")


@pytest.fixture
def server() -> Iterator[TelegramServer]:
    with TelegramServer(slow_s=0.8) as found:
        yield found


def texts(server: TelegramServer, chat: int) -> list[str]:
    """What a chat says, without the mark that stands there while a message is in doubt."""
    return [text for text in server.texts(chat) if text != MARK]


def numbers(server: TelegramServer, chat: int) -> list[int]:
    return [int(match[1]) for text in texts(server, chat) if (match := re.search(r"no\. (\d{5})", text))]


def heads(server: TelegramServer, chat: int) -> list[str]:
    return [text.partition("\n")[0] for text in texts(server, chat)]


def test_signals_go_out_change_and_survive_a_kill(run_dir: Path, server: TelegramServer) -> None:
    channels = {"desk": telegram_channel(server, [CHAT, GROUP])}
    with NotifierWorld(run_dir, channels, server=server) as world:
        world.start()
        for number in range(3):
            world.tell(signal_of(number))
        world.tell(signal_of(3, state="vetoed"))
        until(lambda: numbers(server, CHAT) == numbers(server, GROUP) == [0, 1, 2], 40.0, "three signals")
        world.notifier.kill()
        world.tell(signal_of(1, revision=2, state="target"))
        world.tell(signal_of(3, revision=2, state="expired"))
        world.tell(signal_of(4))
        world.tell(alert_of(5))
        world.start()
        until(lambda: numbers(server, CHAT) == numbers(server, GROUP) == [0, 1, 2, 4, 5], 40.0, "the rest")
        assert [head.rpartition(" ")[2] for head in heads(server, CHAT)[:4]] == [
            "open",
            "target",
            "open",
            "open",
        ]
        assert heads(server, CHAT)[4] == "warning big_trade BTC_USDT binance"
        until(lambda: world.status()["sent"] == 12, 40.0, "the count in the status")
        status = world.status()
        assert status["pending"] == 0
        assert status["intake"]["repeated"] == 0
        assert world.notifier.stop() == 0
        text = world.notifier.stderr_text
        assert server.token not in text
        assert server.token not in json.dumps(status)


def test_a_server_that_hangs_stops_neither_the_heartbeat_nor_the_other_chat(
    run_dir: Path, server: TelegramServer
) -> None:
    server._slow_s = 30.0
    server.fault = lambda method, arguments: "slow" if arguments.get("chat_id") == GROUP else ""
    channels = {"desk": telegram_channel(server, [CHAT, GROUP], telegram={"timeout_s": 5})}
    with NotifierWorld(run_dir, channels, server=server) as world:
        world.start()
        ear = world.peers.ear(NOTIFIER, "beat.")
        ear.beat("RUNNING")
        for number in range(5):
            world.tell(signal_of(number))
        until(lambda: any(chat == GROUP for _, _, chat in server.requests), 40.0, "a request that hangs")
        before_s = time.monotonic()
        for _ in range(4):
            ear.beat("RUNNING", 4.5)
        assert time.monotonic() - before_s < 4.5, "less than the request hangs"
        until(lambda: numbers(server, CHAT) == [0, 1, 2, 3, 4], 40.0, "the other chat")
        server.fault = lambda _method, _arguments: ""


def test_what_waits_in_the_outbox_is_sent_after_a_kill(run_dir: Path, server: TelegramServer) -> None:
    server.fault = lambda _method, _arguments: "429"
    channels = {"desk": telegram_channel(server, [CHAT])}
    with NotifierWorld(run_dir, channels, server=server) as world:
        world.start()
        world.tell(signal_of(1))
        until(lambda: any(method == "sendMessage" for _, method, _ in server.requests), 40.0, "an attempt")
        world.notifier.kill()
        server.fault = lambda _method, _arguments: ""
        world.start()
        until(lambda: numbers(server, CHAT) == [1], 40.0, "the message")


def test_commands_of_allowed_chats_are_obeyed_once(run_dir: Path, server: TelegramServer) -> None:
    channels = {"desk": telegram_channel(server, [CHAT], telegram={"allow_chats": [CHAT]})}
    with NotifierWorld(run_dir, channels, server=server) as world:
        world.start()
        server.say(GROUP, "/status")
        server.say(CHAT, "/status")
        until(lambda: texts(server, CHAT) == ["the hub does not answer"], 40.0, "an answer")
        server.say(CHAT, "/mute BTC_USDT 1h")
        until(lambda: len(texts(server, CHAT)) == 2, 40.0, "that it is muted")
        until(lambda: world.status()["muted"] == [f"desk:{CHAT} BTC_USDT"], 40.0, "the mute in the status")
        world.tell(signal_of(1))
        world.tell(signal_of(2, symbol="ETH_USDT"))
        until(lambda: numbers(server, CHAT) == [2], 40.0, "what is not muted")
        assert world.status()["commands"]["desk"]["commands_refused"] == 1
        world.notifier.kill()
        world.start()
        server.say(CHAT, "/mute off")
        until(lambda: len(texts(server, CHAT)) == 4, 40.0, "that nothing is muted")
        assert texts(server, GROUP) == []
        world.tell(signal_of(3))
        until(lambda: numbers(server, CHAT) == [2, 3], 40.0, "what was muted before")


def test_people_ask_for_the_state_of_the_system_and_the_newest_signals(
    run_dir: Path, server: TelegramServer
) -> None:
    channels = {"desk": telegram_channel(server, [CHAT], telegram={"allow_chats": [CHAT]})}
    with NotifierWorld(run_dir, channels, [], server=server, others={"hub.1": {}}) as world:
        world.start()
        with (
            ActorProcess("hub", "hub.1", world.config),
            Hub(Endpoints(run_dir).query("hub.1"), timeout_s=10.0) as hub,
        ):

            def is_there() -> bool:
                world.tell(signal_of(7))  # again, until the hub hears the scanner
                return bool(_signals(hub))

            until(is_there, 40.0, "the hub to have the signal")

            def asked(word: str) -> str:
                known = len(texts(server, CHAT))
                server.say(CHAT, word)
                until(lambda: len(texts(server, CHAT)) > known, 40.0, "an answer")
                return texts(server, CHAT)[-1]

            assert re.match(r"\d of 4 actors run", asked("/status"))
            assert "00007" in asked("/signals")


def _signals(hub: Hub) -> list[Signal]:
    try:
        return list(hub.signals(5))
    except HubError:
        return []


def test_operators_are_told_that_an_actor_is_down_and_back(run_dir: Path, server: TelegramServer) -> None:
    channels = {"ops": telegram_channel(server, [CHAT])}
    routes = [{"channels": ["ops"], "kinds": ["operator"], "symbols": ["scanner.1"]}]
    operators = {"down_after_s": 1.0, "look_s": 0, "disk_free_bytes": 0}
    with NotifierWorld(run_dir, channels, routes, server=server, operators=operators) as world:
        world.start()
        until(lambda: heads(server, CHAT) == ["critical actor_down scanner.1"], 40.0, "that it is down")
        world.notifier.kill()
        world.start()

        def beats() -> bool:
            world.scanner.beat()
            return len(texts(server, CHAT)) > 1

        until(beats, 40.0, "that it is back")
        assert heads(server, CHAT) == ["critical actor_down scanner.1", "info actor_down scanner.1"]


@pytest.fixture
def database() -> Iterator[str]:
    """URL of a new database of PostgreSQL."""
    name = f"tapehub_test_{uuid.uuid4().hex[:12]}"
    try:
        admin = psycopg.connect(POSTGRES, autocommit=True, connect_timeout=5)
    except psycopg.OperationalError as error:
        pytest.skip(f"no PostgreSQL to test with ($TAPEHUB_TEST_POSTGRES): {str(error).splitlines()[0]}")
    with admin:
        admin.execute(f"CREATE DATABASE {name}")
        try:
            yield make_url(POSTGRES).set(database=name).render_as_string(hide_password=False)
        finally:
            admin.execute(f"DROP DATABASE {name} WITH (FORCE)")


def test_an_outbox_in_postgresql_that_throws_us_out(
    run_dir: Path, server: TelegramServer, database: str
) -> None:
    channels = {"desk": telegram_channel(server, [CHAT])}
    with NotifierWorld(run_dir, channels, server=server, database=database) as world:
        world.start()
        world.tell(signal_of(1))
        until(lambda: numbers(server, CHAT) == [1], 40.0, "the first")
        with psycopg.connect(database, autocommit=True) as admin:
            admin.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
        world.tell(signal_of(2))
        world.tell(signal_of(1, revision=2, state="target"))
        until(lambda: numbers(server, CHAT) == [1, 2], 40.0, "the second")
        world.notifier.kill()
        world.tell(signal_of(3))
        world.start()
        until(lambda: numbers(server, CHAT) == [1, 2, 3], 40.0, "the third")
        until(lambda: heads(server, CHAT)[0].endswith("target"), 40.0, "the change")


def test_a_database_that_is_away_loses_nothing(run_dir: Path, server: TelegramServer) -> None:
    """What comes meanwhile the journal keeps."""
    channels = {"desk": telegram_channel(server, [CHAT])}
    with NotifierWorld(run_dir, channels, server=server) as world:
        world.start()
        world.tell(signal_of(1))
        until(lambda: numbers(server, CHAT) == [1], 40.0, "the first")
        other = sqlite3.connect(run_dir / "db" / "notifier.db", isolation_level=None)
        other.execute("BEGIN EXCLUSIVE")
        world.tell(signal_of(2))
        until(lambda: world.status()["intake"]["state"] == "failed", 40.0, "that it is told")
        world.tell(signal_of(3))
        other.execute("ROLLBACK")
        other.close()
        until(lambda: numbers(server, CHAT) == [1, 2, 3], 40.0, "the rest")


@pytest.mark.parametrize(
    ("channel", "words"),
    [
        ({"console": {}, "templates": {"alert": "{symbol.__class__}"}}, "channels.desk.templates.alert"),
        ({"telegram": {"token_env": "TAPEHUB_NO_SUCH_TOKEN", "chats": [1]}}, "TAPEHUB_NO_SUCH_TOKEN"),
        ({"console": {}, "webhook": {"url": "http://x"}}, "exactly one of"),
    ],
    ids=["template", "token", "two ways"],
)
def test_a_bad_configuration_stays_down_and_says_why(run_dir: Path, channel: dict, words: str) -> None:
    with NotifierWorld(run_dir, {"desk": channel}) as world:
        assert world.start(is_awaited=False).wait() == 78
        assert words in world.notifier.stderr_text + world.notifier.stdout_text


def test_a_signal_that_makes_no_sense_is_dropped(run_dir: Path, server: TelegramServer) -> None:
    channels = {"desk": telegram_channel(server, [CHAT])}
    with NotifierWorld(run_dir, channels, server=server) as world:
        world.start()
        good: Signal = signal_of(1)
        fields = {name: getattr(good, name) for name in good.__struct_fields__}
        world.tell(Signal(**{**fields, "stop": 1000.0, "signal_id": "wrong"}))
        world.tell(good)
        until(lambda: numbers(server, CHAT) == [1], 40.0, "the good one")
        assert world.status()["dropped"] == {"invalid": 1}
