"""Publishes what the outlet gathered, in its order: the minutes of one instrument in frames of many."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable
from typing import Any, Final

from protocol.instruments import REST
from protocol.messages import Bar, Gap, Message
from protocol.record import RecordKind
from protocol.topics import market_topic

PER_FRAME: Final = 500
"""Messages in one frame."""
Publish = Callable[..., object]


def send(messages: Iterable[Message], publish: Publish) -> int:
    """Publish messages, neighbours of one topic together; returns how many."""
    count = 0
    for (kind, topic), group in itertools.groupby(messages, _place):
        together = list(group)
        count += len(together)
        if kind is Gap:
            for gap in together:
                publish(topic, [gap], RecordKind.UPSTREAM_GAP)
            continue
        for at in range(0, len(together), PER_FRAME):
            publish(topic, together[at : at + PER_FRAME], RecordKind.DATA)
    return count


def _place(message: Any) -> tuple[type[Message], str]:
    timeframe = message.timeframe if message.__class__ is Bar else ""
    return message.__class__, market_topic(message.KIND, REST, message.symbol, timeframe)
