"""Where an actor's sockets are: derived from its name, never written down twice.

Same host: ipc files under `<run_dir>/sock/`. A unix socket path holds about 107 bytes, so a run directory
deep in the tree gets a short private folder instead, the same one for everybody who computes it.
"""

from __future__ import annotations

import hashlib
import ipaddress
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from protocol.errors import StartError

_MAX_SOCKET_PATH_BYTES: Final = 100
_LONGEST_NAME: Final = "x" * 32 + ".query"
EXIT_CANNOT_BIND: Final = 69


def socket_dir(run_dir: Path) -> Path:
    """Folder of the unix sockets of a run directory."""
    wanted = run_dir.resolve() / "sock"
    if len(os.fsencode(wanted / _LONGEST_NAME)) <= _MAX_SOCKET_PATH_BYTES:
        return wanted
    digest = hashlib.sha256(os.fsencode(run_dir.resolve())).hexdigest()[:12]
    return Path(tempfile.gettempdir()) / f"tapehub-{os.getuid()}-{digest}"


class Endpoints:
    """Addresses of every actor of one topology.

    Args:
        run_dir: Run directory of this host.
        tcp: Actor name to `{"pub": "tcp://…", "ctl": …, "query": …}` for those that listen on tcp.
    """

    def __init__(self, run_dir: Path, tcp: Mapping[str, Mapping[str, str]] | None = None) -> None:
        self.run_dir = run_dir
        self.socket_dir = socket_dir(run_dir)
        self._tcp = tcp or {}

    def pub(self, actor: str) -> str:
        """Where it publishes (XPUB)."""
        return self._address(actor, "pub")

    def ctl(self, actor: str) -> str:
        """Where it answers control requests (ROUTER)."""
        return self._address(actor, "ctl")

    def query(self, actor: str) -> str:
        """Where a hub answers engines (ROUTER)."""
        return self._address(actor, "query")

    def _address(self, actor: str, role: str) -> str:
        tcp = self._tcp.get(actor, {}).get(role)
        return tcp or f"ipc://{self.socket_dir}/{actor}.{role}"

    def prepare(self) -> None:
        """Create the folders, readable by their owner only."""
        for folder in (self.run_dir, self.socket_dir):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        owner = self.socket_dir.stat().st_uid
        if owner != os.getuid():
            raise StartError(
                f"{self.socket_dir} belongs to user {owner}, not to us: remove it or set run_dir elsewhere",
                EXIT_CANNOT_BIND,
            )


def check_bind(endpoint: str) -> None:
    """Refuse to listen where strangers can reach us without authentication.

    Raises:
        StartError: tcp on anything but loopback (encryption and keys come with the multi-host release).
    """
    if not endpoint.startswith("tcp://"):
        return
    host = endpoint.removeprefix("tcp://").rpartition(":")[0].strip("[]")
    try:
        is_local = ipaddress.ip_address(host).is_loopback
    except ValueError:
        is_local = host == "localhost"
    if not is_local:
        raise StartError(
            f"will not bind {endpoint}: off loopback nothing listens without authentication; "
            "use ipc or tcp://127.0.0.1",
            EXIT_CANNOT_BIND,
        )
