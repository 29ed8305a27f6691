"""What a DBN file holds: counts, sums, bars, as plain numbers in the words of the recordings' truth. Pure.

Counted from the records themselves, before anything is left out: every action T counts here, whatever schema it came
in, undefined prices are counted and not added. Prices are exact decimals, written as text.
"""

from __future__ import annotations

import collections
import datetime as dt
import struct
from decimal import Decimal
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from actors.collector.databento import layout
from actors.collector.databento.definition import Definition, parse_definition
from actors.collector.databento.layout import COLUMNS, HEADER, SCALE, UNDEF_PRICE
from actors.collector.databento.metadata import Metadata
from actors.collector.databento.runs import Run, Walk

BARS_COLUMNS: Final = "instrument_id, start_ms (minute of ts_event for trades), o,h,l,c, volume, trades"
_MINUTE_NS: Final = 60 * SCALE
_MS: Final = 1_000_000
_U64: Final = struct.Struct("<Q")
_ACTIONS: Final = frozenset({layout.TRADE, layout.MBP_1, layout.MBP_10, layout.MBO})
_OHLCV: Final = frozenset({layout.OHLCV_1S, layout.OHLCV_1M, layout.OHLCV_1H, layout.OHLCV_1D})


class Summary:
    """Counts of one file.

    Args:
        metadata: Its header, None if it is a fragment.
    """

    def __init__(self, metadata: Metadata | None) -> None:
        self.metadata = metadata
        self.records = 0
        self.types: collections.Counter[int] = collections.Counter()
        self.sizes: set[tuple[int, int]] = set()
        self.actions: collections.Counter[str] = collections.Counter()
        self.flags: collections.Counter[int] = collections.Counter()
        self.undefined: collections.Counter[str] = collections.Counter()
        self.sides: collections.Counter[str] = collections.Counter()
        self.instruments: collections.Counter[tuple[int, int]] = collections.Counter()
        """(instrument, day) to records."""
        self.definitions: list[Definition] = []
        self.ohlcv: list[list[Any]] = []
        self.kinds: collections.Counter[str] = collections.Counter()
        """Messages that came of it, by kind."""
        self.rejects: dict[str, int] = {}
        self.ignored: dict[str, int] = {}
        self._has_actions = False
        self._n = self._volume = self._notional = 0
        self._prices: list[int] = []
        self._bars: dict[tuple[int, int], list[int]] = {}
        self._rest = b""

    def add(self, data: bytes) -> None:
        """Count records back to back; one that is cut off waits for the next call."""
        walk = Walk(self._rest + data if self._rest else data)
        for run in walk.runs():
            self._run(run)
        self._rest = b"" if walk.is_broken else walk.rest

    def _run(self, run: Run) -> None:
        count = len(run)
        self.records += count
        self.types[run.rtype] += count
        self.sizes.add((run.rtype, run.size_bytes))
        if run.rtype in COLUMNS and run.size_bytes == COLUMNS[run.rtype].itemsize:
            rows = np.frombuffer(run.data, COLUMNS[run.rtype])
            index = "ts_recv" if run.rtype in _ACTIONS else "ts_event"
            self._count_instruments(rows["instrument"], rows[index])
            if run.rtype in _ACTIONS:
                self._has_actions = True
                self._prints(rows)
            elif run.rtype in _OHLCV:
                self.ohlcv += [_ohlcv(row) for row in rows.tolist()]
            return
        for at in range(0, len(run.data), run.size_bytes):
            record = run.data[at : at + run.size_bytes]
            instrument = HEADER.unpack_from(record)[3]
            found = parse_definition(record) if run.rtype == layout.DEFINITION else None
            if found is not None:
                self.definitions.append(found)
            self.instruments[instrument, _day(_index_ns(run.rtype, record))] += 1

    def _count_instruments(self, ids: npt.NDArray[np.uint32], times: npt.NDArray[np.uint64]) -> None:
        days = times // np.uint64(86_400 * SCALE)
        pairs = np.stack([ids.astype(np.uint64), days], axis=1)
        values, counts = np.unique(pairs, axis=0, return_counts=True)
        for (instrument, day), count in zip(values.tolist(), counts.tolist(), strict=True):
            self.instruments[instrument, _day(day * 86_400 * SCALE)] += count

    def _prints(self, rows: npt.NDArray[Any]) -> None:
        for value, count in _counted(rows["action"]):
            self.actions[chr(value)] += count
        for value, count in _counted(rows["flags"]):
            self.flags[value] += count
        undefined = rows["price"] == UNDEF_PRICE
        for value, count in _counted(rows["action"][undefined]):
            self.undefined[chr(value)] += count
        trades = rows[(rows["action"] == layout.TRADE_ACTION) & ~undefined]
        if not len(trades):
            return
        columns = ("instrument", "ts_event", "price", "size", "side")
        for instrument, ts_event, price, size, side in trades[list(columns)].tolist():
            self._n += 1
            self._volume += size
            self._notional += price * size
            self._prices = [self._prices[0] if self._prices else price, price]
            self.sides[chr(side)] += size
            key = instrument, ts_event // _MINUTE_NS * _MINUTE_NS // _MS
            bar = self._bars.setdefault(key, [price, price, price, price, 0, 0])
            bar[1], bar[2], bar[3] = max(bar[1], price), min(bar[2], price), price
            bar[4] += size
            bar[5] += 1

    def to_dict(self) -> dict[str, Any]:
        """One JSON-able document; what a file has nothing of is left out."""
        found: dict[str, Any] = {"venue": "databento"}
        metadata = self.metadata
        if metadata is None:
            found["fragment_without_metadata"] = True
        else:
            found |= {
                "dbn_version": metadata.version,
                "dataset": metadata.dataset,
                "schema": metadata.schema,
                "stype_in": metadata.stype_in,
                "stype_out": metadata.stype_out,
                "symbols": metadata.symbols,
                "limit": metadata.limit,
                "start": metadata.start_ns,
                "end": metadata.end_ns,
            }
        found |= {
            "records": self.records,
            "records_by_rtype": {str(number): count for number, count in self.types.items()},
            "record_sizes": [list(pair) for pair in sorted(self.sizes)],
            "rows_by_symbol": self._rows_by_symbol(),
        }
        if self._has_actions:
            found |= {
                "actions": dict(self.actions),
                "flags": {str(value): count for value, count in self.flags.items()},
                "undefined_prices": dict(self.undefined),
            }
        if self._n:
            found["trades"] = {
                "n": self._n,
                "volume": self._volume,
                "vwap": str(Decimal(self._notional) / SCALE / self._volume) if self._volume else None,
                "first_price": _decimal(self._prices[0]),
                "last_price": _decimal(self._prices[1]),
                "volume_by_side": dict(self.sides),
            }
            found["bars_by_ts_event"] = [
                [*key, *(_decimal(price) for price in bar[:4]), *bar[4:]]
                for key, bar in sorted(self._bars.items())
            ]
            found["bars_columns"] = BARS_COLUMNS
        if self.ohlcv:
            found["ohlcv_records"] = sorted(self.ohlcv, key=lambda row: row[:2])
        if self.definitions:
            found["definition"] = _definition(self.definitions[0])
        if self._rest:
            found["bytes_cut_off"] = len(self._rest)
        return found | {
            "by_kind": dict(sorted(self.kinds.items())),
            "rejects": dict(sorted(self.rejects.items())),
            "ignored": dict(sorted(self.ignored.items())),
        }

    def _rows_by_symbol(self) -> dict[str, int]:
        names = {found.instrument_id: found.raw_symbol for found in self.definitions}
        rows: collections.Counter[str] = collections.Counter()
        for (instrument, day), count in self.instruments.items():
            name = symbol_on(self.metadata, instrument, day) or names.get(instrument)
            if name:
                rows[name] += count
        return dict(rows)


def symbol_on(metadata: Metadata | None, instrument: int, day: int) -> str:
    """Name of an instrument on a day (like 20240701), as the header maps it; empty if it does not."""
    number = str(instrument)
    for name, intervals in metadata.mappings.items() if metadata else ():
        for interval in intervals:
            if interval.symbol == number and interval.first_day <= day < max(
                interval.end_day, interval.first_day + 1
            ):
                return name
    return ""


def _day(ts_ns: int) -> int:
    if ts_ns > layout.LATEST_NS:
        return 0
    moment = dt.datetime.fromtimestamp(ts_ns // SCALE, dt.UTC)
    return moment.year * 10_000 + moment.month * 100 + moment.day


def _index_ns(rtype: int, record: memoryview) -> int:
    """`ts_recv` where there is one: it is what Databento files records by."""
    at = 32 if rtype in (layout.BBO_1S, layout.BBO_1M) else HEADER.size
    if rtype == layout.MAPPING or len(record) < at + _U64.size:
        at = 8
    return int(_U64.unpack_from(record, at)[0])


def _counted(values: npt.NDArray[Any]) -> list[tuple[int, int]]:
    found, counts = np.unique(values, return_counts=True)
    return list(zip(found.tolist(), counts.tolist(), strict=True))


def _decimal(price: int) -> str:
    return format((Decimal(price) / SCALE).normalize(), "f")


def _ohlcv(row: tuple[Any, ...]) -> list[Any]:
    return [row[3], row[4] // _MS, *(_decimal(price) for price in row[5:9]), row[9]]


def _definition(found: Definition) -> dict[str, Any]:
    expiration = found.expiration_ns
    moment = dt.datetime.fromtimestamp(expiration // SCALE, dt.UTC) if expiration is not None else None
    return {
        "raw_symbol": found.raw_symbol,
        "instrument_class": found.instrument_class,
        "min_price_increment": _text(found.tick_size),
        "unit_of_measure_qty": _text(found.contract_size),
        "expiration": str(moment) if moment else None,
        "currency": found.currency,
        "display_factor": _text(found.display_factor),
        "high_limit_price": _text(found.high_limit),
        "low_limit_price": _text(found.low_limit),
    }


def _text(value: float | None) -> str | None:
    return None if value is None else repr(value)
