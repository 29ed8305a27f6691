"""`tapehub gaps`: the gap ledger. list, show, repair."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from tapehub.cli import context, exit_codes
from tapehub.cli.failures import Failure
from tapehub.cli.options import AsJson, TimeoutS, usage
from tapehub.cli.output import note, print_json, print_table, say, seconds_text, utc_text

if TYPE_CHECKING:
    from protocol.client import Hub
    from protocol.messages import Gap

_TITLES: Final = (
    "ID", "SYMBOL", "KIND", "STATE", "CAUSE", "FROM", "LENGTH", "MISSING", "FILLED", "BY", "REVISED", "REASON",
)  # fmt: skip
_NUMBERS: Final = ("LENGTH", "MISSING", "FILLED", "REVISED")
_MINUTE_NS: Final = 60_000_000_000
_SHOWN_TIMEFRAMES: Final = {
    "1s": 1_000_000_000,
    "1m": _MINUTE_NS,
    "5m": 5 * _MINUTE_NS,
    "1h": 60 * _MINUTE_NS,
}


def register(app: typer.Typer) -> None:
    """Add the group of commands."""
    group = typer.Typer(help="What was missing of a feed, and what became of it.", no_args_is_help=True)
    group.command("list")(list_gaps)
    group.command("show")(show)
    group.command("repair")(repair)
    app.add_typer(group, name="gaps")


def list_gaps(  # noqa: PLR0913, PLR0917 - one parameter per option
    symbol: Annotated[str, typer.Option("--symbol", help="Only this one.", show_default=False)] = "",
    kind: Annotated[str, typer.Option("--kind", help="trade, quote, book or bar.", show_default=False)] = "",
    state: Annotated[
        str, typer.Option("--state", help="open, filling, filled or unfillable.", show_default=False)
    ] = "",
    since: Annotated[
        str, typer.Option("--from", metavar="WHEN", help="A moment, or 30m: so long ago.", show_default=False)
    ] = "",
    until: Annotated[
        str, typer.Option("--to", metavar="WHEN", help="A moment, or 30m: so long ago.", show_default=False)
    ] = "",
    count: Annotated[int, typer.Option("-n", min=0, help="Gaps at most, the newest; 0 is all.")] = 100,
    is_check: Annotated[bool, typer.Option("--check", help="Exit 7 if one of them is not filled.")] = False,
    timeout: TimeoutS = 3.0,
    as_json: AsJson = False,
) -> None:
    """Gaps that the hub knows, oldest first, each with what became of it and the 1m candles it changed.

    REVISED counts minutes of the hub's window that were published again after their close.

      tapehub gaps list --symbol BTC_USDT --kind trade

      tapehub gaps list --from 1h --check
    """
    from actors.runtime.clock import SystemClock
    from protocol.client import Hub
    from tapehub.gaps import KINDS, STATES, row_of, within

    _known(kind, "--kind", KINDS)
    _known(state, "--state", STATES)
    now_ns = SystemClock().now_ns()
    from_ns, to_ns = _moment(since, now_ns), _moment(until, now_ns)
    with Hub(context.current().hub_endpoints, timeout_s=timeout) as hub:
        name = _canonical(symbol)
        gaps = within(hub.gaps(0, symbol=name, kind=kind, state=state), from_ns, to_ns)
        gaps = gaps[-count:] if count else gaps
        candles = _candles(hub, gaps)
    rows = []
    for gap in gaps:
        found = _revised_minutes(gap, candles)
        rows.append({**row_of(gap, now_ns), "revised": found if found is None else len(found)})
    if as_json:
        print_json({"kind": "gaps", "data": rows})
    elif rows:
        print_table(_TITLES, [_cells(row) for row in rows], right=_NUMBERS)
    else:
        note("no gap")
    if is_check and any(gap.state != "filled" for gap in gaps):
        raise typer.Exit(exit_codes.GAPS)


def show(
    gap_id: Annotated[str, typer.Argument(metavar="ID", help="As `tapehub gaps list` shows it.")],
    timeout: TimeoutS = 3.0,
    as_json: AsJson = False,
) -> None:
    """Everything about one gap, and the candles that were published again because of it. Exit 5: no such gap.

    tapehub gaps show collector.binance.1-1795168800-3
    """
    from actors.runtime.clock import SystemClock
    from protocol.client import Hub
    from tapehub.gaps import row_of

    with Hub(context.current().hub_endpoints, timeout_s=timeout) as hub:
        gap = _find(hub, gap_id)
        bars = _bars_of(hub, gap)
    row = row_of(gap, SystemClock().now_ns())
    if as_json:
        print_json({**row, "revised": bars})
        return
    for name, value in row.items():
        is_time = name.endswith("_ts_ns")
        text = (utc_text(value) if value else "-") if is_time else "-" if value in ("", 0) else value
        say(f"{name.removesuffix('_ns') if is_time else name:<10} {text}")
    if bars:
        say()
        titles = ("TF", "OPENED", "STATUS", "REVISION", "COUNT", "VOLUME", "COVERAGE")
        cells = [
            [
                bar["timeframe"], utc_text(bar["ts_open_ns"]), bar["status"], bar["revision"], bar["count"],
                f"{bar['volume']:.8g}", f"{bar['coverage']:.3f}",
            ]
            for bar in bars
        ]  # fmt: skip
        print_table(titles, cells, right=titles[3:])


def repair(
    gap_id: Annotated[str, typer.Argument(metavar="ID", help="As `tapehub gaps list` shows it.")],
    timeout: TimeoutS = 3.0,
    as_json: AsJson = False,
) -> None:
    """Have the collector fetch the missing trades of a gap again. Exit 1: it cannot, and says why.

    It works for gaps of trades with known ids, as long as the collector remembers them; what becomes of it says
    `tapehub gaps show`.

      tapehub gaps repair collector.binance.1-1795168800-3
    """
    from actors.runtime.clock import SystemClock
    from protocol.errors import HubError
    from protocol.gap_ids import publisher_of
    from protocol.requests import Request
    from tapehub.asking import Question, ask_all, data_of

    here = context.current()
    publisher = usage(publisher_of, gap_id)
    if publisher not in here.actors:
        what = f"{publisher}, which announced it, is not in this topology"
        raise Failure(what, "tapehub status lists the actors", exit_codes.NO_DATA)
    request = Request(op="repair", args={"gap_id": gap_id})
    with context.current().wire() as wire:
        question = Question(here.endpoints.ctl(publisher), request)
        answer = ask_all(wire, {gap_id: question}, timeout, SystemClock())[gap_id]
    if isinstance(answer, HubError):
        raise answer
    gap: dict[str, Any] = data_of(answer)
    if as_json:
        print_json(gap)
        return
    say(f"{gap_id} of {gap['symbol']} is {gap['state']}")
    note(f"tapehub gaps show {gap_id} says what became of it")


def _known(word: str, option: str, words: tuple[str, ...]) -> None:
    if word and word not in words:
        raise Failure(
            f"{option} {word!r} is none of {', '.join(words)}", "tapehub gaps list --help", exit_codes.USAGE
        )


def _moment(text: str, now_ns: int) -> int:
    """Moment in ns; a length of time counts backwards from now. 0 where nothing was given."""
    from tapehub.durations import NS_PER_S, parse_duration, parse_moment

    if not text:
        return 0
    try:
        return now_ns - round(parse_duration(text) * NS_PER_S)
    except ValueError:
        return usage(lambda given: parse_moment(given, now_ns), text)


def _canonical(symbol: str) -> str:
    from protocol.instruments import Catalog

    return Catalog(context.current().loaded.instruments).get(symbol).symbol if symbol else ""


def _find(hub: Hub, gap_id: str) -> Gap:
    from protocol.gap_ids import publisher_of

    usage(publisher_of, gap_id)
    found = next((gap for gap in hub.gaps(0) if gap.gap_id == gap_id), None)
    if found is None:
        raise Failure(f"the hub knows no gap {gap_id}", "tapehub gaps list -n 0", exit_codes.NO_DATA)
    return found


def _candles(hub: Hub, gaps: list[Gap]) -> dict[tuple[str, str], list[dict[str, Any]]]:
    """The minutes of every symbol with a gap that candles are made of, as far back as the oldest of them."""
    from protocol.client import Candles, questions
    from tapehub.gaps import OF_CANDLES

    oldest: dict[tuple[str, str], int] = {}
    for gap in gaps:
        if gap.kind in OF_CANDLES:
            key = gap.symbol, gap.venue
            oldest[key] = min(gap.from_ts_ns, oldest.get(key, gap.from_ts_ns))
    asked = [
        questions.candles(
            symbol, "1m", 0, venue=venue, from_ns=max(1, from_ns - _MINUTE_NS), allow_stale=True
        )
        for (symbol, venue), from_ns in oldest.items()
    ]
    answers = hub.snapshot(asked) if asked else []
    return {
        key: answer.to_dicts()
        for key, answer in zip(oldest, answers, strict=True)
        if isinstance(answer, Candles)
    }


def _revised_minutes(
    gap: Gap, candles: dict[tuple[str, str], list[dict[str, Any]]]
) -> list[dict[str, Any]] | None:
    """Minutes that a gap changed; None where the hub keeps none."""
    from tapehub.gaps import OF_CANDLES, revised

    rows = candles.get((gap.symbol, gap.venue))
    return None if rows is None or gap.kind not in OF_CANDLES else revised(gap, rows, _MINUTE_NS)


def _bars_of(hub: Hub, gap: Gap) -> list[dict[str, Any]]:
    """Candles of several timeframes that a gap changed."""
    from protocol.client import Candles, questions
    from tapehub.gaps import OF_CANDLES, revised

    if gap.kind not in OF_CANDLES:
        return []
    asked = [
        questions.candles(
            gap.symbol, timeframe, 0, venue=gap.venue, from_ns=max(1, gap.from_ts_ns - length_ns), allow_stale=True
        )
        for timeframe, length_ns in _SHOWN_TIMEFRAMES.items()
    ]  # fmt: skip
    found: list[dict[str, Any]] = []
    for (timeframe, length_ns), answer in zip(_SHOWN_TIMEFRAMES.items(), hub.snapshot(asked), strict=True):
        if isinstance(answer, Candles):
            rows = revised(gap, answer.to_dicts(), length_ns)
            found += [{"timeframe": timeframe, **row} for row in rows]
    return found


def _cells(row: dict[str, Any]) -> list[str]:
    """One line of the table."""
    return [
        row["gap_id"], row["symbol"], row["kind"], row["state"], row["cause"],
        utc_text(row["from_ts_ns"]) if row["from_ts_ns"] else "-",
        seconds_text(row["length_s"]), _count(row["missing"]), _count(row["count"]), row["filled_by"] or "-",
        "-" if row["revised"] is None else str(row["revised"]), row["reason"] or "-",
    ]  # fmt: skip


def _count(value: int) -> str:
    return str(value) if value else "-"
