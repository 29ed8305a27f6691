"""What one connection is subscribed to, and what must still be said for that. Pure.

Venues bound the messages a client may send each second (Binance: 5 on spot, pongs included), so many streams go
into one request, and requests wait for the budget. A request without an answer means that the connection is not
worth keeping: `is_overdue`.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from typing import Final

from actors.collector.budget import Budget
from actors.collector.venue import Venue

STREAMS_PER_REQUEST: Final = 200


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
        per_s = venue.messages_per_s(market)
        self._venue = venue
        self._answer_ns = round(answer_s * 1e9)
        self._budget = Budget(max(1.0, per_s), per_s, mono_ns)
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
        streams = list(itertools.islice(queue, STREAMS_PER_REQUEST))
        for stream in streams:
            del queue[stream]
        number = next(self._ids)
        self._asked[number] = _Request(streams, mono_ns, is_subscribe=is_subscribe)
        word = self._venue.subscribe if is_subscribe else self._venue.unsubscribe
        return word(streams, number)

    def acked(self, request_id: int) -> list[str]:
        """The venue took a request; returns the streams that are active by it."""
        request = self._asked.pop(request_id, None)
        if request is None:
            return []
        if not request.is_subscribe:
            for stream in request.streams:
                self.active.pop(stream, None)
            return []
        self.active.update(dict.fromkeys(request.streams))
        return request.streams

    def declined(self, request_id: int, text: str) -> list[str]:
        """The venue refused a request; returns the streams that are not to be had (0: the oldest request)."""
        number = request_id or next(iter(self._asked), 0)
        request = self._asked.pop(number, None)
        if request is None or not request.is_subscribe:
            return []
        self.refused.update(dict.fromkeys(request.streams, text))
        return request.streams

    def is_overdue(self, mono_ns: int) -> bool:
        """Whether a request has waited too long for its answer."""
        return any(mono_ns - request.sent_ns > self._answer_ns for request in self._asked.values())

    @property
    def is_settled(self) -> bool:
        """Whether everything wanted has been said and answered."""
        return not (self._to_begin or self._to_end or self._asked)
