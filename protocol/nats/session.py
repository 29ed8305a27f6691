"""A line to NATS for who may wait: questions with answers, and what subscriptions bring. For threads, commands and readers."""

from __future__ import annotations

import collections
import select
import time
from collections.abc import Sequence
from typing import Final

from protocol.errors import HubTimeout, NoData
from protocol.nats import headers
from protocol.nats.connection import Connection
from protocol.nats.dialling import TlsFiles, dial
from protocol.nats.jetstream import Ask
from protocol.nats.login import Login
from protocol.nats.servers import Server
from protocol.nats.wire import Delivered

TICK_S: Final = 1.0


class Session:
    """One connection, waited on with select.

    Args:
        servers: In the order in which they are tried.
        login: Who we are.
        tls: Certificates.
        name: What the server shows of us.
        timeout_s: Longest time to connect, and for one answer.

    Raises:
        HubError: see `dial`.
    """

    def __init__(
        self,
        servers: Sequence[Server],
        login: Login | None = None,
        tls: TlsFiles | None = None,
        name: str = "tapehub",
        timeout_s: float = 5.0,
    ) -> None:
        dialled = dial(servers, login or Login(), tls or TlsFiles(), name, timeout_s)
        self.connection = Connection(dialled, time.monotonic_ns())
        self._timeout_s = timeout_s
        self._arrived: collections.deque[Delivered] = collections.deque()
        self._asked = 0
        self._poll = select.poll()
        self._answers = self.connection.subscribe(f"{self.connection.inbox}.a.*")

    def ask(self, question: Ask) -> bytes:
        """The answer's payload; what comes meanwhile for subscriptions is kept.

        Raises:
            NoData: nobody answers such questions there: JetStream is not on, or not for this account.
            HubTimeout: no answer in time.
            NatsLost, NatsRefused, NatsGarbled: the line is of no use any more.
        """
        return self.ask_all([question])[0]

    def ask_all(self, questions: Sequence[Ask]) -> list[bytes]:
        """As `ask`, several questions at once; answers in their order."""
        waiting: dict[str, int] = {}
        for index, question in enumerate(questions):
            self._asked += 1
            reply = f"{self.connection.inbox}.a.{self._asked}"
            waiting[reply] = index
            self.connection.publish(question.subject, question.body, reply)
        self.connection.flush()
        found = [b""] * len(questions)
        deadline_s = time.monotonic() + self._timeout_s
        while waiting:
            left_s = deadline_s - time.monotonic()
            if left_s <= 0:
                raise HubTimeout(
                    f"{self.connection.server} did not answer {questions[min(waiting.values())].subject} "
                    f"within {self._timeout_s:g} s",
                    timeout_s=self._timeout_s,
                )
            for message in self._heard(left_s):
                if message.sid != self._answers:
                    self._arrived.append(message)
                    continue
                index = waiting.pop(message.subject, -1)
                if index < 0:
                    continue
                if not message.data and _status(message) == headers.NO_RESPONDERS:
                    raise NoData(f"{self.connection.server} has no JetStream for this account")
                found[index] = message.data
        return found

    def take(self, timeout_s: float) -> list[Delivered]:
        """What subscriptions have brought; waits for the first.

        Raises:
            NatsLost, NatsRefused: the line is of no use any more.
        """
        if not self._arrived:
            self._arrived += [one for one in self._heard(timeout_s) if one.sid != self._answers]
        found = list(self._arrived)
        self._arrived.clear()
        return found

    def _heard(self, timeout_s: float) -> list[Delivered]:
        connection = self.connection
        wanted = select.POLLIN | (select.POLLOUT if connection.unsent_bytes else 0)
        self._poll.register(connection, wanted)
        wait_s = 0.0 if connection.has_more else min(timeout_s, TICK_S)
        ready = self._poll.poll(wait_s * 1000)
        mono_ns = time.monotonic_ns()
        heard = connection.receive(mono_ns) if ready or connection.has_more else []
        connection.tick(mono_ns)
        return heard

    def close(self) -> None:
        """Close the line."""
        self.connection.close()

    def __enter__(self) -> Session:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _status(message: Delivered) -> int:
    return headers.decode(message.headers).status if message.headers else 0
