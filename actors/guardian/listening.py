"""What supervisord and an event listener say to each other over stdin and stdout. Pure.

Source: https://supervisord.org/events.html and supervisor/dispatchers.py (4.3): the listener says READY, gets a header
line `ver:3.0 ... eventname:NAME len:N` with N bytes behind it, answers RESULT and is asked again when it is READY.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, NamedTuple

READY: Final = b"READY\n"
DONE: Final = b"RESULT 2\nOK" + READY
"""The event was taken; the next one, please."""
EVENTS: Final = "PROCESS_STATE,TICK_5"
"""What a guardian subscribes to."""
TICK: Final = "TICK_5"
_STATE: Final = "PROCESS_STATE_"
_LONGEST_BYTES: Final = 1_000_000


class Event(NamedTuple):
    """One event."""

    name: str
    fields: dict[str, str]
    """Of its payload: `processname`, `from_state`, `pid`, `expected`."""

    @property
    def state(self) -> str:
        """The new state of a program, empty for other events."""
        return self.name.removeprefix(_STATE) if self.name.startswith(_STATE) else ""

    @property
    def program(self) -> str:
        """The program that it is about."""
        return self.fields.get("processname", "")

    @property
    def pid(self) -> int:
        """Its process, 0 where the event does not say."""
        text = self.fields.get("pid", "0")
        return int(text) if text.isdigit() else 0

    @property
    def is_expected(self) -> bool:
        """Whether a program that ended is to stay down."""
        return self.fields.get("expected") == "1"


class ListenerError(Exception):
    """What came is not the event protocol: somebody else writes to our stdin."""


class Events:
    """Cuts what comes into events."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, data: bytes) -> Iterator[Event]:
        """Every event that is whole now.

        Raises:
            ListenerError: it is no event.
        """
        self._rest += data
        while True:
            head, newline, body = self._rest.partition(b"\n")
            if not newline:
                if len(head) > _LONGEST_BYTES:
                    raise ListenerError(f"a header of more than {_LONGEST_BYTES} bytes")
                return
            fields = _fields(head.decode("utf-8", "replace"))
            try:
                name, size = fields["eventname"], int(fields["len"])
            except (KeyError, ValueError):
                raise ListenerError(f"not a header of an event: {head[:200]!r}") from None
            if len(body) < size:
                return
            self._rest = body[size:]
            yield Event(name, _fields(body[:size].decode("utf-8", "replace").partition("\n")[0]))


def _fields(text: str) -> dict[str, str]:
    pairs = (word.partition(":") for word in text.split())
    return {key: value for key, _, value in pairs}
