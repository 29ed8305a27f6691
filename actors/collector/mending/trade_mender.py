"""What the menders of trades have in common: the venue's candles stand in for trades that cannot be had. Wiring."""

from __future__ import annotations

import abc
from collections.abc import Callable
from random import Random
from typing import Final, NamedTuple

from actors.collector.backoff import Backoff
from actors.collector.budget import Budget
from actors.collector.intake.normaliser import Normaliser
from actors.collector.market_feed import Host
from actors.collector.mending.kline_mender import KlineMender
from actors.collector.mending.page_mender import PAUSE_CAP_S, PageMender
from actors.collector.mending.repair import PAGE_TRADES, Repairs
from actors.collector.outbox import Outbox
from actors.collector.venue import Venue
from protocol.messages import Gap

MOSTLY: Final = 0.75
"""Share of the budget that whatever can wait leaves to repairs."""


class Terms(NamedTuple):
    """On what terms a venue gives its trades again."""

    refusal: str
    """Why it does not; empty if it does."""
    weight: int = 1
    """Of one page."""
    page_size: int = PAGE_TRADES


class TradeMender(PageMender, abc.ABC):
    """Takes the gaps of trades that the normaliser finds, and sees to it that each of them ends.

    Args:
        actor: The collector: threads, settings, counters.
        venue: Whom to ask.
        market: One of its markets.
        normaliser: Knows what is still missing.
        outbox: Takes the trades and the announcements.
        random: For jitter.
        event_ns: The venue's time now.
        terms: Of the venue.
    """

    def __init__(
        self,
        actor: Host,
        venue: Venue,
        market: str,
        normaliser: Normaliser,
        outbox: Outbox,
        random: Random,
        event_ns: Callable[[], int],
        terms: Terms,
    ) -> None:
        settings = actor.settings
        weight_per_min = settings.repair_weight_per_min.get(market, 600)
        self.budget = Budget(weight_per_min, weight_per_min / 60.0, actor.clock.mono_ns())
        self._kept = MOSTLY * weight_per_min
        repairs = Repairs(
            terms.weight,
            self.budget,
            lambda: Backoff(settings.repair_retry_s, PAUSE_CAP_S, random.random),
            patience_s=3.0 * settings.rest_timeout_s,
            max_trades=settings.repair_max_trades,
            page_size=terms.page_size,
        )
        super().__init__(actor, venue, market, normaliser, outbox, repairs)
        self._event_ns = event_ns
        self._refusal = terms.refusal
        self._klines = KlineMender(actor, venue, market, normaliser, outbox, self.budget, random)
        normaliser.trades.claim = self.claim

    @abc.abstractmethod
    def claim(self, gap: Gap) -> str:
        """Take a gap of trades; returns why it cannot be filled, empty if it was taken."""

    def __len__(self) -> int:
        """Gaps that are being filled."""
        return super().__len__() + len(self._klines)

    @property
    def closed_until_ns(self) -> int:
        """Until when the venue wants no request, monotonic."""
        return max(super().closed_until_ns, self._klines.closed_until_ns)

    def hold(self, until_ns: int) -> None:
        """The venue has said so to somebody else."""
        super().hold(until_ns)
        self._klines.hold(until_ns)

    def spare(self, weight: float, mono_ns: int) -> bool:
        """Spend request weight on what can wait; False if repairs might miss it: one is under way, or too little is left."""
        if len(self) or mono_ns < self.closed_until_ns or self.budget.left(mono_ns) - weight < self._kept:
            return False
        return self.budget.take(weight, mono_ns)

    def tick(self, mono_ns: int) -> None:
        """Ask for the next page if it is time; candles of gaps that are given up come first."""
        self._expire(mono_ns)
        self._klines.tick(mono_ns)
        self._go_on(mono_ns)

    def give_up(self, reason: str, symbol: str = "") -> None:
        """End the gaps of one symbol, or all of them, as unfillable."""
        for gap in (*self._repairs.gaps(symbol), *self._klines.gaps(symbol)):
            self.forget(gap.gap_id)
            self._klines.forget(gap.gap_id)
            self._end(gap, reason)

    def _claim_klines(self, gap: Gap, reason: str) -> str:
        """Have the candles of its minutes fetched instead; returns why neither can be had."""
        refusal = self._klines.claim(gap, self._event_ns(), self._actor.clock.mono_ns())
        is_told = refusal and self._settings.repair_klines
        return f"{reason}; candles: {refusal}" if is_told else refusal and reason

    def _abandon(self, gap: Gap, reason: str) -> None:
        """Its trades cannot be had: perhaps the candles of its minutes."""
        if self._normaliser.gaps.is_filling(gap.gap_id):
            refusal = self._claim_klines(gap, reason)
            if refusal:
                self._end(gap, refusal)

    def _end(self, gap: Gap, reason: str) -> None:
        """Announce that nobody fills it any more; nothing to say if it is filled."""
        ended = self._normaliser.gaps.abandon(gap.gap_id, reason)
        if ended is not None:
            self._outbox.add(ended)
