"""Every actor as its heartbeats show it: those that are configured, and those that beat all the same. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from actors.gateway.metrics.values import mapping
from protocol.fleet import Fleet


class Seen(NamedTuple):
    """One actor."""

    name: str
    is_up: bool
    """It beats; one that was never heard does not."""
    age_s: float | None
    """Of its newest heartbeat; None: there was none."""
    epoch: int
    """Of its process: the second in which it began, since 1970 (one more after a restart within one)."""
    state: str
    detail: Mapping[Any, Any]
    """Its newest full status, as it came; empty where there was none."""

    @property
    def kind(self) -> str:
        """First part of its name."""
        return self.name.partition(".")[0]


def seen_of(
    fleet: Fleet, configured: Iterable[str], own_name: str, own: Mapping[str, Any], mono_ns: int
) -> list[Seen]:
    """All actors, by name.

    Args:
        fleet: Heartbeats.
        configured: Names of the topology.
        own_name: The gateway, which does not hear itself.
        own: Its status.
        mono_ns: Now.
    """
    found = {
        name: Seen(name, is_up=False, age_s=None, epoch=0, state="UNKNOWN", detail={}) for name in configured
    }
    for publisher in fleet.publishers():
        beat = publisher.beat
        if beat is not None:
            found[publisher.name] = Seen(
                publisher.name,
                fleet.is_alive(publisher, mono_ns),
                max(0, mono_ns - publisher.beat_ns) / 1e9,
                publisher.epoch,
                beat.state,
                mapping(publisher.detail),
            )
    epoch = own.get("epoch", 0)
    found[own_name] = Seen(
        own_name, is_up=True, age_s=0.0, epoch=epoch, state=str(own.get("state", "RUNNING")), detail=own
    )
    return [found[name] for name in sorted(found)]
