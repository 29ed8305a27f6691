"""What one connection is subscribed to, and what must still be said for that. Pure.

Venues bound the messages a client may send each second (Binance: 5 on spot, pongs included), so many streams go
into one request, and requests wait for the budget. A request without an answer means that the connection is not
worth keeping: `is_overdue`.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Set
from typing import Final

from actors.collector.budget import Budget
from actors.collector.outcomes import Ack, Refusal
from actors.collector.venue import Venue

MOST_PER_REQUEST: Final = 1000
"""Streams offered to the venue's own rule of how many go into one request."""


class _Request:
    __slots__ = ("is_subscribe", "sent_ns", "streams")

    def __init__(self, streams: list[str], sent_ns: int, *, is_subscribe: bool) -> None:
        self.streams = streams
        self.sent_ns = sent_ns
        self.is_subscribe = is_subscribe


class Subscriptions:
    """Streams of one connection.

    Args:
        venue: Words its requests.
        market: Decides the budget.
        answer_s: Seconds in which a request must be answered.
        mono_ns: Now.
    """

    def __init__(self, venue: Venue, market: str, answer_s: float, mono_ns: int) -> None:
        allowed = venue.request_allowance(market)
        self._venue = venue
        self._market = market
        self._answer_ns = round(answer_s * 1e9)
        self._budget = Budget(max(1.0, allowed.burst), allowed.per_s, mono_ns)
        self._ids = itertools.count(1)
        self._to_begin: dict[str, None] = {}
        self._to_end: dict[str, None] = {}
        self._asked: dict[int, _Request] = {}
        self.active: dict[str, None] = {}
        """Streams that the venue has confirmed."""
        self.refused: dict[str, str] = {}
        """Stream to what the venue said against it."""

    def begin(self, streams: Iterable[str]) -> None:
        """Want these streams, also if they are active: a resubscription is worded the same."""
        for stream in streams:
            self._to_end.pop(stream, None)
            self._to_begin[stream] = None

    def end(self, streams: Iterable[str]) -> None:
        """Want them no longer."""
        for stream in streams:
            self._to_begin.pop(stream, None)
            self._to_end[stream] = None

    def renew(self, streams: Iterable[str]) -> None:
        """End and begin them: a stream that has fallen silent may come back so."""
        for stream in streams:
            self._to_end[stream] = None
            self._to_begin[stream] = None

    def next_message(self, mono_ns: int) -> str | None:
        """The next text to send, None if there is none or the budget is spent. Ends go before beginnings."""
        queue = self._to_end or self._to_begin
        if not queue or not self._budget.take(1.0, mono_ns):
            return None
        is_subscribe = queue is self._to_begin
        streams = list(self._venue.batch(self._market, list(itertools.islice(queue, MOST_PER_REQUEST))))
        for stream in streams:
            del queue[stream]
        number = next(self._ids)
        self._asked[number] = _Request(streams, mono_ns, is_subscribe=is_subscribe)
        word = self._venue.subscribe if is_subscribe else self._venue.unsubscribe
        return word(streams, number)

    def acked(self, ack: Ack) -> list[str]:
        """The venue took a request (0: the oldest), or some streams of the oldest one with them; returns those active now."""
        if not ack.streams:
            request = self._asked.pop(ack.request_id or next(iter(self._asked), 0), None)
            return self._take(request) if request is not None else []
        number = self._oldest_with(ack.streams)
        begun = [stream for name in ack.streams for stream in self._confirm(name)]
        request = self._asked.get(number)
        if not ack.is_partial and request is not None:
            self._ask_again(number, request.streams)
        return begun

    def listed(self, streams: Set[str]) -> list[str]:
        """The venue lists what is subscribed now; returns the streams that are active by it."""
        begun = []
        for number, request in list(self._asked.items()):
            is_done = (
                streams >= set(request.streams)
                if request.is_subscribe
                else not (streams & set(request.streams))
            )
            if is_done:
                del self._asked[number]
                begun += self._take(request)
        return begun

    def _confirm(self, stream: str) -> list[str]:
        number = next((number for number, asked in self._asked.items() if stream in asked.streams), 0)
        request = self._asked.get(number)
        if request is None:
            return []
        request.streams.remove(stream)
        if not request.streams:
            del self._asked[number]
        return self._take(_Request([stream], request.sent_ns, is_subscribe=request.is_subscribe))

    def _take(self, request: _Request) -> list[str]:
        if request.is_subscribe:
            self.active.update(dict.fromkeys(request.streams))
            return request.streams
        for stream in request.streams:
            self.active.pop(stream, None)
        return []

    def declined(self, refusal: Refusal) -> list[str]:
        """The venue refused a request, or some streams of it; returns those that are not to be had.

        Where it names the culprits and the rest was not taken either, the rest is asked for again without them.
        """
        number = refusal.request_id or self._oldest_with(refusal.streams)
        request = self._asked.get(number)
        if request is None:
            return []
        named = [stream for stream in request.streams if stream in refusal.streams]
        refused = named or request.streams
        rest = [stream for stream in request.streams if stream not in refused]
        if refusal.is_partial and rest:
            request.streams = rest
        else:
            self._ask_again(number, rest)
        if not request.is_subscribe:
            return []
        self.refused.update(dict.fromkeys(refused, refusal.text))
        return refused

    def _ask_again(self, number: int, streams: list[str]) -> None:
        request = self._asked.pop(number)
        queue = self._to_begin if request.is_subscribe else self._to_end
        queue.update(dict.fromkeys(streams))

    def _oldest_with(self, streams: tuple[str, ...]) -> int:
        """Number of the oldest request that has one of them; of the oldest one of all if none is named."""
        found = (
            n for n, asked in self._asked.items() if not streams or not set(streams).isdisjoint(asked.streams)
        )
        return next(found, 0)

    def is_overdue(self, mono_ns: int) -> bool:
        """Whether a request has waited too long for its answer."""
        return any(mono_ns - request.sent_ns > self._answer_ns for request in self._asked.values())

    @property
    def is_settled(self) -> bool:
        """Whether everything wanted has been said and answered."""
        return not (self._to_begin or self._to_end or self._asked)
