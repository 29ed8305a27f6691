"""What an actor says of itself: heartbeats, its status, and that it has fallen behind."""

from __future__ import annotations

import logging
import os
from typing import TYPE_CHECKING, Any

from actors.runtime.hearing import Hearing
from actors.runtime.identity import host_name
from actors.runtime.speaking import Speaking
from actors.runtime.version import VERSION
from actors.runtime.vitals import drops_of, rss_bytes

if TYPE_CHECKING:
    from actors.runtime.actor import Actor


class Telling:
    """Speaks for one actor.

    Args:
        actor: Whose state, counters and status.
        hearing: What it hears.
        speaking: Where it says it.
    """

    def __init__(self, actor: Actor, hearing: Hearing, speaking: Speaking) -> None:
        self._actor = actor
        self._hearing = hearing
        self._speaking = speaking
        self._every = max(1, round(1.0 / actor.common.heartbeat_s))
        self._beats = 0
        self._started_ns = actor.clock.now_ns()

    def anew(self) -> None:
        """Say all of it at once: the state is another one."""
        self._beats = 0
        self.beat()

    def beat(self) -> None:
        """Send a heartbeat: each second a full one."""
        is_full = self._beats % self._every == 0
        self._beats += 1
        actor = self._actor
        self._look_at_lag()
        self._speaking.beat(actor.state, actor.status() if is_full else None, actor.clock.mono_ns())

    def status(self) -> dict[str, Any]:
        """What every actor has to say."""
        actor = self._actor
        return {
            "name": actor.name,
            "kind": actor.kind,
            "state": actor.state,
            "pid": os.getpid(),
            "host": host_name(),
            "version": VERSION,
            "epoch": actor.publisher.epoch,
            "seq": actor.publisher.seq,
            "uptime_s": round((actor.clock.now_ns() - self._started_ns) / 1e9, 3),
            "rss_bytes": rss_bytes(),
            "counters": {name: count for name, count in actor.counters.items() if "." not in name},
            "dropped": drops_of(actor.counters),
            "bus": self._hearing.chain(),
            **self._hearing.lagging.told(),
            "journal": self._speaking.journalling.status(),
            "config_digest": actor.config_digest,
        }

    def _look_at_lag(self) -> None:
        """Say when it falls behind what it hears, and when it has caught up."""
        actor = self._actor
        spell = self._hearing.look(actor.clock.now_ns(), actor.clock.mono_ns())
        now = self._hearing.lagging.now
        if now is not None and now.behind_s:
            actor.vitals.note_lag(round(now.behind_s * 1e9))
        if spell is not None:
            actor.counters["lagging_spells"] += not spell.is_over
            actor.log.log(logging.INFO if spell.is_over else logging.WARNING, "%s", spell)
