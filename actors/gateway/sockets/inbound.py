"""What a client says, checked: bytes of a stranger to a request, or the error that tells what is wrong with it. Pure."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from typing import Annotated, Any, Final, Literal

import msgspec

from actors.gateway.sockets.channels import (
    BOOK,
    BOOK_CONFLATE_MS,
    BOOK_DEPTH,
    CHANNELS,
    FLOW,
    NEWS,
    Channel,
)
from actors.gateway.sockets.view import Shape
from actors.gateway.sockets.wishes import ALL, Wish
from protocol.errors import InvalidRequest
from protocol.likeness import nearest
from protocol.topics import is_venue

Ident = int | str | None
OPS: Final = ("subscribe", "unsubscribe", "resume", "ping")
MAX_DEPTH: Final = 1000
MAX_CONFLATE_MS: Final = 60_000
_TIMEFRAME: Final = re.compile(r"(?:[0-9]{1,4}[smhdw]|session)\Z")


class ChannelAsk(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One channel of a subscription."""

    name: str
    symbols: list[str] = []
    """None: all."""
    venue: str = ""
    timeframes: list[str] = []
    conflate_ms: Annotated[float, msgspec.Meta(ge=0, le=MAX_CONFLATE_MS)] | None = None
    depth: Annotated[int, msgspec.Meta(ge=1, le=MAX_DEPTH)] = BOOK_DEPTH
    mode: Literal["whole", "delta"] = "whole"
    windows: list[float] = []


class Ask(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One message of a client."""

    op: str
    id: Ident = None
    channels: list[ChannelAsk] = []
    snapshot: bool = True
    n: Annotated[int, msgspec.Meta(ge=0)] = 100
    stream: str = ""
    topics: dict[str, int] = {}


_decoders: Final[dict[bool, Any]] = {True: msgspec.json.Decoder(Ask), False: msgspec.msgpack.Decoder(Ask)}
_loose: Final[dict[bool, Callable[[Any], Any]]] = {True: msgspec.json.decode, False: msgspec.msgpack.decode}
_NOT_READ: Final = (msgspec.DecodeError, UnicodeDecodeError, RecursionError, ValueError)


def read_ask(data: str | bytes) -> Ask:
    """A text (JSON) or binary (msgpack) message.

    Raises:
        InvalidRequest: it is none that we know; `details["id"]` is its id where that can be read.
    """
    is_text = isinstance(data, str)
    try:
        ask: Ask = _decoders[is_text].decode(data)
    except _NOT_READ as fault:
        text = str(fault) or "too deep"
        raise InvalidRequest(f"not a message: {text}", errors=[text], id=_id_of(data, is_text)) from fault
    if ask.op not in OPS:
        hint = _near(ask.op, OPS)
        raise InvalidRequest(
            f"unknown op {ask.op[:40]!r}{hint}; there is {', '.join(OPS)}", errors=["op"], id=ask.id
        )
    return ask


def _id_of(data: str | bytes, is_text: bool) -> Ident:
    try:
        found = _loose[is_text](data)
    except _NOT_READ:
        return None
    ident = found.get("id") if isinstance(found, dict) else None
    return ident if isinstance(ident, int | str) else None


def _near(word: str, known: Any) -> str:
    near = nearest(word[:40], known)
    return f", did you mean {near[0]!r}?" if near else ""


def channel_of(name: str) -> Channel:
    """The channel of a name.

    Raises:
        InvalidRequest: there is none.
    """
    channel = CHANNELS.get(name)
    if channel is None:
        near = nearest(name[:40], CHANNELS, n=3)
        raise InvalidRequest(
            f"unknown channel {name[:40]!r}{_near(name, CHANNELS)}; there is {', '.join(CHANNELS)}",
            errors=["channels"],
            suggestions=near,
        )
    return channel


def wishes_of(asks: list[ChannelAsk], resolve: Callable[[str], str], limit: int) -> dict[Wish, Shape]:
    """What a subscription wants.

    Args:
        asks: Its channels.
        resolve: Any spelling of a symbol to the canonical one; raises UnknownSymbol.
        limit: Most wishes.

    Raises:
        InvalidRequest, UnknownSymbol: it cannot be had.
    """
    if not asks:
        raise InvalidRequest('no channels: name some, {"channels":[{"name":"quotes"}]}', errors=["channels"])
    found: dict[Wish, Shape] = {}
    for ask in asks:
        channel = channel_of(ask.name)
        shape = _shape_of(ask, channel)
        _check(ask, channel)
        symbols = [ALL if symbol == ALL else resolve(symbol) for symbol in ask.symbols or [ALL]]
        if channel.name == NEWS:
            wanted = () if ALL in symbols else tuple(sorted(set(symbols)))
            shape, symbols = shape._replace(symbols=wanted), [ALL]
        if len(found) + len(symbols) * max(1, len(ask.timeframes)) > limit:
            raise InvalidRequest(
                f"more than {limit} subscriptions: use '*', or several connections", errors=["channels"]
            )
        for symbol in symbols:
            for timeframe in ask.timeframes or [""]:
                found[Wish(channel.name, symbol, ask.venue, timeframe)] = shape
    return found


def _shape_of(ask: ChannelAsk, channel: Channel) -> Shape:
    if channel.name == BOOK:
        if ask.mode == "delta":
            return Shape()
        conflate_ms = BOOK_CONFLATE_MS if ask.conflate_ms is None else ask.conflate_ms
        return Shape(conflate_ns=round(conflate_ms * 1e6), depth=ask.depth)
    windows = tuple(sorted(set(ask.windows))) if channel.name == FLOW else ()
    if ask.conflate_ms and channel.key is None:
        raise InvalidRequest(
            f"{channel.name} are never conflated: leave conflate_ms out", errors=["channels.conflate_ms"]
        )
    return Shape(conflate_ns=round((ask.conflate_ms or 0) * 1e6), windows=windows)


def _check(ask: ChannelAsk, channel: Channel) -> None:
    if ask.venue and not is_venue(ask.venue):
        raise InvalidRequest(f"{ask.venue[:40]!r} is not a venue", errors=["channels.venue"])
    if ask.timeframes and not channel.has_timeframe:
        raise InvalidRequest(f"{channel.name} have no timeframes", errors=["channels.timeframes"])
    for timeframe in ask.timeframes:
        if not _TIMEFRAME.match(timeframe):
            raise InvalidRequest(
                f"{timeframe[:40]!r} is not a timeframe: 1s, 1m, 5m, 1h, 1d, session",
                errors=["channels.timeframes"],
            )
    if any(not math.isfinite(window) for window in ask.windows):
        raise InvalidRequest("a window is not a length in seconds", errors=["channels.windows"])


def unwished(asks: list[ChannelAsk], wishes: Any, resolve: Callable[[str], str]) -> dict[Wish, Shape]:
    """What is left of a client's wishes; a part that is not named stands for all.

    Raises:
        InvalidRequest, UnknownSymbol: what is named does not exist.
    """
    left = dict(wishes)
    for ask in asks:
        channel = channel_of(ask.name)
        symbols = {ALL if symbol == ALL else resolve(symbol) for symbol in ask.symbols or [ALL]}
        for wish in list(left):
            is_meant = (
                wish.channel == channel.name
                and (channel.name == NEWS or ALL in symbols or wish.symbol in symbols)
                and ask.venue in ("", wish.venue)
                and (not ask.timeframes or wish.timeframe in ask.timeframes)
            )
            if is_meant:
                del left[wish]
    return left
