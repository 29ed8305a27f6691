"""Every topic heard of, which audiences want it, and who is in which audience. Pure, time is an argument."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Final

from actors.gateway.sockets.audience import Audience
from actors.gateway.sockets.channels import ACTORS, BY_KIND
from actors.gateway.sockets.client import Client
from actors.gateway.sockets.dialects import Dialect
from actors.gateway.sockets.feed import Feed
from actors.gateway.sockets.ring import Rings
from actors.gateway.sockets.settings import SocketSettings
from actors.gateway.sockets.view import View
from actors.gateway.sockets.wishes import ALL, Wish, Wishes, shape_of, wishes_for
from protocol.topics import Topic, parse_topic

MAX_TOPICS: Final = 50_000

Joined = list[tuple[Feed, View]]


class Feeds:
    """Topics and audiences.

    Args:
        settings: Bounds.
    """

    def __init__(self, settings: SocketSettings) -> None:
        self._settings = settings
        self.rings = Rings(settings.ring_messages, settings.ring_bytes)
        self.waiting: dict[View, None] = {}
        """Views that hold something back."""
        self.dirty: dict[Audience, None] = {}
        """Audiences for which something waits."""
        self.beyond = 0
        """Topics that were not sent to clients that have too many."""
        self._feeds: dict[str, Feed] = {}
        self._of: dict[tuple[str, str], list[Feed]] = {}
        """(kind, symbol or *) to feeds."""
        self._audiences: dict[tuple[str, frozenset[tuple[Wish, object]]], Audience] = {}
        self._wanting: dict[Wish, dict[Audience, None]] = {}
        self.actors = self._make(Topic(ACTORS, ""), ACTORS)

    def __len__(self) -> int:
        return len(self._feeds)

    def __iter__(self) -> Iterator[Feed]:
        return iter(self._feeds.values())

    def get(self, name: str) -> Feed | None:
        """The feed of a topic, None if nothing was heard of it."""
        return self._feeds.get(name)

    def books(self) -> list[Feed]:
        """The feeds of all order books."""
        return self._of.get((BY_KIND["book"].kind, ALL), [])

    def has_symbol(self, symbol: str) -> bool:
        """Whether anything was heard of a symbol."""
        return any((kind, symbol) in self._of for kind in BY_KIND)

    def meet(self, name: str) -> Feed | None:
        """The feed of a topic heard of for the first time; None if it is none that can be subscribed to."""
        if len(self._feeds) >= MAX_TOPICS:
            return None
        try:
            topic = parse_topic(name)
        except ValueError:
            return None
        return self._make(topic, name) if topic.kind in BY_KIND else None

    def _make(self, topic: Topic, name: str) -> Feed:
        feed = self._feeds[name] = Feed(topic, name, self.rings, self.waiting)
        for symbol in dict.fromkeys((topic.symbol or ALL, ALL)):
            self._of.setdefault((topic.kind, symbol), []).append(feed)
        for audience in {one: None for wish in wishes_for(topic) for one in self._wanting.get(wish, ())}:
            if self._follow(audience, feed):
                feed.is_settled = True
        return feed

    def matching(self, wishes: Iterable[Wish]) -> list[Feed]:
        """Every feed that one of these is for."""
        found: dict[Feed, None] = {}
        for wish in wishes:
            kind = _KINDS[wish.channel]
            for feed in self._of.get((kind, wish.symbol), ()):
                if wish.fits(feed.topic):
                    found[feed] = None
        return list(found)

    def move(self, client: Client, wishes: Wishes, mono_ns: int) -> Joined:
        """Give a client other wishes; returns what is new to it. Everything up to now has been sent to it."""
        old = client.audience
        new = self._audience(client.dialect, wishes) if wishes else None
        if new is old:
            return []
        before = old.views if old is not None else {}
        after = new.views if new is not None else {}
        fresh = [(feed, view) for feed, view in after.items() if before.get(feed) is not view]
        for feed, view in fresh:
            view.release(mono_ns)
            feed.is_settled = True
        self.leave(client, mono_ns)
        for feed, view in before.items():
            if after.get(feed) is not view:
                client.outbox.forget(view)
        client.audience = new
        if new is not None:
            new.seal()
            client.place = new.end
            (new.slow if client.is_slow else new.members)[client] = None
        return fresh

    def leave(self, client: Client, mono_ns: int) -> None:
        """Take a client out of its audience, up to date."""
        audience = client.audience
        if audience is None:
            return
        audience.seal()
        client.catch_up()
        audience.members.pop(client, None)
        audience.slow.pop(client, None)
        client.audience = None
        if audience.is_empty:
            self._disband(audience, mono_ns)

    def _audience(self, dialect: Dialect, wishes: Wishes) -> Audience:
        key = (dialect.name, frozenset(wishes.items()))
        found = self._audiences.get(key)
        if found is None:
            found = self._audiences[key] = Audience(wishes, dialect, self._stir)
            for wish in wishes:
                self._wanting.setdefault(wish, {})[found] = None
            for feed in self.matching(wishes):
                self._follow(found, feed)
        return found

    def _stir(self, audience: Audience) -> None:
        self.dirty[audience] = None

    def _follow(self, audience: Audience, feed: Feed) -> bool:
        shape = shape_of(audience.wishes, feed.topic)
        if shape is None or len(audience.views) >= self._settings.topics:
            self.beyond += shape is not None
            return False
        view = audience.views[feed] = feed.view(shape, audience.dialect)
        view.followers[audience] = None
        return True

    def _disband(self, audience: Audience, mono_ns: int) -> None:
        del self._audiences[audience.dialect.name, frozenset(audience.wishes.items())]
        self.dirty.pop(audience, None)
        for wish in audience.wishes:
            wanting = self._wanting[wish]
            del wanting[audience]
            if not wanting:
                del self._wanting[wish]
        for feed, view in audience.views.items():
            view.followers.pop(audience, None)
            if not view.followers:
                feed.leave(view, mono_ns)

    def open(self, feeds: Iterable[Feed], mono_ns: int) -> None:
        """Begin to remember what comes of topics that somebody is about to subscribe to."""
        for feed in feeds:
            feed.open()
            feed.idle_ns = mono_ns

    def close_idle(self, before_ns: int) -> None:
        """Forget what nobody has wanted since a moment, monotonic."""
        for feed in self._feeds.values():
            if feed.is_open and not feed.views and feed.idle_ns < before_ns:
                feed.close()

    def flush(self, slice_of: int, on_sent: Callable[[int], None]) -> Iterator[None]:
        """Write what waits to everybody, some clients at a time.

        Args:
            slice_of: Clients between two rests.
            on_sent: Told when the oldest piece was published that an audience has now had.
        """
        dirty, self.dirty = self.dirty, {}
        count = 0
        for audience in dirty:
            oldest_ns = audience.seal()
            end = audience.end
            for client in list(audience.members):
                if client.audience is audience and client.place < end:
                    client.catch_up()
                count += 1
                if count % slice_of == 0:
                    yield
            if oldest_ns:
                on_sent(oldest_ns)
            audience.forget_until(end)


_KINDS: Final = {channel.name: kind for kind, channel in BY_KIND.items()}
