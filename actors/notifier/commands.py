"""Commands of people in chats: what they wrote, and what they are told. Pure. Answers are MarkdownV2."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

from actors.notifier.markdown import escape
from actors.notifier.note import FIELDS, note_of_signal
from actors.notifier.templates import MARKDOWN, Template
from protocol.messages import Signal

HOUR_S: Final = 3600
LONGEST_MUTE_S: Final = 30 * 24 * HOUR_S
SIGNALS: Final = 5
_COMMAND: Final = re.compile(r"/([a-z]+)(?:@[A-Za-z0-9_]+)?(?:\s+(.*))?\Z", re.DOTALL)
_DURATION: Final = re.compile(r"([0-9]{1,5})(s|m|h|d)\Z")
_PATTERN: Final = re.compile(r"[A-Za-z0-9_.*?&-]{1,64}\Z")
_UNITS_S: Final = {"s": 1, "m": 60, "h": HOUR_S, "d": 24 * HOUR_S}
_SIGNAL: Final = Template(MARKDOWN["signal"], FIELDS["signal"])
USAGE: Final = (
    "/status how the system is\n/signals the newest signals\n"
    "/mute [symbol or strategy] [duration, like 30m, 2h, 1d] be quiet here\n/mute off hear everything again"
)


class Command(NamedTuple):
    """What somebody wants."""

    name: str
    """status, signals, mute, unmute, help."""
    pattern: str = "*"
    """Of mute: symbol or strategy."""
    duration_s: int = HOUR_S
    """Of mute."""
    fault: str = ""
    """Of help: what was wrong."""


def parse_command(text: str) -> Command | None:
    """What a message asks for; None: it is no command."""
    match = _COMMAND.match(text.strip())
    if match is None:
        return None
    name, words = match[1], (match[2] or "").split()
    if name in ("status", "signals"):
        return Command(name)
    if name == "mute":
        return _mute(words)
    return Command("help", fault="" if name in ("start", "help") else f"there is no command /{name}")


def _mute(words: Sequence[str]) -> Command:
    if list(words) == ["off"]:
        return Command("unmute")
    pattern, duration_s = "*", HOUR_S
    rest = list(words)
    if rest and (match := _DURATION.match(rest[-1])):
        duration_s = min(LONGEST_MUTE_S, int(match[1]) * _UNITS_S[match[2]])
        rest.pop()
    if rest:
        pattern = rest.pop(0)
    if rest or not _PATTERN.match(pattern) or not duration_s:
        return Command("help", fault="that mute is not understood")
    return Command("mute", pattern, duration_s)


def help_text(fault: str) -> str:
    """What there is."""
    return escape(f"{fault}\n{USAGE}" if fault else USAGE)


def mute_text(command: Command) -> str:
    """That it is quiet now."""
    what = "everything" if command.pattern == "*" else command.pattern
    return escape(f"muted here: {what}, for {_duration_text(command.duration_s)}; /mute off ends it")


def unmute_text() -> str:
    """That it is not any more."""
    return escape("nothing is muted here any more")


def status_text(status: Mapping[str, Any]) -> str:
    """A hub's status in a few lines."""
    actors: Mapping[str, Any] = status.get("actors") or {}
    bad = []
    for name, row in sorted(actors.items()):
        state = str(row.get("state", "?")) if row.get("is_alive") else "SILENT"
        if state != "RUNNING":
            bad.append(f"{name} {state}")
    lines = [f"*{escape(f'{len(actors) - len(bad)} of {len(actors)} actors run')}*"]
    lines += [escape(one) for one in bad[:30]]
    venues: Mapping[str, Mapping[str, Any]] = status.get("venues") or {}
    off = [
        name for name, feeds in venues.items() if not any(feed.get("is_connected") for feed in feeds.values())
    ]
    if off:
        lines.append(escape(f"not connected: {', '.join(sorted(off))}"))
    return "\n".join(lines)


def signals_text(signals: Sequence[Signal]) -> str:
    """The newest signals, newest first, each in its newest revision."""
    newest = {note.subject: note for note in (note_of_signal(one, 0) for one in signals)}
    if not newest:
        return escape("no signals yet")
    texts = [_SIGNAL.render(note.fields, escape, 700) for note in list(newest.values())[::-1][:SIGNALS]]
    return "\n\n".join(texts)


def no_answer_text() -> str:
    """That the hub does not answer."""
    return escape("the hub does not answer")


def _duration_text(seconds: int) -> str:
    for unit in ("d", "h", "m"):
        if seconds % _UNITS_S[unit] == 0:
            return f"{seconds // _UNITS_S[unit]}{unit}"
    return f"{seconds}s"
