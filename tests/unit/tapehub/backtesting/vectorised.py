"""The trades of `rig.Cross` over candles of one minute, computed with arrays and nothing of the project."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

MINUTE_NS = 60_000_000_000
INSIDE_NS = 59_250_000_000
LEAP_NS = 600_000_000_000
OLD_NS = 120_000_000_000
Array = npt.NDArray[np.float64]


class Row(NamedTuple):
    side: int
    ts_entry_ns: int
    entry: float
    ts_exit_ns: int
    exit: float
    reason: str
    pips: float
    r: float


class Plan(NamedTuple):
    """What is tested, in the words of `rig.CrossParams`."""

    fast: int
    slow: int
    stop_pips: float
    target_pips: float
    pip: float
    expires_ns: int
    cooldown_ns: int
    cost_pips: float
    session: str
    """crypto, fx or cme."""


def is_open(times_ns: npt.NDArray[np.int64], session: str) -> npt.NDArray[np.bool_]:
    """Whether the market trades in the minutes that begin at these times."""
    if session == "crypto":
        return np.ones(len(times_ns), dtype=bool)
    zone = "America/New_York" if session == "fx" else "America/Chicago"
    local = pd.DatetimeIndex(pd.to_datetime(times_ns, utc=True)).tz_convert(zone)
    week_minute = local.day_of_week * 1440 + local.hour * 60 + local.minute
    five = 17 * 60
    if session == "fx":
        return np.asarray((week_minute < 4 * 1440 + five) | (week_minute >= 6 * 1440 + five))
    is_break = (local.hour == 16) & (local.day_of_week < 5)
    is_weekend = (week_minute >= 4 * 1440 + 16 * 60) & (week_minute < 6 * 1440 + five)
    return np.asarray(~(is_break | is_weekend))


def trades(bid: pd.DataFrame, ask: pd.DataFrame, plan: Plan) -> list[Row]:
    """All trades.

    Args:
        bid: Columns ts_ns (start of the minute), open, high, low, close, in order of time.
        ask: The same minutes.
        plan: Strategy and costs.
    """
    at = bid["ts_ns"].to_numpy(np.int64)
    close = (bid["close"] + ask["close"]) / 2
    distance = close.rolling(plan.fast).mean() - close.rolling(plan.slow).mean()
    distance = np.round(distance.to_numpy(), 10)
    with np.errstate(invalid="ignore"):
        cross = (distance[:-1] * distance[1:] <= 0) & (distance[1:] != 0)
    sides = np.zeros(len(at), dtype=int)
    sides[1:] = np.where(cross, np.sign(distance[1:]), 0)
    # an idea of candle i is entered at the open of i + 1, if that begins where i ends, or after a time without a market
    after = np.append(at[1:], 0)
    is_next = after == at + MINUTE_NS
    is_first = (after - at - MINUTE_NS > LEAP_NS) | ~is_open(after - MINUTE_NS, plan.session)
    is_crossed = np.append((bid["open"] > ask["open"]).to_numpy()[1:], True)  # no price to trade at
    can_enter = ~is_crossed & (sides != 0) & (is_next | is_first) & is_open(after, plan.session)
    columns = {
        name: {part: frame[part].to_numpy() for part in ("open", "high", "low", "close")}
        for name, frame in (("bid", bid), ("ask", ask))
    }
    found: list[Row] = []
    free_ns = 0
    for signal in np.flatnonzero(can_enter[:-1]):
        first, side = int(signal) + 1, int(sides[signal])
        if at[first] < free_ns:
            continue
        row = _trade(at, columns, first, side, plan)
        found.append(row)
        free_ns = row.ts_exit_ns + plan.cooldown_ns
        if row.reason == "open":
            break
    return found


def _trade(
    at: npt.NDArray[np.int64], columns: dict[str, dict[str, Array]], first: int, side: int, plan: Plan
) -> Row:
    entry_of, exit_of = (columns["ask"], columns["bid"]) if side > 0 else (columns["bid"], columns["ask"])
    entry = float(entry_of["open"][first])
    stop = entry - side * plan.stop_pips * plan.pip
    target = entry + side * plan.target_pips * plan.pip
    expires_ns = int(at[first]) + plan.expires_ns
    end = int(np.searchsorted(at, expires_ns))
    opens = side * exit_of["open"][first:end]
    worst = side * exit_of["low" if side > 0 else "high"][first:end]
    best = side * exit_of["high" if side > 0 else "low"][first:end]
    is_gap_stop, is_gap_target = opens <= side * stop, opens >= side * target
    is_gap_stop[:1] = is_gap_target[:1] = False  # it is entered there
    # the last minute may end behind the expiry: nothing in it counts but its open
    is_whole = at[first:end] + INSIDE_NS < expires_ns
    is_stop, is_target = (worst <= side * stop) & is_whole, (best >= side * target) & is_whole
    hits = np.flatnonzero(is_gap_stop | is_gap_target | is_stop | is_target)
    if len(hits):
        place = int(hits[0])
        ts_ns = int(at[first + place])
        if is_gap_stop[place]:
            return _row(plan, side, at[first], entry, ts_ns, side * float(opens[place]), "stopped", stop)
        if is_gap_target[place]:
            return _row(plan, side, at[first], entry, ts_ns, target, "target", stop)
        if is_stop[place]:
            return _row(plan, side, at[first], entry, ts_ns + INSIDE_NS, stop, "stopped", stop)
        late_ns = 0 if worst[place] >= side * target else 1
        return _row(plan, side, at[first], entry, ts_ns + INSIDE_NS + late_ns, target, "target", stop)
    last_ns = int(at[-1]) + INSIDE_NS + 2
    if expires_ns > int(at[-1]) + MINUTE_NS:
        left = float(exit_of["close"][-1])
        return _row(plan, side, at[first], entry, last_ns, left, "open", stop)
    here = int(np.searchsorted(at, expires_ns, side="right")) - 1
    left = float(exit_of["open"][here])
    if at[here] + INSIDE_NS + 2 <= expires_ns:
        left = float(exit_of["close"][here])
        if expires_ns - (at[here] + INSIDE_NS + 2) > OLD_NS and here + 1 < len(at):
            left = float(exit_of["open"][here + 1])
    return _row(plan, side, at[first], entry, expires_ns, left, "expired", stop)


def _row(
    plan: Plan, side: int, entry_ns: int, entry: float, exit_ns: int, left: float, reason: str, stop: float
) -> Row:
    pips = side * (left - entry) / plan.pip - plan.cost_pips
    return Row(side, int(entry_ns), entry, exit_ns, left, reason, pips, pips / (abs(entry - stop) / plan.pip))
