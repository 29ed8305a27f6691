"""From the bytes of a question to the bytes of an answer: what there is, frames by number, how far somebody got.

Reads files, knows no socket. A publisher's name never becomes a path unless it is configured or a folder of that
name is there.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Annotated, Any, Protocol, TypeVar

import msgspec

from actors.journal.fetch import Fetch, fetch
from actors.runtime.clock import Clock
from protocol.errors import HubError, InvalidRequest, NoData, ProtocolMismatch
from protocol.journal.acks import is_consumer, read_acks
from protocol.journal.disk import Disk
from protocol.journal.extents import Extents
from protocol.journal.reader import JournalReader
from protocol.journal.room import disk_room, folder_bytes
from protocol.journal.segment import JournalVersion
from protocol.replay import DATA, JournalStatus, Position
from protocol.requests import Reply, Request, decode_request, encode_reply, error_reply, operation_of, raw
from protocol.topics import is_publisher

T = TypeVar("T")
Send = Callable[[bytes], None]
"""Takes the encoded reply to one question."""


class Acknowledgements(Protocol):
    """Puts acknowledgements on the medium, and says when."""

    def note(
        self, publisher: str, consumer: str, position: Position, done: Callable[[OSError | None], None]
    ) -> None:
        """Store a position; `done` is called in the loop once it is stored, or cannot be."""


class Ack(msgspec.Struct, forbid_unknown_fields=True):
    """Arguments of an `ack`."""

    consumer: str
    publisher: str
    epoch: Annotated[int, msgspec.Meta(ge=0)]
    seq: Annotated[int, msgspec.Meta(ge=0)]


class Status(msgspec.Struct, forbid_unknown_fields=True):
    """Arguments of a `journal_status`."""

    publisher: str


class _Journal:
    """What the server keeps of one publisher between two questions."""

    def __init__(self, root: Path, publisher: str, disk: Disk) -> None:
        self.folder = root / publisher
        self.reader = JournalReader(self.folder, publisher, disk)
        self.extents = Extents(self.folder, publisher, disk)


class JournalServer:
    """Answers for all journals below one folder.

    Args:
        name: Who answers.
        epoch: Epoch of this process.
        root: Folder of the journals, one folder per publisher in it.
        configured: Publishers of the topology.
        clock: Asked for the time of the reply, and how long a scan took.
        counters: Counts of questions and of what was wrong.
        acks: Stores acknowledgements.
        disk: Instead of this machine's.
    """

    def __init__(
        self,
        name: str,
        epoch: int,
        root: Path,
        configured: Collection[str],
        clock: Clock,
        counters: Counter[str],
        acks: Acknowledgements,
        disk: Disk | None = None,
    ) -> None:
        self.root = root
        self.problems: dict[str, str] = {}
        """Publisher to the last thing that was wrong with its journal."""
        self._name = name
        self._epoch = epoch
        self._configured = frozenset(configured)
        self._clock = clock
        self._counters = counters
        self._acks = acks
        self._disk = disk or Disk()
        self._journals: dict[str, _Journal] = {}
        self._operations: dict[str, Callable[[Request, Send], None]] = {
            "journal_status": self._status,
            "fetch": self._fetch,
            "ack": self._ack,
            "ping": lambda request, send: send(self._reply(request, raw("pong"))),
        }

    def publishers(self) -> list[str]:
        """Publishers of which there is a folder."""
        return [name for name in self._disk.names(self.root) if is_publisher(name)]

    def answer(self, body: bytes, send: Send) -> None:
        """Answer one question, now or once its work is done; whatever is wrong with it is said in the reply."""
        request_id = 0
        try:
            request = decode_request(body)
            request_id = request.id
            self._dispatch(request, send)
        except HubError as refusal:
            self._refuse(request_id, refusal, send)

    def _refuse(self, request_id: int, refusal: HubError, send: Send) -> None:
        self._counters[f"refused_{refusal.code}"] += 1
        reply = error_reply(request_id, refusal, self._name, self._epoch)
        send(encode_reply(msgspec.structs.replace(reply, ts_ns=self._clock.now_ns())))

    def _dispatch(self, request: Request, send: Send) -> None:
        operation = operation_of(request, self._operations, "this journal server", self._clock.now_ns())
        self._counters[f"{request.op}_calls"] += 1
        operation(request, send)

    def _status(self, request: Request, send: Send) -> None:
        publisher = _arguments(request, Status).publisher
        journal = self._journal(publisher)
        try:
            status = JournalStatus(
                publisher=publisher,
                extents=journal.extents.look(),
                bytes=folder_bytes(journal.folder),
                free_bytes=disk_room(self.root).free_bytes,
                acks={name: (at.epoch, at.seq) for name, at in read_acks(journal.folder, self._disk).items()},
            )
        except OSError as fault:
            raise self._unreadable(publisher, fault) from fault
        send(self._reply(request, raw(status)))

    def _fetch(self, request: Request, send: Send) -> None:
        wanted = _arguments(request, Fetch)
        journal = self._journal(wanted.publisher)
        try:
            found = fetch(journal.reader, wanted, self._clock.mono_ns)
        except JournalVersion as fault:
            self._counters["fetch_newer_version"] += 1
            self.problems[wanted.publisher] = str(fault)
            raise ProtocolMismatch(str(fault)) from fault
        except OSError as fault:
            raise self._unreadable(wanted.publisher, fault) from fault
        self._counters[f"fetch_{found.outcome}"] += 1
        if found.outcome == DATA:
            self._counters["fetched_bytes"] += len(found.frames)
        elif found.outcome == "corrupt":
            self.problems[wanted.publisher] = f"{found.epoch}/{found.first} to {found.last} are damaged"
        send(self._reply(request, raw(found)))

    def _ack(self, request: Request, send: Send) -> None:
        wanted = _arguments(request, Ack)
        journal = self._journal(wanted.publisher)
        if not is_consumer(wanted.consumer):
            text = f"{wanted.consumer[:40]!r} is not a consumer's name: use 1 to 32 of a-z 0-9 . _ -"
            raise InvalidRequest(text, errors=["args.consumer"])
        if not journal.folder.is_dir():
            raise self._no_journal(wanted.publisher)

        def done(fault: OSError | None) -> None:
            if fault is None:
                send(self._reply(request, raw(True)))  # noqa: FBT003 - the answer
            else:
                self._refuse(request.id, self._unreadable(wanted.publisher, fault), send)

        self._acks.note(wanted.publisher, wanted.consumer, Position(wanted.epoch, wanted.seq), done)

    def _journal(self, publisher: str) -> _Journal:
        """The journal of a name from the wire.

        Raises:
            NoData: nobody of that name is configured or has written here.
        """
        journal = self._journals.get(publisher)
        if journal is None:
            is_known = publisher in self._configured or publisher in self.publishers()
            if not (is_publisher(publisher) and is_known):
                raise self._no_journal(publisher)
            journal = self._journals[publisher] = _Journal(self.root, publisher, self._disk)
        return journal

    def _no_journal(self, publisher: str) -> NoData:
        known = sorted({*self._configured, *self.publishers()})
        return NoData(f"no journal of {publisher[:40]!r} here; there are: {', '.join(known) or 'none'}")

    def _unreadable(self, publisher: str, fault: OSError) -> HubError:
        self._counters["disk_faults"] += 1
        self.problems[publisher] = f"the disk failed: {fault}"
        return HubError(f"the journal of {publisher} cannot be used: {fault}")

    def _reply(self, request: Request, data: msgspec.Raw) -> bytes:
        return encode_reply(
            Reply(
                id=request.id,
                ok=True,
                publisher=self._name,
                epoch=self._epoch,
                ts_ns=self._clock.now_ns(),
                data=data,
            )
        )


def _arguments(request: Request, kind: type[T]) -> T:
    """Arguments of a stranger.

    Raises:
        InvalidRequest: one is missing, of the wrong type, out of range, or unknown.
    """
    arguments: dict[str, Any] = request.args
    try:
        return msgspec.convert(arguments, kind)
    except msgspec.ValidationError as fault:
        raise InvalidRequest(f"{request.op}: {fault}", errors=[f"args: {fault}"]) from fault
