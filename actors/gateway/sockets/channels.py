"""What can be subscribed to, and which of it may be conflated. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final, NamedTuple

Row = dict[str, Any]
"""One message as a client gets it."""
ACTORS: Final = "actors"
BOOK: Final = "book"
NEWS: Final = "news"
FLOW: Final = "flow"
BOOK_CONFLATE_MS: Final = 100
BOOK_DEPTH: Final = 20


class Channel(NamedTuple):
    """One channel."""

    name: str
    kind: str
    """First part of its topics."""
    has_timeframe: bool = False
    key: Callable[[Row], Any] | None = None
    """Of rows with one key the newest says it all; None: none replaces another."""
    is_running: Callable[[Row], bool] = lambda _row: True
    """Whether a row is one that a newer one replaces."""
    snapshot: int = 0
    """Rows of a snapshot, whatever is asked for; 0: as many as are asked for."""


def _always(_row: Row) -> None:
    return None


def _opened(row: Row) -> Any:
    return row["ts_open_ns"]


def _is_open(row: Row) -> bool:
    """A candle's first final word is revision 1."""
    return bool(row["revision"] == 0)


CHANNELS: Final[dict[str, Channel]] = {
    channel.name: channel
    for channel in (
        Channel("quotes", "quote", key=_always, snapshot=1),
        Channel("trades", "trade"),
        Channel(BOOK, "book", snapshot=1),
        Channel("bars", "bar", has_timeframe=True, key=_opened, is_running=_is_open),
        Channel("features", "feature", has_timeframe=True, key=_opened, is_running=_is_open),
        Channel("footprints", "footprint", has_timeframe=True, key=_opened, is_running=_is_open),
        Channel(FLOW, "flow", key=lambda row: row["window_s"]),
        Channel("sweeps", "sweep"),
        Channel("liquidations", "liquidation"),
        Channel(NEWS, "news"),
        Channel("alerts", "alert"),
        Channel("signals", "signal"),
        Channel("gaps", "gap"),
        Channel("verdicts", "verdict"),
        Channel(ACTORS, ACTORS, key=lambda row: row["name"]),
    )
}
"""By name."""
BY_KIND: Final = {channel.kind: channel for channel in CHANNELS.values()}


def is_conflatable(channel: Channel, rows: Sequence[Row]) -> bool:
    """Whether newer rows of the same topic may take the place of all of these."""
    return channel.key is not None and all(map(channel.is_running, rows))


def conflated(channel: Channel, old: Sequence[Row], new: Sequence[Row]) -> list[Row]:
    """The rows that stand for both, oldest first."""
    key = channel.key
    if key is None or channel.key is _always:
        return list(new[-1:])
    found = {key(row): row for row in old}
    for row in new:
        found.pop(key(row), None)
        found[key(row)] = row
    return list(found.values())
