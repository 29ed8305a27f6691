"""OKX v5 over REST: the envelope of each answer, and instruments. Pure.

Every answer is `{"code":"0","msg":"","data":[..]}`, mostly with HTTP 200: only `code` tells whether it is good.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, Final

import msgspec

from actors.collector.outcomes import Reject
from actors.collector.venue import Contract
from actors.collector.venues import okx_frames as frames
from protocol.errors import DECODE_ERRORS

INSTRUMENTS_PATH: Final = "/api/v5/public/instruments"
TYPES: Final = {"spot": "SPOT", "swap": "SWAP", "futures": "FUTURES"}
"""Market to the venue's word for it."""
_GOOD: Final = ("0", 0)
_MAX_TEXT: Final = 200
_LARGEST: Final = 1e12


class InstrumentRow(msgspec.Struct, gc=False):
    """Of `instruments`; texts, since what does not apply is empty."""

    instId: str  # noqa: N815 - the venue's name
    instType: str = ""  # noqa: N815 - the venue's name
    ctVal: str = ""  # noqa: N815 - the venue's name
    ctMult: str = ""  # noqa: N815 - the venue's name
    ctType: str = ""  # noqa: N815 - the venue's name
    tickSz: str = ""  # noqa: N815 - the venue's name


class TimeRow(msgspec.Struct, gc=False):
    """Of `public/time`."""

    ts: frames.Moment


_answer: Final = frames.decoder(frames.RestAnswer)
_decode_times: Final = frames.decoder(list[TimeRow])
_decode_instruments: Final = frames.decoder(list[InstrumentRow])


def rows(body: bytes, decode: Callable[[Any], list[Any]], reason: str) -> list[Any] | Reject:
    """The data of an answer.

    Args:
        body: As it came.
        decode: Reads `data`.
        reason: Of the reject if it cannot be read.
    """
    try:
        answer: frames.RestAnswer = _answer(body)
        if answer.code not in _GOOD:
            return Reject("rest_error", f"{answer.code} {answer.msg}"[:_MAX_TEXT])
        return decode(answer.data)
    except DECODE_ERRORS as fault:
        return Reject(reason, str(fault))


def contracts(market: str, body: bytes) -> dict[str, Contract] | Reject:
    """Raw name to contract: `ctVal` times `ctMult`, base units of a linear one, USD of an inverse one. An instrument
    without a size (not listed yet) is left out.
    """
    found = rows(body, _decode_instruments, "invalid_instruments")
    if isinstance(found, Reject):
        return found
    told = {row.instId: contract for row in found if (contract := _contract(row)) is not None}
    if not told and market != "spot":
        return Reject("invalid_instruments", f"no contract among {len(found)} instruments of {market}")
    return told


def _contract(row: InstrumentRow) -> Contract | None:
    size = _positive(row.ctVal) * _positive(row.ctMult or "1")
    if not size or row.ctType not in ("linear", "inverse"):
        return None
    return Contract(size, is_inverse=row.ctType == "inverse")


def _positive(text: str) -> float:
    """A positive number; 0 for anything else."""
    try:
        number = float(text)
    except ValueError:
        return 0.0
    return number if math.isfinite(number) and 0.0 < number < _LARGEST else 0.0


def time_ns(body: bytes) -> int | Reject:
    """The venue's own time."""
    found = rows(body, _decode_times, "invalid_time")
    if isinstance(found, Reject):
        return found
    return found[0].ts * 1_000_000 if found else Reject("invalid_time", "no row")
