"""What of a topology of several hosts only this machine can say: is it one of them, has it what it needs, whom does it reach."""

from __future__ import annotations

import socket
import threading
from collections.abc import Sequence
from typing import Final

import msgspec

from actors.runtime.keys import folder_of
from actors.runtime.settings import Loaded
from protocol.security.key_folder import KeyFolder
from protocol.topology import Topology
from tapehub.key_deeds import problems_of_keys

CONNECT_S: Final = 3.0
"""Patience for each address."""


def problems_of_host(loaded: Loaded) -> list[str]:
    """What keeps this host from running its part: it is not said which it is, its address is not here, keys are missing."""
    common = loaded.common
    if not common.hosts:
        return []
    where = loaded.files[0]
    if not common.host:
        return [
            f"{where}: hosts: which of {', '.join(common.hosts)} is this? Say it with --host NAME or TAPEHUB_HOST"
        ]
    host = common.hosts[common.host]
    problems = []
    if not host.actors:
        problems.append(f"{where}: hosts.{common.host}.actors: nothing runs here")
    address = host.listen or host.address
    if address != "*" and not _is_ours(address):
        text = f"{address} is no address of this machine: is it really {common.host!r}?"
        problems.append(f"{where}: hosts.{common.host}: {text}")
    return problems + problems_of_keys(KeyFolder(folder_of(loaded)), common.topology, common.actors)


class Reach(msgspec.Struct, frozen=True):
    """What came of connecting to one actor of another host."""

    host: str
    actor: str
    address: str
    """Its `ctl`."""
    fault: str = ""
    """Why it cannot be reached; empty if it can."""


def reaches(topology: Topology, timeout_s: float = CONNECT_S) -> list[Reach]:
    """Try the address of every actor of the other hosts, all at once; in the order of the topology."""
    others = [
        (name, actor)
        for name, host in topology.hosts.items()
        if name != topology.here
        for actor in host.actors
    ]
    found: dict[str, Reach] = {}

    def try_one(name: str, actor: str) -> None:
        address = topology.address(actor, "ctl").removeprefix("tcp://")
        found[actor] = Reach(name, actor, address, _fault(address, timeout_s))

    threads = [threading.Thread(target=try_one, args=one, daemon=True) for one in others]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return [found[actor] for _, actor in others]


def faults_of(tried: Sequence[Reach]) -> list[str]:
    """What a person reads of those that cannot be reached: a host of which none can is one line."""
    lines: list[str] = []
    for host in dict.fromkeys(one.host for one in tried):
        mine = [one for one in tried if one.host == host]
        bad = [one for one in mine if one.fault]
        if len(bad) == len(mine):
            ports = sorted({int(one.address.rpartition(":")[2]) for one in bad})
            address = bad[0].address.rpartition(":")[0]
            text = f"nothing answers at {address} (ports {ports[0]} to {ports[-1]}): {bad[0].fault}"
            lines.append(f"host {host}: {text}; does it run there, and does a firewall let us?")
        else:
            lines += [f"host {host}: {one.actor} at {one.address}: {one.fault}" for one in bad]
    return lines


def _fault(address: str, timeout_s: float) -> str:
    name, _, port = address.rpartition(":")
    try:
        socket.create_connection((name, int(port)), timeout_s).close()
    except TimeoutError:
        return f"no answer within {timeout_s:g} s"
    except OSError as fault:
        return fault.strerror or str(fault)
    return ""


def _is_ours(address: str) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind((address, 0))
        except OSError:
            return False
    return True
