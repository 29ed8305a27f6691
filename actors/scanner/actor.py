"""Wiring of the scanner: frames of collectors, aggregators and order flow go into the fold, its signals go out."""

from __future__ import annotations

from typing import Any, Final

from actors.runtime.actor import Actor
from actors.runtime.clock import Clock
from actors.runtime.folding import Folding
from actors.runtime.reloading import Reloading
from actors.runtime.settings import Loaded
from actors.scanner.fold import Fold
from actors.scanner.plugins import plugins_of, strategies_of
from actors.scanner.rules import fold_of
from actors.scanner.settings import ScannerSettings
from actors.scanner.shield_file import ShieldFile, shield_file_of
from protocol.messages import Signal
from protocol.requests import Request

SOURCES: Final = ("collector", "orderflow", "aggregator")
TOPICS: Final = ("quote.", "bar.", "feature.", "flow.", "gap.", "mark.", "news.")


class Scanner(Actor):
    """Asks strategies about all markets once per second of venue time, and says what passes the shield in signals."""

    kind = "scanner"
    Settings = ScannerSettings
    settings: ScannerSettings

    def __init__(self, name: str, loaded: Loaded, clock: Clock | None = None) -> None:
        super().__init__(name, loaded, clock)
        self._folder = loaded.folder

    def setup(self) -> None:
        """Load strategies and rules, hear everybody, watch the file of rules."""
        strategies = strategies_of(
            self.settings.wanted, plugins_of(self._folder / self.settings.strategies_folder)
        )
        self.file: ShieldFile = shield_file_of(self.settings, self._folder)
        self.file.load()
        self._folding: Folding[Fold] = Folding(
            self,
            lambda: fold_of(
                self.settings,
                self.catalog,
                strategies,
                self.file.shield,
                self.counters,
                self.clock.mono_ns,
                self.drop,
            ),
            SOURCES,
            TOPICS,
            self.settings.snap_interval_s,
            name=_name,
        )
        self._due: dict[str, tuple[int, int]] = {}
        """Venue to the round that waits, and since when, monotonic ns."""
        self._reloading = Reloading(
            self, self.file, "shield's rules", self.settings.watch_s, self._put_in_force
        )
        self._look_s = min(0.5, self.settings.max_wait_s / 2)
        self._looked_ns = self.clock.mono_ns()
        self.every(self._look_s, self._lapse)

    def _lapse(self) -> None:
        """Hold rounds that have waited long enough; not while we catch up or were held up, when nobody is late but we."""
        fold, mono_ns = self._folding.fold, self.clock.mono_ns()
        is_late = mono_ns - self._looked_ns > 2 * self._look_s * 1e9
        self._looked_ns = mono_ns
        due = fold.due() if self._folding.is_live and not is_late else {}
        self._due = {
            venue: self._due[venue] if self._due.get(venue, (0, 0))[0] == next_ns else (next_ns, mono_ns)
            for venue, next_ns in due.items()
        }
        for venue, (_, since_ns) in self._due.items():
            if mono_ns - since_ns > self.settings.max_wait_s * 1e9:
                self._folding.publish(fold.lapse(venue))

    def drain(self) -> None:
        """Remember: a restart goes on from here."""
        self._folding.drain()

    def on_request(self, request: Request) -> object:
        """`reload`: read the shield's rules again, now. `why`: what each strategy said of a symbol last."""
        match request.op:
            case "reload":
                return self._reloading.reload()
            case "why":
                return [
                    {"strategy": strategy, "venue": venue, "symbol": symbol, "why": why}
                    for (strategy, venue, symbol), why in sorted(self._folding.fold.desk.why.items())
                    if not request.symbol or symbol == request.symbol
                ]
        return super().on_request(request)

    def detail(self) -> dict[str, Any]:
        """Markets, open signals, why strategies say nothing, and the state of the file of rules."""
        fold = self._folding.fold
        return {
            "markets": len(fold.markets),
            "open_signals": len(fold.desk.open),
            "strategies": fold.rows(),
            "shield_file": self.file.detail(),
            **self._folding.detail(),
        }

    def _put_in_force(self) -> None:
        self._folding.fold.use(self.file.shield)
        self._folding.drain()  # a restart judges nothing from before by the new rules


def _name(signal: Signal) -> tuple[str, int]:
    """What makes a revision of a signal the same one again."""
    return signal.signal_id, signal.revision
