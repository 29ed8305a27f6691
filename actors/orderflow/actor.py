"""Wiring of the order-flow actor: frames of the collectors go into the fold; flows, footprints, sweeps come out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from actors.orderflow.fold import Fold
from actors.orderflow.mapping import mapping_problems
from actors.orderflow.rules import rules_of
from actors.orderflow.settings import OrderFlowSettings
from actors.runtime.actor import Actor
from actors.runtime.folding import folding_of
from protocol.errors import ConfigError

if TYPE_CHECKING:
    from actors.runtime.strands import Sharing

TOPICS: Final = ("trade.", "quote.", "book.", "gap.", "mark.")


class OrderFlow(Actor):
    """Measures who trades how much at which price, and how the best prices and the book change."""

    kind = "orderflow"
    Settings = OrderFlowSettings
    settings: OrderFlowSettings

    def setup(self) -> None:
        """Check settings and instruments, and hear the collectors."""
        rules = rules_of(self.settings, f"actors.{self.name}")
        problems = mapping_problems(self.catalog)
        if problems:
            raise ConfigError(problems)
        self._folding = folding_of(
            self,
            lambda: Fold(self.catalog, rules, self.counters),
            ["collector"],
            TOPICS,
            self.settings.snap_interval_s,
            self._sharing,
        )

    def _sharing(self) -> Sharing:
        from actors.orderflow.sharing import OrderFlowSharing  # noqa: PLC0415 - where there are several of us alone

        return OrderFlowSharing(self.catalog)

    @property
    def fold(self) -> Fold:
        """All flows."""
        return self._folding.fold

    def drain(self) -> None:
        """Remember: a restart goes on from here."""
        self._folding.drain()

    def detail(self) -> dict[str, Any]:
        """Symbols that are measured, and per publisher how far behind our clock its newest watermark is."""
        now_ns = self.clock.now_ns()
        return {
            "series": len(self.fold.series),
            **self._folding.detail(),
            "watermark_lag_s": {
                name.rstrip(b"\x00").decode(): round((now_ns - feed.newest_ns) / 1e9, 3)
                for name, feed in self.fold.feeds.items()
                if feed.newest_ns
            },
        }
