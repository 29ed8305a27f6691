"""What the gateway says besides the market: mappings and rolls, warnings, errors, doubts, definitions, ready bars."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from actors.collector.databento import control, layout
from actors.collector.databento.continuity import Continuity
from actors.collector.databento.control import Disagreement, Doubt, GatewayError, Mapped, System
from actors.collector.databento.records import Outcome
from actors.collector.databento.sources import Sources
from actors.collector.databento.supervision import Supervisor
from actors.collector.databento.symbols import SymbolMap, stype_of
from actors.collector.market_feed import Host
from protocol.messages import Bar, Trade
from protocol.topics import market_topic

SKIPPABLE: Final = frozenset({layout.MBP_1, layout.MBP_10, layout.BBO_1S, layout.BBO_1M})
"""Types of which the gateway leaves records out for a slow reader (Databento, change of 2026-04-26)."""


class GatewayTalk:
    """Takes every outcome that is no trade, quote or book.

    Args:
        host: The collector.
        market: Name of the market, for the log.
        symbols: Which instrument is which symbol.
        sources: What is taken from which record type.
        continuity: Told of rolls, doubts and holes.
        supervisor: Told of errors.
        event_ns: The venue's time now.
    """

    def __init__(
        self,
        host: Host,
        market: str,
        symbols: SymbolMap,
        sources: Sources,
        continuity: Continuity,
        supervisor: Supervisor,
        event_ns: Callable[[], int],
    ) -> None:
        self.refused: dict[str, str] = {}
        """Raw names that the gateway could not resolve, and its words."""
        self.replays = 0
        """Replays that are not over."""
        self.must_renew = False
        """A continuous symbol rolled in the midst of a session."""
        self._host = host
        self._market = market
        self._symbols = symbols
        self._sources = sources
        self._continuity = continuity
        self._supervisor = supervisor
        self._event_ns = event_ns

    def take(self, outcome: Outcome) -> None:
        """Everything that is no message of the market."""
        if isinstance(outcome, Mapped):
            self._mapped(outcome)
        elif isinstance(outcome, System):
            self._system(outcome)
        elif isinstance(outcome, GatewayError):
            self._error(outcome)
        elif isinstance(outcome, Doubt):
            self._host.drop("doubted_by_venue", f"{outcome.kind} {outcome.symbol}")
            self._continuity.doubt(outcome)
        elif isinstance(outcome, Disagreement):
            self._host.drop("definition_disagrees", f"{outcome.symbol} {outcome.text}")
        elif isinstance(outcome, Bar):
            self._continuity.flush()
            self._host.publish(
                market_topic(outcome.KIND, outcome.venue, outcome.symbol, outcome.timeframe), [outcome]
            )
            self._host.counters["bars_received"] += 1

    def _mapped(self, mapped: Mapped) -> None:
        for rolled in mapped.rolled:
            self._host.log.warning("%s rolls: %s -> %s", rolled.symbol, rolled.before, rolled.after)
            self._host.counters["rolls"] += 1
            self._continuity.rolled(rolled.symbol, self._sources.kinds, rolled.before, rolled.after)
            if stype_of(mapped.asked) == "continuous" and self._continuity.is_fresh(
                rolled.symbol, Trade.KIND
            ):
                self.must_renew = True  # in the midst of a session, which was resolved when it began

    def _system(self, said: System) -> None:
        counters = self._host.counters
        counters[f"gateway.{said.name}"] += 1
        if said.name == control.SYSTEM_NAMES[control.SLOW_READER]:
            self._host.drop("slow_reader_warning", said.text)
        elif said.name == control.SYSTEM_NAMES[control.REPLAY_COMPLETED] and self.replays:
            self.replays -= 1
            if not self.replays:
                self._continuity.replay_over(self._event_ns())

    def _error(self, error: GatewayError) -> None:
        self._supervisor.error(error)
        self._host.drop(f"gateway_{error.name}", error.text)
        if error.name == control.SYMBOL_FAILED:
            names = [raw for names in self._symbols.by_stype().values() for raw in names if raw in error.text]
            for raw in names:
                self.refused[raw] = error.text
                self._host.log.error("%s: the gateway does not know %s; the others go on", self._market, raw)
        elif error.name == control.SKIPPED:
            skipped = {kind for kind in self._sources.kinds if self._sources.of(kind) in SKIPPABLE}
            self._continuity.lost(
                self._symbols.symbols, skipped, self._event_ns(), "slow reading: records left out"
            )
        elif error.name == control.AGED_OUT:
            self.replays = 0
            self._continuity.replay_failed(self._event_ns(), "the gateway keeps nothing so old")
