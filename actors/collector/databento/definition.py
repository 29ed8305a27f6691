"""Instrument definitions: tick size, contract size, and whether our own ones agree. Pure.

Offsets of the three lengths that there are (versions 1, 2, 3), checked with the recordings against databento_dbn.
"""

from __future__ import annotations

import math
import struct
from typing import Final, NamedTuple

from actors.collector.databento.layout import LATEST_NS, SCALE, UNDEF_PRICE, text

_HEAD: Final = struct.Struct("<4xIQQqqQ8xqq")
"""instrument, ts_event, ts_recv, min_price_increment, display_factor, expiration, (activation), high and low limit."""
_I64: Final = struct.Struct("<q")


class _Layout(NamedTuple):
    quantity_at: int
    currency_at: int
    symbol_at: int
    symbol_bytes: int
    class_at: int


_LAYOUTS: Final = {
    360: _Layout(88, 186, 200, 22, 325),
    400: _Layout(88, 186, 200, 71, 374),
    520: _Layout(80, 224, 238, 71, 487),
}
SPREAD_CLASSES: Final = frozenset("SMT")
"""Future spread, mixed spread, option spread."""
WRONG_SCALE: Final = 10.0
"""A tick size so many times off is a wrong unit, not a change of the contract."""


class Definition(NamedTuple):
    """What we read of one; None where it is undefined."""

    instrument_id: int
    ts_recv_ns: int
    raw_symbol: str
    instrument_class: str
    tick_size: float | None
    display_factor: float | None
    contract_size: float | None
    """`unit_of_measure_qty`: base units per contract."""
    expiration_ns: int | None
    currency: str
    high_limit: float | None
    low_limit: float | None

    @property
    def is_spread(self) -> bool:
        """Whether it is made of several contracts."""
        return self.instrument_class in SPREAD_CLASSES


def parse_definition(record: bytes | memoryview) -> Definition | None:
    """Read one record; None if it has none of the known lengths."""
    layout = _LAYOUTS.get(len(record)) or _LAYOUTS.get(len(record) - 8)
    if layout is None:
        return None
    data = bytes(record)
    instrument_id, _ts_event, ts_recv, tick, display, expiration, high, low = _HEAD.unpack_from(data)
    return Definition(
        instrument_id=instrument_id,
        ts_recv_ns=ts_recv,
        raw_symbol=text(data[layout.symbol_at : layout.symbol_at + layout.symbol_bytes]),
        instrument_class=chr(data[layout.class_at]),
        tick_size=defined(tick),
        display_factor=defined(display),
        contract_size=defined(_I64.unpack_from(data, layout.quantity_at)[0]),
        expiration_ns=expiration if expiration <= LATEST_NS else None,
        currency=text(data[layout.currency_at : layout.currency_at + 4]),
        high_limit=defined(high),
        low_limit=defined(low),
    )


def defined(price: int) -> float | None:
    """A price as a float, None if it is undefined."""
    return None if price == UNDEF_PRICE else price / SCALE


def disagreement(found: Definition, tick_size: float, contract_size: float) -> tuple[str, bool]:
    """What the venue's definition says otherwise than our catalog, empty if nothing; and whether prices are unusable.

    The tick size shows in which unit prices come: 6J quotes USD per JPY, and its tick must be 0.0000005. A tick that is
    ten times off means that every price would be wrong by a power of ten.

    Args:
        found: The venue's.
        tick_size: Ours, 0 if unknown.
        contract_size: Ours, 1 if unknown.
    """
    if tick_size and found.tick_size:
        ratio = found.tick_size / tick_size
        if not 1 / WRONG_SCALE < ratio < WRONG_SCALE:
            return (
                f"tick size {found.tick_size:g} instead of {tick_size:g}: prices come in another unit",
                True,
            )
        if not math.isclose(ratio, 1.0, rel_tol=1e-6):
            return f"tick size {found.tick_size:g} instead of {tick_size:g}", False
    quantity = found.contract_size
    if contract_size != 1.0 and quantity and not math.isclose(quantity, contract_size, rel_tol=1e-6):
        return f"contract size {quantity:g} instead of {contract_size:g}", False
    return "", False
