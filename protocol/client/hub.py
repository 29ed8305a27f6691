"""The engines' client: ask the hub, get a value that says how old it is."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Literal, TypeVar, overload

from protocol.across import ALL_VENUES
from protocol.client import across, questions
from protocol.client.asking import Asker
from protocol.client.board import board_of
from protocol.client.candles import Candles
from protocol.client.events import Events
from protocol.client.finding import find_endpoints, find_key
from protocol.client.joining import Missing
from protocol.client.paging import Paging
from protocol.client.patience import Patience
from protocol.client.pushing import Item, Pusher
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
from protocol.client.streaming import stream_messages
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


class Hub:
    """Asks a hub; safe in threads, after a fork, and across restarts of the hub.

        with Hub() as hub:
            print(hub.tick("BTC_USDT").bid, hub.candles("BTC_USDT", "1m", 100).close)

    Every method that reads raises, besides what it names:

        UnknownSymbol   no such instrument (`suggestions` has the nearest names)
        NoData          known, but nothing of that kind has arrived
        StaleData       too old, or the venue is down; `allow_stale=True` gives it anyway
        HubTimeout      no answer in `timeout_s`, though a hub has answered before
        HubUnreachable  no answer from any hub, ever

    Args:
        endpoint: `ipc://…` or `tcp://…`, several to fail over between, or a run directory; `hub.1@tcp://…` says
            which hub's key is expected there, where the key folder does not. None:
            `TAPEHUB_ENDPOINT`, else `TAPEHUB_RUN_DIR`, else the nearest `var` directory with a hub in it.
        timeout_s: Patience per question; within it the question is put up to four times.
        allow_stale: Default of the methods that have this argument.
        key: Path of our secret key, `…/private/NAME.key` (docs/howto/keys.md); needed for hubs on other hosts. None:
            `TAPEHUB_KEY`.
        use_board: Read from the board of a hub of this host where it has the answer; False: always ask.
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
        self._asker = Asker(Patience(endpoints, timeout_s), find_key(key, endpoints))
        self._board = board_of(endpoints, use_board)
        self._pusher = Pusher(self._asker)
        self._allow_stale = allow_stale

    @property
    def endpoints(self) -> list[str]:
        """Addresses of the hubs, in the order of asking."""
        return list(self._asker.patience.endpoints)

    def _ask(self, question: Question[T]) -> T:
        return question.result(self._board.reply(question.request) or self._asker.ask(question.request))

    def tick(self, symbol: str, *, venue: str = "", allow_stale: bool | None = None) -> Tick:
        """Best bid and ask; of the venue with the newest one if none is named."""
        return self._board.tick(symbol, venue) or self._ask(
            questions.tick(symbol, venue=venue, allow_stale=self._stale(allow_stale))
        )

    def ticks(
        self, symbols: Sequence[str] = (), *, venue: str = "", allow_stale: bool | None = None
    ) -> Ticks:
        """Best bid and ask of many symbols (none named: all); refusals are in the result's `errors`."""
        return self._board.ticks(symbols, venue) or self._ask(
            questions.ticks(symbols, venue=venue, allow_stale=self._stale(allow_stale))
        )

    def candles(
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
        """The last `n` candles (0: all that the hub keeps), the running one last, or those of a time range."""
        stale = self._stale(allow_stale)
        return self._ask(
            questions.candles(
                symbol, timeframe, n, venue=venue, from_ns=from_ns, to_ns=to_ns, allow_stale=stale
            )
        )

    def bbo(self, symbol: str) -> Bbo:
        """The best bid and offer over all venues; a venue that is too old or down is left out and named in it."""
        return self._ask(across.bbo(symbol))

    def bbos(self, symbols: Sequence[str]) -> Bbos:
        """The best bid and offer of many symbols; refusals are in the result's `errors`."""
        return self._ask(across.bbos(symbols))

    @overload
    def book(  # type: ignore[overload-overlap]  # the star is no venue
        self, symbol: str, depth: int = 10, *, venue: Literal["*"], allow_stale: bool | None = None
    ) -> ConsolidatedBook: ...

    @overload
    def book(
        self, symbol: str, depth: int = 10, *, venue: str = "", allow_stale: bool | None = None
    ) -> Book: ...

    def book(
        self, symbol: str, depth: int = 10, *, venue: str = "", allow_stale: bool | None = None
    ) -> Book | ConsolidatedBook:
        """Order book, at most `depth` levels a side (0: all); one that is out of step is `NoData`.

        With the venue `*` those of all venues as one: what is too old, down or out of step is left out and named.
        """
        if venue == ALL_VENUES:
            return self._ask(across.depth(symbol, depth))
        return self._ask(questions.book(symbol, depth, venue=venue, allow_stale=self._stale(allow_stale)))

    def trades(
        self, symbol: str, n: int = 100, *, venue: str = "", allow_stale: bool | None = None
    ) -> Trades:
        """The last `n` trades (0: all that the hub keeps), oldest first."""
        return self._ask(questions.trades(symbol, n, venue=venue, allow_stale=self._stale(allow_stale)))

    def order_flow(
        self, symbol: str, window_s: float | None = None, *, venue: str = "", allow_stale: bool | None = None
    ) -> OrderFlow:
        """Order-flow metrics over a window; 0: since the session began, None: the shortest that is computed."""
        stale = self._stale(allow_stale)
        return self._ask(questions.order_flow(symbol, window_s, venue=venue, allow_stale=stale))

    def features(
        self, symbol: str, timeframe: str = "1m", *, venue: str = "", allow_stale: bool | None = None
    ) -> Features:
        """Indicator values of the newest candle."""
        stale = self._stale(allow_stale)
        return self._ask(questions.features(symbol, timeframe, venue=venue, allow_stale=stale))

    def features_history(
        self,
        symbol: str,
        timeframe: str = "1m",
        n: int = 100,
        *,
        venue: str = "",
        allow_stale: bool | None = None,
    ) -> Events[Feature]:
        """Indicator values of the last `n` candles (0: all that the hub keeps), oldest first."""
        stale = self._stale(allow_stale)
        return self._ask(questions.features_history(symbol, timeframe, n, venue=venue, allow_stale=stale))

    def footprint(
        self,
        symbol: str,
        timeframe: str = "1m",
        n: int = 1,
        *,
        venue: str = "",
        allow_stale: bool | None = None,
    ) -> Events[Footprint]:
        """Volume by price and aggressor of the last `n` candles (0: all that the hub keeps), the running one last."""
        stale = self._stale(allow_stale)
        return self._ask(questions.footprint(symbol, timeframe, n, venue=venue, allow_stale=stale))

    def profile(self, symbol: str, *, venue: str = "", allow_stale: bool | None = None) -> Profile:
        """Volume by price since the session began, with point of control and value area."""
        return self._ask(questions.profile(symbol, venue=venue, allow_stale=self._stale(allow_stale)))

    def alerts(self, n: int = 100, *, symbol: str = "") -> list[Alert]:
        """The last `n` alerts (0: all kept), oldest first."""
        return self._ask(questions.listing("alerts", n, symbol=symbol))

    def signals(
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
        """The last `n` signals (0: all kept), each once as it is now, oldest first by the time of its newest revision.

        Vetoed ones come only where `states` (of `SIGNAL_STATES`) names them: `states=["open"]` are those that run,
        none named all that the shield let through. `is_newest_revision=False` gives every revision that is kept.
        """
        return self._ask(
            questions.signals(
                n, symbol=symbol, venue=venue, strategy=strategy, states=states, min_confidence=min_confidence,
                is_newest_revision=is_newest_revision,
            )
        )  # fmt: skip

    def news(self, n: int = 100, *, symbol: str = "") -> list[News]:
        """The last `n` headlines (0: all kept), oldest first."""
        return self._ask(questions.listing("news", n, symbol=symbol))

    def liquidations(self, n: int = 100, *, symbol: str = "", venue: str = "") -> list[Liquidation]:
        """The last `n` forced orders (0: all kept), oldest first."""
        return self._ask(questions.listing("liquidations", n, symbol=symbol, venue=venue))

    def sweeps(self, n: int = 100, *, symbol: str = "", venue: str = "") -> list[Sweep]:
        """The last `n` sweeps (0: all kept), oldest first."""
        return self._ask(questions.listing("sweeps", n, symbol=symbol, venue=venue))

    def verdicts(self, n: int = 100, *, symbol: str = "", venue: str = "") -> list[Verdict]:
        """The last `n` verdicts on providers' candles that were not taken as they came (0: all kept), oldest first."""
        return self._ask(questions.listing("verdicts", n, symbol=symbol, venue=venue))

    def gaps(
        self, n: int = 100, *, symbol: str = "", venue: str = "", kind: str = "", state: str = ""
    ) -> list[Gap]:
        """The last `n` gaps (0: all kept) in order of announcement, filtered by what is named."""
        return self._ask(questions.gaps(n, symbol=symbol, venue=venue, kind=kind, state=state))

    def snapshot(self, asked: Sequence[str | Question[Any]], *, allow_stale: bool | None = None) -> list[Any]:
        """Many questions in one round trip: symbols (their tick), or `questions` of any kind.

            from tapehub import Hub, questions
            tick, bars = hub.snapshot(["BTC_USDT", questions.candles("BTC_USDT", "1m", 100)])

        The list holds, in the same order, a result or the HubError that refuses it.
        """
        return self._ask(questions.snapshot(asked, allow_stale=self._stale(allow_stale)))

    def history(
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
        """Candles (`kind` bar), trades, quotes or others of a time range, the newest `n` of it (0: all), oldest first.

        Others: gap, feature and footprint (of `timeframe`), flow (of every window), alert, signal, liquidation, sweep,
        verdict.

        What the hub does not keep comes from the database. `parts` of the result says which rows came from where,
        `missing` what could not be had and why.
        """
        question = questions.history(
            symbol, timeframe, kind=kind, from_ns=from_ns, to_ns=to_ns, n=n, venue=venue
        )
        paging = Paging(question)
        while (request := paging.next()) is not None:
            paging.take(self._asker.ask(request))
        return paging.whole()

    def history_pages(
        self,
        symbol: str,
        timeframe: str = "1m",
        *,
        kind: str = "bar",
        from_ns: int = 0,
        to_ns: int = 0,
        n: int = 0,
        venue: str = "",
    ) -> Iterator[Past]:
        """As `history`, page by page and the oldest first: for ranges that are too long to be held at once."""
        question = questions.history(
            symbol, timeframe, kind=kind, from_ns=from_ns, to_ns=to_ns, n=n, venue=venue
        )
        paging = Paging(question, is_oldest_first=True)
        while (request := paging.next()) is not None:
            page = paging.take(self._asker.ask(request))
            if page is not None:
                yield page

    def status(self) -> dict[str, Any]:
        """`hub`, `counters`, `actors` (state, heartbeat age, rates), `venues`, `gaps_open`."""
        return self._ask(questions.status())

    def symbols(self) -> dict[str, SymbolInfo]:
        """Every symbol configured or heard of."""
        return self._ask(questions.symbols())

    def topics(self, prefix: str = "") -> list[TopicInfo]:
        """Every topic heard that starts so, with counts, rate and age."""
        return self._ask(questions.topics(prefix))

    def ping(self) -> float:
        """Seconds that a question and its answer take."""
        started_s = time.perf_counter()
        self._ask(questions.ping())
        return time.perf_counter() - started_s

    def clear(self, symbol: str) -> int:
        """Make the hub forget a symbol, for every client; returns the number of topics forgotten."""
        return self._ask(questions.clear(symbol))

    def clear_all(self) -> int:
        """Make the hub forget everything, for every client; returns the number of topics forgotten."""
        return self._ask(questions.clear_all())

    def stream(
        self,
        topic: str,
        snapshot: int = 0,
        *,
        on_gap: Callable[[Missing], None] | None = None,
        idle_s: float = 0.0,
    ) -> Iterator[Message]:
        """The last `snapshot` events of each topic, then live ones, joined: none twice, none left out.

        Args:
            topic: A prefix (`trade.binance.`), or an exact topic with a `$` behind it (`trade.binance.BTC_USDT$`).
            snapshot: Events per topic to begin with; 0: live only.
            on_gap: Told of frames that were lost on the way and that the journal does not have either, before the next
                message.
            idle_s: End the iteration when nothing came for so long; 0: wait for ever.
        """
        return stream_messages(self._asker, topic, snapshot, on_gap, idle_s)

    def push(
        self, items: Item | Sequence[Item], *, source: str = "", gmt_offset_s: float | None = None
    ) -> Pushed:
        """Send ticks, bars and order flow: they become messages of venue `push.<source>`; docs/howto/push-ticks.md.

            hub.push({"symbol": "EURUSD", "bid": 1.1515, "ask": 1.1516, "ts_event_ns": time.time_ns()}, source="desk")

        What is accepted is in the journal. After an error send all of it again: what came before counts once.

        Args:
            items: One or many: `symbol`, `bid`, `ask` and a time; or `symbol`, `timeframe`, `open`... and a time;
                or `symbol`, `window_s`, `values` (metric to number) and a time.
            source: Whose it is; empty: each item has its `source`.
            gmt_offset_s: What the clock of the items has over UTC; None: they say it, or it is estimated.
        """
        return self._pusher.push(items, source, gmt_offset_s)

    def _stale(self, allow_stale: bool | None) -> bool:
        return self._allow_stale if allow_stale is None else allow_stale

    def close(self) -> None:
        """Close the sockets."""
        self._board.close()
        self._pusher.close()
        self._asker.close()

    def __enter__(self) -> Hub:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"Hub({', '.join(self.endpoints)})"
