"""What one process lets in: handshakes, requests and subscriptions are judged by keys, connections are cut by them.

A key that is revoked, or may do other things than before, loses its open connections; a new secret of our own is
shown from the next look on. All of it in the thread of the sockets, but for the handshakes.
"""

from __future__ import annotations

from collections.abc import Sequence

import zmq

from protocol.endpoints import EXIT_CANNOT_BIND
from protocol.errors import GuardDied, StartError
from protocol.security.judging import Judge, Note, taken
from protocol.security.keyring import Keyring
from protocol.security.limits import Limits
from protocol.transport.door import Door
from protocol.transport.zap import Zap


class Guard:
    """All doors of one process.

    Args:
        context: Its ZeroMQ context.
        keyring: Its key, and everybody's.
        limits: For each key.

    Raises:
        ConfigError: our own key cannot be had.
    """

    def __init__(self, context: zmq.Context[zmq.Socket[bytes]], keyring: Keyring, limits: Limits) -> None:
        self.keyring = keyring
        self.judge = Judge(keyring, limits)
        self.doors: dict[zmq.Socket[bytes], Door] = {}
        self._secret = keyring.own.secret
        self._context = context
        self._zap = Zap(context, keyring)
        self._problems: tuple[str, ...] = ()

    def bind(self, socket: zmq.Socket[bytes], endpoints: Sequence[str]) -> Door:
        """Bind a socket: with our key where others reach it, without where only this machine does.

        Raises:
            StartError: exit 69, an address cannot be had.
        """
        door = self.doors[socket] = Door(self._context, socket, self._secret)
        for endpoint in endpoints:
            try:
                door.bind(endpoint)
            except zmq.ZMQError as fault:
                raise StartError(f"cannot bind {endpoint}: {fault}", EXIT_CANNOT_BIND) from fault
        return door

    def admits(self, door: Door, key: str, fd: int, prefix: bytes) -> bool:
        """Whether a peer may have a subscription: it is counted then. Who has too many is cut."""
        connection = door.connections.of(fd, key)
        grant = self.judge.subscription(key, prefix)
        if grant is None:
            return False
        connection.grant = connection.grant or grant
        connection.subscriptions += 1
        most = self.judge.limits.subscriptions
        if door.connections.subscriptions_of(grant.name) > most:
            self._cut(door, connection.fd, f"{grant.name} has more than {most} subscriptions")
            return False
        return True

    def meets(self, door: Door, key: str, fd: int) -> None:
        """A peer has sent a request."""
        connection = door.connections.of(fd, key)
        if connection.grant is None:
            connection.grant = self.keyring.find(key)

    def leaves(self, door: Door, key: str, fd: int) -> None:
        """A peer has given up a subscription."""
        connection = door.connections.of(fd, key)
        connection.subscriptions = max(0, connection.subscriptions - 1)

    def notes(self) -> list[Note]:
        """What was refused since the last call."""
        return [*taken(self._zap.notes), *taken(self.judge.notes)]

    def look(self) -> None:
        """Look at keys and connections; several times a second.

        Raises:
            GuardDied: the thread that judges handshakes has ended.
        """
        if not self._zap.is_alive:
            raise GuardDied("the thread that judges handshakes has ended: nobody could come in any more")
        self.keyring.refresh()
        now = self.keyring.now
        if now.problems != self._problems:
            self._problems = now.problems
            self.judge.notes.extend(("auth_key_file", problem) for problem in now.problems)
        for door in self.doors.values():
            door.connections.take_events()
            self._look_at(door)
            if now.own is not None and now.own.secret != door.secret:
                self._secret = now.own.secret
                door.show(self._secret)
            try:
                door.bind_again()
            except zmq.ZMQError as fault:
                self._note("auth_bind", f"cannot bind {door.unbound[0]} with the new key yet: {fault}")

    def _look_at(self, door: Door) -> None:
        """Cut what may not be here any more, or misbehaves."""
        connections = door.connections
        for one in list(connections.by_fd.values()):
            if one.grant is not None and self.keyring.find(one.key) != one.grant:
                self._cut(door, one.fd, f"{one.grant.name}: its key is revoked, or may do other things now")
        for one, why in connections.overdue():
            whose = one.grant.name if one.grant else "/".join(map(str, one.peer[:1]))
            self._cut(door, one.fd, f"{whose}: it {why}")
        for what in connections.failed:
            self._note("auth_handshake", what)
        connections.failed.clear()

    def _cut(self, door: Door, fd: int, why: str) -> None:
        connection = door.connections.by_fd.get(fd)
        if connection is not None and door.connections.cut(connection):
            self._note("auth_cut", f"cut a connection of {why}")

    def _note(self, reason: str, what: str) -> None:
        self.judge.notes.append((reason, what))

    def status(self) -> dict[str, int]:
        """For the heartbeat."""
        return {
            "connections": sum(len(door.connections.by_fd) for door in self.doors.values()),
            "cut": sum(door.connections.cuts for door in self.doors.values()),
            "handshakes": self._zap.allowed,
            "handshakes_refused": self._zap.refused,
            "keys": len(self.keyring.now.grants),
            "keys_loaded": self.keyring.loads,
        }

    def forget(self, socket: zmq.Socket[bytes]) -> None:
        """Before a socket is closed."""
        door = self.doors.pop(socket, None)
        if door is not None:
            door.connections.close()
