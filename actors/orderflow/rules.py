"""The settings in the form the fold wants: checked, in nanoseconds and steps. Pure."""

from __future__ import annotations

from typing import Final, NamedTuple

from actors.orderflow.settings import OrderFlowSettings
from protocol.errors import ConfigError
from protocol.sessions import NS_PER_S, timeframe_ns

QUARTER_HOUR_NS: Final = 900 * NS_PER_S
"""Every session begins at a multiple of it."""
MAX_STEPS: Final = 100_000


class Rules(NamedTuple):
    """What is measured; see `OrderFlowSettings` for what each means."""

    interval_ns: int
    windows_s: tuple[float, ...]
    window_steps: tuple[int, ...]
    """The windows in steps."""
    lateness_ns: int
    ofi_levels: int
    sweep_levels: int
    sweep_ns: int
    sweep_notional: float
    large_trade_notional: float
    large_trade_notionals: dict[str, float]
    footprint_timeframes: tuple[str, ...]
    footprint_interval_ns: int
    profile_interval_ns: int
    keep_footprints: int
    price_steps: dict[str, float]
    max_levels: int
    max_ahead_ns: int


def rules_of(settings: OrderFlowSettings, where: str = "orderflow") -> Rules:
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
    interval_ns = _ns(settings.interval_s)
    windows = sorted(set(settings.windows_s))
    return Rules(
        interval_ns=interval_ns,
        windows_s=tuple(windows),
        window_steps=tuple(_ns(window) // interval_ns for window in windows),
        lateness_ns=_ns(settings.lateness_s),
        ofi_levels=settings.ofi_levels,
        sweep_levels=settings.sweep_levels,
        sweep_ns=round(settings.sweep_ms * 1e6),
        sweep_notional=settings.sweep_notional,
        large_trade_notional=settings.large_trade_notional,
        large_trade_notionals=dict(settings.large_trade_notionals),
        footprint_timeframes=tuple(settings.footprint_timeframes),
        footprint_interval_ns=_ns(settings.footprint_interval_s),
        profile_interval_ns=_ns(settings.profile_interval_s),
        keep_footprints=settings.keep_footprints,
        price_steps=dict(settings.price_steps),
        max_levels=settings.max_levels,
        max_ahead_ns=_ns(settings.max_ahead_s),
    )


def _ns(seconds: float) -> int:
    return round(seconds * NS_PER_S)


def _problems(settings: OrderFlowSettings) -> list[str]:
    interval_ns = _ns(settings.interval_s)
    if interval_ns <= 0 or QUARTER_HOUR_NS % interval_ns:
        return [f"interval_s {settings.interval_s:g} does not divide a quarter of an hour"]
    found = []
    if not settings.windows_s:
        found.append("windows_s: name at least one")
    lengths = [
        *(("windows_s", seconds) for seconds in settings.windows_s),
        ("footprint_interval_s", settings.footprint_interval_s),
        ("profile_interval_s", settings.profile_interval_s),
    ]
    for name, seconds in lengths:
        if _ns(seconds) % interval_ns:
            found.append(f"{name}: {seconds:g} is no multiple of interval_s {settings.interval_s:g}")
        elif _ns(seconds) // interval_ns > MAX_STEPS:
            found.append(f"{name}: {seconds:g} is more than {MAX_STEPS} steps of {settings.interval_s:g} s")
    for name in settings.footprint_timeframes:
        try:
            if timeframe_ns(name) % interval_ns:
                found.append(
                    f"footprint_timeframes: {name} is no multiple of interval_s {settings.interval_s:g}"
                )
        except ValueError as fault:
            found.append(f"footprint_timeframes: {fault}")
    return found
