"""What a stream makes of the frames it hears: joined to the hub's memory, and made good from the journal. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Final, NamedTuple

from protocol.client.joining import Joint, Missing, Tail
from protocol.consumer import Hole, State
from protocol.errors import HubError
from protocol.messages import Message
from protocol.record import Frame
from protocol.replay import decode_fetched, fetch_request
from protocol.requests import Reply, Request
from protocol.security.reach import needs_key, split_owner
from protocol.topic_consumer import TopicConsumer
from protocol.topics import subscription

JOURNAL_KIND: Final = "journal"
"""Kind of the actor that serves the journals."""
GIVES_UP_NS: Final = 2_000_000_000
"""How long a stream waits for a journal server that does not answer."""
REFUSED_NS: Final = 1_000_000_000
WORK: Final = 256
"""Fetched records handed out in one turn."""


def journal_endpoint(endpoints: dict[str, dict[str, Any]]) -> str:
    """Where the journal server answers, as the hub's `endpoints` say; empty if there is none to ask."""
    for name, row in endpoints.items():
        if name.partition(".")[0] != JOURNAL_KIND:
            continue
        if row.get("query"):
            return str(row["query"])
        pub = str(row["pub"])
        if pub.startswith("ipc://") and pub.endswith(".pub"):  # a hub that does not tell: same folder
            return pub.removesuffix("pub") + "query"
    return ""


def seen_from(hub: str, endpoints: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """What a hub's `endpoints` mean for us: who asks it over tcp may be on another host, where its ipc files are not.

    Args:
        hub: Address at which the hub answered.
        endpoints: Its answer.

    Returns:
        The same rows; addresses that want a key say whose they are.
    """
    owner, address = split_owner(hub)
    if not address.startswith("tcp://"):
        return endpoints
    is_guarded = bool(owner) or needs_key(address)
    return {
        name: {
            **row,
            **{
                key.removeprefix("tcp_"): f"{name}@{row[key]}" if is_guarded else row[key]
                for key in row
                if key.startswith("tcp_")
            },
        }
        for name, row in endpoints.items()
    }


def journal_endpoints(endpoints: dict[str, dict[str, Any]]) -> dict[str, str]:
    """Publisher to where its journal is served: on its own host. Who has none there is left out."""
    of_host: dict[str, str] = {}
    for name, row in endpoints.items():
        at = journal_endpoint({name: row})
        if at:
            of_host.setdefault(str(row.get("host", "")), at)
    found = {name: of_host.get(str(row.get("host", "")), "") for name, row in endpoints.items()}
    return {name: at for name, at in found.items() if at}


class Question(NamedTuple):
    """One `fetch` and for whom."""

    publisher: bytes
    request: Request


class Following:
    """Follows every publisher that is heard, and hands out their messages in order of each topic.

    Args:
        topic: What is wanted, as `Hub.stream` has it.
        on_gap: Told of each loss, before the message behind it; None: nobody wants to know.
        can_pull: Whether there is a journal server; without one every loss is told at once.
    """

    def __init__(self, topic: str, on_gap: Callable[[Missing], None] | None, *, can_pull: bool) -> None:
        self._wanted = (subscription(topic).decode(),)
        self._on_gap = on_gap
        self._joint = Joint(self._note_missing)
        self._can_pull = can_pull
        self._consumers: dict[bytes, TopicConsumer] = {}
        self._known: dict[str, list[Tail]] = {}
        self._items: list[Message | Missing] = []

    def begin(self, tails: list[Tail]) -> None:
        """Take what the hub remembers; its events come first."""
        self._items += self._joint.begin(tails)
        for tail in tails:
            self._known.setdefault(tail.publisher, []).append(tail)

    def hear(self, frame: Frame, mono_ns: int) -> None:
        """Take a live frame, heartbeats included.

        Raises:
            PayloadError: the payload is not what the frame promises.
        """
        if not self._can_pull:
            self._hand_over(frame)
            return
        consumer = self._consumers.get(frame.publisher_padded) or self._add(frame)
        consumer.hear(frame, mono_ns)

    def _add(self, frame: Frame) -> TopicConsumer:
        """Somebody new: begin with what the hub's memory ends with."""
        name = frame.publisher
        tails = self._known.get(name, [])
        consumer = self._consumers[frame.publisher_padded] = TopicConsumer(
            name,
            self._hand_over,
            _ignore,
            self._wanted,
            topics={tail.topic: tail.topic_seq for tail in tails if tail.epoch == frame.epoch},
            gives_up_ns=GIVES_UP_NS,
        )
        return consumer

    def _hand_over(self, frame: Frame) -> None:
        self._items += self._joint.take(frame)

    def _note_missing(self, missing: Missing) -> None:
        self._items.append(missing)

    def questions(self, mono_ns: int) -> list[Question]:
        """What to ask the journal server now; each wants one `answered`."""
        found = []
        for publisher, consumer in self._consumers.items():
            position = consumer.request(mono_ns)
            if position is not None:
                request = fetch_request(consumer.publisher, position, prefixes=consumer.prefixes)
                found.append(Question(publisher, request))
        return found

    def answered(self, publisher: bytes, reply: Reply | None, mono_ns: int) -> None:
        """Take the answer to a question; None: there was none."""
        consumer = self._consumers[publisher]
        if reply is None:
            consumer.failed(mono_ns)
        elif not reply.ok:
            consumer.failed(mono_ns, REFUSED_NS)
        else:
            try:
                consumer.fetched(decode_fetched(reply), mono_ns)
            except HubError:
                consumer.failed(mono_ns, REFUSED_NS)

    def work(self, mono_ns: int) -> None:
        """Hand out what was fetched.

        Raises:
            PayloadError: a payload is not what its frame promises.
        """
        for consumer in self._consumers.values():
            if consumer.has_work:
                consumer.work(WORK, mono_ns)

    @property
    def has_work(self) -> bool:
        """Whether `work` has more to do."""
        return any(consumer.has_work for consumer in self._consumers.values())

    @property
    def is_behind(self) -> bool:
        """Whether something is missing that the journal server is asked for."""
        return any(consumer.state is State.PULL for consumer in self._consumers.values())

    def messages(self) -> Iterator[Message]:
        """Everything to hand out, once; `on_gap` is called in its place."""
        items, self._items = self._items, []
        for item in items:
            if not isinstance(item, Missing):
                yield item
            elif self._on_gap is not None:
                self._on_gap(item)


def _ignore(_: Hole) -> None:
    """The joint sees by `topic_seq` what of a hole was wanted."""
