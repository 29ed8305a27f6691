"""A connection's requests between the venue's words and its declared answers: for the rules of `test_conformance.py`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from actors.collector.exchange.subscriptions import Subscriptions
from actors.collector.outcomes import Ack, Outcome, Refusal, Subscribed
from actors.collector.registry import exchange
from tests.support.conformance import Answers
from tests.support.declared_venues import DECLARED

AT_NS: Final = 1_795_000_000 * 10**9
MOST_SECONDS: Final = 2000


class Requests:
    """Streams of one address of a market, what is subscribed of them, who answers and who reads."""

    def __init__(self, venue: str, market: str) -> None:
        spoken, declared = exchange(venue), DECLARED[venue]
        types = spoken.defaults.streams[market]
        base = spoken.defaults.ws_url.get(market, "wss://x.invalid")
        url = spoken.stream_url(market, base, types[0])
        same = [one for one in types if spoken.stream_url(market, base, one) == url]
        self.streams = list(
            dict.fromkeys(spoken.stream(raw, one) for raw in declared.raws[market] for one in same)
        )
        names = {raw: raw.replace("-", "_") for raw in declared.raws[market]}
        self._reader: Any = spoken.parser(market, names, {}).reader()
        self.subscriptions = Subscriptions(spoken, market, 10.0, 0)
        self.answers: Answers = declared.answers(market)

    def obey(self, frames: Iterable[bytes]) -> list[Outcome]:
        """As a line does; returns what was said."""
        said: list[Outcome] = []
        for frame in frames:
            for outcome in self._reader.parse(frame, AT_NS):
                said.append(outcome)
                match outcome:
                    case Ack():
                        self.subscriptions.acked(outcome)
                    case Subscribed():
                        self.subscriptions.listed(outcome.streams)
                    case Refusal():
                        self.subscriptions.declined(outcome)
        return said

    def texts(self, mono_ns: int = 0) -> list[str]:
        """Everything that is to be said, however long the budget makes it last."""
        found: list[str] = []
        for step in range(MOST_SECONDS):
            text = self.subscriptions.next_message(mono_ns + step * 10**9)
            if text is not None:
                found.append(text)
        return found
