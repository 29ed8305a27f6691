"""Reads PromQL as Prometheus does, and knows which labels a result has: an expression over what is not there is refused."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import promql_parser as promql

TARGET = frozenset(("job", "instance"))
"""Labels that Prometheus adds to every series that it scrapes."""
OF_COUNTERS = ("rate", "irate", "increase")
OF_GAUGES = ("delta", "deriv", "predict_linear", "max_over_time", "min_over_time", "avg_over_time", "changes")
SETS = ("and", "or", "unless")
Labels = frozenset[str]


class Wrong(AssertionError):
    """An expression that Prometheus would take, and that could never show anything."""


class Reader:
    """Checks expressions against the metrics there are.

    Args:
        labels: Sample name to its labels, of everything that is scraped.
        counters: Those that only grow.
    """

    def __init__(self, labels: Mapping[str, Labels], counters: frozenset[str]) -> None:
        self._labels = {"up": frozenset[str](), **labels}
        self._counters = counters
        self.used: set[str] = set()

    def labels_of(self, text: str) -> Labels:
        """Labels of the result.

        Raises:
            ValueError: it is no PromQL.
            Wrong: it names what is not there.
        """
        return self._of(promql.parse(text)) or frozenset()

    def _of(self, node: Any) -> Labels | None:
        """Labels of a vector; None for numbers and texts."""
        match node:
            case promql.VectorSelector():
                return self._selector(node)
            case promql.MatrixSelector():
                return self._selector(node.vector_selector)
            case promql.Call():
                return self._call(node)
            case promql.AggregateExpr():
                return self._aggregate(node)
            case promql.BinaryExpr():
                return self._binary(node)
            case promql.ParenExpr() | promql.UnaryExpr() | promql.SubqueryExpr():
                return self._of(node.expr)
        return None

    def _selector(self, node: Any) -> Labels:
        if node.name not in self._labels:
            raise Wrong(f"no metric {node.name}")
        self.used.add(node.name)
        found = self._labels[node.name] | TARGET
        for matcher in node.matchers.matchers:
            if matcher.name not in found:
                raise Wrong(f"{node.name} has no label {matcher.name}, only {sorted(found)}")
        return found

    def _call(self, node: Any) -> Labels | None:
        name = node.func.name
        for arg in node.args:
            if isinstance(arg, promql.MatrixSelector):
                is_counter = arg.vector_selector.name in self._counters
                if is_counter != (name in OF_COUNTERS) or (not is_counter and name not in OF_GAUGES):
                    raise Wrong(f"{name}({arg.vector_selector.name}): wrong for its type")
        found = next((labels for arg in node.args if (labels := self._of(arg)) is not None), None)
        if name == "vector":
            return frozenset()
        if name == "histogram_quantile":
            if found is None or "le" not in found:
                raise Wrong("histogram_quantile of something without le")
            return found - {"le"}
        return found

    def _aggregate(self, node: Any) -> Labels:
        inner = self._of(node.expr) or frozenset()
        if node.modifier is None:
            return frozenset()
        named = frozenset(node.modifier.labels)
        if not named <= inner:
            raise Wrong(f"{sorted(named - inner)} is no label of what is aggregated, only {sorted(inner)}")
        return named if node.modifier.type == promql.AggModifierType.By else inner - named

    def _binary(self, node: Any) -> Labels | None:
        left, right = self._of(node.lhs), self._of(node.rhs)
        if left is None or right is None:
            return right if left is None else left
        if str(node.op) == "or":
            return left & right
        matching = node.modifier.matching if node.modifier is not None else None
        if matching is None:
            if left != right:
                raise Wrong(f"{sorted(left)} never match {sorted(right)}")
        elif not frozenset(matching.labels) <= left & right:
            raise Wrong(f"{matching.labels} is not a label of both sides")
        return left if str(node.op) in SETS or matching is None else frozenset(matching.labels)
