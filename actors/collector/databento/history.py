"""Databento's history as DBN files in a folder: what it costs is known before it is spent.

A file is fetched once: its name says everything that was asked for, and one that is there is not paid for again. It is
whole or not there (written beside, then renamed). Read it with `dbn_file` or `decode`.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import os
import re
from pathlib import Path
from typing import Any, Final, NamedTuple

from actors.collector.databento.layout import SCALE
from actors.collector.databento.symbols import stype_of

MAX_SYMBOLS: Final = 2_000
"""Of one request."""


class HistoryError(Exception):
    """It cannot be had; says why, in the vendor's words where it is the vendor who refuses."""


class TooExpensive(HistoryError):
    """It costs more than the limit, and nobody has confirmed it."""


class Order(NamedTuple):
    """What to fetch."""

    dataset: str
    schema: str
    symbols: tuple[str, ...]
    """Raw names, all of one way to name (see `stype_of`)."""
    start_ns: int
    end_ns: int
    """Exclusive; both are compared with `ts_recv`."""

    @property
    def stype_in(self) -> str:
        """How the symbols name."""
        return stype_of(self.symbols[0])

    @property
    def file_name(self) -> str:
        """Name of its file: readable, and different for different orders."""
        asked = ",".join(self.symbols)
        names = re.sub(r"[^A-Za-z0-9.,_-]+", "_", asked)[:60]
        digest = hashlib.sha256(
            f"{self.dataset}|{self.schema}|{asked}|{self.start_ns}|{self.end_ns}".encode()
        ).hexdigest()
        start, end = (_compact(ts_ns) for ts_ns in (self.start_ns, self.end_ns))
        return f"{self.dataset}_{self.schema}_{names}_{start}_{end}_{digest[:8]}.dbn.zst".lower()

    def faults(self) -> list[str]:
        """What is wrong with it."""
        found = []
        if not self.symbols:
            found.append("name at least one symbol")
        elif len({stype_of(raw) for raw in self.symbols}) > 1:
            found.append("continuous, parent and raw symbols cannot be mixed in one request")
        if len(self.symbols) > MAX_SYMBOLS:
            found.append(f"{len(self.symbols)} symbols are more than the {MAX_SYMBOLS} of one request")
        if self.end_ns <= self.start_ns:
            found.append("it must end after it starts")
        return found


class Price(NamedTuple):
    """What an order costs."""

    cost_usd: float
    size_bytes: int
    """Uncompressed."""
    records: int

    def __str__(self) -> str:
        return f"{self.cost_usd:.2f} USD for {self.records:,} records ({self.size_bytes / 1e6:,.1f} MB)"


class History:
    """The historical service.

    Args:
        key: Of the account.
        gateway: Address; empty: Databento's own.
    """

    def __init__(self, key: str, gateway: str = "") -> None:
        import databento  # noqa: PLC0415 - half a second: only where it is fetched from

        try:
            self._client = databento.Historical(key, **({"gateway": gateway} if gateway else {}))
        except ValueError as fault:
            raise HistoryError(str(fault)) from fault
        self._faults = (databento.BentoError, OSError, ValueError)

    def price(self, order: Order) -> Price:
        """Ask what an order costs; asking is free.

        Raises:
            HistoryError: the order is wrong, or the service refuses or cannot be reached.
        """
        faults = order.faults()
        if faults:
            raise HistoryError("; ".join(faults))
        metadata, wanted = self._client.metadata, _arguments(order)
        try:
            return Price(
                float(metadata.get_cost(**wanted)),
                int(metadata.get_billable_size(**wanted)),
                int(metadata.get_record_count(**wanted)),
            )
        except self._faults as fault:
            raise HistoryError(str(fault)) from fault

    def fetch(self, order: Order, folder: Path, max_cost_usd: float, *, is_confirmed: bool = False) -> Path:
        """Have the file of an order; nothing is spent if it is there already.

        Args:
            order: What to fetch.
            folder: Where files are kept; made if it is not there.
            max_cost_usd: What may be spent without asking.
            is_confirmed: Somebody has seen the price.

        Raises:
            TooExpensive: it costs more; nothing was spent.
            HistoryError: see `price`.
        """
        path = folder / order.file_name
        if path.is_file():
            return path
        price = self.price(order)
        if price.cost_usd > max_cost_usd and not is_confirmed:
            raise TooExpensive(f"{price}: more than the limit of {max_cost_usd:.2f} USD; confirm it to go on")
        folder.mkdir(parents=True, exist_ok=True)
        part = path.with_name(f".{path.name}.{os.getpid()}")
        try:
            store = self._client.timeseries.get_range(
                **_arguments(order), stype_out="instrument_id", path=str(part)
            )
            store.reader.close()  # it has opened what it wrote; we read it our own way
            part.replace(path)
        except self._faults as fault:
            raise HistoryError(str(fault)) from fault
        finally:
            part.unlink(missing_ok=True)
        return path


def _arguments(order: Order) -> dict[str, Any]:
    return {
        "dataset": order.dataset,
        "schema": order.schema,
        "symbols": list(order.symbols),
        "stype_in": order.stype_in,
        "start": order.start_ns,
        "end": order.end_ns,
    }


def _compact(ts_ns: int) -> str:
    moment = dt.datetime.fromtimestamp(ts_ns // SCALE, dt.UTC)
    return moment.strftime("%Y%m%dT%H%M%S")
