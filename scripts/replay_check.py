"""Play a recording through the complete chain of processes and compare the hub with the file.

simulator -> WebSocket -> collector -> aggregator -> hub, each a process of its own in a temporary run
directory. Compared are the candles of each minute and every level of the final book; where independently
computed candles are at hand (the `truth` folder of the recordings), the file is compared with those too.

Recordings of other venues than Binance, and any that is to be cut, are played by a server of our own that speaks as the
venue does (`tests/support/played_venue`); what the collector publishes is judged then as well: gaps, chains of books,
each trade once.
"""

from __future__ import annotations

import argparse
import sys
import threading
import time
from pathlib import Path
from typing import Final

from actors.collector.registry import EXCHANGES
from scripts.recorded import BINANCE, Candle, FinalBook, Recorded, Symbol
from tests.support.paths import short_folder
from tests.support.played_venue.check import Outcome, untrue
from tests.support.played_venue.check import check as check_played
from tests.support.played_venue.script import Play
from tests.support.system import System

STALL_S: Final = 15.0
"""Nothing more arrives for so long: compare what is there."""
SETTLE_S: Final = 2.0
"""For a recording with streams that nobody collects: the collector has subscribed to all it wants by then."""
LOOK_S: Final = 0.1
SHOWN_LEVELS: Final = 5
HEAD: Final = ("MINUTE", "OPEN", "HIGH", "LOW", "CLOSE", "VOLUME", "N")


def wait_for_end(system: System, recorded: Recorded) -> float:
    """Wait until the hub has everything, or nothing more comes; returns seconds since the first event."""
    pause = threading.Event()
    seen, changed_s, started_s = -1, time.monotonic(), 0.0
    while time.monotonic() - changed_s < STALL_S:
        events = sum(
            topic.events for topic in system.hub.topics() if topic.topic[:4] in ("trad", "quot", "book")
        )
        if events != seen:
            seen, changed_s = events, time.monotonic()
            started_s = started_s or (changed_s if events else 0.0)
            print(f"\r{events:,} of {recorded.events:,} events in the hub", end="", file=sys.stderr)
        if all(
            is_equal(recorded.found_in(system.hub, name), wanted) for name, wanted in recorded.symbols.items()
        ):
            break
        pause.wait(LOOK_S)
    print(file=sys.stderr)
    return changed_s - started_s


def is_equal(found: Symbol, wanted: Symbol) -> bool:
    """Whether counts, candles and book are the same."""
    return (
        found.trades == wanted.trades
        and found.quotes == wanted.quotes
        and same_candles(found.candles, wanted.candles)
        and same_book(found.book, wanted.book)
    )


def same_candles(found: list[Candle], wanted: list[Candle]) -> bool:
    """The same minutes with the same numbers."""
    return len(found) == len(wanted) and all(map(Candle.equals, found, wanted))


def same_book(found: FinalBook | None, wanted: FinalBook | None) -> bool:
    """Every level, price and size."""
    if found is None or wanted is None:
        return found is wanted
    return [[tuple(level) for level in side] for side in found[1:]] == [
        [tuple(level) for level in side] for side in wanted[1:]
    ]


def show(symbol: str, found: Symbol, wanted: Symbol, independent: list[Candle] | None) -> bool:
    """Print both beside each other; returns whether they are equal."""
    print(f"\n{symbol}: trades {found.trades} / {wanted.trades}, quotes {found.quotes} / {wanted.quotes}")
    sources = {"hub": found.candles, "file": wanted.candles}
    if independent is not None:
        sources["truth"] = independent
    by_minute = {who: {candle.minute_ms: candle for candle in candles} for who, candles in sources.items()}
    lines: list[tuple[str, ...]] = [("", *HEAD, "")]
    for minute in sorted(set().union(*by_minute.values())):
        candles = [rows.get(minute) for rows in by_minute.values()]
        first = candles[0]
        good = first is not None and all(other is not None and first.equals(other) for other in candles)
        for who, candle in zip(sources, candles, strict=True):
            cells = candle.cells() if candle else ("missing",) + ("",) * (len(HEAD) - 1)
            lines.append((who, *cells, "ok" if good else "DIFFERS"))
    print_table(lines)
    print_books(found.book, wanted.book)
    is_good = is_equal(found, wanted) and (independent is None or same_candles(found.candles, independent))
    print(f"{symbol}: {'equal' if is_good else 'NOT EQUAL'}")
    return is_good


def print_table(lines: list[tuple[str, ...]]) -> None:
    """Columns under each other, numbers to the right."""
    widths = [max(len(line[column]) for line in lines) for column in range(len(lines[0]))]
    for line in lines:
        print("  ".join(cell.rjust(width) for cell, width in zip(line, widths, strict=True)).rstrip())


def print_books(found: FinalBook | None, wanted: FinalBook | None) -> None:
    """The best levels of both, and how many there are."""
    for who, book in (("hub", found), ("file", wanted)):
        if book is None:
            print(f"{who:>5}  no book")
            continue
        print(f"{who:>5}  book {book.update_id}: {len(book.bids)} bids, {len(book.asks)} asks")
        for name, side in (("bids", book.bids), ("asks", book.asks)):
            print(
                f"       {name}  "
                + "  ".join(f"{price:.10g} x {size:.8g}" for price, size in side[:SHOWN_LEVELS])
            )


def check(path: Path, market: str, speed: float) -> bool:
    """Play, wait, compare, print; returns whether all symbols are equal."""
    recorded = Recorded(path, market)
    print(f"{path.name}: {recorded.summary['frames']:,} frames, {recorded.events:,} events", file=sys.stderr)
    with (
        short_folder() as run_dir,
        System(
            run_dir,
            simulator={"play": str(path.resolve()), "play_speed": speed, "play_settle_s": SETTLE_S},
            collector={"streams": recorded.streams()},
            symbols=recorded.symbols_file(),
        ) as system,
    ):
        seconds = wait_for_end(system, recorded)
        results = [
            show(name, recorded.found_in(system.hub, name), wanted, recorded.truth(name))
            for name, wanted in recorded.symbols.items()
        ]
    print(f"\n{recorded.events:,} events in {seconds:.1f} s ({recorded.events / max(seconds, 0.001):,.0f}/s)")
    return all(results)


def play_at_venue(recorded: Recorded, play: Play) -> bool:
    """Play by a server that speaks as the venue, judge, print; returns whether all is well."""
    outcome = check_played(recorded, play)
    for name, wanted in recorded.symbols.items():
        show_played(name, outcome, wanted)
    problems = outcome.problems + untrue(recorded)
    for problem in problems:
        print(f"WRONG: {problem}")
    print(f"\n{recorded.path.name}, {play.words()}: {'NOT EQUAL' if problems else 'equal'}")
    return not problems


def show_played(symbol: str, outcome: Outcome, wanted: Symbol) -> None:
    """Print what came of one symbol."""
    heard, found = outcome.heard, outcome.found[symbol]
    missed, repaired = outcome.missed.get(symbol, []), heard.repaired.get(symbol, [])
    print(
        f"\n{symbol}: trades {found.trades} / {wanted.trades} ({len(missed)} not sent, {len(repaired)} repaired), "
        f"quotes {found.quotes} / {wanted.quotes}, {heard.snapshots[symbol]} images of the book"
    )
    for gap in heard.gaps.values():
        if gap.symbol == symbol:
            by = f" by {gap.filled_by}" if gap.filled_by else ""
            print(f"  gap of {gap.kind}: {gap.cause}, {gap.state}{by}, {gap.count} repaired. {gap.reason}")
    print_books(found.book, wanted.book)


def main() -> int:
    """Exit 0 only if everything is equal."""
    parser = argparse.ArgumentParser(prog="scripts/replay-check", description=__doc__.partition("\n\n")[0])
    parser.add_argument("file", type=Path, help="recording in a format that `tapehub decode` reads")
    parser.add_argument(
        "--venue", choices=EXCHANGES, help="default: the name of the file's folder, or binance"
    )
    parser.add_argument("--market", default="auto", help="of the venue; default: each frame tells")
    parser.add_argument("--speed", default="max", help="times the recording's own speed, or max (default)")
    parser.add_argument(
        "--cut", nargs="?", type=float, const=0.5, default=0.0, help="cut after this share of frames (0.5)"
    )
    parser.add_argument("--lost", type=float, default=0.05, help="share of the frames lost in the cut (0.05)")
    parser.add_argument("--no-rest", action="store_true", help="missed trades cannot be had over REST")
    parser.add_argument("--numbered", action="store_true", help="OKX: books with seqId instead of checksums")
    parser.add_argument(
        "--repeated", type=int, default=100, help="Coinbase Advanced: old trades at the begin"
    )
    parser.add_argument(
        "--hole", default="", choices=("trade", "book"), help="lose one such frame, cut nothing"
    )
    arguments = parser.parse_args()
    path: Path = arguments.file
    if not path.is_file():
        parser.error(f"{path} is not a file")
    try:
        speed = 0.0 if arguments.speed == "max" else float(arguments.speed)
    except ValueError:
        parser.error(f"--speed {arguments.speed!r} is neither a number nor max")
    folder = path.resolve().parent.name
    venue = arguments.venue or (folder if folder in EXCHANGES else BINANCE)
    market = "" if arguments.market == "auto" else arguments.market
    if venue == BINANCE and not arguments.cut and not arguments.hole:
        return 0 if check(path, market, speed) else 1
    if speed:
        parser.error("--speed is for the simulator: a venue is played as fast as it is taken")
    if not 0.0 <= arguments.cut < 1.0 or not 0.0 < arguments.lost < 1.0 - arguments.cut:
        parser.error("--cut and --lost are shares of the recording, less than all of it together")
    play = Play(
        arguments.cut, arguments.lost, not arguments.no_rest, arguments.numbered, arguments.repeated, arguments.hole
    )  # fmt: skip
    return 0 if play_at_venue(Recorded(path, market, venue), play) else 1


if __name__ == "__main__":
    sys.exit(main())
