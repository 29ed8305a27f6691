"""Wiring of the detector: frames of collectors, aggregators and order flow go into the fold, its alerts go out."""

from __future__ import annotations

from typing import Any, Final

from actors.detector.detectors_file import file_of
from actors.detector.fold import Fold
from actors.detector.settings import DetectorSettings
from actors.runtime.actor import Actor
from actors.runtime.clock import Clock
from actors.runtime.folding import Folding
from actors.runtime.reloading import Reloading
from actors.runtime.settings import Loaded
from protocol.errors import ConfigError
from protocol.messages import Alert
from protocol.requests import Request
from protocol.sessions import session_named

SOURCES: Final = ("collector", "orderflow", "aggregator")
TOPICS: Final = ("trade.", "quote.", "liquidation.", "sweep.", "bar.", "mark.", "gap.")


class Detector(Actor):
    """Finds what is unusual in trades, quotes, candles, sweeps and forced orders, and says so in alerts."""

    kind = "detector"
    Settings = DetectorSettings
    settings: DetectorSettings

    def __init__(self, name: str, loaded: Loaded, clock: Clock | None = None) -> None:
        super().__init__(name, loaded, clock)
        self._folder = loaded.folder

    def setup(self) -> None:
        """Read the thresholds, hear everybody, watch the file."""
        self._check_sessions()
        self.file = file_of(self.settings, self._folder, self.catalog)
        self.file.load()
        self._folding = Folding(
            self,
            lambda: Fold(self.catalog, self.file.book, self.counters),
            SOURCES,
            TOPICS,
            self.settings.snap_interval_s,
            name=_name,
        )
        self._reloading = Reloading(self, self.file, "thresholds", self.settings.watch_s, self._put_in_force)

    def drain(self) -> None:
        """Remember: a restart goes on from here."""
        self._folding.drain()

    def on_request(self, request: Request) -> object:
        """`reload`: read the thresholds again, now; refused with every mistake of the file, the old ones stay."""
        return self._reloading.reload() if request.op == "reload" else super().on_request(request)

    def detail(self) -> dict[str, Any]:
        """Markets watched, the state of the thresholds' file, and what rules show."""
        return {
            "markets": self._folding.fold.markets,
            "rules": len(self.file.book.rules),
            "detectors_file": self.file.detail(),
            **self._folding.fold.rows(),
            **self._folding.detail(),
        }

    def _put_in_force(self) -> None:
        self._folding.fold.use(self.file.book)
        self._folding.drain()  # a restart judges nothing from before by the new thresholds

    def _check_sessions(self) -> None:
        problems = []
        for symbol in self.catalog.symbols:
            try:
                session_named(self.catalog.get(symbol).session).is_open(self.clock.now_ns())
            except ValueError as fault:
                problems.append(f"symbols: {symbol}: {fault}")
        if problems:
            raise ConfigError(problems)


def _name(alert: Alert) -> tuple[str, int]:
    """What makes an alert the same one again; the topic says venue and symbol."""
    return alert.rule, alert.ts_event_ns
