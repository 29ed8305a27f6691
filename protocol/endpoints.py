"""Where an actor's sockets are: derived from its name and the topology, never written down twice.

Another host: the tcp ports of protocol/topology.py. Same host: ipc files under `<run_dir>/sock/`. A unix socket path holds about 107 bytes, so a run directory
deep in the tree gets a short private folder instead, the same one for everybody who computes it.
"""

from __future__ import annotations

import ipaddress
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from protocol.errors import ConfigError, StartError
from protocol.topology import Topology

_MAX_SOCKET_PATH_BYTES: Final = 100
_LONGEST_NAME: Final = "x" * 32 + ".ingest"
EXIT_CANNOT_BIND: Final = 69


def socket_dir(run_dir: Path) -> Path:
    """Folder of the unix sockets of a run directory."""
    wanted = run_dir.resolve() / "sock"
    if len(os.fsencode(wanted / _LONGEST_NAME)) <= _MAX_SOCKET_PATH_BYTES:
        return wanted
    import hashlib  # noqa: PLC0415 - four milliseconds that hardly anybody needs
    import tempfile  # noqa: PLC0415

    digest = hashlib.sha256(os.fsencode(run_dir.resolve())).hexdigest()[:12]
    return Path(tempfile.gettempdir()) / f"tapehub-{os.getuid()}-{digest}"


class Endpoints:
    """Addresses of every actor of one topology.

    Args:
        run_dir: Run directory of this host.
        topology: Who runs where; None: everything here.
    """

    def __init__(self, run_dir: Path, topology: Topology | None = None) -> None:
        self.run_dir = run_dir
        self.socket_dir = socket_dir(run_dir)
        self.topology = topology or Topology()

    def pub(self, actor: str) -> str:
        """Where it publishes (XPUB)."""
        return self._address(actor, "pub")

    def ctl(self, actor: str) -> str:
        """Where it answers control requests (ROUTER)."""
        return self._address(actor, "ctl")

    def query(self, actor: str) -> str:
        """Where a hub answers engines (ROUTER)."""
        return self._address(actor, "query")

    def ingest(self, actor: str) -> str:
        """Where a push receiver takes what others send (ROUTER)."""
        return self._address(actor, "ingest")

    def binds(self, actor: str, role: str) -> list[str]:
        """Where an actor of this host listens: ipc, and where there are other hosts tcp behind it.

        Args:
            actor: Its name.
            role: `pub`, `ctl`, `query` or `ingest`.
        """
        listening = self.topology.listening(actor, role)
        return [self._ipc(actor, role), *([listening] if listening else [])]

    def told(self, actor: str, roles: Sequence[str]) -> dict[str, str]:
        """What a hub tells of an actor: its address per role, and where there are hosts its host and, as `tcp_<role>`, the
        address for who asks from another host than the hub's.
        """
        found = {role: self._address(actor, role) for role in roles}
        host = self.topology.host_of(actor)
        if host:
            found["host"] = host
            found.update({f"tcp_{role}": self.topology.address(actor, role) for role in roles})
        return found

    def _address(self, actor: str, role: str) -> str:
        if not self.topology.is_here(actor):
            return self.topology.address(actor, role) or self._ipc(actor, role)
        return self._ipc(actor, role)

    def _ipc(self, actor: str, role: str) -> str:
        return f"ipc://{self.socket_dir}/{actor}.{role}"

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


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches an address or a name."""
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def check_bind(endpoint: str) -> None:
    """Refuse to listen where strangers can reach us without authentication.

    Raises:
        ConfigError: tcp on anything but loopback, where keys are needed.
    """
    if not endpoint.startswith("tcp://"):
        return
    if not is_loopback(endpoint.removeprefix("tcp://").rpartition(":")[0]):
        why = "off loopback nothing listens without authentication"
        fix = "`tapehub keys init` makes keys, or use ipc or tcp://127.0.0.1"
        raise ConfigError([f"will not bind {endpoint}: {why}; {fix}"])
