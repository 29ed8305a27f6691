"""A recording of several exchanges whose lines name their venue, for `tapehub decode liquidations`.

Each line goes to a decoder of its own venue and market (`binance_usdm`, `bybit_linear`, `okx`). Only the file is read.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from actors.collector.recorded.decode import Decoder
from actors.collector.recorded.recordings import read_recording
from actors.collector.registry import EXCHANGES, exchange
from protocol.instruments import Catalog
from protocol.messages import Message

NAME: Final = "liquidations"
_TOTALS: Final = ("by_kind", "by_stream", "rejects", "ignored")
_MAX_MARKETS: Final = 64


class MixedSummary:
    """Counts of one file: those of each venue, and all together."""

    def __init__(self) -> None:
        self.decoders: dict[str, Decoder] = {}
        """What stands in the lines to who reads them."""
        self.strangers = 0
        """Lines that name no exchange."""

    def to_dict(self) -> dict[str, Any]:
        """One JSON-able document."""
        venues = {name: decoder.summary.to_dict() for name, decoder in sorted(self.decoders.items())}
        totals: dict[str, Counter[str]] = {word: Counter() for word in _TOTALS}
        for summary in venues.values():
            for word, total in totals.items():
                total.update(summary[word])
        if self.strangers:
            totals["ignored"]["line of no exchange"] = self.strangers
        found = [summary for summary in venues.values() if summary["first_event_ns"]]
        return {
            "venue": NAME,
            "frames": self.strangers + sum(summary["frames"] for summary in venues.values()),
            **{word: dict(sorted(total.items())) for word, total in totals.items()},
            "first_event_ns": min((summary["first_event_ns"] for summary in found), default=0),
            "last_event_ns": max((summary["last_event_ns"] for summary in found), default=0),
            "gaps": [gap for summary in venues.values() for gap in summary["gaps"]],
            "venues": venues,
        }


class LiquidationDecoder:
    """Decodes one recording.

    Args:
        catalog: Canonical names; symbols that it does not map get derived ones.
    """

    def __init__(self, catalog: Catalog | None = None) -> None:
        self.summary = MixedSummary()
        self._catalog = catalog

    def messages(self, path: Path) -> Iterator[Message]:
        """Messages of a recording, in order; `summary` is complete at the end.

        Raises:
            UnreadableRecording: says which line and why.
        """
        for recorded in read_recording(path):
            decoder = self._decoder(recorded.venue)
            if decoder is None:
                self.summary.strangers += 1
            else:
                yield from decoder.take(recorded)
        for decoder in self.summary.decoders.values():
            decoder.end()

    def _decoder(self, name: str) -> Decoder | None:
        decoders = self.summary.decoders
        found = decoders.get(name)
        if found is None:
            venue, _, market = name.partition("_")
            if venue not in EXCHANGES or len(decoders) >= _MAX_MARKETS:
                return None
            known = market if market in exchange(venue).markets else ""
            found = decoders[name] = Decoder(venue, self._catalog, known)
        return found
