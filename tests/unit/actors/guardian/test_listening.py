"""The line to supervisord."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.guardian.listening import Event, Events, ListenerError

PAYLOAD = b"processname:hub.1 groupname:hub.1 from_state:STARTING pid:77"


def framed(name: str, payload: bytes) -> bytes:
    head = (
        f"ver:3.0 server:tapehub serial:1 pool:guardian.1 poolserial:1 eventname:{name} len:{len(payload)}\n"
    )
    return head.encode() + payload


LINE = framed("PROCESS_STATE_RUNNING", PAYLOAD) + framed("TICK_5", b"when:1") + framed(
    "PROCESS_STATE_EXITED", b"processname:a groupname:a from_state:RUNNING expected:1 pid:9"
)  # fmt: skip


def test_an_event_says_program_state_and_process() -> None:
    (event,) = Events().feed(framed("PROCESS_STATE_RUNNING", PAYLOAD))
    assert (event.program, event.state, event.pid, event.is_expected) == ("hub.1", "RUNNING", 77, False)


@given(st.lists(st.integers(1, len(LINE)), max_size=30))
def test_it_may_come_in_any_pieces(cuts: list[int]) -> None:
    events, found, last = Events(), list[Event](), 0
    for cut in sorted([*cuts, len(LINE)]):
        found += events.feed(LINE[last:cut])
        last = cut
    assert [event.name for event in found] == ["PROCESS_STATE_RUNNING", "TICK_5", "PROCESS_STATE_EXITED"]
    assert [event.state for event in found] == ["RUNNING", "", "EXITED"]
    assert found[2].is_expected


@pytest.mark.parametrize("junk", [b"hello\n", b"ver:3.0 len:x eventname:Y\n", b"\n"])
def test_what_is_no_event_is_refused(junk: bytes) -> None:
    with pytest.raises(ListenerError):
        list(Events().feed(junk))
