"""From settings to ways out: each target with its sender, each bot with its ear for commands."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

from actors.notifier.answering import HubAnswers
from actors.notifier.chat_sender import ChatSender, Looking
from actors.notifier.console import ConsoleSender
from actors.notifier.credentials import secret
from actors.notifier.delivery import Delivery, Stop
from actors.notifier.desk import Desk, target_of
from actors.notifier.limits import Limits, is_group
from actors.notifier.outbox import Outbox
from actors.notifier.polling import SIGNALS_ASKED, Office, Polling
from actors.notifier.sending import Sender
from actors.notifier.settings import ChannelSettings, NotifierSettings, TelegramSettings
from actors.notifier.telegram import Bot
from actors.notifier.webhook import WebhookSender
from protocol.errors import ConfigError
from protocol.security.keyring import Keyring


class Place(NamedTuple):
    """Where secrets and the hub are."""

    folder: Path
    """Of the configuration."""
    environ: Mapping[str, str]
    hub: str
    """Address of the hub, empty without one."""
    keyring: Keyring | None = None
    """Our key, where the hub is on another host."""


class Ways:
    """All ways out of a notifier.

    Args:
        settings: Of the notifier.
        place: Where secrets and the hub are.
        outbox: Of the notifier.
        desk: Of the notifier.
        now_ns: Wall clock.

    Raises:
        ConfigError: a secret is not there, or two channels share a bot; names every mistake.
    """

    def __init__(
        self,
        settings: NotifierSettings,
        place: Place,
        outbox: Outbox,
        desk: Desk,
        now_ns: Callable[[], int],
    ) -> None:
        self.stop = Stop()
        self.deliveries: dict[str, Delivery] = {}
        """By target."""
        self.channel_of: dict[str, str] = {}
        """Target to channel."""
        self.pollings: dict[str, Polling] = {}
        """By channel."""
        self._settings = settings
        self._place = place
        self._outbox = outbox
        self._desk = desk
        self._now_ns = now_ns
        self._tokens: dict[str, str] = {}
        problems = []
        for name, channel in settings.channels.items():
            try:
                self._add(name, channel)
            except ConfigError as fault:
                problems += fault.problems
        if problems:
            raise ConfigError(problems)

    def start(self) -> None:
        """Begin to send and to hear commands."""
        for delivery in self.deliveries.values():
            delivery.start()
        for polling in self.pollings.values():
            polling.start()

    def wake(self) -> None:
        """There may be something to send."""
        for delivery in self.deliveries.values():
            delivery.wake()

    def raise_bugs(self) -> None:
        """Raise what ended a thread."""
        bugs = [one.bug for one in self.deliveries.values()] + [one.bug for one in self.pollings.values()]
        for bug in filter(None, bugs):
            raise bug

    def _add(self, name: str, channel: ChannelSettings) -> None:
        if channel.telegram is not None:
            self._add_bot(name, channel, channel.telegram)
        elif channel.webhook is not None:
            webhook = channel.webhook
            url = webhook.url or self._secret(f"{name}.webhook.url", webhook.url_env, "", is_needed=True)
            if not url.startswith(("http://", "https://")):
                raise ConfigError(
                    [f"channels.{name}.webhook.url_env: {webhook.url_env} holds no http address"]
                )
            key = self._secret(f"{name}.webhook.secret", webhook.secret_env, webhook.secret_file)
            own = {
                header: self._secret(f"{name}.webhook.header", env, "")
                for header, env in webhook.header_env.items()
            }
            self._deliver(
                name, name, channel, WebhookSender(url, webhook.timeout_s, key, {**webhook.headers, **own})
            )
        elif channel.email is not None:
            from actors.notifier.mail import MailSender  # noqa: PLC0415 - it brings smtplib

            mail = channel.email
            is_needed = bool(mail.username)
            where = f"{name}.email.password"
            password = self._secret(where, mail.password_env, mail.password_file, is_needed=is_needed)
            self._deliver(name, name, channel, MailSender(mail, password))
        elif channel.console is not None:
            self._deliver(name, name, channel, ConsoleSender(channel.console))

    def _add_bot(self, name: str, channel: ChannelSettings, settings: TelegramSettings) -> None:
        where = f"{name}.telegram.token"
        token = self._secret(where, settings.token_env, settings.token_file, is_needed=True)
        other = self._tokens.setdefault(token, name)
        if other != name:
            # each would take the other's messages for its own
            raise ConfigError(
                [f"channels.{name}.telegram: the same bot as channels.{other}: one bot, one channel"]
            )
        limits, wait = Limits(settings), self.stop.wait
        chats = list(dict.fromkeys(str(chat) for chat in (*settings.chats, *settings.allow_chats)))
        # Telegram numbers the messages of a bot's private chats together, those of a group or channel by themselves
        private = [target_of(name, chat) for chat in chats if not is_group(chat)]
        for chat in chats:
            if not chat.startswith("@") and not chat.removeprefix("-").isdigit():
                raise ConfigError([f"channels.{name}.telegram.chats: {chat!r} is neither a number nor @name"])
            target = target_of(name, chat)
            sender = ChatSender(
                Bot(settings, token, limits, wait),
                self._outbox,
                target,
                chat,
                Looking(settings.look_back, settings.settle_s, [target] if is_group(chat) else private),
                wait,
                self._now_ns,
            )
            self._deliver(name, target, channel, sender)
        if settings.allow_chats:
            hub = HubAnswers(
                self._place.hub, self._settings.hub_timeout_s, SIGNALS_ASKED, self._place.keyring
            )
            office = Office(self._outbox, self._desk, hub, self.stop, self._now_ns, self.wake)
            bot = Bot(settings, token, limits, wait)
            self.pollings[name] = Polling(name, bot, settings.allow_chats, office)

    def _deliver(self, name: str, target: str, channel: ChannelSettings, sender: Sender) -> None:
        self.channel_of[target] = name
        self.deliveries[target] = Delivery(target, channel, self._outbox, sender, self.stop, self._now_ns)

    def _secret(self, where: str, env: str, file: str, *, is_needed: bool = False) -> str:
        place = self._place
        return secret(f"channels.{where}", env, file, place.folder, place.environ, is_needed=is_needed)
