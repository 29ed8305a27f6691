"""How a venue speaks: what the server that plays a recording must know of it. Pure.

A dialect reads recorded frames itself, with nothing of the collector's parsers: what both got wrong in the same way
would not be seen.
"""

from __future__ import annotations

import abc
import json
from collections.abc import Iterable, Mapping
from typing import Any, ClassVar, Final

from actors.collector.recorded.recordings import Recorded
from tests.support.played_venue.reel import Frame, Ladder

CONN_ID: Final = "d8bu1olkndm7crnfs1e0"


class NotYet(Exception):
    """The answer exists at a later place of the recording: whoever asks is held until then."""


class Session:
    """What a venue knows of one connection."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.keys: dict[str, None] = {}
        """Subscribed, in their order."""
        self.sent = 0
        """Frames that have a number of their own."""


class Dialect(abc.ABC):
    """One venue, at one place of one recording."""

    venue: ClassVar[str]
    paths: ClassVar[tuple[str, ...]]
    """WebSocket paths that there are."""
    is_counted: ClassVar[bool] = True
    """Ids of trades tell how many are missing."""
    has_past_trades: bool = True
    """Trades that were missed can be had over REST."""
    repeats: int = 0
    """Newest trades with which a subscription begins."""

    def __init__(self) -> None:
        self.ladders: dict[str, Ladder] = {}
        """Stream of a book to its levels."""
        self.trades: dict[str, list[dict[str, Any]]] = {}
        """Stream of trades to those that have happened, oldest first, in the venue's words."""
        self.newest: dict[str, Any] = {}
        """Stream of quotes to what the venue would begin it with."""

    def ladder(self, key: str) -> Ladder:
        """Book of a stream."""
        return self.ladders.setdefault(key, Ladder())

    def load(self, recording: Iterable[Recorded]) -> list[Frame]:
        """Everything of a recording that can be played, in the order in which it was received (a file may hold one
        connection behind the other).
        """
        frames: list[Frame] = []
        for recorded in sorted(recording, key=_received_ns):
            frames += self.read(recorded)
        return frames

    @abc.abstractmethod
    def read(self, recorded: Recorded) -> list[Frame]:
        """What is to be played of one recorded frame; REST answers are remembered."""

    @abc.abstractmethod
    def enter(self, frame: Frame) -> None:
        """The frame has happened, whether anybody hears it or not."""

    @abc.abstractmethod
    def answer(self, session: Session, text: str) -> list[bytes]:
        """What the venue says to a request: acks, and whatever begins a stream. Keeps `session.keys`."""

    def dressed(self, session: Session, data: bytes) -> bytes:
        """A frame as this connection gets it."""
        del session
        return data

    def alive(self, session: Session, number: int) -> list[bytes]:
        """What the venue sends to keep a connection alive, behind the frame of this number."""
        del session, number
        return []

    def get(self, path: str, query: Mapping[str, str]) -> bytes | None:
        """Body of a REST answer but for trades; None: there is none. May raise NotYet."""
        del path, query
        return None

    def past_trades(self, path: str, query: Mapping[str, str]) -> bytes | None:
        """Body of a REST answer with trades that have happened; None: it is another path."""
        del path, query
        return None


def _received_ns(recorded: Recorded) -> int:
    return recorded.ts_recv_ns


def encoded(document: Any) -> bytes:
    """JSON without spaces, as venues write it."""
    return json.dumps(document, separators=(",", ":")).encode()
