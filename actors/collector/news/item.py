"""One headline as a source has it, before we decide whether and how to publish it. Pure."""

from __future__ import annotations

import msgspec


class Item(msgspec.Struct, frozen=True, gc=False):
    """What a source says of one headline: raw texts, nothing is trusted yet."""

    news_id: str
    """The source's own id; empty if it has none."""
    title: str
    """May hold HTML."""
    url: str
    published_ns: int = 0
    """UTC, 0 if the source does not say or nobody can read it."""
    codes: tuple[str, ...] = ()
    """Assets that the source itself names (BTC)."""


class UnreadableNews(Exception):
    """A body is not what its source should send; `reason` is one of ours, never a peer's word."""

    def __init__(self, reason: str, text: str = "") -> None:
        super().__init__(f"{reason}: {text}" if text else reason)
        self.reason = reason
