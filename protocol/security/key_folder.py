"""The folder of the keys: `public/` with everybody's, `private/` with those of this host, all readable by their owner only."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Final

from protocol.errors import ConfigError
from protocol.security.key_files import (
    PublicKey,
    SecretKey,
    is_name,
    public_text,
    read_public,
    read_secret,
    secret_text,
)

PUBLIC: Final = "public"
PRIVATE: Final = "private"
PUBLIC_SUFFIX: Final = ".toml"
PRIVATE_SUFFIX: Final = ".key"
MAX_BYTES: Final = 16 * 1024
_OTHERS: Final = stat.S_IRWXG | stat.S_IRWXO

Signature = tuple[tuple[str, int, int, int], ...]


class KeyFolder:
    """Reads and writes key files.

    Args:
        path: The folder that holds `public` and `private`.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def __repr__(self) -> str:
        return f"KeyFolder({self.path})"

    def public_path(self, name: str) -> Path:
        """File of a public key."""
        return self.path / PUBLIC / f"{name}{PUBLIC_SUFFIX}"

    def secret_path(self, name: str) -> Path:
        """File of a secret one."""
        return self.path / PRIVATE / f"{name}{PRIVATE_SUFFIX}"

    def names(self) -> list[str]:
        """Every name with a public file."""
        return sorted(path.name.removesuffix(PUBLIC_SUFFIX) for path in self._files(PUBLIC, PUBLIC_SUFFIX))

    def secret_names(self) -> list[str]:
        """Every name whose secret lies here."""
        return sorted(path.name.removesuffix(PRIVATE_SUFFIX) for path in self._files(PRIVATE, PRIVATE_SUFFIX))

    def public(self, name: str) -> PublicKey:
        """What is known of a name.

        Raises:
            ConfigError: there is no such file, or it is wrong.
        """
        path = self.public_path(name)
        found = read_public(
            _read(path, f"no key of {name}: `tapehub keys init` or `keys add` makes it"), str(path)
        )
        if found.name != name:
            raise ConfigError([f"{path}: the key in it is of {found.name!r}"])
        return found

    def publics(self) -> tuple[dict[str, PublicKey], list[str]]:
        """(all that can be read, what is wrong with the others)."""
        found: dict[str, PublicKey] = {}
        problems: list[str] = []
        owners: dict[str, str] = {}
        for name in self.names():
            try:
                key = self.public(name)
            except ConfigError as error:
                problems += error.problems
                continue
            double = next((owners[one] for one in key.keys if one in owners), "")
            if double:
                problems.append(
                    f"{self.public_path(name)}: the key of {double} again: each name needs its own"
                )
                continue
            owners.update(dict.fromkeys(key.keys, name))
            found[name] = key
        return found, problems

    def secret(self, name: str) -> SecretKey:
        """The secret of a name.

        Raises:
            ConfigError: it is missing, wrong, or others can read it.
        """
        path = self.secret_path(name)
        data = _read(
            path,
            f"no secret key of {name} here: `tapehub keys init` makes it, or copy the bundle of its host",
        )
        problems = [*_too_open(path.parent, "0700"), *_too_open(path, "0600")]
        if problems:
            raise ConfigError(problems)
        return read_secret(data, str(path))

    def problems(self, *names: str) -> list[str]:
        """What keeps these names from using their keys here."""
        found: list[str] = []
        for name in names:
            for read in (self.public, self.secret):
                try:
                    read(name)
                except ConfigError as error:
                    found += error.problems
        return found

    def save_public(self, key: PublicKey) -> Path:
        """Write a public file."""
        return self._write(self.public_path(key.name), public_text(key))

    def save_secret(self, name: str, key: SecretKey) -> Path:
        """Write a private file."""
        return self._write(self.secret_path(name), secret_text(key))

    def signature(self, *secrets: str) -> Signature:
        """Changes whenever a public file or one of these secrets does."""
        found = []
        for path in (*self._files(PUBLIC, PUBLIC_SUFFIX), *(self.secret_path(name) for name in secrets)):
            try:
                seen = path.stat()
            except OSError:
                continue
            found.append((path.name, seen.st_mtime_ns, seen.st_size, seen.st_ino))
        return tuple(sorted(found))

    def _files(self, folder: str, suffix: str) -> list[Path]:
        try:
            found = list((self.path / folder).iterdir())
        except OSError:
            return []
        return [
            path for path in found if path.name.endswith(suffix) and is_name(path.name.removesuffix(suffix))
        ]

    def _write(self, path: Path, data: bytes) -> Path:
        """Replace a file at once; nobody else may ever have it open."""
        for folder in (self.path, path.parent):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        fresh = path.with_name(f".{path.name}.{os.getpid()}.new")
        fresh.unlink(missing_ok=True)
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with open(descriptor, "wb") as file:  # noqa: PTH123 - a descriptor with its own mode
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(path)
        return path


def _read(path: Path, missing: str) -> bytes:
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except FileNotFoundError:
        raise ConfigError([f"{path}: {missing}"]) from None
    except OSError as fault:
        raise ConfigError([f"{path}: cannot read it: {fault.strerror}"]) from None
    if len(data) > MAX_BYTES:
        raise ConfigError([f"{path}: longer than {MAX_BYTES} bytes: no key file"])
    return data


def _too_open(path: Path, mode: str) -> list[str]:
    seen = path.stat()
    found = []
    if seen.st_uid not in (os.getuid(), 0):
        found.append(f"{path}: belongs to user {seen.st_uid}, not to us: chown it")
    if seen.st_mode & _OTHERS:
        found.append(
            f"{path}: others can read it (mode {stat.S_IMODE(seen.st_mode):04o}): chmod {mode} {path}"
        )
    return found
