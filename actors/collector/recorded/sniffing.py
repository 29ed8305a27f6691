"""What a recorded frame says about itself: live connections know their market, recordings often do not. Pure.

Each venue has a `Sniffer` in `venues/<venue>_sniffing.py`. Names of symbols that no catalog maps are derived there
too: good for a report, never for a live feed.
"""

from __future__ import annotations

from typing import Protocol

import msgspec

from actors.collector.venue import Contract


class Sniffed(msgspec.Struct, frozen=True):
    """What a frame says about itself."""

    market: str
    """One of the venue's markets; empty if it cannot be told: then it is of the market around it."""
    stream_type: str
    """What to count it under: `depth@100ms`, `trade`, `books/snapshot`, `ack`; `snapshot`, `instruments` for REST
    answers; empty for anything else."""
    rest: str = ""
    """snapshot or instruments, if it is such an answer of the REST side; empty: a frame of a stream."""
    raw: str = ""
    """Raw symbol, where it is told."""


class Sniffer(Protocol):
    """Looks at recorded frames of one venue. Never raises on what is in them."""

    def sniff(self, data: bytes, address: str) -> Sniffed:
        """Look at one frame.

        Args:
            data: As it was received.
            address: WebSocket address, connection name or URL it came from; empty if the recording does not say.
        """

    def derived_symbol(self, market: str, raw: str) -> str:
        """Canonical name of a raw one that no catalog maps: `BTCUSD_PERP` -> `BTC_USD.PERP`."""

    def contract(self, market: str, raw: str) -> Contract | None:
        """What is known of a contract whose size the recording does not say; None: nothing."""
