"""Order book of a recording as far as it has been played: answers depth requests after the recorded one. Pure."""

from __future__ import annotations

from collections import deque
from typing import Final

import msgspec

EARLY: Final = 1_000
"""Depth messages kept while no snapshot has come."""

Levels = list[tuple[str, str]]


class _Snapshot(msgspec.Struct):
    lastUpdateId: int  # noqa: N815 - the venue's name
    bids: Levels
    asks: Levels


class _Diff(msgspec.Struct):
    u: int
    b: Levels
    a: Levels
    pu: int = -1
    """Only on futures."""


_decode_snapshot: Final = msgspec.json.Decoder(_Snapshot).decode
_decode_diff: Final = msgspec.json.Decoder(_Diff).decode


class PlayedBook:
    """Sizes by price, both as the venue wrote them."""

    def __init__(self) -> None:
        self.update_id = 0
        """`u` of the last message applied; 0 before the snapshot."""
        self._early: deque[bytes] = deque(maxlen=EARLY)
        self._bids: dict[str, str] = {}
        self._asks: dict[str, str] = {}
        self._recorded: bytes | None = None

    @property
    def has_snapshot(self) -> bool:
        """Whether it can answer."""
        return self.update_id > 0

    def load(self, snapshot: bytes) -> None:
        """Begin with the body of a recorded REST answer, and what has come before it but is newer.

        Raises:
            msgspec.DecodeError: it is no depth answer.
        """
        start = _decode_snapshot(snapshot)
        self.update_id = start.lastUpdateId
        self._bids = dict(start.bids)
        self._asks = dict(start.asks)
        while self._early:
            self.apply(self._early.popleft())
        self._recorded = snapshot

    def apply(self, body: bytes) -> None:
        """Take in a depth message; one that the snapshot already holds changes nothing.

        Futures count one that ends at the snapshot's id as newer (their rule is `u < lastUpdateId`, spot's
        `u <= lastUpdateId`): it may hold levels farther away than the snapshot reaches.

        Raises:
            msgspec.DecodeError: it is no depth message.
        """
        if not self.has_snapshot:
            self._early.append(body)
            return
        diff = _decode_diff(body)
        if diff.u < self.update_id or (diff.u == self.update_id and diff.pu < 0):
            return
        self.update_id = diff.u
        self._recorded = None
        for side, levels in ((self._bids, diff.b), (self._asks, diff.a)):
            for price, size in levels:
                if float(size):
                    side[price] = size
                else:
                    side.pop(price, None)

    def body(self) -> bytes:
        """What a depth request gets now: the recorded answer as it was, as long as nothing came after it."""
        if self._recorded is not None:
            return self._recorded
        return msgspec.json.encode(
            {
                "lastUpdateId": self.update_id,
                "bids": sorted(self._bids.items(), key=_price, reverse=True),
                "asks": sorted(self._asks.items(), key=_price),
            }
        )


def _price(level: tuple[str, str]) -> float:
    return float(level[0])
