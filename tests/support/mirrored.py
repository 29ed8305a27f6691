"""A mirror compared with the journals it was made from: what is lost, doubled, out of order, or altered."""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from protocol.journal.reader import JournalReader, Outcome
from protocol.nats import headers, jetstream, mirror
from protocol.nats.ordered import Ordered
from protocol.nats.servers import Server
from protocol.nats.session import Session
from protocol.record import Frame, RecordKind, parse_frame, parse_frames

READ_BYTES = 4 * 1024 * 1024


class Mirrored(NamedTuple):
    """What a stream holds, in its order."""

    frames: list[Frame]
    holes: list[mirror.HoleNote]
    positions: list[mirror.Positions]
    misnamed: int
    """Messages whose name is not that of their frame, or whose subject is not that of its topic."""


def read_mirror(server: Server, stream: str = "TAPEHUB", prefix: str = "tapehub") -> Mirrored:
    """Read a stream from its first message to its last."""
    found = Mirrored([], [], [], 0)
    misnamed = 0
    with Session([server]) as session:
        connection = session.connection
        sid = connection.subscribe(f"{connection.inbox}.all")
        reader = Ordered(sid, connection.publish, time.monotonic_ns())
        ask = jetstream.create_consumer(stream, f"{connection.inbox}.all", 1)
        pending = jetstream.consumer_of(session.ask(ask)).num_pending
        while pending:
            for message in session.take(5.0):
                origin = reader.take(message, time.monotonic_ns())
                assert not reader.broken, reader.broken
                if origin is None:
                    continue
                pending = origin.pending
                kind = message.subject.removeprefix(prefix + ".").partition(".")[0]
                if kind == mirror.HOLE:
                    found.holes.append(mirror.decode_hole(message.data))
                elif kind == mirror.POSITION:
                    found.positions.append(mirror.decode_positions(message.data))
                else:
                    frame = parse_frame(message.data)
                    named = headers.decode(message.headers).values.get(jetstream.MSG_ID)
                    misnamed += named != mirror.msg_id(frame.publisher, frame.epoch, frame.seq)
                    misnamed += message.subject != f"{prefix}.{frame.topic}"
                    found.frames.append(frame)
            connection.flush()
    return found._replace(misnamed=misnamed)


def journalled(run_dir: Path, publisher: str, topics: Sequence[str]) -> Iterator[Frame]:
    """Records of some topics in a publisher's journal, oldest first."""
    reader = JournalReader(run_dir / "journal" / publisher, publisher)
    for epoch in reader.epochs():
        seq = 1
        while True:
            chunk = reader.read(epoch, seq, READ_BYTES)
            if chunk.outcome is Outcome.END:
                break
            assert chunk.outcome is Outcome.DATA, (publisher, epoch, chunk.outcome)
            for frame in parse_frames(bytes(chunk.frames)):
                if frame.topic.startswith(tuple(topics)) and frame.kind != RecordKind.SNAP:
                    yield frame
            seq = chunk.last + 1


class Verdict(NamedTuple):
    """What is wrong with a mirror."""

    records: int
    lost: int
    doubled: int
    out_of_order: int
    altered: int
    """Not byte for byte what the journal has, misnamed, or of nobody."""

    @property
    def is_good(self) -> bool:
        """Whether nothing is."""
        return not any(self[1:])


def compare(
    mirrored: Mirrored,
    run_dir: Path,
    publishers: Sequence[str],
    topics: Sequence[str],
    *,
    is_whole: bool = True,
) -> Verdict:
    """Hold a mirror against the journals.

    Args:
        mirrored: What the stream holds.
        run_dir: Where the journals lie.
        publishers: Whose.
        topics: Prefixes of what is mirrored.
        is_whole: It begins with the journals; otherwise each publisher with the first record that is there.
    """
    records = lost = doubled = out_of_order = altered = 0
    of: dict[str, list[Frame]] = {name: [] for name in publishers}
    for frame in mirrored.frames:
        if frame.publisher in of:
            of[frame.publisher].append(frame)
        else:
            altered += 1
    for name, found in of.items():
        there = {(frame.epoch, frame.seq): frame.data for frame in found}
        places = [(frame.epoch, frame.seq) for frame in found]
        begin = (0, 0) if is_whole or not places else places[0]
        wanted = {
            place: frame.data
            for frame in journalled(run_dir, name, topics)
            if (place := (frame.epoch, frame.seq)) >= begin
        }
        records += len(wanted)
        lost += len(wanted.keys() - there.keys())
        doubled += len(places) - len(there)
        out_of_order += sum(after < before for before, after in itertools.pairwise(places))
        altered += sum(wanted.get(place) != data for place, data in there.items())
    return Verdict(records, lost, doubled, out_of_order, altered + mirrored.misnamed)
