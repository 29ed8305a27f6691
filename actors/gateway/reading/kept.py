"""Encoded answers, kept while the hub says the same: 500 candles become JSON once per change, not per reader. Pure."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Final, NamedTuple

import msgspec

from protocol.requests import Reply

MAX_BYTES: Final = 64 * 1024 * 1024
_OVERHEAD_BYTES: Final = 1024
"""About what an entry takes beside its bytes."""


class _Entry(NamedTuple):
    reply: Reply
    data: msgspec.Raw
    """As the hub sent it; equal bytes give equal text, whoever sent them and when."""
    encoded: bytes
    size_bytes: int


class Kept:
    """The newest encoded answer of each question, least used ones out first.

    Args:
        max_bytes: Memory for all of them, about; bytes.
    """

    def __init__(self, max_bytes: int = MAX_BYTES) -> None:
        self._max_bytes = max_bytes
        self._entries: dict[Hashable, _Entry] = {}
        self.size_bytes = 0
        self.made = 0
        """Times that something was encoded."""
        self.reused = 0
        """Times that it need not be."""

    def __len__(self) -> int:
        return len(self._entries)

    def of_reply(self, key: Hashable, reply: Reply, make: Callable[[Reply], bytes]) -> bytes:
        """What `make` gives, kept for whoever shares this very reply: it may hold age and state.

        Args:
            key: The question and how its answer is written.
            reply: The hub's answer.
            make: Encodes it; called once per reply.
        """
        known = self._entries.get(key)
        if known is not None and known.reply is reply:
            self.reused += 1
            return known.encoded
        return self._keep(key, reply, make(reply))

    def of_data(self, key: Hashable, reply: Reply, make: Callable[[Reply], bytes]) -> bytes:
        """What `make` gives, kept while the `data` of replies is the same: it must hold nothing else of them."""
        known = self._entries.get(key)
        if known is not None and (known.reply is reply or known.data == reply.data):
            self.reused += 1
            return known.encoded
        return self._keep(key, reply, make(reply))

    def _keep(self, key: Hashable, reply: Reply, encoded: bytes) -> bytes:
        self.made += 1
        old = self._entries.pop(key, None)
        if old is not None:
            self.size_bytes -= old.size_bytes
        size_bytes = len(encoded) + len(bytes(reply.data)) + _OVERHEAD_BYTES
        if size_bytes <= self._max_bytes:
            self._entries[key] = _Entry(reply, reply.data, encoded, size_bytes)
            self.size_bytes += size_bytes
            while self.size_bytes > self._max_bytes:
                oldest = next(iter(self._entries))
                self.size_bytes -= self._entries.pop(oldest).size_bytes
        return encoded
