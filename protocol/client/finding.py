"""Where the hub is: what the caller says, else the environment, else the run directory."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec

from protocol.endpoints import Endpoints, socket_dir
from protocol.errors import InvalidRequest
from protocol.security.reach import split_owner

if TYPE_CHECKING:
    from protocol.security.keyring import Keyring

ENDPOINT_VARIABLE: Final = "TAPEHUB_ENDPOINT"
RUN_DIR_VARIABLE: Final = "TAPEHUB_RUN_DIR"
KEY_VARIABLE: Final = "TAPEHUB_KEY"
DEFAULT_HUB: Final = "hub.1"
DEFAULT_RUN_DIR: Final = "var"
HUBS_NAME: Final = "hubs.json"
"""File in a run directory that names the hubs of all hosts, where there are several; `tapehub up` writes it."""


class _Hub(msgspec.Struct, frozen=True):
    name: str
    endpoint: str


class _Hubs(msgspec.Struct, frozen=True):
    hubs: list[_Hub]


def find_endpoints(
    endpoint: str | Path | Sequence[str] | None = None,
    environment: Mapping[str, str] | None = None,
    folder: Path | None = None,
) -> list[str]:
    """Addresses of the hubs to ask, the first one first.

    Args:
        endpoint: `ipc://…` or `tcp://…`, several as a list or with commas between, or a run directory.
            None: `TAPEHUB_ENDPOINT`, else `TAPEHUB_RUN_DIR`, else the nearest `var` with a hub in it, from
            `folder` upwards.
        environment: Instead of this process's.
        folder: Instead of the working directory.

    Raises:
        InvalidRequest: something that is no address.
    """
    known = os.environ if environment is None else environment
    if endpoint is None:
        named = known.get(ENDPOINT_VARIABLE, "")
        if not named:
            return _of_run_dir(_run_dir(known.get(RUN_DIR_VARIABLE, ""), folder or Path.cwd()))
        endpoint = named
    if isinstance(endpoint, Path):
        return _of_run_dir(endpoint)
    listed = endpoint.split(",") if isinstance(endpoint, str) else list(endpoint)
    found = [text.strip() for text in listed if text.strip()]
    if len(found) == 1 and "://" not in found[0]:
        return _of_run_dir(Path(found[0]))
    wrong = [text for text in found if not split_owner(text)[1].startswith(("ipc://", "tcp://", "inproc://"))]
    if wrong or not found:
        raise InvalidRequest(
            f"hub address {wrong[0] if wrong else ''!r} is not like ipc:///path or tcp://host:port",
            errors=wrong,
        )
    return found


def find_key(
    key: str | Path | Keyring | None, endpoints: Sequence[str], environment: Mapping[str, str] | None = None
) -> Keyring | None:
    """Our key, and those of the hubs to be asked; None: none is named.

    Args:
        key: Path of the secret key. None: `TAPEHUB_KEY`.
        endpoints: Addresses of the hubs.
        environment: Instead of this process's.

    Raises:
        Unauthorized: it cannot be used, or the key of a hub is not known; says why.
    """
    if key is not None and not isinstance(key, str | Path):
        return key
    named = key or (os.environ if environment is None else environment).get(KEY_VARIABLE, "")
    if not named:
        return None
    from protocol.security.keyring import keyring_at  # noqa: PLC0415 - most engines are on the hub's host

    keyring = keyring_at(named)
    for endpoint in endpoints:
        server = keyring.server_of(endpoint)
        if server:
            keyring.public_keys_of(server)
    return keyring


def _run_dir(named: str, folder: Path) -> Path:
    if named:
        return Path(named)
    for above in (folder, *folder.parents):
        if (above / DEFAULT_RUN_DIR / HUBS_NAME).is_file() or _hubs_in(above / DEFAULT_RUN_DIR):
            return above / DEFAULT_RUN_DIR
    return folder / DEFAULT_RUN_DIR


def _hubs_in(run_dir: Path) -> list[str]:
    """Names of the hubs whose query socket lies there, alive or not."""
    return sorted(path.name.removesuffix(".query") for path in socket_dir(run_dir).glob("hub.*.query"))


def _of_run_dir(run_dir: Path) -> list[str]:
    """The hubs of a run directory, those of its host first; where there is none yet, the one that will be there."""
    told = _told(run_dir / HUBS_NAME)
    if told:
        return told
    endpoints = Endpoints(run_dir)
    return [endpoints.query(name) for name in _hubs_in(run_dir) or [DEFAULT_HUB]]


def _told(path: Path) -> list[str]:
    """Addresses of the hubs that a file names; none if there is no such file.

    Raises:
        InvalidRequest: it cannot be read.
    """
    try:
        found = msgspec.json.decode(path.read_bytes(), type=_Hubs)
    except FileNotFoundError:
        return []
    except (OSError, msgspec.DecodeError) as fault:
        raise InvalidRequest(f"{path}: {fault}; `tapehub up` writes it", errors=[str(fault)]) from fault
    return [hub.endpoint for hub in found.hubs]
