"""What is said to a client, as whole WebSocket frames: a server's frames are not masked, so all clients share them. Pure.

Version 1 as JSON text or msgpack, and the events of the old hub's `/ws`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final, NamedTuple

import msgspec

from actors.gateway.sockets.channels import Row

TEXT: Final = 0x81
BINARY: Final = 0x82
OLD_TYPES: Final = {
    "trade": "trade", "book": "orderbook", "liquidation": "liquidation", "news": "news", "alert": "alert",
}  # fmt: skip
"""Kind to the type that the old hub called it."""


class Place(NamedTuple):
    """What a message is of."""

    channel: str
    kind: str
    topic: str
    symbol: str
    venue: str
    timeframe: str = ""


class Unjoined(NamedTuple):
    """Why a snapshot and what comes live may not fit together."""

    is_behind: bool
    """Messages between them may be missing; else the first live ones may repeat rows of the snapshot."""
    hub_seq: int
    """Number, as the collector gave it (`topic_seq`), up to which the hub's answer reaches; 0: not known."""
    bus_seq: int
    """The same of the newest frame that has come here from that collector; 0: none."""


class Said(msgspec.Struct, omit_defaults=True, kw_only=True):
    """A message of version 1."""

    ch: str
    t: str
    topic: str
    symbol: str
    venue: str
    timeframe: str = ""
    seq: int
    ts_ns: int
    conflated: int = 0
    is_behind: bool = False
    is_ahead: bool = False
    hub_seq: int = 0
    bus_seq: int = 0
    data: Sequence[Row]


def frame_of(opcode: int, body: bytes) -> bytes:
    """One WebSocket frame."""
    size = len(body)
    if size < 126:
        return bytes((opcode, size)) + body
    if size < 65_536:
        return bytes((opcode, 126)) + size.to_bytes(2, "big") + body
    return bytes((opcode, 127)) + size.to_bytes(8, "big") + body


class Dialect:
    """Version 1.

    Args:
        name: json or msgpack.
        opcode: TEXT or BINARY.
        encode: Any plain value to bytes.
    """

    def __init__(self, name: str, opcode: int, encode: Callable[[Any], bytes]) -> None:
        self.name = name
        self._opcode = opcode
        self._encode = encode

    def rows(self, place: Place, t: str, seq: int, ts_ns: int, rows: Sequence[Row], count: int) -> bytes:
        """Rows of a topic; `t` is snapshot or update, `count` how many updates they stand for."""
        said = Said(
            ch=place.channel, t=t, topic=place.topic, symbol=place.symbol, venue=place.venue,
            timeframe=place.timeframe, seq=seq, ts_ns=ts_ns, conflated=count if count > 1 else 0, data=rows,
        )  # fmt: skip
        return frame_of(self._opcode, self._encode(said))

    def snapshot(
        self, place: Place, seq: int, ts_ns: int, rows: Sequence[Row], unjoined: Unjoined | None = None
    ) -> bytes:
        """What is known already of a topic; `unjoined` if it may not fit to what comes."""
        if unjoined is None:
            return self.rows(place, "snapshot", seq, ts_ns, rows, 1)
        said = Said(
            ch=place.channel, t="snapshot", topic=place.topic, symbol=place.symbol, venue=place.venue,
            timeframe=place.timeframe, seq=seq, ts_ns=ts_ns, is_behind=unjoined.is_behind,
            is_ahead=not unjoined.is_behind, hub_seq=unjoined.hub_seq, bus_seq=unjoined.bus_seq, data=rows,
        )  # fmt: skip
        return frame_of(self._opcode, self._encode(said))

    def plain(self, value: dict[str, Any]) -> bytes:
        """Anything else, it has an `op`."""
        return frame_of(self._opcode, self._encode(value))


class OldDialect(Dialect):
    """What clients of the old hub's `/ws` read: one message per event, nothing else."""

    def __init__(self) -> None:
        super().__init__("old", TEXT, msgspec.json.encode)

    def rows(self, place: Place, t: str, seq: int, ts_ns: int, rows: Sequence[Row], count: int) -> bytes:  # noqa: ARG002 - as the base
        """One message for each row."""
        found = []
        for row in rows:
            event = {
                "type": OLD_TYPES[place.kind],
                "exchange": place.venue,
                "symbol": place.symbol,
                "timestamp": row.get("ts_event_ns", ts_ns) // 1_000_000,
                "data": row,
            }
            found.append(frame_of(TEXT, msgspec.json.encode(event)))
        return b"".join(found)

    def snapshot(
        self,
        place: Place,
        seq: int,
        ts_ns: int,
        rows: Sequence[Row],
        unjoined: Unjoined | None = None,  # noqa: ARG002 - as the base
    ) -> bytes:
        """Events are all that it knows."""
        return self.rows(place, "snapshot", seq, ts_ns, rows, 1)

    def plain(self, value: dict[str, Any]) -> bytes:
        """Nothing that has an `op`: it was not known then."""
        return b"" if "op" in value else super().plain(value)


JSON: Final = Dialect("json", TEXT, msgspec.json.Encoder().encode)
MSGPACK: Final = Dialect("msgpack", BINARY, msgspec.msgpack.Encoder().encode)
OLD: Final = OldDialect()
