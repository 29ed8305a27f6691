"""Reads a mirror: the frames of a topic pattern in the order of the stream, over cut lines and restarts. Blocks.

Whoever reads keeps the number of the last message that came; whatever happens to line, server or consumer, a new consumer
begins behind it. What the stream has dropped meanwhile shows in the frames' own numbers.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

from protocol.errors import FrameError, HubError, HubTimeout, HubUnreachable, NoData
from protocol.nats import jetstream, mirror
from protocol.nats.dialling import TlsFiles
from protocol.nats.faults import STREAM_NOT_FOUND, NatsGarbled, NatsRefused
from protocol.nats.jetstream import StreamState
from protocol.nats.login import Login
from protocol.nats.ordered import Ordered
from protocol.nats.servers import Server
from protocol.nats.session import Session
from protocol.record import Frame, parse_frame
from protocol.topics import subscription

FIRST_PAUSE_S: Final = 0.1
PAUSE_CAP_S: Final = 5.0
TAIL_S: Final = 30.0
"""Longest time to read the newest messages of all topics."""
AT_ONCE: Final = 32
"""Topics whose newest messages are read at one time."""
WIDER: Final = 8
"""So many times more is looked through where the newest messages were too few."""


class Place(NamedTuple):
    """Where a mirror is, and who wants to read it."""

    servers: Sequence[Server]
    stream: str
    prefix: str
    login: Login
    tls: TlsFiles
    timeout_s: float


class MirrorReader:
    """Frames of one topic pattern.

    Args:
        place: Of the mirror.
        topic: A prefix (`trade.binance.`), or an exact topic with a `$` behind it.
    """

    def __init__(self, place: Place, topic: str) -> None:
        self.bad_frames = 0
        """Messages of the stream that are no frames of ours."""
        self.last_fault = ""
        self.reconnects = 0
        self._place = place
        self._wanted = subscription(topic)
        self._filter = mirror.filter_of(place.prefix, topic)
        self._session: Session | None = None
        self._reader: Ordered | None = None
        self._seq = 0
        """Of the last message that came, or was passed by."""
        self._pause_s = FIRST_PAUSE_S
        self._again_s = 0.0
        self._hung_up = threading.Event()

    def open(self) -> StreamState:
        """Connect, and stand at the end of the stream; `take` brings what comes behind it.

        Raises:
            HubUnreachable: no server answers.
            NoData: there is no such stream.
            HubError: the server refuses.
        """
        state = self._connect()
        self._seq = state.last_seq
        return state

    def take(self, timeout_s: float) -> list[Frame]:
        """The next frames; waits for the first, or for a line that is cut to be there again.

        Raises:
            Unauthorized, ProtocolMismatch: connecting anew is of no use.
        """
        session, reader = self._session, self._reader
        if session is None:
            self._reconnect(timeout_s)
            return []
        try:
            if reader is None or reader.broken:
                reader = self._begin(session)
            found = self._take(session, reader, timeout_s)
            reader.tick(time.monotonic_ns())
        except (HubUnreachable, HubTimeout, NatsRefused, NatsGarbled, NoData) as fault:
            self._hang_up(fault)
            return []
        return found

    def _take(self, session: Session, reader: Ordered, timeout_s: float) -> list[Frame]:
        found = []
        for message in session.take(timeout_s):
            origin = reader.take(message, time.monotonic_ns())
            if origin is None:
                continue
            self._seq = origin.stream_seq
            frame = self._frame(message.subject, message.data)
            if frame is not None:
                found.append(frame)
        session.connection.flush()
        return found

    def _frame(self, subject: str, data: bytes) -> Frame | None:
        """A frame that is wanted."""
        if not mirror.topic_of(self._place.prefix, subject):
            return None
        try:
            frame = parse_frame(data)
        except FrameError as fault:
            self.bad_frames += 1
            self.last_fault = f"{subject}: {fault}"
            return None
        return frame if data.startswith(self._wanted) else None

    # the line

    def _connect(self) -> StreamState:
        place = self._place
        session = Session(place.servers, place.login, place.tls, "tapehub reader", place.timeout_s)
        try:
            state = self._state(session)
        except BaseException:
            session.close()
            raise
        self._session, self._reader = session, None
        self._pause_s = FIRST_PAUSE_S
        return state

    def _state(self, session: Session) -> StreamState:
        stream = self._place.stream
        try:
            return jetstream.stream_of(session.ask(jetstream.stream_info(stream))).state
        except NatsRefused as fault:
            if fault.number != STREAM_NOT_FOUND:
                raise
            raise NoData(
                f"{session.connection.server} has no stream {stream}: is the bridge running, and is that its `stream`?"
            ) from None

    def _begin(self, session: Session) -> Ordered:
        """A consumer behind the last message that came."""
        connection = session.connection
        old = self._reader
        if old is not None:
            connection.unsubscribe(old.sid)
        inbox = f"{connection.inbox}.r.{self._seq}.{time.monotonic_ns()}"
        sid = connection.subscribe(inbox)
        reader = self._reader = Ordered(sid, connection.publish, time.monotonic_ns())
        ask = jetstream.create_consumer(self._place.stream, inbox, self._seq + 1, self._filter)
        jetstream.consumer_of(session.ask(ask))
        return reader

    def _reconnect(self, timeout_s: float) -> None:
        left_s = self._again_s - time.monotonic()
        if left_s > 0:
            self._hung_up.wait(min(left_s, timeout_s))
            return
        try:
            state = self._connect()
        except (HubUnreachable, HubTimeout, NatsRefused, NatsGarbled, NoData) as fault:
            self._hang_up(fault)
            return
        self.reconnects += 1
        if (
            state.last_seq < self._seq
        ):  # made anew, or set back by a power cut: all of it, doubles are known by their numbers
            self._seq = 0

    def _hang_up(self, fault: HubError) -> None:
        self.last_fault = str(fault)
        self.close()
        self._again_s = time.monotonic() + self._pause_s
        self._pause_s = min(self._pause_s * 2, PAUSE_CAP_S)

    def close(self) -> None:
        """Close the line."""
        session, self._session, self._reader = self._session, None, None
        if session is not None:
            session.close()

    # the newest messages

    def tails(self, state: StreamState, is_enough: Callable[[list[Frame]], bool]) -> dict[str, list[Frame]]:
        """Of each topic its newest frames, oldest first, as many as are enough or as the stream has.

        Args:
            state: What `open` told.
            is_enough: Whether these newest frames of a topic are.

        Raises:
            HubError: the stream cannot be read.
        """
        session = self._session
        if session is None:
            raise HubUnreachable("not connected")
        found: dict[str, list[Frame]] = {}
        spans = {
            subject: self._first_span(state, count)
            for subject, count in self._subjects(session).items()
            if f"{mirror.topic_of(self._place.prefix, subject)}\0".encode().startswith(self._wanted)
        }
        while spans:
            chosen = dict(list(spans.items())[:AT_ONCE])
            for subject, frames in self._read_back(session, state, chosen).items():
                span = spans.pop(subject)
                if is_enough(frames) or state.last_seq - span < state.first_seq:
                    if frames:
                        found[frames[0].topic] = frames
                else:
                    spans[subject] = span * WIDER
        return dict(sorted(found.items()))

    @staticmethod
    def _first_span(state: StreamState, count: int) -> int:
        return max(64, 64 * max(1, state.messages) // max(1, count))

    def _subjects(self, session: Session) -> dict[str, int]:
        """Subjects of the filter, and how many messages each has."""
        found: dict[str, int] = {}
        while True:
            ask = jetstream.stream_info(self._place.stream, self._filter, len(found))
            page = jetstream.stream_of(session.ask(ask)).state.subjects or {}
            found |= page
            if len(page) < jetstream.SUBJECTS_PAGE:
                break
        return {
            subject: count for subject, count in found.items() if mirror.topic_of(self._place.prefix, subject)
        }

    def _read_back(
        self, session: Session, state: StreamState, spans: dict[str, int]
    ) -> dict[str, list[Frame]]:
        """Frames of each subject within so many of the newest messages of the stream."""
        connection = session.connection
        readers: dict[int, tuple[str, Ordered]] = {}
        questions = []
        for number, (subject, span) in enumerate(spans.items()):
            inbox = f"{connection.inbox}.t.{number}.{time.monotonic_ns()}"
            sid = connection.subscribe(inbox)
            readers[sid] = (subject, Ordered(sid, connection.publish, time.monotonic_ns()))
            begin = max(state.first_seq, state.last_seq - span, 1)
            questions.append(jetstream.create_consumer(self._place.stream, inbox, begin, subject))
        answers = [jetstream.consumer_of(answer) for answer in session.ask_all(questions)]
        found: dict[str, list[Frame]] = {subject: [] for subject in spans}
        open_sids = {sid for sid, answer in zip(readers, answers, strict=True) if answer.num_pending}
        deadline_s = time.monotonic() + TAIL_S
        while open_sids:
            left_s = deadline_s - time.monotonic()
            if left_s <= 0:
                raise HubTimeout(f"reading back {self._filter} takes too long", timeout_s=TAIL_S)
            for message in session.take(left_s):
                if message.sid not in open_sids:
                    continue
                subject, reader = readers[message.sid]
                origin = reader.take(message, time.monotonic_ns())
                if reader.broken:
                    raise NatsGarbled(f"reading back {subject}: {reader.broken}")
                if origin is None:
                    continue
                frame = self._frame(message.subject, message.data)
                if frame is not None:
                    found[subject].append(frame)
                if not origin.pending:
                    open_sids.discard(message.sid)
        for sid in readers:
            connection.unsubscribe(sid)
        return found
