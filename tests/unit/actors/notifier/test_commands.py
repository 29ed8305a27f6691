"""Commands: who is obeyed, what is understood, and that each is done once."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec
import pytest

from actors.notifier.commands import Command, help_text, mute_text, parse_command, signals_text, status_text
from actors.notifier.delivery import Stop
from actors.notifier.desk import Desk
from actors.notifier.limits import Limits
from actors.notifier.outbox import Outbox
from actors.notifier.polling import Office, Polling
from actors.notifier.settings import NotifierSettings, TelegramSettings
from actors.notifier.telegram import Bot
from tests.support.notifier_world import QUICK, signal_of
from tests.support.telegram_server import TelegramServer, shown_text


@pytest.mark.parametrize(
    ("text", "command"),
    [
        ("good morning", None),
        ("/", None),
        ("/status", Command("status")),
        (" /status@tapehub_bot ", Command("status")),
        ("/signals please", Command("signals")),
        ("/mute", Command("mute", "*", 3600)),
        ("/mute 30m", Command("mute", "*", 1800)),
        ("/mute EUR_USD", Command("mute", "EUR_USD", 3600)),
        ("/mute EUR_USD 2d", Command("mute", "EUR_USD", 172_800)),
        ("/mute * 99999d", Command("mute", "*", 2_592_000)),
        ("/mute off", Command("unmute")),
        ("/mute a b c", Command("help", fault="that mute is not understood")),
        ("/mute 0m", Command("help", fault="that mute is not understood")),
        ("/mute {x!r}", Command("help", fault="that mute is not understood")),
        ("/start", Command("help")),
        ("/buy", Command("help", fault="there is no command /buy")),
    ],
)
def test_what_is_understood(text: str, command: Command | None) -> None:
    assert parse_command(text) == command


STATUS = {
    "actors": {
        "hub.1": {"state": "RUNNING", "is_alive": True},
        "collector.binance.1": {"state": "RUNNING", "is_alive": False},
    },
    "venues": {
        "binance": {"collector.binance.1": {"is_connected": False}},
        "okx": {"a": {"is_connected": False}, "b": {"is_connected": True}},
    },
}


def test_answers_are_taken_by_telegram_and_say_it() -> None:
    text = shown_text(status_text(STATUS), "MarkdownV2")
    assert text == "1 of 2 actors run\ncollector.binance.1 SILENT\nnot connected: binance"
    later = [
        signal_of(1),
        signal_of(2),
        signal_of(1, revision=2, state="target"),
        *map(signal_of, range(3, 9)),
    ]
    text = shown_text(signals_text(later), "MarkdownV2")
    assert [f"no. {number:05d}" in text for number in (8, 7, 6, 5, 4, 3)] == [True] * 5 + [False]
    for answer in (
        help_text("what?"),
        mute_text(Command("mute", "EUR_USD", 5400)),
        signals_text([]),
        status_text({}),
    ):
        assert shown_text(answer, "MarkdownV2")


class Hub:
    asked = 0

    def status(self) -> str:
        self.asked += 1
        return f"status {self.asked}"

    def signals(self) -> str:
        return "signals"


NOW_S = 2_000_000_000


@pytest.fixture
def polling(server: TelegramServer, outbox: Outbox) -> Iterator[Polling]:
    settings = TelegramSettings(api_url=server.url, **{**QUICK, "poll_s": 0})
    bot = Bot(settings, server.token, Limits(settings), Stop().wait)
    office = Office(outbox, Desk(NotifierSettings()), Hub(), Stop(), lambda: NOW_S * 10**9, lambda: None)
    yield Polling("desk", bot, [5, -6], office)
    bot.close()


def waiting(outbox: Outbox, target: str) -> str:
    item = outbox.next(target, can_edit=True)
    return item.body if item is not None else ""


def test_only_allowed_chats_are_answered_and_each_command_once(
    server: TelegramServer, outbox: Outbox, polling: Polling
) -> None:
    for chat in (5, -6, 7):
        server.say(chat, "/status", date=NOW_S)
    server.say(5, "hello", date=NOW_S)
    polling.step()
    polling.step()
    assert (waiting(outbox, "desk:5"), waiting(outbox, "desk:-6")) == ("status 1", "status 2")
    assert waiting(outbox, "desk:7") == ""
    assert polling.counts == {"commands": 2, "commands_refused": 1}
    assert outbox.counts() == {"desk": {"pending": 2}}
    assert outbox.offset("desk") == 4


def test_a_command_that_waited_too_long_is_not_obeyed(
    server: TelegramServer, outbox: Outbox, polling: Polling
) -> None:
    server.say(5, "/mute", date=NOW_S - 601)
    polling.step()
    assert polling.counts == {"commands_late": 1}
    assert outbox.mutes(0) == []


def test_a_mute_is_that_chats_alone_and_ends(
    server: TelegramServer, outbox: Outbox, polling: Polling
) -> None:
    server.say(5, "/mute BTC_USDT 1m", date=NOW_S)
    polling.step()
    mutes = outbox.mutes(NOW_S * 10**9)
    assert mutes == [("desk:5", "BTC_USDT", (NOW_S + 60) * 10**9)]
    server.say(5, "/mute off", date=NOW_S)
    polling.step()
    assert outbox.mutes(NOW_S * 10**9) == []


def test_replies_have_keys_of_their_own(outbox: Outbox) -> None:
    desk = Desk(msgspec.convert({}, NotifierSettings))
    one, other = (desk.reply("desk", "5", f"update {number}", "x", 0) for number in (1, 2))
    assert one.key != other.key
