"""From DBN records to our messages: the one path of live sessions and files. Pure.

| record | becomes |
|---|---|
| trades, and action T of tbbo, mbp-1, mbp-10, mbo (one source, see `sources`) | Trade; F is the other side of a T and no trade |
| mbp-1, bbo | Quote; of mbp-1 only at F_LAST, where the event is over; of tbbo each, before its trade |
| mbp-10 | whole Book of ten levels, at F_LAST |
| mbo | whole Book at the end of a snapshot or clear, then changed levels, and Quotes, at F_LAST |
| ohlcv | Bar, revision 1 |
| mapping, definition, system, error | see `control`, `definition` |
| everything else | counted in `ignored` |

Trade ids: a venue sequence may cover several trades, so an id is `<ts_recv>.<sequence>.<n>`, n counting the trades of the
instrument with the same `ts_recv` from 0. Every reader of the stream makes the same ids, a replay too. Ids of quotes and
books are `ts_recv`, or one more than the one before: they grow over sessions and restarts.

Undefined prices and times never come out; a book or quote that the venue itself doubts (F_MAYBE_BAD_BOOK) neither.
Sizes are contracts times `contract_size`.
"""

from __future__ import annotations

import collections
import functools
from collections.abc import Callable, Sequence
from typing import Any, Final

from actors.collector.databento import definition, layout
from actors.collector.databento.columns import take_quotes
from actors.collector.databento.control import (
    Disagreement,
    Doubt,
    GatewayError,
    Mapped,
    System,
    parse_control,
)
from actors.collector.databento.layout import (
    F_LAST,
    F_MAYBE_BAD_BOOK,
    FORMATS,
    LATEST_NS,
    SCALE,
    TRADE_ACTION,
    UNDEF_PRICE,
)
from actors.collector.databento.levels import is_ordered, levels_of
from actors.collector.databento.orders import Orders
from actors.collector.databento.runs import Run, Walk
from actors.collector.databento.sources import Sources
from actors.collector.databento.symbols import SymbolMap, Target
from protocol.messages import BUY, SELL, UNKNOWN_SIDE, Bar, Book, Level, Quote, Trade

VENUE: Final = "databento"
SIDES: Final = {layout.BID: BUY, layout.ASK: SELL}
TIMEFRAMES: Final = {
    layout.OHLCV_1S: ("1s", 1),
    layout.OHLCV_1M: ("1m", 60),
    layout.OHLCV_1H: ("1h", 3600),
    layout.OHLCV_1D: ("1d", 86_400),
}
_NOBODY: Final[tuple[Target, ...]] = ()
Row = Any
"""Fields of one record, as its format in `layout` says."""


Outcome = Trade | Quote | Book | Bar | Mapped | System | GatewayError | Doubt | Disagreement


class Records:
    """Reads the records of one stream.

    Args:
        symbols: Which instrument is which symbol; mapping records change it.
        sources: What is taken from which record type.
        venue: Name in the messages.
    """

    def __init__(self, symbols: SymbolMap, sources: Sources, venue: str = VENUE) -> None:
        self.symbols = symbols
        self.sources = sources
        self.venue = venue
        self.dropped: collections.Counter[str] = collections.Counter()
        """What could not be used, by reason; whoever reads it may clear it."""
        self.ignored: collections.Counter[str] = collections.Counter()
        """Records of types that nobody here reads."""
        self.newest_recv_ns = 0
        """Newest `ts_recv` of a record of the market: where a replay has to begin."""
        self._recv_ns = 0
        self._out: list[Outcome] = []
        self._rest = b""
        self._orders = Orders(self)
        self._takers: dict[int, Callable[[Run], None]] = {
            layout.TRADE: self._rows(self._trade),
            layout.MBP_1: self._rows(self._tbbo) if sources.is_tbbo else self._mbp_1_run,
            layout.MBP_10: self._rows(self._mbp_10),
            layout.MBO: self._orders.take,
            layout.BBO_1S: self._rows(self._bbo),
            layout.BBO_1M: self._rows(self._bbo),
            **{number: self._rows(self._ohlcv) for number in TIMEFRAMES},
            layout.DEFINITION: self._definitions,
            layout.MAPPING: self._control,
            layout.SYSTEM: self._control,
            layout.ERROR: self._control,
        }

    def begin_session(self) -> None:
        """Records of another stream follow."""
        self._rest = b""
        self.symbols.begin_session()

    def take(self, data: bytes | memoryview, ts_recv_ns: int = 0) -> Sequence[Outcome]:
        """Everything that whole records say, in their order; one that is cut off waits for the next call.

        Args:
            data: Records back to back.
            ts_recv_ns: When we received them; 0: their own `ts_recv` stands in (a file).
        """
        self._recv_ns = ts_recv_ns
        if self._rest:
            data = self._rest + bytes(data)
        walk = Walk(data)
        for run in walk.runs():
            taker = self._takers.get(run.rtype)
            if taker is None:
                self.ignored[layout.TYPE_NAMES.get(run.rtype, "unknown")] += len(run)
            else:
                taker(run)
        self._rest = b"" if walk.is_broken else walk.rest
        if walk.is_broken:
            self.dropped["invalid_record"] += 1
        out, self._out = self._out, []
        return out

    @property
    def waiting_bytes(self) -> int:
        """Bytes of a record whose end has not come."""
        return len(self._rest)

    def emit_all(self, outcomes: Sequence[Outcome | None]) -> None:
        """Take outcomes; None is none."""
        self._out += [outcome for outcome in outcomes if outcome is not None]

    def saw(self, ts_recv: int) -> None:
        """Note a receive time of Databento's."""
        self.newest_recv_ns = max(self.newest_recv_ns, ts_recv)

    def _rows(self, take_row: Callable[[Target, Row], None]) -> Callable[[Run], None]:
        return functools.partial(self._take_rows, take_row)

    def _take_rows(self, take_row: Callable[[Target, Row], None], run: Run) -> None:
        form = FORMATS[run.rtype]
        if run.size_bytes == form.size:
            rows = form.iter_unpack(run.data)
        elif run.size_bytes > form.size:
            rows = map(functools.partial(form.unpack_from, run.data), range(0, len(run.data), run.size_bytes))
        else:
            self.dropped["invalid_record"] += len(run)
            return
        find = self.symbols.targets.get
        for row in rows:
            targets = find(row[3], _NOBODY)
            if not targets:
                self.dropped[self.why_nobody(row[3])] += 1
                continue
            for target in targets:
                if target.is_withheld:
                    self.dropped["withheld_unit"] += 1
                else:
                    take_row(target, row)

    def why_nobody(self, instrument: int) -> str:
        """Why records of an instrument have no symbol."""
        return "not_wanted" if instrument in self.symbols.targets else "unmapped_instrument"

    def times(self, ts_event: int, ts_recv: int) -> tuple[int, int, int]:
        """Event time, our receive time and Databento's; all 0 if the record has no time at all."""
        if not 0 < ts_recv <= LATEST_NS:
            ts_recv = ts_event
        if not 0 < ts_event <= LATEST_NS:
            ts_event = ts_recv
        if not 0 < ts_event <= LATEST_NS:
            self.dropped["undefined_time"] += 1
            return 0, 0, 0
        self.newest_recv_ns = max(self.newest_recv_ns, ts_recv)
        return ts_event, self._recv_ns or ts_recv, ts_recv

    # prints

    def _trade(self, target: Target, row: Row) -> None:
        if self.sources.trades == layout.TRADE and row[7] == TRADE_ACTION:
            self.print(target, row[4], row[5], row[6], row[8], row[11], row[13])

    def print(
        self, target: Target, ts_event: int, price: int, size: int, side: int, ts_recv: int, sequence: int
    ) -> None:
        """One trade; `side` is the aggressor's, as Databento says."""
        ts_event, recv_ns, ts_recv = self.times(ts_event, ts_recv)
        if not ts_recv:
            return
        if price == UNDEF_PRICE or price <= 0:
            self.dropped["undefined_price"] += 1
            return
        if ts_recv == target.trade_recv_ns:
            target.trade_n += 1
        else:
            target.trade_recv_ns, target.trade_n = ts_recv, 0
        self._out.append(
            Trade(
                target.symbol,
                self.venue,
                ts_event,
                recv_ns,
                price / SCALE,
                size * target.contract_size,
                SIDES.get(side, UNKNOWN_SIDE),
                f"{ts_recv}.{sequence}.{target.trade_n}",
            )
        )

    # best bid and ask

    def _mbp_1_run(self, run: Run) -> None:
        if not take_quotes(self, run, self._recv_ns):
            self._take_rows(self._mbp_1, run)

    def _mbp_1(self, target: Target, row: Row) -> None:
        if row[7] == TRADE_ACTION and self.sources.trades == layout.MBP_1:
            self.print(target, row[4], row[5], row[6], row[8], row[11], row[13])
        if row[9] & F_LAST and self.sources.quotes == layout.MBP_1:
            self.quote(target, row[4], row[11], row[9], *row[14:18])

    def _tbbo(self, target: Target, row: Row) -> None:
        if self.sources.quotes == layout.MBP_1:
            self.quote(target, row[4], row[11], row[9], *row[14:18])
        if row[7] == TRADE_ACTION and self.sources.trades == layout.MBP_1:
            self.print(target, row[4], row[5], row[6], row[8], row[11], row[13])

    def _bbo(self, target: Target, row: Row) -> None:
        if self.sources.quotes == row[1]:
            # ts_event is the last trade and may be older than the interval; the quote is of ts_recv, its end
            self.quote(target, row[11], row[11], row[9], *row[13:17])

    def quote(
        self, target: Target, ts_event: int, ts_recv: int, flags: int, bid: int, ask: int, bid_size: int, ask_size: int
    ) -> None:  # fmt: skip
        """Best bid and ask; a market with one side only has no quote."""
        ts_event, recv_ns, ts_recv = self.times(ts_event, ts_recv)
        if not ts_recv:
            return
        if flags & F_MAYBE_BAD_BOOK:
            self._out.append(Doubt(target.symbol, Quote.KIND, ts_event))
            return
        if UNDEF_PRICE in (bid, ask) or bid <= 0 or ask <= 0:
            self.dropped["one_sided_quote"] += 1
            return
        target.quote_id = ts_recv if ts_recv > target.quote_id else target.quote_id + 1
        size = target.contract_size
        self._out.append(
            Quote(
                target.symbol,
                self.venue,
                ts_event,
                recv_ns,
                bid / SCALE,
                ask / SCALE,
                bid_size * size,
                ask_size * size,
                target.quote_id,
            )
        )

    # books

    def _mbp_10(self, target: Target, row: Row) -> None:
        sources = self.sources
        if row[7] == TRADE_ACTION and sources.trades == layout.MBP_10:
            self.print(target, row[4], row[5], row[6], row[8], row[11], row[13])
        if not row[9] & F_LAST:
            return
        if sources.quotes == layout.MBP_10:
            self.quote(target, row[4], row[11], row[9], *row[14:18])
        if sources.books == layout.MBP_10:
            prices, sizes = row[14:], row[16:]
            bids = levels_of([(prices[at], sizes[at]) for at in range(0, 60, 6)], target.contract_size)
            asks = levels_of([(prices[at], sizes[at]) for at in range(1, 61, 6)], target.contract_size)
            self.whole_book(target, row[4], row[11], row[9], bids, asks)

    def whole_book(
        self, target: Target, ts_event: int, ts_recv: int, flags: int, bids: list[Level], asks: list[Level]
    ) -> None:  # fmt: skip
        """A book to replace whatever was there, best levels first, in our units."""
        ts_event, recv_ns, ts_recv = self.times(ts_event, ts_recv)
        if not ts_recv:
            return
        if flags & F_MAYBE_BAD_BOOK:
            self._out.append(Doubt(target.symbol, Book.KIND, ts_event))
            return
        if bids and asks and bids[0][0] >= asks[0][0]:
            self.dropped["crossed_book"] += 1
            target.needs_image = True
            return
        if not is_ordered(bids, -1) or not is_ordered(asks, 1):
            self.dropped["unordered_book"] += 1
            target.needs_image = True
            return
        target.needs_image = False
        book_id = target.book_id = ts_recv if ts_recv > target.book_id else target.book_id + 1
        self._out.append(
            Book(target.symbol, self.venue, ts_event, recv_ns, True, book_id, book_id, bids, asks)  # noqa: FBT003 - a snapshot, as in Book
        )

    def image(self, target: Target, ts_event: int) -> Book | None:
        """The book of single orders as it is between two records; None if it is not whole."""
        book, book_id = target.book, target.book_id
        if not book_id or not book.is_synced or book.is_crossed or target.needs_image:
            return None
        levels = book.scaled(target.contract_size)
        return Book(target.symbol, self.venue, ts_event, ts_event, True, book_id, book_id, *levels)  # noqa: FBT003 - as above

    def changed_book(
        self, target: Target, ts_event: int, ts_recv: int,
        bids: Sequence[tuple[int, int]], asks: Sequence[tuple[int, int]],
    ) -> None:  # fmt: skip
        """New sizes of some levels, 0 where they are gone."""
        ts_event, recv_ns, ts_recv = self.times(ts_event, ts_recv)
        if not ts_recv or not (bids or asks):
            return
        size, before = target.contract_size, target.book_id
        book_id = target.book_id = ts_recv if ts_recv > before else before + 1
        changes = levels_of(bids, size), levels_of(asks, size)
        self._out.append(
            Book(target.symbol, self.venue, ts_event, recv_ns, False, book_id, book_id, *changes, before)  # noqa: FBT003 - as above
        )

    # bars, definitions, control

    def _ohlcv(self, target: Target, row: Row) -> None:
        timeframe, length_s = TIMEFRAMES[row[1]]
        open_ns = row[4]
        prices = row[5:9]
        if open_ns > LATEST_NS - length_s * SCALE or UNDEF_PRICE in prices or min(prices) <= 0:
            self.dropped["undefined_price"] += 1
            return
        volume = row[9] * target.contract_size
        first, high, low, last = (price / SCALE for price in prices)
        if not open_ns > 0 or not low <= min(first, last) <= max(first, last) <= high:
            self.dropped["invalid_bar"] += 1
            return
        self._out.append(
            Bar(
                symbol=target.symbol,
                venue=self.venue,
                timeframe=timeframe,
                ts_open_ns=open_ns,
                ts_event_ns=open_ns + length_s * SCALE,
                open=first,
                high=high,
                low=low,
                close=last,
                volume=volume,
                buy_volume=0.0,  # neither sides nor the number of trades are told: not known, and not 0
                sell_volume=0.0,
                vwap=(high + low + last) / 3.0,
                count=1 if volume else 0,
                status="closed",
                coverage=1.0,
                revision=1,
                source=self.venue,
            )
        )

    def _definitions(self, run: Run) -> None:
        for at in range(0, len(run.data), run.size_bytes):
            found = definition.parse_definition(run.data[at : at + run.size_bytes])
            if found is None:
                self.dropped["invalid_record"] += 1
                continue
            self.ignored["definition"] += 1
            for target in self.symbols.targets.get(found.instrument_id, _NOBODY):
                text, is_wrong = definition.disagreement(found, target.tick_size, target.contract_size)
                target.is_withheld = is_wrong
                if text:
                    self._out.append(Disagreement(target.symbol, f"{found.raw_symbol}: {text}", is_wrong))

    def _control(self, run: Run) -> None:
        for at in range(0, len(run.data), run.size_bytes):
            said = parse_control(run.rtype, bytes(run.data[at : at + run.size_bytes]))
            if said is None:
                self.dropped["invalid_record"] += 1
            elif isinstance(said, Mapped):
                rolled = self.symbols.map(said.instrument, said.asked, said.raw)
                self._out.append(said._replace(rolled=tuple(rolled)))
            else:
                self._out.append(said)
