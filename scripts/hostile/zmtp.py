"""Peers that speak ZeroMQ's protocol wrongly: other versions, other mechanisms, frames that claim to be enormous or never end."""

from __future__ import annotations

import struct
from random import Random
from typing import Final

from scripts.hostile.attack import Attack, connected, is_time, throw
from scripts.hostile.system import HostileSystem

_SIGNATURE: Final = b"\xff\x00\x00\x00\x00\x00\x00\x00\x01\x7f"
MORE_BYTES: Final = 4 * 1024 * 1024
"""Of one message that never ends, per connection: libzmq keeps all parts until the last one."""
MORE_LINES: Final = 4


def greeting(
    version: tuple[int, int] = (3, 0), mechanism: bytes = b"NULL", *, is_server: bool = False
) -> bytes:
    """64 bytes that begin a connection."""
    return _SIGNATURE + bytes(version) + mechanism.ljust(20, b"\x00") + bytes([is_server]) + b"\x00" * 31


def ready(kind: bytes = b"DEALER") -> bytes:
    """The READY command."""
    name, value = b"Socket-Type", kind
    body = b"\x05READY" + bytes([len(name)]) + name + struct.pack("!I", len(value)) + value
    return b"\x04" + bytes([len(body)]) + body


_GREETINGS: Final = (
    greeting((0, 0)), greeting((1, 0)), greeting((2, 0)), greeting((3, 9)), greeting((255, 255)), greeting(mechanism=b"PLAIN"),
    greeting(mechanism=b"CURVE", is_server=True), greeting(mechanism=b"\xff" * 20), _SIGNATURE, b"\x01\x00", greeting()[:63],
    greeting() + ready(b"SUB"), greeting() + ready(b"NOSUCH"), greeting() + ready() * 3, greeting() + b"\x04\xff" + b"A" * 255,
    greeting() + ready() + b"\x02" + struct.pack("!Q", 1 << 40) + b"A" * 1000, greeting() + ready() + b"\x02" + b"\xff" * 8,
    greeting() + ready() + b"\x06" + struct.pack("!Q", 1 << 62), greeting() + ready() + b"\x7f\x05AAAAA",
    greeting() + ready() + b"\x01\x00" * 500 + b"\x00\x00", greeting() + ready(b"XSUB") + b"\x00\x01\x07", greeting() + ready(b"SUB") + b"\x00\xff" + b"\x01" * 255,
)  # fmt: skip


def versions(system: HostileSystem, random: Random, until_s: float) -> str:
    """All kinds of wrong beginnings."""
    sent = taken = 0
    addresses = system.sockets()
    while is_time(until_s):
        taken += throw(random.choice(addresses), random.choice(_GREETINGS))
        sent += 1
    return f"{sent} wrong greetings, commands and lengths, {taken} taken"


def endless(system: HostileSystem, random: Random, until_s: float) -> str:
    """Messages whose last part never comes."""
    part = b"\x03" + struct.pack("!Q", 60_000) + b"A" * 60_000
    sent_bytes, lines = 0, 0
    for address in random.sample(system.asked(), MORE_LINES):
        try:
            with connected(address) as line:
                lines += 1
                line.sendall(greeting() + ready())
                for _ in range(MORE_BYTES // len(part)):
                    if not is_time(until_s):
                        break
                    line.sendall(part)
                    sent_bytes += len(part)
        except OSError:
            continue
    while is_time(until_s):
        throw(random.choice(system.asked()), greeting() + ready() + part * 2)
        sent_bytes += 2 * len(part)
    return f"{sent_bytes / 1e6:.0f} MB of parts on {lines} lines and more, no last one"


ATTACKS: Final = (Attack("wrong ZMTP", versions), Attack("messages without an end", endless))
