"""Order-flow metrics that a source computed itself: read, and known again. Pure.

A source has one newest word on each window of a symbol: what is older than that is refused, what is the same counts once.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from actors.collector.push.showing import shown
from protocol.messages import Flow
from protocol.pushing import BAD_ITEM, BAD_PRICE

VALUES: Final = "values"
"""The field that makes an item metrics."""
MAX_VALUES: Final = 64
MAX_WINDOWS: Final = 64
"""Lengths of windows that one source may send of one symbol."""
DEFAULT_WINDOW_S: Final = 60.0
LONGEST_WINDOW_S: Final = 7 * 86_400.0
_NAME: Final = re.compile(r"[a-z][a-z0-9_]{0,39}\Z")


class FlowFault(Exception):
    """Why metrics are not taken."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail


class PushedFlow(NamedTuple):
    """Metrics over one window."""

    name: str
    """Symbol as the source writes it."""
    ns: int
    """End of the window."""
    is_utc: bool
    offset_s: Any
    window_s: float
    """0: since the session began."""
    values: dict[str, float]


def values_of(item: Mapping[str, Any]) -> dict[str, float]:
    """The metrics of an item.

    Raises:
        FlowFault: they are none.
    """
    values = item.get(VALUES)
    if not isinstance(values, Mapping) or not values or len(values) > MAX_VALUES:
        raise FlowFault(BAD_ITEM, f"values is not a map of 1 to {MAX_VALUES} metrics")
    found: dict[str, float] = {}
    for name, value in values.items():
        if not isinstance(name, str) or not _NAME.match(name):
            raise FlowFault(BAD_ITEM, f"metric {shown(name)} is not a name like delta or ofi_5")
        try:
            number = float(value) if type(value) in (int, float) else math.nan
        except OverflowError:
            number = math.inf
        if not math.isfinite(number):
            raise FlowFault(BAD_PRICE, f"{name} {shown(value)} is not a finite number")
        found[name] = number
    return found


def window_of(item: Mapping[str, Any]) -> float:
    """Length of the window, seconds.

    Raises:
        FlowFault: it is none.
    """
    window_s = item.get("window_s", DEFAULT_WINDOW_S)
    if type(window_s) not in (int, float) or not 0.0 <= window_s <= LONGEST_WINDOW_S:
        raise FlowFault(BAD_ITEM, f"window_s {shown(window_s)} is not a number of seconds up to a week")
    return abs(float(window_s))  # -0.0 is the same window


def message_of(flow: PushedFlow, symbol: str, venue: str, ts_ns: int) -> Flow:
    """The message: the source vouches for it, so it is complete as far as we know."""
    return Flow(symbol, venue, flow.window_s, ts_ns, is_complete=True, values=flow.values)


def key_of(symbol: str, window_s: float) -> str:
    """By which the newest word on a window is known."""
    return f"{symbol} {window_s:.12g}"
