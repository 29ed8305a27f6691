"""What all answers need: the store, who answers, what time it is, and how a reply is put together. Pure but
for the clock it is given.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final

import msgspec

from actors.hub.freshness import Freshness
from actors.hub.heads import Window, fixed_part, head_of
from actors.hub.payloads import extend_map
from actors.hub.slots import Slot
from actors.hub.store import Store
from actors.runtime.clock import Clock
from protocol.errors import InvalidRequest, NoData, StaleData, UnknownSymbol
from protocol.fleet import Fleet
from protocol.instruments import Catalog
from protocol.messages import SESSION
from protocol.requests import Reply, Request, encode_reply
from protocol.sessions import timeframe_ns
from protocol.topics import market_topic

_encode: Final = msgspec.msgpack.Encoder().encode
Piece = bytes | memoryview
MAX_SYMBOL_LENGTH: Final = 64
SUGGESTIONS_PER_S: Final = 50
"""Looking for similar names costs milliseconds: a flood of wrong ones is answered without."""
KIND_NAMES: Final = {
    "quote": "quote", "trade": "trade", "bar": "candle", "book": "order book", "flow": "order flow",
    "feature": "indicator value", "footprint": "footprint",
}  # fmt: skip


def _nowhere(_: str) -> None:
    """There is no board."""


class Desk:
    """Finds what a request is about and writes the reply."""

    def __init__(
        self,
        name: str,
        epoch: int,
        clock: Clock,
        catalog: Catalog,
        store: Store,
        fleet: Fleet,
        freshness: Freshness,
        show: Callable[[str], None] = _nowhere,
    ) -> None:
        self.name = name
        self.epoch = epoch
        self.clock = clock
        self.catalog = catalog
        self.store = store
        self.fleet = fleet
        self.freshness = freshness
        self.show = show
        """Has a topic, or everything (empty name), put on the board before an answer about it goes out: nobody finds less there
        than he was told."""
        self._aliases = {
            alias.upper(): symbol for symbol in catalog.symbols for alias in catalog.get(symbol).aliases
        }
        self._suggesting = [0, 0]  # second, and how many suggestions were made in it

    def symbol(self, name: str) -> str:
        """Canonical form of a symbol that somebody asked for.

        Raises:
            InvalidRequest: there is none in the request.
            UnknownSymbol: neither configured nor heard of; carries suggestions.
        """
        if not name:
            raise InvalidRequest("the request names no symbol", errors=["symbol: missing"])
        if name in self.catalog or self.store.has_symbol(name):
            return name
        if len(name) > MAX_SYMBOL_LENGTH:
            raise InvalidRequest("the symbol is too long for one", errors=[f"symbol: {len(name)} characters"])
        alias = self._aliases.get(name.upper())
        if alias is not None:
            return alias
        second = self.clock.mono_ns() // 1_000_000_000
        if second != self._suggesting[0]:
            self._suggesting = [second, 0]
        self._suggesting[1] += 1
        if self._suggesting[1] > SUGGESTIONS_PER_S:
            raise UnknownSymbol(f"no instrument {name!r}", symbol=name, suggestions=[])
        return self.catalog.get(name).symbol

    def find(self, kind: str, request: Request, timeframe: str = "") -> Slot:
        """The slot that answers: of the venue asked for, else of the one with the newest value.

        Raises:
            UnknownSymbol: nobody knows the symbol.
            NoData: nothing of this kind has arrived for it (from that venue).
        """
        found = self._candidates(kind, request.symbol, request.venue, timeframe)
        if not found:
            symbol = self.symbol(request.symbol)
            found = self._candidates(kind, symbol, request.venue, timeframe)
            if not found:
                raise self._no_data(kind, symbol, request.venue, timeframe)
        return found[0] if len(found) == 1 else max(found, key=self.freshness.recency_ns)

    def _candidates(self, kind: str, symbol: str, venue: str, timeframe: str) -> Sequence[Slot]:
        if not venue:
            return self.store.of_symbol(kind, symbol, timeframe)
        slot = self.store.get(market_topic(kind, venue, symbol, timeframe))
        return (slot,) if slot is not None else ()

    def _no_data(self, kind: str, symbol: str, venue: str, timeframe: str) -> NoData:
        what = f"{timeframe} {KIND_NAMES[kind]}".strip()
        known = [slot.topic for slot in self.store if slot.topic.kind == kind and slot.topic.symbol == symbol]
        details: dict[str, Any] = {
            "venues": sorted({topic.venue for topic in known}),
            "timeframes": sorted({topic.timeframe for topic in known if topic.timeframe}),
        }
        there = [f"{key}: {', '.join(values)}" for key, values in details.items() if values]
        hint = f" (it has {'; '.join(there)})" if there else ""
        at = f" from {venue}" if venue else ""
        return NoData(f"no {what} of {symbol} has arrived{at}{hint}", symbol=symbol, **details)

    def value(
        self,
        request: Request,
        slot: Slot,
        recv_ns: int,
        pieces: Iterable[Piece],
        window: Window | None = None,
        interval_s: float = 0.0,
    ) -> bytes:
        """The reply with a stored value, given in encoded pieces, and what is to be known of it.

        Raises:
            StaleData: too old or cut off, and the asker did not allow that.
        """
        now_ns = self.clock.now_ns()
        judged = self.freshness.judge(slot, recv_ns, now_ns, self.clock.mono_ns(), interval_s)
        if judged.is_refused and not request.allow_stale:
            raise self._refusal(slot, judged.age_s, judged.ttl_s, judged.state)
        frame = slot.frame
        publisher, epoch, fixed = slot.fixed
        if epoch != frame.epoch or publisher != frame.publisher_padded:
            fixed = fixed_part(self.name, self.epoch, self.fleet.name_of(frame.publisher_padded), frame)
            slot.fixed = (frame.publisher_padded, frame.epoch, fixed)
        head = head_of(fixed, frame, request.id, now_ns, judged.age_s, judged.state, window)
        return b"".join((head, *pieces))

    @staticmethod
    def _refusal(slot: Slot, age_s: float, ttl_s: float, state: str) -> StaleData:
        topic = slot.topic
        what = f"the newest {KIND_NAMES.get(topic.kind, topic.kind)} of {topic.symbol}"
        if state == "venue_down":
            text = f"{topic.venue} is down: {what} is {age_s:.3g} s old"
        elif age_s <= ttl_s:
            text = f"no provider of {topic.symbol} answers: {what} at {topic.venue} only repeats what was known last"
        else:
            text = f"{what} at {topic.venue} is {age_s:.3g} s old, its limit is {ttl_s:g} s"
        return StaleData(text, age_s=age_s, ttl_s=ttl_s, state=state, symbol=topic.symbol, topic=slot.name)

    def described(
        self,
        request: Request,
        slot: Slot | None,
        covered: tuple[int, int],
        details: dict[str, Any],
        data: Any,
    ) -> bytes:
        """The reply with rows of the past, and more to be known of them than their head has room for.

        Age and state are those of the newest value kept, and refuse nothing: what happened does not become stale.
        """
        now_ns = self.clock.now_ns()
        reply = Reply(
            id=request.id, ok=True, publisher=self.name, epoch=self.epoch, ts_ns=now_ns, state="none", asked=request.n,
            covered_from_ns=covered[0], covered_to_ns=covered[1], details=details,
        )  # fmt: skip
        if slot is not None:
            frame = slot.frame
            judged = self.freshness.judge(
                slot, slot.newest()[1], now_ns, self.clock.mono_ns(), _interval_s(slot)
            )
            reply = msgspec.structs.replace(
                reply, age_s=judged.age_s, state=judged.state, source=self.fleet.name_of(frame.publisher_padded),
                source_epoch=frame.epoch, seq=frame.seq, topic=slot.name, topic_seq=frame.topic_seq,
            )  # fmt: skip
        return b"".join((extend_map(encode_reply(reply), "data"), _encode(data)))

    def judged(self, request: Request, age_s: float, state: str, data: Any) -> bytes:
        """The reply with a value that is made of several."""
        reply = Reply(
            id=request.id, ok=True, publisher=self.name, epoch=self.epoch, ts_ns=self.clock.now_ns(), age_s=age_s,
            state=state,
        )  # fmt: skip
        return b"".join((extend_map(encode_reply(reply), "data"), _encode(data)))

    def plain(self, request: Request, data: Any, asked: int = 0) -> bytes:
        """The reply with a value that has no age of its own."""
        return self.encoded(request, [_encode(data)], asked)

    def encoded(self, request: Request, pieces: Iterable[Piece], asked: int = 0) -> bytes:
        """As `plain`, for a value in encoded pieces."""
        reply = Reply(
            id=request.id,
            ok=True,
            publisher=self.name,
            epoch=self.epoch,
            ts_ns=self.clock.now_ns(),
            asked=asked,
        )
        return b"".join((extend_map(encode_reply(reply), "data"), *pieces))


def _interval_s(slot: Slot) -> float:
    """How long the newest value of a slot stands by its nature: a candle as long as its timeframe."""
    timeframe = slot.topic.timeframe
    return timeframe_ns(timeframe) / 1e9 if timeframe and timeframe != SESSION else 0.0
