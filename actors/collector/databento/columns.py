"""Long runs of mbp-1 records of one instrument, column by column instead of row by row. Pure.

Only what is plain is taken: one symbol, all times defined, nothing doubted. Everything else goes the way of single
records, which says the same (a test compares them).
"""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from actors.collector.databento.layout import (
    COLUMNS,
    F_LAST,
    F_MAYBE_BAD_BOOK,
    FORMATS,
    LATEST_NS,
    MBP_1,
    SCALE,
    TRADE_ACTION,
    UNDEF_PRICE,
)
from actors.collector.databento.runs import Run
from protocol.messages import Quote

if TYPE_CHECKING:
    from actors.collector.databento.records import Records
    from actors.collector.databento.symbols import Target

FEW: Final = 64
"""Shorter runs are not worth columns."""


def take_quotes(records: Records, run: Run, ts_recv_ns: int) -> bool:
    """Take a run; False (and nothing done) if it is not plain."""
    if len(run) < FEW or run.size_bytes != FORMATS[MBP_1].size or records.sources.quotes != MBP_1:
        return False
    rows = np.frombuffer(run.data, COLUMNS[MBP_1])
    targets = records.symbols.targets.get(int(rows["instrument"][0]), ())
    if len(targets) != 1 or targets[0].is_withheld or not _is_plain(rows):
        return False
    target = targets[0]
    found = _quotes(records, target, rows, ts_recv_ns)
    if records.sources.trades == MBP_1:
        _with_trades(records, target, run, rows, found)
    else:
        records.emit_all(found)
    records.saw(int(rows["ts_recv"].max()))
    return True


def _is_plain(rows: Any) -> bool:
    return bool(
        (rows["instrument"] == rows["instrument"][0]).all()
        and 0 < rows["ts_recv"].min() <= rows["ts_recv"].max() <= LATEST_NS
        and 0 < rows["ts_event"].min() <= rows["ts_event"].max() <= LATEST_NS
        and not (rows["flags"] & F_MAYBE_BAD_BOOK).any()
    )


def _quotes(records: Records, target: Target, rows: Any, ts_recv_ns: int) -> list[Quote | None]:
    """One for each row, None where the event goes on or a side is missing."""
    bid, ask = rows["bid_px"], rows["ask_px"]
    is_last = rows["flags"] & F_LAST != 0
    has_both = (bid != UNDEF_PRICE) & (ask != UNDEF_PRICE) & (bid > 0) & (ask > 0)
    one_sided = int((is_last & ~has_both).sum())
    if one_sided:
        records.dropped["one_sided_quote"] += one_sided
    places = np.flatnonzero(is_last & has_both)
    if not len(places):
        return [None] * len(rows)
    rows = rows[places]
    received = rows["ts_recv"].astype(np.int64)
    # each id is its ts_recv, or one more than the one before
    steps = np.arange(len(received))
    first = np.maximum(received - steps, target.quote_id + 1)
    ids = np.maximum.accumulate(first) + steps
    target.quote_id = int(ids[-1])
    size = target.contract_size
    made = map(
        Quote,
        itertools.repeat(target.symbol),
        itertools.repeat(records.venue),
        rows["ts_event"].tolist(),
        itertools.repeat(ts_recv_ns) if ts_recv_ns else received.tolist(),
        (rows["bid_px"] / SCALE).tolist(),
        (rows["ask_px"] / SCALE).tolist(),
        (rows["bid_sz"] * size).tolist(),
        (rows["ask_sz"] * size).tolist(),
        ids.tolist(),
    )
    if len(places) == len(is_last):
        return list(made)
    found: list[Quote | None] = [None] * len(is_last)
    for place, quote in zip(places.tolist(), made, strict=True):
        found[place] = quote
    return found


def _with_trades(records: Records, target: Target, run: Run, rows: Any, quotes: list[Quote | None]) -> None:
    form, start = FORMATS[MBP_1], 0
    for place in np.flatnonzero(rows["action"] == TRADE_ACTION).tolist():
        records.emit_all(quotes[start:place])
        row = form.unpack_from(run.data, place * form.size)
        records.print(target, row[4], row[5], row[6], row[8], row[11], row[13])
        start = place
    records.emit_all(quotes[start:])
