"""The keys that are in force for one process: its own, everybody's it may meet, and who may do what.

A snapshot of the key folder that is looked at again now and then; threads see the old one or the new one, never half.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Final, NamedTuple

from protocol.errors import ConfigError, Unauthorized
from protocol.security.key_files import PublicKey, SecretKey
from protocol.security.key_folder import PRIVATE, PRIVATE_SUFFIX, KeyFolder, Signature
from protocol.security.reach import needs_key, split_owner
from protocol.security.roles import Grant

HUB_KIND: Final = "hub."


class Snapshot(NamedTuple):
    """What one look at the folder found."""

    publics: Mapping[str, PublicKey]
    grants: Mapping[str, Grant]
    """By public key, of those that are valid."""
    revoked: Mapping[str, str]
    """Public key to the name of those that are no longer."""
    by_address: Mapping[str, str]
    own: SecretKey | None
    problems: tuple[str, ...]


_NOTHING: Final = Snapshot({}, {}, {}, {}, None, ())


class Keyring:
    """Keys of one process.

    Args:
        folder: Where they lie.
        name: Whose process it is.
        owners: Address to the name of the actor that listens there with a key.
    """

    def __init__(self, folder: KeyFolder, name: str, owners: Mapping[str, str] | None = None) -> None:
        self.folder = folder
        self.name = name
        self.owners = dict(owners or {})
        self.now = _NOTHING
        """What is in force."""
        self.loads = 0
        self._failures: dict[str, int] = {}
        self._signature: Signature | None = None
        self._lock = threading.Lock()
        self.refresh()

    @property
    def own(self) -> SecretKey:
        """Our secret.

        Raises:
            ConfigError: it cannot be had; says why.
        """
        return self.now.own or self.folder.secret(self.name)

    def find(self, public: str) -> Grant | None:
        """Who shows this key, and what it may do; None: it is not known, or revoked."""
        return self.now.grants.get(public)

    def refresh(self) -> bool:
        """Look at the folder again; whether anything changed. A file that is wrong takes its own key out of force, no other."""
        with self._lock:
            signature = self.folder.signature(self.name)
            if signature == self._signature:
                return False
            self.now = self._read()
            self._failures.clear()
            self._signature = signature
            self.loads += 1
            return True

    def _read(self) -> Snapshot:
        publics, problems = self.folder.publics()
        try:
            own: SecretKey | None = self.folder.secret(self.name)
        except ConfigError as error:
            own, problems = self.now.own, [*problems, *error.problems]
        grants: dict[str, Grant] = {}
        revoked: dict[str, str] = {}
        by_address: dict[str, str] = {}
        for name, key in publics.items():
            if key.revoked:
                revoked.update(dict.fromkeys(key.keys, name))
                continue
            grants.update(dict.fromkeys(key.keys, key.grant))
            by_address.update(dict.fromkeys(key.addresses, name))
        return Snapshot(publics, grants, revoked, by_address, own, tuple(problems))

    def server_of(self, endpoint: str) -> str:
        """Name of the actor that listens at an endpoint with a key; empty: without one.

        Raises:
            Unauthorized: nobody is known to listen there.
        """
        name, address = split_owner(endpoint)
        found = name or self.owners.get(address) or self.now.by_address.get(address)
        if found:
            return found
        if not needs_key(address):
            return ""
        hubs = [one for one, key in self.now.publics.items() if one.startswith(HUB_KIND) and not key.revoked]
        if len(hubs) == 1:
            return hubs[0]
        raise Unauthorized(
            f"whose key does {address} have? {self.folder.path} does not say: name it, hub.1@{address}",
            endpoint=address,
        )

    def public_keys_of(self, name: str) -> tuple[str, ...]:
        """Public keys that the actor of this name may have, likeliest first.

        Raises:
            Unauthorized: none is known.
        """
        key = self.now.publics.get(name)
        if key is None or key.revoked:
            why = "is revoked" if key else f"is not in {self.folder.path / 'public'}: copy it from its host"
            raise Unauthorized(f"the public key of {name} {why}", server=name)
        return key.keys

    def candidate(self, name: str) -> str:
        """Public key to try next for the actor of this name.

        Raises:
            Unauthorized: none is known.
        """
        keys = self.public_keys_of(name)
        return keys[self._failures.get(name, 0) % len(keys)]

    def failed(self, name: str, tried: str) -> bool:
        """Its key was not the one that we tried; whether none of those that it may have is."""
        if tried == self.candidate(name):
            self._failures[name] = self._failures.get(name, 0) + 1
        return self._failures.get(name, 0) >= len(self.public_keys_of(name))

    def succeeded(self, name: str, tried: str) -> None:
        """The key that we tried was right: it is the first to be tried from now on."""
        keys = self.now.publics[name].keys if name in self.now.publics else ()
        if self._failures.get(name) and tried in keys:
            self._failures[name] = keys.index(tried)


def keyring_at(path: str | Path, owners: Mapping[str, str] | None = None) -> Keyring:
    """The keyring of a program that is given the path of its secret key, `…/private/NAME.key`.

    Args:
        path: It; or the key folder, where that holds one secret only.
        owners: As of `Keyring`.

    Raises:
        Unauthorized: there is none that may be used; says why.
    """
    chosen = Path(path)
    if chosen.is_dir():
        names = KeyFolder(chosen).secret_names()
        if len(names) != 1:
            raise Unauthorized(
                f"{chosen} holds {len(names)} secret keys: name one of them, {chosen}/private/NAME.key"
            )
        chosen = KeyFolder(chosen).secret_path(names[0])
    if chosen.suffix != PRIVATE_SUFFIX or chosen.parent.name != PRIVATE:
        raise Unauthorized(f"{chosen} is not the path of a secret key: it is like keys/private/desk.key")
    folder, name = KeyFolder(chosen.parent.parent), chosen.name.removesuffix(PRIVATE_SUFFIX)
    problems = folder.problems(name)
    if problems:
        raise Unauthorized("\n".join(problems), problems=problems)
    return Keyring(folder, name, owners)
