"""From an address to a line that is logged in: TCP, the server's INFO, TLS, CONNECT, PONG. Blocks: call it in a thread."""

from __future__ import annotations

import socket
import ssl
import time
from collections.abc import Sequence
from typing import Final

import msgspec

from protocol.errors import ProtocolMismatch, Unauthorized
from protocol.nats import wire
from protocol.nats.faults import NatsGarbled, NatsLost, NatsRefused
from protocol.nats.login import Login
from protocol.nats.servers import Server

_CHUNK: Final = 65536
_AUTHORIZATION: Final = ("authorization", "authentication", "user authentication")


class TlsFiles(msgspec.Struct, frozen=True, kw_only=True):
    """Certificates; all empty: those of the system, and none of ours."""

    ca_file: str = ""
    cert_file: str = ""
    key_file: str = ""

    def context(self) -> ssl.SSLContext:
        """As the ssl module wants them.

        Raises:
            OSError: a file cannot be read or is no certificate.
        """
        context = ssl.create_default_context(cafile=self.ca_file or None)
        if self.cert_file:
            context.load_cert_chain(self.cert_file, self.key_file or None)
        return context


class Dialled:
    """A line that is logged in: its socket, what the server says of itself, and what came already behind the PONG."""

    def __init__(self, sock: socket.socket, server: Server, info: wire.Info, parser: wire.Parser) -> None:
        self.sock = sock
        self.server = server
        self.info = info
        self.parser = parser
        self.early: list[wire.Said] = []


def dial(
    servers: Sequence[Server],
    login: Login,
    tls: TlsFiles,
    name: str,
    timeout_s: float,
) -> Dialled:
    """Connect to the first server that takes us.

    Args:
        servers: In this order.
        login: Who we are.
        tls: Certificates.
        name: What the server shows of us.
        timeout_s: Longest time per server.

    Raises:
        NatsLost: nobody answers; names each server and why.
        Unauthorized: a server refused the login.
        ProtocolMismatch: it is too old, or has no JetStream.
    """
    reasons: list[str] = []
    for server in servers:
        try:
            return _dial_one(server, login, tls, name, timeout_s)
        except (OSError, NatsLost, NatsRefused, NatsGarbled) as fault:
            reasons.append(f"{server}: {_words(fault)}")
    raise NatsLost(f"no NATS server answers: {'; '.join(reasons)}", endpoints=[str(one) for one in servers])


def _words(fault: Exception) -> str:
    if isinstance(fault, TimeoutError):
        return "no answer in time"
    if isinstance(fault, ssl.SSLCertVerificationError):
        return f"its certificate is not accepted: {fault.verify_message}"
    return str(fault.strerror or fault) if isinstance(fault, OSError) else str(fault)


def _dial_one(server: Server, login: Login, tls: TlsFiles, name: str, timeout_s: float) -> Dialled:
    deadline_s = time.monotonic() + timeout_s
    sock = socket.create_connection((server.host, server.port), timeout_s)
    try:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        dialled = Dialled(sock, server, wire.Info(), wire.Parser())
        dialled.info = _hear_info(dialled, deadline_s)
        _check(dialled.info, server)
        if server.is_tls or dialled.info.tls_required:
            sock.settimeout(max(0.1, deadline_s - time.monotonic()))
            sock = dialled.sock = tls.context().wrap_socket(sock, server_hostname=server.host)
            dialled.parser = wire.Parser()
        _log_in(dialled, login, name, deadline_s)
        sock.settimeout(0.0)
    except BaseException:
        sock.close()
        raise
    return dialled


def _check(info: wire.Info, server: Server) -> None:
    if not info.headers:
        raise ProtocolMismatch(f"{server}: NATS {info.version or '?'} has no headers: 2.2 or newer is needed")
    if server.is_tls and not (info.tls_required or info.tls_available):
        raise NatsRefused("it does not speak TLS: use nats://")


def _hear_info(dialled: Dialled, deadline_s: float) -> wire.Info:
    while True:
        for said in _hear(dialled, deadline_s):
            if isinstance(said, wire.Info):
                return said


def _log_in(dialled: Dialled, login: Login, name: str, deadline_s: float) -> None:
    try:
        who = login.fields(dialled.info.nonce)
    except ValueError as fault:
        raise Unauthorized(f"{dialled.server}: {fault}") from None
    fields = {"verbose": False, "pedantic": False, "lang": "python-tapehub", "version": "1", "protocol": 1,
              "headers": True, "no_responders": True, "echo": True, "name": name, **who}  # fmt: skip
    dialled.sock.settimeout(max(0.1, deadline_s - time.monotonic()))
    dialled.sock.sendall(wire.connect(fields) + wire.PING)
    while True:
        heard = _hear(dialled, deadline_s)
        for index, said in enumerate(heard):
            if isinstance(said, wire.Refusal):
                if said.text.lower().startswith(_AUTHORIZATION):
                    raise Unauthorized(f"{dialled.server} refuses the login: {said.text}")
                raise NatsRefused(said.text)
            if isinstance(said, wire.Info):
                dialled.info = said
            elif isinstance(said, wire.Word) and said.text == "PONG":
                dialled.early = heard[index + 1 :]
                return


def _hear(dialled: Dialled, deadline_s: float) -> list[wire.Said]:
    left_s = deadline_s - time.monotonic()
    if left_s <= 0:
        raise TimeoutError
    dialled.sock.settimeout(left_s)
    data = dialled.sock.recv(_CHUNK)
    if not data:
        raise NatsLost("it closed the connection")
    return dialled.parser.feed(data)
