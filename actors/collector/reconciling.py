"""Gaps that others still hold open and this collector does not know: announced in records that its journal has lost.

That happens when a disk is full and the process ends before there is room again. The ledger belongs to the collector,
so it asks the hub now and then, and ends what it cannot account for: what was missing then, later gaps cover.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final

import msgspec
from msgspec.structs import replace

from actors.collector.questions import Questions
from actors.runtime.actor import Actor
from protocol.errors import DECODE_ERRORS, HubError
from protocol.messages import Gap
from protocol.record import RecordKind
from protocol.requests import Reply, Request
from protocol.topics import market_topic

INTERVAL_S: Final = 5.0
TIMEOUT_S: Final = 2.0
OPEN_STATES: Final = ("open", "filling")
REASON: Final = "announced in records that the collector's journal lost; later gaps cover what was missing"

_gaps: Final = msgspec.msgpack.Decoder(list[Gap])


def forgotten(gaps: Iterable[Gap], publisher: str, epoch: int, knows: Callable[[str], bool]) -> list[Gap]:
    """The gaps of earlier epochs of a publisher that it does not know, ended.

    Args:
        gaps: What others hold open.
        publisher: Name.
        epoch: Its epoch now.
        knows: Whether a gap id is known to it.
    """
    found = []
    for gap in gaps:
        prefix, _, number = gap.gap_id.rpartition("-")
        owner, _, its_epoch = prefix.rpartition("-")
        is_older = owner == publisher and number.isdigit() and its_epoch.isdigit() and int(its_epoch) < epoch
        if is_older and gap.state in OPEN_STATES and not knows(gap.gap_id):
            end_ns = gap.to_ts_ns or gap.from_ts_ns
            found.append(replace(gap, state="unfillable", to_ts_ns=end_ns, reason=REASON))
    return found


class Reconciling:
    """Asks the hub, and announces the end of what nobody accounts for.

    Args:
        actor: The collector.
        venue: Whose gaps.
        knows: Whether a gap id is known to the ledger here.
    """

    def __init__(self, actor: Actor, venue: str, knows: Callable[[str], bool]) -> None:
        self._actor = actor
        self._venue = venue
        self._knows = knows
        self._is_asking = False
        self._hub = Questions(actor, "hub")

    def tick(self) -> None:
        """Ask for what is open; call it each `INTERVAL_S`."""
        if not self._hub or self._is_asking:
            return
        self._is_asking = True
        wanted = [Request(op="gaps", venue=self._venue, args={"state": state}) for state in OPEN_STATES]
        self._hub.ask(wanted, TIMEOUT_S, self._on_answers)

    def _on_answers(self, replies: list[Reply] | Exception) -> None:
        self._is_asking = False
        if isinstance(replies, HubError):
            return  # no hub: it asks again
        if isinstance(replies, Exception):
            raise replies
        actor = self._actor
        for reply in replies:
            if not reply.ok:
                continue
            try:
                gaps = _gaps.decode(reply.data)
            except DECODE_ERRORS as fault:
                actor.drop("bad_gaps", fault)
                continue
            for gap in forgotten(gaps, actor.name, actor.publisher.epoch, self._knows):
                actor.counters["gaps_reconciled"] += 1
                topic = market_topic(gap.KIND, gap.venue, gap.symbol)
                actor.publish(topic, [gap], RecordKind.UPSTREAM_GAP)
