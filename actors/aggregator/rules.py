"""The settings in the form the fold wants: checked, in nanoseconds. Pure."""

from __future__ import annotations

import itertools
from typing import Final, NamedTuple

from actors.aggregator.indicators.registry import named
from actors.aggregator.settings import AggregatorSettings
from protocol.errors import ConfigError
from protocol.sessions import NS_PER_S, timeframe_ns

_KEPT_BARS: Final = 4


class Rules(NamedTuple):
    """How candles are built; see `AggregatorSettings` for what each means."""

    timeframes: tuple[str, ...]
    keep_bars: tuple[int, ...]
    """Closed candles kept, one number per timeframe."""
    lateness_ns: int
    max_ahead_ns: int
    max_behind_ns: int
    max_quiet_bars: int
    open_interval_ns: int
    indicators: tuple[str, ...] = ()
    indicator_timeframes: tuple[str, ...] = ()


def rules_of(settings: AggregatorSettings, where: str = "aggregator") -> Rules:
    """Check the settings and convert their units.

    Args:
        settings: What the configuration says.
        where: Actor name, for the messages.

    Raises:
        ConfigError: names every mistake.
    """
    problems = [f"{where}: {problem}" for problem in _problems(settings)]
    if problems:
        raise ConfigError(problems)
    return Rules(
        timeframes=tuple(settings.timeframes),
        keep_bars=tuple(settings.keep_bars.get(name, _KEPT_BARS) for name in settings.timeframes),
        lateness_ns=_ns(settings.lateness_s),
        max_ahead_ns=_ns(settings.max_ahead_s),
        max_behind_ns=_ns(settings.max_behind_s),
        max_quiet_bars=settings.max_quiet_bars,
        open_interval_ns=_ns(settings.open_interval_s),
        indicators=tuple(settings.indicators),
        indicator_timeframes=tuple(settings.indicator_timeframes),
    )


def _ns(seconds: float) -> int:
    return round(seconds * NS_PER_S)


def _problems(settings: AggregatorSettings) -> list[str]:
    lengths_ns, problems = {}, []
    for name in (*settings.timeframes, *settings.keep_bars, *settings.indicator_timeframes):
        try:
            lengths_ns[name] = timeframe_ns(name)
        except ValueError as fault:
            problems.append(str(fault))
    problems += _indicator_problems(settings.indicators)
    if problems:
        return problems
    if not settings.timeframes:
        return ["timeframes: name at least one"]
    return [
        f"timeframes: {lower} does not divide {upper}, or does not come before it"
        for lower, upper in itertools.pairwise(settings.timeframes)
        if lengths_ns[upper] % lengths_ns[lower] or lengths_ns[upper] == lengths_ns[lower]
    ]


def _indicator_problems(texts: list[str]) -> list[str]:
    seen: dict[str, str] = {}
    problems = []
    for text in texts:
        try:
            found = named(text)
        except ValueError as fault:
            problems.append(f"indicators: {fault}")
            continue
        for key in found.keys:
            if key in seen:
                problems.append(f"indicators: {text} and {seen[key]} both give {key}")
            seen[key] = text
    return problems
