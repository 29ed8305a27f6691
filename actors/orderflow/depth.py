"""The first levels of a book that is followed, and what each message changes in them. Pure."""

from __future__ import annotations

import msgspec

from actors.orderflow.ofi import imbalance_of, ofi_of_levels
from protocol.book import OrderBook
from protocol.messages import Book, Level


class DepthState(msgspec.Struct, array_like=True):
    """A book that is followed."""

    update_id: int
    bids: list[Level]
    asks: list[Level]


class Depth:
    """A replica of one book, of whose levels only the first ones are looked at.

    Args:
        levels: How many of each side.
    """

    def __init__(self, levels: int) -> None:
        self._levels = levels
        self._book: OrderBook | None = None
        self._top: tuple[list[Level], list[Level]] = ([], [])

    @property
    def is_followed(self) -> bool:
        """Whether there was a snapshot, and every change since."""
        return self._book is not None

    def apply(self, message: Book) -> list[float]:
        """Take a message; returns what it adds to the order-flow imbalance of each level, best first.

        A snapshot adds nothing, and neither does a change that is not the next one: it ends the following until
        the next snapshot.
        """
        if message.is_snapshot:
            book = self._book = OrderBook()
            book.snapshot(message.bids, message.asks, message.last_update_id)
            self._top = book.top(self._levels)
            return []
        book_now = self._book
        if book_now is None or message.prev_update_id != book_now.update_id:
            self.lose()
            return []
        is_touched = self._is_in_reach(message)
        book_now.apply(message.bids, message.asks, message.last_update_id)
        if not is_touched:
            return []
        before, self._top = self._top, book_now.top(self._levels)
        return ofi_of_levels(before, self._top)

    def _is_in_reach(self, message: Book) -> bool:
        """Whether a change may move one of the first levels."""
        bids, asks = self._top
        if len(bids) < self._levels or len(asks) < self._levels:
            return True
        lowest, highest = bids[-1][0], asks[-1][0]
        return any(price >= lowest for price, _ in message.bids) or any(
            price <= highest for price, _ in message.asks
        )

    def imbalance(self) -> float | None:
        """(bids - asks) / (bids + asks) of the sizes of the first levels, None without any."""
        bids, asks = self._top
        return imbalance_of(sum(size for _, size in bids), sum(size for _, size in asks))

    def lose(self) -> None:
        """Changes were not seen: nothing is known until the next snapshot."""
        self._book = None
        self._top = ([], [])

    def state(self) -> DepthState | None:
        """The whole book, None if it is not followed."""
        return DepthState(self._book.update_id, *self._book.top()) if self._book else None

    def restore(self, state: DepthState | None) -> None:
        """Go on from a state."""
        self.lose()
        if state is not None:
            book = self._book = OrderBook()
            book.snapshot(state.bids, state.asks, state.update_id)
            self._top = book.top(self._levels)
