"""At the end: wait until everything is stored, and compare it with what really traded."""

from __future__ import annotations

import threading
import time
from typing import Final

from protocol.errors import HubError
from tests.chaos import checks
from tests.chaos.checks import Check
from tests.chaos.stored import Stored, StoredError
from tests.chaos.topology import SIMULATOR
from tests.chaos.trades import Trades, trades_of
from tests.chaos.truth import last_ids, read_truth
from tests.multihost.lab import HUBS, SYMBOLS, TIMEFRAMES, Lab

QUIET_S: Final = 3.0
WINDOW: Final = 500


def settle(lab: Lab, patience_s: float) -> str:
    """Stop the market and wait until its last trades are stored; returns what is not when patience ends."""
    lab.ask(SIMULATOR, "rate", per_s=0)
    symbols, entries = list(SYMBOLS), dict(SYMBOLS)
    stored = Stored(lab.database)
    end_s = time.monotonic() + patience_s
    quiet_since_s, before = time.monotonic(), -1
    pause = threading.Event()
    while True:
        wanted = last_ids(lab, symbols, entries)
        complaint, count = _behind(stored, wanted)
        now_s = time.monotonic()
        if complaint or count != before:
            quiet_since_s, before = now_s, count
        elif now_s - quiet_since_s >= QUIET_S:
            return ""
        if now_s > end_s:
            return complaint or "rows still come"
        pause.wait(0.25)


def _behind(stored: Stored, wanted: dict[str, int]) -> tuple[str, int]:
    """(what is missing at the end, number of trades)."""
    try:
        instruments = stored.instruments()
        for symbol, newest in wanted.items():
            have = stored.newest_trade_id(instruments.get(symbol, -1))
            if have < newest:
                return f"storage of {symbol} is at trade {have} of {newest}", -1
        open_ = sum(row[2] in {"open", "filling"} for row in stored.gaps())
        if open_:
            return f"{open_} gaps are open", -1
        return "", int(stored.rows("SELECT COUNT(*) FROM trades")[0][0])
    except StoredError as fault:
        return f"database: {fault}", -1


def compare(lab: Lab) -> list[Check]:
    """Storage and both replicas beside the truth."""
    truth = read_truth(lab, list(SYMBOLS), dict(SYMBOLS))
    stored = Stored(lab.database)
    instruments = stored.instruments()
    trades = {symbol: stored.trades(instruments[symbol]) for symbol in truth.trades if symbol in instruments}
    found = [checks.trades_check("stored trades", truth.trades, trades)]
    for timeframe in TIMEFRAMES:
        bars = {(symbol, timeframe): stored.bars(instruments[symbol], timeframe) for symbol in trades}
        found.append(checks.bars_check("stored candles", truth.trades, truth.end_ns, timeframe, bars))
    found.append(checks.holes_check([f"storage: {row}" for row in stored.holes()], stored.dead_letters()))
    found += [
        checks.window_check(f"last trades of {name}", truth.trades, _window(lab, host))
        for host, name in HUBS.items()
    ]
    return [check for check in found if check.expected]


def _window(lab: Lab, host: str) -> dict[str, Trades]:
    found = {}
    with lab.hub_of(host) as hub:
        for symbol in SYMBOLS:
            try:
                rows = hub.trades(symbol, WINDOW, allow_stale=True)
            except HubError:
                continue
            found[symbol] = trades_of(
                [(one.trade_id, one.ts_event_ns, one.price, one.size, one.side, one.count) for one in rows]
            )
    return found
