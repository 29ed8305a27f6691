"""A recording through candles, indicators, order flow and detectors: the folds of the live actors, without a socket. Pure.

What the collector would have published goes into every fold; candles and sweeps go on to the detectors, as on the bus.
Time is the venue's, so the same recording gives the same values. It ends with the step of order flow that holds the last
event: candles that have not ended by then stay open.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any, Final

from actors.runtime.folding import Fold
from protocol.instruments import Catalog, Instrument
from protocol.messages import Alert, Bar, Feature, Flow, Footprint, Message, Sweep
from protocol.record import Frame
from protocol.sessions import Session, session_named
from tapehub.playing import CollectorFrames, Published

SESSION: Final = "session"
TO_DETECTOR: Final = ("bar.", "sweep.")
"""What the detector hears of the others' output."""


class Found:
    """What came out for one symbol; of everything the newest version.

    Args:
        session: Its calendar.
    """

    def __init__(self, session: Session) -> None:
        self._session = session
        self.bars: dict[tuple[str, int], Bar] = {}
        self.features: dict[str, Feature] = {}
        """By timeframe, the newest candle's."""
        self.flows: dict[float, Flow] = {}
        """By window, s."""
        self.sessions: dict[int, Flow] = {}
        """By start of the session, since then."""
        self.footprints: dict[tuple[str, int], Footprint] = {}
        self.sweeps: list[Sweep] = []
        self.alerts: list[Alert] = []

    def take(self, message: Message) -> None:
        """Keep a message."""
        match message:
            case Bar():
                self.bars[message.timeframe, message.ts_open_ns] = message
            case Feature():
                known = self.features.get(message.timeframe)
                if known is None or message.ts_open_ns >= known.ts_open_ns:
                    self.features[message.timeframe] = message
            case Flow() if message.window_s:
                self.flows[message.window_s] = message
            case Flow():  # the moment at which a session ends belongs to it
                self.sessions[self._session.day_ns(message.ts_event_ns - 1)[0]] = message
            case Footprint():
                self.footprints[message.timeframe, message.ts_open_ns] = message
            case Sweep():
                self.sweeps.append(message)
            case Alert():
                self.alerts.append(message)

    def to_dict(self, timeframe: str) -> dict[str, Any]:
        """One JSON-able document; candles and footprints of one timeframe, the rest in full."""
        return {
            "bars": [bar.to_dict() for (tf, _), bar in sorted(self.bars.items()) if tf == timeframe],
            "features": {tf: found.to_dict() for tf, found in self.features.items()},
            "flows": {f"{window_s:g}s": flow.to_dict() for window_s, flow in sorted(self.flows.items())},
            "sessions": [flow.to_dict() for _, flow in sorted(self.sessions.items())],
            "footprints": [
                found.to_dict() for (tf, _), found in sorted(self.footprints.items()) if tf == timeframe
            ],
            "profile": next(
                (found.to_dict() for (tf, _), found in reversed(self.footprints.items()) if tf == SESSION),
                None,
            ),
            "sweeps": [sweep.to_dict() for sweep in self.sweeps],
            "alerts": [alert.to_dict() for alert in self.alerts],
        }


class Folds:
    """The folds of three actors, each fed with what it hears on the bus.

    Args:
        aggregator: Candles and indicators.
        orderflow: Order flow.
        detector: Alerts.
        step_ns: Between two publications of order flow.
        lateness_ns: What a step waits for late events.
    """

    def __init__(
        self, aggregator: Fold, orderflow: Fold, detector: Fold, step_ns: int, lateness_ns: int
    ) -> None:
        self._step_ns, self._lateness_ns = step_ns, lateness_ns
        self._stages = (
            (aggregator, Published("aggregator.1")),
            (orderflow, Published("orderflow.1")),
        )
        self._detector = detector

    def settled_ns(self, ts_event_ns: int) -> int:
        """Until when time must go on, so that the step of an event is published."""
        return -(-ts_event_ns // self._step_ns) * self._step_ns + self._lateness_ns

    def apply(self, frame: Frame) -> Iterator[Message]:
        """Everything that a frame of a collector causes."""
        for fold, published in self._stages:
            for topic, messages in fold.apply(frame):
                yield from messages
                if not topic.startswith(TO_DETECTOR):
                    continue
                for _, alerts in self._detector.apply(published.frame(topic, messages, frame.ts_pub_ns)):
                    yield from alerts
        for _, alerts in self._detector.apply(frame):
            yield from alerts


class Analysis:
    """Runs the messages of one recording.

    Args:
        venue: Where they come from.
        catalog: Instruments; symbols that it does not know are added with default values.
        folds: What they go into; made with that catalog.
    """

    def __init__(self, venue: str, catalog: Catalog, folds: Folds) -> None:
        self.messages: Counter[str] = Counter()
        self.symbols: dict[str, Found] = {}
        self._catalog = catalog
        self._folds = folds
        self._frames = CollectorFrames(venue)

    def take(self, message: Message) -> None:
        """Take the next message of the recording.

        Raises:
            HubError: a fold refused it.
        """
        self.messages[message.KIND] += 1
        symbol: str = message.symbol  # type: ignore[attr-defined]  # all that a recording holds is of one
        if symbol not in self._catalog:
            self._catalog.add(Instrument(symbol=symbol))
        self._apply(self._frames.take(message))

    def end(self) -> None:
        """The recording is over: what waited for late events comes out."""
        self._apply(self._frames.end(self._folds.settled_ns))

    def _apply(self, frames: Iterator[Frame]) -> None:
        for frame in frames:
            for made in self._folds.apply(frame):
                self._found(made.symbol).take(made)  # type: ignore[attr-defined]

    def _found(self, symbol: str) -> Found:
        found = self.symbols.get(symbol)
        if found is None:
            found = self.symbols[symbol] = Found(session_named(self._catalog.get(symbol).session))
        return found

    def to_dict(self, timeframe: str = "1m") -> dict[str, Any]:
        """One JSON-able document: counts, and per symbol the final values."""
        return {
            "messages": dict(sorted(self.messages.items())),
            "symbols": {symbol: found.to_dict(timeframe) for symbol, found in sorted(self.symbols.items())},
        }
