"""Each message once in its chat, at whatever point an attempt fails or the process ends."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator

import pytest

from actors.notifier.chat_sender import MARK, ChatSender, Looking
from actors.notifier.delivery import Delivery, Stop
from actors.notifier.limits import Limits
from actors.notifier.outbox import Outbox
from actors.notifier.settings import ChannelSettings, TelegramSettings
from actors.notifier.telegram import Bot
from tests.support.notifier_world import QUICK
from tests.support.telegram_server import TelegramServer
from tests.unit.actors.notifier.test_outbox import draft, put, the_next

TARGET, CHAT = "desk:1", 1


_senders: list[ChatSender] = []


@pytest.fixture(autouse=True)
def close_senders() -> Iterator[None]:
    """Close the connections that a test has opened."""
    yield
    while _senders:
        _senders.pop().close()


class Killed(BaseException):
    """Stands for kill -9."""


def settings_of(server: TelegramServer, **more: object) -> TelegramSettings:
    return TelegramSettings(api_url=server.url, chats=[CHAT], **{**QUICK, "settle_s": 0.0, **more})


def delivery_of(
    server: TelegramServer,
    outbox: Outbox,
    *,
    chat: int = CHAT,
    now_ns: Callable[[], int] = lambda: 2000,
    timeout_s: float = 30.0,
    **channel: object,
) -> Delivery:
    """What a process has for a chat; made anew it is that of a process that was started again."""
    settings, stop = settings_of(server, timeout_s=timeout_s), Stop()
    bot = Bot(settings, server.token, Limits(settings), stop.wait)
    sender = ChatSender(
        bot, outbox, TARGET, str(chat), Looking(settings.look_back, 0.0, [TARGET]), stop.wait, now_ns
    )
    _senders.append(sender)
    whole = ChannelSettings(telegram=settings, backoff_base_s=0.001, backoff_cap_s=0.001, **channel)
    return Delivery(TARGET, whole, outbox, sender, stop, now_ns)


def play(server: TelegramServer, *faults: str) -> Iterator[str]:
    """The server answers these faults, one after the other, then none."""
    plan = iter(faults)
    server.fault = lambda _method, _arguments: next(plan, "")  # type: ignore[assignment,return-value]
    return plan


def finish(delivery: Delivery, limit: int = 200) -> None:
    for _ in range(limit):
        if not delivery.step():
            return
    raise AssertionError(f"never at an end: {delivery.trouble}")


def test_a_message_and_its_change(server: TelegramServer, outbox: Outbox) -> None:
    put(outbox, draft("a"), draft("b"))
    put(outbox, following=(draft("a", 2),))
    delivery = delivery_of(server, outbox)
    finish(delivery)
    assert server.texts(CHAT) == ["a 2", "b 1"]
    assert delivery.counts == {"sent": 2, "changed": 1}


@pytest.mark.parametrize(
    "faults",
    [
        *itertools.product(("500 after", "cut", "cut after"), repeat=2),
        ("429",),
        ("500", "429", "cut"),
        ("slow",),
        ("cut after", "slow", "cut"),
        ("cut after", "cut after", "cut after", "cut after", "", "cut"),
        ("500 after", "", "500 after", "", "500 after"),
    ],
    ids=",".join,
)
def test_whatever_the_server_does_each_is_there_once_and_in_order(
    server: TelegramServer, outbox: Outbox, faults: tuple[str, ...]
) -> None:
    server.say(CHAT, "somebody's words")
    put(outbox, draft("a"), draft("b"), draft("c"))
    play(server, "", *faults)
    server._retry_after_s = 0
    finish(delivery_of(server, outbox, timeout_s=0.3 if "slow" in faults else 30.0))
    assert server.texts(CHAT) == ["a 1", "b 1", "c 1"]
    assert server.twice_seen == []
    assert next(one.text for one in server.shown(CHAT)) == "somebody's words"


@pytest.mark.parametrize("is_obeyed", [False, True])
@pytest.mark.parametrize(
    "before",
    [
        (),
        ("cut after",),
        *(pytest.param(faults, marks=pytest.mark.long) for faults in (("cut",), ("cut after", "cut after"))),
    ],
    ids=str,
)
@pytest.mark.parametrize("moment", range(10))
def test_killed_at_any_request_each_is_there_once(
    server: TelegramServer, outbox: Outbox, monkeypatch, moment: int, before: tuple[str, ...], is_obeyed: bool
) -> None:
    """The process ends while a request is under way; the server has obeyed it or not."""
    server.say(CHAT, "one")
    put(outbox, draft("a"), draft("b"))
    play(server, *before)
    count = itertools.count()
    call = Bot.call

    def call_or_end(self: Bot, method: str, arguments: dict, timeout_s: float | None = None) -> object:
        if next(count) != moment:
            return call(self, method, arguments, timeout_s)
        if is_obeyed:
            call(self, method, arguments, timeout_s)
        raise Killed

    monkeypatch.setattr(Bot, "call", call_or_end)
    try:
        finish(delivery_of(server, outbox))
    except Killed:
        server.say(CHAT, "two")
        finish(delivery_of(server, outbox))
    assert server.texts(CHAT) == ["a 1", "b 1"]
    assert server.shown(CHAT)[0].text == "one"


@pytest.mark.parametrize("moment", range(14))
@pytest.mark.parametrize("is_done", [False, True])
def test_killed_at_any_step_of_the_outbox_each_is_there_once(
    server: TelegramServer, outbox: Outbox, monkeypatch, moment: int, is_done: bool
) -> None:
    """The process ends before or after a step is written down."""
    put(outbox, draft("a"), draft("b"))
    play(server, "cut after")
    count = itertools.count()
    for name in ("begin", "sent", "probed", "note", "put_back", "tidied", "swept"):
        step = getattr(Outbox, name)

        def step_or_end(self: Outbox, *arguments: object, step: Callable = step) -> object:
            if next(count) != moment:
                return step(self, *arguments)
            if is_done:
                step(self, *arguments)
            raise Killed

        monkeypatch.setattr(Outbox, name, step_or_end)
    try:
        finish(delivery_of(server, outbox))
    except Killed:
        finish(delivery_of(server, outbox))
    assert server.texts(CHAT) == ["a 1", "b 1"]


def test_a_request_that_comes_through_late_is_taken_away_with_the_next_message(
    server: TelegramServer, outbox: Outbox
) -> None:
    put(outbox, draft("a"))
    play(server, "cut")
    finish(delivery_of(server, outbox))
    server._send({"chat_id": CHAT, "text": "a 1"})  # the line was slow, not cut
    assert server.texts(CHAT) == ["a 1", "a 1"]
    put(outbox, draft("b"))
    finish(delivery_of(server, outbox))
    assert server.texts(CHAT) == ["a 1", "b 1"]


def test_at_most_once_leaves_a_doubt_and_says_so(server: TelegramServer, outbox: Outbox) -> None:
    put(outbox, draft("a"), draft("b"))
    play(server, "cut after")
    delivery = delivery_of(server, outbox, delivery="at_most_once")
    finish(delivery)
    assert server.texts(CHAT) == ["a 1", "b 1"]
    assert delivery.counts["unknown"] == 1
    put(outbox, draft("c"))
    outbox.begin(the_next(outbox), 5)  # and the process ends
    again = delivery_of(server, outbox, delivery="at_most_once")
    finish(again)
    assert server.texts(CHAT) == ["a 1", "b 1"]
    assert outbox.counts() == {"desk": {"unknown": 2, "sent": 1}}


def test_in_a_channel_nobody_elses_words_are_touched(server: TelegramServer, outbox: Outbox) -> None:
    """There a bot may change what others wrote: nobody looks, and the message may be there twice."""
    server.channels.add(-7)
    put(outbox, draft("a"))
    play(server, "cut")
    delivery = delivery_of(server, outbox, chat=-7)
    server.say(-7, "an editor's words")
    finish(delivery)
    assert [one.text for one in server.shown(-7)] == ["an editor's words", "a 1"]


def test_what_is_final_fails_alone_and_the_rest_goes_on(
    server: TelegramServer, outbox: Outbox, caplog
) -> None:
    put(outbox, draft("a"), draft("b", body="wrong."), draft("c", body=""))
    server.blocked.add(CHAT)
    delivery = delivery_of(server, outbox)
    assert delivery.step()
    server.blocked.clear()
    finish(delivery)
    assert delivery.counts == {"failed": 2, "sent": 1}
    assert "blocked by the user" in caplog.text
    assert server.texts(CHAT) == ["wrong."]  # its markup was refused: it goes without
    assert server.token not in caplog.text


def test_what_is_too_old_is_not_sent_but_changes_are(server: TelegramServer, outbox: Outbox) -> None:
    put(outbox, draft("a"))
    finish(delivery_of(server, outbox))
    put(outbox, draft("b"), following=(draft("a", 2),))
    late = delivery_of(server, outbox, now_ns=lambda: 10_000_000_000_000)
    finish(late)
    put(outbox, following=(draft("b", 2),))
    finish(late)
    assert server.texts(CHAT) == ["a 2"]
    assert outbox.counts() == {"desk": {"sent": 2, "expired": 1, "skipped": 1}}


def test_a_wrong_token_loses_nothing(server: TelegramServer, outbox: Outbox, caplog) -> None:
    put(outbox, draft("a"))
    delivery = delivery_of(server, outbox)
    delivery._sender._bot._base = f"{server.url}/botwrong/"  # type: ignore[attr-defined]
    delivery._stop.set()  # it waits long: for somebody who mends it
    delivery.step()
    assert "token" in delivery.trouble
    assert outbox.counts() == {"desk": {"pending": 1}}


def test_the_mark_needs_no_escape_and_is_taken_away(server: TelegramServer, outbox: Outbox) -> None:
    put(outbox, draft("a"))
    play(server, "cut after")
    finish(delivery_of(server, outbox))
    assert [one.history for one in server.shown(CHAT)] == [["a 1"]]
    assert any(method == "deleteMessage" for _, method, _ in server.requests)
    assert MARK == "…"
