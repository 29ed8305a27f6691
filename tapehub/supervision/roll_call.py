"""Asks every actor itself how it is, all at once, without the hub: its `ctl` socket and its heartbeats."""

from __future__ import annotations

import time
from collections.abc import Collection, Sequence
from typing import Any, Final

import msgspec

from protocol.codec import decode_events
from protocol.endpoints import Endpoints
from protocol.errors import FrameError, HubError, Unauthorized
from protocol.messages import Beat
from protocol.requests import Request
from protocol.security.keyring import Keyring
from protocol.topics import beat_topic
from protocol.transport import Empty, Poller, Requester, Subscriber, Wire

_LONGEST_POLL_S: Final = 0.05


class Answer(msgspec.Struct):
    """What one actor said."""

    status: dict[str, Any] | None = None
    """Its full status; None if it did not answer."""
    beat_ns: int = 0
    """Its clock at its last heartbeat, 0: none heard."""
    beat_state: str = ""
    refusal: str = ""
    """Why it does not let our key in; empty: it does, or wants none."""

    @property
    def state(self) -> str:
        """RUNNING and so on, SILENT if nothing was heard."""
        return str(self.status["state"]) if self.status else self.beat_state or "SILENT"

    def is_complete(self) -> bool:
        """Both ways brought something, or nothing will come."""
        return (self.status is not None and self.beat_ns > 0) or bool(self.refusal)


class RollCall:
    """Sockets to all actors of a topology; ask as often as you like, then close.

    Args:
        endpoints: Where they are.
        names: Which of them.
        keyring: Our key, for those of other hosts.
    """

    def __init__(self, endpoints: Endpoints, names: Sequence[str], keyring: Keyring | None = None) -> None:
        self.answers = {name: Answer() for name in names}
        self._wire = Wire(keyring=keyring)
        self._poller = Poller()
        self._beats: Subscriber = self._wire.subscriber([], [beat_topic("").encode()])
        self._poller.watch(self._beats.socket)
        self._requesters: dict[Any, tuple[str, Requester]] = {}
        for name in names:
            try:
                self._beats.connect(endpoints.pub(name))
                requester = self._wire.requester(endpoints.ctl(name))
            except Unauthorized as error:
                self.answers[name].refusal = error.message
                continue
            self._requesters[requester.socket] = (name, requester)
            self._poller.watch(requester.socket)

    def ask(self, timeout_s: float, expected: Collection[str] | None = None) -> dict[str, Answer]:
        """Ask everybody; returns when all have answered and been heard, or after the timeout.

        Args:
            timeout_s: Longest wait.
            expected: Actors worth waiting for; None: all of them.
        """
        waited_for = [self.answers[name] for name in self.answers if expected is None or name in expected]
        deadline_s = time.monotonic() + timeout_s
        for name, requester in self._requesters.values():
            self.answers[name].status = None
            try:
                requester.send(Request(op="status"))
            except Empty:  # it has not read for long: the queue to it is full
                continue
        while (left_s := deadline_s - time.monotonic()) > 0:
            if all(answer.is_complete() for answer in waited_for):
                break
            for item in self._poller.poll(min(left_s, _LONGEST_POLL_S)):
                if item is self._beats.socket:
                    self._take_beats()
                else:
                    self._take_answers(*self._requesters[item])
            self._note_refusals()
        return self.answers

    def _note_refusals(self) -> None:
        if self._wire.keyring is None:
            return
        self._wire.tend()
        for name, requester in self._requesters.values():
            if requester.lines is not None:
                self.answers[name].refusal = requester.lines.refusal

    def _take_beats(self) -> None:
        while True:
            try:
                frame = self._beats.receive()
                events = decode_events(frame)
            except Empty:
                return
            except FrameError:
                continue
            answer = self.answers.get(frame.publisher)
            beat = events[0] if events else None
            if answer is not None and isinstance(beat, Beat):
                answer.beat_ns = frame.ts_pub_ns
                answer.beat_state = beat.state

    def _take_answers(self, name: str, requester: Requester) -> None:
        while True:
            try:
                reply = requester.receive()
                status = msgspec.msgpack.decode(reply.data) if reply.ok else None
            except Empty:
                return
            except (HubError, msgspec.DecodeError):
                continue
            if isinstance(status, dict) and "state" in status:
                self.answers[name].status = status

    def close(self) -> None:
        """Close all sockets."""
        self._wire.close()

    def __enter__(self) -> RollCall:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
