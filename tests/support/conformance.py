"""What every exchange must keep to, measured on its recordings: the rules of `test_conformance.py`.

A recording is replayed the live way: fixed names, contracts, one reader per connection, REST snapshots where the
recorder fetched them.
"""

from __future__ import annotations

import abc
import functools
import re
from collections import Counter, deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

from actors.collector.gaps import Gaps
from actors.collector.intake.normaliser import NO_LIMIT_NS, Normaliser, Rules, Take
from actors.collector.outcomes import Control, Outcome, PastTrade
from actors.collector.recorded.recordings import Recorded, read_recording
from actors.collector.registry import EXCHANGES, exchange, sniffer
from actors.collector.venue import Contract, TradeIds, Venue
from protocol.book import OrderBook
from protocol.messages import Book, Message, Quote, Trade
from tests.support import data

MOST_FRAMES: Final = 6_000
"""Of one recording: enough of everything, and quick."""
MIXED: Final = ("liquidations/frames_2026.jsonl", "frames_2026/frames.jsonl")
"""Recordings whose lines name their venue."""
MAX_AHEAD_NS: Final = 5_000_000_000
LAG_NS: Final = 50_000_000
EXTRA: Final = b'"zz_unknown":{"zz":[1,"2",null]},'
_BRACE: Final = re.compile(rb'"(?:[^"\\]|\\.)*"|\{')


class Answers(abc.ABC):
    """How a venue answers requests; each is one frame or more, made from the text of the request."""

    @abc.abstractmethod
    def ack(self, text: str) -> list[bytes]:
        """It takes all of it."""

    @abc.abstractmethod
    def refuse(self, text: str) -> list[bytes]:
        """It does not want the first stream of it; whatever becomes of the others is said too."""


class Declared(NamedTuple):
    """What of a venue no recording says."""

    raws: Mapping[str, tuple[str, str]]
    """Market to two of its raw names."""
    answers: Callable[[str], Answers]
    """Of one connection to a market."""
    nobody: tuple[tuple[str, bytes], ...]
    """(market, good frame of a type that nobody reads)."""
    pongs: tuple[bytes, ...] = ()
    """What comes back for a ping."""
    most_args: Mapping[str, int] = {}
    """Market to most streams of one request, where the venue bounds them."""
    most_bytes: int = 64_000
    """Of one request."""
    maps: tuple[bytes, ...] = ()
    """Keys whose value is a mapping, not an object: a name in it that nobody knows is no unknown field."""
    few_prints: tuple[str, ...] = ()
    """Recordings with too few trades to measure sides by; their taker volumes are compared with the truth elsewhere."""


class Entry(NamedTuple):
    """One frame or answer of a recording, with what it says about itself."""

    recorded: Recorded
    market: str
    rest: str
    raw: str
    stream_type: str


class _Learner(dict[str, str]):
    def __init__(self, venue: str, market: str) -> None:
        super().__init__()
        self._sniffer, self._market = sniffer(venue), market

    def get(self, raw: str, _default: object = None) -> str:
        return self.setdefault(raw, self._sniffer.derived_symbol(self._market, raw))


class _AnyContract(dict[str, Contract]):
    def get(self, _symbol: str, _default: object = None) -> Contract:
        return Contract(1.0)


@functools.cache
def entries(venue: str, name: str) -> tuple[Entry, ...]:
    """The first frames of a recording that are of this venue."""
    found: list[Entry] = []
    spoken, look = exchange(venue), sniffer(venue)
    market = spoken.markets[0]
    for recorded in read_recording(data.recording(name)):
        told, _, told_market = recorded.venue.partition("_")
        if told and told != venue:
            continue
        sniffed = look.sniff(recorded.data, recorded.address)
        if recorded.is_rest and not sniffed.rest:
            continue
        market = sniffed.market or (told_market if told_market in spoken.markets else market)
        found.append(Entry(recorded, market, sniffed.rest, sniffed.raw, sniffed.stream_type))
        if len(found) >= MOST_FRAMES:
            break
    return tuple(found)


def is_capture(venue: str, name: str) -> bool:
    """Whether a recording is a series of one recorder, not single frames of many years."""
    return any(entry.recorded.ts_recv_ns for entry in entries(venue, name))


@functools.cache
def known_names(venue: str, name: str) -> dict[str, dict[str, str]]:
    """Market to raw name to symbol, of everything in a recording."""
    spoken = exchange(venue)
    names: dict[str, dict[str, str]] = {}
    for market in spoken.markets:
        learner = _Learner(venue, market)
        reader = spoken.parser(market, learner, _AnyContract()).reader()
        for entry in entries(venue, name):
            if entry.market == market and not entry.rest:
                reader.parse(entry.recorded.data, entry.recorded.ts_recv_ns)
            elif entry.market == market and entry.rest == "snapshot" and entry.raw:
                learner.get(entry.raw)
        names[market] = dict(learner)
    return names


def known_contracts(venue: str, name: str, market: str) -> dict[str, Contract]:
    """Symbol to contract: of the recording's own instruments, else as the sniffer knows them, else one unit."""
    spoken, look = exchange(venue), sniffer(venue)
    if not spoken.instruments_path(market):
        return {}
    listed: dict[str, Contract] = {}
    for entry in entries(venue, name):
        if entry.rest == "instruments" and entry.market == market:
            found = spoken.parse_instruments(market, entry.recorded.data)
            listed.update(found if isinstance(found, dict) else {})
    return {
        symbol: listed.get(raw) or look.contract(market, raw) or Contract(1.0)
        for raw, symbol in known_names(venue, name)[market].items()
    }


class Replay:
    """A recording through the live path of its venue.

    Args:
        venue: One of EXCHANGES.
        name: Of the recording.
        scale: Contract sizes are multiplied by this.
        change: Given each stream frame with its number; returns what comes instead, None: nothing.
    """

    def __init__(
        self, venue: str, name: str, scale: float = 1.0,
        change: Callable[[int, bytes], bytes | None] = lambda _number, frame: frame,
    ) -> None:  # fmt: skip
        self.venue: Venue = exchange(venue)
        self.name = name
        self.messages: list[Message] = []
        self.dropped: Counter[str] = Counter()
        self.controls: list[Control] = []
        self.normalisers: dict[str, Normaliser] = {}
        self._takers: dict[tuple[str, str], Take] = {}
        self._change = change
        self._scale = scale
        self._gaps = Gaps(venue, "conformance-1")

    def run(self) -> Replay:
        """All of it."""
        for _ in self.steps():
            pass
        return self

    def steps(self) -> Iterator[Entry]:
        """Frame by frame, each after it was taken."""
        number = 0
        for entry in entries(self.venue.name, self.name):
            normaliser = self.normaliser(entry.market)
            recorded = entry.recorded
            if entry.rest == "snapshot":
                symbol = known_names(self.venue.name, self.name)[entry.market].get(entry.raw)
                waiting = [one for one in normaliser.unsynced if normaliser.tapes[one].book.waiting]
                symbol = symbol or (waiting[0] if len(waiting) == 1 else None)
                if symbol:
                    normaliser.take_snapshot(symbol, recorded.data, recorded.ts_recv_ns)
            elif not entry.rest:
                changed = self._change(number, recorded.data)
                number += 1
                if changed is not None:
                    self._take(entry, changed)
            yield entry

    def _take(self, entry: Entry, frame: bytes) -> None:
        key = entry.market, entry.recorded.connection
        take = self._takers.get(key)
        if take is None:
            take = self._takers[key] = self.normaliser(entry.market).taker()
        control = take(frame, entry.recorded.ts_recv_ns)
        if control is not None:
            self.controls.append(control)

    def normaliser(self, market: str) -> Normaliser:
        """Of one market, as `Feed` makes it."""
        found = self.normalisers.get(market)
        if found is None:
            venue, types = self.venue, self.venue.defaults.streams[market]
            trade_type = next((one for one in types if venue.kind_of(one) == "trade"), "")
            names = known_names(venue.name, self.name)[market]
            contracts = {
                symbol: contract._replace(size=contract.size * self._scale)
                for symbol, contract in known_contracts(venue.name, self.name, market).items()
            }
            found = self.normalisers[market] = Normaliser(
                venue.name,
                venue.parser(market, names, contracts),
                self._gaps,
                self.messages.append,
                self._drop,
                Rules(
                    MAX_AHEAD_NS if is_capture(venue.name, self.name) else NO_LIMIT_NS,
                    ids=venue.trade_ids(market, trade_type),
                    is_streamed=not venue.snapshot_path(market, "", 100),
                ),
            )
            for symbol in names.values():
                found.watch(symbol, book=True)
        return found

    def _drop(self, reason: str, _what: object = "") -> None:
        self.dropped[reason] += 1

    def ids(self, symbol: str) -> TradeIds:
        """How the trades of a symbol are numbered."""
        for market, names in known_names(self.venue.name, self.name).items():
            if symbol in names.values():
                types = self.venue.defaults.streams[market]
                trade_type = next((one for one in types if self.venue.kind_of(one) == "trade"), "")
                return self.venue.trade_ids(market, trade_type)
        raise KeyError(symbol)


@functools.cache
def replayed(venue: str, name: str) -> Replay:
    """A recording as it is."""
    return Replay(venue, name).run()


def of(replay: Replay, *kinds: type[Message]) -> list[Any]:
    """Messages of these kinds that came out of it."""
    return [message for message in replay.messages if isinstance(message, kinds)]


def unwrapped(outcome: Outcome) -> Any:
    """The trade of an outcome that is a past one."""
    return outcome.trade if isinstance(outcome, PastTrade) else outcome


def recordings() -> list[tuple[str, str]]:
    """(venue, name) of every recording of an exchange."""
    folder = data.data_dir()
    if folder is None:
        return []
    found = [
        (venue, f"{venue}/{path.name}") for venue in EXCHANGES for path in sorted((folder / venue).iterdir())
    ]
    mixed = [(venue, name) for venue in EXCHANGES for name in MIXED if (folder / name).is_file()]
    return found + [(venue, name) for venue, name in mixed if entries(venue, name)]


def with_unknown_fields(frame: bytes, maps: Sequence[bytes]) -> bytes:
    """The same frame with one more field in each object, but in those that are mappings (of these keys)."""
    out: list[bytes] = []
    at = 0
    key = b""
    for match in _BRACE.finditer(frame):
        token = match.group()
        if token != b"{":
            key = token.strip(b'"')
            continue
        is_empty = frame[match.end() :].lstrip()[:1] == b"}"
        is_map = key in maps and frame[: match.start()].rstrip().endswith(b":")
        out += [frame[at : match.end()], b"" if is_map else EXTRA.rstrip(b",") if is_empty else EXTRA]
        at = match.end()
    return b"".join([*out, frame[at:]])


def sides_of(messages: Sequence[Message], lag_ns: int = LAG_NS) -> tuple[int, int]:
    """Trades at or beyond the side they are said to have taken, and those at or beyond the other one.

    Measured against the best prices as they were known `lag_ns` before the trade came: what a trade leaves behind comes
    before the trade itself on some streams. A trade inside the spread says nothing.
    """
    best: dict[str, deque[tuple[int, float, float]]] = {}
    replicas: dict[str, OrderBook] = {}
    agreed = against = 0
    for message in messages:
        if isinstance(message, Quote):
            known = best.setdefault(message.symbol, deque(maxlen=4000))
            known.append((message.ts_recv_ns, message.bid, message.ask))
        elif isinstance(message, Book):
            replica = replicas.setdefault(message.symbol, OrderBook())
            (replica.snapshot if message.is_snapshot else replica.apply)(
                message.bids, message.asks, message.last_update_id
            )
            if replica.best_bid and replica.best_ask:
                known = best.setdefault(message.symbol, deque(maxlen=4000))
                known.append((message.ts_recv_ns, replica.best_bid[0], replica.best_ask[0]))
        elif isinstance(message, Trade) and message.symbol in best:
            known = best[message.symbol]
            at_ns = message.ts_recv_ns - lag_ns
            _, bid, ask = next((one for one in reversed(known) if one[0] <= at_ns), known[0])
            taken = 0 if bid >= ask else 1 if message.price >= ask else -1 if message.price <= bid else 0
            agreed += taken == message.side != 0
            against += taken == -message.side != 0
    return agreed, against


def outcomes_of(venue: str, name: str, frames: Sequence[bytes | None]) -> list[Sequence[Outcome]]:
    """What fresh readers make of the frames of a recording, some of them changed; None: as it is."""
    spoken = exchange(venue)
    readers: dict[tuple[str, str], Any] = {}
    found: list[Sequence[Outcome]] = []
    streams = [entry for entry in entries(venue, name) if not entry.rest]
    for entry, frame in zip(streams, frames, strict=False):
        key = entry.market, entry.recorded.connection
        if key not in readers:
            names = known_names(venue, name)[entry.market]
            contracts = known_contracts(venue, name, entry.market)
            readers[key] = spoken.parser(entry.market, names, contracts).reader()
        found.append(readers[key].parse(frame or entry.recorded.data, entry.recorded.ts_recv_ns))
    return found
