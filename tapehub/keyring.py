"""The key with which a person's commands ask actors of other hosts."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from actors.runtime.keys import folder_of, owners_of
from actors.runtime.settings import Loaded

if TYPE_CHECKING:
    from protocol.security.keyring import Keyring

KEY_VARIABLE = "TAPEHUB_KEY"


def operators_keyring(loaded: Loaded) -> Keyring | None:
    """That of `$TAPEHUB_KEY`, else of the operator of this host; None where nothing wants one, or there is none.

    Raises:
        Unauthorized: the key that is named cannot be used; says why.
    """
    common = loaded.common
    owners = owners_of(common.topology, common.actors)
    named = os.environ.get(KEY_VARIABLE, "")
    if not owners and not named:
        return None
    from protocol.security.key_folder import KeyFolder  # noqa: PLC0415 - not on one machine
    from protocol.security.keyring import keyring_at  # noqa: PLC0415
    from tapehub.key_deeds import OPERATOR, operator_of  # noqa: PLC0415

    if named:
        return keyring_at(named, owners)
    folder = KeyFolder(folder_of(loaded))
    for name in dict.fromkeys((operator_of(common.host), OPERATOR)):
        if folder.secret_path(name).exists():
            return keyring_at(folder.secret_path(name), owners)
    return None
