"""The other ways out, and secrets: out of the environment or a file, and never into a log."""

from __future__ import annotations

import http.server
import json
import socketserver
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from actors.notifier.console import ConsoleSender
from actors.notifier.credentials import secret
from actors.notifier.desk import Desk
from actors.notifier.failures import NotSent, Refused, Unsure
from actors.notifier.item import Item
from actors.notifier.mail import MailSender, mail_of
from actors.notifier.outbox import Outbox
from actors.notifier.settings import (
    ChannelSettings,
    ConsoleSettings,
    EmailSettings,
    NotifierSettings,
)
from actors.notifier.ways import Place, Ways
from actors.notifier.webhook import WebhookSender, signature_of
from protocol.errors import ConfigError
from tests.support.paths import free_port

ITEM = Item(
    1,
    "key1",
    "hook",
    "signal",
    "a",
    1,
    "BUY\nBTC",
    "body _text_",
    '{"a":1}',
    False,
    False,
    10**18,
    "pending",
    0,
    0,
    0,
)


class Hook(http.server.ThreadingHTTPServer):
    """Remembers requests, answers what it is told."""

    daemon_threads = True

    def __init__(self) -> None:
        self.status, self.seen = 200, list[tuple[dict[str, str], bytes]]()

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                owner: Any = self.server
                body = self.rfile.read(int(self.headers["Content-Length"]))
                owner.seen.append((dict(self.headers), body))
                self.send_response(owner.status)
                self.send_header("Retry-After", "7")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        super().__init__(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/x"


@pytest.fixture
def hook() -> Iterator[Hook]:
    found = Hook()
    yield found
    found.shutdown()
    found.server_close()


def test_a_webhook_can_know_a_repetition_and_who_sent_it(hook: Hook) -> None:
    sender = WebhookSender(hook.url, 2.0, "k", {"X-Own": "1"})
    sender.send(ITEM)
    sender.settle(ITEM)
    sender.close()
    (headers, body), again = hook.seen
    assert again[1] == body == b'{"a":1}'
    assert headers["Idempotency-Key"] == again[0]["Idempotency-Key"] == "key1"
    assert headers["X-Tapehub-Signature"] == signature_of(body, "k")
    assert headers["X-Own"] == "1"
    # RFC 4231, test case 2
    assert signature_of(b"what do ya want for nothing?", "Jefe") == (
        "sha256=5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
    )


@pytest.mark.parametrize(
    ("status", "fault"),
    [(429, NotSent), (503, NotSent), (500, Unsure), (502, Unsure), (400, Refused), (302, Refused)],
)
def test_what_a_webhooks_answer_means(hook: Hook, status: int, fault: type[Exception]) -> None:
    hook.status = status
    sender = WebhookSender(hook.url, 2.0, "", {})
    with pytest.raises(fault) as caught:
        sender.send(ITEM)
    sender.close()
    assert getattr(caught.value, "retry_after_s", 7.0) == 7.0
    assert "X-Tapehub-Signature" not in hook.seen[0][0]


def test_a_webhook_that_is_not_there_got_nothing() -> None:
    sender = WebhookSender(f"http://127.0.0.1:{free_port()}/secret", 2.0, "", {})
    with pytest.raises(NotSent) as caught:
        sender.send(ITEM)
    sender.close()
    assert "secret" not in str(caught.value)


class MailServer(socketserver.ThreadingTCPServer):
    """As much of SMTP as a client needs; `answers` replaces what it says to a word."""

    daemon_threads = allow_reuse_address = True

    def __init__(self) -> None:
        self.mails: list[bytes] = []
        self.answers: dict[str, bytes] = {}

        class Handler(socketserver.StreamRequestHandler):
            def handle(self) -> None:
                owner: Any = self.server
                self.wfile.write(b"220 x\r\n")
                while line := self.rfile.readline():
                    word = line[:4].decode().upper().strip()
                    if word == "DATA":
                        self.wfile.write(b"354 go\r\n")
                        lines = []
                        while (line := self.rfile.readline()) != b".\r\n":
                            lines.append(line)
                        owner.mails.append(b"".join(lines))
                    answer = owner.answers.get(word, b"250 ok\r\n")
                    if not answer:
                        return
                    self.wfile.write(answer)

        super().__init__(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True).start()


@pytest.fixture
def mail_server() -> Iterator[MailServer]:
    found = MailServer()
    yield found
    found.shutdown()
    found.server_close()


def mail_settings(port: int, **more: object) -> EmailSettings:
    return EmailSettings(
        host="127.0.0.1", port=port, sender="a@x", recipients=["b@x"], starttls=False, timeout_s=2.0, **more
    )


def test_a_mail_arrives_and_names_itself(mail_server: MailServer) -> None:
    MailSender(mail_settings(mail_server.server_address[1]), "").send(ITEM)
    (mail,) = mail_server.mails
    assert b"Subject: BUY BTC\r\n" in mail
    assert b"Message-ID: <key1@tapehub.invalid>" in mail
    assert b"body _text_" in mail


def test_revisions_are_one_thread() -> None:
    later = ITEM._replace(key="key2", revision=2)
    mails = [mail_of(one, mail_settings(25)) for one in (ITEM, later, ITEM._replace(subject="b"))]
    assert mails[0]["References"] == mails[1]["References"] != mails[2]["References"]
    assert mails[0]["Message-ID"] != mails[1]["Message-ID"]


@pytest.mark.parametrize(
    ("word", "answer", "fault"),
    [
        ("DATA", b"451 later\r\n", NotSent),
        ("DATA", b"554 never\r\n", Refused),
        ("DATA", b"", Unsure),
        ("RCPT", b"450 later\r\n", NotSent),
        ("RCPT", b"550 never\r\n", Refused),
        ("MAIL", b"421 later\r\n", NotSent),
    ],
)
def test_what_a_mail_servers_answer_means(
    mail_server: MailServer, word: str, answer: bytes, fault: type[Exception]
) -> None:
    mail_server.answers[word] = answer
    with pytest.raises(fault):
        MailSender(mail_settings(mail_server.server_address[1]), "").send(ITEM)


def test_without_encryption_nothing_is_sent(mail_server: MailServer) -> None:
    settings = msgspec.structs.replace(
        mail_settings(mail_server.server_address[1]), starttls=True, username="me"
    )
    with pytest.raises(NotSent):
        MailSender(settings, "hunter2").send(ITEM)
    assert mail_server.mails == []


def test_the_console_has_a_line_for_each(capfd) -> None:
    ConsoleSender(ConsoleSettings(prefix="> ")).send(ITEM._replace(body="a\nb\x1b"))
    assert capfd.readouterr().out == "> a | b\n"


def test_secrets_come_from_the_environment_or_a_file(tmp_path: Path) -> None:
    (tmp_path / "token").write_text(" s3cret\n")
    assert secret("x.token", "A", "", tmp_path, {"A": "abc "}, is_needed=True) == "abc"
    assert secret("x.token", "", "token", tmp_path, {}, is_needed=True) == "s3cret"
    assert secret("x.token", "", "", tmp_path, {}, is_needed=False) == ""


@pytest.mark.parametrize(("env", "file"), [("A", ""), ("", "nothing"), ("A", "b"), ("", ""), ("BAD", "")])
def test_a_secret_that_is_not_there_is_told_by_its_place(tmp_path: Path, env: str, file: str) -> None:
    with pytest.raises(ConfigError, match=r"channels\.desk\.token") as caught:
        secret("channels.desk.token", env, file, tmp_path, {"BAD": "hunter2\x00"}, is_needed=True)
    assert "hunter2" not in str(caught.value)


def ways_of(channels: dict[str, Any], outbox: Outbox) -> Ways:
    settings = msgspec.convert({"channels": channels}, NotifierSettings)
    place = Place(Path("/nowhere"), {"A": "1:x", "B": "2:y"}, "")
    return Ways(settings, place, outbox, Desk(settings), lambda: 0)


def test_every_mistake_of_the_channels_is_told_at_once(outbox: Outbox) -> None:
    with pytest.raises(ConfigError) as caught:
        ways_of(
            {
                "one": {"telegram": {"token_env": "A", "chats": [1]}},
                "two": {"telegram": {"token_env": "A", "chats": [2]}},
                "three": {"telegram": {"token_env": "NOTHING"}},
                "four": {"email": {"host": "h", "sender": "s", "recipients": ["r"], "username": "u"}},
                "five": {"telegram": {"token_env": "B", "chats": ["me"]}},
            },
            outbox,
        )
    text = "\n".join(caught.value.problems)
    for words in ("the same bot as channels.one", "NOTHING", "four.email.password", "'me' is neither"):
        assert words in text


def test_who_may_command_gets_answers_too(outbox: Outbox) -> None:
    ways = ways_of({"one": {"telegram": {"token_env": "A", "chats": [1], "allow_chats": [1, 9]}}}, outbox)
    assert set(ways.deliveries) == {"one:1", "one:9"}
    assert set(ways.pollings) == {"one"}
    for delivery in ways.deliveries.values():
        delivery._sender.close()
    ways.pollings["one"]._bot.close()


@pytest.mark.parametrize(
    "section",
    [
        {"channels": {"a": {}}},
        {"channels": {"a": {"console": {}, "webhook": {"url": "http://x"}}}},
        {"channels": {"a": {"console": {}}}, "routes": [{"channels": ["b"]}]},
        {"channels": {"a": {"console": {}, "quiet_hours": [{"from": "24:00", "to": "06:00"}]}}},
        {"channels": {"a": {"webhook": {"url": "http://user:password@x"}}}},
        {"channels": {"A b": {"console": {}}}},
    ],
    ids=json.dumps,
)
def test_settings_that_make_no_sense_are_refused(section: dict[str, Any]) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(section, NotifierSettings)
    assert msgspec.convert({"console": {}}, ChannelSettings).delivery == "at_least_once"
