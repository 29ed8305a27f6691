"""Gathers what hub, journals and storage have, and compares all of it with the truth."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from protocol.client import Hub
from protocol.errors import HubError
from protocol.messages import Gap
from protocol.replay import Position
from tests.chaos import checks
from tests.chaos.candles import Bars, bars_of
from tests.chaos.checks import Check
from tests.chaos.journals import JournalFacts, read_journal
from tests.chaos.stored import Stored
from tests.chaos.topology import COLLECTOR, TIMEFRAMES
from tests.chaos.trades import Trades, trades_of
from tests.chaos.truth import Truth


class HubCopy(NamedTuple):
    """What the hub served at the end."""

    bars: dict[tuple[str, str], Bars]
    trades: dict[str, Trades]
    gaps: list[Gap]
    refusals: list[str]


def read_hub(hub: Hub, symbols: list[str]) -> HubCopy:
    """Ask for every window."""
    copy = HubCopy({}, {}, [], [])
    for symbol in symbols:
        try:
            copy.trades[symbol] = trades_of(
                [
                    (one.trade_id, one.ts_event_ns, one.price, one.size, one.side, one.count)
                    for one in hub.trades(symbol, 0, allow_stale=True)
                ]
            )
            for timeframe in TIMEFRAMES:
                found = hub.candles(symbol, timeframe, 0, allow_stale=True)
                copy.bars[symbol, timeframe] = bars_of([tuple(row) for row in found.rows[_COLUMNS].tolist()])
        except HubError as refusal:
            copy.refusals.append(f"{symbol}: {refusal.code}: {refusal}")
    try:
        copy.gaps.extend(hub.gaps(0))
    except HubError as refusal:
        copy.refusals.append(f"gaps: {refusal.code}: {refusal}")
    return copy


_COLUMNS = ["ts_open_ns", "open", "high", "low", "close", "volume", "buy_volume", "count", "revision"]


def hub_checks(truth: Truth, copy: HubCopy) -> list[Check]:
    """The hub beside the truth."""
    found = [
        checks.bars_check("hub candles", truth.trades, truth.end_ns, one, copy.bars) for one in TIMEFRAMES
    ]
    found = [check for check in found if check.expected]
    found.append(checks.window_check("hub trades", truth.trades, copy.trades))
    found.append(checks.gaps_check("hub ledger", copy.gaps))
    if copy.refusals:
        found.append(Check(what="hub answers", wrong=len(copy.refusals), examples=copy.refusals))
    return found


def journal_checks(truth: Truth, folder: Path) -> tuple[list[Check], dict[str, JournalFacts]]:
    """Every journal of a run beside the truth; nothing where no publisher keeps one."""
    names = sorted(path.name for path in folder.iterdir() if path.is_dir()) if folder.is_dir() else []
    facts = {name: read_journal(folder, name) for name in names}
    if not facts:
        return [], facts
    faults = [fault for one in facts.values() for fault in one.faults]
    epochs, unclean = sum(one.epochs for one in facts.values()), sum(one.unclean for one in facts.values())
    note = f"{len(facts)} journals, {epochs} epochs, {unclean} of them ended by a fault"
    found = [checks.chains_check("journal chains", sum(one.frames for one in facts.values()), faults, note)]
    collector = facts.get(COLLECTOR)
    if collector is not None:
        trades = {symbol: collector.trades(symbol) for symbol in collector.symbols()}
        found.append(checks.trades_check("journal trades", truth.trades, trades))
        found.append(checks.gaps_check("journal ledger", collector.gaps.values()))
    return found, facts


def storage_checks(
    truth: Truth, stored: Stored, facts: dict[str, JournalFacts], copy: HubCopy
) -> list[Check]:
    """The database beside truth, journal and hub."""
    instruments = stored.instruments()
    trades = {symbol: stored.trades(instruments[symbol]) for symbol in truth.trades if symbol in instruments}
    bars = {
        (symbol, timeframe): stored.bars(instruments[symbol], timeframe)
        for symbol in trades
        for timeframe in TIMEFRAMES
    }
    found = [checks.trades_check("storage trades", truth.trades, trades)]
    of_bars = [
        checks.bars_check("storage candles", truth.trades, truth.end_ns, one, bars) for one in TIMEFRAMES
    ]
    found += [check for check in of_bars if check.expected]
    found.append(checks.copies_check("hub = storage", bars, copy.bars))
    collector = facts.get(COLLECTOR)
    if collector is not None:
        until = stored.positions().get(COLLECTOR, Position(0, 0))
        keys = stored.quote_keys(COLLECTOR)
        found.append(
            checks.quotes_check(
                "storage quotes", collector.quote_frames, keys, until, stored.orphans(COLLECTOR)
            )
        )
    open_ = [f"storage ledger: {row[0]} {row[1]} is {row[2]}" for row in stored.gaps() if row[2] in _OPEN]
    found.append(Check(what="storage ledger", expected=1, wrong=len(open_), examples=open_[:6]))
    holes = [f"storage: {row}" for row in stored.holes()]
    found.append(checks.holes_check(holes, stored.dead_letters()))
    return found


_OPEN = {"open", "filling"}
