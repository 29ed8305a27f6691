"""`tapehub replay`: a recording on the bus again, byte for byte."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, BinaryIO, Final, Protocol

import typer

from tapehub.cli import context, exit_codes
from tapehub.cli.failures import Failure
from tapehub.cli.options import usage
from tapehub.cli.output import note, warn

if TYPE_CHECKING:
    from actors.runtime.clock import Clock
    from protocol.transport import Publisher
    from tapehub.capture import CaptureReader, Recorded

QUEUE_FRAMES: Final = 1_000_000
"""Sent frames kept for a subscriber that is slower than `--speed max`; beyond that it sees a gap."""
LINGER_MS: Final = 30_000
"""How long the last frames may take to reach a slow subscriber."""
OWN_NAME: Final = "replay.1"
_WAIT_TICK_S: Final = 0.5
_FLUSH_EVERY: Final = 256


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("replay")(replay)


def replay(
    source: Annotated[
        Path, typer.Argument(metavar="FILE", help="A recording of tapehub record; - is stdin.")
    ],
    speed: Annotated[
        str,
        typer.Option("--speed", metavar="FACTOR", help="1x, 10x, max.", show_default="1x; max for --bind -"),
    ] = "",
    start: Annotated[
        str,
        typer.Option("--from", metavar="TIME", help="RFC 3339, or after the start: 90s.", show_default=False),
    ] = "",
    end: Annotated[str, typer.Option("--to", metavar="TIME", help="The same.", show_default=False)] = "",
    bind: Annotated[
        str,
        typer.Option(
            "--bind", metavar="ENDPOINT", help="Where to publish; - is NDJSON.", show_default="in run_dir"
        ),
    ] = "",
    no_wait: Annotated[bool, typer.Option("--no-wait", help="Do not wait for a subscriber.")] = False,
) -> None:
    """Publish the frames of a recording unchanged, with their own timing, to whoever subscribes.

    It waits for the first subscriber. Publisher names, epochs and numbers are those of the recording, so a
    tap sees the gaps that were recorded and no others.

      tapehub replay day.cap --speed 10x

      tapehub replay day.cap --bind - --from 10m --to 11m
    """
    from actors.runtime.clock import SystemClock
    from tapehub.capture import CaptureError, CaptureReader
    from tapehub.cli.stream import stoppable
    from tapehub.pacing import parse_speed

    factor = usage(parse_speed, speed or ("max" if bind == "-" else "1x"))
    clock = SystemClock()
    code = exit_codes.OK
    with _opened(source) as (file, size_bytes), stoppable():
        try:
            reader = CaptureReader(file, str(source))
            frames = between(reader, start, end)
            with _outlet(bind, clock, is_waiting=not no_wait) as outlet:
                sent = _play(frames, factor, clock, outlet, reader, size_bytes)
        except CaptureError as fault:
            raise Failure(
                str(fault), "tapehub record makes recordings; what was whole has been replayed"
            ) from fault
        except KeyboardInterrupt:
            raise typer.Exit(exit_codes.INTERRUPTED) from None
    note(f"% {sent} of {reader.count} frames of {source}")
    if not reader.is_complete and not end:
        warn("% the recording has no trailer: its recorder was killed, the last frames may be missing")
    raise typer.Exit(code if sent else exit_codes.NO_DATA)


def between(reader: CaptureReader, start: str, end: str) -> Iterator[Recorded]:
    """Frames heard from `start` (inclusive) to `end` (exclusive), as typed; empty means no limit."""
    from tapehub.durations import parse_moment

    low = high = 0
    for frame in reader.frames():
        if reader.count == 1:
            moment = partial(parse_moment, start_ns=frame.ts_ns)
            low = usage(moment, start) if start else 0
            high = usage(moment, end) if end else 0
        if high and frame.ts_ns >= high:
            return
        if frame.ts_ns >= low:
            yield frame


class Outlet(Protocol):
    """Where replayed frames go."""

    def send(self, frame: Recorded) -> None:
        """Pass one on."""

    def flush(self) -> None:
        """Let the reader see what there is."""


class BusOutlet:
    """Publishes frames as they are."""

    def __init__(self, publisher: Publisher) -> None:
        self._publisher = publisher

    def send(self, frame: Recorded) -> None:
        """Publish it."""
        self._publisher.send_raw(frame.data)

    def flush(self) -> None:
        """Take subscriptions off the socket's queue."""
        self._publisher.subscriptions()


class RowOutlet:
    """Prints every message as a line of JSON, `lag_here_ms` as it was when it was recorded."""

    def __init__(self, stdout: BinaryIO) -> None:
        self._stdout = stdout
        self.bad_frames = 0

    def send(self, frame: Recorded) -> None:
        """Print its messages; what cannot be read is counted."""
        from protocol.errors import FrameError
        from protocol.record import parse_frame
        from tapehub.rows import json_line, rows_of

        try:
            rows = rows_of(parse_frame(frame.data), frame.ts_ns)
        except FrameError as fault:
            self.bad_frames += 1
            if self.bad_frames == 1:
                warn(f"% not a frame: {fault}")
            return
        self._stdout.writelines(map(json_line, rows))

    def flush(self) -> None:
        """Let the reader see what there is."""
        self._stdout.flush()


@contextmanager
def _outlet(bind: str, clock: Clock, *, is_waiting: bool) -> Iterator[Outlet]:
    if bind == "-":
        yield RowOutlet(sys.stdout.buffer)
        return
    from protocol.transport import Wire

    with Wire(QUEUE_FRAMES) as wire:
        publisher = wire.publisher(_endpoint(bind), OWN_NAME, 1, clock.now_ns)
        publisher.socket.linger = LINGER_MS
        note(f"% publishing at {publisher.endpoint}")
        if is_waiting:
            note(f"% waiting for a subscriber: tapehub tap '>' --endpoint {publisher.endpoint}")
            _await_subscriber(publisher)
        yield BusOutlet(publisher)


def _await_subscriber(publisher: Publisher) -> None:
    from protocol.transport import Poller

    poller = Poller()
    poller.watch(publisher.socket)
    while not any(message.startswith(b"\x01") for message in publisher.subscriptions()):
        poller.poll(_WAIT_TICK_S)


def _play(
    frames: Iterator[Recorded],
    speed: float,
    clock: Clock,
    outlet: Outlet,
    reader: CaptureReader,
    size_bytes: int,
) -> int:
    """Send every frame when it is due; returns how many."""
    from protocol.transport import Poller
    from tapehub.cli.progress import Progress
    from tapehub.pacing import Pacer

    pacer, idle = Pacer(speed, clock.mono_ns()), Poller()
    progress = Progress(clock, "frames", size_bytes)
    sent = 0
    for frame in frames:
        due_ns = pacer.due_ns(frame.ts_ns)
        if due_ns > clock.mono_ns():
            outlet.flush()
            while (wait_ns := due_ns - clock.mono_ns()) > 0:
                idle.poll(min(wait_ns / 1e9, _WAIT_TICK_S))
                progress.show(sent, reader.position_bytes)
        outlet.send(frame)
        sent += 1
        if sent % _FLUSH_EVERY == 0:
            outlet.flush()
            progress.show(sent, reader.position_bytes)
    outlet.flush()
    progress.close()
    return sent


def _endpoint(bind: str) -> str:
    """Where to publish.

    Raises:
        Failure: somebody listens there already; binding an ipc path would silently take it from him.
    """
    from tapehub.asking import is_listening
    from tapehub.tapping import check_endpoint

    if bind:
        endpoint = usage(check_endpoint, bind)
    else:
        endpoints = context.current().endpoints
        endpoints.prepare()
        endpoint = endpoints.pub(OWN_NAME)
    if endpoint.startswith("ipc://") and is_listening(endpoint):
        raise Failure(f"{endpoint} is in use by a running process", "another --bind", exit_codes.USAGE)
    return endpoint


@contextmanager
def _opened(source: Path) -> Iterator[tuple[BinaryIO, int]]:
    if str(source) == "-":
        yield sys.stdin.buffer, 0
        return
    try:
        file = source.open("rb")
    except OSError as fault:
        raise Failure(
            f"cannot read {source}: {fault.strerror}", "name a file that tapehub record wrote"
        ) from fault
    with file:
        yield file, source.stat().st_size
