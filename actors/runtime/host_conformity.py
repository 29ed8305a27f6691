"""Is a topology of several hosts in order: every actor somewhere, nothing twice, no port twice? Pure.

A further rule is one more function in `_RULES`: it gets hosts and actors and yields faults.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

import msgspec

from actors.runtime.conformity import Fault, hint
from protocol.topology import JOURNAL_KIND, ROLES, Host

TOGETHER: Final = ("aggregator", "orderflow")
"""Kinds whose instances share the work of one topology: all on one host."""
_NAME: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,31}")
_MAX_PORT: Final = 65_535
_OWN_PORTS: Final = {"simulator": 9801, "gateway": 9800}
"""Kinds that listen for HTTP or WebSocket too, with the default of their setting `port`."""

Hosts = Mapping[str, Host]
Actors = Mapping[str, Mapping[str, Any]]


def host_faults(data: Mapping[str, Any]) -> Iterator[Fault]:
    """What is wrong with `host` and `hosts` of a configuration whose types are right (else nothing is said here)."""
    hosts, actors, here = _typed(data)
    if here and here not in hosts:
        known = f"{hint(here, hosts)}; there are: {', '.join(hosts)}" if hosts else "; there is no `hosts`"
        yield Fault(("host",), f"no host {here!r} in this configuration{known}")
    if hosts:
        for rule in _RULES:
            yield from rule(hosts, actors)


def _typed(data: Mapping[str, Any]) -> tuple[Hosts, Actors, str]:
    rows, actors, here = data.get("hosts", {}), data.get("actors", {}), data.get("host", "")
    if not isinstance(actors, dict) or not isinstance(here, str):
        return {}, {}, ""
    try:
        hosts = msgspec.convert(rows, dict[str, Host], strict=False)
    except msgspec.ValidationError:
        return {}, {}, ""
    sections = {name: row for name, row in actors.items() if isinstance(row, dict)}
    return hosts, sections, here


def _names(hosts: Hosts, _: Actors) -> Iterator[Fault]:
    for name, host in hosts.items():
        path = ("hosts", name)
        if not _NAME.fullmatch(name):
            yield Fault(path, "a host's name is 1 to 32 of a-z 0-9 -", is_key=True)
        if host.address in ("*", "0.0.0.0", ""):
            text = f"{host.address!r} is no address that others can reach: give the one of this host"
            yield Fault((*path, "address"), text)
        elif not host.listen and not _is_ip(host.address):
            text = f"{host.address} is a name: say with `listen` which address of that host to bind"
            yield Fault((*path, "address"), text)
        if host.listen and host.listen != "*" and not _is_ip(host.listen):
            yield Fault(
                (*path, "listen"), f"expected an IPv4 address of that host, or * (got {host.listen!r})"
            )


def _places(hosts: Hosts, actors: Actors) -> Iterator[Fault]:
    """Every actor has one place."""
    at: dict[str, str] = {}
    for name, host in hosts.items():
        for index, actor in enumerate(host.actors):
            path = ("hosts", name, "actors", index)
            if actor not in actors:
                yield Fault(path, f"no actor {actor!r} under `actors`{hint(actor, actors)}")
            if actor in at:
                where = "twice" if at[actor] == name else f"on host {at[actor]} already"
                yield Fault(path, f"{actor} runs {where}: one place for each")
            at.setdefault(actor, name)
        for actor in host.ports:
            if actor not in host.actors:
                text = f"{actor} does not run on {name}{hint(actor, host.actors)}"
                yield Fault(("hosts", name, "ports", actor), text, is_key=True)
    for actor in actors:
        if actor not in at:
            text = f"runs on no host: name it under hosts.<name>.actors; there are: {', '.join(hosts)}"
            yield Fault(("actors", actor), text, is_key=True)


def _journals(hosts: Hosts, _: Actors) -> Iterator[Fault]:
    """What others lose of a host's actors they fetch from its journal server."""
    for name, host in hosts.items():
        servers = [actor for actor in host.actors if _kind(actor) == JOURNAL_KIND]
        if host.actors and len(servers) != 1:
            text = f"{len(servers)} actors of kind {JOURNAL_KIND} on {name}: one for each host serves its journals"
            yield Fault(("hosts", name, "actors"), text)


def _together(hosts: Hosts, _: Actors) -> Iterator[Fault]:
    """The instances of a kind that share work are on one host."""
    for kind in TOGETHER:
        used = [name for name, host in hosts.items() if any(_kind(one) == kind for one in host.actors)]
        for name in used[1:]:
            index = next(at for at, one in enumerate(hosts[name].actors) if _kind(one) == kind)
            text = f"{hosts[name].actors[index]}: all of kind {kind} run on one host, the others are on {used[0]}"
            yield Fault(("hosts", name, "actors", index), text)


def _ports(hosts: Hosts, actors: Actors) -> Iterator[Fault]:
    """No two listen at one port of one address."""
    taken: dict[tuple[str, int], str] = {}
    for name, host in hosts.items():
        for actor in dict.fromkeys(host.actors):
            pinned = actor in host.ports
            path = ("hosts", name, "ports", actor) if pinned else ("hosts", name, "actors")
            first = host.first_port(actor)
            wanted = list(range(first, first + len(ROLES)))
            if wanted[-1] > _MAX_PORT:
                yield Fault(path, f"ports of {actor} would be {first} to {wanted[-1]}: there are {_MAX_PORT}")
            clash = _taken(taken, host.address, wanted, actor)
            if clash:
                yield Fault(path, f"ports of {actor} ({first} to {wanted[-1]}): {clash}")
        for actor in host.actors:
            clash = _own_clash(taken, host, actor, actors)
            if clash:
                yield Fault(("actors", actor, "port"), clash)


def _own_clash(taken: dict[tuple[str, int], str], host: Host, actor: str, actors: Actors) -> str:
    """Clash of the port that an actor has in its own section, empty if there is none."""
    kind = _kind(actor)
    section = actors.get(actor, {})
    text = str(section.get("port", _OWN_PORTS.get(kind, 0)))
    if kind not in _OWN_PORTS or not text.isdecimal() or text == "0":
        return ""
    return _taken(taken, host.address, [int(text)], f"{actor} (its setting `port`)")


def _taken(taken: dict[tuple[str, int], str], address: str, wanted: list[int], who: str) -> str:
    for port in wanted:
        other = taken.setdefault((address, port), who)
        if other != who:
            return f"{port} is one of {other} at {address}"
    return ""


def _is_ip(text: str) -> bool:
    try:
        return ipaddress.ip_address(text).version == 4
    except ValueError:
        return False


def _kind(actor: str) -> str:
    return actor.partition(".")[0]


_RULES: Final[tuple[Callable[[Hosts, Actors], Iterator[Fault]], ...]] = (
    _names,
    _places,
    _journals,
    _together,
    _ports,
)
