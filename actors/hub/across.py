"""Answers about one symbol at all its venues: `bbo`, and `book` with the venue `*`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal

from actors.hub.books import BookSlot
from actors.hub.consolidated import consolidate, is_price, merge
from actors.hub.desk import Desk
from actors.hub.slots import QuoteSlot, Slot
from protocol.across import ALL_VENUES, VenueBook, VenueQuote
from protocol.errors import InvalidRequest, NoData
from protocol.messages import Level
from protocol.requests import Request

_REFUSED: Final = ("venue_down", "gap_open", "closed_market")
"""States in which a venue's value is not to be mixed with those of others."""


class AcrossAnswers:
    """One method per operation; each returns the encoded reply or raises a HubError.

    Args:
        desk: What all answers need.
        expiry_s: Age by kind (quote, book) from which a venue's value does not count, seconds.
    """

    def __init__(self, desk: Desk, expiry_s: Mapping[Literal["quote", "book"], float]) -> None:
        self._desk = desk
        self._expiry_s: dict[str, float] = {str(kind): limit_s for kind, limit_s in expiry_s.items()}

    def bbo(self, request: Request) -> bytes:
        """`data`: a `Consolidated`: per side the best price of all venues, and what each venue says."""
        if request.venue not in ("", ALL_VENUES):
            raise InvalidRequest("bbo is of all venues; tick is of one", errors=[f"venue: {request.venue!r}"])
        symbol = self._desk.symbol(request.symbol)
        quotes: dict[str, VenueQuote] = {}
        for slot in self._slots("quote", symbol):
            assert isinstance(slot, QuoteSlot)
            quotes[slot.topic.venue] = self._of_quote(slot)
        for slot in self._slots("book", symbol):
            assert isinstance(slot, BookSlot)
            before = quotes.get(slot.topic.venue)
            if before is None or before.expired:
                found = self._of_book(slot)
                if before is None or not found.expired:
                    quotes[slot.topic.venue] = found
        if not quotes:
            raise NoData(f"no quote and no order book of {symbol} has arrived", symbol=symbol)
        answer = consolidate(symbol, quotes.values())
        used = [one.age_s for one in answer.venues if one.venue in (answer.bid_venue, answer.ask_venue)]
        return self._desk.judged(request, *_judged(used, [one.expired for one in answer.venues]), answer)

    def book(self, request: Request) -> bytes:
        """`data`: a `ConsolidatedDepth` of at most `depth` levels a side (0: all)."""
        symbol = self._desk.symbol(request.symbol)
        books: list[tuple[VenueBook, list[Level], list[Level]]] = []
        for slot in self._slots("book", symbol):
            assert isinstance(slot, BookSlot)
            last = slot.last
            age_s, expired = self._age_of(slot, "book", last.ts_recv_ns if last else slot.frame.ts_pub_ns)
            if not slot.is_synced:
                expired = "not_synced"
            bids, asks = ([], []) if expired else slot.book.top(request.depth)
            if not expired and not bids and not asks:
                expired = "empty"
            known = VenueBook(
                slot.topic.venue, age_s, slot.book.update_id, last.ts_event_ns if last else 0, expired
            )
            books.append((known, bids, asks))
        if not books:
            raise NoData(f"no order book of {symbol} has arrived", symbol=symbol)
        answer = merge(symbol, books, request.depth)
        used = [one.age_s for one in answer.venues if not one.expired]
        return self._desk.judged(request, *_judged(used, [one.expired for one in answer.venues]), answer)

    def _slots(self, kind: str, symbol: str) -> list[Slot]:
        return list(self._desk.store.of_symbol(kind, symbol))

    def _of_quote(self, slot: QuoteSlot) -> VenueQuote:
        _, quote = slot.decoded()
        age_s, expired = self._age_of(slot, "quote", quote.ts_recv_ns)
        return _quote(
            slot.topic.venue, (quote.bid, quote.bid_size), (quote.ask, quote.ask_size), age_s, quote.ts_event_ns,
            "quote", expired,
        )  # fmt: skip

    def _of_book(self, slot: BookSlot) -> VenueQuote:
        last, book = slot.last, slot.book
        age_s, expired = self._age_of(slot, "book", last.ts_recv_ns if last else slot.frame.ts_pub_ns)
        if not slot.is_synced:
            expired = "not_synced"
        none = (0.0, 0.0)
        return _quote(
            slot.topic.venue, book.best_bid or none, book.best_ask or none, age_s, last.ts_event_ns if last else 0,
            "book", expired,
        )  # fmt: skip

    def _age_of(self, slot: Slot, kind: str, recv_ns: int) -> tuple[float, str]:
        """Age of a value, and why it does not count, empty if it does."""
        clock = self._desk.clock
        judged = self._desk.freshness.judge(slot, recv_ns, clock.now_ns(), clock.mono_ns())
        if judged.state in _REFUSED:
            return judged.age_s, judged.state
        limit_s = self._expiry_s.get(kind, 0.0)
        return judged.age_s, "old" if 0.0 < limit_s < judged.age_s else ""


def _quote(
    venue: str, bid: Level, ask: Level, age_s: float, ts_event_ns: int, kind: str, expired: str
) -> VenueQuote:
    bid, ask = (side if is_price(side[0]) else (0.0, 0.0) for side in (bid, ask))
    if not expired and not bid[0] and not ask[0]:
        expired = "empty"
    return VenueQuote(venue, *bid, *ask, age_s, ts_event_ns, kind, expired)


def _judged(ages_s: list[float], expired: list[str]) -> tuple[float, str]:
    """Age and state of the whole: as old as the oldest part of it; of nothing the reason that all have."""
    if ages_s:
        return max(ages_s), "fresh"
    reasons = set(expired)
    only = reasons.pop() if len(reasons) == 1 else ""
    return -1.0, only if only in _REFUSED else "stale"
