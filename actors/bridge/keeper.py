"""Keeps the mirror: frames in, messages of the stream out, each once and in order. The journal is the buffer.

    OPENING     a thread connects and asks the stream how far it is; from there on everything is pulled
    MIRRORING   frames go out as they come, so many under way at a time; the stream confirms them in order
    FAILED      a cut line, a refusal, a confirmation that does not come: after a pause it is opened again

There is one way back from every failure, the same as at the start. What was under way may be in the stream or not: it is the
stream that is asked. Each message names number and name of the one that the stream must have before it: what an older line of
ours still brings there is refused once the new one has written, or the new one is refused and asks again. The number alone would
not do: where another line has written something else, it could fit by chance to a message whose predecessor was refused.
"""

from __future__ import annotations

import collections
import logging
import select
import time
from collections.abc import Callable
from typing import Any, Final

from actors.bridge.opening import Opened, Opening
from actors.bridge.settings import BridgeSettings
from actors.bridge.window import Window
from actors.runtime.actor import Actor
from actors.runtime.intake import Intake
from protocol.consumer import Hole, Orphans
from protocol.errors import HubError
from protocol.nats import headers, jetstream, mirror
from protocol.nats.connection import Connection
from protocol.nats.faults import NatsLost
from protocol.nats.wire import Delivered
from protocol.record import Frame, RecordKind
from protocol.replay import Position

FIRST_PAUSE_S: Final = 0.25
LOG_EVERY: Final = 20
"""Failed attempts between two lines about the same trouble."""
TICK_NS: Final = 1_000_000_000
HEADER_BYTES: Final = 320
"""Room that our headers need besides the frame, at most."""
NO_SUBJECT: Final = "its topic is no NATS subject"
TOO_LARGE: Final = "larger than the NATS server takes (max_payload)"

log = logging.getLogger(__name__)


class Keeper:
    """Keeps one stream filled.

    Args:
        actor: For the loop, threads and clocks.
        opening: Connects.
        topics: Prefixes of what is mirrored.
    """

    def __init__(self, actor: Actor, opening: Callable[[Intake], Opening], topics: list[str]) -> None:
        self.state = "opening"
        self.trouble = ""
        """Why nothing is mirrored, empty if something is."""
        self.counts: collections.Counter[str] = collections.Counter()
        """messages, bytes, positions, holes, orphans, failures."""
        self.opened: Opened | None = None
        self.window: Window | None = None
        self._actor = actor
        self._settings: BridgeSettings = actor.settings
        self._topics = topics
        self._connection: Connection | None = None
        self._acks = 0
        self._reply = self._last_name = ""
        self._subjects: dict[str, str] = {}
        self._max_bytes = 0
        self._is_flushing = self._is_opening = False
        self._told: dict[str, Position] = {}
        self._told_ns = self._ticked_ns = self._again_ns = self._confirmed_ns = 0
        self._pause_s = FIRST_PAUSE_S
        self.intake: Intake = actor.consume(
            self._take, None, topics, on_hole=self._note_hole, on_orphans=self._note_orphans
        )
        self.intake.pause()
        self._opening = opening(self.intake)
        self._open()

    # what comes

    def _take(self, frame: Frame) -> None:
        if self.window is None or frame.kind == RecordKind.SNAP:
            return  # between a failure and the rewind that follows it: it will be pulled
        subject = self._subjects.get(frame.topic) or self._subject_of(frame.topic)
        publisher = frame.publisher
        if not subject or len(frame.data) > self._max_bytes:
            reason = TOO_LARGE if subject else NO_SUBJECT
            self._actor.drop("not_mirrored", f"{frame.topic}, {len(frame.data)} bytes: {reason}")
            self._note_hole(Hole(publisher, frame.epoch, frame.seq, frame.seq, reason))
            return
        self._send(subject, frame.data, f"{publisher}:{frame.epoch}:{frame.seq}")
        self.counts["messages"] += 1
        self.counts["bytes"] += len(frame.data)

    def _subject_of(self, topic: str) -> str:
        try:
            subject = mirror.subject_of(self._settings.subjects, topic)
        except ValueError:
            return ""
        self._subjects[topic] = subject
        return subject

    def _note_hole(self, hole: Hole) -> None:
        """Nobody can have these any more: whoever reads the mirror is told so, in their place."""
        log.error("records %d to %d of %s/%d are not in the mirror: %s", hole.first_seq, hole.last_seq,
                  hole.publisher, hole.epoch, hole.reason)  # fmt: skip
        self.counts["holes"] += 1
        if self.window is not None:
            subject = f"{self._settings.subjects}.{mirror.HOLE}.{hole.publisher}"
            self._send(subject, mirror.encode_hole(self._actor.name, hole), self._own_name(mirror.HOLE))

    def _note_orphans(self, orphans: Orphans) -> None:
        """A power cut took these from their publisher's journal; the mirror has those of its topics, and keeps them."""
        self.counts["orphans"] += orphans.last_seq - orphans.first_seq + 1
        log.warning("records %d to %d of %s/%d are gone from their journal: what the mirror has of them is more than that",
                    orphans.first_seq, orphans.last_seq, orphans.publisher, orphans.epoch)  # fmt: skip

    # what goes

    def _send(
        self, subject: str, data: bytes, name: str, positions: dict[str, Position] | None = None
    ) -> None:
        window, connection = self.window, self._connection
        if window is None or connection is None:
            return
        before = window.add(len(data), self._actor.clock.mono_ns(), positions)
        behind = f"{jetstream.EXPECTED_LAST_ID}: {self._last_name}\r\n" if self._last_name else ""
        head = (
            f"NATS/1.0\r\n{jetstream.MSG_ID}: {name}\r\n{behind}{jetstream.EXPECTED_LAST}: {before}\r\n\r\n"
        )
        self._last_name = name
        connection.publish(subject, data, f"{self._reply}{before + 1}", head.encode())
        if not self._is_flushing:
            self._is_flushing = True
            self._actor.soon(self._flush)
        if window.is_full:
            self.intake.pause()

    def _flush(self) -> None:
        self._is_flushing = False
        connection = self._connection
        if connection is not None:
            self._guarded(connection.flush)
            self._want_write()

    def _want_write(self) -> None:
        if self._connection is not None:
            self._actor.want_write(self._connection.fileno(), self._connection.unsent_bytes > 0)

    def _tell_position(self) -> None:
        """Write how far we are: everything wanted up to there has been handed to the line before this."""
        positions = self.intake.positions()
        self._told_ns = self._actor.clock.mono_ns()
        if positions == self._told:
            return
        self._told = positions
        subject = f"{self._settings.subjects}.{mirror.POSITION}.{self._actor.name}"
        said = mirror.encode_positions(self._actor.name, self._actor.clock.now_ns(), self._topics, positions)
        self.counts["positions"] += 1
        self._send(subject, said, self._own_name(mirror.POSITION), positions)

    def _own_name(self, kind: str) -> str:
        """Name of a message that is no record: unlike any other one, of whatever line or bridge."""
        behind = self.window.last_seq if self.window is not None else 0  # an empty window is false
        return f"{kind}:{self._actor.name}:{self._reply}{behind}"

    # what the server says

    def _on_readable(self) -> None:
        self._guarded(self._receive)
        self._want_write()

    def _receive(self) -> None:
        connection, window = self._connection, self.window
        if connection is None or window is None:
            return
        for message in connection.receive(self._actor.clock.mono_ns()):
            if message.sid == self._acks:
                self._confirm(message)
        if connection.refusals:
            raise NatsLost(f"{connection.server}: {connection.refusals[0]}")
        if connection.has_more:
            self._actor.soon(self._on_readable)
        if self.intake.is_paused and window.has_room:
            self.intake.resume()

    def _confirm(self, message: Delivered) -> None:
        window = self.window
        if window is None:
            return
        if not message.data and headers.decode(message.headers).status == headers.NO_RESPONDERS:
            raise NatsLost(
                f"no stream takes {self._settings.subjects}.>: it was deleted, or its server is away"
            )
        sent = window.confirm(jetstream.ack_of(message.data))
        self._confirmed_ns = self._actor.clock.mono_ns()
        self._pause_s = FIRST_PAUSE_S
        if sent.positions is not None:
            self.intake.ack(self._actor.name, sent.positions)

    def _guarded(self, work: Callable[[], None]) -> None:
        """Do something with the line; what goes wrong with it begins the way back."""
        try:
            work()
        except HubError as fault:
            self._fail(fault)

    # life

    def tick(self) -> None:
        """See to the line, say how far we are, open again what failed; call it often."""
        mono_ns = self._actor.clock.mono_ns()
        if self._connection is None:
            if not self._is_opening and mono_ns >= self._again_ns:
                self._open()
            return
        self._guarded(lambda: self._look(mono_ns))

    def _look(self, mono_ns: int) -> None:
        connection, window = self._connection, self.window
        if connection is None or window is None:
            return
        oldest_ns = window.oldest_ns()
        if oldest_ns and mono_ns - max(oldest_ns, self._confirmed_ns) > self._settings.ack_timeout_s * 1e9:
            # what has come meanwhile counts: it may be us who were stopped
            self._receive()
            if self._confirmed_ns < mono_ns:
                raise NatsLost(f"{connection.server} confirms nothing for {self._settings.ack_timeout_s:g} s")
        if mono_ns - self._told_ns >= self._settings.position_s * 1e9 and not window.is_full:
            self._tell_position()
        if mono_ns - self._ticked_ns >= TICK_NS:
            self._ticked_ns = mono_ns
            connection.tick(mono_ns)

    def _open(self) -> None:
        self.state, self._is_opening = "opening", True
        self._actor.submit(self._opening.open, self._on_open)

    def _on_open(self, result: Opened | Exception) -> None:
        self._is_opening = False
        if isinstance(result, HubError | OSError):
            self._fail(result)
            return
        if isinstance(result, Exception):
            raise result
        if self._actor.is_stopping:
            result.connection.close()
            return
        self.opened = result
        connection = self._connection = result.connection
        settings = self._settings
        self.window = Window(settings.stream, result.last_seq, settings.window, settings.window_bytes)
        self._max_bytes = connection.info.max_payload - HEADER_BYTES
        self._reply = f"{connection.inbox}.p."
        self._last_name = ""
        self._acks = connection.subscribe(f"{self._reply}*")
        self._actor.watch(connection.fileno(), self._on_readable, self._flush)
        self._told = {}
        self._confirmed_ns = self._actor.clock.mono_ns()
        if result.other:
            log.warning("%s wrote the newest position of stream %s: two bridges of one stream get in each other's way",
                        result.other, settings.stream)  # fmt: skip
        self.intake.rewind(result.positions)
        self.state = "mirroring"
        log.info("mirroring into stream %s of %s behind its message %d, as the %s say", settings.stream,
                 connection.server, result.last_seq, result.told_by)  # fmt: skip
        self.trouble = ""
        self._tell_position()
        self.intake.resume()

    def _fail(self, fault: Exception) -> None:
        self.counts["failures"] += 1
        self.state = "failed"
        self._hang_up()
        self.intake.pause()
        self._again_ns = self._actor.clock.mono_ns() + round(self._pause_s * 1e9)
        self._pause_s = min(self._pause_s * 2, self._settings.retry_cap_s)
        if str(fault) != self.trouble or self.counts["failures"] % LOG_EVERY == 0:
            log.error("nothing is mirrored, the journals keep it: %s", fault)
        self.trouble = str(fault)

    def _hang_up(self) -> None:
        connection, self._connection, self.window = self._connection, None, None
        if connection is not None:
            self._actor.unwatch(connection.fileno())
            connection.close()

    def finish(self) -> None:
        """Send what is left and wait for it to be confirmed: the process ends."""
        if self._connection is not None:
            self._tell_position()
            self._guarded(self._wait)
        self._hang_up()

    def _wait(self) -> None:
        connection, window = self._connection, self.window
        if connection is None or window is None:
            return
        poller = select.poll()
        deadline_s = time.monotonic() + self._actor.common.drain_s
        while len(window) and (left_s := deadline_s - time.monotonic()) > 0:
            connection.flush()
            poller.register(connection, select.POLLIN | (select.POLLOUT if connection.unsent_bytes else 0))
            poller.poll(left_s * 1000)
            for message in connection.receive(self._actor.clock.mono_ns()):
                if message.sid == self._acks:
                    self._confirm(message)
        if len(window):
            log.error("%d messages are not confirmed; the next start asks the stream", len(window))

    def detail(self) -> dict[str, Any]:
        """For the heartbeat."""
        window, opened = self.window, self.opened
        oldest_ns = window.oldest_ns() if window is not None else 0
        age_s = (self._actor.clock.mono_ns() - oldest_ns) / 1e9 if oldest_ns else 0.0
        return {
            "state": self.state,
            "stream": self._settings.stream,
            "topics": self._topics,
            "server": str(opened.connection.server) if opened is not None else "",
            "stored_seq": window.stored_seq if window is not None else 0,
            "unconfirmed": len(window) if window is not None else 0,
            "oldest_unconfirmed_s": round(age_s, 3),
            "is_live": self.state == "mirroring" and self.intake.is_live,
            **{
                name: self.counts[name]
                for name in ("messages", "bytes", "positions", "holes", "orphans", "failures")
            },
            **({"trouble": self.trouble} if self.trouble else {}),
        }
