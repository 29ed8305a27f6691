"""Pushing from a program: the receiver is found through the hub, long lists go in several requests."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from protocol.client import questions
from protocol.client.asking import Asker
from protocol.client.following import seen_from
from protocol.client.patience import Patience
from protocol.client.questions import Question
from protocol.errors import NoData
from protocol.pushing import MAX_PUSH_BYTES, Push, Pushed, batches_of, joined, pushed_of, request_of
from protocol.requests import Reply

Item = Mapping[str, Any]


def receiver_of(endpoints: dict[str, dict[str, Any]], hub: Patience) -> Patience:
    """Whom to push to, by the hub's answer: a receiver that is alive, if there is one.

    Args:
        endpoints: The answer.
        hub: Which hub gave it, and how long its asker waits.

    Raises:
        NoData: there is none in the topology.
    """
    rows = sorted(seen_from(hub.first, endpoints).values(), key=lambda row: not row.get("is_alive"))
    found = [str(row["ingest"]) for row in rows if row.get("ingest")]
    if not found:
        raise NoData("nobody takes pushes in this topology: add collector.push.1 to actors")
    return Patience(found[:1], hub.timeout_s, MAX_PUSH_BYTES)


def questions_of(
    items: Item | Sequence[Item], source: str, gmt_offset_s: float | None
) -> Iterator[tuple[int, Question[Pushed]]]:
    """The requests of one push, each with the place of its first item."""
    for first, body in batches_of([items] if isinstance(items, Mapping) else items):
        push = Push(body, "application/msgpack", source, gmt_offset_s)
        yield first, Question(request_of(push), _pushed)


def _pushed(reply: Reply) -> Pushed:
    return pushed_of(reply.data)


class Pusher:
    """Pushes of one `Hub`; safe in threads."""

    def __init__(self, asker: Asker) -> None:
        self._hub = asker
        self._receiver: Asker | None = None
        self._lock = threading.Lock()

    def push(self, items: Item | Sequence[Item], source: str, gmt_offset_s: float | None) -> Pushed:
        """See `Hub.push`."""
        receiver = self._receiver or self._find()
        return joined([
            (first, question.result(receiver.ask(question.request)))
            for first, question in questions_of(items, source, gmt_offset_s)
        ])  # fmt: skip

    def _find(self) -> Asker:
        question = questions.endpoints()
        patience = receiver_of(question.result(self._hub.ask(question.request)), self._hub.patience)
        with self._lock:
            if self._receiver is None:
                self._receiver = Asker(patience, self._hub.keyring)
            return self._receiver

    def close(self) -> None:
        """Close the sockets."""
        if self._receiver is not None:
            self._receiver.close()
