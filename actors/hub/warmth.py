"""What a hub that starts late asks for: last values of every publisher, snapshots of books that are out of step.

A publisher is asked once per epoch, when its first heartbeat is heard: whoever hears that hears everything
after it, so nothing falls between the answer and the bus.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

import msgspec

from protocol.errors import DECODE_ERRORS, FrameError, HubError, PayloadError
from protocol.record import parse_frame
from protocol.requests import Reply, Request

if TYPE_CHECKING:
    from actors.hub.books import BookSlot
    from actors.hub.sharing import Sharing
    from actors.hub.store import Store

RESTORED_KINDS: Final = (
    "quote", "trade", "bar", "feature", "flow", "footprint", "gap", "alert", "signal", "news", "liquidation",
    "sweep", "verdict",
)  # fmt: skip
"""Books are not among them: a change alone is worth nothing, they are asked for by `snap`."""
MAX_SNAPS_AT_ONCE: Final = 8

Ask = Callable[[str, list[Request], Callable[[list[Reply] | Exception], None]], None]
"""Ask an actor's `ctl` without waiting: (actor, questions, what to do with the answers)."""
_frames_decoder: Final = msgspec.msgpack.Decoder(list[bytes])


class Warmth:
    """Fills a store from what publishers remember.

    Args:
        store: Where restored frames go.
        ask: Asks another actor in the background.
        drop: Counts and logs what cannot be used.
        retry_s: Pause between two requests for the snapshot of one book.
    """

    def __init__(self, store: Store, ask: Ask, drop: Callable[[str, object], None], retry_s: float) -> None:
        self._store = store
        self._ask = ask
        self._drop = drop
        self._retry_ns = round(retry_s * 1e9)
        self._snaps = 0
        self.restored = 0
        """Frames taken over from publishers."""
        self.snaps_asked = 0

    def restore(self, publisher: str) -> None:
        """Ask a publisher for the last frame of each of its topics."""
        questions = [Request(op="last", topic=f"{kind}.") for kind in RESTORED_KINDS]
        self._ask(publisher, questions, lambda answers: self._on_last(publisher, answers))

    def _on_last(self, publisher: str, answers: list[Reply] | Exception) -> None:
        if isinstance(answers, Exception):
            self._failed("no_last_values", publisher, answers)
            return
        for reply in answers:
            if not reply.ok:
                self._drop("no_last_values", f"{publisher}: {reply.code} {reply.message}")
                continue
            try:
                frames = _frames_decoder.decode(reply.data)
            except DECODE_ERRORS as fault:
                self._drop("no_last_values", f"{publisher}: {fault}")
                continue
            for data in frames:
                self._take(data)

    def _take(self, data: bytes) -> None:
        try:
            frame = parse_frame(data)
            if frame.topic.partition(".")[0] not in RESTORED_KINDS:
                raise PayloadError(f"{frame.topic} was not asked for")
            self.restored += self._store.restore(frame)
        except FrameError as fault:
            self._drop(fault.code, fault)

    def sync_books(self, mono_ns: int) -> None:
        """Ask for a snapshot of each book that is out of step, a few at a time; call it periodically."""
        for slot in self._store.books():
            if slot.sharing is not None:
                self._sync_shared(slot, slot.sharing, mono_ns)
                continue
            if slot.is_synced or self._snaps >= MAX_SNAPS_AT_ONCE:
                continue
            if slot.asked_ns and mono_ns - slot.asked_ns < self._retry_ns:
                continue
            slot.asked_ns = mono_ns
            self._snap(slot, slot.frame.publisher)

    def _sync_shared(self, slot: BookSlot, sharing: Sharing, mono_ns: int) -> None:
        """Of several collectors every one is asked whose book is not known: any of them may die next."""
        for publisher in sharing.unknown(self._store.fits):
            asked_ns = sharing.asked_ns.get(publisher, 0)
            if self._snaps >= MAX_SNAPS_AT_ONCE or (asked_ns and mono_ns - asked_ns < self._retry_ns):
                continue
            sharing.asked_ns[publisher] = mono_ns
            self._snap(slot, sharing.frames[publisher].publisher)

    def _snap(self, slot: BookSlot, publisher: str) -> None:
        topic = slot.topic
        self._snaps += 1
        self.snaps_asked += 1
        question = Request(op="snap", symbol=topic.symbol, venue=topic.venue)
        self._ask(publisher, [question], lambda answers: self._on_snap(publisher, answers))

    def _on_snap(self, publisher: str, answers: list[Reply] | Exception) -> None:
        """The snapshot itself comes on the bus, in its place between the changes."""
        self._snaps -= 1
        if isinstance(answers, Exception):
            self._failed("no_snapshot", publisher, answers)
        elif not answers[0].ok:
            self._drop("no_snapshot", f"{publisher}: {answers[0].code} {answers[0].message}")

    def _failed(self, reason: str, publisher: str, fault: Exception) -> None:
        if not isinstance(fault, HubError):
            raise fault  # our own bug in the background thread
        self._drop(reason, f"{publisher}: {fault}")

    def counters(self) -> dict[str, int]:
        """For the heartbeat."""
        return {"frames_restored": self.restored, "snaps_asked": self.snaps_asked}
