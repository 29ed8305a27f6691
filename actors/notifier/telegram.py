"""The Bot API: calls and what their answers mean (https://core.telegram.org/bots/api)."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, Final

import msgspec

from actors.notifier.calling import Caller
from actors.notifier.failures import BadMarkup, NotModified, NotSent, Refused, Unsure
from actors.notifier.limits import Limits
from actors.notifier.settings import TelegramSettings
from protocol.errors import DECODE_ERRORS

_HEADERS: Final = {"Content-Type": "application/json"}
_BAD_TOKEN_S: Final = 60.0
"""A token that is not accepted is tried again after so long: somebody has to mend it, and nothing is lost meanwhile."""


class Parameters(msgspec.Struct, frozen=True):
    """Help of an error."""

    retry_after: float = 0.0
    migrate_to_chat_id: int = 0


class ChatInfo(msgspec.Struct, frozen=True):
    """Whom a message is in."""

    id: int = 0
    type: str = ""
    """private, group, supergroup, channel."""


class Message(msgspec.Struct, frozen=True):
    """A message."""

    message_id: int = 0
    chat: ChatInfo = ChatInfo()
    text: str = ""
    date: int = 0


class Update(msgspec.Struct, frozen=True):
    """Something that happened in a chat."""

    update_id: int
    message: Message | None = None


class Answered(msgspec.Struct, frozen=True):
    """The frame of every answer."""

    ok: bool
    result: msgspec.Raw = msgspec.Raw(b"null")
    error_code: int = 0
    description: str = ""
    parameters: Parameters = Parameters()


class Bot:
    """One bot; for one thread, its limits are those of all.

    Args:
        settings: Of the channel.
        token: Of the bot.
        limits: Of the bot.
        wait: Waits so many seconds; returns False where the process ends meanwhile.
    """

    def __init__(
        self, settings: TelegramSettings, token: str, limits: Limits, wait: Callable[[float], bool]
    ) -> None:
        self._settings = settings
        self._token = token
        self._base = f"{settings.api_url.rstrip('/')}/bot{token}/"
        self._limits = limits
        self._wait = wait
        self._caller = Caller(settings.timeout_s)

    def send(self, chat: str, text: str, *, is_markdown: bool = True, is_silent: bool = False) -> Message:
        """Send a message; raises as `call`."""
        arguments: dict[str, Any] = {
            "chat_id": _chat_id(chat),
            "text": text,
            "disable_notification": is_silent,
        }
        if is_markdown:
            arguments["parse_mode"] = "MarkdownV2"
        arguments["link_preview_options"] = {"is_disabled": True}
        raw = self._paced(chat, "sendMessage", arguments)
        message: Message = _decoded(raw, Message)
        if not message.message_id:
            raise Unsure("sendMessage: the answer has no message_id")
        return message

    def edit(self, chat: str, message_id: int, text: str, *, is_markdown: bool = True) -> None:
        """Give a message other words; raises as `call`, NotModified where it has them already."""
        arguments: dict[str, Any] = {"chat_id": _chat_id(chat), "message_id": message_id, "text": text}
        if is_markdown:
            arguments["parse_mode"] = "MarkdownV2"
        arguments["link_preview_options"] = {"is_disabled": True}
        self._paced(chat, "editMessageText", arguments)

    def delete(self, chat: str, message_id: int) -> None:
        """Take a message away; raises as `call`."""
        self._paced(chat, "deleteMessage", {"chat_id": _chat_id(chat), "message_id": message_id})

    def updates(self, after_id: int) -> list[Update]:
        """Messages to the bot behind a number, waiting for one; raises as `call`."""
        poll_s = self._settings.poll_s
        arguments = {"offset": after_id + 1, "timeout": round(poll_s), "allowed_updates": ["message"]}
        raw = self.call("getUpdates", arguments, self._settings.timeout_s + poll_s)
        found: list[Update] = _decoded(raw, list[Update])
        return found

    def call(self, method: str, arguments: dict[str, Any], timeout_s: float | None = None) -> msgspec.Raw:
        """Result of a method.

        Raises:
            NotSent: not done, and it may be later.
            Unsure: nobody knows whether it was done.
            Refused: not done, and it never will be.
        """
        answer = self._caller.post(self._base + method, msgspec.json.encode(arguments), _HEADERS, timeout_s)
        try:
            found = msgspec.json.decode(answer.body, type=Answered)
        except DECODE_ERRORS:
            found = Answered(ok=False, error_code=answer.status, description=f"HTTP {answer.status}")
            if answer.status < 400:
                raise Unsure(f"{method}: HTTP {answer.status} without an answer of the Bot API") from None
        if found.ok:
            return found.result
        raise self._fault(method, found, answer.headers.get("retry-after", ""))

    def close(self) -> None:
        """Close its connections."""
        self._caller.close()

    def _paced(self, chat: str, method: str, arguments: dict[str, Any]) -> msgspec.Raw:
        while (at_ns := self._limits.take(chat, time.monotonic_ns())) > 0:
            if not self._wait((at_ns - time.monotonic_ns()) / 1e9):
                raise NotSent("the notifier stops")
        try:
            return self.call(method, arguments)
        except NotSent as fault:
            if fault.is_limit:
                self._limits.hold(chat, time.monotonic_ns() + round(fault.retry_after_s * 1e9))
            raise

    def _fault(self, method: str, found: Answered, retry_after: str) -> Exception:
        code, words = found.error_code, found.description.replace(self._token, "***")[:200]
        text = f"{method}: {code} {words}"
        if code == 429:
            header_s = float(retry_after) if retry_after.isdigit() else 1.0
            return NotSent(text, found.parameters.retry_after or header_s, is_limit=True)
        if code in (401, 404):
            return NotSent(f"{text}: is the token right?", _BAD_TOKEN_S)
        if code == 409:
            return NotSent(f"{text}: another program uses this bot", _BAD_TOKEN_S)
        if code >= 500 or code < 400:
            return Unsure(text)
        if "message is not modified" in words:
            return NotModified(text)
        if "can't parse entities" in words:
            return BadMarkup(text)
        if found.parameters.migrate_to_chat_id:
            text += f"; the group's id is {found.parameters.migrate_to_chat_id} now: write that into `chats`"
        return Refused(text)


def _chat_id(chat: str) -> int | str:
    return chat if chat.startswith("@") else int(chat)


def _decoded(raw: msgspec.Raw, kind: Any) -> Any:
    try:
        return msgspec.json.decode(raw, type=kind)
    except DECODE_ERRORS as fault:
        raise Unsure(f"the answer is not what the Bot API says: {fault}") from None
