"""Thousands of connections that say nothing, and scanners that say anything."""

from __future__ import annotations

import contextlib
import socket
import threading
from random import Random
from typing import Final

from scripts.hostile.attack import Attack, all_of, connected, is_time, throw
from scripts.hostile.system import HostileSystem

MOST: Final = 3000
PER_ADDRESS: Final = 400
_SCANS: Final = (
    b"GET / HTTP/1.0\r\n\r\n", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"A" * 32, b"SSH-2.0-scan\r\n", b"\x00" * 64, b"\r\n" * 10,
    b"EHLO x\r\n", b"*1\r\n$4\r\nPING\r\n", b"\x00\x00\x00\x17\x00\x00\x00\x00\x00\x00\x00\x00", b"OPTIONS * RTSP/1.0\r\n\r\n", b"\xff" * 300,
)  # fmt: skip


def half_open(system: HostileSystem, _random: Random, until_s: float) -> str:
    """Open as many as the system lets us, and hold them."""
    lines: list[socket.socket] = []
    refused = 0
    try:
        for number in range(PER_ADDRESS):
            for address in all_of(system):
                if not is_time(until_s) or len(lines) >= MOST:
                    break
                try:
                    lines.append(connected(address))
                    if number % 3 == 0:
                        lines[-1].sendall(b"\xff\x00")  # the first bytes of a greeting, and no more
                except OSError:
                    refused += 1
        pause = threading.Event()
        while is_time(until_s):
            pause.wait(0.1)
        return f"{len(lines)} connections held open, {refused} not taken"
    finally:
        for line in lines:
            with contextlib.suppress(OSError):
                line.close()


def scan(system: HostileSystem, random: Random, until_s: float) -> str:
    """Words of other protocols, and random bytes, to every address."""
    sent = taken = 0
    addresses = all_of(system)
    while is_time(until_s):
        data = random.choice(_SCANS) if random.random() < 0.7 else random.randbytes(random.randrange(1, 2000))
        taken += throw(random.choice(addresses), data)
        sent += 1
    return f"{sent} greetings of others, {taken} taken"


ATTACKS: Final = (Attack("half-open connections", half_open), Attack("port scanner", scan))
