"""Clients whose key is unknown or revoked: they matter where sockets ask for keys, which those of one host do not."""

from __future__ import annotations

from random import Random
from typing import Final

from scripts.hostile.attack import Attack
from scripts.hostile.system import HostileSystem

NO_KEYS: Final = "the sockets of this system take no keys: they are files that only their owner can open"


def revoked(_system: HostileSystem, _random: Random, _until_s: float) -> str:
    """Nothing to revoke here."""
    return NO_KEYS


ATTACKS: Final = (Attack("revoked keys", revoked, skipped=NO_KEYS),)
