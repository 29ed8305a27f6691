"""Footprints of one timeframe: the running one, and closed ones that late and repaired trades can still change. Pure."""

from __future__ import annotations

import msgspec

from actors.orderflow.bucket import Bucket, Cell
from actors.orderflow.completeness import Holes
from actors.orderflow.price_ladder import Area, PriceLadder
from protocol.messages import SESSION, Footprint
from protocol.sessions import Session
from protocol.topics import market_topic


class Interval(msgspec.Struct, array_like=True):
    """Volume by price of one interval, or session."""

    open_ns: int
    close_ns: int
    ladder: PriceLadder
    count: int = 0
    trade_ns: int = 0
    """Newest trade, 0 without one."""
    revision: int = 0
    """Last one published; 0 while open."""
    coverage: float = 1.0
    """As last published."""
    is_changed: bool = True
    """Since it was last published."""

    def add(self, price: float, cell: Cell, most: int) -> None:
        """Add the volume of a price."""
        self.ladder.add(price, cell[0], cell[1], cell[-1], most)
        self.is_changed = True


class Footprints:
    """All of one timeframe, of one symbol at one venue.

    Args:
        symbol: Canonical symbol.
        venue: Where.
        timeframe: Of the candles they belong to, or `session`.
        session: Calendar of the symbol.
        most_levels: Most buckets of one.
        keep: Closed ones kept.
    """

    def __init__(
        self, symbol: str, venue: str, timeframe: str, session: Session, *, most_levels: int, keep: int
    ) -> None:
        self.topic = market_topic(Footprint.KIND, venue, symbol, timeframe)
        self._symbol, self._venue, self._timeframe = symbol, venue, timeframe
        self._session = session
        self._most_levels, self._keep = most_levels, keep
        self._kept: list[Interval] = []
        """Oldest first; the running one is the last, if there is one."""
        self._area: Area | None = None
        """Of the running one, None if it has to be worked out."""

    @property
    def _running(self) -> Interval | None:
        return self._kept[-1] if self._kept and not self._kept[-1].revision else None

    @property
    def start_ns(self) -> int | None:
        """Start of the oldest one kept."""
        return self._kept[0].open_ns if self._kept else None

    def take(self, bucket: Bucket, step: float) -> None:
        """Add a step that is closed; `step` is the height of a new one's buckets, quote currency."""
        running = self._running
        if running is None or bucket.start_ns >= running.close_ns:
            running = self._open(bucket.start_ns, step)
        self._area = None
        for price, cell in bucket.cells.items():
            running.add(price, cell, self._most_levels)
        running.count += sum(bucket.counts)
        running.trade_ns = max(running.trade_ns, bucket.trade_ns)

    def add_late(self, ts_ns: int, price: float, cell: Cell, count: int) -> bool:
        """Add a trade of a step that is closed already; False if its interval is not kept."""
        for found in reversed(self._kept):
            if found.open_ns <= ts_ns < found.close_ns:
                found.add(price, cell, self._most_levels)
                found.count += count
                found.trade_ns = max(found.trade_ns, ts_ns)
                self._area = None
                return True
        return False

    def close(self, ts_ns: int, holes: Holes, step: float) -> list[Footprint]:
        """Every step before a moment is taken: close what ends there; returns it as revision 1."""
        running = self._running
        if running is None or running.close_ns > ts_ns:
            return []
        running.revision = 1
        is_due = running.count or (self._timeframe != SESSION and self._session.is_open(running.open_ns))
        found = [self._message(running, holes, running.close_ns)] if is_due else []
        del self._kept[: max(0, len(self._kept) - self._keep)]
        self._area = None
        if self._timeframe != SESSION:
            self._open(ts_ns, step)
        return found

    def show(self, ts_ns: int, holes: Holes) -> list[Footprint]:
        """The running one as revision 0, if it has changed and holds a trade; its coverage up to this moment."""
        running = self._running
        if running is None or not running.is_changed or not running.count:
            return []
        return [self._message(running, holes, ts_ns)]

    def revise(self, holes: Holes) -> list[Footprint]:
        """Closed ones that have changed since they were published, each with its next revision."""
        found = []
        for one in self._kept:
            if one.revision and one.is_changed:
                one.revision += 1
                found.append(self._message(one, holes, one.close_ns))
        return found

    def cover(self, holes: Holes) -> None:
        """Holes have changed: closed ones with another coverage than before are to be published again."""
        for one in self._kept:
            if one.revision and holes.share(one.open_ns, one.close_ns)[0] != one.coverage:
                one.is_changed = True

    def area(self) -> Area:
        """Where the volume of the running one lies."""
        if self._area is None:
            running = self._running
            self._area = running.ladder.area() if running else Area()
        return self._area

    def state(self) -> list[Interval]:
        """What to keep; it is shared."""
        return self._kept

    def restore(self, kept: list[Interval]) -> None:
        """Go on from a state."""
        self._kept, self._area = kept, None

    def _open(self, ts_ns: int, step: float) -> Interval:
        session, timeframe = self._session, self._timeframe
        if timeframe == SESSION:
            open_ns, close_ns = session.day_ns(ts_ns)
        else:
            open_ns = session.bar_open_ns(ts_ns, timeframe)
            close_ns = session.bar_close_ns(open_ns, timeframe)
        self._kept.append(Interval(open_ns, close_ns, PriceLadder(step)))
        self._area = None
        return self._kept[-1]

    def _message(self, one: Interval, holes: Holes, until_ns: int) -> Footprint:
        one.coverage, reason = holes.share(one.open_ns, until_ns)
        one.is_changed = False
        rows = sorted(one.ladder.cells.items())
        unknown, buys, sells = ([cell[at] for _, cell in rows] for at in range(3))
        area = self.area() if one is self._running else one.ladder.area()
        return Footprint(
            symbol=self._symbol,
            venue=self._venue,
            timeframe=self._timeframe,
            ts_open_ns=one.open_ns,
            ts_event_ns=one.trade_ns or one.close_ns,
            price_step=one.ladder.step,
            prices=[one.ladder.edge(number) for number, _ in rows],
            buy_volumes=buys,
            sell_volumes=sells,
            unknown_volumes=unknown,
            volume=sum(unknown) + sum(buys) + sum(sells),
            delta=sum(buys) - sum(sells),
            poc=area.poc,
            value_area_low=area.low,
            value_area_high=area.high,
            count=one.count,
            status=("gap" if reason else "closed") if one.revision else "open",
            coverage=one.coverage,
            revision=one.revision,
        )
