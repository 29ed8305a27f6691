"""A key folder with a few keys, for tests."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from protocol.security.key_files import PublicKey, SecretKey
from protocol.security.key_folder import KeyFolder
from protocol.security.keyring import Keyring
from protocol.transport.curve import new_pair


class Keys:
    """Makes, changes and revokes keys in one folder."""

    def __init__(self, path: Path) -> None:
        self.folder = KeyFolder(path)

    def add(self, name: str, *roles: str, topics: Iterable[str] = ()) -> PublicKey:
        public, secret = new_pair()
        key = PublicKey(name=name, public=public, roles=roles or ("actor",), topics=tuple(topics))
        self.folder.save_secret(name, SecretKey(secret=secret))
        self.folder.save_public(key)
        return key

    def ring(self, name: str) -> Keyring:
        return Keyring(self.folder, name)
