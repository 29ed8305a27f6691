"""`tapehub tap`: what flows on the bus, decoded, filtered, checked for sequence."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from tapehub.cli import exit_codes
from tapehub.cli.failures import Failure
from tapehub.cli.options import MESSAGES_HELP, ForS, Topics, usage
from tapehub.cli.output import note, painted

if TYPE_CHECKING:
    from typing import BinaryIO

    from actors.runtime.clock import Clock
    from tapehub.capture import CaptureWriter
    from tapehub.cli.stream import MakeEars
    from tapehub.filters import Filter
    from tapehub.rowformats import RowFormat
    from tapehub.tapping import Heard


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("tap")(tap)


def tap(  # noqa: PLR0913, PLR0917 - one parameter per option
    ctx: typer.Context,
    topics: Topics,
    count: Annotated[int | None, typer.Option("-n", min=1, help=MESSAGES_HELP, show_default=False)] = None,
    for_s: ForS = None,
    output: Annotated[
        str, typer.Option("-o", "--output", metavar="FORMAT", help="table, ndjson, csv, msgpack or raw.")
    ] = "table",
    as_json: Annotated[bool, typer.Option("--json", help="The same as -o ndjson.")] = False,
    template: Annotated[
        str,
        typer.Option("-f", "--format", metavar="TEMPLATE", help="'{symbol} {price:.2f}'", show_default=False),
    ] = "",
    fields: Annotated[
        str, typer.Option("--fields", metavar="A,B", help="Only these fields.", show_default=False)
    ] = "",
    conditions: Annotated[
        list[str] | None,
        typer.Option(
            "--filter", metavar="COND", help="'price>100', 'side=buy', 'symbol~BTC'.", show_default=False
        ),
    ] = None,
    rate: Annotated[bool, typer.Option("--rate", help="Rates by topic each second instead.")] = False,
    nats: Annotated[
        str,
        typer.Option(
            "--nats", metavar="URL", help="Hear a bridge's mirror in a NATS server.", show_default=False
        ),
    ] = "",
    nats_stream: Annotated[
        str, typer.Option("--nats-stream", metavar="NAME", help="Its stream there.")
    ] = "TAPEHUB",
    nats_subjects: Annotated[
        str, typer.Option("--nats-subjects", metavar="PREFIX", help="How its subjects begin.")
    ] = "tapehub",
) -> None:
    """Show messages as they are published; works on any publisher, live or replayed.

    Hears every actor of the topology; --endpoint (commas between several) names publishers instead. Holes in
    the sequence are told on stderr. With --nats what a bridge has mirrored (docs/howto/nats.md); the login comes
    from TAPEHUB_NATS_TOKEN and the like. `raw` writes frames as received, in the format of `tapehub record`.

      tapehub tap trade.binance --for 3s

      tapehub tap trade --filter 'price>60000' -f '{symbol} {side} {price}'

      tapehub tap trade.binance. --nats nats://127.0.0.1:4222
    """
    from actors.runtime.clock import SystemClock
    from tapehub.cli import stream
    from tapehub.filters import Filter
    from tapehub.rowformats import fields_of, row_format

    form_name = "ndjson" if as_json else output
    patterns = stream.checked_patterns(topics)
    make_ears = _mirror(nats, nats_stream, nats_subjects) if nats else None
    endpoints = [nats] if nats else stream.publisher_endpoints(ctx)
    stdout = sys.stdout.buffer
    if form_name in ("raw", "msgpack") and sys.stdout.isatty():
        raise Failure(f"-o {form_name} is binary", "send it to a file or a pipe", exit_codes.USAGE)
    if conditions and (rate or form_name == "raw"):
        raise Failure("--filter looks into messages, --rate and -o raw do not", "-o ndjson", exit_codes.USAGE)
    condition = usage(Filter, conditions or [])
    clock = SystemClock()
    listener: stream.Listener
    if form_name == "raw":
        listener = RawTap(stdout, topics, clock, count)
    elif rate:
        listener = RateTap(clock, is_json=form_name == "ndjson")
    else:
        form = usage(
            lambda name: row_format(name, patterns.only_kind, fields_of(fields), template), form_name
        )
        listener = RowTap(stdout, form, condition, count)
    code = stream.listen(listener, endpoints, topics, for_s, clock, make_ears)
    if isinstance(listener, RawTap):
        listener.finish()
    raise typer.Exit(code)


def _mirror(servers: str, name: str, subjects: str) -> MakeEars:
    from tapehub.mirror_tapping import MirrorTap, place_of

    place = usage(lambda text: place_of(text, name, subjects), servers)
    return lambda patterns, clock, on_gap: MirrorTap(place, patterns, clock, on_gap)


class RowTap:
    """Writes each message that passes the filter as a row."""

    def __init__(self, stdout: BinaryIO, form: RowFormat, condition: Filter, limit: int | None) -> None:
        self.messages = 0
        self._stdout = stdout
        self._form = form
        self._condition = condition
        self._limit = limit
        self._header = form.header

    def on_frame(self, heard: Heard) -> bool:
        """Write its messages."""
        from tapehub.rows import rows_of

        for row in rows_of(heard.frame, heard.here_ns):
            if not self._condition.passes(row):
                continue
            if self._header:
                title = self._header.decode().rstrip("\n")
                self._stdout.write(painted(title, "bold").encode() + b"\n")
                self._header = b""
            self._stdout.write(self._form.line(row))
            self.messages += 1
            if self.messages == self._limit:
                return True
        return False

    def on_pause(self) -> None:
        """Let the reader see what there is."""
        self._stdout.flush()


class RawTap:
    """Writes frames as received, as a recording."""

    def __init__(self, stdout: BinaryIO, topics: list[str], clock: Clock, limit: int | None) -> None:
        from tapehub.capture import CaptureWriter

        self.messages = 0
        self._stdout = stdout
        self._clock = clock
        self._limit = limit
        self._writer: CaptureWriter = CaptureWriter(stdout, topics, clock.now_ns())

    def on_frame(self, heard: Heard) -> bool:
        """Write it."""
        self._writer.add(heard.here_ns, heard.frame.data)
        self.messages += 1
        return self.messages == self._limit

    def on_pause(self) -> None:
        """Let the reader see what there is."""
        self._stdout.flush()

    def finish(self) -> None:
        """Write the trailer: the recording is whole."""
        self._writer.finish(self._clock.now_ns())
        self._stdout.flush()


class RateTap:
    """Prints rates by topic once a second."""

    def __init__(self, clock: Clock, *, is_json: bool) -> None:
        from tapehub.rates import RateMeter

        self.messages = 0
        self._clock = clock
        self._is_json = is_json
        self._meter = RateMeter()
        self._since_ns = clock.mono_ns()

    def on_frame(self, heard: Heard) -> bool:
        """Count it."""
        self._meter.add(heard.frame)
        self.messages += 1
        return False

    def on_pause(self) -> None:
        """Print when a second is over."""
        from tapehub.cli.topics import print_rates

        elapsed_s = (self._clock.mono_ns() - self._since_ns) / 1e9
        if elapsed_s < 1.0:
            return
        self._since_ns = self._clock.mono_ns()
        if not len(self._meter):
            note("% nothing in the last second")
        print_rates(self._meter.rows(elapsed_s), is_json=self._is_json)
        self._meter.restart()
