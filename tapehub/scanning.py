"""A recording through candles, order flow and the scanner: the folds of the live actors, without a socket. Pure.

What a collector would have published goes into candles and order flow, and all of it into the scanner, as on the bus. Time
is the venue's: the same recording gives the same signals to the byte, and those that a live system gives that hears the
same frames.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Final

from msgspec.structs import replace

from actors.runtime.folding import Fold
from protocol.instruments import Catalog, Instrument
from protocol.message import Message
from protocol.messages import Signal
from protocol.record import Frame
from tapehub.playing import CollectorFrames, Published

HEARD: Final = ("quote.", "bar.", "feature.", "flow.", "gap.", "mark.", "news.")
"""Topics that a scanner hears."""
FX_LENGTH: Final = 7
"""`EUR_USD`."""


class Scan:
    """Runs the messages of one recording.

    Args:
        venue: Where they come from.
        catalog: Instruments; symbols that it does not know are added with default values.
        candles: Fold of an aggregator.
        flows: Fold of order flow.
        scanner: Fold of a scanner; all made with that catalog.
    """

    def __init__(self, venue: str, catalog: Catalog, candles: Fold, flows: Fold, scanner: Fold) -> None:
        self.messages: Counter[str] = Counter()
        self.newest_ns = 0
        self._venue = venue
        self._catalog = catalog
        self._frames = CollectorFrames(venue)
        self._makers = ((candles, Published("aggregator.1")), (flows, Published("orderflow.1")))
        self._scanner = scanner

    def take(self, message: Message) -> list[Signal]:
        """Take the next message of the recording; returns the signals that it caused.

        Raises:
            HubError: a fold refused it.
        """
        self.messages[message.KIND] += 1
        symbol: str = getattr(message, "symbol", "")
        if symbol and symbol not in self._catalog:
            self._catalog.add(unknown_instrument(symbol, message.KIND))
        if symbol and message.venue != self._venue:  # type: ignore[attr-defined]  # what has a symbol has a venue
            message = replace(message, venue=self._venue)
        self.newest_ns = max(self.newest_ns, getattr(message, "ts_event_ns", 0))
        return self._apply(self._frames.take(message))

    def end(self, settled_s: float) -> list[Signal]:
        """The recording is over: time goes on until what waited has come out.

        Args:
            settled_s: So long after the newest event.
        """
        return self._apply(self._frames.end(lambda ts_ns: ts_ns + round(settled_s * 1e9)))

    def _apply(self, frames: Iterator[Frame]) -> list[Signal]:
        signals: list[Signal] = []
        for frame in frames:
            for fold, published in self._makers:
                for topic, messages in fold.apply(frame):
                    if topic.startswith(HEARD):
                        signals += self._heard(published.frame(topic, messages, frame.ts_pub_ns))
            if frame.topic.startswith(HEARD):
                signals += self._heard(frame)
        return signals

    def _heard(self, frame: Frame) -> list[Signal]:
        return [signal for _, signals in self._scanner.apply(frame) for signal in signals]


def unknown_instrument(symbol: str, kind: str) -> Instrument:
    """What nobody configured: a pair of currencies in quotes is FX, with its pips; anything else trades always."""
    base, _, quote = symbol.partition("_")
    if kind == "quote" and len(symbol) == FX_LENGTH and base.isalpha() and quote.isalpha():
        pip_size = 0.01 if quote == "JPY" else 0.0001
        return Instrument(
            symbol=symbol, session="fx", bars_from="quote", pip_size=pip_size, tick_size=pip_size / 10
        )
    return Instrument(symbol=symbol, bars_from="quote" if kind == "quote" else "trade")
