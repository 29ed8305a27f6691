"""After the faults: let the feed run on, then wait until everybody has everything, by what they say of themselves."""

from __future__ import annotations

import threading
import time
from typing import Final

from protocol.errors import HubError
from protocol.replay import Position
from tests.chaos.stage import Stage
from tests.chaos.stored import Stored, StoredError
from tests.chaos.topology import AGGREGATOR, COLLECTOR, SYMBOLS
from tests.chaos.truth import last_ids
from tests.chaos.watch import Watch

LOOK_S: Final = 0.25
QUIET_S: Final = 3.0
"""All must hold for so long: a repaired trade still has candles to change."""


class Settling:
    """Waits for storage (or, without it, the hub) to reach what there is.

    Args:
        stage: The system.
        watch: Asks actors and hub.
        stored: The database, None where there is no persistence.
    """

    def __init__(self, stage: Stage, watch: Watch, stored: Stored | None) -> None:
        self._stage = stage
        self._watch = watch
        self._stored = stored
        self._symbols = list(SYMBOLS)

    def wait(self, patience_s: float) -> str:
        """Wait; returns what has not been reached when patience ends, empty if all was."""
        end_s = time.monotonic() + patience_s
        # twice: what is on its way to the aggregator at the first look is a candle's revision at the second
        return self._reach(end_s) or self._reach(end_s)

    def _reach(self, end_s: float) -> str:
        pause = threading.Event()
        heads: dict[str, Position] = {}
        last: dict[str, int] = {}
        since_s = time.monotonic()
        while True:
            complaint = self._complaint()
            if not complaint and not last:
                heads, last = self._heads(), last_ids(self._stage, self._symbols, dict(SYMBOLS))
            complaint = complaint or self._behind(heads, last)
            self._watch.look(complaint)
            now_s = time.monotonic()
            if complaint:
                since_s = now_s
            elif now_s - since_s >= QUIET_S:
                return ""
            if now_s > end_s:
                return complaint or "it did not stay so"
            pause.wait(LOOK_S)

    def _complaint(self) -> str:
        complaint = self._watch.complaint(0)
        if complaint:
            return complaint
        try:
            for state in ("open", "filling"):
                gaps = self._watch.hub.gaps(0, state=state)
                if gaps:
                    first = gaps[0]
                    return (
                        f"{len(gaps)} gaps are {state}, the first {first.gap_id} {first.symbol} {first.kind}"
                    )
        except HubError as refusal:
            return f"hub: {refusal}"
        return ""

    def _heads(self) -> dict[str, Position]:
        statuses = self._watch.statuses()
        found: dict[str, Position] = {}
        for name in (COLLECTOR, AGGREGATOR):
            if name in statuses:
                epoch, seq = statuses[name]["epoch"], statuses[name]["seq"]
                assert isinstance(epoch, int)
                assert isinstance(seq, int)
                found[name] = Position(epoch, seq)
        return found

    def _behind(self, heads: dict[str, Position], last: dict[str, int]) -> str:
        """What storage does not have yet of what there was at that moment."""
        if self._stored is None:
            return self._hub_behind(last)
        try:
            positions = self._stored.positions()
            for name, head in heads.items():
                if positions.get(name, Position(0, 0)) < head:
                    return f"storage of {name} is at {tuple(positions.get(name, ()))} of {tuple(head)}"
            instruments = self._stored.instruments()
            for symbol, wanted in last.items():
                newest = self._stored.newest_trade_id(instruments.get(symbol, -1))
                if newest < wanted:
                    return f"storage of {symbol} is at trade {newest} of {wanted}"
        except StoredError as fault:
            return f"database: {fault}"
        return ""

    def _hub_behind(self, last: dict[str, int]) -> str:
        for symbol, wanted in last.items():
            try:
                ids = [int(trade.trade_id) for trade in self._watch.hub.trades(symbol, 1, allow_stale=True)]
            except HubError as refusal:
                return f"hub: {symbol}: {refusal}"
            if not ids or ids[-1] < wanted:
                return f"hub of {symbol} is at trade {ids} of {wanted}"
        return ""
