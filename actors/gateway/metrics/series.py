"""Which series there are: label values bounded, and each series remembered with its text. Pure."""

from __future__ import annotations

from typing import Any, Final

from actors.gateway.metrics.catalogue import Family
from actors.gateway.metrics.values import label

OTHER: Final = "other"
MAX_FIRST: Final = 1000
"""Values of the first label that are told apart: as many as there can be publishers."""
MAX_KNOWN: Final = 50_000
"""Labels as they came that are remembered, so that they are cleaned and admitted once."""
Labels = tuple[str, ...]


class Series:
    """One line of the page."""

    __slots__ = ("_life", "_value", "labels", "text")

    def __init__(self, family: Family, labels: Labels) -> None:
        self.labels = dict(zip(family.labels, labels, strict=True))
        text = ",".join(f'{name}="{value}"' for name, value in sorted(self.labels.items()))
        self.text = f"{{{text}}}" if text else ""
        """`{actor="hub.1"}`: what stands between name and value."""
        self._life, self._value = 0, 0.0

    def raised(self, life: int, value: float) -> float:
        """A counter, never less than it was in the same life of its actor."""
        if life != self._life or value > self._value:
            self._life, self._value = life, value
        return self._value


class Register:
    """Whoever is admitted stays, so that no series changes its name.

    Args:
        limit: Values of the further labels for each value of the first one; more are `other`.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._admitted: dict[tuple[str, str], set[Labels]] = {}
        """Metric and first label (empty: the first labels themselves) to what is told apart."""
        self._series: dict[tuple[str, Labels], Series] = {}
        self._known: dict[tuple[str, tuple[Any, ...]], Series] = {}

    def series(self, family: Family, labels: tuple[object, ...]) -> Series:
        """The series of labels as they came."""
        try:
            found = self._known.get((family.name, labels))
        except TypeError:  # a list or a map where a text is expected
            return self._clean(family, labels)
        if found is None:
            found = self._clean(family, labels)
            if len(self._known) >= MAX_KNOWN:
                self._known.clear()
            self._known[family.name, labels] = found
        return found

    def _clean(self, family: Family, labels: tuple[object, ...]) -> Series:
        cleaned = self._admit(family.name, tuple([label(one) for one in labels]))
        found = self._series.get((family.name, cleaned))
        if found is None:
            found = self._series[family.name, cleaned] = Series(family, cleaned)
        return found

    def _admit(self, name: str, labels: Labels) -> Labels:
        first, rest = labels[:1], labels[1:]
        if first and not self._is_admitted(name, "", first, MAX_FIRST):
            first = (OTHER,)
        if rest and not self._is_admitted(name, first[0], rest, self._limit):
            rest = (OTHER,) * len(rest)
        return first + rest

    def _is_admitted(self, name: str, whose: str, labels: Labels, limit: int) -> bool:
        known = self._admitted.setdefault((name, whose), set())
        if labels in known:
            return True
        if len(known) >= limit:
            return False
        known.add(labels)
        return True
