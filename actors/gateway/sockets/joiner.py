"""Lets a client begin: the hub's memory of all its topics, then, in one step, snapshots and its place in an audience."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from actors.gateway.sockets.broadcast import Broadcast
from actors.gateway.sockets.channels import ACTORS, BY_KIND, CHANNELS
from actors.gateway.sockets.client import Client
from actors.gateway.sockets.dialects import Dialect, Unjoined
from actors.gateway.sockets.feed import Feed
from actors.gateway.sockets.joins import Memory, events_of, snapshot_of, unjoined_of, verdict_of
from actors.gateway.sockets.memories import Memories
from actors.gateway.sockets.view import Shape, View, replayed, rows_of
from actors.gateway.sockets.wishes import Wishes, shape_of
from protocol.errors import HubError, HubTimeout
from protocol.messages import Book

RETRY_S: Final = 0.02
MAX_ROWS: Final = 20_000
"""Rows of all snapshots of one subscription; of more topics each has fewer."""
REST_EVERY: Final = 20
"""Snapshots made before others have their turn."""


class Outcome(NamedTuple):
    """How a client began."""

    topics: dict[str, int]
    """Channel to the number of its topics."""
    resumed: dict[str, dict[str, Any]]
    frames: list[bytes]
    """Snapshots and what it missed."""
    fault: HubError | None
    """Why there are no snapshots."""


class _Plan(NamedTuple):
    """What a client is to have."""

    new: Wishes
    wishes: Wishes
    """All of its, the new ones included."""
    is_wanted: bool
    """Whether it asked for snapshots."""
    rows: int
    """Of each snapshot."""


class _Made(NamedTuple):
    """A snapshot, and what it was made of."""

    seq: int
    memory: Memory
    unjoined: Unjoined | None
    frame: bytes


class Joiner:
    """Begins subscriptions.

    Args:
        broadcast: Feeds and audiences.
        memories: What the hub remembers.
    """

    def __init__(self, broadcast: Broadcast, memories: Memories) -> None:
        self._broadcast = broadcast
        self._memories = memories
        self._made: dict[tuple[Feed, Shape, str, int], _Made] = {}

    async def join(
        self, client: Client, new: Wishes, count: int, resume: Mapping[str, int] | None = None, stream: str = ""
    ) -> Outcome:  # fmt: skip
        """Give a client more wishes.

        Args:
            client: It.
            new: Besides what it has.
            count: Rows of each snapshot; 0: none.
            resume: Topic to the number of the last message it had.
            stream: The stream that these numbers are of.
        """
        broadcast, feeds = self._broadcast, self._broadcast.feeds
        wishes = {**client.wishes, **new}
        plan = _Plan(new, wishes, count > 0, max(1, count))
        found: dict[Feed, Memory] = {}
        begun: dict[Feed, int] = {}
        fault: HubError | None = None
        deadline_s = asyncio.get_running_loop().time() + broadcast.settings.join_s
        try:
            async with asyncio.timeout_at(deadline_s):
                await self._memories.learn({CHANNELS[wish.channel].kind for wish in new})
        except HubError as refusal:
            fault = refusal
        except TimeoutError:
            fault = HubTimeout("the hub does not say in time which topics there are")
        answers: dict[str, dict[str, Any]] = {}
        while missing := [feed for feed in self._new_to(client, wishes, new) if feed not in found]:
            feeds.open(missing, broadcast.clock.mono_ns())
            answers |= self._answers(missing, resume or {}, stream)
            for feed in missing:
                found[feed], begun[feed] = Memory(None), feed.seq
            asked = [feed for feed in missing if self._needs_memory(feed, plan, answers)]
            if asked and fault is None:
                plan = plan._replace(rows=max(1, min(plan.rows, MAX_ROWS // len(asked))))
                fault = await self._ask(asked, plan.rows, found, deadline_s)
            if fault is None:
                await self._make(client, plan, {feed: found[feed] for feed in missing})
        for name in (resume or {}).keys() - answers.keys():
            answers[name] = {"is_complete": False, "reason": "not one of the topics of these channels"}
        since = {
            feed: (resume or {}).get(feed.place.topic, 0) if _is_resumed(feed, answers) else begun[feed]
            for feed in begun
        }
        if client.is_gone:
            return Outcome({}, {}, [], None)
        return self._begin(client, plan, found, answers, since, fault)

    def _new_to(self, client: Client, wishes: Wishes, new: Wishes) -> list[Feed]:
        has = client.audience.views if client.audience is not None else {}
        return [
            feed
            for feed in self._broadcast.feeds.matching(new)
            if feed not in has or has[feed].shape != shape_of(wishes, feed.topic)
        ]

    @staticmethod
    def _needs_memory(feed: Feed, plan: _Plan, answers: Mapping[str, Mapping[str, Any]]) -> bool:
        if feed.topic.kind == ACTORS:
            return False
        if feed.topic.kind == Book.KIND:
            return not feed.replica.is_followed
        answer = answers.get(feed.place.topic)
        return not answer["is_complete"] if answer is not None else plan.is_wanted

    def _answers(
        self, feeds: list[Feed], resume: Mapping[str, int], stream: str
    ) -> dict[str, dict[str, Any]]:
        """Topic to whether it can be resumed."""
        found: dict[str, dict[str, Any]] = {}
        for feed in feeds:
            seq = resume.get(feed.place.topic)
            if seq is None:
                continue
            reason = ""
            if stream != self._broadcast.stream:
                reason = f"another stream: this is {self._broadcast.stream}"
            elif seq > feed.seq:
                reason = f"the newest message is {feed.seq}"
            elif seq < feed.floor:
                reason = f"the oldest message kept is {feed.floor + 1}"
            if reason:
                found[feed.place.topic] = {"is_complete": False, "reason": reason}
            else:
                found[feed.place.topic] = {"is_complete": True, "from_seq": seq + 1}
        return found

    async def _ask(
        self, feeds: list[Feed], count: int, found: dict[Feed, Memory], deadline_s: float
    ) -> HubError | None:
        """Fill in what the hub remembers; returns why it could not be asked."""
        loop = asyncio.get_running_loop()
        left, is_anew = feeds, False
        while left:
            try:
                async with asyncio.timeout_at(deadline_s):
                    results = await asyncio.gather(
                        *(self._ask_one(feed, count, found, is_anew=is_anew) for feed in left)
                    )
                    left = [feed for feed, is_joined in zip(left, results, strict=True) if not is_joined]
                    if left:
                        await asyncio.sleep(RETRY_S)
            except HubError as refusal:
                return refusal
            except TimeoutError:
                if any(found[feed].events for feed in left):
                    return None  # what there is; its snapshot says that it is not joined
                return HubTimeout(f"no snapshot of {left[0].place.topic} in time")
            is_anew = True
            if loop.time() > deadline_s:
                break
        return None

    async def _ask_one(self, feed: Feed, count: int, found: dict[Feed, Memory], *, is_anew: bool) -> bool:
        if feed.topic.kind == Book.KIND:
            book = await self._memories.book(feed)
            if book is not None and feed.is_past(book):
                return False
            if book is not None:
                feed.mend_book(book, self._broadcast.clock.now_ns(), self._broadcast.clock.mono_ns())
            return book is None or feed.replica.is_followed
        channel = BY_KIND[feed.topic.kind]
        memory = found[feed] = await self._memories.of(feed, channel.snapshot or count, is_anew=is_anew)
        return verdict_of(feed, memory) == "joined"

    async def _make(self, client: Client, plan: _Plan, found: Mapping[Feed, Memory]) -> None:
        """Make the snapshots of many topics without keeping others from their turn."""
        for number, (feed, memory) in enumerate(found.items()):
            shape = shape_of(plan.wishes, feed.topic)
            if plan.is_wanted and shape is not None:
                self._snapshot(feed, shape, client.dialect, memory, plan.rows)
            if number % REST_EVERY == REST_EVERY - 1:
                await asyncio.sleep(0)

    def _begin(
        self, client: Client, plan: _Plan, found: Mapping[Feed, Memory],
        answers: Mapping[str, Mapping[str, Any]], since: Mapping[Feed, int], fault: HubError | None,
    ) -> Outcome:  # fmt: skip
        """Put the client into its audience. Nothing is awaited: whatever comes after this is for it too."""
        broadcast = self._broadcast
        frames: list[bytes] = []
        for feed, view in broadcast.feeds.move(client, plan.wishes, broadcast.clock.mono_ns()):
            if feed not in found:
                continue  # one beyond the topics that it may have, until now
            is_resumed = _is_resumed(feed, answers)
            is_incomplete = feed.place.topic in answers and not is_resumed
            if not is_resumed and fault is None and (plan.is_wanted or is_incomplete):
                made = self._snapshot(feed, view.shape, client.dialect, found[feed], plan.rows)
                if made.unjoined is not None:
                    broadcast.counts.unjoined["behind" if made.unjoined.is_behind else "ahead"] += 1
                frames.append(made.frame)
            elif is_resumed or not view.is_whole:
                frames += self._missed(feed, view, since[feed])
        topics: dict[str, int] = {}
        for wish in plan.new:
            topics.setdefault(wish.channel, 0)
        audience = client.audience
        for feed in audience.views if audience is not None else ():
            if any(wish.fits(feed.topic) for wish in plan.new):
                topics[feed.place.channel] += 1
        broadcast.stir()
        return Outcome(topics, {name: dict(one) for name, one in answers.items()}, frames, fault)

    def _snapshot(self, feed: Feed, shape: Shape, dialect: Dialect, memory: Memory, count: int) -> _Made:
        """The snapshot up to the feed's newest number, made once for all who want it now."""
        key = (feed, shape, dialect.name, count)
        is_raced = feed.topic.kind not in (ACTORS, Book.KIND)
        rows_wanted = BY_KIND[feed.topic.kind].snapshot or count if is_raced else 0
        unjoined = unjoined_of(feed, memory, rows_wanted) if is_raced else None
        made = self._made.get(key)
        if made is not None and made[:3] == (feed.seq, memory, unjoined):
            return made
        view = View(feed.place, shape, dialect, feed.book_row, {})
        if feed.topic.kind == ACTORS:
            rows = self._broadcast.actor_rows()
        elif feed.topic.kind == Book.KIND:
            rows = []
        else:
            rows = rows_of(snapshot_of(feed, memory, rows_wanted))
        frame = view.snapshot(feed.seq, self._broadcast.clock.now_ns(), rows, unjoined)
        if len(self._made) > 1000:
            self._made.clear()
        made = self._made[key] = _Made(feed.seq, memory, unjoined, frame)
        return made

    def _missed(self, feed: Feed, view: View, seq: int) -> list[bytes]:
        """Frames of what came after a number."""
        if view.is_whole:
            if feed.seq == seq:
                return []
            row = feed.book_row(view.shape.depth)
            now_ns = self._broadcast.clock.now_ns()
            return [] if row is None else [
                view.dialect.rows(view.place, "update", feed.seq, now_ns, (row,), feed.seq - seq)
            ]  # fmt: skip
        return replayed(
            view, [(one.seq, one.ts_ns, events_of(one)) for one in feed.ring.entries if one.seq > seq]
        )


def _is_resumed(feed: Feed, answers: Mapping[str, Mapping[str, Any]]) -> bool:
    return bool(answers.get(feed.place.topic, {}).get("is_complete"))
