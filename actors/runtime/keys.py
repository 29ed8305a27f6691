"""Which key an actor shows, and whose it expects where: from the configuration and the key folder."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Final

from protocol.security.reach import needs_key
from protocol.topology import ROLES, Topology

if TYPE_CHECKING:
    from actors.runtime.settings import Loaded
    from protocol.security.keyring import Keyring

FOLDER_VARIABLE: Final = "TAPEHUB_KEYS"


def folder_of(loaded: Loaded, environ: Mapping[str, str] | None = None) -> Path:
    """The key folder of a configuration, absolute."""
    named = (os.environ if environ is None else environ).get(FOLDER_VARIABLE, "")
    return Path(named).absolute() if named else loaded.folder / Path(loaded.common.keys).expanduser()


def owners_of(topology: Topology, actors: Mapping[str, object]) -> dict[str, str]:
    """Address to the actor that listens there with a key, as other hosts see it; none where nothing is reached from outside."""
    return {
        topology.address(actor, role): actor
        for actor in actors
        for role in ROLES
        if needs_key(topology.listening(actor, role))
    }


def keyring_of(loaded: Loaded, name: str) -> Keyring | None:
    """The keys of one actor; None where nothing leaves this machine.

    Raises:
        ConfigError: exit 78, its own key is missing, or others can read it.
    """
    owners = owners_of(loaded.common.topology, loaded.common.actors)
    if not owners:
        return None
    from protocol.security.key_folder import KeyFolder  # noqa: PLC0415 - not for actors of one machine
    from protocol.security.keyring import Keyring  # noqa: PLC0415

    folder = KeyFolder(folder_of(loaded))
    folder.secret(name)
    return Keyring(folder, name, owners)
