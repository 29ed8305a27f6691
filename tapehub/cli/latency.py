"""`tapehub latency`: how long each hop takes, by venue and kind of message."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from tapehub.cli.options import AsJson, ForS
from tapehub.cli.output import print_json, print_row, say, table_lines

if TYPE_CHECKING:
    from actors.runtime.clock import Clock
    from tapehub.tapping import Heard

DEFAULT_TOPICS: Final = ("trade.", "quote.", "book.", "bar.")
DEFAULT_FOR_S: Final = 3.0
_TITLES: Final = ("VENUE", "KIND", "HOP", "COUNT", "MIN", "P50", "P99", "MAX")


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("latency")(latency)


def latency(
    ctx: typer.Context,
    topics: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="TOPIC", help="trade., quote., book. and bar. by default.", show_default=False
        ),
    ] = None,
    watch: Annotated[
        bool, typer.Option("-w", "--watch", help="The last seconds, again each second.")
    ] = False,
    for_s: ForS = None,
    as_json: AsJson = False,
) -> None:
    """Distribution of the time between venue and here, from live messages, in milliseconds.

    venue: the venue's time stamp to our receipt, two clocks, so it may be negative. collect: receipt to
    publication. bus: publication to here, the bus and this process. Listens 3 s if --for does not say
    otherwise; --endpoint names publishers instead of the configured ones.

      tapehub latency

      tapehub latency trade.binance --watch
    """
    from actors.runtime.clock import SystemClock
    from tapehub.cli import stream

    clock = SystemClock()
    gauge = Gauge(clock, is_watching=watch, is_json=as_json)
    seconds = for_s if for_s is not None or watch else DEFAULT_FOR_S
    code = stream.listen(gauge, stream.publisher_endpoints(ctx), topics or DEFAULT_TOPICS, seconds, clock)
    if gauge.messages and not watch:
        gauge.show()
    raise typer.Exit(code)


class Gauge:
    """Measures every message; shows what it has each second if somebody watches."""

    def __init__(self, clock: Clock, *, is_watching: bool, is_json: bool) -> None:
        from tapehub.latency import LatencyTable

        self.messages = 0
        self._table = LatencyTable()
        self._clock = clock
        self._is_watching = is_watching
        self._is_json = is_json
        self._due_ns = clock.mono_ns() + 1_000_000_000

    def on_frame(self, heard: Heard) -> bool:
        """Measure its messages."""
        from protocol.codec import decode_events

        events = decode_events(heard.frame)
        for event in events:
            self._table.add(heard.frame, event, heard.here_ns)
        self.messages += len(events)
        return False

    def on_pause(self) -> None:
        """Show what came in the last second, if that is wanted."""
        if not self._is_watching or self._clock.mono_ns() < self._due_ns:
            return
        self._due_ns = self._clock.mono_ns() + 1_000_000_000
        self.show()
        self._table.clear()

    def show(self) -> None:
        """Print the table as it is now."""
        rows = self._table.rows()
        if self._is_json and self._is_watching:
            print_row(rows)
        elif self._is_json:
            print_json(rows)
        else:
            self._print(rows)
        sys.stdout.flush()

    def _print(self, rows: list[dict[str, Any]]) -> None:
        cells = [
            [row["venue"], row["kind"], row["hop"], str(row["count"]), *(_ms(row[name]) for name in _MS)]
            for row in rows
        ]
        lines = table_lines(_TITLES, cells, right=_TITLES[3:])
        if self._is_watching and sys.stdout.isatty():
            sys.stdout.write("\x1b[H" + "".join(f"{line}\x1b[K\n" for line in lines) + "\x1b[J")
            return
        for line in lines:
            say(line)


_MS: Final = ("min_ms", "p50_ms", "p99_ms", "max_ms")


def _ms(value: float) -> str:
    return f"{value:.3f}"
