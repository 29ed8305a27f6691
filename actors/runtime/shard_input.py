"""One publisher as an instance hears it that has some of the symbols: what belongs to others is only counted off.

It hears everything, so that a missing frame shows in the next number and a heartbeat proves that there is none; to
step over a frame costs a look at its topic (docs/decisions/0012).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from actors.runtime.inputs import Input
from protocol.errors import FrameError
from protocol.record import RecordKind, parse_frame
from protocol.transport import Empty

MAX_TOPICS: Final = 100_000


class ShardInput(Input):
    """An `Input` that asks for each topic once whether it is wanted.

    Args:
        wants: Whether frames of a topic are for this instance.
        arguments: As of `Input`.
    """

    def __init__(self, wants: Callable[[str], bool], *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._wants = wants
        self._known: dict[bytes, bool] = {}

    def take(self, limit: int) -> int:
        """Take at most `limit` frames from the bus; returns how many there were."""
        mono_ns = self._mono_ns()
        receive, hear, known = self.subscriber.receive_raw, self.consumer.hear, self._known
        for taken in range(limit):
            try:
                data = receive()
            except Empty:
                if taken:
                    self.heard_ns = mono_ns
                return taken
            topic = data[: data.find(0)]
            is_wanted = known.get(topic)
            if is_wanted is None:
                is_wanted = self._look_at(topic)
            if not is_wanted and self._is_counted_off(data):
                continue
            if not self.consumer.wants_live and not data.startswith(b"beat."):
                continue
            try:
                frame = parse_frame(data)
                self.newest_pub_ns = frame.ts_pub_ns
                hear(frame, mono_ns)
                if self._on_beat is not None and frame.kind == RecordKind.HEARTBEAT:
                    self._on_beat(frame)
            except FrameError as fault:
                self._drop(fault.code, fault)
        self.heard_ns = mono_ns
        return limit

    def _look_at(self, topic: bytes) -> bool:
        if len(self._known) >= MAX_TOPICS:  # rubbish: there are not so many
            self._known.clear()
        text = topic.decode("ascii", "replace")
        found = self._known[topic] = text.startswith("beat.") or self._wants(text)
        return found
