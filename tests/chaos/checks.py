"""One line per thing that was compared with the truth: what was expected, and what was wrong with it. Pure."""

from __future__ import annotations

import collections
from collections.abc import Iterable, Mapping
from typing import Final

import msgspec
import numpy as np

from protocol.messages import Gap
from protocol.replay import Position
from tests.chaos.candles import Bars as BarTable
from tests.chaos.candles import BarVerdict, bars_from, compare_bars, compare_copies, size_ns
from tests.chaos.keys import Keys, compare_keys, spread
from tests.chaos.trades import Trades, TradeVerdict, compare_trades

Windows = Mapping[tuple[str, str], BarTable]
"""(symbol, timeframe) to candles."""
_SHOWN: Final = 4
_REASON: Final = 60
"""Characters of a reason that the table has room for."""
HOLES: Final = "storage holes"
SLACK_NS: Final = 3_000_000_000
"""Candles that ended so shortly before the newest trade may wait for late events still."""


class Check(msgspec.Struct, kw_only=True):
    """What came of one comparison."""

    what: str
    expected: int = 0
    lost: int = 0
    doubled: int = 0
    wrong: int = 0
    """Another value than the truth, or something that never was."""
    lost_ts_ns: list[int] = []
    doubled_ts_ns: list[int] = []
    bad_bars_ns: list[int] = []
    """Starts of candles that are missing, wrong or doubled."""
    examples: list[str] = []
    is_fatal: bool = True
    """False: told, but it decides nothing."""
    note: str = ""

    @property
    def is_clean(self) -> bool:
        """Whether nothing is wrong; nothing expected proves nothing."""
        return bool(self.expected) and not (self.lost or self.doubled or self.wrong)


def trades_check(what: str, truth: Mapping[str, Trades], found: Mapping[str, Trades]) -> Check:
    """Every trade of every symbol, by the venue's id."""
    verdicts = [
        compare_trades(truth[name], found.get(name, truth[name][:0]), f"{what} {name}") for name in truth
    ]
    return _of_trades(what, verdicts)


def window_check(what: str, truth: Mapping[str, Trades], found: Mapping[str, Trades]) -> Check:
    """Those trades that a window holds: true, and each once. What fell out of it is not missed."""
    verdicts = []
    for name, have in found.items():
        wanted = truth[name][np.isin(truth[name]["id"], have["id"])]
        newest = truth[name]["id"].max(initial=0)
        verdicts.append(compare_trades(wanted, have[have["id"] <= newest], f"{what} {name}"))
    return _of_trades(what, verdicts)


def _of_trades(what: str, verdicts: list[TradeVerdict]) -> Check:
    return Check(
        what=what,
        expected=sum(one.expected for one in verdicts),
        lost=sum(one.lost for one in verdicts),
        doubled=sum(one.doubled for one in verdicts),
        wrong=sum(one.wrong + one.invented for one in verdicts),
        lost_ts_ns=[ts for one in verdicts for ts in one.lost_ts_ns],
        doubled_ts_ns=[ts for one in verdicts for ts in one.doubled_ts_ns],
        examples=_some(text for one in verdicts for text in one.examples),
    )


def bars_check(what: str, truth: Mapping[str, Trades], end_ns: int, timeframe: str, found: Windows) -> Check:
    """Every candle of a timeframe that had trades and was over in time."""
    verdicts = []
    for name, trades in truth.items():
        wanted = bars_from(trades, size_ns(timeframe), end_ns - SLACK_NS)
        have = found.get((name, timeframe), wanted[:0])
        verdicts.append(compare_bars(wanted, have, f"{what} {name} {timeframe}"))
    return _of_bars(f"{what} {timeframe}", verdicts)


def copies_check(what: str, stored: Windows, served: Windows) -> Check:
    """Whether hub and storage say the same of every closed candle that both have."""
    verdicts = [
        compare_copies(stored[key], served[key][served[key]["revision"] > 0], f"{what} {' '.join(key)}")
        for key in stored
        if key in served
    ]
    return _of_bars(what, verdicts)


def _of_bars(what: str, verdicts: list[BarVerdict]) -> Check:
    return Check(
        what=what,
        expected=sum(one.expected for one in verdicts),
        lost=sum(one.missing for one in verdicts),
        doubled=sum(one.doubled for one in verdicts),
        wrong=sum(one.wrong for one in verdicts),
        bad_bars_ns=[ts for one in verdicts for ts in one.bad_ts_ns],
        examples=_some(text for one in verdicts for text in one.examples),
    )


def quotes_check(
    what: str, frames: Keys, stored: Keys, until: Position, orphans: Iterable[tuple[int, int, int]] = ()
) -> Check:
    """Every quote that a journal holds, by record and index, up to where storage got.

    Args:
        what: Name of the check.
        frames: (epoch, seq, events) of the journal.
        stored: (epoch, seq, k) of storage.
        until: How far storage got.
        orphans: (epoch, first, last) of records that storage had live and knows to be lost in the journal.
    """
    for epoch, first, last in orphans:
        stored = stored[(stored[:, 0] != epoch) | (stored[:, 1] < first) | (stored[:, 1] > last)]
    one = compare_keys(spread(frames), stored, until, what)
    return Check(
        what=what,
        expected=one.expected,
        lost=one.lost,
        doubled=one.doubled,
        wrong=one.invented,
        examples=one.examples,
    )


def chains_check(what: str, frames: int, faults: list[str], note: str) -> Check:
    """Whether the records of all journals follow on each other."""
    return Check(what=what, expected=frames, wrong=len(faults), examples=_some(faults), note=note)


def gaps_check(what: str, gaps: Iterable[Gap]) -> Check:
    """Whether every gap of the ledger has come to an end; those that nobody could fill are told."""
    every = list(gaps)
    open_ = [gap for gap in every if gap.state in {"open", "filling"}]
    unfillable = [gap for gap in every if gap.state == "unfillable"]
    of_trades = [gap for gap in unfillable if gap.kind == "trade"]
    reasons = collections.Counter(gap.reason[:_REASON] for gap in of_trades).most_common(1)
    told = f": {reasons[0][1]}x {reasons[0][0]}" if reasons else ""
    return Check(
        what=what,
        expected=max(1, len(every)),
        wrong=len(open_),
        examples=_some(f"{what}: {gap.gap_id} {gap.symbol} {gap.kind} is {gap.state}" for gap in open_),
        note=f"{len(every)} gaps, {len(unfillable)} unfillable ({len(of_trades)} of trades{told})",
    )


def holes_check(holes: list[str], dead_letters: int) -> Check:
    """Records that storage says it could not have."""
    return Check(
        what=HOLES,
        expected=1,
        lost=len(holes),
        wrong=dead_letters,
        examples=_some(holes),
        note=f"{dead_letters} dead letters" if dead_letters else "",
    )


def excuse_holes(checks: Iterable[Check]) -> None:
    """Holes decide nothing where disks were full: a publisher that is killed with frames its journal could not take
    loses those, as its documentation says. Trades and candles must be whole all the same."""
    for check in checks:
        if check.what == HOLES and check.lost and not check.wrong:
            check.is_fatal = False
            check.note = "a disk was full: what was sent and not journalled died with its publisher"


def _some(texts: Iterable[str]) -> list[str]:
    return [text for text, _ in zip(texts, range(_SHOWN), strict=False)]
