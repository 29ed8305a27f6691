"""Hosts that are network namespaces, on one switch that can be made bad."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterable, Mapping, Sequence
from types import TracebackType
from typing import Any, Final

from tests.multihost.switch import device_of
from tests.support.paths import ROOT
from tests.support.process import clean_environment

PREFIX: Final = "10.77.0."
KILL_S: Final = 10.0


class NetworkError(Exception):
    """This machine cannot do it; says what is missing."""


class Network:
    """Namespaces with one interface each; they and everything that runs in them end with the `with` block.

    Args:
        numbers: Host to the last part of its address.
    """

    def __init__(self, numbers: Mapping[str, int]) -> None:
        self.addresses = {host: f"{PREFIX}{number}" for host, number in numbers.items()}
        self._spaces = {host: f"th{os.getpid()}-{host}" for host in numbers}
        self._switch: subprocess.Popen[str] | None = None

    def __enter__(self) -> Network:
        if os.geteuid() != 0:
            raise NetworkError("namespaces want root: sudo ./scripts/multihost")
        try:
            self._build()
        except BaseException:
            self._take_down()
            raise
        return self

    def _build(self) -> None:
        command = [sys.executable, "-P", "-m", "tests.multihost.switch", *self.addresses]
        self._switch = subprocess.Popen(
            command,
            cwd=ROOT,
            env=clean_environment(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._switch.stdout is not None
        if self._switch.stdout.readline() != "ready\n":
            raise NetworkError("the switch did not start: is there /dev/net/tun?")
        for host, address in self.addresses.items():
            space, device = self._spaces[host], device_of(host)
            _ip("netns", "add", space)
            _ip("link", "set", device, "netns", space)
            _ip("-n", space, "link", "set", "lo", "up")
            _ip("-n", space, "address", "add", f"{address}/24", "dev", device)
            _ip("-n", space, "link", "set", device, "up")

    def make_bad(self, cut: Iterable[tuple[str, str]] = (), delay_s: float = 0.0, loss: float = 0.0) -> None:
        """From now on these links are cut, and all others as slow and lossy as this; nothing named: all is well."""
        switch = self._switch
        assert switch is not None
        assert switch.stdin is not None
        assert switch.stdout is not None
        wanted = {"cut": [list(pair) for pair in cut], "delay_s": delay_s, "loss": loss}
        switch.stdin.write(json.dumps(wanted) + "\n")
        switch.stdin.flush()
        switch.stdout.readline()

    def start(
        self, host: str, command: Sequence[str], env: Mapping[str, str], **more: Any
    ) -> subprocess.Popen[str]:
        """Start a command on a host."""
        words = ["ip", "netns", "exec", self._spaces[host], *command]
        return subprocess.Popen(words, cwd=ROOT, env=clean_environment(env), text=True, **more)

    def pids(self, host: str) -> list[int]:
        """Processes that run on a host."""
        done = subprocess.run(
            ["ip", "netns", "pids", self._spaces[host]], capture_output=True, text=True, check=False
        )
        return [int(word) for word in done.stdout.split()]

    def kill(self, host: str) -> int:
        """Kill everything on a host (SIGKILL), until nothing runs there; returns how many processes there were."""
        count = 0
        end_s = time.monotonic() + KILL_S
        while (found := self.pids(host)) and time.monotonic() < end_s:
            for pid in found:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
                    count += 1
            threading.Event().wait(0.05)
        return count

    def _take_down(self) -> None:
        for host, space in self._spaces.items():
            self.kill(host)
            subprocess.run(["ip", "netns", "delete", space], capture_output=True, check=False)
        if self._switch is not None:
            self._switch.kill()
            self._switch.wait()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._take_down()


def _ip(*words: str) -> None:
    done = subprocess.run(["ip", *words], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise NetworkError(f"ip {' '.join(words)}: {done.stderr.strip()}")
