"""How DBN records lie in bytes: sizes, fields and flags of versions 1 to 3. Pure.

Every record begins with 16 bytes: its length in words of four bytes, its type, publisher, instrument and `ts_event`.
Numbers are little-endian, prices are int64 in units of 1e-9, times are uint64 nanoseconds since 1970. Sizes as
databento_dbn 0.70 has them, and as the recordings say: trades 48 bytes, mbp-1 and bbo 80, mbp-10 368, mbo and ohlcv 56,
definition 360, 400 and 520 by version, statistics 64 and 80. A record may be longer (`ts_out` appends 8 bytes): what
follows the known fields is not looked at.
"""

from __future__ import annotations

import struct
from typing import Final

import numpy as np

UNDEF_PRICE: Final = 2**63 - 1
UNDEF_TS: Final = 2**64 - 1
LATEST_NS: Final = 4_102_444_800 * 1_000_000_000
"""Times beyond it do not fit into our messages; the undefined one is among them."""
SCALE: Final = 1_000_000_000
HEADER: Final = struct.Struct("<BBHIQ")
WORD: Final = 4

F_LAST: Final = 128
F_TOB: Final = 64
F_SNAPSHOT: Final = 32
F_MAYBE_BAD_BOOK: Final = 4

ADD, CANCEL, MODIFY, CLEAR, TRADE_ACTION = map(ord, "ACMRT")
ASK, BID, NO_SIDE = map(ord, "ABN")

TRADE: Final = 0x00
MBP_1: Final = 0x01
MBP_10: Final = 0x0A
STATUS: Final = 0x12
DEFINITION: Final = 0x13
IMBALANCE: Final = 0x14
ERROR: Final = 0x15
MAPPING: Final = 0x16
SYSTEM: Final = 0x17
STATISTICS: Final = 0x18
OHLCV_1S: Final = 0x20
OHLCV_1M: Final = 0x21
OHLCV_1H: Final = 0x22
OHLCV_1D: Final = 0x23
MBO: Final = 0xA0
BBO_1S: Final = 0xC3
BBO_1M: Final = 0xC4

TYPE_NAMES: Final = {
    TRADE: "trades",
    MBP_1: "mbp-1",
    MBP_10: "mbp-10",
    STATUS: "status",
    DEFINITION: "definition",
    IMBALANCE: "imbalance",
    ERROR: "error",
    MAPPING: "symbol-mapping",
    SYSTEM: "system",
    STATISTICS: "statistics",
    OHLCV_1S: "ohlcv-1s",
    OHLCV_1M: "ohlcv-1m",
    OHLCV_1H: "ohlcv-1h",
    OHLCV_1D: "ohlcv-1d",
    MBO: "mbo",
    BBO_1S: "bbo-1s",
    BBO_1M: "bbo-1m",
}
"""Our counters name a record type by these words, and any other one `unknown`."""
SCHEMAS: Final = (
    "mbo", "mbp-1", "mbp-10", "tbbo", "trades", "ohlcv-1s", "ohlcv-1m", "ohlcv-1h", "ohlcv-1d", "definition",
    "statistics", "status", "imbalance", "ohlcv-eod", "cmbp-1", "cbbo-1s", "cbbo-1m", "tcbbo", "bbo-1s", "bbo-1m",
)  # fmt: skip
"""Schemas by their number in the metadata header."""
STYPES: Final = (
    "instrument_id", "raw_symbol", "smart", "continuous", "parent", "nasdaq_symbol", "cms_symbol", "isin", "us_code",
    "bbg_comp_id", "bbg_comp_ticker", "figi", "figi_ticker",
)  # fmt: skip
"""Ways to name an instrument, by their number in the metadata header."""

_HEAD: Final = "BBHIQ"
_PRINT: Final = "qIBBBBQiI"
_LEVEL: Final = "qqIIII"
FORMATS: Final = {
    TRADE: struct.Struct(f"<{_HEAD}{_PRINT}"),
    MBP_1: struct.Struct(f"<{_HEAD}{_PRINT}{_LEVEL}"),
    MBP_10: struct.Struct(f"<{_HEAD}{_PRINT}{_LEVEL * 10}"),
    MBO: struct.Struct(f"<{_HEAD}QqIBBBBQiI"),
    OHLCV_1S: struct.Struct(f"<{_HEAD}qqqqQ"),
    OHLCV_1M: struct.Struct(f"<{_HEAD}qqqqQ"),
    OHLCV_1H: struct.Struct(f"<{_HEAD}qqqqQ"),
    OHLCV_1D: struct.Struct(f"<{_HEAD}qqqqQ"),
    BBO_1S: struct.Struct(f"<{_HEAD}qI4BQ4xI{_LEVEL}"),
    BBO_1M: struct.Struct(f"<{_HEAD}qI4BQ4xI{_LEVEL}"),
}
"""Types that become messages.

trades, mbp-*: length, type, publisher, instrument, ts_event, price, size, action, side, flags, depth, ts_recv,
ts_in_delta, sequence, then per level bid_px, ask_px, bid_sz, ask_sz, bid_ct, ask_ct. mbo: ..., order_id, price, size,
flags, channel, action, side, ts_recv, ts_in_delta, sequence. bbo: ..., price, size, -, side, flags, -, ts_recv,
sequence, level. ohlcv: ..., open, high, low, close, volume.
"""

_HEAD_FIELDS: Final = [
    ("length", "u1"),
    ("rtype", "u1"),
    ("publisher", "<u2"),
    ("instrument", "<u4"),
    ("ts_event", "<u8"),
]
_PRINT_FIELDS: Final = [
    ("price", "<i8"), ("size", "<u4"), ("action", "u1"), ("side", "u1"), ("flags", "u1"), ("depth", "u1"),
    ("ts_recv", "<u8"), ("ts_in_delta", "<i4"), ("sequence", "<u4"),
]  # fmt: skip
_LEVEL_FIELDS: Final = [
    ("bid_px", "<i8"), ("ask_px", "<i8"), ("bid_sz", "<u4"), ("ask_sz", "<u4"), ("bid_ct", "<u4"), ("ask_ct", "<u4"),
]  # fmt: skip
COLUMNS: Final = {
    TRADE: np.dtype(_HEAD_FIELDS + _PRINT_FIELDS),
    MBP_1: np.dtype(_HEAD_FIELDS + _PRINT_FIELDS + _LEVEL_FIELDS),
    MBP_10: np.dtype([*_HEAD_FIELDS, *_PRINT_FIELDS, ("levels", np.dtype(_LEVEL_FIELDS), (10,))]),
    MBO: np.dtype([
        *_HEAD_FIELDS, ("order_id", "<u8"), ("price", "<i8"), ("size", "<u4"), ("flags", "u1"), ("channel", "u1"),
        ("action", "u1"), ("side", "u1"), ("ts_recv", "<u8"), ("ts_in_delta", "<i4"), ("sequence", "<u4"),
    ]),
}  # fmt: skip
"""The same as columns of a whole run of records."""
for _rtype in (OHLCV_1S, OHLCV_1M, OHLCV_1H, OHLCV_1D):
    COLUMNS[_rtype] = np.dtype(
        [*_HEAD_FIELDS, ("open", "<i8"), ("high", "<i8"), ("low", "<i8"), ("close", "<i8"), ("volume", "<u8")]
    )


def text(data: bytes) -> str:
    """A field of fixed length, up to its first zero byte; what is no text is replaced."""
    return data.partition(b"\0")[0].decode("utf-8", "replace")
