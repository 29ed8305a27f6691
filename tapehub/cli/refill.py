"""`tapehub backfill rest|yahoo|...`: one-minute bars of the past from the REST providers. Registered by `backfill`."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from tapehub.cli import context, exit_codes
from tapehub.cli.failures import Failure
from tapehub.cli.options import AsJson, duration, usage

if TYPE_CHECKING:
    from actors.runtime.clock import Clock
    from tapehub.bar_collectors import BarCollector
    from tapehub.bar_desks import Desk
    from tapehub.refilling import Plan

SOURCES: Final = {
    "rest": "Minutes of the past from whichever provider has them, in the order of the settings.",
    "yahoo": "The same from Yahoo alone: 29 days back, no key.",
    "alphavantage": "The same from Alpha Vantage alone: 30 days back, 25 calls a day for nothing.",
    "twelvedata": "The same from Twelve Data alone: a year back, 800 calls a day for nothing.",
    "polygon": "The same from Massive (Polygon) alone: two years back, 5 calls a minute for nothing.",
}
"""Command to its help."""


def register(group: typer.Typer) -> None:
    """Add a command for each source."""
    for source, text in SOURCES.items():
        group.command(source, help=refill.__doc__ if source == "rest" else text)(refill)


def refill(  # noqa: PLR0913, PLR0917 - one parameter per option
    ctx: typer.Context,
    symbols: Annotated[
        list[str], typer.Argument(metavar="SYMBOL...", help="Of symbols.yaml, with a provider.")
    ],
    since: Annotated[
        str, typer.Option("--from", metavar="TIME", help="-7d, 2026-11-02 or 2026-11-02T14:00Z.")
    ],
    until: Annotated[str, typer.Option("--to", metavar="TIME", help="The same, not included.")] = "now",
    is_dry_run: Annotated[bool, typer.Option("--dry-run", help="Say calls and time, order nothing.")] = False,
    is_again: Annotated[bool, typer.Option("--again", help="Fetch what is stored already too.")] = False,
    is_waiting: Annotated[
        bool, typer.Option("--wait/--no-wait", help="Wait for the end, with a bar on stderr.")
    ] = True,
    timeout: Annotated[
        float | None,
        typer.Option(
            "--timeout",
            parser=duration,
            metavar="TIME",
            help="Longest wait; it goes on.",
            show_default="none",
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Minutes of the past from whichever REST provider has them, in the order of the settings.

    The running collector fetches them, within the budgets that it shares with live data. Only what is not stored yet
    is fetched, so it may be called again and again. Ctrl-C ends the waiting, not the work. Exit codes: 0 all is
    stored, 4 no collector runs, 5 no data at all, 6 the time is up, 7 minutes stay missing.

      tapehub backfill rest EUR_USD XAU_USD --from -90d --dry-run

      tapehub backfill polygon EUR_USD --from 2026-09-01 --to 2026-10-01
    """
    from actors.runtime.clock import SystemClock
    from protocol.instruments import Catalog
    from tapehub.cli.refill_work import Work
    from tapehub.cli.stored import installed, readable, stores_of
    from tapehub.refilling import Planner, Wanted
    from tapehub.stored_minutes import StoredMinutes

    here, clock = context.current(), SystemClock()
    source, now_ns = str(ctx.info_name), clock.now_ns()
    span = usage(lambda ends: _span(*ends, now_ns), (since, until))
    catalog = Catalog(here.loaded.instruments)
    names = list(dict.fromkeys(catalog.get(symbol).symbol for symbol in symbols))
    with ExitStack() as stack:
        stack.enter_context(installed())
        stores = stores_of(here, "", None, "auto")
        stack.enter_context(readable(stores))
        planner = Planner(catalog, stack.enter_context(StoredMinutes(stores)))
        wire = stack.enter_context(context.current().wire())
        shares = _shared(catalog, names)

        def plans() -> list[Plan]:
            found = []
            for collector, some in shares:
                desk = _desk(collector, source, wire, catalog, clock, is_dry_run=is_dry_run)
                wanted = Wanted(source, some, *span, now_ns, is_again)
                found.append(planner.plan(desk, wanted, collector.settings.history_share))
            _all_named(found, source)
            return found

        work = Work(source, planner, plans, clock, as_json=as_json)
        try:
            code = work.dry_run() if is_dry_run else work.run(timeout, is_waiting=is_waiting)
        except KeyboardInterrupt:
            code = exit_codes.INTERRUPTED
        raise typer.Exit(code)


def _span(since: str, until: str, now_ns: int) -> tuple[int, int]:
    """The minutes that lie between two moments, and before now."""
    from actors.collector.bars.providers.provider import MINUTE_NS
    from tapehub.stretches import parse_past

    ends = [now_ns if text.strip() == "now" else parse_past(text, now_ns) for text in (since, until)]
    from_ns, to_ns = ends[0] // MINUTE_NS * MINUTE_NS, min(ends[1], now_ns) // MINUTE_NS * MINUTE_NS
    if not 0 < from_ns < to_ns:
        raise ValueError(
            f"the stretch from {since} to {until} is empty: it must begin before it ends, and before now"
        )
    return from_ns, to_ns


def _shared(catalog: Any, names: list[str]) -> list[tuple[BarCollector, list[str]]]:
    """Collectors with those of the symbols that they have."""
    from tapehub.bar_collectors import bar_collectors, shared_out

    collectors = bar_collectors(context.current().loaded, catalog)
    if not collectors:
        what = "the configuration has no collector of venue rest"
        raise Failure(
            what, "config/examples/live-rest.yaml has one; docs/howto/rest-bars.md", exit_codes.NO_DATA
        )
    try:
        shares = shared_out(collectors, names)
    except LookupError as fault:
        fix = "name it in the collector's symbols, and its providers in symbols.yaml"
        raise Failure(str(fault.args[0]), fix, exit_codes.NO_DATA) from None
    return [(one, shares[one.name]) for one in collectors if one.name in shares]


def _desk(
    collector: BarCollector, source: str, wire: Any, catalog: Any, clock: Clock, *, is_dry_run: bool
) -> Desk:
    """The running collector; for a dry run its configuration will do."""
    from tapehub.bar_desks import ABSENT, Configured, Running

    desk: Desk
    try:
        desk = Running(collector.name, context.current().endpoints, wire, clock)
    except ABSENT as fault:
        if not is_dry_run:
            what = f"{collector.name} does not run, and it owns the budgets: {fault.message}"
            raise Failure(what, "tapehub up -d; --dry-run works without it", exit_codes.UNREACHABLE) from None
        desk = Configured(collector, catalog, clock.now_ns())
    if source not in ("rest", *desk.limits()):
        lack = collector.lack_of(source) or f"its configuration has changed: tapehub restart {collector.name}"
        fix = f"correct actors.{collector.name}.rest: docs/howto/rest-bars.md says how"
        raise Failure(f"{source} is not asked by {collector.name}: {lack}", fix, exit_codes.NO_DATA)
    return desk


def _all_named(plans: list[Plan], source: str) -> None:
    strangers = [symbol for plan in plans for symbol, name in plan.reached_by.items() if not name]
    if strangers:
        who = "any provider that is asked" if source == "rest" else source
        what = f"{', '.join(strangers)}: no name at {who}"
        raise Failure(what, "tapehub symbols show NAME; symbols.yaml names the providers", exit_codes.NO_DATA)
