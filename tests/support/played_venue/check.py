"""A recording played into the running system, and everything that is wrong with what came of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

from protocol.messages import Gap
from scripts.recorded import Candle, FinalBook, Recorded, Symbol
from tests.support.paths import short_folder
from tests.support.played_venue.heard import Heard, same_trades
from tests.support.played_venue.running import Running
from tests.support.played_venue.script import Play, Script
from tests.support.played_venue.server import PlayedVenue

END_S: Final = 25.0
"""Patience after the last frame."""


class Outcome(NamedTuple):
    """What came of it."""

    problems: list[str]
    heard: Heard
    missed: dict[str, list[str]]
    """Symbol to the trades that were never sent."""
    found: dict[str, Symbol]
    """What the hub has."""
    status: Any
    """Of the collector."""
    asked: list[str]
    """REST requests."""


def check(recorded: Recorded, play: Play = Play(), end_s: float = END_S) -> Outcome:  # noqa: B008 - frozen
    """Play, wait for the end, compare.

    Args:
        recorded: What the decoder makes of the recording.
        play: How to play it.
        end_s: Patience after the last frame.
    """
    script = Script(recorded, play)
    markets = list(script.streams)
    with (
        short_folder() as run_dir,
        PlayedVenue(
            script.dialect, script.frames, script.wanted, has_past_trades=play.has_past_trades
        ) as venue,
    ):
        settings = {
            "ws_url": dict.fromkeys(markets, venue.ws_url),
            "rest_url": dict.fromkeys(markets, venue.rest_url),
            "streams": script.streams,
            "symbols": list(recorded.symbols),
            "repair_klines": False,
            **dict(play.settings),
        }
        with Running(run_dir, recorded.venue, settings, recorded.symbols_file()) as running:
            venue.start(script.cut, script.holes)
            running.wait(lambda: venue.is_done or venue.fault, END_S * 2, "the end of the play")
            if venue.fault is not None:
                raise venue.fault
            judge = _Judge(script, running)
            running.wait(lambda: not judge.problems(), end_s, "everything")
            status = running.status()
            problems = judge.problems(is_final=True) + judge.dropped(status)
            found = {symbol: recorded.found_in(running.hub, symbol) for symbol in recorded.symbols}
            return Outcome(problems, running.heard, script.missed, found, status, venue.asked)


class _Judge:
    """Compares what has come with what must come."""

    def __init__(self, script: Script, running: Running) -> None:
        self._script = script
        self._running = running
        self._recorded = script.recorded

    def problems(self, *, is_final: bool = False) -> list[str]:
        """Everything that is not (yet) as it must be; the hub is asked only if all is well before it, or at the end."""
        heard = self._running.listen()
        symbols = self._recorded.symbols.items()
        found = list(heard.faults)
        for symbol, wanted in symbols:
            found += [f"{symbol}: {what}" for what in self._in_heard(symbol, wanted, heard) if what]
        if not found or is_final:
            for symbol, wanted in symbols:
                found += [f"{symbol} in the hub: {what}" for what in self._in_hub(symbol, wanted) if what]
        return found

    def _in_heard(self, symbol: str, wanted: Symbol, heard: Heard) -> list[str]:
        script = self._script
        found = [same_trades(heard.trades.get(symbol, {}), self._ids(symbol))]
        replica = heard.books.get(symbol)
        final = FinalBook(replica.update_id, *replica.top()) if replica is not None else None
        found.append(same_levels(final, wanted.book))
        if script.cut is not None:
            found += [self._gap(symbol, kind, heard) for kind in ("trade", "quote", "book")]
        elif script.holes:
            if symbol == script.symbol(script.frames[script.holes[0]]):
                gaps = heard.of(symbol, script.play.hole)
                # where the connection numbers its frames, it is replaced too, which is a gap of its own
                found.append("" if {gap.state for gap in gaps} == {"filled"} else f"gaps of a hole: {gaps}")
        else:
            found.append(_different("quotes", heard.counts[symbol, "quote"], wanted.quotes))
            found += [f"a gap: {gap}" for gap in heard.gaps.values() if gap.symbol == symbol]
        return found

    def _in_hub(self, symbol: str, wanted: Symbol) -> list[str]:
        script = self._script
        hub = self._recorded.found_in(self._running.hub, symbol)
        found = [same_levels(hub.book, wanted.book)]
        found.append(_different("trades", hub.trades, len(self._ids(symbol))))
        if script.cut is None and not script.holes:
            found.append(_different("quotes", hub.quotes, wanted.quotes))
        if not script.gone(symbol) and not (
            len(hub.candles) == len(wanted.candles) and all(map(Candle.equals, hub.candles, wanted.candles))
        ):
            found.append(f"candles {hub.candles}, wanted {wanted.candles}")
        return found

    def _ids(self, symbol: str) -> list[str]:
        """Trades that must come, each once."""
        gone = self._script.gone(symbol)
        ids = self._script.ids(0, len(self._script.frames), symbol)
        return [trade_id for trade_id in ids if trade_id not in gone]

    def _gap(self, symbol: str, kind: str, heard: Heard) -> str:
        """What is wrong with the gap that a cut has made of one kind of message."""
        script = self._script
        gaps = heard.of(symbol, kind)
        has_no_book = kind == "book" and self._recorded.symbols[symbol].book is None
        if has_no_book or not script.has_begun(symbol, kind):
            return f"{len(gaps)} gaps of {kind}, though none had come" if gaps else ""
        if len(gaps) != 1:
            return f"{len(gaps)} gaps of {kind}: {gaps}"
        (gap,) = gaps
        came, sent = getattr(heard.announced[gap.gap_id], f"{kind}s"), script.before(symbol, kind)
        if came > sent + (kind == "book"):  # the hub may have asked for a whole one
            return f"{came} of kind {kind} before {gap}, {sent} were sent"
        match kind:
            case "book":
                good = (gap.state, gap.filled_by) == ("filled", "snapshot")
            case "quote":
                good = gap.state == "unfillable" and bool(gap.reason)
            case _:
                good = self._is_trade_gap_ended(symbol, gap)
        return "" if good else f"gap of {kind}: {gap}"

    def _is_trade_gap_ended(self, symbol: str, gap: Gap) -> bool:
        """Filled with exactly what was not sent, or marked as not to be had."""
        script = self._script
        assert script.cut is not None
        missed = script.missed.get(symbol, [])
        if not missed and not script.ids(script.cut.at, len(script.frames), symbol):
            shown = "filled" if script.dialect.repeats else "open"  # else the next trade will tell
            return (gap.state, gap.count) == (shown, 0)
        repaired = self._running.heard.repaired.get(symbol, [])
        wanted = script.fetched(symbol)
        if not script.has_past_trades and (wanted or not script.dialect.is_counted):
            return gap.state == "unfillable" and bool(gap.reason) and not repaired
        by = "rest" if wanted or not script.dialect.is_counted else ""
        return (gap.state, gap.filled_by, gap.count, repaired) == ("filled", by, len(wanted), wanted)

    def dropped(self, status: Any) -> list[str]:
        """What the collector has refused, but for what a cut brings."""
        known = set(self._recorded.summary["rejects"])
        if self._script.cut:
            known |= {"connection_lost", "stale_quote"}
        if self._script.cut and not self._script.has_past_trades:
            known.add("repair_failed")
        if any(symbol.book is None for symbol in self._recorded.symbols.values()):
            known.add("snapshot_failed")
        if self._script.holes:
            known |= {"book_lost", "book_checksum", "connection_broken", "connection_lost"}
        return [f"dropped {n} {reason}" for reason, n in status["dropped"].items() if reason not in known]


def same_levels(found: FinalBook | None, wanted: FinalBook | None) -> str:
    """What differs between two books, best levels first; empty if nothing does."""
    if found is None or wanted is None:
        return "" if found is wanted else f"a book is {found is not None}, wanted {wanted is not None}"
    for name, one, other in (("bids", found.bids, wanted.bids), ("asks", found.asks, wanted.asks)):
        differ = _first_difference(one, other)
        if differ:
            return f"{name} of the book: {differ}"
    return ""


def _first_difference(found: Sequence[Any], wanted: Sequence[Any]) -> str:
    if len(found) != len(wanted):
        return f"{len(found)} levels, wanted {len(wanted)}"
    pairs = zip(found, wanted, strict=True)
    return next((f"{one}, wanted {other}" for one, other in pairs if tuple(one) != tuple(other)), "")


def _different(what: str, found: int, wanted: int) -> str:
    return "" if found == wanted else f"{found} {what}, wanted {wanted}"


def untrue(recorded: Recorded) -> list[str]:
    """What the decoder makes of a recording against the numbers that somebody else has computed."""
    found = []
    for symbol, wanted in recorded.symbols.items():
        candles = recorded.truth(symbol)
        if candles is not None and not (
            len(candles) == len(wanted.candles) and all(map(Candle.equals, wanted.candles, candles))
        ):
            found.append(f"{symbol}: candles {wanted.candles}, truth {candles}")
        book = recorded.truth_of_book(symbol)
        if book is not None and wanted.book is not None:
            bids, asks, counts = book
            sides = [recorded.in_venue_units(symbol, side) for side in wanted.book[1:]]
            if [len(side) for side in sides] != counts or [sides[0][: len(bids)], sides[1][: len(asks)]] != [
                bids,
                asks,
            ]:
                found.append(f"{symbol}: book {[side[:5] for side in sides]}, truth {book}")
    return found
