"""Wiring of the detector: frames of collectors, aggregators and order flow go into the fold, its alerts go out."""

from __future__ import annotations

from typing import Any, Final

from actors.detector.detectors_file import file_of
from actors.detector.fold import Fold
from actors.detector.settings import DetectorSettings
from actors.runtime.actor import Actor
from actors.runtime.clock import Clock
from actors.runtime.folding import Folding
from actors.runtime.settings import Loaded
from protocol.errors import ConfigError, InvalidRequest
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
        self.every(self.settings.watch_s, self._watch_file)

    def drain(self) -> None:
        """Remember: a restart goes on from here."""
        self._folding.drain()

    def on_request(self, request: Request) -> object:
        """`reload`: read the thresholds again, now; refused with every mistake of the file, the old ones stay."""
        if request.op != "reload":
            return super().on_request(request)
        try:
            self._reload()
        except ConfigError as error:
            raise InvalidRequest("\n".join(error.problems), errors=error.problems) from error
        return self._file_detail()

    def detail(self) -> dict[str, Any]:
        """Markets watched, the state of the thresholds' file, and what rules show."""
        return {
            "markets": self._folding.fold.markets,
            "rules": len(self.file.book.rules),
            "detectors_file": self._file_detail(),
            **self._folding.fold.rows(),
            **self._folding.detail(),
        }

    def _watch_file(self) -> None:
        if self.file.is_changed():
            try:
                self._reload()
            except ConfigError as error:
                self.counters["reloads_refused"] += 1
                self.log.error("the thresholds stay as they were, %s is wrong:", self.file.path)
                for problem in error.problems:
                    self.log.error("%s", problem)

    def _reload(self) -> None:
        self.file.load()
        self._folding.fold.use(self.file.book)
        self.counters["reloads"] += 1
        self.log.info("thresholds of %s are in force", self.file.path)
        self._folding.drain()  # a restart judges nothing from before by the new thresholds

    def _file_detail(self) -> dict[str, Any]:
        return {"path": str(self.file.path), "loads": self.file.loads, "problems": self.file.problems}

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
