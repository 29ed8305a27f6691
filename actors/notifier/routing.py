"""Which channels a note goes to. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from fnmatch import fnmatchcase

from actors.notifier.note import Note, rank_of
from actors.notifier.settings import Route


def channels_of(note: Note, routes: Sequence[Route]) -> list[str]:
    """Channels at which a note begins a message, each once, in the order of the routes."""
    found = [name for route in routes if fits(note, route) for name in route.channels]
    return list(dict.fromkeys(found))


def fits(note: Note, route: Route) -> bool:
    """Whether a route takes a note."""
    if note.kind not in route.kinds or rank_of(note.severity) < rank_of(route.severity):
        return False
    if not any(fnmatchcase(note.rule, pattern) for pattern in route.rules):
        return False
    if not any(fnmatchcase(note.symbol, pattern) for pattern in route.symbols):
        return False
    if note.kind != "signal":
        return True
    return note.state in route.states and note.confidence >= route.confidence and note.score >= route.score


def is_muted(note: Note, patterns: Sequence[str]) -> bool:
    """Whether one of these symbols, strategies or rules is the note's, whatever its capitals; `*` is everything."""
    words = (note.symbol.casefold(), note.rule.casefold())
    return any(fnmatchcase(word, pattern.casefold()) for pattern in patterns for word in words)
