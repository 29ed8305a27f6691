"""The queue between two threads: bounded, awake when there is something, and never in the way of an end."""

from __future__ import annotations

import select
import threading
from collections.abc import Iterator

import pytest

from actors.collector.databento.inbox import Inbox, Received
from tests.support.wait import until


def is_readable(inbox: Inbox) -> bool:
    """Whether the loop would be woken."""
    return bool(select.select([inbox.fd], [], [], 0)[0])


@pytest.fixture
def inbox() -> Iterator[Inbox]:
    """One with room for three."""
    found = Inbox(3)
    yield found
    found.close()


def rows(*numbers: int) -> list[Received]:
    """Records with these numbers."""
    return [Received(number, b"") for number in numbers]


def test_the_loop_is_woken_as_long_as_something_is_left(inbox: Inbox) -> None:
    assert not is_readable(inbox)
    for row in rows(1, 2, 3):
        inbox.put(row)
    assert is_readable(inbox)
    assert inbox.take(2) == rows(1, 2)
    assert is_readable(inbox)
    assert inbox.take(2) == rows(3)
    assert not is_readable(inbox)
    inbox.put(rows(4)[0])
    assert is_readable(inbox)


def test_a_full_queue_makes_the_client_wait_and_loses_nothing(inbox: Inbox) -> None:

    def write() -> None:
        for row in rows(*range(10)):
            inbox.put(row)

    writer = threading.Thread(target=write, daemon=True)
    writer.start()
    until(lambda: len(inbox) == 3, 40.0, "the queue to be full")
    assert writer.is_alive()
    found: list[object] = []

    def are_all_there() -> bool:
        found.extend(inbox.take(2))
        return len(found) == 10

    until(are_all_there, 40.0, "all ten")
    writer.join(5.0)
    assert found == rows(*range(10))


def test_closing_frees_whoever_waits(inbox: Inbox) -> None:
    for row in rows(1, 2, 3):
        inbox.put(row)
    writer = threading.Thread(target=inbox.put, args=rows(4), daemon=True)
    writer.start()
    inbox.close()
    writer.join(5.0)
    assert not writer.is_alive()
    inbox.put(rows(5)[0])
    assert inbox.take(5) == []
