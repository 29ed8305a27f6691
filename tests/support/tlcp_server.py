"""A Lightstreamer server for tests: TLCP 2.4.0 over WebSocket in threads, steered by the test.

It keeps sessions apart from sockets, as the real one does: a session lives on when its socket breaks, is bound anew
after LOOP, and recovered from the notification that the client names. Requests that the real one refuses are refused.
"""

from __future__ import annotations

import contextlib
import itertools
import threading
import time
from collections.abc import Callable
from types import TracebackType
from typing import Any, Final
from urllib.parse import parse_qsl

from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response
from websockets.sync.server import ServerConnection, serve

DEADLINE_S: Final = 40.0
SPOKEN: Final = "TLCP-2.4.0.lightstreamer.com"
TOO_NEW: Final = "TLCP-2.5.0.lightstreamer.com"
_PRICE_FIELDS: Final = frozenset(
    ["MID_OPEN", "HIGH", "LOW", "TIMESTAMP", "DLG_FLAG", "NET_CHG", "NET_CHG_", "BIDQUOTEID", "ASKQUOTEID"]
    + [f"{name}{level}" for name in ("BIDPRICE", "ASKPRICE", "BIDSIZE", "ASKSIZE") for level in range(1, 6)]
)
_CHART_FIELDS: Final = frozenset(
    ["BID", "OFR", "LTP", "LTV", "TTV", "UTM", "DAY_OPEN_MID", "DAY_NET_CHG_MID", "DAY_HIGH", "DAY_LOW"]
)


class Sub:
    """One subscription to one item."""

    def __init__(self, group: str, schema: list[str]) -> None:
        self.group, self.schema = group, schema
        self.values: list[str | None] | None = None

    def payload(self, row: dict[str, str | None]) -> str:
        """Tokens of an update; what has not changed is left out."""
        values = [row.get(name) for name in self.schema]
        before, self.values = self.values, values
        old = before if before is not None else [object()] * len(values)
        return "|".join("" if was == now else token(now) for was, now in zip(old, values, strict=True))


class ServerSession:
    """What the server knows of a session; `log` are its data notifications so far."""

    def __init__(self, session_id: str, user: str) -> None:
        self.session_id, self.user = session_id, user
        self.log: list[str] = []
        self.sent = 0
        self.subs: dict[int, Sub] = {}
        self.socket: ServerConnection | None = None
        self.began_s = time.monotonic()


class TlcpServer:
    """Use as a context manager; `url` is its base address."""

    def __init__(self, keepalive_ms: int = 5000) -> None:
        self.keepalive_ms = keepalive_ms
        self.control_link = "*"
        self.admits: Callable[[str, str], bool] = lambda _user, _password: True
        """Whether user and password are right."""
        self.create_answers: list[str] = []
        """Answers to the next requests for a session, in place of CONOK; `-`: none at all."""
        self.bind_answers: list[str] = []
        self.request_errors: dict[str, tuple[int, str]] = {}
        """Item to code and text with which its subscription is refused."""
        self.unknown_fields: set[str] = set()
        self.is_silent = False
        """Say nothing at all any more."""
        self.is_frozen = False
        """Only keep sessions alive: no update goes out, no subscription is answered with one."""
        self.prices: dict[str, dict[str, str | None]] = {}
        self.sessions: dict[str, ServerSession] = {}
        self.requests: list[tuple[str, dict[str, str]]] = []
        """Name and parameters of every request."""
        self.sockets = 0
        """Opened so far."""
        self.refusal = 0
        """HTTP status with which handshakes are refused."""
        self._numbers = itertools.count(1)
        self._changed = threading.Condition(threading.RLock())
        self._stopping = threading.Event()
        self._server = serve(
            self._serve, "127.0.0.1", 0, subprotocols=[SPOKEN, TOO_NEW],  # type: ignore[list-item]
            process_request=self._admit, compression=None,
        )  # fmt: skip
        self._threads = [
            threading.Thread(target=self._server.serve_forever, daemon=True),
            threading.Thread(target=self._probe, daemon=True),
        ]

    @property
    def url(self) -> str:
        """What a login names as the stream server."""
        return f"http://127.0.0.1:{self._server.socket.getsockname()[1]}"

    def __enter__(self) -> TlcpServer:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stopping.set()
        self.cut()
        self._server.shutdown()
        for thread in self._threads:
            thread.join(DEADLINE_S)

    # steering

    def wait(self, condition: Callable[[], Any], what: str, deadline_s: float = DEADLINE_S) -> Any:
        """Wait until something that a client does has happened."""
        with self._changed:
            assert self._changed.wait_for(condition, deadline_s), f"waited {deadline_s:g} s for {what}"
            return condition()

    def count(self, name: str, **parameters: str) -> int:
        """Requests so far with this name and these parameters, all of them obeyed."""
        with self._changed:
            return sum(name == one and parameters.items() <= given.items() for one, given in self.requests)

    def subscribed(self, group: str) -> list[ServerSession]:
        """Sessions with an open socket that have an item."""
        return [
            session
            for session in list(self.sessions.values())
            if session.socket is not None and any(sub.group == group for sub in session.subs.values())
        ]

    def update(self, group: str, **fields: str | None) -> None:
        """New values of some fields of an item, to everybody who has it."""
        with self._changed:
            row = self.prices.setdefault(group, {})
            row.update(fields)
            if self.is_frozen:
                return
            for session in self.sessions.values():
                for sub_id, sub in session.subs.items():
                    if sub.group == group:
                        self._notify(session, f"U,{sub_id},1,{sub.payload(row)}")

    def say(self, *lines: str) -> None:
        """Send lines as they are on every socket, in one frame."""
        with self._changed:
            for session in self.sessions.values():
                self._send(session.socket, *lines)

    def loop(self, delay_ms: int = 0) -> None:
        """Ask all clients to bind anew."""
        with self._changed:
            for session in self.sessions.values():
                self._send(session.socket, f"LOOP,{delay_ms}")
                session.socket = None

    def end(self, code: int, text: str) -> None:
        """Close all sessions."""
        self.say(f"END,{code},{text}")
        self.forget()

    def forget(self) -> None:
        """Know no session any more; sockets stay open."""
        with self._changed:
            self.sessions.clear()

    def cut(self) -> None:
        """Break all sockets without a word; sessions live on."""
        with self._changed:
            for session in self.sessions.values():
                socket, session.socket = session.socket, None
                if socket is not None:
                    with contextlib.suppress(OSError):
                        socket.socket.shutdown(2)

    def swallow(self) -> None:
        """From now on notifications are numbered and do not arrive, until the next bind; sockets stay open."""
        with self._changed:
            for session in self.sessions.values():
                session.socket = None

    # inside

    def _admit(self, connection: ServerConnection, _request: Request) -> Response | None:
        return connection.respond(self.refusal, "no\n") if self.refusal else None

    def _probe(self) -> None:
        while not self._stopping.wait(self.keepalive_ms / 2000.0):
            with self._changed:
                for session in self.sessions.values():
                    elapsed_s = int(time.monotonic() - session.began_s)
                    self._send(session.socket, "PROBE", f"SYNC,{elapsed_s}")

    def _serve(self, socket: ServerConnection) -> None:
        with self._changed:
            self.sockets += 1
            self._changed.notify_all()
        with contextlib.suppress(ConnectionClosed):
            for frame in socket:
                name, *rows = str(frame).split("\r\n")
                for row in rows or [""]:
                    parameters = dict(parse_qsl(row.replace("+", "%2B"), keep_blank_values=True))
                    with self._changed:
                        self.requests.append((name, parameters))
                        self._obey(socket, name, parameters)
                        self._changed.notify_all()
        with self._changed:
            for session in self.sessions.values():
                if session.socket is socket:
                    session.socket = None
            self._changed.notify_all()

    def _obey(self, socket: ServerConnection, name: str, parameters: dict[str, str]) -> None:
        match name:
            case "wsok":
                self._send(socket, "WSOK")
            case "create_session":
                self._create(socket, parameters)
            case "bind_session":
                self._bind(socket, parameters)
            case "control":
                session = next((one for one in self.sessions.values() if one.socket is socket), None)
                self._control(socket, session, parameters)
            case "heartbeat" | "":
                pass
            case _:
                self._send(socket, "ERROR,65,unknown request")

    def _create(self, socket: ServerConnection, parameters: dict[str, str]) -> None:
        if self.create_answers:
            answer = self.create_answers.pop(0)
            if answer != "-":
                self._send(socket, answer)
        elif socket.subprotocol == TOO_NEW:
            self._send(socket, "CONERR,65,Unsupported protocol version: 2.5.0")
        elif not parameters.get("LS_cid"):
            self._send(socket, "CONERR,60,no client id")
        elif not self.admits(parameters.get("LS_user", ""), parameters.get("LS_password", "")):
            self._send(socket, "CONERR,1,User/password check failed")
        else:
            session = ServerSession(f"S{next(self._numbers):06d}", parameters.get("LS_user", ""))
            session.socket = socket
            self.sessions[session.session_id] = session
            self._send(
                socket,
                self._conok(session),
                "SERVNAME,Lightstreamer HTTP Server",
                "CLIENTIP,127.0.0.1",
                "NOOP,sending set-up info",
                "CONS,unlimited",
            )

    def _conok(self, session: ServerSession) -> str:
        return f"CONOK,{session.session_id},50000,{self.keepalive_ms},{self.control_link}"

    def _bind(self, socket: ServerConnection, parameters: dict[str, str]) -> None:
        session = self.sessions.get(parameters.get("LS_session", ""))
        if self.bind_answers:
            self._send(socket, self.bind_answers.pop(0))
        elif session is None:
            self._send(socket, "CONERR,20,Session not found")
        else:
            recovery = parameters.get("LS_recovery_from")
            progress = [] if recovery is None else [f"PROG,{min(int(recovery), len(session.log))}"]
            begin = session.sent if recovery is None else int(recovery)
            session.socket, session.sent = socket, len(session.log)
            self._send(socket, self._conok(session), *progress, *session.log[begin:])

    def _control(
        self, socket: ServerConnection, session: ServerSession | None, given: dict[str, str]
    ) -> None:
        request_id = given.get("LS_reqId", "0")
        if session is None:
            self._send(socket, f"REQERR,{request_id},20,Session not found")
            return
        error = self._fault(session, given)
        if error is not None:
            self._send(socket, f"REQERR,{request_id},{error[0]},{error[1]}")
            return
        if given.get("LS_ack") != "false":
            self._send(socket, f"REQOK,{request_id}")
        sub_id = int(given.get("LS_subId", 0))
        match given.get("LS_op"):
            case "add":
                self._add(session, sub_id, Sub(given["LS_group"], given["LS_schema"].split(" ")))
            case "delete":
                del session.subs[sub_id]
                self._notify(session, f"UNSUB,{sub_id}")
            case "destroy":
                self._send(socket, "END,31,Destroy invoked by client")
                del self.sessions[session.session_id]

    def _fault(self, session: ServerSession, given: dict[str, str]) -> tuple[int, str] | None:
        """What the real server would refuse."""
        group, op = given.get("LS_group", ""), given.get("LS_op")
        if op == "delete" and int(given.get("LS_subId", 0)) not in session.subs:
            return 19, "Subscription not found"
        if op != "add":
            return None
        if group in self.request_errors:
            return self.request_errors[group]
        kind, _, rest = group.partition(":")
        is_price, is_tick = kind == "PRICE", kind == "CHART" and rest.endswith(":TICK")
        if not is_price and not is_tick:
            return 21, "Invalid group"
        if is_price and not rest.startswith(f"{session.user}:"):
            return 21, "Invalid group"
        if given.get("LS_data_adapter", "") != ("Pricing" if is_price else ""):
            return 17, "Data Adapter not found"
        if given.get("LS_mode") != ("MERGE" if is_price else "DISTINCT"):
            return 24, "Invalid mode"
        fields = (_PRICE_FIELDS if is_price else _CHART_FIELDS) - self.unknown_fields
        if not set(given["LS_schema"].split(" ")) <= fields:
            return 23, "Bad Field schema name"
        return None

    def _add(self, session: ServerSession, sub_id: int, sub: Sub) -> None:
        session.subs[sub_id] = sub
        self._notify(session, f"SUBOK,{sub_id},1,{len(sub.schema)}", f"CONF,{sub_id},unlimited,filtered")
        row = self.prices.get(sub.group)
        if row is not None and not self.is_frozen:
            self._notify(session, f"U,{sub_id},1,{sub.payload(row)}")

    def _notify(self, session: ServerSession, *lines: str) -> None:
        session.log += lines
        if session.socket is not None:
            session.sent = len(session.log)
            self._send(session.socket, *lines)

    def _send(self, socket: ServerConnection | None, *lines: str) -> None:
        if socket is not None and not self.is_silent:
            with contextlib.suppress(ConnectionClosed):
                socket.send("".join(f"{line}\r\n" for line in lines))


def token(value: str | None) -> str:
    """One field of an update as the server writes it."""
    if value is None:
        return "#"
    if not value:
        return "$"
    escaped = value.replace("%", "%25").replace("|", "%7C").replace("\r", "%0D").replace("\n", "%0A")
    return f"%{ord(escaped[0]):02X}{escaped[1:]}" if escaped[0] in "#$^" else escaped
