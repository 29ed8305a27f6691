"""Control messages of a stream connection: SUBSCRIBE and its kin, with the venue's words for what is wrong.

Pure. Shapes and error texts: Binance, "Web Socket Streams", live subscribing and unsubscribing.
"""

from __future__ import annotations

from typing import Any, Final, Protocol

import msgspec

from protocol.errors import DECODE_ERRORS

MOST_STREAMS: Final = 1024
_METHODS: Final = ("SUBSCRIBE", "UNSUBSCRIBE", "LIST_SUBSCRIPTIONS", "SET_PROPERTY", "GET_PROPERTY")


class Session(Protocol):
    """What a control message can change."""

    is_combined: bool

    @property
    def names(self) -> list[str]:
        """Streams subscribed, in order."""

    def subscribe(self, names: list[str]) -> None:
        """Add streams; known or not, twice or not."""

    def unsubscribe(self, names: list[str]) -> None:
        """Remove streams; those not subscribed are ignored."""

    def set_combined(self, is_combined: bool) -> None:
        """Want envelopes or not."""


class _Refusal(Exception):
    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code


def answer(session: Session, text: bytes, market: str) -> bytes:
    """Do what one control message asks; returns the answer to send."""
    request_id: object = None
    try:
        message = _parse(text)
        request_id = _check_id(message.get("id"), market)
        result = _act(session, message)
    except _Refusal as refusal:
        reply = {"code": refusal.code, "msg": str(refusal)}
        return msgspec.json.encode(reply if request_id is None else {**reply, "id": request_id})
    return msgspec.json.encode({"result": result, "id": request_id})


def _parse(text: bytes) -> dict[str, Any]:
    try:
        message = msgspec.json.decode(text)
    except DECODE_ERRORS:
        raise _Refusal(3, "Invalid JSON: expected value at line 1 column 1") from None
    if not isinstance(message, dict):
        raise _Refusal(2, "Invalid request: expected a map")
    return message


def _check_id(request_id: object, market: str) -> object:
    is_count = isinstance(request_id, int) and not isinstance(request_id, bool) and abs(request_id) < 1 << 63
    if market == "spot":
        if request_id is None or is_count or (isinstance(request_id, str) and len(request_id) <= 36):
            return request_id
        raise _Refusal(2, "Invalid request: request ID must be a signed 64-bit integer, a string or null")
    if is_count and isinstance(request_id, int) and request_id >= 0:
        return request_id
    raise _Refusal(2, "Invalid request: request ID must be an unsigned integer")


def _act(session: Session, message: dict[str, Any]) -> object:
    method = message.get("method")
    if method is None:
        raise _Refusal(2, "Invalid request: missing field `method` at line 1 column 1")
    match method:
        case "SUBSCRIBE":
            names = _names(message)
            if len(set(session.names) | set(names)) > MOST_STREAMS:
                raise _Refusal(2, f"Invalid request: more than {MOST_STREAMS} streams")
            session.subscribe(names)
        case "UNSUBSCRIBE":
            session.unsubscribe(_names(message))
        case "LIST_SUBSCRIPTIONS":
            return session.names
        case "SET_PROPERTY":
            session.set_combined(_property_value(message))
        case "GET_PROPERTY":
            _check_property(message, 1)
            return session.is_combined
        case _:
            wanted = ", ".join(f"`{name}`" for name in _METHODS)
            raise _Refusal(2, f"Invalid request: unknown variant `{method}`, expected one of {wanted}")
    return None


def _names(message: dict[str, Any]) -> list[str]:
    names = message.get("params")
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise _Refusal(2, "Invalid request: missing field `params` at line 1 column 1")
    return names


def _check_property(message: dict[str, Any], count: int) -> list[Any]:
    params = message.get("params")
    if not isinstance(params, list) or len(params) != count or not isinstance(params[0], str):
        raise _Refusal(2, "Invalid request: property name must be a string")
    if params[0] != "combined":
        raise _Refusal(0, "Unknown property")
    return params


def _property_value(message: dict[str, Any]) -> bool:
    value = _check_property(message, 2)[1]
    if not isinstance(value, bool):
        raise _Refusal(1, "Invalid value type: expected Boolean")
    return value
