"""An input of who can do with the newest quote: once it is behind, quotes that newer ones have overtaken are counted off.

Nothing else changes. Trades, books, candles and everything that is no plain record of a conflated topic are handed on each
once and in order; the newest quote of each topic is handed on in its place between them; numbers are counted without a gap,
so that what the bus lost is still noticed and fetched. For who wants the present rather than all of it; what is folded or
stored must have all of it, and never asks for this (docs/decisions/0027).
"""

from __future__ import annotations

import struct
from typing import Any, Final

from actors.runtime.inputs import Input
from actors.runtime.overtaken import events_in, is_overtaken, note_newest, overtaken_ends
from protocol.errors import FrameError
from protocol.record import HEADER_BYTES, Frame, RecordKind, parse_frame
from protocol.replay import Position
from protocol.transport import Empty

AHEAD: Final = 4096
"""Frames that are moved out of the socket at a time, to see which of them are overtaken: a few milliseconds' worth."""
_NOWHERE: Final = Position(0, 0)
_ID: Final = struct.Struct("<QQ")
_ID_OFFSET: Final = 48
"""Of epoch and seq behind the topic; see protocol/record.py."""
_ONE: Final = 0x90
_MANY: Final = 16
"""First byte of an encoded array of fewer than 16 events, minus their number."""


class ConflatingInput(Input):
    """An `Input` that leaves out overtaken frames of `Listener.conflates` while it is behind.

    Args:
        arguments: As of `Input`.
    """

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        listener = arguments[2]
        self._conflates = listener.conflates
        self._on_conflated = listener.on_conflated
        self._quote_heads = tuple(topic.encode() for topic in self._conflates)
        self._batch: list[bytes] = []
        """Frames out of the socket."""
        self._ends: list[int] = []
        """Of each of them: see `overtaken_ends`."""
        self._at = 0
        """The first that has not been taken."""
        self._left_out: dict[bytes, int] = {}
        """Topic, with the zero byte, to events left out and not told yet."""
        self._newest: dict[str, Position] = {}
        """Topic to its newest fetched record."""
        self._looked_to: Position = _NOWHERE
        """Up to which fetched record that is known."""

    def take(self, limit: int) -> int:
        """Take at most `limit` frames from the bus, those that are left out among them; returns how many there were."""
        if not self.has_backlog and not (self.is_behind and self.is_live and self._look_ahead()):
            return super().take(limit)
        mono_ns, batch, ends, step_over = self._mono_ns(), self._batch, self._ends, self.consumer.step_over
        first = self._at
        last = min(first + limit, len(batch))
        for place in range(first, last):
            end, data = ends[place], batch[place]
            if end and step_over(*_ID.unpack_from(data, end + _ID_OFFSET)):
                head = data[:end]
                events = data[end + HEADER_BYTES] - _ONE
                self._left_out[head] = self._left_out.get(head, 0) + (
                    events if 0 <= events < _MANY else events_in(data[end + HEADER_BYTES :])
                )
            else:
                self._at = place + 1
                self._hear(data, mono_ns)
        self._at, self.heard_ns = last, mono_ns
        if last == len(batch):
            self._batch, self._ends, self._at, self.has_backlog = [], [], 0, False
            self._tell_all()
        return last - first

    def work(self, limit: int) -> int:
        """Hand on at most `limit` fetched records, those that are left out among them; returns how many there were."""
        if not self.is_behind:
            self._forget_fetched()
            if not self._left_out:
                return super().work(limit)
        elif self._looked_to != self.consumer.fetched_to:
            self._look_at_fetched()
        self.consumer.hand_to(self._hand_newest)
        try:
            return super().work(limit)
        finally:
            self.consumer.hand_to(self._hand_on)
            self._tell_all()

    def _look_at_fetched(self) -> None:
        """Look at what has been fetched since the last time; what waited then is not looked at again."""
        fetched_to = self.consumer.fetched_to
        if fetched_to < self._looked_to:  # it began anew somewhere
            self._forget_fetched()
        note_newest(self.consumer.fetched_backwards, self._conflates, self._looked_to, self._newest)
        self._looked_to = fetched_to

    def _forget_fetched(self) -> None:
        self._newest, self._looked_to = {}, _NOWHERE

    def _look_ahead(self) -> bool:
        """Move frames out of the socket: what is behind a quote decides whether it counts. False: there are none."""
        receive, batch = self.subscriber.receive_raw, list[bytes]()
        try:
            for _ in range(AHEAD):
                batch.append(receive())
        except Empty:
            pass
        self._batch, self._ends, self._at = batch, overtaken_ends(batch, self._quote_heads), 0
        self.has_backlog = bool(batch)
        return self.has_backlog

    def _hear(self, data: bytes, mono_ns: int) -> None:
        is_beat = data.startswith(b"beat.")
        if self._heads and not data.startswith(self._heads) and self._is_counted_off(data):
            return
        if not self.consumer.wants_live and not is_beat:
            return
        try:
            frame = parse_frame(data)
            self.newest_pub_ns = frame.ts_pub_ns
            self.consumer.hear(frame, mono_ns)
            if self._on_beat is not None and frame.kind == RecordKind.HEARTBEAT:
                self._on_beat(frame)
        except FrameError as fault:
            self._drop(fault.code, fault)

    def _hand_newest(self, frame: Frame) -> None:
        """Hand on a fetched record, if no newer one of its topic has been fetched with it."""
        if is_overtaken(frame, self._newest):
            head = frame.topic.encode() + b"\x00"
            self._left_out[head] = self._left_out.get(head, 0) + events_in(frame.payload)
            return
        self._hand_on(frame)
        if self._left_out and frame.topic.startswith(self._conflates):
            self._tell(frame.topic.encode() + b"\x00")

    def _tell(self, head: bytes) -> None:
        """Say what was left out of a topic, once what it was left out for has been handed on."""
        events = self._left_out.pop(head, 0)
        if events and self._on_conflated is not None:
            self._on_conflated(head[:-1].decode("ascii", "replace"), events)

    def _tell_all(self) -> None:
        if self.consumer.has_work:
            return  # what they were left out for may be among what was fetched
        for head in list(self._left_out):
            self._tell(head)
