"""From a note to messages: which targets, with which words. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Final, NamedTuple

import msgspec

from actors.notifier.item import Draft, key_of
from actors.notifier.markdown import escape
from actors.notifier.note import Note
from actors.notifier.outbox import Mute
from actors.notifier.quiet_hours import quiet
from actors.notifier.routing import channels_of, is_muted
from actors.notifier.settings import ChannelSettings, NotifierSettings
from actors.notifier.templates import TemplateBook, TemplateError

_json: Final = msgspec.json.Encoder(order="deterministic").encode


class Drafts(NamedTuple):
    """What becomes of a note."""

    begun: list[Draft]
    """Messages that it may begin."""
    following: list[Draft]
    """Messages of those targets only that have an earlier revision."""
    quiet: int = 0
    """Targets that rest."""
    muted: int = 0
    """Targets that do not want it."""


class Desk:
    """Routes and words.

    Args:
        settings: Of the notifier.

    Raises:
        TemplateError: a template cannot be used; names channel and template.
    """

    def __init__(self, settings: NotifierSettings) -> None:
        self._settings = settings
        self._books: dict[str, TemplateBook] = {}
        for name, channel in settings.channels.items():
            try:
                own = {str(kind): text for kind, text in channel.templates.items()}
                self._books[name] = TemplateBook(own, is_markdown=channel.telegram is not None)
            except TemplateError as fault:
                raise TemplateError(f"channels.{name}.templates.{fault}") from None

    def drafts(self, note: Note, mutes: Collection[Mute], now_ns: int) -> Drafts:
        """Messages of a note.

        Args:
            note: It.
            mutes: What targets do not want to hear.
            now_ns: Wall clock, for hours of rest.
        """
        found = Drafts([], [])
        quieted = muted = 0
        begins = channels_of(note, self._settings.routes)
        for name in begins:
            channel = self._settings.channels[name]
            rest = quiet(channel.quiet_hours, now_ns, note.severity)
            for target in targets_of(name, channel):
                if rest == "drop" or (rest == "silent" and channel.telegram is None):
                    quieted += 1
                elif is_muted(note, [one.pattern for one in mutes if one.target == target]):
                    muted += 1
                else:
                    found.begun.append(self._draft(note, name, target, is_silent=bool(rest)))
        if note.kind == "signal" and note.revision > 1:
            # what was begun goes on, whatever the routes, the hours and the mutes say meanwhile
            begun = {draft.target for draft in found.begun}
            for name, channel in self._settings.channels.items():
                found.following.extend(
                    self._draft(note, name, target, is_silent=True)
                    for target in targets_of(name, channel)
                    if target not in begun
                )
        return found._replace(quiet=quieted, muted=muted)

    def reply(self, channel: str, chat: str, subject: str, text: str, now_ns: int) -> Draft:
        """The answer to a command; `text` is MarkdownV2."""
        target = target_of(channel, chat)
        return Draft(
            key=key_of(target, "reply", subject, 1),
            channel=channel,
            target=target,
            kind="reply",
            subject=subject,
            revision=1,
            dedup="",
            dedup_ns=0,
            title="",
            body=text,
            payload="{}",
            is_silent=False,
            ts_event_ns=now_ns,
            created_ns=now_ns,
        )

    def _draft(self, note: Note, name: str, target: str, *, is_silent: bool) -> Draft:
        book, channel = self._books[name], self._settings.channels[name]
        is_markdown = channel.telegram is not None
        body = book.text(note.kind, note.fields, escape) if is_markdown else book.text(note.kind, note.fields)
        return Draft(
            key_of(target, note.kind, note.subject, note.revision),
            name,
            target,
            note.kind,
            note.subject,
            note.revision,
            note.dedup,
            round(channel.dedup_s * 1e9),
            book.subject(note.kind, note.fields),
            body,
            payload_of(note),
            is_silent,
            note.ts_event_ns,
            note.created_ns,
        )


def payload_of(note: Note) -> str:
    """A note for programs: JSON."""
    fields: Mapping[str, object] = {
        "kind": note.kind,
        "subject": note.subject,
        "revision": note.revision,
        "severity": note.severity,
        "ts_event_ns": note.ts_event_ns,
        "fields": dict(note.fields),
    }
    return _json(fields).decode()


def target_of(channel: str, chat: str) -> str:
    """Name of one receiver."""
    return f"{channel}:{chat}" if chat else channel


def targets_of(name: str, channel: ChannelSettings) -> list[str]:
    """Everybody a channel tells."""
    if channel.telegram is None:
        return [name]
    return list(dict.fromkeys(target_of(name, str(chat)) for chat in channel.telegram.chats))
