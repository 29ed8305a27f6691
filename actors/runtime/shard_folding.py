"""A fold of which this instance has some of the symbols: taken over from former owners, claimed, gone on with.

As actors/runtime/folding.py, which is the same for the only instance of a kind. Nothing is heard and nothing published
before every process of an earlier term has ended and the claim is in our own journal (see `takeover` and `terms`).
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any, Final

import msgspec

from actors.runtime.actor import Actor
from actors.runtime.folding import F, Folding, Output
from actors.runtime.intake import Intake
from actors.runtime.remembering import Remembering
from actors.runtime.shard_input import ShardInput
from actors.runtime.strands import ShardMemory, Sharing, Strand, earliest, joined
from actors.runtime.takeover import Takeover
from actors.runtime.terms import Terms
from protocol.consumer import Hole
from protocol.crash import crash_point
from protocol.errors import ConfigError, HubError
from protocol.journal.former import memory_name
from protocol.record import Frame, RecordKind
from protocol.sharding import owner_of, problems_of_shards
from protocol.topics import parse_topic

LOOK_S: Final = 0.1
"""Seconds between two looks whether everybody of an earlier term has gone."""
_encode: Final = msgspec.msgpack.Encoder().encode


class ShardFolding(Folding[F]):
    """Runs a fold of some symbols in an actor; make it in `setup`, and call `drain` in `drain`.

    Args:
        actor: Whose; it publishes what comes out.
        make: An empty fold.
        sources: Kinds of the actors that are heard.
        topics: Prefixes of the topics that are wanted.
        snap_interval_s: Seconds between two memories, if they are quickly made.
        sharing: How the state is divided by symbols.

    Raises:
        ConfigError: the topology does not allow it.
    """

    def __init__(  # the base begins at once and alone: nothing of that is wanted
        self,
        actor: Actor,
        make: Callable[[], F],
        sources: Sequence[str],
        topics: Sequence[str],
        snap_interval_s: float,
        sharing: Sharing,
    ) -> None:
        names = [name for name in actor.common.actors if name.partition(".")[0] == actor.kind]
        problems = problems_of_shards(actor.common.actors, has_replay=actor.common.bus.replay)
        if problems:
            raise ConfigError(problems)
        self._actor = actor
        self._make = make
        self._sources = tuple(sources)
        self._topics = tuple(topics)
        self._sharing = sharing
        self._terms = Terms(actor.run_dir, actor.name, names)
        self._names = self._terms.now.names
        self._memory = Remembering(actor, memory_name(self._terms.now.number), snap_interval_s)
        self._publishers = [name for name in actor.common.actors if name.partition(".")[0] in sources]
        self._strands: list[Strand[F]] = []
        self._routes: dict[str, tuple[Strand[F], ...]] = {}
        self._heard: Intake | None = None
        self.fold = make()
        self._waiting_for: list[str] = []
        self._origins: list[str] = []
        self._begin()
        self._looks = actor.every(LOOK_S, self._begin)
        actor.every(min(1.0, snap_interval_s), self._snap)

    @property
    def is_live(self) -> bool:
        """Whether nothing that is known of is missing."""
        return self._heard is not None and self._heard.is_live

    def drain(self) -> None:
        """Remember: a restart, or the next owner, goes on from here."""
        if self._heard is not None:
            self._write()

    def detail(self) -> dict[str, Any]:
        """For the heartbeat: the term, whom we wait for, and what a refold has found in the journals."""
        return {
            "refolded": sum(strand.refold.repeated for strand in self._strands),
            "refold_differing": sum(strand.refold.differing for strand in self._strands),
            "shard": {
                "term": self._terms.now.number,
                "of": list(self._names),
                "symbols": sum(len(strand.symbols) for strand in self._strands),
                "strands": len(self._strands),
                "taken_from": self._origins,
                "waiting_for": self._waiting_for,
            },
        }

    def wants(self, topic: str) -> bool:
        """Whether frames of a topic are for this instance."""
        if not topic.startswith(self._topics):
            return False
        symbol = _symbol_of(topic)
        return not symbol or owner_of(symbol, self._names) == self._actor.name

    # the takeover

    def _begin(self) -> None:
        if self._heard is not None:
            self._looks.cancel()
            return
        waiting_for = self._terms.others_in_the_way()
        if waiting_for:
            if waiting_for != self._waiting_for:
                self._waiting_for = waiting_for
                self._actor.log.warning(
                    "waiting for %s to end: symbols are divided anew between %s, restart or stop it",
                    ", ".join(waiting_for),
                    ", ".join(self._names),
                )
            return
        self._waiting_for = []
        self._take_over()
        self._actor.input_type = functools.partial(ShardInput, self.wants)
        positions = earliest(self._strands, self._publishers)
        self._heard = self._actor.consume(
            self._on_frame, self._sources, self._topics, positions, on_hole=self._on_hole
        )

    def _take_over(self) -> None:
        actor = self._actor
        takeover = Takeover(
            actor.run_dir / "journal",
            actor.name,
            actor.publisher.epoch,
            self._terms.all,
            self._sharing,
            self._make,
        )
        ours = [one for one in actor.catalog.symbols if owner_of(one, self._names) == actor.name]
        self._strands = takeover.strands(ours)
        self._origins = takeover.origins
        self.fold = self._strands[0].fold  # what can be looked at until they are one
        if not takeover.is_claimed:
            crash_point("claim.before")
            self._write()
            crash_point("claim.after")
        actor.log.info(
            "term %d of %s: %d symbols, from %s",
            self._terms.now.number,
            ", ".join(self._names),
            len(ours),
            ", ".join(self._origins) or "nobody",
        )

    def _level(self) -> None:
        """Make one strand of several that know the same."""
        if self._heard is None or not any(strand.since for strand in self._strands):
            return
        reached = self._heard.positions()
        if not all(strand.is_level(reached, self._publishers) for strand in self._strands):
            return
        if len(self._strands) > 1:
            self._strands = [joined(self._strands, self._make(), self._sharing)]
            self.fold = self._strands[0].fold
            self._routes.clear()
        self._strands[0].since = {}

    # the memory

    def _snap(self) -> None:
        self._level()
        if self._heard is not None and self._memory.is_due:
            self._write()

    def _write(self) -> None:
        began_ns = self._actor.clock.mono_ns()
        reached = self._heard.positions() if self._heard is not None else {}
        pieces = [strand.piece(reached, is_rest=not number) for number, strand in enumerate(self._strands)]
        self._memory.write(_encode(ShardMemory(pieces)), began_ns)

    # frames

    def _on_frame(self, frame: Frame) -> None:
        routes = self._routes.get(frame.topic)
        if routes is None:
            routes = self._route(frame.topic)
        for strand in routes:
            if strand.since and strand.has(frame):
                continue
            try:
                output = strand.fold.apply(frame)
            except HubError as fault:
                self._actor.drop(fault.code, fault)
                continue
            self._emit(output, strand)

    def _route(self, topic: str) -> tuple[Strand[F], ...]:
        """The strands that a topic is for: none if it is another instance's."""
        symbol = _symbol_of(topic)
        if not self.wants(topic):
            found: tuple[Strand[F], ...] = ()
        elif not symbol:
            found = tuple(self._strands)
        else:
            known = [strand for strand in self._strands if symbol in strand.symbols]
            found = tuple(known or self._strands[:1])
        self._routes[topic] = found
        return found

    def publish(self, output: Output) -> None:
        """Publish what came out otherwise than by a frame."""
        for strand in self._strands[:1]:
            self._emit(output, strand)

    def _emit(self, output: Output, strand: Strand[F]) -> None:
        for topic, messages in output:
            fresh = strand.refold.new_ones(topic, messages)
            if fresh:
                self._actor.publish(topic, fresh)

    def _on_hole(self, hole: Hole) -> None:
        self._actor.counters["frames_missing"] += max(0, hole.last_seq - hole.first_seq + 1)
        self._actor.drop("bus_gap", hole)
        for strand in self._strands:
            for topic, entry in strand.fold.note_lost(hole):
                self._actor.publish(topic, [entry], RecordKind.UPSTREAM_GAP)


def _symbol_of(topic: str) -> str:
    """The symbol in a topic; empty in marks, and in what the fold is to refuse."""
    try:
        return parse_topic(topic).symbol
    except ValueError:
        return ""
