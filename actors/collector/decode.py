"""`tapehub decode`: a recording through the live path, and what it held.

Frames pass the very parser, order-book synchronisation and id chains of the live collector; only the socket is
a file. Pure but for reading that file.
"""

from __future__ import annotations

import collections
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import msgspec

from actors.collector.gaps import Gaps
from actors.collector.normaliser import Normaliser
from actors.collector.recordings import Recorded, read_recording
from actors.collector.tally import SymbolTally
from actors.collector.venue import BookChange, BookImage, Outcome, Parser, Reject
from actors.collector.venues.binance import Binance
from actors.collector.venues.binance_sniffing import Sniffed, derived_symbol, sniff
from protocol.instruments import Catalog
from protocol.messages import Bar, Book, Gap, Message, Quote, Trade

VENUES: Final = ("binance",)
_DEFAULT_CONTRACT_USD: Final = {"BTC_USD": 100.0}
_OTHER_CONTRACT_USD: Final = 10.0


class UnknownVenue(ValueError):
    """No venue of that name can be decoded."""


class Summary:
    """Counts of one recording, as plain numbers."""

    def __init__(self, venue: str) -> None:
        self.venue = venue
        self.frames = 0
        self.streams: collections.Counter[str] = collections.Counter()
        self.kinds: collections.Counter[str] = collections.Counter()
        self.rejects: collections.Counter[str] = collections.Counter()
        self.ignored: collections.Counter[str] = collections.Counter()
        self.symbols: dict[str, SymbolTally] = collections.defaultdict(SymbolTally)
        self.raw_names: dict[str, str] = {}
        self.gaps: list[Gap] = []
        self.first_recv_ns = self.last_recv_ns = 0
        self.first_event_ns = self.last_event_ns = 0
        self.contract_usd: dict[str, float] = {}

    def to_dict(self) -> dict[str, Any]:
        """One JSON-able document."""
        return {
            "venue": self.venue,
            "frames": self.frames,
            "by_kind": dict(sorted(self.kinds.items())),
            "by_stream": dict(sorted(self.streams.items())),
            "rejects": dict(sorted(self.rejects.items())),
            "ignored": dict(sorted(self.ignored.items())),
            "first_local_ns": self.first_recv_ns,
            "last_local_ns": self.last_recv_ns,
            "first_event_ns": self.first_event_ns,
            "last_event_ns": self.last_event_ns,
            "gaps": [gap.to_dict() for gap in self.gaps],
            "symbols": {
                symbol: self._symbol(symbol, tally) for symbol, tally in sorted(self.symbols.items())
            },
        }

    def _symbol(self, symbol: str, tally: SymbolTally) -> dict[str, Any]:
        return {
            "venue_symbol": self.raw_names.get(symbol, ""),
            "by_kind": dict(sorted(tally.kinds.items())),
            "trades": tally.trades.to_dict(),
            **tally.quotes.to_dict(),
            **tally.books.to_dict(),
        }

    def note(self, message: Message) -> None:
        """Count one message that came out."""
        kind = message.KIND
        self.kinds[kind] += 1
        if isinstance(message, Gap):
            self.gaps.append(message)
            return
        ts_event_ns: int = message.ts_event_ns  # type: ignore[attr-defined]  # every market message has one
        self.first_event_ns = min(self.first_event_ns or ts_event_ns, ts_event_ns)
        self.last_event_ns = max(self.last_event_ns, ts_event_ns)
        symbol: str = message.symbol  # type: ignore[attr-defined]  # and a symbol
        tally = self.symbols[symbol]
        tally.kinds[kind] += 1
        if isinstance(message, Trade):
            tally.trades.add(message, self.contract_usd.get(symbol, 0.0))
        elif isinstance(message, Quote):
            tally.quotes.add(message)
        elif isinstance(message, Book):
            tally.books.add_published(message)

    def note_outcome(self, outcome: Outcome) -> None:
        """Count what the venue said before synchronisation took or refused it."""
        if isinstance(outcome, BookChange):
            books = self.symbols[outcome.symbol].books
            books.add_change(outcome.first_id, outcome.after_id, outcome.last_id)
        elif isinstance(outcome, BookImage):
            books = self.symbols[outcome.symbol].books
            books.add_image(outcome.last_id, (len(outcome.bids), len(outcome.asks)))


class _Names(dict[str, str]):
    """Raw to canonical names: the catalog's, or derived ones for what it does not map."""

    def __init__(self, venue: str, market: str, catalog: Catalog | None, summary: Summary) -> None:
        super().__init__()
        self._venue, self._market, self._catalog, self._summary = venue, market, catalog, summary

    def get(self, raw: str, _default: object = None) -> str:
        found = super().get(raw)
        if found is None:
            mapped = self._catalog.canonical(self._venue, self._market, raw) if self._catalog else None
            found = self[raw] = mapped or derived_symbol(self._market, raw)
            self._summary.raw_names[found] = raw
            if self._market == "coinm":
                pair = found.partition(".")[0]
                size = self._catalog.get(found).contract_size if self._catalog and mapped else 1.0
                known = size if size > 1 else _DEFAULT_CONTRACT_USD.get(pair, _OTHER_CONTRACT_USD)
                self._summary.contract_usd[found] = known
        return found


class _Counting:
    """A parser whose outcomes are counted on their way."""

    def __init__(self, parser: Parser, summary: Summary) -> None:
        self._parser, self._summary = parser, summary

    def parse(self, frame: bytes, ts_recv_ns: int) -> Sequence[Outcome]:
        """As the parser does."""
        outcomes = self._parser.parse(frame, ts_recv_ns)
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

    def __init__(self, market: str, catalog: Catalog | None, decoder: Decoder) -> None:
        summary = decoder.summary
        self.names = _Names(summary.venue, market, catalog, summary)
        parser = Binance().parser(market, self.names, summary.contract_usd)
        self.normaliser = Normaliser(
            summary.venue,
            _Counting(parser, summary),
            Gaps(summary.venue, "decode-1"),
            decoder.emit,
            decoder.drop,
            is_curious=True,
        )
        self.newest_symbol = ""


class Decoder:
    """Decodes one recording.

    Args:
        venue: Name of the venue, one of VENUES.
        catalog: Canonical names; symbols that it does not map get derived ones.
        market: Market of all frames; empty: each frame tells its own.

    Raises:
        UnknownVenue: names those that there are.
    """

    def __init__(self, venue: str, catalog: Catalog | None = None, market: str = "") -> None:
        if venue not in VENUES:
            raise UnknownVenue(f"cannot decode venue {venue!r}; there are: {', '.join(VENUES)}")
        self.summary = Summary(venue)
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
        summary = self.summary
        for recorded in read_recording(path):
            summary.frames += 1
            summary.first_recv_ns = summary.first_recv_ns or recorded.ts_recv_ns
            summary.last_recv_ns = recorded.ts_recv_ns
            self._take(recorded)
            if self._ready:
                ready, self._ready = self._ready, []
                yield from ready
        for market in self._markets.values():
            summary.ignored.update(market.normaliser.ignored)

    def emit(self, message: Message) -> None:
        """Take a message from the live path."""
        self.summary.note(message)
        self._ready.append(message)

    def drop(self, reason: str, _what: object = "") -> None:
        """Count what the live path refused."""
        self.summary.rejects[reason] += 1

    def _take(self, recorded: Recorded) -> None:
        sniffed = self._sniff(recorded)
        if recorded.is_rest and not sniffed.is_snapshot:
            self.summary.ignored["rest answer"] += 1
            return
        self.summary.streams[sniffed.stream_type or "other"] += 1
        market = self._market_of(self._market or sniffed.market or self._newest_market or "spot")
        if sniffed.is_snapshot:
            symbol = market.names.get(sniffed.raw) if sniffed.raw else _waiting_symbol(market)
            if symbol:
                market.normaliser.take_snapshot(symbol, recorded.data, recorded.ts_recv_ns)
            else:
                self.drop("snapshot_of_unknown_symbol")
        else:
            market.normaliser.take(recorded.data, recorded.ts_recv_ns)

    def _sniff(self, recorded: Recorded) -> Sniffed:
        """Frames of one stream belong to one market: look at the first only."""
        data = recorded.data
        if not data.startswith(b'{"stream":"'):
            return sniff(data, recorded.address)
        key = data[11 : data.find(b'"', 11, 100)]
        found = self._known_streams.get(key)
        if found is None:
            found = sniff(data, recorded.address)
            if found.market and len(self._known_streams) < 10_000:
                self._known_streams[key] = found
        return found

    def _market_of(self, name: str) -> _Market:
        self._newest_market = name
        found = self._markets.get(name)
        if found is None:
            found = self._markets[name] = _Market(name, self._catalog, self)
        return found


def _waiting_symbol(market: _Market) -> str:
    """The symbol whose book waits for a snapshot, of a recording whose snapshots do not say theirs."""
    waiting = [
        symbol for symbol in market.normaliser.unsynced if market.normaliser.tapes[symbol].book.waiting
    ]
    return waiting[0] if len(waiting) == 1 else ""


def encode_json(message: Message) -> bytes:
    """One message as a JSON object: what `tapehub decode` prints a line of."""
    return msgspec.json.encode({"kind": message.KIND, **message.to_dict()})
