"""What the commands that listen have in common: whom they hear, when they end, what they say at the end.

Used by `tap`, `record`, `latency` and `topics`; imports zmq, so they import it when they run. Not a command.
"""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Final, Protocol

import typer

from actors.runtime.clock import Clock, SystemClock
from protocol.errors import FrameError
from protocol.record import Frame
from tapehub.asking import is_listening
from tapehub.cli import context, exit_codes
from tapehub.cli.options import usage
from tapehub.cli.output import note, warn
from tapehub.patterns import TopicPatterns
from tapehub.tapping import Ears, Heard, OnGap, Tap, check_endpoint

MAX_GAP_LINES: Final = 20
MakeEars = Callable[[TopicPatterns, Clock, OnGap], Ears]


class Listener(Protocol):
    """What a command does with frames."""

    messages: int
    """What the summary counts: messages shown, frames written."""

    def on_frame(self, heard: Heard) -> bool:
        """Take one frame; True ends the listening. A `FrameError` is counted as a bad frame."""

    def on_pause(self) -> None:
        """Nothing is waiting, or a tick has passed: flush, print rates."""


def listen(
    listener: Listener,
    endpoints: Sequence[str],
    topics: Sequence[str],
    for_s: float | None,
    clock: Clock | None = None,
    make_ears: MakeEars | None = None,
) -> int:
    """Hear publishers until the listener has enough, the time is up, or Ctrl-C.

    Args:
        listener: What is done with the frames.
        endpoints: Publishers, or whatever `make_ears` hears.
        topics: As typed.
        for_s: How long; None: for ever.
        clock: Instead of the system's.
        make_ears: Makes what hears them, where that is not the bus.

    Returns:
        Exit code: 0, 5 if the time is up and nothing came (4 if nobody was there to send), 130 interrupted.
    """
    clock = clock or SystemClock()
    patterns = checked_patterns(topics)
    gaps = _GapLines()
    code = exit_codes.OK
    with context.current().wire() as wire, stoppable():
        tap: Ears = (
            make_ears(patterns, clock, gaps.on_gap)
            if make_ears is not None
            else Tap(wire, endpoints, patterns, clock, gaps.on_gap)
        )
        note(f"% {_places(endpoints)}, topics {patterns} (Ctrl-C to stop)")
        try:
            for heard in tap.listen(for_s):
                if heard is None:
                    listener.on_pause()
                elif _taken(listener, tap, heard):
                    break
            listener.on_pause()
        except KeyboardInterrupt:
            code = exit_codes.INTERRUPTED
            listener.on_pause()
        finally:
            tap.close()
        seconds = tap.elapsed_s
    note(f"% {tap.summary(listener.messages, seconds)}")
    if code == exit_codes.OK and not listener.messages and make_ears is not None:
        warn(f"error: nothing came within {seconds:.1f} s")
        note("try: tapehub why SYMBOL says whether a bridge mirrors it")
        return exit_codes.NO_DATA
    if code == exit_codes.OK and not listener.messages:
        return _nothing_came(endpoints, tap, seconds)
    return code


def _taken(listener: Listener, tap: Ears, heard: Heard) -> bool:
    try:
        return listener.on_frame(heard)
    except FrameError as fault:
        tap.bad_frames += 1
        tap.last_fault = str(fault)
        return False


def _nothing_came(endpoints: Sequence[str], tap: Ears, seconds: float) -> int:
    if not any(is_listening(endpoint) for endpoint in endpoints):
        warn("error: none of the publishers is running")
        note("try: tapehub up -d starts them, tapehub status says what runs")
        return exit_codes.UNREACHABLE
    heard = f"{tap.frames} frames were heard, none passed" if tap.frames else "nothing came"
    warn(f"error: {heard} within {seconds:.1f} s")
    note("try: tapehub topics lists what flows, tapehub why SYMBOL finds where it stops")
    return exit_codes.NO_DATA


def _places(endpoints: Sequence[str]) -> str:
    if len(endpoints) == 1:
        return endpoints[0]
    running = sum(is_listening(endpoint) for endpoint in endpoints)
    return f"{len(endpoints)} publishers ({running} running)"


class _GapLines:
    """Says each hole on stderr, up to a limit: a broken link makes thousands."""

    def __init__(self) -> None:
        self._lines = 0

    def on_gap(self, frame: Frame, missing: int) -> None:
        self._lines += 1
        if self._lines <= MAX_GAP_LINES:
            word = "frame" if missing == 1 else "frames"
            warn(
                f"% gap: {missing} {word} missing before {frame.topic} {frame.topic_seq} of {frame.publisher}"
            )
        elif self._lines == MAX_GAP_LINES + 1:
            warn("% further gaps are counted only")


def publisher_endpoints(ctx: typer.Context) -> list[str]:
    """Publishers to hear: those of `--endpoint` (several with commas), else every actor of the topology."""
    if is_endpoint_named(ctx):
        named = str(ctx.find_root().params["endpoint"]).split(",")
        return [usage(check_endpoint, one) for one in named]
    here = context.current()
    return [here.endpoints.pub(name) for name in here.actors]


def is_endpoint_named(ctx: typer.Context) -> bool:
    """Whether `--endpoint` was typed. `$TAPEHUB_ENDPOINT` names a hub to ask, which publishes elsewhere."""
    source = ctx.find_root().get_parameter_source("endpoint")
    return source is not None and source.name == "COMMANDLINE"


def checked_patterns(topics: Sequence[str]) -> TopicPatterns:
    """Topics as typed, or a usage error."""
    return usage(TopicPatterns, topics)


@contextmanager
def stoppable() -> Iterator[None]:
    """SIGTERM ends a stream as Ctrl-C does: files are closed properly, the summary is printed."""

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
