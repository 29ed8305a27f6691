"""What the gateway says beside the data: mappings, system and error records. Pure.

Codes of databento_dbn 0.70. Version 1 records have no code (their text is all there is); the client turns them into
version 3 before we see them, files of version 1 are read as they are.
"""

from __future__ import annotations

import struct
from typing import Final, NamedTuple

from actors.collector.databento.layout import ERROR, HEADER, MAPPING, SYSTEM, text
from actors.collector.databento.symbols import Rolled

HEARTBEAT, SUBSCRIPTION_ACK, SLOW_READER, REPLAY_COMPLETED, END_OF_INTERVAL = range(5)
SYSTEM_NAMES: Final = {
    HEARTBEAT: "heartbeat",
    SUBSCRIPTION_ACK: "subscription_ack",
    SLOW_READER: "slow_reader_warning",
    REPLAY_COMPLETED: "replay_completed",
    END_OF_INTERVAL: "end_of_interval",
}
AUTH_FAILED: Final = "auth_failed"
KEY_DEACTIVATED: Final = "api_key_deactivated"
SYMBOL_FAILED: Final = "symbol_resolution_failed"
SKIPPED: Final = "skipped_records_after_slow_reading"
AGED_OUT: Final = "replay_data_aged_out"
ERROR_NAMES: Final = {
    1: AUTH_FAILED,
    2: KEY_DEACTIVATED,
    3: "connection_limit_exceeded",
    4: SYMBOL_FAILED,
    5: "invalid_subscription",
    6: "internal_error",
    7: SKIPPED,
    8: AGED_OUT,
}
_MAPPING_V1: Final = struct.Struct("<16x22s22s4xQQ")
_MAPPING: Final = struct.Struct("<16xB71sB71sQQ")
_SYSTEM_BYTES: Final = 320
"""Of a system or error record since version 2."""
_V1_BYTES: Final = 80


class Mapped(NamedTuple):
    """An instrument was named."""

    instrument: int
    asked: str
    raw: str
    rolled: tuple[Rolled, ...] = ()


class System(NamedTuple):
    """The gateway says how it is."""

    name: str
    """One of SYSTEM_NAMES, else `other`."""
    text: str


class GatewayError(NamedTuple):
    """The gateway refuses or regrets something."""

    name: str
    """One of ERROR_NAMES, else `other`."""
    text: str


class Doubt(NamedTuple):
    """The venue says that a quote or book may be wrong; the next one that comes can be trusted again."""

    symbol: str
    kind: str
    ts_event_ns: int


class Disagreement(NamedTuple):
    """The venue defines an instrument otherwise than our catalog."""

    symbol: str
    text: str
    is_withheld: bool


def parse_control(rtype: int, record: bytes) -> Mapped | System | GatewayError | None:
    """Read a record of type MAPPING, SYSTEM or ERROR; None if it is too short to be one."""
    is_v1 = len(record) <= _V1_BYTES + 8
    if rtype == MAPPING:
        return _mapping(record, is_v1)
    if len(record) < _V1_BYTES:
        return None
    body = text(record[16:])
    if rtype == SYSTEM:
        if is_v1:
            return System("heartbeat" if body == "Heartbeat" else "other", body)
        if len(record) < _SYSTEM_BYTES:
            return None
        return System(SYSTEM_NAMES.get(record[319], "other"), text(record[16:319]))
    if rtype == ERROR:
        return GatewayError("other", body) if is_v1 else _error(record)
    return None


def _error(record: bytes) -> GatewayError | None:
    if len(record) < _SYSTEM_BYTES:
        return None
    return GatewayError(ERROR_NAMES.get(record[318], "other"), text(record[16:318]))


def _mapping(record: bytes, is_v1: bool) -> Mapped | None:
    if len(record) < _V1_BYTES:
        return None
    instrument = HEADER.unpack_from(record)[3]
    if is_v1:
        asked, raw, _start, _end = _MAPPING_V1.unpack_from(record)
    elif len(record) >= _MAPPING.size:
        _stype, asked, _stype_out, raw, _start, _end = _MAPPING.unpack_from(record)
    else:
        return None
    return Mapped(instrument, text(asked), text(raw))
