"""A live gateway of Databento on loopback: the text protocol with its challenge, then DBN records as the test wishes.

It says what venues.md 7.6 says a gateway does: greeting, challenge, answer to the key, subscriptions, and after
`start_session` the metadata and mappings. What follows is the test's: `Session.send`, faults, ends.
"""

from __future__ import annotations

import contextlib
import hashlib
import secrets
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any, Final

import databento_dbn

from tests.support.wait import until

dbn: Any = databento_dbn
"""Its stubs take every enum for a str: without them."""
KEY: Final = "db-unittestunittestunittest12345"
DATASET: Final = "GLBX.MDP3"
FOREVER: Final = 2**64 - 1


class Session:
    """One connection of a client."""

    def __init__(self, sock: socket.socket, number: int) -> None:
        self.number = number
        self.auth: dict[str, str] = {}
        self.subscriptions: list[dict[str, str]] = []
        self.started = threading.Event()
        self._sock = sock
        self._lock = threading.Lock()

    def send(self, *records: Any) -> None:
        """Send records, made by databento_dbn or bytes already."""
        data = b"".join(record if isinstance(record, bytes) else bytes(record) for record in records)
        with self._lock:
            self._sock.sendall(data)

    def say(self, text: str) -> None:
        """One line of the text protocol."""
        self._sock.sendall(f"{text}\n".encode())

    def fin(self) -> None:
        """End cleanly."""
        with contextlib.suppress(OSError):
            self._sock.shutdown(socket.SHUT_RDWR)
        self._sock.close()

    def rst(self) -> None:
        """End with a reset."""
        self._sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._sock.shutdown(socket.SHUT_RD)  # wakes the thread that reads: the last of both to let go resets
        self._sock.close()

    def error(self, code: Any, text: str) -> None:
        """An error record."""
        self.send(dbn.ErrorMsg(time.time_ns(), text, True, code))

    def system(self, code: Any, text: str) -> None:
        """A system record."""
        self.send(dbn.SystemMsg(time.time_ns(), text, code))

    def schemas(self) -> list[str]:
        """Schemas subscribed, in order."""
        return [row["schema"] for row in self.subscriptions]

    def symbols(self) -> list[str]:
        """Every name that was asked for, once."""
        return sorted({name for row in self.subscriptions for name in row["symbols"].split(",")})


class Gateway:
    """The server.

    Args:
        instruments: What each name stands for: instrument number and raw symbol; several for a parent.
        greets: Say nothing at all after the start of a session if False.
    """

    def __init__(self, instruments: dict[str, list[tuple[int, str]]], *, greets: bool = True) -> None:
        self.instruments = instruments
        self.greets = greets
        self.key = KEY
        self.on_start: Callable[[Session], None] = lambda _session: None
        """What to send at once when a session starts, behind the mappings."""
        self.sessions: list[Session] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        self._threads: list[threading.Thread] = []
        self._spawn(self._accept)

    def session(self, number: int, deadline_s: float = 40.0) -> Session:
        """The session of this number (from 0), once it has started."""
        until(lambda: len(self.sessions) > number, deadline_s, f"session {number} at the gateway")
        found = self.sessions[number]
        assert found.started.wait(deadline_s), f"session {number} was never started"
        return found

    def close(self) -> None:
        """End everything."""
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for session in self.sessions:
            session.fin()
        for thread in self._threads:
            thread.join(5.0)

    def _spawn(self, work: Callable[..., None], *arguments: Any) -> None:
        thread = threading.Thread(target=work, args=arguments, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while True:
            try:
                sock, _ = self._listener.accept()
            except OSError:
                return
            session = Session(sock, len(self.sessions))
            self.sessions.append(session)
            self._spawn(self._serve, session, sock)

    def _serve(self, session: Session, sock: socket.socket) -> None:
        try:
            challenge = secrets.token_hex(16)
            session.say("lsg_version=0.7.2")
            session.say(f"cram={challenge}")
            with sock.makefile("rb") as lines:
                for line in lines:
                    fields = dict(part.split("=", 1) for part in line.decode().strip().split("|"))
                    if not self._answer(session, challenge, fields):
                        return
        except (OSError, ValueError):
            return

    def _answer(self, session: Session, challenge: str, fields: dict[str, str]) -> bool:
        if "auth" in fields:
            session.auth = fields
            digest = hashlib.sha256(f"{challenge}|{self.key}".encode()).hexdigest()
            if fields["auth"] != f"{digest}-{self.key[-5:]}":
                session.say("success=0|error=Authentication failed.")
                session.fin()
                return False
            session.say(f"success=1|session_id={1000 + session.number}")
        elif "schema" in fields:
            session.subscriptions.append(fields)
        elif "start_session" in fields:
            if self.greets:
                session.send(metadata(), *self._mappings(session))
                self.on_start(session)
            session.started.set()
        return True

    def _mappings(self, session: Session) -> Iterator[Any]:
        for row in session.subscriptions:
            for name in row["symbols"].split(","):
                for instrument, raw in self.instruments.get(name, []):
                    yield mapping(instrument, name, raw)


def metadata() -> bytes:
    """Header of a live stream."""
    return bytes(
        dbn.Metadata(
            dataset=DATASET, start=time.time_ns(), stype_in=None, stype_out=dbn.SType.INSTRUMENT_ID, schema=None,
            symbols=[], partial=[], not_found=[], mappings=[], version=3,
        ).encode()
    )  # fmt: skip


def mapping(instrument: int, asked: str, raw: str, stype: Any = dbn.SType.CONTINUOUS) -> Any:
    """A mapping record."""
    now_ns = time.time_ns()
    return dbn.SymbolMappingMsg(
        1, instrument, now_ns, stype, asked, dbn.SType.RAW_SYMBOL, raw, now_ns, FOREVER
    )  # fmt: skip


def trade(
    instrument: int, price: float, size: int, ts_recv_ns: int, sequence: int, *, side: str = "B", action: str = "T",
    flags: int = dbn.F_LAST,
) -> Any:  # fmt: skip
    """A record of schema trades; its event is a microsecond older than its receipt."""
    return dbn.TradeMsg(
        1, instrument, ts_recv_ns - 1_000, raw_price(price), size, dbn.Action(action), dbn.Side(side), 0, ts_recv_ns,
        flags, 100, sequence,
    )  # fmt: skip


def quote(
    instrument: int, bid: float, ask: float, ts_recv_ns: int, sequence: int, *, sizes: tuple[int, int] = (5, 6),
    flags: int = dbn.F_LAST, action: str = "A",
) -> Any:  # fmt: skip
    """A record of schema mbp-1."""
    level = dbn.BidAskPair(raw_price(bid), raw_price(ask), *sizes, 1, 2)
    return dbn.MBP1Msg(
        1, instrument, ts_recv_ns - 1_000, raw_price(bid), 5, dbn.Action(action), dbn.Side.BID, 0, ts_recv_ns, flags, 0,
        sequence, levels=level,
    )  # fmt: skip


def order(  # noqa: PLR0917 - the fields of the record
    instrument: int, order_id: int, action: str, side: str, price: float, size: int, ts_recv_ns: int, sequence: int,
    flags: int = dbn.F_LAST,
) -> Any:  # fmt: skip
    """A record of schema mbo; a NaN price is an undefined one."""
    return dbn.MBOMsg(
        1, instrument, ts_recv_ns - 1_000, order_id, raw_price(price), size, dbn.Action(action), dbn.Side(side),
        ts_recv_ns, flags, 0, 0, sequence,
    )  # fmt: skip


def raw_price(price: float) -> int:
    """In units of 1e-9; NaN is undefined."""
    return dbn.UNDEF_PRICE if price != price else round(price * 1e9)  # noqa: PLR0124 - NaN
