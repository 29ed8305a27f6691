"""From settings to what the fold is made of; the command line makes the same fold of it for recordings."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping

from actors.scanner.desk import Desk, Tell, chairs_of
from actors.scanner.fold import Fold, Rules
from actors.scanner.market import Limits
from actors.scanner.settings import ScannerSettings
from actors.scanner.shield import Shield
from protocol.errors import ConfigError
from protocol.instruments import Catalog
from protocol.strategy import Strategy


def fold_of(
    settings: ScannerSettings,
    catalog: Catalog,
    strategies: Mapping[str, Strategy],
    shield: Shield,
    counters: Counter[str],
    mono_ns: Callable[[], int] | None = None,
    tell: Tell = lambda _reason, _what: None,
) -> Fold:
    """An empty fold.

    Args:
        settings: Of the scanner.
        catalog: Instruments.
        strategies: What `plugins.strategies_of` made of the settings.
        shield: What scores and vetoes.
        counters: Where is counted.
        mono_ns: Clock by which slow strategies are counted.
        tell: Is told of a plugin that raises, or whose idea makes no sense.

    Raises:
        ConfigError: a strategy looks back on more candles than are kept; names every one.
    """
    limits = Limits(
        quote_ttl_ns=round(settings.quote_ttl_s * 1e9),
        candle_wait_ns=round(settings.candle_wait_s * 1e9),
        flow_wait_ns=round(settings.flow_wait_s * 1e9),
        min_coverage=settings.min_coverage,
        keep_bars=settings.keep_bars,
    )
    rules = Rules(
        limits=limits,
        give_up_ns=round(settings.give_up_s * 1e9),
        news_keep_ns=round(settings.news_keep_s * 1e9),
    )
    chairs = chairs_of(strategies, settings.wanted)
    problems = [
        f"strategies.{chair.name}: it looks back on {count} candles of {timeframe}, keep_bars is {settings.keep_bars}"
        for chair in chairs
        for timeframe, count in chair.needs.bars.items()
        if count > settings.keep_bars
    ]
    if problems:
        raise ConfigError(problems)
    return Fold(catalog, Desk(catalog, chairs, shield, counters, mono_ns, tell), rules, counters)
