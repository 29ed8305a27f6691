"""Making, rotating, revoking and handing out keys: what `tapehub keys` does to a key folder.

Public files are written before secret ones: whoever has a new secret finds it known.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, NamedTuple

import msgspec

from actors.runtime.keys import owners_of
from protocol.errors import ConfigError
from protocol.security.key_files import PublicKey, SecretKey, is_name, role_faults
from protocol.security.key_folder import KeyFolder
from protocol.security.roles import ACTOR
from protocol.topology import Topology
from protocol.transport.curve import new_pair, public_of

OPERATOR: Final = "operator"
"""Name of the key with which a person's commands ask actors of other hosts; with hosts one for each."""
ASKED: Final = {
    "query": ("hub", "persistence", "journal"),
    "subscribe": ("hub", "journal", "collector", "aggregator", "orderflow", "detector", "scanner"),
    "publish": ("hub", "collector"),
}
"""Role of an engine to the kinds of actors whose public keys it needs; an administrator needs all."""
_replace = msgspec.structs.replace


class KeyRow(NamedTuple):
    """One key, as `keys list` shows it."""

    name: str
    state: str
    """valid, revoked, announced (a rotation has begun), rotating (the old key is still accepted), broken."""
    roles: tuple[str, ...]
    topics: tuple[str, ...]
    host: str
    created: str
    has_secret: bool
    """Whether its secret lies here."""
    problems: list[str]


def operator_of(host: str) -> str:
    """Name of the operator's key on a host."""
    return f"{OPERATOR}.{host}" if host else OPERATOR


def init(
    folder: KeyFolder, topology: Topology, actors: Mapping[str, object], now_ns: int, only: str = ""
) -> list[str]:
    """Make a key for every actor and operator that has none; those that there are keep theirs, with their addresses as they
    are now. Returns the new names.

    Args:
        folder: Where.
        topology: Who runs where.
        actors: All of them.
        now_ns: Wall clock.
        only: Those of this host only; empty: all.
    """
    owners = owners_of(topology, actors)
    made = []
    for name in actors:
        host = topology.host_of(name)
        if only and host != only:
            continue
        addresses = tuple(address for address, owner in owners.items() if owner == name)
        if _ensure(
            folder,
            name,
            PublicKey(name=name, public="", roles=(ACTOR,), addresses=addresses, host=host),
            now_ns,
        ):
            made.append(name)
    for host in [only] if only else (topology.hosts or [""]):
        name = operator_of(host)
        if _ensure(folder, name, PublicKey(name=name, public="", roles=("admin",), host=host), now_ns):
            made.append(name)
    return made


def _ensure(folder: KeyFolder, name: str, wanted: PublicKey, now_ns: int) -> bool:
    if folder.public_path(name).exists():
        known = folder.public(name)
        fresh = _replace(known, addresses=wanted.addresses, host=wanted.host)
        if fresh != known:
            folder.save_public(fresh)
        return False
    _make(folder, wanted, now_ns)
    return True


def add(folder: KeyFolder, name: str, roles: Sequence[str], topics: Sequence[str], now_ns: int) -> Path:
    """Make a key for a program that is no actor; returns the path of its secret. The same again changes nothing.

    Raises:
        ConfigError: the name or a role is wrong, or there is another key of that name.
    """
    wanted = PublicKey(name=name, public="", roles=tuple(roles), topics=tuple(topics))
    faults = role_faults(wanted.roles, wanted.topics)
    if not is_name(name):
        faults.append(f"name {name!r}: use 1 to 32 of a-z 0-9 . _ -")
    if ACTOR in roles:
        faults.append("actors have their keys from `tapehub keys init`")
    if faults:
        raise ConfigError(faults)
    path = folder.secret_path(name)
    if folder.public_path(name).exists():
        known = folder.public(name)
        if known.revoked or (known.roles, known.topics) != (wanted.roles, wanted.topics) or not path.exists():
            what = "is revoked" if known.revoked else f"has the roles {', '.join(known.roles)}"
            raise ConfigError(
                [f"there is a key {name} already, it {what}: choose another name, or rotate it"]
            )
        return path
    return _make(folder, wanted, now_ns)


def _make(folder: KeyFolder, wanted: PublicKey, now_ns: int) -> Path:
    public, secret = new_pair()
    folder.save_public(_replace(wanted, public=public, created=_text(now_ns)))
    return folder.save_secret(wanted.name, SecretKey(secret=secret))


def revoke(folder: KeyFolder, name: str, now_ns: int) -> PublicKey:
    """Put a key out of force.

    Raises:
        ConfigError: there is none of that name.
    """
    key = folder.public(name)
    if not key.revoked:
        key = _replace(key, revoked=_text(now_ns))
        folder.save_public(key)
    return key


def announce(folder: KeyFolder, name: str) -> PublicKey:
    """Make the next key of a name: everybody may know it, nobody shows it yet.

    Raises:
        ConfigError: there is no such key, or a rotation is under way.
    """
    key, secret = _rotatable(folder, name)
    if key.next or key.previous:
        raise ConfigError([f"{name} is being rotated already: `tapehub keys rotate {name} --finish` first"])
    public, fresh = new_pair()
    key = _replace(key, next=public)
    folder.save_public(key)
    folder.save_secret(name, _replace(secret, next=fresh))
    return key


def switch(folder: KeyFolder, name: str) -> PublicKey:
    """Have a name show the key that was announced; the one before is still accepted.

    Raises:
        ConfigError: there is no such key, or none was announced.
    """
    key, secret = _rotatable(folder, name)
    if not key.next or not secret.next:
        raise ConfigError([f"no key of {name} is announced: `tapehub keys rotate {name} --announce`"])
    key = _replace(key, public=key.next, previous=key.public, next="")
    folder.save_public(key)
    folder.save_secret(name, SecretKey(secret=secret.next, previous=secret.secret))
    return key


def finish(folder: KeyFolder, name: str) -> PublicKey:
    """Accept the key before the rotation no longer.

    Raises:
        ConfigError: there is no such key, or it is not being rotated.
    """
    key, secret = _rotatable(folder, name)
    if not key.previous:
        raise ConfigError([f"{name} is not being rotated, or has not switched yet"])
    key = _replace(key, previous="")
    folder.save_public(key)
    folder.save_secret(name, _replace(secret, previous=""))
    return key


def _rotatable(folder: KeyFolder, name: str) -> tuple[PublicKey, SecretKey]:
    key = folder.public(name)
    if key.revoked:
        raise ConfigError([f"{name} was revoked at {key.revoked}: make another key"])
    return key, folder.secret(name)


def rows(folder: KeyFolder) -> list[KeyRow]:
    """Every key, with what is wrong with it."""
    publics, problems = folder.publics()
    secrets = set(folder.secret_names())
    found = []
    for name in sorted({*folder.names(), *secrets}):
        key = publics.get(name)
        mine = [problem for problem in problems if f"/{name}.toml" in problem]
        if name in secrets and key is not None:
            mine += _secret_faults(folder, key)
        elif key is None and not mine:
            mine = [f"{folder.public_path(name)}: missing, though its secret is here"]
        found.append(_row(name, key, mine, has_secret=name in secrets))
    return found


def _row(name: str, key: PublicKey | None, problems: list[str], *, has_secret: bool) -> KeyRow:
    if key is None:
        return KeyRow(name, "broken", (), (), "", "", has_secret, problems)
    state = "revoked" if key.revoked else "announced" if key.next else "rotating" if key.previous else "valid"
    return KeyRow(
        name,
        "broken" if problems else state,
        key.roles,
        key.topics,
        key.host,
        key.created,
        has_secret,
        problems,
    )


def _secret_faults(folder: KeyFolder, key: PublicKey) -> list[str]:
    try:
        secret = folder.secret(key.name)
    except ConfigError as error:
        return error.problems
    if public_of(secret.secret) not in key.keys:
        return [f"{folder.secret_path(key.name)}: not the secret of the public key: copy both from one place"]
    return []


def problems_of_keys(folder: KeyFolder, topology: Topology, actors: Mapping[str, object]) -> list[str]:
    """What is missing or too open in a key folder for the part of this host (of all hosts where it is not said which)."""
    owners = owners_of(topology, actors)
    if not owners:
        return []
    publics, problems = folder.publics()
    for name in dict.fromkeys(owners.values()):
        key = publics.get(name)
        if key is None:
            if not any(f"/{name}.toml" in problem for problem in problems):
                problems.append(f"{folder.public_path(name)}: no key of {name}: `tapehub keys init` makes it")
            continue
        if key.revoked:
            problems.append(f"{folder.public_path(name)}: the key of {name} is revoked")
        if topology.here and topology.is_here(name):
            problems += _secret_faults(folder, key)
    return problems


def bundle(
    folder: KeyFolder, wanted: str, topology: Topology, actors: Mapping[str, object], to: Path
) -> list[str]:
    """Write the key folder that another host, or one engine, needs; returns the names whose secrets are in it.

    Raises:
        ConfigError: neither a host nor a key is called so, a key cannot be read, or `to` is not empty.
    """
    publics, problems = folder.publics()
    if problems:
        raise ConfigError(problems)
    if wanted in topology.hosts:
        secrets = [name for name in (*topology.hosts[wanted].actors, operator_of(wanted)) if name in publics]
        chosen = list(publics)
    elif wanted in publics:
        secrets = [wanted]
        chosen = [wanted, *_servers_of(publics[wanted], actors)]
    else:
        raise ConfigError([f"{wanted} is neither a host nor a key: `tapehub keys list` names them"])
    if to.exists() and any(to.iterdir()):
        raise ConfigError([f"{to} is not empty: name another folder, or remove it"])
    out = KeyFolder(to)
    try:
        for name in chosen:
            if name in publics:
                out.save_public(publics[name])
        for name in secrets:
            out.save_secret(name, folder.secret(name))
    except ConfigError:
        shutil.rmtree(to, ignore_errors=True)
        raise
    return secrets


def _servers_of(key: PublicKey, actors: Mapping[str, object]) -> list[str]:
    if {"admin", ACTOR} & set(key.roles):
        return list(actors)
    kinds = {kind for role in key.roles for kind in ASKED.get(role, ())}
    return [name for name in actors if name.partition(".")[0] in kinds]


def _text(now_ns: int) -> str:
    return datetime.fromtimestamp(now_ns // 1_000_000_000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
