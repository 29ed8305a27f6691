"""`tapehub decode` for exchanges: a recording through the live path, and what it held.

Frames pass the very parser, order-book synchronisation and id chains of the live collector; only the socket is
a file. Pure but for reading that file.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from actors.collector.gaps import Gaps
from actors.collector.intake.normaliser import Normaliser, Rules, Take
from actors.collector.outcomes import BookImage, Outcome, Reject
from actors.collector.recorded.recordings import Recorded, read_recording
from actors.collector.recorded.sniffing import Sniffed, Sniffer
from actors.collector.recorded.summary import Summary
from actors.collector.registry import EXCHANGES, exchange, sniffer
from actors.collector.venue import Contract, Parser, Reader, Venue
from protocol.instruments import Catalog
from protocol.messages import Bar, Message, Trade

VENUES: Final = EXCHANGES
_MAX_KNOWN_STREAMS: Final = 10_000


class UnknownVenue(ValueError):
    """No venue of that name can be decoded."""


class _Names(dict[str, str]):
    """Raw to canonical names: the catalog's, or derived ones for what it does not map. It finds contracts on the way."""

    def __init__(self, market: str, catalog: Catalog | None, sniffer: Sniffer, summary: Summary) -> None:
        super().__init__()
        self.listed: dict[str, Contract] = {}
        """Raw name to contract, of the recording itself."""
        self._market, self._catalog, self._sniffer, self._summary = market, catalog, sniffer, summary

    def get(self, raw: str, _default: object = None) -> str:
        found = super().get(raw)
        if found is None:
            summary, catalog = self._summary, self._catalog
            mapped = catalog.canonical(summary.venue, self._market, raw) if catalog else None
            found = self[raw] = mapped or self._sniffer.derived_symbol(self._market, raw)
            summary.raw_names[found] = raw
            contract = self.listed.get(raw) or self._sniffer.contract(self._market, raw)
            if contract is not None:
                summary.contracts[found] = contract
        return found


class _Counting:
    """A parser, and a reader of one connection, whose outcomes are counted on their way."""

    def __init__(self, parser: Parser, summary: Summary) -> None:
        self._parser, self._summary = parser, summary
        self._reader = parser.reader()

    def reader(self) -> Reader:
        """One of a new connection."""
        return _Counting(self._parser, self._summary)

    def parse(self, frame: bytes, ts_recv_ns: int) -> Sequence[Outcome]:
        """As the reader does."""
        outcomes = self._reader.parse(frame, ts_recv_ns)
        for outcome in outcomes:
            self._summary.note_outcome(outcome)
        return outcomes

    def parse_snapshot(self, symbol: str, body: bytes, ts_recv_ns: int) -> BookImage | Reject:
        """As the parser does."""
        image = self._parser.parse_snapshot(symbol, body, ts_recv_ns)
        self._summary.note_outcome(image)
        return image

    def parse_trades(self, symbol: str, body: bytes, ts_recv_ns: int) -> list[Trade] | Reject:
        """As the parser does."""
        return self._parser.parse_trades(symbol, body, ts_recv_ns)

    def parse_klines(self, symbol: str, body: bytes) -> list[Bar] | Reject:
        """As the parser does."""
        return self._parser.parse_klines(symbol, body)


class _Market:
    """The live path of one market."""

    def __init__(self, market: str, catalog: Catalog | None, venue: Venue, decoder: Decoder) -> None:
        summary = decoder.summary
        self.name = market
        self.names = _Names(market, catalog, decoder.sniffer, summary)
        types = venue.defaults.streams.get(market, [])
        trade_type = next((name for name in types if venue.kind_of(name) == "trade"), "")
        self.normaliser = Normaliser(
            summary.venue,
            _Counting(venue.parser(market, self.names, summary.contracts), summary),
            decoder.gaps,
            decoder.emit,
            decoder.drop,
            Rules(
                ids=venue.trade_ids(market, trade_type),
                is_streamed=not venue.snapshot_path(market, "", 100),
                is_curious=True,
            ),
        )
        self._takers: dict[str, Take] = {}

    def take(self, recorded: Recorded) -> None:
        """Take a frame of a stream."""
        take = self._takers.get(recorded.connection)
        if take is None:
            take = self._takers[recorded.connection] = self.normaliser.taker()
        take(recorded.data, recorded.ts_recv_ns)


class Decoder:
    """Decodes one recording.

    Args:
        venue: Name of the exchange, one of VENUES.
        catalog: Canonical names; symbols that it does not map get derived ones.
        market: Market of all frames; empty: each frame tells its own.

    Raises:
        UnknownVenue: names those that there are.
    """

    def __init__(self, venue: str, catalog: Catalog | None = None, market: str = "") -> None:
        if venue not in VENUES:
            raise UnknownVenue(f"cannot decode venue {venue!r}; there are: {', '.join(VENUES)}")
        self.summary = Summary(venue)
        self.sniffer = sniffer(venue)
        self.gaps = Gaps(venue, "decode-1")
        self._venue = exchange(venue)
        self._catalog = catalog
        self._market = market
        self._markets: dict[str, _Market] = {}
        self._newest_market = market
        self._known_streams: dict[bytes, Sniffed] = {}
        self._ready: list[Message] = []

    def messages(self, path: Path) -> Iterator[Message]:
        """Messages of a recording, in order; `summary` is complete at the end.

        Raises:
            UnreadableRecording: says which line and why.
        """
        for recorded in read_recording(path):
            yield from self.take(recorded)
        self.end()

    def take(self, recorded: Recorded) -> Sequence[Message]:
        """Take one frame or REST answer; returns the messages that it makes."""
        if recorded.venue and recorded.venue.partition("_")[0] != self.summary.venue:
            self.summary.ignored[f"venue {recorded.venue}"] += 1
            return ()
        summary = self.summary
        summary.frames += 1
        summary.first_recv_ns = summary.first_recv_ns or recorded.ts_recv_ns
        summary.last_recv_ns = recorded.ts_recv_ns
        self._take(recorded)
        ready, self._ready = self._ready, []
        return ready

    def end(self) -> None:
        """No more is to come: complete the summary."""
        for market in self._markets.values():
            self.summary.ignored.update(market.normaliser.ignored)

    def emit(self, message: Message) -> None:
        """Take a message from the live path."""
        self.summary.note(message)
        self._ready.append(message)

    def drop(self, reason: str, _what: object = "") -> None:
        """Count what the live path refused."""
        self.summary.rejects[reason] += 1

    def _take(self, recorded: Recorded) -> None:
        sniffed = self._sniff(recorded)
        if recorded.is_rest and not sniffed.rest:
            self.summary.ignored["rest answer"] += 1
            return
        self.summary.streams[sniffed.stream_type or "other"] += 1
        market = self._market_of(
            self._market or sniffed.market or self._newest_market or self._venue.markets[0]
        )
        match sniffed.rest:
            case "snapshot":
                symbol = market.names.get(sniffed.raw) if sniffed.raw else _waiting_symbol(market)
                if symbol:
                    market.normaliser.take_snapshot(symbol, recorded.data, recorded.ts_recv_ns)
                else:
                    self.drop("snapshot_of_unknown_symbol")
            case "instruments":
                found = self._venue.parse_instruments(market.name, recorded.data)
                if isinstance(found, Reject):
                    self.drop(found.reason)
                else:
                    market.names.listed.update(found)
            case _:
                market.take(recorded)

    def _sniff(self, recorded: Recorded) -> Sniffed:
        """Frames of one stream belong to one market: look at the first only."""
        data = recorded.data
        if not data.startswith(b'{"stream":"'):
            return self.sniffer.sniff(data, recorded.address)
        key = data[11 : data.find(b'"', 11, 100)]
        found = self._known_streams.get(key)
        if found is None:
            found = self.sniffer.sniff(data, recorded.address)
            if found.market and len(self._known_streams) < _MAX_KNOWN_STREAMS:
                self._known_streams[key] = found
        return found

    def _market_of(self, name: str) -> _Market:
        self._newest_market = name
        found = self._markets.get(name)
        if found is None:
            found = self._markets[name] = _Market(name, self._catalog, self._venue, self)
        return found


def _waiting_symbol(market: _Market) -> str:
    """The symbol whose book waits for a snapshot, of a recording whose snapshots do not say theirs."""
    waiting = [
        symbol for symbol in market.normaliser.unsynced if market.normaliser.tapes[symbol].book.waiting
    ]
    return waiting[0] if len(waiting) == 1 else ""
