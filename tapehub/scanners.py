"""The scanner of a configuration over a recording: folds made of its settings, and of its files of plugins and rules."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import TypeVar

import msgspec

from actors.aggregator.fold import Fold as Candles
from actors.aggregator.indicators.registry import named
from actors.aggregator.rules import rules_of as candle_rules
from actors.aggregator.settings import AggregatorSettings
from actors.orderflow.fold import Fold as Flows
from actors.orderflow.rules import rules_of as flow_rules
from actors.orderflow.settings import OrderFlowSettings
from actors.runtime.settings import Loaded
from actors.scanner.fold import Fold
from actors.scanner.market import timeframes_of
from actors.scanner.needs import needs_of
from actors.scanner.plugins import plugins_of, strategies_of
from actors.scanner.rules import fold_of
from actors.scanner.settings import ScannerSettings
from actors.scanner.shield_file import shield_file_of
from protocol.errors import ConfigError
from protocol.instruments import Catalog
from protocol.message import Message
from protocol.messages import Signal
from protocol.strategy import Needs, Strategy
from tapehub.folds import section_of
from tapehub.scanning import Scan

S = TypeVar("S", bound=msgspec.Struct)


class ScanRun:
    """A scan that learns the venue from its first message.

    Args:
        catalog: Instruments.
        scanner: Of the strategies.
        make: A scan of a venue.
        venue_of: The venue to say, given that of the recording.
    """

    def __init__(self, scanner: Fold, make: Callable[[str], Scan], venue_of: Callable[[str], str]) -> None:
        self.scanner = scanner
        self._make = make
        self._venue_of = venue_of
        self._scan: Scan | None = None

    @property
    def count(self) -> int:
        """Messages taken."""
        return self._scan.messages.total() if self._scan else 0

    def take(self, message: Message) -> list[Signal]:
        """See `Scan.take`."""
        if self._scan is None:
            self._scan = self._make(self._venue_of(getattr(message, "venue", "")))
        return self._scan.take(message)

    def end(self, settled_s: float) -> list[Signal]:
        """See `Scan.end`."""
        return self._scan.end(settled_s) if self._scan else []

    def reasons(self) -> dict[str, dict[str, int]]:
        """Strategy to why it said nothing, most frequent first."""
        return {name: dict(counted.most_common()) for name, counted in self.scanner.desk.reasons.items()}


def problems_of_scanners(loaded: Loaded, catalog: Catalog) -> list[str]:
    """Mistakes in the scanners' strategies, plugins and rules; and inputs that nobody makes, for which they would wait for ever."""
    problems: list[str] = []
    for name in loaded.common.actors:
        if name.partition(".")[0] != "scanner":
            continue
        settings = loaded.section(name, ScannerSettings)
        file = shield_file_of(settings, loaded.folder)
        strategies: dict[str, Strategy] = {}
        try:
            file.load()
        except ConfigError as error:
            problems += error.problems
        try:
            plugins = plugins_of(loaded.folder / settings.strategies_folder)
            strategies = strategies_of(settings.wanted, plugins)
            fold_of(settings, catalog, strategies, file.shield, Counter())
        except ConfigError as error:
            problems += [one if "strategies." not in one[:11] else f"{name}: {one}" for one in error.problems]
        problems += [f"{name}: {one}" for one in _lacking(loaded, settings, strategies)]
    return problems


def _lacking(loaded: Loaded, settings: ScannerSettings, strategies: Mapping[str, Strategy]) -> Iterator[str]:
    """What strategies need and no aggregator or order flow of this configuration makes, or makes too late; where it has
    none at all they may be elsewhere.
    """
    candles = _sections(loaded, "aggregator", AggregatorSettings)
    flows = _sections(loaded, "orderflow", OrderFlowSettings)
    windows = {0.0, *(window_s for one in flows for window_s in one.windows_s)}
    for name, strategy in strategies.items():
        needs = needs_of(strategy)
        for fault in _candles_lacking(needs, candles) if candles else ():
            yield f"strategies.{name}: it needs {fault}"
        for window_s in needs.flows if flows else ():
            if window_s not in windows:
                yield (
                    f"strategies.{name}: it needs order flow of {window_s:g} s, no orderflow has that in windows_s"
                )
    for one in candles:
        if one.lateness_s > settings.candle_wait_s:
            yield f"candle_wait_s {settings.candle_wait_s:g} is below lateness_s {one.lateness_s:g} of an aggregator"
    for other in flows:
        if other.lateness_s > settings.flow_wait_s:
            yield f"flow_wait_s {settings.flow_wait_s:g} is below lateness_s {other.lateness_s:g} of an orderflow"


def _candles_lacking(needs: Needs, candles: Iterable[AggregatorSettings]) -> Iterator[str]:
    built = {timeframe for one in candles for timeframe in one.timeframes}
    measured = {key for one in candles for text in one.indicators for key in _keys_of(text)}
    with_values = {timeframe for one in candles for timeframe in one.indicator_timeframes}
    for timeframe in timeframes_of(needs):
        if timeframe not in built:
            yield f"candles of {timeframe}, no aggregator has that in timeframes"
    for timeframe, keys in needs.features.items():
        if timeframe not in with_values:
            yield f"indicators of {timeframe}, no aggregator has that in indicator_timeframes"
        for key in sorted(set(keys) - measured):
            yield f"{key}, which no aggregator has in indicators"


def _sections(loaded: Loaded, kind: str, settings: type[S]) -> list[S]:
    names = [name for name in loaded.common.actors if name.partition(".")[0] == kind]
    return [loaded.section(name, settings) for name in names]


def _keys_of(text: str) -> tuple[str, ...]:
    try:
        return tuple(named(text).keys)
    except ValueError:  # told of the aggregator
        return ()


def scan_of(
    loaded: Loaded | None, catalog: Catalog, only: Iterable[str], venue_of: Callable[[str], str]
) -> ScanRun:
    """Folds of the configuration's first actor of each kind; default values without one.

    Args:
        loaded: The configuration.
        catalog: Its instruments.
        only: Names of strategies; none: all.
        venue_of: The venue to say, given that of the recording.

    Raises:
        ConfigError: settings, strategies or rules are wrong; names every mistake.
    """
    settings = section_of(loaded, "scanner", ScannerSettings)
    folder = loaded.folder if loaded else Path()
    wanted = dict(settings.wanted)
    names = list(only)
    if names:
        unknown = [name for name in names if name not in wanted]
        if unknown:
            raise ConfigError(
                [f"no strategy {name!r}; there is {', '.join(sorted(wanted))}" for name in unknown]
            )
        wanted = {name: wanted[name] for name in names}
    strategies = strategies_of(wanted, plugins_of(folder / settings.strategies_folder))
    file = shield_file_of(settings, folder)
    file.load()
    scanner = fold_of(settings, catalog, strategies, file.shield, Counter())
    candles = candle_rules(section_of(loaded, "aggregator", AggregatorSettings))
    flows = flow_rules(section_of(loaded, "orderflow", OrderFlowSettings))

    def make(venue: str) -> Scan:
        return Scan(
            venue, catalog, Candles(catalog, candles, Counter()), Flows(catalog, flows, Counter()), scanner
        )

    return ScanRun(scanner, make, venue_of)
