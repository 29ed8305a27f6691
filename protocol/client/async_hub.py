"""The engines' client for asyncio: the same methods as `Hub`, awaited."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, TypeVar, overload

from protocol.across import ALL_VENUES
from protocol.client import across, questions
from protocol.client.async_asking import AsyncAsker
from protocol.client.async_pushing import AsyncPusher
from protocol.client.async_streaming import stream_messages
from protocol.client.board import board_of
from protocol.client.candles import Candles
from protocol.client.events import Events
from protocol.client.finding import find_endpoints, find_key
from protocol.client.joining import Missing
from protocol.client.paging import Paging
from protocol.client.patience import Patience
from protocol.client.pushing import Item
from protocol.client.questions import Past, Question
from protocol.client.results import (
    Bbo,
    Bbos,
    Book,
    ConsolidatedBook,
    Features,
    OrderFlow,
    Profile,
    SymbolInfo,
    Tick,
    Ticks,
    TopicInfo,
)
from protocol.client.trades import Trades
from protocol.messages import (
    Alert,
    Feature,
    Footprint,
    Gap,
    Liquidation,
    Message,
    News,
    Signal,
    Sweep,
    Verdict,
)
from protocol.pushing import Pushed
from protocol.security.keyring import Keyring

T = TypeVar("T")


class AsyncHub:
    """Asks a hub from one event loop; any number of questions may be under way at once.

        async with AsyncHub() as hub:
            print((await hub.tick("BTC_USDT")).bid)

    Arguments, methods and errors are those of `Hub`.
    """

    def __init__(
        self,
        endpoint: str | Path | Sequence[str] | None = None,
        *,
        timeout_s: float = 2.0,
        allow_stale: bool = False,
        key: str | Path | Keyring | None = None,
        use_board: bool = True,
    ) -> None:
        endpoints = find_endpoints(endpoint)
        self._asker = AsyncAsker(Patience(endpoints, timeout_s), find_key(key, endpoints))
        self._board = board_of(endpoints, use_board)
        self._pusher = AsyncPusher(self._asker)
        self._allow_stale = allow_stale

    @property
    def endpoints(self) -> list[str]:
        """Addresses of the hubs, in the order of asking."""
        return list(self._asker.patience.endpoints)

    async def _ask(self, question: Question[T]) -> T:
        reply = self._board.reply(question.request) or await self._asker.ask(question.request)
        return question.result(reply)

    async def tick(self, symbol: str, *, venue: str = "", allow_stale: bool | None = None) -> Tick:
        """As `Hub.tick`."""
        found = self._board.tick(symbol, venue)
        if found is not None:
            return found
        return await self._ask(questions.tick(symbol, venue=venue, allow_stale=self._stale(allow_stale)))

    async def ticks(
        self, symbols: Sequence[str] = (), *, venue: str = "", allow_stale: bool | None = None
    ) -> Ticks:
        """As `Hub.ticks`."""
        found = self._board.ticks(symbols, venue)
        if found is not None:
            return found
        return await self._ask(questions.ticks(symbols, venue=venue, allow_stale=self._stale(allow_stale)))

    async def candles(
        self,
        symbol: str,
        timeframe: str = "1m",
        n: int = 500,
        *,
        venue: str = "",
        from_ns: int = 0,
        to_ns: int = 0,
        allow_stale: bool | None = None,
    ) -> Candles:
        """As `Hub.candles`."""
        stale = self._stale(allow_stale)
        return await self._ask(
            questions.candles(
                symbol, timeframe, n, venue=venue, from_ns=from_ns, to_ns=to_ns, allow_stale=stale
            )
        )

    async def bbo(self, symbol: str) -> Bbo:
        """As `Hub.bbo`."""
        return await self._ask(across.bbo(symbol))

    async def bbos(self, symbols: Sequence[str]) -> Bbos:
        """As `Hub.bbos`."""
        return await self._ask(across.bbos(symbols))

    @overload
    async def book(  # type: ignore[overload-overlap]  # the star is no venue
        self, symbol: str, depth: int = 10, *, venue: Literal["*"], allow_stale: bool | None = None
    ) -> ConsolidatedBook: ...

    @overload
    async def book(
        self, symbol: str, depth: int = 10, *, venue: str = "", allow_stale: bool | None = None
    ) -> Book: ...

    async def book(
        self, symbol: str, depth: int = 10, *, venue: str = "", allow_stale: bool | None = None
    ) -> Book | ConsolidatedBook:
        """As `Hub.book`."""
        if venue == ALL_VENUES:
            return await self._ask(across.depth(symbol, depth))
        return await self._ask(
            questions.book(symbol, depth, venue=venue, allow_stale=self._stale(allow_stale))
        )

    async def trades(
        self, symbol: str, n: int = 100, *, venue: str = "", allow_stale: bool | None = None
    ) -> Trades:
        """As `Hub.trades`."""
        return await self._ask(questions.trades(symbol, n, venue=venue, allow_stale=self._stale(allow_stale)))

    async def order_flow(
        self, symbol: str, window_s: float | None = None, *, venue: str = "", allow_stale: bool | None = None
    ) -> OrderFlow:
        """As `Hub.order_flow`."""
        stale = self._stale(allow_stale)
        return await self._ask(questions.order_flow(symbol, window_s, venue=venue, allow_stale=stale))

    async def features(
        self, symbol: str, timeframe: str = "1m", *, venue: str = "", allow_stale: bool | None = None
    ) -> Features:
        """As `Hub.features`."""
        stale = self._stale(allow_stale)
        return await self._ask(questions.features(symbol, timeframe, venue=venue, allow_stale=stale))

    async def features_history(
        self,
        symbol: str,
        timeframe: str = "1m",
        n: int = 100,
        *,
        venue: str = "",
        allow_stale: bool | None = None,
    ) -> Events[Feature]:
        """As `Hub.features_history`."""
        stale = self._stale(allow_stale)
        return await self._ask(
            questions.features_history(symbol, timeframe, n, venue=venue, allow_stale=stale)
        )

    async def footprint(
        self,
        symbol: str,
        timeframe: str = "1m",
        n: int = 1,
        *,
        venue: str = "",
        allow_stale: bool | None = None,
    ) -> Events[Footprint]:
        """As `Hub.footprint`."""
        stale = self._stale(allow_stale)
        return await self._ask(questions.footprint(symbol, timeframe, n, venue=venue, allow_stale=stale))

    async def profile(self, symbol: str, *, venue: str = "", allow_stale: bool | None = None) -> Profile:
        """As `Hub.profile`."""
        return await self._ask(questions.profile(symbol, venue=venue, allow_stale=self._stale(allow_stale)))

    async def alerts(self, n: int = 100, *, symbol: str = "") -> list[Alert]:
        """As `Hub.alerts`."""
        return await self._ask(questions.listing("alerts", n, symbol=symbol))

    async def signals(
        self,
        n: int = 100,
        *,
        symbol: str = "",
        venue: str = "",
        strategy: str = "",
        states: Sequence[str] = (),
        min_confidence: float = 0.0,
        is_newest_revision: bool = True,
    ) -> list[Signal]:
        """As `Hub.signals`."""
        return await self._ask(
            questions.signals(
                n, symbol=symbol, venue=venue, strategy=strategy, states=states, min_confidence=min_confidence,
                is_newest_revision=is_newest_revision,
            )
        )  # fmt: skip

    async def news(self, n: int = 100, *, symbol: str = "") -> list[News]:
        """As `Hub.news`."""
        return await self._ask(questions.listing("news", n, symbol=symbol))

    async def liquidations(self, n: int = 100, *, symbol: str = "", venue: str = "") -> list[Liquidation]:
        """As `Hub.liquidations`."""
        return await self._ask(questions.listing("liquidations", n, symbol=symbol, venue=venue))

    async def sweeps(self, n: int = 100, *, symbol: str = "", venue: str = "") -> list[Sweep]:
        """As `Hub.sweeps`."""
        return await self._ask(questions.listing("sweeps", n, symbol=symbol, venue=venue))

    async def verdicts(self, n: int = 100, *, symbol: str = "", venue: str = "") -> list[Verdict]:
        """As `Hub.verdicts`."""
        return await self._ask(questions.listing("verdicts", n, symbol=symbol, venue=venue))

    async def gaps(
        self, n: int = 100, *, symbol: str = "", venue: str = "", kind: str = "", state: str = ""
    ) -> list[Gap]:
        """As `Hub.gaps`."""
        return await self._ask(questions.gaps(n, symbol=symbol, venue=venue, kind=kind, state=state))

    async def snapshot(
        self, asked: Sequence[str | Question[Any]], *, allow_stale: bool | None = None
    ) -> list[Any]:
        """As `Hub.snapshot`."""
        return await self._ask(questions.snapshot(asked, allow_stale=self._stale(allow_stale)))

    async def history(
        self,
        symbol: str,
        timeframe: str = "1m",
        *,
        kind: str = "bar",
        from_ns: int = 0,
        to_ns: int = 0,
        n: int = 0,
        venue: str = "",
    ) -> Past:
        """As `Hub.history`."""
        question = questions.history(
            symbol, timeframe, kind=kind, from_ns=from_ns, to_ns=to_ns, n=n, venue=venue
        )
        paging = Paging(question)
        while (request := paging.next()) is not None:
            paging.take(await self._asker.ask(request))
        return paging.whole()

    async def history_pages(
        self,
        symbol: str,
        timeframe: str = "1m",
        *,
        kind: str = "bar",
        from_ns: int = 0,
        to_ns: int = 0,
        n: int = 0,
        venue: str = "",
    ) -> AsyncIterator[Past]:
        """As `Hub.history_pages`, for `async for`."""
        question = questions.history(
            symbol, timeframe, kind=kind, from_ns=from_ns, to_ns=to_ns, n=n, venue=venue
        )
        paging = Paging(question, is_oldest_first=True)
        while (request := paging.next()) is not None:
            page = paging.take(await self._asker.ask(request))
            if page is not None:
                yield page

    async def status(self) -> dict[str, Any]:
        """As `Hub.status`."""
        return await self._ask(questions.status())

    async def symbols(self) -> dict[str, SymbolInfo]:
        """As `Hub.symbols`."""
        return await self._ask(questions.symbols())

    async def topics(self, prefix: str = "") -> list[TopicInfo]:
        """As `Hub.topics`."""
        return await self._ask(questions.topics(prefix))

    async def ping(self) -> float:
        """As `Hub.ping`."""
        started_s = time.perf_counter()
        await self._ask(questions.ping())
        return time.perf_counter() - started_s

    async def clear(self, symbol: str) -> int:
        """As `Hub.clear`."""
        return await self._ask(questions.clear(symbol))

    async def clear_all(self) -> int:
        """As `Hub.clear_all`."""
        return await self._ask(questions.clear_all())

    def stream(
        self,
        topic: str,
        snapshot: int = 0,
        *,
        on_gap: Callable[[Missing], None] | None = None,
        idle_s: float = 0.0,
    ) -> AsyncIterator[Message]:
        """As `Hub.stream`, for `async for`."""
        return stream_messages(self._asker, topic, snapshot, on_gap, idle_s)

    async def push(
        self, items: Item | Sequence[Item], *, source: str = "", gmt_offset_s: float | None = None
    ) -> Pushed:
        """As `Hub.push`."""
        return await self._pusher.push(items, source, gmt_offset_s)

    def _stale(self, allow_stale: bool | None) -> bool:
        return self._allow_stale if allow_stale is None else allow_stale

    async def close(self) -> None:
        """Close the sockets."""
        self._board.close()
        self._pusher.close()
        self._asker.close()

    async def __aenter__(self) -> AsyncHub:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._pusher.close()
        self._asker.close()

    def __repr__(self) -> str:
        return f"AsyncHub({', '.join(self.endpoints)})"
