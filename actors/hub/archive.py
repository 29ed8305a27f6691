"""Asks the store for the part of an answer that the hub does not keep, while the hub goes on answering. Pure."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from actors.hub.history import Outcome
from actors.hub.past import Plan
from protocol.errors import HubUnreachable, Overloaded
from protocol.requests import Reply, Request

MAX_UNDER_WAY: Final = 8
"""Questions to the store at once: each holds a thread and a reading transaction."""
Ask = Callable[[Request, float, Callable[[Reply | Exception], None]], None]


class Archive:
    """The way to the persistence actor.

    Args:
        ask: Asks it in the background; None: there is none.
        settle: Makes the reply of a plan and what the store said.
        is_up: Whether the persistence actor that stores a kind is alive, as far as is known.
        timeout_s: How long to wait for it.
    """

    def __init__(
        self,
        ask: Ask | None,
        settle: Callable[[Plan, Outcome], bytes],
        is_up: Callable[[str], bool],
        timeout_s: float,
    ) -> None:
        self._ask = ask
        self._settle = settle
        self._is_up = is_up
        self._timeout_s = timeout_s
        self._under_way = 0
        self.asked = 0
        """Questions put to the store."""

    def fetch(self, plan: Plan, reply: Callable[[bytes], None]) -> None:
        """Get what a plan lacks and reply; at once where the store cannot be asked."""
        if self._ask is None or plan.ask is None:
            reply(self._settle(plan, None))
        elif not self._is_up(plan.kind):
            reply(
                self._settle(plan, HubUnreachable("the store is down: no heartbeat of the persistence actor"))
            )
        elif self._under_way >= MAX_UNDER_WAY:
            reply(self._settle(plan, Overloaded(f"{MAX_UNDER_WAY} questions to the store are under way")))
        else:
            self._under_way += 1
            self.asked += 1
            self._ask(plan.ask, self._timeout_s, lambda outcome: self._on_outcome(plan, outcome, reply))

    def _on_outcome(self, plan: Plan, outcome: Reply | Exception, reply: Callable[[bytes], None]) -> None:
        self._under_way -= 1
        reply(self._settle(plan, outcome))
