"""TLCP 2.4.0, Lightstreamer's text protocol over WebSocket: requests as text, lines of the server as tuples. Pure.

IG refuses clients that speak 2.5.0 (`CONERR,65`), so the subprotocol says 2.4.0. A request is its name, CR LF, and
parameters `k=v&k=v` with percent-encoded values; a frame of the server holds one or more lines, each a tag and its
arguments between commas. As in the official clients what stands behind the last CR LF of a frame is a line too: no
line goes on in the next frame. Sources: the TLCP specification and what lightstreamer-client-lib 1.0.3 puts on the wire.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, NamedTuple
from urllib.parse import quote, unquote, urlsplit

from actors.collector.outcomes import Ignored, Reject

SUBPROTOCOL: Final = "TLCP-2.4.0.lightstreamer.com"
PATH: Final = "/lightstreamer"
CLIENT_ID: Final = "mgQkwtwdysogQz2BJ4Ji kOj2Bg"
"""What clients that are not the vendor's own present themselves with."""
HELLO: Final = "wsok"
HEARTBEAT: Final = "heartbeat\r\n\r\n"
_LONGEST_NUMBER: Final = 18
_LONGEST_TEXT: Final = 200


class WsOk(NamedTuple):
    """`WSOK`: the server takes requests on this socket."""


class Begun(NamedTuple):
    """`CONOK`: a session was created or bound."""

    session_id: str
    request_limit_bytes: int
    keepalive_ms: int
    """The server writes at least one line so often."""
    control_link: str
    """Host to bind the session at, without a scheme; `*`: where it was created."""


class Refused(NamedTuple):
    """`CONERR`: no session, for this reason."""

    code: int
    text: str


class Ended(NamedTuple):
    """`END`: the server closed the session."""

    code: int
    text: str


class Loop(NamedTuple):
    """`LOOP`: the session goes on when it is bound anew after a pause."""

    delay_ms: int


class Sync(NamedTuple):
    """`SYNC`: seconds since the session began, by the server."""

    elapsed_s: int


class Alive(NamedTuple):
    """`PROBE`, `NOOP`, `SERVNAME`, `CLIENTIP`, `CONS`: only a sign of life."""


class RequestTaken(NamedTuple):
    """`REQOK`: a request was taken."""

    request_id: int


class RequestRefused(NamedTuple):
    """`REQERR`: a request was refused; id 0: the server does not say which (`ERROR`)."""

    request_id: int
    code: int
    text: str


class Subscribed(NamedTuple):
    """`SUBOK`, `SUBCMD`: a subscription has begun."""

    sub_id: int
    items: int
    fields: int


class Unsubscribed(NamedTuple):
    """`UNSUB`: a subscription has ended."""

    sub_id: int


class Update(NamedTuple):
    """`U`: new values of an item's fields, see `updates`."""

    sub_id: int
    item: int
    """1-based."""
    payload: str


class Cleared(NamedTuple):
    """`CS`: what was known of an item counts no longer."""

    sub_id: int
    item: int


class Overflow(NamedTuple):
    """`OV`: the server lost updates of an item."""

    sub_id: int
    item: int
    lost: int


class Noted(NamedTuple):
    """`CONF`, `EOS`, `MSGDONE`, ...: a data notification that says nothing to us; recovery counts it all the same."""


class Progress(NamedTuple):
    """`PROG`: notifications before the first one that follows, in the recovery of a session."""

    begin: int


Line = (
    WsOk
    | Begun
    | Refused
    | Ended
    | Loop
    | Sync
    | Alive
    | RequestTaken
    | RequestRefused
    | Subscribed
    | Unsubscribed
    | Update
    | Cleared
    | Overflow
    | Noted
    | Progress
    | Ignored
    | Reject
)
COUNTED: Final = (Update, Subscribed, Unsubscribed, Cleared, Overflow, Noted)
"""Data notifications: both sides count them from the begin of a session on, and recovery goes by that count."""


class Subscription(NamedTuple):
    """What to subscribe to."""

    mode: str
    """MERGE or DISTINCT."""
    group: str
    """Names of items, separated by blanks."""
    schema: str
    """Names of fields, separated by blanks."""
    adapter: str = ""
    """Data adapter; empty: the default one."""


def request(name: str, **parameters: str | int) -> str:
    """Text of a request; values are encoded here."""
    return f"{name}\r\n" + "&".join(
        f"LS_{key}={quote(str(value), safe='')}" for key, value in parameters.items()
    )


def create_session(user: str, password: str, cause: str) -> str:
    """Ask for a new session. Diffs are negotiated away: IG does not use them."""
    return request(
        "create_session", user=user, password=password, cid=CLIENT_ID, supported_diffs="", cause=cause
    )


def bind_session(session_id: str, cause: str, recovery_from: int | None = None) -> str:
    """Go on with a session on this socket.

    Args:
        session_id: Of `CONOK`.
        cause: For the server's log.
        recovery_from: Data notifications received so far, if the socket before broke; None after a LOOP.
    """
    recovery = {} if recovery_from is None else {"recovery_from": recovery_from}
    return request("bind_session", session=session_id, **recovery, cause=cause)


def subscribe(request_id: int, sub_id: int, wanted: Subscription) -> str:
    """Begin a subscription, with a snapshot; answered by SUBOK or REQERR."""
    adapter = {"data_adapter": wanted.adapter} if wanted.adapter else {}
    return request(
        "control",
        reqId=request_id,
        op="add",
        subId=sub_id,
        mode=wanted.mode,
        group=wanted.group,
        schema=wanted.schema,
        **adapter,
        snapshot="true",
        ack="false",
    )


def unsubscribe(request_id: int, sub_id: int) -> str:
    """End a subscription; answered by UNSUB."""
    return request("control", reqId=request_id, op="delete", subId=sub_id, ack="false")


def destroy(request_id: int) -> str:
    """End the session; the server closes the socket."""
    return request("control", reqId=request_id, op="destroy", close_socket="true")


def stream_url(endpoint: str, control_link: str = "*") -> str:
    """WebSocket address of a Lightstreamer server.

    Args:
        endpoint: `http(s)://` or `ws(s)://` base address, as IG's login names it.
        control_link: Host, perhaps with port, that takes the place of the one in `endpoint`; `*`: none does.
    """
    parts = urlsplit(endpoint)
    scheme = "wss" if parts.scheme in ("https", "wss") else "ws"
    host = parts.netloc if control_link in ("", "*") else urlsplit(f"//{control_link}").netloc
    return f"{scheme}://{host}{PATH}"


def lines(frame: bytes) -> list[str]:
    """Lines of one text frame; bytes that are not UTF-8 are replaced."""
    return [line for line in frame.decode("utf-8", "replace").split("\r\n") if line]


def parse(line: str) -> Line:
    """What one line says. Never raises."""
    tag, _, rest = line.partition(",")
    reader = _READERS.get(tag)
    if reader is None:
        return Ignored(tag[:20])
    try:
        return reader(rest)
    except ValueError as fault:
        return Reject("invalid_tlcp_line", f"{line[:_LONGEST_TEXT]}: {fault}")


def _number(text: str, least: int = 0) -> int:
    digits = text.removeprefix("-")
    if not (digits.isascii() and digits.isdigit()) or len(digits) > _LONGEST_NUMBER:
        raise ValueError("not a whole number")
    number = int(text)
    if number < least:
        raise ValueError(f"less than {least}")
    return number


def _numbers(rest: str, count: int) -> list[int]:
    """The first arguments; more than is known may follow."""
    parts = rest.split(",")
    if len(parts) < count:
        raise ValueError(f"fewer than {count} arguments")
    return [_number(part) for part in parts[:count]]


def _code(rest: str) -> tuple[int, str]:
    """A code, which IG's own are below zero, and its text."""
    code, _, text = rest.partition(",")
    return _number(code, -(10**9)), unquote(text)[:_LONGEST_TEXT]


def _begun(rest: str) -> Begun:
    parts = rest.split(",")
    if len(parts) < 4 or not parts[0]:
        raise ValueError("CONOK has four arguments")
    return Begun(unquote(parts[0]), _number(parts[1], 1), _number(parts[2], 1), unquote(parts[3]))


def _update(rest: str) -> Update:
    sub_id, item, payload = (*rest.split(",", 2), "", "")[:3]
    return Update(_number(sub_id, 1), _number(item, 1), payload)


def _request_refused(rest: str) -> RequestRefused:
    request_id, _, error = rest.partition(",")
    return RequestRefused(_number(request_id), *_code(error))


def _alive(_rest: str) -> Alive:
    return Alive()


def _noted(_rest: str) -> Noted:
    return Noted()


_READERS: Final[dict[str, Callable[[str], Line]]] = {
    "U": _update,
    "PROBE": _alive,
    "SYNC": lambda rest: Sync(*_numbers(rest, 1)),
    "NOOP": _alive,
    "SERVNAME": _alive,
    "CLIENTIP": _alive,
    "CONS": _alive,
    "WSOK": lambda _rest: WsOk(),
    "CONOK": _begun,
    "CONERR": lambda rest: Refused(*_code(rest)),
    "END": lambda rest: Ended(*_code(rest)),
    "LOOP": lambda rest: Loop(*_numbers(rest, 1)),
    "REQOK": lambda rest: RequestTaken(_number(rest) if rest else 0),
    "REQERR": _request_refused,
    "ERROR": lambda rest: RequestRefused(0, *_code(rest)),
    "SUBOK": lambda rest: Subscribed(*_numbers(rest, 3)),
    "SUBCMD": lambda rest: Subscribed(*_numbers(rest, 3)),
    "UNSUB": lambda rest: Unsubscribed(*_numbers(rest, 1)),
    "CS": lambda rest: Cleared(*_numbers(rest, 2)),
    "OV": lambda rest: Overflow(*_numbers(rest, 3)),
    "PROG": lambda rest: Progress(*_numbers(rest, 1)),
    "CONF": _noted,
    "EOS": _noted,
    "MSGDONE": _noted,
    "MSGFAIL": _noted,
}
