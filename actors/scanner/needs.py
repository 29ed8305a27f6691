"""What a strategy needs, read once and checked: a plugin is somebody's code. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any

from protocol.sessions import timeframe_ns
from protocol.strategy import Needs, Strategy


def needs_of(strategy: Strategy) -> Needs:
    """A copy of what a strategy needs, which nobody can change.

    Raises:
        ValueError: it is not what it should be; says what.
    """
    needs = strategy.needs
    if not isinstance(needs, Needs):
        raise ValueError(f"needs: it is a {type(needs).__name__}, not Needs (see protocol/strategy.py)")
    problems = list(_problems(needs))
    if problems:
        raise ValueError("; ".join(problems))
    return Needs(
        timeframe=needs.timeframe,
        each_second=bool(needs.each_second),
        bars=MappingProxyType({name: max(1, count) for name, count in needs.bars.items()}),
        features=MappingProxyType({name: tuple(names) for name, names in needs.features.items()}),
        flows=MappingProxyType({float(window_s): tuple(names) for window_s, names in needs.flows.items()}),
    )


def _problems(needs: Needs) -> Iterable[str]:
    for name in ("bars", "features", "flows"):
        if not isinstance(getattr(needs, name), Mapping):
            yield f"needs.{name}: it is a {type(getattr(needs, name)).__name__}, not a mapping"
            return
    for timeframe in dict.fromkeys((needs.timeframe, *needs.bars, *needs.features)):
        try:
            timeframe_ns(timeframe)
        except (ValueError, TypeError):
            yield f"needs: {timeframe!r} is no timeframe, like 5m"
    for timeframe, count in needs.bars.items():
        if type(count) is not int or count < 0:
            yield f"needs.bars: {count!r} of {timeframe} is no number of candles"
    for where, wanted in (("features", needs.features), ("flows", needs.flows)):
        for key, names in wanted.items():
            if not _are_names(names):
                yield f"needs.{where}: {names!r} of {key} is no tuple of names"
    for window_s in needs.flows:
        if type(window_s) not in (int, float) or not 0 <= window_s < 1e9:
            yield f"needs.flows: {window_s!r} is no window in seconds"


def _are_names(names: Any) -> bool:
    return isinstance(names, (tuple, list)) and all(isinstance(one, str) for one in names)
