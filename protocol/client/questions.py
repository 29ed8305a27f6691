"""Every question an engine can ask: how it is put, and what is made of the answer. Pure.

`Hub` and `AsyncHub` only differ in how they wait. A `Question` may also be given to `snapshot`, to ask many
things in one round trip.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any, Final, Generic, TypeVar

import msgspec

from protocol.client.candles import Candles
from protocol.client.events import Events
from protocol.client.quotes import Quotes
from protocol.client.results import (
    Book,
    Features,
    OrderFlow,
    Profile,
    SymbolInfo,
    Tick,
    Ticks,
    TopicInfo,
)
from protocol.client.trades import Trades
from protocol.errors import HubError, NoData, PayloadError, error_from_code
from protocol.messages import (
    SESSION,
    Alert,
    Feature,
    Flow,
    Footprint,
    Gap,
    Liquidation,
    Message,
    News,
    Quote,
    Signal,
    Sweep,
    Trade,
    Verdict,
)
from protocol.messages import (
    Book as BookMessage,
)
from protocol.requests import Reply, Request
from protocol.windows import BarData

T = TypeVar("T")
M = TypeVar("M", bound=Message)
Past = Candles | Trades | Quotes | Events[Any]
"""What a range of the past comes as."""
Decoder = msgspec.msgpack.Decoder


class Question(Generic[T]):
    """A request, and the function that makes a result of its reply."""

    __slots__ = ("_build", "request")

    def __init__(self, request: Request, build: Callable[[Reply], T]) -> None:
        self.request = request
        self._build = build

    def result(self, reply: Reply) -> T:
        """Make the result of a reply.

        Raises:
            HubError: the reply is a refusal, or its data is not what the operation promises.
        """
        if not reply.ok:
            raise error_from_code(reply.code, reply.message, reply.details)
        try:
            return self._build(reply)
        except (msgspec.DecodeError, ValueError, TypeError, LookupError, OverflowError) as fault:
            raise PayloadError(f"answer to {self.request.op} cannot be read: {fault}") from fault


_quote: Final = Decoder(Quote).decode
_quotes: Final = Decoder(list[Quote]).decode
_book: Final = Decoder(BookMessage).decode
_trades: Final = Decoder(list[Trade]).decode
_candles: Final = Decoder(BarData).decode
_flow: Final = Decoder(Flow).decode
_feature: Final = Decoder(Feature).decode
_replies: Final = Decoder(list[Reply]).decode
_signals: Final = Decoder(list[Signal]).decode
_plain: Final = Decoder().decode
_count: Final = Decoder(int).decode
_symbols: Final = Decoder(dict[str, SymbolInfo]).decode
_topics: Final = Decoder(list[TopicInfo]).decode
_lists: Final[dict[str, Any]] = {
    "alerts": Decoder(list[Alert]).decode,
    "news": Decoder(list[News]).decode,
    "liquidations": Decoder(list[Liquidation]).decode,
    "sweeps": Decoder(list[Sweep]).decode,
    "verdicts": Decoder(list[Verdict]).decode,
    "gaps": Decoder(list[Gap]).decode,
}


def tick(symbol: str, *, venue: str = "", allow_stale: bool = False) -> Question[Tick]:
    """Best bid and ask; of the venue with the newest one if none is named."""
    return Question(Request(op="tick", symbol=symbol, venue=venue, allow_stale=allow_stale), _make_tick)


def _make_tick(reply: Reply) -> Tick:
    quote = _quote(reply.data)
    return Tick(
        reply.age_s, reply.state, reply.source, reply.source_epoch, reply.seq, reply.epoch, quote.symbol, quote.venue,
        quote.ts_event_ns, quote.ts_recv_ns, quote.bid, quote.ask, quote.bid_size, quote.ask_size, quote.update_id,
    )  # fmt: skip


def ticks(symbols: Sequence[str] = (), *, venue: str = "", allow_stale: bool = False) -> Question[Ticks]:
    """Best bid and ask of many symbols, or of all that have one; refusals are in `errors`."""
    names = list(symbols)

    def build(reply: Reply) -> Ticks:
        found = Ticks()
        for index, part in enumerate(_replies(reply.data)):
            if part.ok:
                value = _make_tick(part)
                found[names[index] if names else value.symbol] = value
            else:
                name = names[index] if names else str(part.details.get("symbol", index))
                found.errors[name] = error_from_code(part.code, part.message, part.details)
        return found

    return Question(Request(op="ticks", symbols=names, venue=venue, allow_stale=allow_stale), build)


def candles(
    symbol: str,
    timeframe: str = "1m",
    n: int = 500,
    *,
    venue: str = "",
    from_ns: int = 0,
    to_ns: int = 0,
    allow_stale: bool = False,
) -> Question[Candles]:
    """The last `n` candles (0: all that the hub keeps), the running one included, or those of a time range."""
    request = Request(
        op="candles", symbol=symbol, venue=venue, timeframe=timeframe, n=n, from_ns=from_ns, to_ns=to_ns,
        allow_stale=allow_stale,
    )  # fmt: skip
    return Question(request, _make_candles)


def _make_candles(reply: Reply) -> Candles:
    return Candles(reply, _candles(reply.data))


def book(symbol: str, depth: int = 10, *, venue: str = "", allow_stale: bool = False) -> Question[Book]:
    """Order book, at most `depth` levels a side (0: all)."""
    request = Request(op="book", symbol=symbol, venue=venue, depth=depth, allow_stale=allow_stale)
    return Question(request, _make_book)


def _make_book(reply: Reply) -> Book:
    message = _book(reply.data)
    return Book(
        symbol=message.symbol,
        venue=message.venue,
        ts_event_ns=message.ts_event_ns,
        ts_recv_ns=message.ts_recv_ns,
        update_id=message.last_update_id,
        bids=message.bids,
        asks=message.asks,
        **origin_of(reply),
    )


def trades(symbol: str, n: int = 100, *, venue: str = "", allow_stale: bool = False) -> Question[Trades]:
    """The last `n` trades (0: all that the hub keeps), oldest first."""
    request = Request(op="trades", symbol=symbol, venue=venue, n=n, allow_stale=allow_stale)
    return Question(request, _make_trades)


def _make_trades(reply: Reply) -> Trades:
    rows = _trades(reply.data)
    symbol, venue = (rows[0].symbol, rows[0].venue) if rows else ("", "")
    return Trades(reply, rows, symbol, venue)


def order_flow(
    symbol: str, window_s: float | None = None, *, venue: str = "", allow_stale: bool = False
) -> Question[OrderFlow]:
    """Order-flow metrics over a window; 0: since the session began, None: the shortest that is computed."""
    args = {} if window_s is None else {"window_s": window_s}
    request = Request(op="order_flow", symbol=symbol, venue=venue, args=args, allow_stale=allow_stale)
    return Question(request, lambda reply: OrderFlow(**fields_of(_flow(reply.data)), **origin_of(reply)))


def features(
    symbol: str, timeframe: str = "1m", *, venue: str = "", allow_stale: bool = False
) -> Question[Features]:
    """Indicator values of the newest candle."""
    request = Request(op="features", symbol=symbol, venue=venue, timeframe=timeframe, allow_stale=allow_stale)
    return Question(request, lambda reply: Features(**fields_of(_feature(reply.data)), **origin_of(reply)))


def features_history(
    symbol: str, timeframe: str = "1m", n: int = 100, *, venue: str = "", allow_stale: bool = False
) -> Question[Events[Feature]]:
    """Indicator values of the last `n` candles (0: all that the hub keeps), oldest first."""
    request = Request(
        op="features_history", symbol=symbol, venue=venue, timeframe=timeframe, n=n, allow_stale=allow_stale
    )
    return Question(request, _maker(Feature))


def footprint(
    symbol: str, timeframe: str = "1m", n: int = 1, *, venue: str = "", allow_stale: bool = False
) -> Question[Events[Footprint]]:
    """Volume by price and aggressor of the last `n` candles (0: all that the hub keeps), oldest first."""
    request = Request(
        op="footprint", symbol=symbol, venue=venue, timeframe=timeframe, n=n, allow_stale=allow_stale
    )
    return Question(request, _maker(Footprint))


def profile(symbol: str, *, venue: str = "", allow_stale: bool = False) -> Question[Profile]:
    """Volume by price since the session began."""
    request = Request(
        op="footprint", symbol=symbol, venue=venue, timeframe=SESSION, n=1, allow_stale=allow_stale
    )
    return Question(request, _make_profile)


def _make_profile(reply: Reply) -> Profile:
    found = _maker(Footprint)(reply).rows
    if not found:
        raise NoData("the hub keeps no volume profile")
    return Profile(**fields_of(found[-1]), **origin_of(reply))


@functools.cache
def _maker(kind: type[M]) -> Callable[[Reply], Events[M]]:
    """What makes rows of one kind of message of a reply; kept, since making a decoder costs more than a question."""
    decode = Decoder(list[kind]).decode  # type: ignore[valid-type]
    return lambda reply: Events(reply, decode(reply.data), kind)


def listing(op: str, n: int = 100, *, symbol: str = "", venue: str = "") -> Question[list[Any]]:
    """The last `n` (0: all kept) `alerts`, `news`, `liquidations`, `sweeps` or `verdicts`, oldest first."""
    decode = _lists[op]
    return Question(Request(op=op, n=n, symbol=symbol, venue=venue), lambda reply: list(decode(reply.data)))


def signals(
    n: int = 100,
    *,
    symbol: str = "",
    venue: str = "",
    strategy: str = "",
    states: Sequence[str] = (),
    min_confidence: float = 0.0,
    is_newest_revision: bool = True,
) -> Question[list[Signal]]:
    """The last `n` (0: all kept) signals, as `Hub.signals` has them."""
    args: dict[str, Any] = {"strategy": strategy, "states": list(states), "min_confidence": min_confidence}
    args["is_newest_revision"] = is_newest_revision
    request = Request(op="signals", n=n, symbol=symbol, venue=venue, args=args)
    return Question(request, lambda reply: list(_signals(reply.data)))


def gaps(
    n: int = 100, *, symbol: str = "", venue: str = "", kind: str = "", state: str = ""
) -> Question[list[Gap]]:
    """The last `n` (0: all kept) gaps, in order of announcement, filtered by what is named."""
    args = {"state": state} if state else {}
    request = Request(op="gaps", n=n, symbol=symbol, venue=venue, kind=kind, args=args)
    return Question(request, lambda reply: list(_lists["gaps"](reply.data)))


def history(
    symbol: str,
    timeframe: str = "1m",
    *,
    kind: str = "bar",
    from_ns: int = 0,
    to_ns: int = 0,
    n: int = 0,
    venue: str = "",
) -> Question[Past]:
    """Candles (`kind` bar), trades, quotes or another of `HISTORY_KINDS` of a time range; 0 leaves an end open. One
    page: `Hub.history` asks for all of them.
    """
    request = Request(
        op="history", symbol=symbol, venue=venue, timeframe=timeframe, kind=kind, from_ns=from_ns, to_ns=to_ns,
        n=n,
    )  # fmt: skip
    return Question(request, _MAKERS.get(kind, _make_candles))


def _make_quotes(reply: Reply) -> Quotes:
    rows = _quotes(reply.data)
    symbol, venue = (rows[0].symbol, rows[0].venue) if rows else ("", "")
    return Quotes(reply, rows, symbol, venue)


_MAKERS: Final[dict[str, Callable[[Reply], Past]]] = {
    "trade": _make_trades,
    "quote": _make_quotes,
    **{
        kind.KIND: _maker(kind)
        for kind in (Gap, Feature, Footprint, Flow, Alert, Signal, Liquidation, Sweep, Verdict)
    },
}


def status() -> Question[dict[str, Any]]:
    """The hub, its counters, every actor, every venue."""
    return Question(Request(op="status"), lambda reply: dict(_plain(reply.data)))


def symbols() -> Question[dict[str, SymbolInfo]]:
    """Every symbol configured or heard of."""
    return Question(Request(op="symbols"), lambda reply: dict(_symbols(reply.data)))


def topics(prefix: str = "") -> Question[list[TopicInfo]]:
    """Every topic heard that starts so."""
    return Question(Request(op="topics", topic=prefix), lambda reply: list(_topics(reply.data)))


def endpoints() -> Question[dict[str, dict[str, Any]]]:
    """Actor to its publishing address and whether it is alive."""
    return Question(Request(op="endpoints"), lambda reply: dict(_plain(reply.data)))


def ping() -> Question[str]:
    """Is anybody there?"""
    return Question(Request(op="ping"), lambda reply: str(_plain(reply.data)))


def clear(symbol: str) -> Question[int]:
    """Forget what the hub keeps of a symbol; the result is the number of topics forgotten."""
    return Question(Request(op="clear", symbol=symbol), lambda reply: int(_count(reply.data)))


def clear_all() -> Question[int]:
    """Forget everything; the result is the number of topics forgotten."""
    return Question(Request(op="clear_all"), lambda reply: int(_count(reply.data)))


def snapshot(asked: Sequence[str | Question[Any]], *, allow_stale: bool = False) -> Question[list[Any]]:
    """Many questions in one round trip; a plain text is the tick of that symbol.

    The result holds, in the same order, a result or the HubError that refuses it.
    """
    parts = [tick(one, allow_stale=allow_stale) if isinstance(one, str) else one for one in asked]
    queries = [msgspec.to_builtins(part.request) for part in parts]
    return Question(Request(op="snapshot", queries=queries), lambda reply: _make_many(parts, reply))


def _make_many(parts: list[Question[Any]], reply: Reply) -> list[Any]:
    found: list[Any] = []
    for part, answer in zip(parts, _replies(reply.data), strict=True):
        try:
            found.append(part.result(answer))
        except HubError as refusal:
            found.append(refusal)
    return found


def origin_of(reply: Reply) -> dict[str, Any]:
    """The fields of `Result`."""
    return {
        "age_s": reply.age_s,
        "state": reply.state,
        "source": reply.source,
        "epoch": reply.source_epoch,
        "seq": reply.seq,
        "hub_epoch": reply.epoch,
    }


def fields_of(message: msgspec.Struct) -> dict[str, Any]:
    """Field names and values."""
    return {name: getattr(message, name) for name in message.__struct_fields__}
