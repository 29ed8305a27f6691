"""Play a day of the REST pipeline with a virtual clock: twenty instruments, four providers that fail in turn by script.

The orchestrator, its budgets, breakers and validation are the real ones; the providers are played, keep their limits as the
real ones do, and count every call above one. What went out is compared with the market that the providers tell of.
"""

from __future__ import annotations

import argparse
import collections
import datetime as dt
import sys
import time
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from actors.collector.bars.outlet import Switch
from protocol.instruments import Instrument
from protocol.messages import Bar, Gap, Message, Verdict
from tests.support.providers.calendars import calendar_named
from tests.support.providers.faults import Fault
from tests.support.providers.listings import LISTINGS, Listing, listings
from tests.support.providers.market import Market
from tests.support.providers.world import PROVIDERS, World
from tests.support.virtual_bars import VirtualBars

HOUR_S = 3600
MINUTE_NS = 60_000_000_000
NS = 1_000_000_000
TOLERANCE = 1e-4
"""Each provider is a fraction of a basis point off, as providers are."""
SCRIPT = (
    Fault("yahoo", "error", 1 * HOUR_S, 1.5 * HOUR_S, status=503),
    Fault("yahoo", "throttle", 3 * HOUR_S, 3.25 * HOUR_S, retry_after_s=300),
    Fault("twelvedata", "limit_note", 3 * HOUR_S, 3.5 * HOUR_S),
    Fault("yahoo", "html", 5 * HOUR_S, 5.25 * HOUR_S),
    Fault("polygon", "auth", 5 * HOUR_S, 5.5 * HOUR_S),
    Fault("yahoo", "stale", 7 * HOUR_S, 7.5 * HOUR_S, minutes=5),
    Fault("alphavantage", "error", 7 * HOUR_S, 9 * HOUR_S),
    Fault("yahoo", "missing", 9 * HOUR_S, 9.5 * HOUR_S),
    Fault("yahoo", "spike", 11 * HOUR_S, 11.25 * HOUR_S),
    Fault("*", "error", 12 * HOUR_S, 12.33 * HOUR_S),
    Fault("yahoo", "hang", 14 * HOUR_S, 14.25 * HOUR_S),
    Fault("twelvedata", "cut", 14 * HOUR_S, 14.5 * HOUR_S),
    Fault("yahoo", "reset", 16 * HOUR_S, 16.25 * HOUR_S),
    Fault("polygon", "plan", 16 * HOUR_S, 16.5 * HOUR_S),
    Fault("yahoo", "disagree", 18 * HOUR_S, 18.25 * HOUR_S, symbols=("BTC_USD", "XAU_USD")),
    Fault("yahoo", "garbage", 20 * HOUR_S, 20.25 * HOUR_S),
    Fault("*", "refused", 22 * HOUR_S, 22.1 * HOUR_S),
)
"""What goes wrong on the day."""


LIES = frozenset({"spike", "disagree", "stale"})
"""Faults that make a provider tell wrong prices."""


class Book:
    """Everything that went out of one instrument."""

    def __init__(self) -> None:
        self.newest: dict[int, Bar] = {}
        self.first: collections.Counter[int] = collections.Counter()
        self.is_ordered = True
        self.revised = self.stale = self.gaps = 0

    def take(self, message: Message) -> None:
        """Enter one message."""
        if isinstance(message, Gap):
            self.gaps += message.state == "open"
        if not isinstance(message, Bar):
            return
        if message.revision == 0:
            self.stale += message.status == "stale"
            return
        start_ns = message.ts_open_ns
        if message.revision == 1:
            self.is_ordered = self.is_ordered and start_ns > max(self.newest, default=0)
            self.first[start_ns] += 1
        else:
            self.revised += 1
        self.newest[start_ns] = message


class Row(msgspec.Struct):
    """One instrument at the end of the day."""

    symbol: str
    minutes: int
    """In market hours."""
    closed: int
    quiet: int
    marked: int
    """Still gaps at the end."""
    unmarked: int
    """Neither there nor marked: must be 0."""
    wrong: int
    """Other than the market was: must be 0."""
    believed: int
    """A provider left the minute out, or told a wrong price, and was believed, since nobody else could be asked in time; the
    row says whose word it is."""
    revised: int
    stale: int
    """Times that the last value was shown as stale."""


def lies(bar: Bar, start_ns: int) -> bool:
    """Whether the bar was false already as its provider told it, by the script."""
    told_s = (bar.ts_recv_ns - start_ns) / NS
    return any(
        one.kind in LIES and one.provider in ("*", bar.source) and one.from_s <= told_s < one.to_s
        for one in SCRIPT
    )


def row_of(listing: Listing, book: Book, market: Market, from_ns: int, to_ns: int) -> Row:
    """Compare what went out with what happened."""
    minutes = calendar_named(listing.session).minutes(from_ns // MINUTE_NS, to_ns // MINUTE_NS)
    open_minutes = {minute * MINUTE_NS for minute in minutes.tolist()}
    truth = market.minutes(listing.symbol, from_ns, to_ns)
    closes = dict(zip(truth.ts_open_ns.tolist(), truth.close.tolist(), strict=True))
    traded = {
        start_ns
        for start_ns, count in zip(truth.ts_open_ns.tolist(), truth.trades.tolist(), strict=True)
        if count
    }
    newest = {start_ns: bar for start_ns, bar in book.newest.items() if start_ns < to_ns}
    begun_ns = min(newest, default=to_ns)
    expected = {start_ns for start_ns in open_minutes if start_ns >= begun_ns}
    states = collections.Counter(bar.status for bar in newest.values())
    wrong = sum(start_ns not in open_minutes or book.first[start_ns] != 1 for start_ns in newest)
    believed = 0
    for start_ns, bar in newest.items():
        is_closed = bar.status == "closed"
        is_false = is_closed and (
            start_ns not in traded or abs(bar.close / closes[start_ns] - 1.0) > TOLERANCE
        )
        if (bar.status == "quiet" and start_ns in traded) or (is_false and lies(bar, from_ns)):
            believed += 1
        else:
            wrong += is_false
    wrong += not book.is_ordered
    unmarked = len(expected - set(newest))
    return Row(
        listing.symbol, len(expected), states["closed"], states["quiet"], states["gap"], unmarked, wrong,
        believed, book.revised, book.stale,
    )  # fmt: skip


def table(titles: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    """Plain columns."""
    cells = [list(map(str, row)) for row in [titles, *rows]]
    widths = [max(len(row[at]) for row in cells) for at in range(len(titles))]
    lines = [
        "  ".join(
            text.ljust(width) if at == 0 else text.rjust(width)
            for at, (text, width) in enumerate(zip(row, widths, strict=True))
        )
        for row in cells
    ]
    return "\n".join(line.rstrip() for line in lines)


def tell(
    title: str,
    world: World,
    books: Mapping[str, Book],
    rows: Sequence[Row],
    switches: Sequence[Switch],
    verdicts: Mapping[str, int],
    *,
    is_long: bool,
) -> None:
    """Print the tables."""
    print(title)
    print("\nwhat goes wrong")
    print(table(("HOURS", "PROVIDER", "FAULT", "CALLS HIT"), [
        (f"{one.from_s / HOUR_S:05.2f}-{one.to_s / HOUR_S:05.2f}", one.provider, one.kind, world.script.hits[number])
        for number, one in enumerate(SCRIPT)
    ]))  # fmt: skip
    report = world.report()
    print("\nproviders")
    print(table(("PROVIDER", "CALLS", "PEAK OF LIMIT", "ABOVE", "MINUTES"), [
        (
            name, report[name]["calls"],
            ", ".join(f"{one['peak']:g}/{one['limit']:g} in {one['per_s']:g} s" for one in report[name]["peaks"]),
            len(report[name]["violations"]),
            sum(bar.source == name and bar.status == "closed" for book in books.values() for bar in book.newest.values()),
        )
        for name in PROVIDERS
    ]))  # fmt: skip
    print("\ninstruments")
    titles = (
        "SYMBOL",
        "MINUTES",
        "CLOSED",
        "QUIET",
        "MARKED",
        "UNMARKED",
        "WRONG",
        "BELIEVED",
        "REVISED",
        "STALE",
    )
    print(table(titles, [msgspec.structs.astuple(row) for row in rows]))
    reasons = collections.Counter(f"{one.before} -> {one.after}: {one.reason[:80]}" for one in switches)
    print(f"\n{len(switches)} switches of provider")
    for text, count in reasons.most_common():
        print(f"  {count:5}  {text}")
    if is_long:
        for one in switches:
            at = dt.datetime.fromtimestamp(one.ts_ns / NS, dt.UTC)
            print(f"  {at:%H:%M:%S}  {one.symbol:8} {one.before} -> {one.after}: {one.reason}")
    print("\nverdicts")
    for text, count in sorted(verdicts.items(), key=lambda one: -one[1]):
        print(f"  {count:5}  {text}")


def main() -> int:
    """Exit 0 only if no limit was exceeded and every minute is there, or marked, and true."""
    parser = argparse.ArgumentParser(prog="scripts/rest-day", description=__doc__.partition("\n\n")[0])
    parser.add_argument("--symbols", type=int, default=20, help="instruments (default 20)")
    parser.add_argument("--day", default="2026-01-06", help="UTC day (default 2026-01-06, a Tuesday)")
    parser.add_argument("--hours", type=float, default=24.0, help="how much of it (default 24)")
    parser.add_argument("--seed", type=int, default=1, help="of the market, the jitter and the delays")
    parser.add_argument("--switches", action="store_true", help="list every switch of provider")
    arguments = parser.parse_args()
    start_ns = int(dt.datetime.fromisoformat(f"{arguments.day}T00:00+00:00").timestamp()) * NS
    end_ns = start_ns + round(arguments.hours * HOUR_S) * NS
    chosen = (
        listings(arguments.symbols) if arguments.symbols > len(LISTINGS) else LISTINGS[: arguments.symbols]
    )
    market = Market(chosen, seed=arguments.seed)
    world = World(market, start_ns, faults=SCRIPT)
    instruments = [msgspec.convert({**one.entry(), "symbol": one.symbol}, Instrument) for one in chosen]
    bars = VirtualBars(world, instruments, start_ns, seed=arguments.seed)
    books = {one.symbol: Book() for one in chosen}
    verdicts: collections.Counter[str] = collections.Counter()

    def on_message(message: Any) -> None:
        if isinstance(message, Verdict):
            verdicts[f"{message.provider} {message.verdict} {message.reasons[0].partition(':')[0]}"] += 1
        if message.symbol in books:
            books[message.symbol].take(message)

    bars.on_message = on_message
    began_s = time.monotonic()
    switches: list[Switch] = []
    while bars.now_ns < end_ns:
        bars.run(min(end_ns, bars.now_ns + 600 * NS))
        switches += bars.switches
        bars.switches.clear()
    took_s = time.monotonic() - began_s
    rows = [row_of(one, books[one.symbol], market, start_ns, end_ns - 120 * NS) for one in chosen]
    title = f"{arguments.day}: {arguments.hours:g} h of {len(chosen)} instruments in {took_s:.0f} s"
    tell(title, world, books, rows, switches, verdicts, is_long=arguments.switches)
    above = len(world.violations)
    unmarked, wrong = sum(row.unmarked for row in rows), sum(row.wrong for row in rows)
    print(f"\ncalls above a limit: {above}   minutes neither there nor marked: {unmarked}   wrong: {wrong}")
    return 1 if above or unmarked or wrong else 0


if __name__ == "__main__":
    sys.exit(main())
