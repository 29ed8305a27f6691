"""`tapehub record`: frames of the bus into a file, byte for byte."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, BinaryIO

import typer

from tapehub.cli import exit_codes
from tapehub.cli.failures import Failure
from tapehub.cli.options import MESSAGES_HELP, ForS, Topics
from tapehub.cli.output import bytes_text, note

if TYPE_CHECKING:
    from actors.runtime.clock import Clock
    from tapehub.capture import CaptureWriter
    from tapehub.tapping import Heard


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("record")(record)


def record(
    ctx: typer.Context,
    topics: Topics,
    target: Annotated[Path, typer.Option("-o", "--output", metavar="FILE", help="Where to; - is stdout.")],
    for_s: ForS = None,
    count: Annotated[int | None, typer.Option("-n", min=1, help=MESSAGES_HELP, show_default=False)] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace the file if it exists.")] = False,
) -> None:
    """Write frames as received to a file that `replay`, `decode` and any msgpack reader understand.

    The file takes its name when it is complete; until then it is FILE.part. Ctrl-C completes it. --endpoint
    (commas between several) names publishers instead of the configured ones.

      tapehub record trade.binance quote -o day.cap --for 1h

      tapehub record '>' -o - | zstd > all.cap.zst
    """
    from actors.runtime.clock import SystemClock
    from tapehub.capture import CaptureWriter
    from tapehub.cli import stream

    endpoints = stream.publisher_endpoints(ctx)
    stream.checked_patterns(topics)
    clock = SystemClock()
    with destination(target, replace=force) as file:
        writer = CaptureWriter(file, topics, clock.now_ns())
        recorder = Recorder(file, writer, clock, count)
        code = stream.listen(recorder, endpoints, topics, for_s, clock)
        writer.finish(clock.now_ns())
    recorder.progress.close()
    note(f"% {writer.frames} frames, {bytes_text(writer.written_bytes)} in {target}")
    raise typer.Exit(code)


class Recorder:
    """Appends every frame."""

    def __init__(self, file: BinaryIO, writer: CaptureWriter, clock: Clock, limit: int | None) -> None:
        from tapehub.cli.progress import Progress

        self.messages = 0
        self.progress = Progress(clock, "frames")
        self._file = file
        self._writer = writer
        self._limit = limit

    def on_frame(self, heard: Heard) -> bool:
        """Write it."""
        self._writer.add(heard.here_ns, heard.frame.data)
        self.messages += 1
        return self.messages == self._limit

    def on_pause(self) -> None:
        """Bring it to the file: a crash costs a tenth of a second."""
        self._file.flush()
        self.progress.show(self.messages)


@contextmanager
def destination(target: Path, *, replace: bool) -> Iterator[BinaryIO]:
    """A binary stream that becomes `target` when the block ends well; `-` is stdout.

    Raises:
        Failure: it exists and may not be replaced, or cannot be written.
    """
    if str(target) == "-":
        if sys.stdout.isatty():
            raise Failure("a recording is binary", "send it to a file or a pipe", exit_codes.USAGE)
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    if target.exists() and not replace:
        raise Failure(f"{target} exists", "another name, or --force to replace it", exit_codes.USAGE)
    part = target.with_name(target.name + ".part")
    try:
        with part.open("wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        part.replace(target)
    except OSError as fault:
        what = f"cannot write {part}: {fault.strerror}"
        raise Failure(what, "free some space or name another file; whole frames in it are good") from fault
