"""The folds of the live actors with the settings of a configuration, for use without a socket."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TypeVar

import msgspec

from actors.aggregator.fold import Fold as Candles
from actors.aggregator.rules import rules_of as candle_rules
from actors.aggregator.settings import AggregatorSettings
from actors.detector.detectors_file import file_of
from actors.detector.fold import Fold as Alerts
from actors.detector.settings import DetectorSettings
from actors.orderflow.fold import Fold as Flows
from actors.orderflow.rules import rules_of as flow_rules
from actors.orderflow.settings import OrderFlowSettings
from actors.runtime.settings import Loaded
from protocol.instruments import Catalog
from tapehub.analysing import Folds

S = TypeVar("S", bound=msgspec.Struct)


def folds_of(loaded: Loaded | None, catalog: Catalog) -> Folds:
    """Candles, order flow and detectors as the configuration's first actor of each kind has them; default values without.

    Raises:
        ConfigError: settings or thresholds are wrong; names every mistake.
    """
    candles = candle_rules(section_of(loaded, "aggregator", AggregatorSettings))
    flows = flow_rules(section_of(loaded, "orderflow", OrderFlowSettings))
    settings = section_of(loaded, "detector", DetectorSettings)
    file = file_of(settings, loaded.folder if loaded else Path(), catalog)
    file.load()
    return Folds(
        Candles(catalog, candles, Counter()),
        Flows(catalog, flows, Counter()),
        Alerts(catalog, file.book, Counter()),
        flows.interval_ns,
        flows.lateness_ns,
    )


def section_of(loaded: Loaded | None, kind: str, settings: type[S]) -> S:
    """Settings of the configuration's first actor of a kind; default values without one."""
    names = loaded.common.actors if loaded else ()
    name = next((one for one in names if one.partition(".")[0] == kind), "")
    return loaded.section(name, settings) if loaded and name else settings()
