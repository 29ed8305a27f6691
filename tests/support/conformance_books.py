"""Books of a recording that are lost and come back, as it says: for the rules of `test_conformance.py`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

from actors.collector.outcomes import BookChange
from actors.collector.registry import EXCHANGES, exchange
from protocol.messages import Gap
from tests.support.conformance import (
    Replay,
    entries,
    is_capture,
    known_contracts,
    known_names,
    of,
    replayed,
)


def captures_with_books(recordings: Iterable[tuple[str, str]]) -> Iterator[tuple[str, str, str]]:
    """(venue, name, market) of each capture at whose end a book is synced."""
    for venue, name in recordings:
        if venue in EXCHANGES:
            replay = replayed(venue, name)
            if is_capture(venue, name):
                for market, normaliser in replay.normalisers.items():
                    if any(tape.book.is_synced for tape in normaliser.tapes.values()):
                        yield venue, name, market


def changed(venue: str, name: str, market: str, frame: bytes) -> list[str]:
    """Symbols whose book a frame changes."""
    contracts = known_contracts(venue, name, market)
    reader = exchange(venue).parser(market, known_names(venue, name)[market], contracts).reader()
    return [one.symbol for one in reader.parse(frame, 1) if isinstance(one, BookChange)]


def busiest(venue: str, name: str, market: str) -> str:
    """The symbol with the most changes of its book."""
    changes: Counter[str] = Counter()
    for entry in entries(venue, name):
        if entry.market == market and not entry.rest:
            changes.update(changed(venue, name, market, entry.recorded.data))
    return changes.most_common(1)[0][0]


def book_gaps(replay: Replay, symbol: str) -> list[str]:
    """The states that the gaps of a book went through."""
    return [gap.state for gap in of(replay, Gap) if (gap.symbol, gap.kind) == (symbol, "book")]


def bring_back(replay: Replay, market: str, symbol: str) -> None:
    """The stream begins again on a new connection, or the answer comes: both as recorded."""
    normaliser = replay.normaliser(market)
    normaliser.interrupt(symbol, "book", 0, "disconnect")
    take = normaliser.taker()
    for entry in entries(replay.venue.name, replay.name):
        if entry.market != market:
            continue
        if not entry.rest:
            take(entry.recorded.data, entry.recorded.ts_recv_ns)
        elif (
            entry.rest == "snapshot"
            and known_names(replay.venue.name, replay.name)[market].get(entry.raw, symbol) == symbol
        ):
            normaliser.take_snapshot(symbol, entry.recorded.data, entry.recorded.ts_recv_ns)
        if symbol not in normaliser.unsynced:
            return
