"""How old a value is, and whether an engine may have it. Pure, time is an argument.

    state           means                                                          served
    fresh           younger than its time to live                                  yes
    gap_open        messages of its kind are missing right now (gap ledger)        while younger than its TTL
    closed_market   the session calendar says closed: the last value stands        yes
    stale           older than its time to live; or what was known last, as its
                    providers do not answer                                        with allow_stale
    venue_down      the venue is not connected, or the publisher does not beat     with allow_stale

Age is counted from the moment our socket received the value, by the hub's clock, so a recording that is
played today is as fresh as live data. What providers are asked for is at least as old as the end of its candle:
months of history come in one go, and the newest of them is not fresh for that.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final, NamedTuple

from actors.hub.ledger import GapLedger
from actors.hub.slots import Slot
from protocol.fleet import Fleet
from protocol.messages import Bar, Feature, Trade
from protocol.topics import Topic

IsOpen = Callable[[str, int], bool]
"""(session name, ns) -> whether its market is open."""
MINUTE: Final = "1m"
"""Timeframe of the candles that are fetched; longer ones are made of them."""
STREAM_FIRST_NS: Final = 60_000_000_000
_OF_BARS: Final = (Bar.KIND, Feature.KIND)
_OF_TRADES: Final = ("flow", "footprint")


class Judgement(NamedTuple):
    """What is said of one value at one moment."""

    age_s: float
    ttl_s: float
    """0: it never becomes stale."""
    state: str
    is_refused: bool
    """Not to be served unless the asker allows stale values."""


class Standing(NamedTuple):
    """What is said of one value whatever the moment."""

    recv_ns: int
    """From where its age counts."""
    ttl_s: float
    """0: it never becomes stale."""
    is_fetched: bool
    """It is a provider's candle, or made of such."""
    is_last_known: bool
    """It only repeats what was known when its provider failed."""


class Freshness:
    """Judges stored values.

    Args:
        ttl_s: Time to live by kind, seconds; a kind that is missing never becomes stale.
        fleet: Who is alive.
        gaps: What is missing.
        is_open: Session calendars; asked at most once a second per session.
        bars_from: (venue, symbol) -> trade or quote, what its candles are built from; bar: they are fetched.
        source_of: (kind, venue, symbol, timeframe) -> slot of what is collected, for what is derived of it.
    """

    def __init__(
        self,
        ttl_s: Mapping[str, float],
        fleet: Fleet,
        gaps: GapLedger,
        is_open: IsOpen,
        bars_from: Callable[[str, str], str],
        source_of: Callable[[str, str, str, str], Slot | None] = lambda *_: None,
    ) -> None:
        self._ttl_s = dict(ttl_s)
        self._fleet = fleet
        self._gaps = gaps
        self._is_open = is_open
        self._bars_from = bars_from
        self._source_of = source_of
        self._sessions: dict[str, tuple[int, bool]] = {}

    def judge(
        self, slot: Slot, recv_ns: int, now_ns: int, mono_ns: int, interval_s: float = 0.0
    ) -> Judgement:
        """Judge the value of a slot that was received at `recv_ns`; `interval_s` lengthens its time to live
        (a candle lives as long as its timeframe, and a little).
        """
        standing = self.standing(slot, recv_ns, interval_s)
        age_s, ttl_s = (now_ns - standing.recv_ns) / 1e9, standing.ttl_s
        is_old = 0.0 < ttl_s < age_s or standing.is_last_known
        if slot.session and not self._market_open(slot.session, now_ns):
            return Judgement(age_s, ttl_s, "closed_market", is_refused=False)
        if not self._is_up(slot, mono_ns):
            return Judgement(age_s, ttl_s, "venue_down", is_refused=True)
        if self.is_missing(slot, mono_ns):
            return Judgement(age_s, ttl_s, "gap_open", is_old)
        return Judgement(age_s, ttl_s, "stale" if is_old else "fresh", is_old)

    def standing(self, slot: Slot, recv_ns: int, interval_s: float = 0.0) -> Standing:
        """What of a judgement does not depend on the moment."""
        is_fetched = self._is_fetched(slot.topic)
        if is_fetched:
            recv_ns = min(recv_ns, slot.ends_ns())
        ttl_s = self._ttl_s.get(slot.topic.kind, 0.0)
        if ttl_s:
            ttl_s += interval_s
        return Standing(recv_ns, ttl_s, is_fetched, is_fetched and self._is_last_known(slot))

    def recency_ns(self, slot: Slot) -> int:
        """By which the newest of several venues is found: when its value was received; what providers are asked for
        comes after a stream that is not a minute older.
        """
        recv_ns = slot.newest()[1]
        if not self._is_fetched(slot.topic):
            return recv_ns
        return min(recv_ns, slot.ends_ns()) - STREAM_FIRST_NS

    def _is_fetched(self, topic: Topic) -> bool:
        """Whether a value is a provider's candle, or made of such."""
        return topic.kind in _OF_BARS and self._bars_from(topic.venue, topic.symbol) == Bar.KIND

    def _is_up(self, slot: Slot, mono_ns: int) -> bool:
        """Whether a publisher of the value can be heard: of several any one."""
        sharing = slot.sharing
        if sharing is None:
            return self._fleet.is_up(slot.frame.publisher_padded, slot.topic.venue, mono_ns)
        return any(self._fleet.is_up(one, slot.topic.venue, mono_ns) for one in sharing.frames)

    def fits(self, publisher_padded: bytes, topic: Topic, mono_ns: int) -> bool:
        """Whether what a publisher sends of a topic can be current: heard, level with others, no gap open."""
        fleet, venue = self._fleet, topic.venue
        if not fleet.is_up(publisher_padded, venue, mono_ns) or not fleet.is_level(publisher_padded, venue):
            return False
        name = fleet.name_of(publisher_padded)
        return not self._gaps.is_open_of(name, venue, topic.symbol, topic.kind)

    def is_missing(self, slot: Slot, mono_ns: int) -> bool:
        """Whether messages that a value is made of are missing right now: of several publishers for all of them."""
        if not self._gaps.open_count:
            return False
        _, venue, symbol, _ = slot.topic
        kind = self._gap_kind(slot.topic)
        if not self._gaps.is_open(venue, symbol, kind):
            return False
        source = slot if slot.topic.kind == kind else self._source_of(kind, venue, symbol, "")
        if source is None or source.sharing is None:
            return True
        return not any(self.fits(one, source.topic, mono_ns) for one in source.sharing.frames)

    def _gap_kind(self, topic: Topic) -> str:
        """Whose loss makes a value incomplete."""
        if topic.kind in _OF_BARS:
            return self._bars_from(topic.venue, topic.symbol)
        return Trade.KIND if topic.kind in _OF_TRADES else topic.kind

    def _is_last_known(self, slot: Slot) -> bool:
        """Whether a value is made of a running minute that no provider has answered for."""
        minutes = self._source_of(Bar.KIND, slot.topic.venue, slot.topic.symbol, MINUTE)
        return slot.is_last_known() or (minutes is not None and minutes.is_last_known())

    def open_until(self, session: str, now_ns: int, later_ns: int) -> bool | None:
        """Whether a market is open from now until a little later; None: it opens or closes meanwhile."""
        is_open = self._market_open(session, now_ns)
        return is_open if self._is_open(session, later_ns) == is_open else None

    def _market_open(self, session: str, now_ns: int) -> bool:
        second = now_ns // 1_000_000_000
        known = self._sessions.get(session)
        if known is None or known[0] != second:
            known = self._sessions[session] = (second, self._is_open(session, now_ns))
        return known[1]
