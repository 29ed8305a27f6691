"""Listening to a mirror in a NATS server as to publishers: every frame checked for sequence, nothing decoded."""

from __future__ import annotations

import os
from collections.abc import Iterator

from actors.runtime.clock import Clock
from protocol.nats.reading import MirrorReader, Place
from protocol.nats.secrets import login_of, tls_of
from protocol.nats.servers import parse_servers
from tapehub.patterns import TopicPatterns
from tapehub.tapping import TICK_S, Ears, Heard, OnGap

CONNECT_S = 5.0


def place_of(servers: str, stream: str, subjects: str) -> Place:
    """Where a mirror is; the login comes from the environment.

    Raises:
        ValueError: an address is none.
        InvalidRequest: the login is not in order.
    """
    return Place(
        parse_servers(servers), stream, subjects, login_of(os.environ), tls_of(os.environ), CONNECT_S
    )


class MirrorTap(Ears):
    """A reader of a mirror with a sequence check and a deadline.

    Raises:
        HubError: it cannot be read.
    """

    def __init__(
        self, place: Place, patterns: TopicPatterns, clock: Clock, on_gap: OnGap | None = None
    ) -> None:
        super().__init__(patterns, clock, on_gap)
        prefixes = [prefix.decode("ascii") for prefix in patterns.prefixes]
        one = prefixes[0].replace("\0", "$") if len(prefixes) == 1 else os.path.commonprefix(prefixes)  # noqa: RUF071 - no paths
        self._reader = MirrorReader(place, one)
        self._reader.open()

    def listen(self, for_s: float | None = None) -> Iterator[Heard | None]:
        """As `Tap.listen`."""
        end_ns = self._clock.mono_ns() + round(for_s * 1e9) if for_s is not None else None
        while True:
            left_s = TICK_S if end_ns is None else min(TICK_S, (end_ns - self._clock.mono_ns()) / 1e9)
            if left_s <= 0:
                return
            for frame in self._reader.take(left_s):
                heard = self._note(frame)
                if heard is not None:
                    yield heard
            self.bad_frames, self.last_fault = self._reader.bad_frames, self._reader.last_fault
            yield None

    def close(self) -> None:
        """Close the line."""
        self._reader.close()
