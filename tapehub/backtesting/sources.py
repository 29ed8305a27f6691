"""What a backtest plays: messages of recordings or of the stores, in order of time, and whether they are ticks or minutes."""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Final, NamedTuple

from actors.collector.recorded.decoders import NAMES, decoder_of
from actors.collector.registry import EXCHANGES
from protocol.instruments import Catalog
from protocol.messages import Bar, Message, Quote
from protocol.topics import is_venue
from tapehub.backtesting.minute_files import Named, is_minute_file, minute_bars
from tapehub.backtesting.minutes import MINUTE
from tapehub.stretches import Stretch

TICKS: Final = "ticks"
MINUTES: Final = "minutes"
AUTO: Final = "auto"
DATA: Final = (AUTO, TICKS, MINUTES)
LOOKED_AT: Final = 5000
"""Messages at the beginning among which there is a quote if there are any."""


class SourceError(Exception):
    """The data cannot be played as it was asked for.

    Args:
        what: What is wrong.
        fix: What to ask instead.
    """

    def __init__(self, what: str, fix: str) -> None:
        super().__init__(what)
        self.fix = fix


class Played(NamedTuple):
    """What is played."""

    data: str
    """TICKS or MINUTES."""
    venue: str
    messages: Iterator[Message]


class Selection(NamedTuple):
    """Which messages; empty means all."""

    symbols: Sequence[str]
    stretch: Stretch

    def takes(self, message: Message) -> bool:
        """Whether a message is one of them; what has no symbol or time of an event is."""
        symbol = getattr(message, "symbol", "")
        if symbol and self.symbols and symbol not in self.symbols:
            return False
        ts_ns = time_of(message)
        start_ns, end_ns = self.stretch
        return not ts_ns or ((start_ns is None or ts_ns >= start_ns) and (end_ns is None or ts_ns < end_ns))


def time_of(message: Message) -> int:
    """When a message counts, ns: a candle at its start; 0 for what has no time."""
    found: int = message.ts_open_ns if isinstance(message, Bar) else getattr(message, "ts_event_ns", 0)
    return found


def recorded(
    paths: Sequence[Path], venue: str, catalog: Catalog, chosen: Selection, *, is_end: bool
) -> Iterator[Message]:
    """Messages of recordings: of one in its order, several are merged by time.

    Args:
        paths: Files.
        venue: Whose; one that no decoder is for is the name of a market whose minutes they are.
        catalog: Names of the instruments.
        chosen: Which messages.
        is_end: Times in files of minutes that nobody's decoder reads are the ends of the minutes.

    Raises:
        SourceError: the venue or the symbol is not clear.
        UnreadableRecording: as soon as it is read to there.
    """
    readers = [_reader(path, venue, catalog, chosen, is_end=is_end) for path in paths]
    found = readers[0] if len(readers) == 1 else heapq.merge(*readers, key=time_of)
    return filter(chosen.takes, found)


def _reader(
    path: Path, venue: str, catalog: Catalog, chosen: Selection, *, is_end: bool
) -> Iterator[Message]:
    if (venue not in NAMES or venue in EXCHANGES) and is_minute_file(path):
        if len(chosen.symbols) != 1 or not is_venue(venue):
            what = f"{path} does not say whose minutes they are"
            raise SourceError(what, "name one --symbol, such as EUR_USD, and a --venue")
        return minute_bars(path, Named(chosen.symbols[0], venue, is_end))
    if venue not in NAMES:
        what = f"no decoder for venue {venue!r}, and {path.name} is no file of minutes with a header"
        raise SourceError(what, f"one of {', '.join(NAMES)}; tapehub backtest --help says what is read")
    return decoder_of(venue, catalog).messages(path)


def played(messages: Iterable[Message], data: str, named: str) -> Played | None:
    """Find out what there is and choose what is played; None if there is nothing.

    Args:
        messages: In order of time.
        data: What is wanted, of `DATA`; auto: ticks where there is a quote.
        named: The venue to say; empty: that of the first message.

    Raises:
        SourceError: minutes are wanted and there are none.
    """
    rest = iter(messages)
    first = list(itertools.islice(rest, LOOKED_AT))
    if not first:
        return None
    is_quoted = any(isinstance(one, Quote) for one in first)
    if data == AUTO:
        data = TICKS if is_quoted or not any(_is_minute(one) for one in first) else MINUTES
    venue = named or next((found for one in first if (found := getattr(one, "venue", ""))), "")
    chained = itertools.chain(first, rest)
    if data == MINUTES:
        if not any(_is_minute(one) for one in first):
            raise SourceError("there are no candles of one minute", "--data ticks")
        return Played(data, venue, _only(chained, _is_minute, named))
    if not is_quoted and len(first) < LOOKED_AT:
        raise SourceError(
            "there are no quotes: nothing says at what price an idea could have been entered",
            "a recording with quotes, or candles of one minute",
        )
    return Played(data, venue, _only(chained, _is_tick, named))


def _only(messages: Iterable[Message], is_wanted: Callable[[Message], bool], named: str) -> Iterator[Message]:
    venue = ""
    for message in messages:
        if not is_wanted(message):
            continue
        found = getattr(message, "venue", "")
        venue = venue or found
        if found and found != venue and not named:
            raise SourceError(f"this is data of {venue} and {found}", f"--venue {venue}, or --venue {found}")
        yield message


def _is_minute(message: Message) -> bool:
    return isinstance(message, Bar) and message.timeframe == MINUTE and message.revision > 0


def _is_tick(message: Message) -> bool:
    return not isinstance(message, Bar)
