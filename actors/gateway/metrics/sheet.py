"""One page of metrics while it is written: finite values, counters that do not go down. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple

from prometheus_client.core import Metric

from actors.gateway.metrics.catalogue import ALIASES, FAMILIES, PREFIX, Family
from actors.gateway.metrics.series import Register, Series
from actors.gateway.metrics.values import label, number

MAX_FAULTS: Final = 5
_FAMILIES: Final = {name.removeprefix(PREFIX): family for name, family in FAMILIES.items()}


class Row(NamedTuple):
    """One line of the page."""

    suffix: str
    """Of the metric's name: `_bucket`."""
    labels: dict[str, str]
    text: str
    """The labels as they stand on the page."""
    value: float


class Histogram(NamedTuple):
    """Upper ends of the buckets to cumulated counts, the last one `+Inf`, and the sum of all values."""

    series: Series
    buckets: list[tuple[str, float]]
    total: float


class Sheet:
    """Takes values, gives families.

    Args:
        register: What outlives the page.
    """

    def __init__(self, register: Register) -> None:
        self._register = register
        self._rows: dict[str, dict[Series, float]] = {}
        self._histograms: dict[str, list[Histogram]] = {}
        self._lives: dict[Series, int] = {}
        self.faults: list[str] = []
        """Values that were none, the first few."""

    def put(self, name: str, value: object, *labels: object, life: int = 0) -> None:
        """Take a value.

        Args:
            name: Metric of the catalogue, without the prefix.
            value: None leaves it out; what is no finite number (or a counter below 0) is a fault.
            labels: In the order of the catalogue.
            life: Epoch of a counter's actor: it does not go down while that is the same.
        """
        if value is None:
            return
        family = _FAMILIES[name]
        found = number(value)
        if found is None or (found < 0.0 and family.kind == "counter"):
            if len(self.faults) < MAX_FAULTS:
                self.faults.append(f"{name}{[label(one) for one in labels]}: {repr(value)[:40]}")
            return
        series = self._register.series(family, labels)
        rows = self._rows.setdefault(name, {})
        before = rows.get(series)
        if before is not None:
            found = before + found if family.fold == "sum" else max(before, found)
        rows[series] = found
        if life:
            self._lives[series] = life

    def put_histogram(
        self, name: str, buckets: Iterable[tuple[str, float]], total: float, *labels: object
    ) -> None:
        """Take a histogram; see `Histogram`."""
        series = self._register.series(_FAMILIES[name], labels)
        self._histograms.setdefault(name, []).append(Histogram(series, list(buckets), total))

    def families(self) -> Iterator[tuple[Family, list[Row]]]:
        """All metrics that have a value, in the order of the catalogue."""
        for family in FAMILIES.values():
            source = ALIASES.get(family.name, family.name).removeprefix(PREFIX)
            rows = self._buckets(source) if family.kind == "histogram" else self._values(family, source)
            if rows:
                yield family, rows

    def _values(self, family: Family, source: str) -> list[Row]:
        rows = self._rows.get(source, {})
        if family.kind != "counter":
            return [Row("", one.labels, one.text, value) for one, value in rows.items()]
        lives = self._lives
        return [
            Row("", one.labels, one.text, one.raised(lives.get(one, 0), value)) for one, value in rows.items()
        ]

    def _buckets(self, source: str) -> list[Row]:
        found = []
        for series, buckets, total in self._histograms.get(source, ()):
            inner = series.text[1:-1] + "," if series.text else ""
            found += [
                Row("_bucket", {**series.labels, "le": end}, f"{{{_with_le(inner, end)}}}", count)
                for end, count in buckets
            ]
            found.append(Row("_count", series.labels, series.text, buckets[-1][1]))
            found.append(Row("_sum", series.labels, series.text, total))
        return found

    def metrics(self) -> Iterator[Metric]:
        """The same for prometheus-client."""
        for family, rows in self.families():
            metric = Metric(base_of(family), family.help, family.kind)
            for suffix, labels, _, value in rows:
                metric.add_sample(family.name + suffix, labels, value)
            yield metric


def base_of(family: Family) -> str:
    """Name of the metric where a counter has no `_total`."""
    return family.name.removesuffix("_total") if family.kind == "counter" else family.name


def _with_le(inner: str, end: str) -> str:
    """The labels of a bucket, in order of their names: `le` stands before `route`."""
    return f'le="{end}",{inner}'.rstrip(",")
