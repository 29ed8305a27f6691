"""One simulated instrument: a random walk of orders against a limit order book. Pure.

Each step is one order: a market order that takes liquidity, a change at the top, or a change deeper down.
All randomness comes from the instrument's own seeded generator, so the same seed and step number give the
same events whatever else is simulated beside it. Trades consume the book, so trades, best prices and depth
agree with each other at every update id. What is out of the ordinary (`scenario`) comes in through `act`.
"""

from __future__ import annotations

import random
import zlib
from collections.abc import Callable
from typing import Final

from actors.simulator.candle import Candle, Candles, kline_event
from actors.simulator.forced_order import ForcedOrder
from actors.simulator.history import AGG_FIELDS, TRADE_FIELDS, History
from actors.simulator.listing import Listing
from actors.simulator.order_book import OrderBook
from actors.simulator.payloads import payloads_of
from actors.simulator.timed import DepthChain, Send

TAKES: Final = 0.30
"""Share of steps that are market orders."""
TOP_MOVES: Final = 0.75
"""Above TAKES and below this: changes at the top; the rest are deeper."""
WIDE: Final = 4
"""With a spread of more levels than this somebody improves it, whatever else would have happened."""
PULL: Final = 0.06
"""How strongly the taker side leans towards the fair price, per level of distance."""
REACH: Final = 2
"""Levels that an ordinary market order takes at most: whoever sees no more there leaves the rest."""
SURGE_TAKES: Final = 0.6
"""Share of market orders in a volume surge."""
SURGE_DEPTH: Final = 40
"""Levels from the top that are filled up for a volume surge."""
_CACHED_TEXTS: Final = 20_000


class Market:
    """Order book, trades and candles of one instrument, and the streams that want to hear of them."""

    def __init__(
        self,
        listing: Listing,
        seed: int,
        t_ms: int,
        levels: int = 200,
        history: int = 100_000,
        number: int = 0,
        forced_share: float = 0.0,
    ) -> None:
        """Make the market as it is at time `t_ms`, before the first step.

        Args:
            listing: What is traded.
            seed: With the listing's name it decides everything that happens.
            t_ms: Venue time of the start.
            levels: Book levels per side, about.
            history: Trades (and aggregate trades) kept for REST.
            number: Place in the exchange's list; spreads the timed streams over time.
            forced_share: Share of market orders that are liquidations; none on spot.
        """
        self.listing = listing
        self.number = number
        self.payloads = payloads_of(listing)
        random_of_listing = random.Random(f"{seed}:{listing.market}:{listing.raw}")
        self._draw: Callable[[], float] = random_of_listing.random
        # of its own, so that the share does not change what else happens
        self._draw_forced: Callable[[], float] = random.Random(
            f"{seed}:forced:{listing.market}:{listing.raw}"
        ).random
        self._forced_share = forced_share if listing.market != "spot" else 0.0
        self._takes = TAKES
        self._typical_lots = float(listing.typical_lots)
        self._levels = max(20, min(levels, listing.first_level // 4))
        self._texts: dict[int, str] = {}
        self._fair = float(listing.first_level)
        base_id = 1_000_000 + zlib.crc32(f"{listing.market}:{listing.raw}".encode()) % 1_000_000_000
        self._id_mask = 0 if listing.market == "spot" else 63  # futures share one counter: ids jump
        self.update_id = base_id * 10
        self.trades = History(TRADE_FIELDS, history, base_id)
        self.agg_trades = History(AGG_FIELDS, history, base_id // 2)
        self.first_trade_id = base_id
        self.first_agg_id = base_id // 2
        self.tickers = 0
        """Changes of the best bid or ask so far, in price or size."""
        self.steps = 0
        self.forced_orders = 0
        """Liquidations so far."""
        self.forced_order: ForcedOrder | None = None
        """The newest of them."""
        self.is_frozen = False
        """Nothing happens while set."""
        self.on_trade: Send | None = None
        self.on_agg_trade: Send | None = None
        self.on_ticker: Send | None = None
        self.chains: list[DepthChain] = []
        """Every diff stream of this instrument, of whatever speed."""
        self.instant: DepthChain | None = None
        """The one of them that is flushed after each step (`depth@0ms`)."""
        first = listing.first_level
        self.book = OrderBook(
            [(first - offset, self._new_lots()) for offset in range(1, self._levels + 1)],
            [(first + offset, self._new_lots()) for offset in range(self._levels)],
        )
        self.candles = Candles(t_ms, first * listing.grid_units)

    def step(self, t_ms: int) -> None:
        """One order at venue time `t_ms`; tells the streams."""
        self.steps += 1
        draw, book = self._draw, self.book
        self._fair += (draw() - 0.5) * 2.4 + (self.listing.first_level - self._fair) * 2e-5
        bid, ask = book.best_bid, book.best_ask
        bid_lots, ask_lots = book.bids[bid], book.asks[ask]
        kind = draw()
        if ask - bid > WIDE:
            self._improve()
        elif kind < self._takes:
            self._take(t_ms)
        elif kind < TOP_MOVES:
            self._move_top()
        else:
            self._move_deep()
        self._tell(t_ms, bid, ask, bid_lots, ask_lots)

    def act(self, t_ms: int, deed: Callable[[Market], None]) -> None:
        """Let something out of the ordinary happen at venue time `t_ms`; tells the streams."""
        book = self.book
        bid, ask = book.best_bid, book.best_ask
        bid_lots, ask_lots = book.bids[bid], book.asks[ask]
        deed(self)
        self._tell(t_ms, bid, ask, bid_lots, ask_lots)

    def _tell(self, t_ms: int, bid: int, ask: int, bid_lots: int, ask_lots: int) -> None:
        """Say what has changed since the top of the book was this."""
        book = self.book
        if (
            book.best_bid != bid
            or book.best_ask != ask
            or book.bids[bid] != bid_lots
            or book.asks[ask] != ask_lots
        ):
            self.tickers += 1
            if self.on_ticker is not None:
                self.on_ticker(self._ticker(t_ms))
        if self.instant is not None:
            self.instant.flush(t_ms)

    def _take(self, t_ms: int) -> None:
        """A market order: eats one level in part or whole, sometimes reaches into the next one."""
        draw, book = self._draw, self.book
        lean = (self._fair - (book.best_bid + book.best_ask) / 2) * PULL
        is_buy = draw() < 0.5 + max(-0.45, min(0.45, lean))
        size = draw()
        lots = 1 + int(self._typical_lots * size * size * size * 2.2)
        is_forced = self._forced_share > 0 and self._draw_forced() < self._forced_share
        self.take(t_ms, lots, is_buy=is_buy, is_forced=is_forced)

    def take(
        self,
        t_ms: int,
        lots: int,
        *,
        is_buy: bool,
        reach: int = REACH,
        most_fills: int = 0,
        is_forced: bool = False,
    ) -> None:
        """A market order, level by level; what it does not get is dropped.

        Args:
            t_ms: Venue time.
            lots: Size.
            is_buy: Its side.
            reach: Levels it takes at most.
            most_fills: Resting orders that it meets at one level at most, 0: as it comes.
            is_forced: It is a liquidation.
        """
        book, left, value = self.book, lots, 0
        while left > 0 and reach > 0:
            level = book.best_ask if is_buy else book.best_bid
            resting = (book.asks if is_buy else book.bids)[level]
            filled = min(left, resting)
            self._fill(t_ms, level, filled, is_buy, most_fills)
            self.put(level, resting - filled, is_bid=not is_buy)
            left -= filled
            value += filled * level
            reach -= 1
        self._refill(is_bid=not is_buy)
        if is_forced:
            average = round(value * self.listing.grid_units / (lots - left))
            self.forced_orders += 1
            self.forced_order = ForcedOrder(t_ms, is_buy, lots, lots - left, filled, average)

    def put(self, level: int, lots: int, *, is_bid: bool) -> None:
        """Set what rests at a level."""
        if is_bid:
            self._set_bid(level, lots)
        else:
            self._set_ask(level, lots)

    def begin_surge(self, factor: float) -> None:
        """From now on about `factor` times the volume: more market orders, larger ones, and as much more to meet them."""
        larger = factor * TAKES / SURGE_TAKES
        self._takes = SURGE_TAKES
        self._typical_lots = self.listing.typical_lots * larger
        book = self.book
        for is_bid, top in ((True, book.top_bids(SURGE_DEPTH)), (False, book.top_asks(SURGE_DEPTH))):
            for level, lots in top:
                self.put(level, 1 + int(lots * larger), is_bid=is_bid)

    def end_surge(self) -> None:
        """As busy as ever; what rests is taken or replaced by and by."""
        self._takes = TAKES
        self._typical_lots = float(self.listing.typical_lots)

    def _fill(self, t_ms: int, level: int, lots: int, is_buy: bool, most_fills: int) -> None:
        """Fills at one level, of one or two resting orders: as many trades, one aggregate trade."""
        price = level * self.listing.grid_units
        is_buyer_maker = not is_buy
        first_id = self.trades.next_id
        left = lots
        orders = most_fills or 1 + int(self._draw() * 1.6)
        while left > 0:
            part = left if orders <= 1 or left < 3 else 1 + int(self._draw() * (left - 1))
            self._trade(t_ms, level, price, part, is_buyer_maker)
            left -= part
            orders -= 1
        last_id = self.trades.next_id - 1
        agg_id = self.agg_trades.add((price, lots, first_id, last_id, t_ms, is_buyer_maker))
        self.candles.at(t_ms).add(price, lots, is_buy, first_id, last_id)
        if self.on_agg_trade is not None:
            texts = (self.level_text(level), self.listing.lots_text(lots))
            self.on_agg_trade(
                self.payloads.agg_trade(t_ms, agg_id, *texts, first_id, last_id, is_buyer_maker)
            )

    def _trade(self, t_ms: int, level: int, price: int, lots: int, is_buyer_maker: bool) -> None:
        trade_id = self.trades.add((price, lots, t_ms, is_buyer_maker))
        if self.on_trade is not None:
            texts = (self.level_text(level), self.listing.lots_text(lots))
            self.on_trade(self.payloads.trade(t_ms, trade_id, *texts, is_buyer_maker))

    def _move_top(self) -> None:
        """A better price inside the spread, the top cancelled, or another size there."""
        draw, book = self._draw, self.book
        choice = draw()
        if choice < 0.7 and book.best_ask - book.best_bid > 1:
            self._improve()
        elif choice > 0.9:
            # the side that is too close to the fair price withdraws
            if self._fair > (book.best_bid + book.best_ask) / 2:
                self._set_ask(book.best_ask, 0)
                self._refill(is_bid=False)
            else:
                self._set_bid(book.best_bid, 0)
                self._refill(is_bid=True)
        elif draw() < 0.5:
            self._set_bid(book.best_bid, self._new_lots())
        else:
            self._set_ask(book.best_ask, self._new_lots())

    def _improve(self) -> None:
        """A new best price inside the spread, on the side that is farther from the fair price."""
        book = self.book
        if self._fair > (book.best_bid + book.best_ask) / 2:
            self._set_bid(book.best_bid + 1, self._new_lots())
            self._refill(is_bid=True)
        else:
            self._set_ask(book.best_ask - 1, self._new_lots())
            self._refill(is_bid=False)

    def _move_deep(self) -> None:
        """A new size somewhere below the top, more often near it; two in five times the level goes."""
        draw, book = self._draw, self.book
        offset = 1 + int(draw() ** 3 * (self._levels - 2))
        is_removed = draw() < 0.4
        if draw() < 0.5:
            level = book.best_bid - offset
            self._set_bid(level, 0 if is_removed and level in book.bids else self._new_lots())
            self._refill(is_bid=True)
        else:
            level = book.best_ask + offset
            self._set_ask(level, 0 if is_removed and level in book.asks else self._new_lots())
            self._refill(is_bid=False)

    def _refill(self, is_bid: bool) -> None:
        """Keep a side near its number of levels: far ones come when it is thin, go when it is long."""
        side = self.book.bids if is_bid else self.book.asks
        change = self._set_bid if is_bid else self._set_ask
        if len(side) < self._levels * 3 // 4:
            outward = -1 if is_bid else 1
            level = self.book.best_bid if is_bid else self.book.best_ask
            while len(side) < self._levels:
                level += outward
                if level not in side:
                    change(level, self._new_lots())
        elif len(side) > self._levels * 3 // 2:
            for level in sorted(side, reverse=is_bid)[self._levels :]:
                change(level, 0)

    def _set_bid(self, level: int, lots: int) -> None:
        self.book.set_bid(level, lots)
        self.update_id += 1 + (lots & self._id_mask)
        for chain in self.chains:
            chain.bids.add(level)
            if not chain.first_id:
                chain.first_id = self.update_id

    def _set_ask(self, level: int, lots: int) -> None:
        self.book.set_ask(level, lots)
        self.update_id += 1 + (lots & self._id_mask)
        for chain in self.chains:
            chain.asks.add(level)
            if not chain.first_id:
                chain.first_id = self.update_id

    def _new_lots(self) -> int:
        draw = self._draw()
        return 1 + int(self._typical_lots * (0.1 + draw * draw * 1.8))

    def _ticker(self, t_ms: int) -> str:
        book, lots_text = self.book, self.listing.lots_text
        bid, ask = book.best_bid, book.best_ask
        return self.payloads.ticker(
            t_ms,
            self.update_id,
            self.level_text(bid),
            lots_text(book.bids[bid]),
            self.level_text(ask),
            lots_text(book.asks[ask]),
        )

    # what others ask

    def level_text(self, level: int) -> str:
        """Price of a level as the venue writes it, kept for the next time."""
        text = self._texts.get(level)
        if text is None:
            if len(self._texts) > _CACHED_TEXTS:
                self._texts.clear()
            text = self._texts[level] = self.listing.level_text(level)
        return text

    def top_texts(self, count: int) -> tuple[list[tuple[str, str]], list[tuple[str, str]]]:
        """Best `count` bids and asks as (price, size) texts, best first."""
        level_text, lots_text = self.level_text, self.listing.lots_text
        return (
            [(level_text(level), lots_text(lots)) for level, lots in self.book.top_bids(count)],
            [(level_text(level), lots_text(lots)) for level, lots in self.book.top_asks(count)],
        )

    def snapshot(self, t_ms: int, count: int) -> str:
        """Body of the REST depth answer: the book right now, inside whatever the diff streams still gather."""
        return self.payloads.snapshot(t_ms, self.update_id, *self.top_texts(count))

    def kline(self, candle: Candle, t_ms: int, *, is_closed: bool) -> str:
        """Text of one kline event."""
        return kline_event(self.listing, candle, t_ms, is_closed)
