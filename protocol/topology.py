"""Which actor runs on which host, and where others reach it there. Pure.

A topology without hosts is one machine: everything talks over ipc. With hosts, actors of one host still do; whoever
is on another host connects to `tcp://<address>:<port>`. Ports follow from the place of an actor in its host's list, so a
firewall opens one range per host: append new actors at the end, or pin a port, and the others keep theirs.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Annotated, Final

import msgspec

ROLES: Final = ("pub", "ctl", "query", "ingest")
"""What an actor may listen for, in the order of its ports."""
JOURNAL_KIND: Final = "journal"
"""Kind of the actor that serves the journals of its host."""

Port = Annotated[int, msgspec.Meta(ge=1, le=65_535)]


class Host(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One machine of the topology."""

    address: str
    """Where the other hosts reach it: an IPv4 address, or a name that they can resolve."""
    listen: str = ""
    """Address its actors bind; empty: `address`. Needed where `address` is a name, or of another network."""
    port: Port = 9700
    """First port of its actors: each takes four (pub, ctl, query, ingest), in the order of `actors`."""
    actors: list[str] = []
    """Actors that run there."""
    ports: dict[str, Port] = {}
    """Actor to the first of its four ports, where it must be another one than its place gives."""

    def first_port(self, actor: str) -> int:
        """First of the four ports of an actor of this host."""
        pinned = self.ports.get(actor)
        return pinned or self.port + len(ROLES) * self.actors.index(actor)


class Topology:
    """Who runs where, seen from one host.

    Args:
        hosts: By name; none: everything is here.
        here: Host that this process runs on; empty: on none of them.
    """

    def __init__(self, hosts: Mapping[str, Host] | None = None, here: str = "") -> None:
        self.hosts = dict(hosts or {})
        self.here = here
        self._host_of = {actor: name for name, host in self.hosts.items() for actor in host.actors}

    def host_of(self, actor: str) -> str:
        """Name of the host of an actor; empty where there are no hosts, or it has none."""
        return self._host_of.get(actor, "")

    def is_here(self, actor: str) -> bool:
        """Whether an actor runs on this host."""
        return not self.hosts or (bool(self.here) and self.host_of(actor) == self.here)

    def address(self, actor: str, role: str) -> str:
        """Where other hosts reach an actor; empty where there are no hosts, or it has none."""
        host = self.hosts.get(self.host_of(actor))
        return f"tcp://{host.address}:{self._port(host, actor, role)}" if host else ""

    def listening(self, actor: str, role: str) -> str:
        """Where an actor listens for other hosts; empty where there are none."""
        host = self.hosts.get(self.host_of(actor))
        if host is None or len(self.hosts) == 1:
            return ""
        return f"tcp://{host.listen or host.address}:{self._port(host, actor, role)}"

    @staticmethod
    def _port(host: Host, actor: str, role: str) -> int:
        return host.first_port(actor) + ROLES.index(role)

    def nearest(self, actors: Iterable[str]) -> list[str]:
        """Those of this host first."""
        return sorted(actors, key=lambda actor: not self.is_here(actor))

    def server_of(self, publisher: str, actors: Collection[str]) -> str:
        """The actor that serves the journal of a publisher: the one of its host; empty if there is none."""
        host = self.host_of(publisher)
        servers = [name for name in actors if name.partition(".")[0] == JOURNAL_KIND]
        return next((name for name in servers if self.host_of(name) == host), "")
