"""Which topics a client wants, and how. Pure.

A wish is for one channel, one symbol or all (`*`), one venue or all, one timeframe or all. Of two wishes that a topic
fits, the one that names more of it says how it is sent.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final, NamedTuple

from actors.gateway.sockets.channels import BY_KIND
from actors.gateway.sockets.view import Shape
from protocol.topics import Topic

ALL: Final = "*"


class Wish(NamedTuple):
    """What is wanted."""

    channel: str
    symbol: str = ALL
    venue: str = ""
    """Empty: any."""
    timeframe: str = ""
    """Empty: any."""

    def fits(self, topic: Topic) -> bool:
        """Whether it is for this topic."""
        return (
            BY_KIND[topic.kind].name == self.channel
            and self.symbol in (ALL, topic.symbol)
            and self.venue in ("", topic.venue)
            and self.timeframe in ("", topic.timeframe)
        )


Wishes = Mapping[Wish, Shape]


def wishes_for(topic: Topic) -> Iterator[Wish]:
    """Every wish that this topic fits, the ones that name most first."""
    channel = BY_KIND[topic.kind].name
    for symbol in dict.fromkeys((topic.symbol or ALL, ALL)):
        for venue in dict.fromkeys((topic.venue, "")):
            for timeframe in dict.fromkeys((topic.timeframe, "")):
                yield Wish(channel, symbol, venue, timeframe)


def shape_of(wishes: Wishes, topic: Topic) -> Shape | None:
    """How somebody with these wishes wants a topic; None: not at all."""
    for wish in wishes_for(topic):
        found = wishes.get(wish)
        if found is not None:
            return found
    return None
