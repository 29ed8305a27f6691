"""Hears the commands of one bot, in a thread of its own, and obeys each once: also after a kill -9."""

from __future__ import annotations

import collections
import logging
import random
import threading
from collections.abc import Callable, Sequence
from typing import Final, NamedTuple, Protocol

from actors.notifier import commands
from actors.notifier.commands import Command
from actors.notifier.delivery import Stop
from actors.notifier.desk import Desk, target_of
from actors.notifier.failures import OutboxError, SendFault
from actors.notifier.limits import pause_s
from actors.notifier.outbox import Mute, Outbox
from actors.notifier.telegram import Bot, Update

SIGNALS_ASKED: Final = 50
OLDEST_S: Final = 600
"""A command that waited longer is not obeyed: who gave it has forgotten it."""

log = logging.getLogger(__name__)


class Desired(Protocol):
    """Answers what the hub knows; MarkdownV2."""

    def status(self) -> str:
        """How the system is."""

    def signals(self) -> str:
        """The newest signals."""


class Office(NamedTuple):
    """What is needed to obey."""

    outbox: Outbox
    """Where answers go, with the number of the command they belong to."""
    desk: Desk
    """Makes messages."""
    hub: Desired
    """Knows the answers."""
    stop: Stop
    """Set when the process ends."""
    now_ns: Callable[[], int]
    """Wall clock."""
    on_stored: Callable[[], None]
    """Called when there is an answer to send."""


class Polling:
    """See the module docstring.

    Args:
        channel: Name of the bot's channel.
        bot: For this thread.
        allowed: Ids of the chats that are obeyed.
        office: What is needed to obey.
        draw: For jitter.
    """

    def __init__(
        self,
        channel: str,
        bot: Bot,
        allowed: Sequence[int],
        office: Office,
        draw: Callable[[], float] = random.random,
    ) -> None:
        self.counts: collections.Counter[str] = collections.Counter()
        self.trouble = ""
        """Why no command can be heard; empty: nothing is wrong."""
        self.bug: Exception | None = None
        """What ended the thread."""
        self._channel = channel
        self._bot = bot
        self._allowed = frozenset(allowed)
        self._outbox, self._desk, self._hub, self._stop, self._now_ns, self._on_stored = office
        self._draw = draw
        self._failures = 0
        self._thread = threading.Thread(target=self._live, name=f"commands of {channel}", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def _live(self) -> None:
        try:
            while not self._stop.is_set:
                try:
                    self.step()
                    self.trouble, self._failures = "", 0
                except (OutboxError, SendFault) as fault:
                    self._failures += 1
                    if str(fault) != self.trouble:
                        log.warning("commands of %s cannot be heard: %s", self._channel, fault)
                    self.trouble = str(fault)
                    least_s: float = getattr(fault, "retry_after_s", 0.0)
                    self._stop.wait(least_s or pause_s(self._failures, 1.0, 60.0, self._draw))
        except Exception as fault:  # noqa: BLE001 - told by the actor's loop, which ends the process
            self.bug = fault

    def step(self) -> None:
        """Ask once, and obey what came."""
        for update in self._bot.updates(self._outbox.offset(self._channel)):
            self._obey(update)

    def _obey(self, update: Update) -> None:
        now_ns = self._now_ns()
        text, mutes, unmuted = "", list[Mute](), ""
        message = update.message
        command = commands.parse_command(message.text) if message is not None else None
        chat = message.chat.id if message is not None else 0
        target = target_of(self._channel, str(chat))
        if command is not None and chat not in self._allowed:
            self.counts["commands_refused"] += 1
            command = None
        elif command is not None and message is not None and now_ns / 1e9 - message.date > OLDEST_S:
            self.counts["commands_late"] += 1
            command = None
        if command is not None:
            text = self._answer(command)
            self.counts["commands"] += 1
            if command.name == "mute":
                mutes = [Mute(target, command.pattern, now_ns + command.duration_s * 1_000_000_000)]
            elif command.name == "unmute":
                unmuted = target
        reply = None
        if text:
            reply = self._desk.reply(self._channel, str(chat), f"update {update.update_id}", text, now_ns)
        if self._outbox.obey(self._channel, update.update_id, reply, mutes, unmuted, now_ns):
            self._on_stored()

    def _answer(self, command: Command) -> str:
        match command.name:
            case "status":
                return self._hub.status()
            case "signals":
                return self._hub.signals()
            case "mute":
                return commands.mute_text(command)
            case "unmute":
                return commands.unmute_text()
            case _:
                return commands.help_text(command.fault)
