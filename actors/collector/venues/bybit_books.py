"""What is remembered of one Bybit topic of one connection: ids of a book, best levels, fields of a ticker. Pure."""

from __future__ import annotations

from typing import Final

from actors.collector.outcomes import BookChange, BookImage
from actors.collector.venues import bybit_frames as frames
from protocol.messages import Level

REPEATED: Final = "orderbook.1 repeated"
ONE_SIDED: Final = "orderbook.1 one-sided"
UNFOUNDED: Final = "orderbook.1 unfounded"


class BookIds:
    """Update ids of one book that always grow: the venue's `u` begins with 1 again when its service restarts.

    `u` steps by one, so a change builds on `u` - 1. Smaller ones than before are moved behind those that came; if a
    change brings them, without the snapshot that ought to come first, one id is left out: then the book is lost.
    """

    __slots__ = ("_last_u", "_moved_by")

    def __init__(self) -> None:
        self._last_u = 0
        self._moved_by = 0

    def image(
        self, symbol: str, ts_event_ns: int, ts_recv_ns: int, u: int, bids: list[Level], asks: list[Level]
    ) -> BookImage:
        """A snapshot."""
        if u < self._last_u:
            self._moved_by += self._last_u
        self._last_u = u
        bids, asks = [level for level in bids if level[1]], [level for level in asks if level[1]]
        return BookImage(symbol, ts_event_ns, ts_recv_ns, self._moved_by + u, bids, asks)

    def change(
        self, symbol: str, ts_event_ns: int, ts_recv_ns: int, u: int, bids: list[Level], asks: list[Level]
    ) -> BookChange:
        """A change."""
        if u < self._last_u:
            self._moved_by += self._last_u + 1
        self._last_u = u
        last_id = self._moved_by + u
        return BookChange(symbol, ts_event_ns, ts_recv_ns, last_id, last_id - 1, last_id, bids, asks)


class BestLevels:
    """Best bid and ask of `orderbook.1`."""

    __slots__ = ("_last_u", "ask", "bid")

    def __init__(self) -> None:
        self.bid: Level | None = None
        self.ask: Level | None = None
        self._last_u = 0

    def snapshot(self, book: frames.BookFrame) -> str:
        """Take a snapshot; returns why it says nothing, empty if it does."""
        if book.u == self._last_u:
            return REPEATED
        self._last_u = book.u
        self.bid, self.ask = _best(book.b, None), _best(book.a, None)
        return ""

    def delta(self, book: frames.BookFrame) -> str:
        """Take a change, which needs the one before; returns why it says nothing."""
        if book.u == self._last_u:
            return REPEATED
        if not self._last_u or book.u != self._last_u + 1:
            self._last_u, self.bid, self.ask = 0, None, None
            return UNFOUNDED
        self._last_u = book.u
        self.bid, self.ask = _best(book.b, self.bid), _best(book.a, self.ask)
        return ""


def _best(levels: list[Level], before: Level | None) -> Level | None:
    """One level: a size of 0 takes it away, any other replaces it."""
    best = before
    for price, size in levels:
        if size:
            best = price, size
        elif best is not None and best[0] == price:
            best = None
    return best


class Ticker:
    """Bid and ask of `tickers`; what a frame leaves out stays as it was. None: not known; 0: there is none."""

    __slots__ = ("_ask", "_ask_size", "_bid", "_bid_size")

    def __init__(self) -> None:
        self._forget()

    def _forget(self) -> None:
        self._bid: float | None = None
        self._bid_size: float | None = None
        self._ask: float | None = None
        self._ask_size: float | None = None

    def merge(self, frame: frames.TickerFrame, *, is_snapshot: bool) -> bool:
        """Take a frame; True if it says something of bid or ask.

        Raises:
            msgspec.ValidationError: a field is no amount; some of them may have been taken.
        """
        if is_snapshot:
            self._forget()
        has_news = False
        if frame.bid1Price is not None:
            self._bid, has_news = frames.amount(frame.bid1Price), True
        if frame.bid1Size is not None:
            self._bid_size, has_news = frames.amount(frame.bid1Size), True
        if frame.ask1Price is not None:
            self._ask, has_news = frames.amount(frame.ask1Price), True
        if frame.ask1Size is not None:
            self._ask_size, has_news = frames.amount(frame.ask1Size), True
        return has_news

    @property
    def best(self) -> tuple[float, float, float, float] | None:
        """Bid, its size, ask, its size; None while a side is missing."""
        if not self._bid or not self._ask or self._bid_size is None or self._ask_size is None:
            return None
        return self._bid, self._bid_size, self._ask, self._ask_size
