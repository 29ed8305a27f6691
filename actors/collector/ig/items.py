"""Subscriptions of one streaming session: their numbers, their last values, the answers that are due. Pure.

A number is never used twice in a session: after a delete, updates of the old one may still be under way.
"""

from __future__ import annotations

from typing import Final

from actors.collector.ig import tlcp
from actors.collector.ig.actions import Action, Alarm, Deliver, Denied, Send
from actors.collector.ig.updates import Values, decode
from actors.collector.outcomes import Reject

NO_SUCH_SESSION: Final = 20


class _Active:
    """One subscription as the server knows it."""

    __slots__ = ("asked_ns", "is_confirmed", "key", "request_id", "values", "wanted")

    def __init__(self, key: str, wanted: tlcp.Subscription, request_id: int, asked_ns: int) -> None:
        self.key = key
        self.wanted = wanted
        self.request_id = request_id
        self.asked_ns = asked_ns
        self.is_confirmed = False
        self.values: Values | None = None
        """None before the first update."""


class Items:
    """What is wanted, and what the server has of it. One item per subscription, so that each is refused alone."""

    def __init__(self) -> None:
        self.wanted: dict[str, tlcp.Subscription] = {}
        self.denied: set[str] = set()
        self._active: dict[int, _Active] = {}
        self._sub_of: dict[str, int] = {}
        self._last_sub_id = 0
        self._last_request_id = 0

    def request_id(self) -> int:
        """A number for a request."""
        self._last_request_id += 1
        return self._last_request_id

    def begin(self, mono_ns: int) -> list[Action]:
        """A new session: nothing of the one before counts; subscribe to everything."""
        self._active.clear()
        self._sub_of.clear()
        self.denied.clear()
        self._last_sub_id = 0
        return self.settle(mono_ns)

    def settle(self, mono_ns: int) -> list[Action]:
        """Ask for what is wanted and not asked for."""
        missing = [key for key in self.wanted if key not in self._sub_of and key not in self.denied]
        return [self._add(key, mono_ns) for key in missing]

    def ask_again(self, mono_ns: int) -> list[Action]:
        """The socket broke: requests without an answer may never have arrived, and something else may be wanted."""
        stale = [
            active.key
            for active in self._active.values()
            if not active.is_confirmed or active.wanted != self.wanted.get(active.key)
        ]
        return [action for key in stale for action in self.drop(key)] + self.settle(mono_ns)

    def _add(self, key: str, mono_ns: int) -> Send:
        self._last_sub_id += 1
        active = _Active(key, self.wanted[key], self.request_id(), mono_ns)
        self._active[self._last_sub_id] = active
        self._sub_of[key] = self._last_sub_id
        return Send(tlcp.subscribe(active.request_id, self._last_sub_id, active.wanted))

    def drop(self, key: str) -> list[Action]:
        """End the subscription of an item."""
        self.denied.discard(key)
        sub_id = self._sub_of.pop(key, None)
        if sub_id is None:
            return []
        del self._active[sub_id]
        return [Send(tlcp.unsubscribe(self.request_id(), sub_id))]

    def renew(self, key: str, mono_ns: int) -> list[Action]:
        """End and begin it."""
        return [*self.drop(key), *self.settle(mono_ns)]

    def overdue(self, mono_ns: int, patience_ns: int) -> str:
        """An item whose subscription was not answered for too long, empty if there is none."""
        for active in self._active.values():
            if not active.is_confirmed and mono_ns - active.asked_ns > patience_ns:
                return active.key
        return ""

    # lines of the server

    def update(self, line: tlcp.Update, mono_ns: int) -> list[Action]:
        """New values."""
        active = self._active.get(line.sub_id)
        if active is None:  # of a subscription that was ended
            return []
        if line.item != 1:
            return [Alarm("invalid_update", f"{active.key}: item {line.item} of 1")]
        active.is_confirmed = True
        is_first = active.values is None
        fields = len(active.wanted.schema.split(" "))
        values = decode(line.payload, active.values or [None] * fields)
        if isinstance(values, Reject):  # what is unchanged from now on is not known any more
            return [
                Alarm("invalid_update", f"{active.key}: {values.detail}"),
                *self.renew(active.key, mono_ns),
            ]
        active.values = values
        return [Deliver(active.key, values, is_first)]

    def subscribed(self, line: tlcp.Subscribed) -> list[Action]:
        """The server has begun one."""
        active = self._active.get(line.sub_id)
        if active is not None:
            active.is_confirmed = True
        return []

    def unsubscribed(self, line: tlcp.Unsubscribed) -> list[Action]:
        """The server has ended one; what we asked for ourselves is forgotten already."""
        return self._deny(line.sub_id, 0, "the server ended the subscription")

    def refused(self, line: tlcp.RequestRefused) -> list[Action]:
        """The server has refused a request; one to end a subscription may be late."""
        for sub_id, active in self._active.items():
            if active.request_id == line.request_id:
                return self._deny(sub_id, line.code, line.text)
        return []

    def _deny(self, sub_id: int, code: int, text: str) -> list[Action]:
        active = self._active.pop(sub_id, None)
        if active is None:
            return []
        del self._sub_of[active.key]
        self.denied.add(active.key)
        return [Denied(active.key, code, text)]

    def cleared(self, line: tlcp.Cleared) -> list[Action]:
        """Values of before count no longer."""
        active = self._active.get(line.sub_id)
        if active is not None and active.values is not None:
            active.values = [None] * len(active.values)
        return []

    def overflowed(self, line: tlcp.Overflow) -> list[Action]:
        """The server lost updates."""
        active = self._active.get(line.sub_id)
        return [Alarm("ig_updates_lost", f"{active.key}: {line.lost}")] if active is not None else []
