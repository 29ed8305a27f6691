"""History of the REST providers: which stretches to order of the collectors, who own the budgets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

from actors.collector.bars.history import REACH_MARGIN_NS
from actors.collector.bars.jobs import Cost, with_time
from actors.collector.bars.providers.provider import MINUTE_NS, Limit
from protocol.instruments import Catalog
from protocol.sessions import Session, session_named
from tapehub.bar_collectors import page_ns
from tapehub.bar_desks import Desk
from tapehub.refill_plan import Piece, Span, missing_minutes, pieces_of
from tapehub.stored_minutes import StoredMinutes

NEWEST_NS: Final = 15 * MINUTE_NS
"""Minutes younger than this are left to the live looks: providers may not have them yet."""


class Wanted(NamedTuple):
    """What somebody asks for."""

    provider: str
    symbols: Sequence[str]
    from_ns: int
    to_ns: int
    now_ns: int
    is_again: bool
    """Whatever is stored, or is being loaded anyway."""


class Plan(NamedTuple):
    """What is to be ordered at one collector."""

    desk: Desk
    provider: str
    spans: dict[str, Span]
    """Of each instrument."""
    pieces: list[Piece]
    costs: list[dict[str, Any]]
    """Of the pieces."""
    reached_by: dict[str, str]
    """Instrument to the provider whose bars go back farthest."""


class Planner:
    """Finds out what is not there yet.

    Args:
        catalog: Instruments.
        stored: What is stored.
    """

    def __init__(self, catalog: Catalog, stored: StoredMinutes) -> None:
        self._catalog = catalog
        self._stored = stored

    def plan(self, desk: Desk, wanted: Wanted, history_share: float) -> Plan:
        """The stretches of one collector's instruments.

        Raises:
            HubError: the collector refuses, says why.
            QueryError, ParquetError, Overloaded: the store cannot be read.
        """
        whole = [Piece(symbol, wanted.from_ns, wanted.to_ns) for symbol in wanted.symbols]
        quotes = {one["symbol"]: one for one in desk.quote(wanted.provider, whole)}
        live = desk.live()
        spans = {
            symbol: Span(
                wanted.from_ns,
                wanted.to_ns,
                _floor_ns(one, wanted.from_ns),
                _live_ns(live.get(symbol, 0), wanted) if desk.is_running else 0,
            )
            for symbol, one in quotes.items()
        }
        pieces = [
            piece
            for symbol, span in spans.items()
            if quotes[symbol]["provider"]
            for piece in self._pieces(symbol, span, page_ns(quotes[symbol]["provider"]), wanted.is_again)
        ]
        costs = _timed(desk.quote(wanted.provider, pieces) if pieces else [], desk.limits(), history_share)
        names = {symbol: one["provider"] for symbol, one in quotes.items()}
        return Plan(desk, wanted.provider, spans, pieces, costs, names)

    def missing(self, symbol: str, span: Span) -> int:
        """Minutes that are not stored."""
        found = self._stored.of(symbol, span.from_ns, span.end_ns)
        return missing_minutes(self.session(symbol), span, found)

    def session(self, symbol: str) -> Session:
        """Calendar of an instrument."""
        return session_named(self._catalog.get(symbol).session)

    def _pieces(self, symbol: str, span: Span, page: int, is_again: bool) -> list[Piece]:
        stored = set() if is_again else self._stored.of(symbol, span.from_ns, span.end_ns)
        return pieces_of(symbol, span, stored, self.session(symbol), page)


def _floor_ns(cost: Mapping[str, Any], from_ns: int) -> int:
    """Before this no provider has bars; 0: they go back as far as is wanted."""
    begin_ns = int(cost["from_ns"])
    return -(-(begin_ns + REACH_MARGIN_NS) // MINUTE_NS) * MINUTE_NS if begin_ns > from_ns else 0


def _live_ns(next_ns: int, wanted: Wanted) -> int:
    """From here on nothing is ordered."""
    newest_ns = (wanted.now_ns - NEWEST_NS) // MINUTE_NS * MINUTE_NS
    return max(next_ns, newest_ns) if wanted.is_again else next_ns or newest_ns


def _timed(
    costs: Sequence[Mapping[str, Any]], limits: Mapping[str, Sequence[Mapping[str, float]]], share: float
) -> list[dict[str, Any]]:
    """Costs with the time that all of them together take at least."""
    every = [Cost(**cost) for cost in costs]
    known = {name: [Limit(int(one["calls"]), one["per_s"]) for one in some] for name, some in limits.items()}
    return [one._asdict() for one in with_time(every, known, share)]
