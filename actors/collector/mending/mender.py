"""Fills holes of trades from the venue's REST interface, one market. Wiring; the rules are in `repair`."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import ClassVar

from actors.collector.intake.normaliser import Normaliser
from actors.collector.market_feed import Host
from actors.collector.mending.page_mender import no_address
from actors.collector.mending.repair import Page
from actors.collector.mending.trade_mender import Terms, TradeMender
from actors.collector.outbox import Outbox
from actors.collector.outcomes import Reject
from actors.collector.venue import Venue, Wanted
from protocol.messages import Gap


class Mender(TradeMender):
    """Fills them by the ids of the trades; see `TradeMender`."""

    COUNTER: ClassVar = "repair_pages_asked"

    def __init__(
        self,
        actor: Host,
        venue: Venue,
        market: str,
        normaliser: Normaliser,
        outbox: Outbox,
        random: Random,
        event_ns: Callable[[], int],
    ) -> None:
        settings = actor.settings
        kinds = {venue.kind_of(stream_type): stream_type for stream_type in settings.streams[market]}
        self._stream_type = stream_type = kinds.get("trade", "")
        refusal = venue.repair_refusal(market, stream_type) or no_address(settings, market)
        terms = (
            Terms(refusal)
            if refusal
            else Terms(
                "", venue.repair_weight(market, stream_type), venue.repair_per_page(market, stream_type)
            )
        )
        super().__init__(actor, venue, market, normaliser, outbox, random, event_ns, terms)

    def claim(self, gap: Gap) -> str:
        """Take a hole of trades with known ids; returns why it cannot be filled, empty if it was taken."""
        refusal = self._refusal or self._claim_trades(gap)
        return self._claim_klines(gap, refusal) if refusal else ""

    def _claim_trades(self, gap: Gap) -> str:
        hole = self._normaliser.tapes[gap.symbol].trades.hole(gap.gap_id)
        return self._repairs.add(gap, hole.ranges[0][0] if hole is not None and hole.ranges else 0)

    def _path(self, page: Page, raw: str) -> str:
        gap = page.gap
        wanted = Wanted(page.from_id, page.limit, gap.from_ts_ns, gap.to_ts_ns)
        return self._venue.repair_path(self._market, self._stream_type, raw, wanted)

    def _take(self, page: Page, body: bytes) -> str:
        gap = page.gap
        found = self._normaliser.take_trades(gap.symbol, body, self._actor.clock.now_ns())
        if isinstance(found, Reject):
            return f"{found.reason}: {found.detail}"
        self._outbox.add_repaired(found.trades)
        for ended in found.gaps:
            self._outbox.add(ended)
        if found.last_id < page.from_id:
            return f"the venue has no trade {page.from_id} and none after it"
        if self._repairs.took(page, found.last_id):
            self._abandon(gap, "the venue does not have all of these ids")
        return ""

    def _named(self, page: Page) -> str:
        return f"{page.gap.symbol} from {page.from_id}"
