"""`tapehub top`: actors and symbols, live."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from tapehub.cli import context, exit_codes
from tapehub.cli.options import AsJson, TimeoutS, duration
from tapehub.cli.output import bytes_text, has_colour, note, print_json, print_table, say, seconds_text

if TYPE_CHECKING:
    from rich.console import RenderableType

    from protocol.client import Hub, TopicInfo
    from protocol.topics import Topic
    from tapehub.overview import SymbolRow
    from tapehub.supervision.roll_call import RollCall
    from tapehub.supervision.state import Row

_ACTORS: Final = ("ACTOR", "STATE", "BEAT", "IN/S", "OUT/S", "LAG p50", "LAG p99", "GAPS", "RSS")
_SYMBOLS: Final = ("SYMBOL", "VENUE", "LAST", "BID", "ASK", "SPREAD", "AGE", "EVENTS/S", "STATE", "BAR 1m")
_COLOURS: Final = {"RUNNING": "green", "fresh": "green", "stale": "yellow", "gap_open": "yellow"}
BAR_TIMEFRAME: Final = "1m"
_FRAME_LINES: Final = 6
"""Lines that are neither actors nor symbols: two headings, borders, the foot."""


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("top")(top)


def top(
    interval: Annotated[
        float, typer.Option("--interval", parser=duration, metavar="TIME", help="Time between two looks.")
    ] = 1.0,
    once: Annotated[bool, typer.Option("--once", help="One look, then end; so it does in a pipe.")] = False,
    timeout: TimeoutS = 1.0,
    as_json: AsJson = False,
) -> None:
    """Watch actors and symbols: states, rates, lags, memory; last price, spread, age, candle.

    q or Ctrl-C ends it. Actors are asked themselves, so they show while the hub is down; symbols come from
    the hub.

      tapehub top

      tapehub top --once --json
    """
    from protocol.client import Hub
    from tapehub.supervision.roll_call import RollCall

    here = context.current()
    with (
        RollCall(here.endpoints, here.actors, here.keyring) as roll,
        Hub(here.hub_endpoints, timeout_s=timeout) as hub,
    ):
        if as_json or once or not sys.stdout.isatty():
            view = View(roll, hub, timeout)
            view.look()
            _print(view, as_json=as_json)
            raise typer.Exit(exit_codes.OK if view.is_anybody_there else exit_codes.UNREACHABLE)
        _live(View(roll, hub, timeout), interval)


class View:
    """What there is to see; `look` brings it up to date."""

    def __init__(self, roll: RollCall, hub: Hub, timeout_s: float) -> None:
        self.actors: Sequence[Row] = ()
        self.symbols: Sequence[SymbolRow] = ()
        self.trouble = ""
        """Why there are no symbols."""
        self._roll = roll
        self._hub = hub
        self._timeout_s = timeout_s

    @property
    def is_anybody_there(self) -> bool:
        """Whether any actor answers."""
        return any(row.state == "RUNNING" for row in self.actors)

    def look(self) -> None:
        """Ask everybody."""
        from actors.runtime.clock import SystemClock
        from actors.runtime.supervisord import Supervisor, SupervisorDownError
        from tapehub.supervision.state import rows_of

        here = context.current()
        answers = self._roll.ask(self._timeout_s)
        try:
            processes = Supervisor(here.run_dir).processes()
        except SupervisorDownError:
            processes = None
        self.actors = rows_of(
            here.actors, processes, {}, answers, SystemClock().now_ns(), "", here.endpoints.topology
        )
        self.symbols, self.trouble = self._ask_hub()

    def _ask_hub(self) -> tuple[Sequence[SymbolRow], str]:
        from protocol.client import questions
        from protocol.errors import HubError
        from tapehub.overview import BarEnd, symbol_rows

        if not any(row.name.startswith("hub.") and row.state == "RUNNING" for row in self.actors):
            return (), "no hub is running"
        try:
            ticks = self._hub.ticks(allow_stale=True)
            topics = self._hub.topics()
            names = sorted(
                {info.topic.split(".", 2)[-1] for info in topics if info.topic.startswith("trade.")}
            )
            asked = [questions.candles(name, "1m", 1, allow_stale=True) for name in {*names, *ticks}]
            found = self._hub.snapshot(asked)
        except HubError as error:
            return (), error.message
        bars = {
            window.symbol: BarEnd(float(window.close[-1]), str(window.status[-1]))
            for window in found
            if not isinstance(window, HubError) and len(window)
        }
        return symbol_rows(ticks, topics, bars), ""


def _topic(info: TopicInfo) -> Topic:
    from protocol.topics import parse_topic

    return parse_topic(info.topic)


def _actor_cells(row: Row) -> list[str]:
    def number(value: float | None) -> str:
        return "-" if value is None else f"{value:,.0f}"

    def time(value: float | None) -> str:
        return "-" if value is None else seconds_text(value)

    return [
        row.name,
        row.state,
        time(row.beat_age_s),
        number(row.in_per_s),
        number(row.out_per_s),
        time(row.lag_p50_s),
        time(row.lag_p99_s),
        number(row.gaps_open),
        "-" if row.rss_bytes is None else bytes_text(row.rss_bytes),
    ]


def _symbol_cells(row: SymbolRow) -> list[str]:
    from tapehub.columns import number_text

    def price(value: float | None) -> str:
        return "-" if value is None else number_text(round(value, 10))

    return [
        row.symbol,
        row.venue,
        price(row.last),
        price(row.bid),
        price(row.ask),
        price(row.spread),
        "-" if row.age_s is None else seconds_text(row.age_s),
        f"{row.rate_per_s:,.0f}",
        row.state or "-",
        row.bar_status or "-",
    ]


def _print(view: View, *, as_json: bool) -> None:
    if as_json:
        print_json({"actors": view.actors, "symbols": view.symbols, "trouble": view.trouble})
        return
    print_table(_ACTORS, map(_actor_cells, view.actors), right=_ACTORS[2:])
    say()
    print_table(_SYMBOLS, map(_symbol_cells, view.symbols), right=_SYMBOLS[2:8])
    if view.trouble:
        note(f"% {view.trouble}")


def _live(view: View, interval_s: float) -> None:
    """Redraw until q or Ctrl-C."""
    from rich.console import Console
    from rich.live import Live

    from tapehub.cli.stream import stoppable

    console = Console(no_color=not has_colour(sys.stdout))
    try:
        view.look()
        with (
            stoppable(),
            _keys() as pressed,
            Live(_frame(view, console.height), console=console, screen=True, auto_refresh=False) as live,
        ):
            while pressed(interval_s) not in ("q", "Q", "\x03"):
                view.look()
                live.update(_frame(view, console.height), refresh=True)
    except KeyboardInterrupt:
        raise typer.Exit(exit_codes.INTERRUPTED) from None


def _frame(view: View, height: int) -> RenderableType:
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    def table(titles: Sequence[str], rows: Sequence[list[str]], right: Sequence[str]) -> Table:
        found = Table(box=None, pad_edge=False, header_style="bold")
        for title in titles:
            found.add_column(title, justify="right" if title in right else "left", no_wrap=True)
        for row in rows:
            found.add_row(*(Text(cell, style=_COLOURS.get(cell, "")) for cell in row))
        return found

    room = max(1, height - _FRAME_LINES - len(view.actors))
    shown = view.symbols[:room]
    more = f", {len(view.symbols) - len(shown)} more symbols" if len(view.symbols) > len(shown) else ""
    return Group(
        table(_ACTORS, [_actor_cells(row) for row in view.actors], _ACTORS[2:]),
        Text(),
        table(_SYMBOLS, [_symbol_cells(row) for row in shown], _SYMBOLS[2:8]),
        Text(view.trouble, style="yellow"),
        Text(f"q quit{more}", style="dim"),
    )


@contextmanager
def _keys() -> Iterator[Any]:
    """A function that waits so many seconds for a key and returns it, empty if none came."""
    import select
    import termios
    import tty

    if not sys.stdin.isatty():

        def idle(seconds: float) -> str:
            select.select([], [], [], seconds)
            return ""

        yield idle
        return
    fd = sys.stdin.fileno()
    before = termios.tcgetattr(fd)

    def pressed(seconds: float) -> str:
        ready, _, _ = select.select([fd], [], [], seconds)
        return sys.stdin.read(1) if ready else ""

    try:
        tty.setcbreak(fd)
        yield pressed
    finally:
        termios.tcsetattr(fd, termios.TCSADRAIN, before)
