"""Who may connect: libzmq asks this thread for each handshake of the context's sockets (ZAP, RFC 27).

If the thread dies nobody gets in any more, and nobody would notice: the loop looks at `is_alive` and ends the process.
"""

from __future__ import annotations

import collections
import contextlib
import threading
from typing import Final

import zmq
from zmq.utils import z85

from protocol.security.judging import MOST_NOTES, Note
from protocol.security.keyring import Keyring
from protocol.transport.curve import DOMAIN, LOCAL_DOMAIN

ADDRESS: Final = "inproc://zeromq.zap.01"
_VERSION: Final = b"1.0"


class Zap:
    """Answers libzmq's questions.

    Args:
        context: Whose sockets it speaks for; there is one handler in each.
        keyring: Who is who.
    """

    def __init__(self, context: zmq.Context[zmq.Socket[bytes]], keyring: Keyring) -> None:
        self.notes: collections.deque[Note] = collections.deque(maxlen=MOST_NOTES)
        """Refusals that nobody has logged yet."""
        self.allowed = 0
        self.refused = 0
        self._keyring = keyring
        self._socket = context.socket(zmq.REP)
        self._socket.linger = 0
        self._socket.bind(ADDRESS)
        self._thread = threading.Thread(target=self._serve, name="zap", daemon=True)
        self._thread.start()

    @property
    def is_alive(self) -> bool:
        """Whether handshakes are answered."""
        return self._thread.is_alive()

    def _serve(self) -> None:
        with contextlib.closing(self._socket) as socket, contextlib.suppress(zmq.ContextTerminated):
            while True:
                parts = socket.recv_multipart()
                socket.send_multipart(self.answer(parts))

    def answer(self, parts: list[bytes]) -> list[bytes]:
        """Answer one question: version, request id, domain, address, identity, mechanism, credentials.

        Whatever goes wrong is a refusal.
        """
        request_id = parts[1] if len(parts) > 1 else b""
        try:
            user = self._user_of(parts)
        except Exception as fault:  # noqa: BLE001 - a question that cannot be answered is refused
            self.notes.append(("auth_failed", f"cannot judge a handshake: {fault!r}"))
            user = None
        if user is None:
            self.refused += 1
            return [_VERSION, request_id, b"400", b"refused", b"", b""]
        self.allowed += 1
        return [_VERSION, request_id, b"200", b"OK", user.encode(), b""]

    def _user_of(self, parts: list[bytes]) -> str | None:
        """Public key of who may come in, empty for one of this machine; None: refused."""
        _, _, domain, address, _, mechanism, *credentials = parts
        peer = address.decode(errors="replace")
        if mechanism == b"NULL" and domain == LOCAL_DOMAIN:
            return ""
        if mechanism != b"CURVE" or domain != DOMAIN or len(credentials) != 1:
            self.notes.append(("auth_no_key", f"{peer} shows no key"))
            return None
        public = z85.encode(credentials[0]).decode()
        if self._keyring.find(public) is None:
            self._keyring.refresh()  # perhaps it was made a moment ago
        if self._keyring.find(public) is not None:
            return public
        revoked = self._keyring.now.revoked.get(public)
        if revoked:
            self.notes.append(("auth_revoked", f"{peer} shows the revoked key of {revoked}"))
        else:
            self.notes.append(("auth_unknown", f"{peer} shows a key that nobody here has: {public}"))
        return None
