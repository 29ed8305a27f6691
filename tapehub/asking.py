"""Many questions to many processes at once, within one deadline."""

from __future__ import annotations

import socket
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

import msgspec

from actors.runtime.clock import Clock
from protocol.errors import HubError, HubTimeout, HubUnreachable, error_from_code
from protocol.requests import Reply, Request
from protocol.transport import Empty, Poller, Requester, Wire

_PROBE_S: Final = 0.2


class Question(NamedTuple):
    """One request and where it goes."""

    endpoint: str
    request: Request


Answer = Reply | HubError
"""A reply that says ok, or why there is none."""


def ask_all(
    wire: Wire, questions: Mapping[str, Question], timeout_s: float, clock: Clock
) -> dict[str, Answer]:
    """Ask everything at once and wait until all have answered, or the time is up.

    Returns:
        Key of the question to its reply, or to the error that stands in for it: what the answerer said,
        `HubUnreachable` (nobody listens there), `HubTimeout`.
    """
    answers: dict[str, Answer] = {}
    waiting: dict[tuple[str, int], str] = {}
    askers: dict[str, Requester] = {}
    poller = Poller()
    for key, (endpoint, request) in questions.items():
        if not is_listening(endpoint):
            answers[key] = HubUnreachable(f"not running: nobody is at {endpoint}", endpoints=[endpoint])
            continue
        if endpoint not in askers:
            askers[endpoint] = wire.requester(endpoint)
            poller.watch(askers[endpoint].socket)
        waiting[endpoint, askers[endpoint].send(request)] = key
    deadline_ns = clock.mono_ns() + round(timeout_s * 1e9)
    while waiting and (left_ns := deadline_ns - clock.mono_ns()) > 0:
        poller.poll(left_ns / 1e9)
        for endpoint, asker in askers.items():
            _collect(endpoint, asker, waiting, answers)
    for (endpoint, _), key in waiting.items():
        text = f"no answer from {endpoint} within {timeout_s:g} s"
        answers[key] = HubTimeout(text, timeout_s=timeout_s)
    for asker in askers.values():
        wire.forget(asker.socket)
    return answers


def _collect(
    endpoint: str, asker: Requester, waiting: dict[tuple[str, int], str], answers: dict[str, Answer]
) -> None:
    """Take the answers that have arrived at one socket."""
    while True:
        try:
            reply = asker.receive()
        except Empty:
            return
        except HubError:
            continue  # not a reply: its question runs into the deadline
        key = waiting.pop((endpoint, reply.id), None)
        if key is not None:
            answers[key] = reply if reply.ok else error_from_code(reply.code, reply.message, reply.details)


def is_listening(endpoint: str) -> bool:
    """Whether a process listens there. The file of an ipc socket outlives its process, so it is tried; of a
    tcp endpoint nothing is said (True): its host may be slow to answer.
    """
    path = endpoint.removeprefix("ipc://")
    if path == endpoint:
        return True
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(_PROBE_S)
        try:
            probe.connect(path)
        except TimeoutError:
            return True  # somebody has it open and does not accept: stopped, or very busy
        except OSError:
            return False
    return True


def data_of(answer: Answer | None) -> Any:
    """The plain value of a reply, None where there is none."""
    if not isinstance(answer, Reply):
        return None
    return msgspec.msgpack.decode(answer.data)
