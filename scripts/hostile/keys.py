"""Clients whose key is unknown or revoked: the sockets of one host ask for none, so `./scripts/auth-check` has a system with two."""

from __future__ import annotations

from random import Random
from typing import Final

from scripts.hostile.attack import Attack
from scripts.hostile.system import HostileSystem

ELSEWHERE: Final = "made by ./scripts/auth-check: the sockets of one host are files that only their owner can open, and take no keys"


def revoked(_system: HostileSystem, _random: Random, _until_s: float) -> str:
    """Nothing to revoke here."""
    return ELSEWHERE


ATTACKS: Final = (Attack("revoked keys", revoked, skipped=ELSEWHERE),)
