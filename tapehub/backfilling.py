"""What to buy of a vendor's history, what it costs, and buying it."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import msgspec

from actors.collector.checks import venue_of
from actors.collector.databento.history import History, Order
from actors.collector.databento.plan import KEY_VARIABLE
from actors.collector.databento.settings import DatabentoSettings
from actors.collector.databento.sources import SUPPORTED
from actors.collector.databento.symbols import stype_of
from actors.collector.settings import CollectorSettings
from actors.runtime.settings import Loaded
from protocol.errors import UnknownSymbol
from protocol.instruments import Catalog
from tapehub.durations import parse_duration, parse_moment

VENUE = "databento"
CENT_USD = 0.01


class Lot(msgspec.Struct):
    """One order and what is known of it."""

    order: Order
    cost_usd: float = 0.0
    records: int = 0
    size_bytes: int = 0
    """Uncompressed."""
    path: str = ""
    """Its file; empty: it is not there yet."""
    is_new: bool = False
    """It was fetched now."""

    def to_dict(self) -> dict[str, Any]:
        """For programs."""
        order = self.order
        return {
            "dataset": order.dataset,
            "schema": order.schema,
            "symbols": list(order.symbols),
            "start_ns": order.start_ns,
            "end_ns": order.end_ns,
            "cost_usd": self.cost_usd,
            "records": self.records,
            "size_bytes": self.size_bytes,
            "path": self.path,
            "fetched": self.is_new,
        }


def settings_of(loaded: Loaded) -> DatabentoSettings:
    """Settings of the first Databento collector of the configuration; the defaults if there is none."""
    for name in loaded.common.actors:
        if name.partition(".")[0] == "collector":
            section = loaded.section(name, CollectorSettings)
            if venue_of(name, section) == VENUE:
                return section.databento
    return DatabentoSettings()


def key_of(settings: DatabentoSettings) -> str:
    """Key of the account; empty if nobody has set one."""
    return settings.api_key or os.environ.get(KEY_VARIABLE, "")


def without_key(text: str, key: str) -> str:
    """A vendor's words on one line, without our key."""
    return " ".join(text.replace(key, "***").split())


def span_of(start: str, end: str) -> tuple[int, int]:
    """Start and end in ns since 1970: moments, the end also as a length.

    Raises:
        ValueError: they are not; says what they look like.
    """
    try:
        parse_duration(start)
    except ValueError:
        start_ns = parse_moment(start, 0)
        return start_ns, parse_moment(end, start_ns)
    raise ValueError(f"{start!r} is no moment; write 2026-11-02 or 2026-11-02T14:00Z")


def orders_of(
    loaded: Loaded, settings: DatabentoSettings, names: Iterable[str], schema: str, start_ns: int, end_ns: int
) -> list[Order]:
    """One order for each data set and way to name.

    Args:
        loaded: Configuration, for the instruments.
        settings: Name the data sets.
        names: Canonical symbols or aliases of symbols.yaml, or the vendor's own names; `glbx:6E.FUT` is never a
            canonical one.
        schema: Of all of them.
        start_ns: Inclusive.
        end_ns: Exclusive.

    Raises:
        ValueError: it cannot be ordered; says why.
    """
    if schema not in SUPPORTED:
        raise ValueError(f"schema {schema!r} is none of {', '.join(SUPPORTED)}")
    catalog = Catalog(loaded.instruments)
    found: dict[tuple[str, str], list[str]] = {}
    for name in names:
        dataset, raw = _vendor_name(catalog, settings, name)
        wanted = found.setdefault((dataset, stype_of(raw)), [])
        if raw not in wanted:
            wanted.append(raw)
    orders = [Order(dataset, schema, tuple(raws), start_ns, end_ns) for (dataset, _), raws in found.items()]
    faults = list(dict.fromkeys(fault for order in orders for fault in order.faults()))
    if faults:
        raise ValueError("; ".join(faults))
    return orders


def _vendor_name(catalog: Catalog, settings: DatabentoSettings, name: str) -> tuple[str, str]:
    """(data set, raw name): what symbols.yaml says, else the name as it is, in the first data set."""
    prefix, _, rest = name.partition(":")
    if rest and prefix in settings.datasets:
        return settings.datasets[prefix], rest
    try:
        instrument = catalog.get(name)
    except UnknownSymbol:
        return next(iter(settings.datasets.values())), name
    market, _, raw = instrument.venues.get(VENUE, "").partition(":")
    if not raw:
        raise ValueError(f"{instrument.symbol} has no name at databento in symbols.yaml")
    if market not in settings.datasets:
        raise ValueError(
            f"databento.datasets names no data set for the market {market} of {instrument.symbol}"
        )
    return settings.datasets[market], raw


class Purchase:
    """Some orders at the historical service.

    Args:
        key: Of the account.
        gateway: Address; empty: Databento's own.
        folder: Where files go.
        orders: What is wanted.

    Raises:
        HistoryError: the key or the address cannot be.
    """

    def __init__(self, key: str, gateway: str, folder: Path, orders: Iterable[Order]) -> None:
        self._history = History(key, gateway)
        self._folder = folder
        self._orders = list(orders)

    def priced(self) -> list[Lot]:
        """What each costs; one whose file is there costs nothing.

        Raises:
            HistoryError: the service refuses or cannot be reached.
        """
        lots = []
        for order in self._orders:
            path = self._folder / order.file_name
            if path.is_file():
                lots.append(Lot(order, path=str(path)))
            else:
                price = self._history.price(order)
                lots.append(Lot(order, price.cost_usd, price.records, price.size_bytes))
        return lots

    def fetch(self, lot: Lot) -> Path:
        """Buy one, at no more than its price (the service is asked once more, and rounds).

        Raises:
            TooExpensive: it costs more than it did; nothing was spent.
            HistoryError: the service refuses or cannot be reached.
        """
        return self._history.fetch(lot.order, self._folder, lot.cost_usd + CENT_USD)
