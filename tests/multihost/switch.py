"""A network switch as a process: what its ports send arrives late, arrives not, or not on some links.

Each port is a TAP device whose other end the caller moves into a network namespace. The kernel's own means to delay and drop
(netem) is a module that many machines do not have; frames of a test are few enough for Python.

    python -m tests.multihost.switch feed compute ...      says `ready` on stdout, then takes commands from stdin:
    {"cut": [["feed", "compute"]], "delay_s": 0.2, "loss": 0.02}        the whole of what is wrong from now on
"""

from __future__ import annotations

import fcntl
import heapq
import json
import os
import random
import select
import struct
import sys
import time
from typing import Any, Final

_TUNSETIFF: Final = 0x400454CA
_IFF_TAP_NO_PI: Final = 0x0002 | 0x1000
_MOST_BYTES: Final = 65_536
_BATCH: Final = 64
_MAC_BYTES: Final = 6
LONGEST_WAIT_S: Final = 1.0


def device_of(port: str) -> str:
    """Name of the TAP device of a port: at most 15 characters."""
    return f"thsw-{port}"[:15]


class Switch:
    """Frames between ports.

    Args:
        ports: Names; `device_of` each is created, and lives as long as this process.
        seed: Decides which frames get lost.
    """

    def __init__(self, ports: list[str], seed: int = 1) -> None:
        self._ports = {_open(device_of(port)): port for port in ports}
        self._fd_of = {port: fd for fd, port in self._ports.items()}
        self._port_of_mac: dict[bytes, str] = {}
        self._waiting: list[tuple[float, int, int, bytes]] = []
        self._count = 0
        self._random = random.Random(seed)
        self._cut: set[frozenset[str]] = set()
        self._delay_s = self._loss = 0.0
        self._epoll = select.epoll()
        for fd in (*self._ports, sys.stdin.fileno()):
            self._epoll.register(fd, select.EPOLLIN)
        os.set_blocking(sys.stdin.fileno(), False)
        self._typed = b""
        self.is_open = True

    def run(self) -> None:
        """Switch until stdin ends."""
        while self.is_open:
            now_s = time.monotonic()
            while self._waiting and self._waiting[0][0] <= now_s:
                _, _, fd, frame = heapq.heappop(self._waiting)
                _put(fd, frame)
            wait_s = self._waiting[0][0] - now_s if self._waiting else LONGEST_WAIT_S
            for fd, _ in self._epoll.poll(min(wait_s, LONGEST_WAIT_S)):
                if fd in self._ports:
                    self._take(fd)
                else:
                    self._obey()

    def _take(self, fd: int) -> None:
        source = self._ports[fd]
        for _ in range(_BATCH):
            try:
                frame = os.read(fd, _MOST_BYTES)
            except (BlockingIOError, OSError):
                return
            self._port_of_mac[frame[_MAC_BYTES : 2 * _MAC_BYTES]] = source
            target = self._port_of_mac.get(frame[:_MAC_BYTES])
            for port in (target,) if target else tuple(self._fd_of):
                if port != source:
                    self._send(source, port, frame)

    def _send(self, source: str, target: str, frame: bytes) -> None:
        if frozenset((source, target)) in self._cut or (self._loss and self._random.random() < self._loss):
            return
        if not self._delay_s:
            _put(self._fd_of[target], frame)
            return
        self._count += 1
        due_s = time.monotonic() + self._delay_s
        heapq.heappush(self._waiting, (due_s, self._count, self._fd_of[target], frame))

    def _obey(self) -> None:
        data = os.read(sys.stdin.fileno(), _MOST_BYTES)
        self.is_open = bool(data)
        *lines, self._typed = (self._typed + data).split(b"\n")
        for line in lines:
            wanted: dict[str, Any] = json.loads(line)
            self._cut = {frozenset(pair) for pair in wanted.get("cut", [])}
            self._delay_s, self._loss = wanted.get("delay_s", 0.0), wanted.get("loss", 0.0)
            print("done", flush=True)


def _open(device: str) -> int:
    fd = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(fd, _TUNSETIFF, struct.pack("16sH22x", device.encode(), _IFF_TAP_NO_PI))
    return fd


def _put(fd: int, frame: bytes) -> None:
    try:
        os.write(fd, frame)
    except (BlockingIOError, OSError):
        return  # its queue is full, or the device is down: a switch drops


if __name__ == "__main__":
    switch = Switch(sys.argv[1:])
    print("ready", flush=True)
    switch.run()
