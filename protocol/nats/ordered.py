"""What a JetStream consumer delivers, checked for order: every message of its filter once, or the word that it is broken. Pure.

A push consumer without acknowledgements forgets what it has sent. So its own numbers are checked, its heartbeats name the last
of them, and who finds a hole makes a new one behind the last message that came. Flow control requests are answered.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from protocol.nats import headers
from protocol.nats.jetstream import HEARTBEAT_S, LAST_DELIVERED, STALLED, Origin, origin_of
from protocol.nats.wire import Delivered

SILENT_NS: Final = round(3.5 * HEARTBEAT_S * 1e9)
"""Without a word for so long a consumer is gone."""
Answer = Callable[[str, bytes], None]


class Ordered:
    """One consumer.

    Args:
        sid: Of the subscription that it delivers to.
        answer: Sends an empty message to a subject: what flow control wants.
        mono_ns: Now.
    """

    def __init__(self, sid: int, answer: Answer, mono_ns: int) -> None:
        self.sid = sid
        self.broken = ""
        """Why a new one must be made; empty: it is fine."""
        self.stream_seq = 0
        """Of the last message that came, 0 before the first."""
        self._consumer_seq = 0
        self._answer = answer
        self._heard_ns = mono_ns

    def take(self, message: Delivered, mono_ns: int) -> Origin | None:
        """Where the message stands; None: it is not for the reader, or out of order.

        Raises:
            NatsGarbled: it is nothing that a consumer says.
        """
        if message.sid != self.sid or self.broken:
            return None
        self._heard_ns = mono_ns
        if not message.data and message.headers:
            said = headers.decode(message.headers)
            if said.status:
                self._take_control(said, message.reply)
                return None
        origin = origin_of(message)
        if origin.consumer_seq != self._consumer_seq + 1:
            self.broken = f"message {origin.consumer_seq} came behind {self._consumer_seq}"
            return None
        self._consumer_seq = origin.consumer_seq
        self.stream_seq = origin.stream_seq
        return origin

    def _take_control(self, said: headers.Headers, reply: str) -> None:
        if said.status != headers.CONTROL:
            self.broken = f"{said.status} {said.text}"
            return
        if reply:
            self._answer(reply, b"")
        elif stalled := said.values.get(STALLED):
            self._answer(stalled, b"")
        last = said.values.get(LAST_DELIVERED, "")
        if last.isdigit() and int(last) != self._consumer_seq:
            self.broken = f"{last} messages were delivered, {self._consumer_seq} came"

    def tick(self, mono_ns: int) -> None:
        """Notice silence."""
        if not self.broken and mono_ns - self._heard_ns > SILENT_NS:
            self.broken = f"not a word for {SILENT_NS / 1e9:g} s"
