"""One stream connection: what it subscribed, its pings, and the limit on what it may say."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from actors.simulator.streams import Route, parse_stream

if TYPE_CHECKING:
    from actors.simulator.channels import Channels
    from actors.simulator.client import Client

BACKED_UP_BYTES = 1 << 20
"""A player waits while more than this is queued for one of its listeners."""


class Session:
    """Subscriptions and life signs of one client. A listener of channels, a session of control messages."""

    def __init__(self, client: Client, route: Route, channels: Channels, now_ns: int) -> None:
        self.client = client
        self.route = route
        self.is_combined = route.is_combined
        self.opened_ns = now_ns
        self.pinged_ns = now_ns
        """When the last ping was sent; the first one is due an interval after the start."""
        self.unanswered: dict[bytes, int] = {}
        """Pings without a pong: payload and when they were sent, oldest first."""
        self.put = client.put
        self._channels = channels
        self._names: dict[str, bool] = {}
        self._said_ns: deque[int] = deque()
        self.subscribe(route.streams)

    @property
    def names(self) -> list[str]:
        """Streams subscribed, in order, the silent ones too."""
        return list(self._names)

    @property
    def is_backed_up(self) -> bool:
        """Whether its client does not keep up at the moment."""
        return self.client.queued_bytes > BACKED_UP_BYTES

    def subscribe(self, names: list[str]) -> None:
        """Add streams. What does not exist, or not on this path, is kept in the list and stays silent."""
        for name in names:
            if name not in self._names:
                stream = parse_stream(self.route.market, name)
                is_served = stream is not None and stream.kind in self.route.kinds
                self._names[name] = is_served
                if stream is not None and is_served:
                    self._channels.join(self, self.route.market, name, stream)

    def unsubscribe(self, names: list[str]) -> None:
        """Remove streams; those not subscribed are ignored."""
        for name in names:
            if self._names.pop(name, False):
                self._channels.leave(self, self.route.market, name)

    def set_combined(self, is_combined: bool) -> None:
        """Want envelopes or not."""
        self.is_combined = is_combined
        self._channels.resort(self)

    def close(self) -> None:
        """Leave all streams."""
        self.unsubscribe(self.names)

    def ping(self, now_ns: int) -> bytes:
        """Note a ping; returns its payload, the time in ms as the venue does."""
        payload = str(now_ns // 1_000_000).encode()
        self.pinged_ns = now_ns
        self.unanswered[payload] = now_ns
        return payload

    def pong(self, payload: bytes) -> None:
        """Note a pong: it answers its ping and all earlier ones; another payload answers nothing."""
        if payload in self.unanswered:
            self.unanswered.clear()

    def is_deaf(self, now_ns: int, timeout_s: float) -> bool:
        """Whether a ping has been waiting for its pong for longer than that."""
        oldest_ns = next(iter(self.unanswered.values()), now_ns)
        return now_ns - oldest_ns > timeout_s * 1e9

    def said_too_much(self, now_ns: int, per_second: int) -> bool:
        """Note one inbound message (pings and pongs count); whether that is more than a second may have."""
        said = self._said_ns
        while said and now_ns - said[0] >= 1_000_000_000:
            said.popleft()
        said.append(now_ns)
        return len(said) > per_second
