"""A line to a NATS server that never blocks: what was said since, what is to be said, and whether the server lives."""

from __future__ import annotations

import itertools
import secrets
import ssl
from typing import Final

from protocol.errors import Unauthorized
from protocol.nats import wire
from protocol.nats.dialling import Dialled
from protocol.nats.faults import NatsGarbled, NatsLost, NatsRefused

_CHUNK: Final = 262_144
_TURN_BYTES: Final = 4 * _CHUNK
"""Taken in one turn: others shall have theirs."""
QUIET_NS: Final = 5_000_000_000
"""Silence after which the server is asked whether it lives."""
DEAD_NS: Final = 12_000_000_000
"""Silence after which it is taken for dead."""
_HARMLESS: Final = ("permissions violation",)
"""After these the server keeps the line."""


class Connection:
    """One line, logged in.

    Args:
        dialled: From `dial`; the connection owns its socket from now on.
        mono_ns: Now.
    """

    def __init__(self, dialled: Dialled, mono_ns: int) -> None:
        self.server = dialled.server
        self.info = dialled.info
        self.inbox = f"_INBOX.{secrets.token_hex(8)}"
        """Subjects below it are ours alone."""
        self.refusals: list[str] = []
        """What the server said no to and kept the line."""
        self._sock = dialled.sock
        self._parser = dialled.parser
        self._early = dialled.early
        self._out = bytearray()
        self._heard_ns = self._asked_ns = mono_ns
        self._sids = itertools.count(1)

    def fileno(self) -> int:
        """To wait on."""
        return self._sock.fileno()

    @property
    def unsent_bytes(self) -> int:
        """What waits for room in the socket."""
        return len(self._out)

    # out

    def publish(self, subject: str, data: bytes, reply: str = "", headers: bytes = b"") -> None:
        """Queue a message; `flush` sends."""
        self._out += wire.publish(subject, data, reply, headers)

    def subscribe(self, subject: str) -> int:
        """Hear a subject; returns the number that its messages carry."""
        sid = next(self._sids)
        self._out += wire.subscribe(subject, sid)
        return sid

    def unsubscribe(self, sid: int) -> None:
        """Hear it no longer."""
        self._out += wire.unsubscribe(sid)

    def flush(self) -> None:
        """Send what the socket takes.

        Raises:
            NatsLost: it is cut.
        """
        out = self._out
        try:
            while out:
                sent = self._sock.send(memoryview(out)[:_CHUNK])
                del out[:sent]
        except (BlockingIOError, ssl.SSLWantWriteError, ssl.SSLWantReadError):
            return
        except OSError as fault:
            raise NatsLost(f"{self.server}: {fault.strerror or fault}") from None

    # in

    def receive(self, mono_ns: int) -> list[wire.Delivered]:
        """Messages that have come; answers the server's pings.

        Raises:
            NatsLost: it is cut.
            NatsRefused: the server ends it, and says why.
        """
        found: list[wire.Delivered] = []
        early, self._early = self._early, []
        self._sort(early, found)
        taken = 0
        while taken < _TURN_BYTES:
            try:
                data = self._sock.recv(_CHUNK)
            except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
                break
            except OSError as fault:
                raise NatsLost(f"{self.server}: {fault.strerror or fault}") from None
            if not data:
                if found:
                    break
                raise NatsLost(f"{self.server} closed the connection")
            self._heard_ns = mono_ns
            taken += len(data)
            self._sort(self._parser.feed(data), found)
        self.flush()
        return found

    @property
    def has_more(self) -> bool:
        """Whether something waits that no poll would tell of: behind the login, or kept by TLS."""
        return bool(self._early) or (isinstance(self._sock, ssl.SSLSocket) and self._sock.pending() > 0)

    def _sort(self, heard: list[wire.Said], found: list[wire.Delivered]) -> None:
        for said in heard:
            if isinstance(said, wire.Delivered):
                found.append(said)
            elif isinstance(said, wire.Info):
                self.info = said
                if said.ldm:
                    raise NatsLost(f"{self.server} is about to stop")
            elif isinstance(said, wire.Refusal):
                self._refused(said.text)
            elif said.text == "PING":
                self._out += wire.PONG

    def _refused(self, text: str) -> None:
        if text.lower().startswith(_HARMLESS):
            self.refusals.append(text)
        elif "authentication" in text.lower():
            raise Unauthorized(f"{self.server}: {text}")
        else:
            raise NatsRefused(f"{self.server}: {text}")

    def tick(self, mono_ns: int) -> None:
        """Ask a silent server whether it lives; call it every second or so.

        Raises:
            NatsLost: it does not.
        """
        silent_ns = mono_ns - self._heard_ns
        if silent_ns > DEAD_NS:
            raise NatsLost(f"{self.server} has been silent for {silent_ns / 1e9:.0f} s")
        if silent_ns > QUIET_NS and mono_ns - self._asked_ns > QUIET_NS:
            self._asked_ns = mono_ns
            self._out += wire.PING
            self.flush()

    def close(self) -> None:
        """Close the socket; what was not sent is forgotten."""
        self._sock.close()


FAULTS: Final = (NatsLost, NatsRefused, NatsGarbled, Unauthorized)
"""After any of these the line is of no use."""
