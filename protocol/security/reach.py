"""Who can reach an address, and how an address says whose it is. Pure."""

from __future__ import annotations

from protocol.endpoints import is_loopback


def needs_key(address: str) -> bool:
    """Whether others than this machine reach it: tcp on anything but loopback."""
    if not address.startswith("tcp://"):
        return False
    return not is_loopback(address.removeprefix("tcp://").rpartition(":")[0])


def split_owner(endpoint: str) -> tuple[str, str]:
    """(name of who listens, address) of `hub.1@tcp://10.0.0.5:9702`; the name is empty where it is not said."""
    name, at, address = endpoint.partition("@")
    if at and "://" in address and "/" not in name and ":" not in name:
        return name, address
    return "", endpoint
