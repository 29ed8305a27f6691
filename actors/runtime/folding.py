"""An actor whose output is a function of what it hears: remembered in its journal, folded again after a restart.

The memory holds the state and how far each publisher is in it. A restart goes on from the newest memory and hears the
rest again; what comes out of it and is in our journal already is left out (see `refold`). So a killed process publishes
what it would have published.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Final, Generic, Protocol, TypeVar

import msgspec

from actors.runtime.actor import Actor
from actors.runtime.refold import Name, NamedRefold, Refold
from actors.runtime.remembering import Remembering
from protocol.consumer import Hole
from protocol.errors import HubError
from protocol.message import Message
from protocol.record import Frame, RecordKind
from protocol.replay import Position

if TYPE_CHECKING:
    from actors.runtime.strands import Sharing

MEMORY: Final = "fold"
Output = list[tuple[str, list[Any]]]
"""(topic, messages of one type) to publish, one frame each."""


class Fold(Protocol):
    """A function of the frames in their order, with a state. Pure."""

    def apply(self, frame: Frame) -> Output:
        """Take one frame; returns what it caused.

        Raises:
            HubError: it cannot be used; it counts as done.
        """

    def note_lost(self, hole: Hole) -> list[tuple[str, Message]]:
        """Records are gone for good; returns entries for the gap ledger, each with its topic."""

    def snapshot(self) -> bytes:
        """Everything it remembers, between two frames."""

    def restore(self, snapshot: bytes) -> None:
        """Go on from a snapshot of a fold with the same settings: the same frames give the same output.

        Raises:
            msgspec.DecodeError, ValueError, HubError: it does not fit.
        """


class FoldMemory(msgspec.Struct, array_like=True):
    """What is written into the journal now and then."""

    positions: dict[str, tuple[int, int]]
    """Publisher to the last record that is in it."""
    fold: bytes


_encode: Final = msgspec.msgpack.Encoder().encode
_memory_decoder: Final = msgspec.msgpack.Decoder(FoldMemory)
F = TypeVar("F", bound=Fold)


class Folding(Generic[F]):
    """Runs a fold in an actor; make it in `setup`, and call `drain` in `drain`.

    Args:
        actor: Whose; it publishes what comes out.
        make: An empty fold.
        sources: Kinds of the actors that are heard.
        topics: Prefixes of the topics that are wanted.
        snap_interval_s: Seconds between two memories, if they are quickly made.
        name: Of a message that comes out, for a fold in which several inputs mix: what has the name of one that is in
            our journal is not published again. Without it the output must be the same to the byte.
    """

    def __init__(
        self,
        actor: Actor,
        make: Callable[[], F],
        sources: Sequence[str],
        topics: Sequence[str],
        snap_interval_s: float,
        name: Name | None = None,
    ) -> None:
        self._actor = actor
        self._make = make
        self.fold = make()
        self._name = name
        self._refold = Refold()
        self._memory = Remembering(actor, MEMORY, snap_interval_s)
        positions = self._remember()
        self._intake = actor.consume(self._on_frame, sources, topics, positions, on_hole=self._on_hole)
        actor.every(min(1.0, snap_interval_s), self._snap)

    @property
    def is_live(self) -> bool:
        """Whether nothing that is known of is missing."""
        return self._intake.is_live

    def drain(self) -> None:
        """Remember: a restart goes on from here."""
        if not self._refold.is_under_way:
            self._write()

    def detail(self) -> dict[str, Any]:
        """For the heartbeat: outputs that a restart has found in the journal, and those that differed from it."""
        return {"refolded": self._refold.repeated, "refold_differing": self._refold.differing}

    def _remember(self) -> dict[str, Position]:
        """Go on from the memory in our own journal; returns up to where it knows each publisher."""
        # nothing that was published before we came is left out
        from_the_start = dict.fromkeys(self._actor.common.actors, Position(0, 0))
        found = self._memory.read()
        if found is None:
            # from here on: who is killed before the next memory knows what it has published since
            empty = FoldMemory({}, self.fold.snapshot())
            self._memory.write(_encode(empty), self._actor.clock.mono_ns())
            return from_the_start
        try:
            kept = _memory_decoder.decode(found.data)
            self.fold.restore(kept.fold)
        except (msgspec.DecodeError, ValueError, HubError) as fault:
            # other settings, an instrument that is gone: what was published stays, the rest begins anew
            self._actor.log.warning("the memory in the journal does not fit, it begins anew: %s", fault)
            self.fold = self._make()
            return from_the_start
        self._refold = NamedRefold(found.after, self._name) if self._name else Refold(found.after)
        known = {name: Position(*position) for name, position in kept.positions.items()}
        return {**from_the_start, **known}

    def _snap(self) -> None:
        if self._memory.is_due and not self._refold.is_under_way:
            self._write()

    def _write(self) -> None:
        """Write what is remembered into our own journal, with how far it knows each publisher."""
        began_ns = self._actor.clock.mono_ns()
        kept = FoldMemory(dict(self._intake.positions()), self.fold.snapshot())
        self._memory.write(_encode(kept), began_ns)

    def _on_frame(self, frame: Frame) -> None:
        try:
            output = self.fold.apply(frame)
        except HubError as fault:
            self._actor.drop(fault.code, fault)
            return
        self.publish(output)

    def publish(self, output: Output) -> None:
        """Publish what came out, by a frame or otherwise; not again what a restart finds in the journal."""
        for topic, messages in output:
            fresh = self._refold.new_ones(topic, messages)
            if fresh:
                self._actor.publish(topic, fresh)

    def _on_hole(self, hole: Hole) -> None:
        self._actor.counters["frames_missing"] += max(0, hole.last_seq - hole.first_seq + 1)
        self._actor.drop("bus_gap", hole)
        for topic, entry in self.fold.note_lost(hole):
            self._actor.publish(topic, [entry], RecordKind.UPSTREAM_GAP)


def folding_of(
    actor: Actor,
    make: Callable[[], F],
    sources: Sequence[str],
    topics: Sequence[str],
    snap_interval_s: float,
    sharing: Callable[[], Sharing],
) -> Folding[F]:
    """Runs a fold whose symbols may be divided between several instances.

    Args:
        actor: See `Folding`, as the following.
        make: An empty fold.
        sources: Who is heard.
        topics: What is wanted.
        snap_interval_s: Seconds between two memories.
        sharing: How its state is divided; called only where it is.
    """
    names = [name for name in actor.common.actors if name.partition(".")[0] == actor.kind]
    if len(names) == 1 and not (actor.run_dir / "shards" / actor.kind).is_dir():
        return Folding(actor, make, sources, topics, snap_interval_s)
    from actors.runtime.shard_folding import ShardFolding  # noqa: PLC0415 - the only instance pays nothing for it

    return ShardFolding(actor, make, sources, topics, snap_interval_s, sharing())
