"""Answers of the hub as rows and documents: what `tapehub snap` shows of each kind. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import msgspec

from tapehub.columns import Column, field_value, number_text
from tapehub.durations import format_clock
from tapehub.rows import Row

if TYPE_CHECKING:
    from protocol.client import (
        Bbo,
        Book,
        Candles,
        ConsolidatedBook,
        Events,
        Features,
        OrderFlow,
        Profile,
        Tick,
        Trades,
    )
    from protocol.errors import HubError
    from protocol.messages import Footprint, Message

KINDS: Final = (
    "tick",
    "ticks",
    "bbo",
    "candles",
    "book",
    "trades",
    "order_flow",
    "flow",
    "features",
    "footprint",
    "profile",
    "alerts",
    "sweeps",
    "verdicts",
    "signals",
    "liquidations",
    "news",
    "gaps",
    "status",
    "symbols",
)
ONE_SYMBOL: Final = frozenset(
    {"tick", "bbo", "candles", "book", "trades", "order_flow", "flow", "features", "footprint", "profile"}
)
"""Kinds that are asked for exactly one symbol."""
LISTS: Final = frozenset({"alerts", "sweeps", "verdicts", "signals", "liquidations", "news", "gaps"})
"""Kinds of which none may be the right answer."""
NO_SYMBOL: Final = frozenset({"status", "symbols"})


class Snapshot(NamedTuple):
    """One answer, ready to be shown."""

    document: dict[str, Any]
    """The whole, for `--json`: what is known of it, and `data`."""
    rows: list[Row]
    """Its rows, for tables and streams."""
    remark: str = ""
    """What a person should know besides, for stderr."""
    table: str = ""
    """Columns of which kind the rows have, where that is not the one asked for."""


def of_tick(tick: Tick) -> Snapshot:
    """One quote."""
    row = _quote_row(tick)
    return Snapshot({"kind": "tick", **row}, [row])


def of_ticks(ticks: Mapping[str, Tick], errors: Mapping[str, HubError]) -> Snapshot:
    """Many quotes, and why the others have none."""
    rows = [_quote_row(tick) for tick in ticks.values()]
    refused = {symbol: {"code": error.code, "message": error.message} for symbol, error in errors.items()}
    remark = "; ".join(f"{symbol}: {error.message}" for symbol, error in errors.items())
    return Snapshot({"kind": "ticks", "data": rows, "errors": refused}, rows, remark)


def of_candles(candles: Candles) -> Snapshot:
    """A window of candles, oldest first."""
    rows = candles.to_dicts()
    head = {
        "timeframe": candles.timeframe,
        "asked": candles.asked,
        "covered_from_ns": candles.covered_from_ns,
        "covered_to_ns": candles.covered_to_ns,
    }
    return Snapshot(
        {"kind": "candles", **_origin(candles), **head, "data": rows}, rows, _remark(candles, rows)
    )


def of_trades(trades: Trades) -> Snapshot:
    """A window of trades, oldest first."""
    rows = [trade.to_dict() for trade in trades]
    head = {"asked": trades.asked}
    return Snapshot({"kind": "trades", **_origin(trades), **head, "data": rows}, rows, _remark(trades, rows))


def of_book(book: Book) -> Snapshot:
    """An order book: one row per level, best first, both sides beside each other."""
    rows: list[Row] = []
    for level in range(max(len(book.bids), len(book.asks))):
        bid, bid_size = book.bids[level] if level < len(book.bids) else (None, None)
        ask, ask_size = book.asks[level] if level < len(book.asks) else (None, None)
        rows.append({"level": level + 1, "bid_size": bid_size, "bid": bid, "ask": ask, "ask_size": ask_size})
    return Snapshot({"kind": "book", **book.to_dict()}, rows, _remark(book, rows))


def of_bbo(bbo: Bbo) -> Snapshot:
    """The best bid and offer over the venues: a row per venue, and the best at the end."""
    rows: list[Row] = [
        {
            **_plain_row(one),
            "best": " ".join(
                side for side, venue in (("bid", bbo.bid_venue), ("ask", bbo.ask_venue)) if venue == one.venue
            ),
        }
        for one in bbo.venues
    ]
    bid = f"{bbo.bid:g} x {bbo.bid_size:g} at {bbo.bid_venue}" if bbo.bid else "-"
    ask = f"{bbo.ask:g} x {bbo.ask_size:g} at {bbo.ask_venue}" if bbo.ask else "-"
    remark = f"{bbo.symbol}: {bbo.condition}, bid {bid}, ask {ask}"
    document = {"kind": "bbo", **bbo.to_dict(), "venues": [_plain_row(one) for one in bbo.venues]}
    return Snapshot(document, rows, remark)


def of_depth(book: ConsolidatedBook) -> Snapshot:
    """The order books of all venues as one: one row per level, best first."""
    rows: list[Row] = []
    for level in range(max(len(book.bids), len(book.asks))):
        bid, bid_size, bid_venue = book.bids[level] if level < len(book.bids) else (None, None, None)
        ask, ask_size, ask_venue = book.asks[level] if level < len(book.asks) else (None, None, None)
        rows.append(
            {
                "level": level + 1, "bid_venue": bid_venue, "bid_size": bid_size, "bid": bid, "ask": ask,
                "ask_size": ask_size, "ask_venue": ask_venue,
            }
        )  # fmt: skip
    venues = ", ".join(f"{one.venue} {one.expired or 'ok'} {one.age_s:.1f} s" for one in book.venues)
    document = {"kind": "book", **book.to_dict(), "venues": [_plain_row(one) for one in book.venues]}
    return Snapshot(document, rows, f"{book.symbol}: {book.condition}; {venues}", "depth")


def _plain_row(one: msgspec.Struct) -> Row:
    return {name: getattr(one, name) for name in one.__struct_fields__}


def of_values(kind: str, result: OrderFlow | Features) -> Snapshot:
    """Named values: order flow, indicators."""
    rows = [{"name": name, "value": value} for name, value in sorted(result.values.items())]
    why = f", coverage {result.coverage:.3g}" if result.coverage < 1 else ""
    why += f" ({reason})" if (reason := getattr(result, "reason", "")) else ""
    return Snapshot({"kind": kind, **result.to_dict()}, rows, _remark(result, rows) + why)


def of_footprints(found: Events[Footprint]) -> Snapshot:
    """Footprints: of one its buckets, of several a row each."""
    document = {"kind": "footprint", **found.to_dict()}
    if len(found) == 1:
        one = found[0]
        return Snapshot(document, _buckets(one), _volume_remark(one, found), "profile")
    rows = [{**row, "buckets": len(row["prices"])} for row in found.to_dicts()]
    return Snapshot(document, rows, _remark(found, rows))


def of_profile(profile: Profile) -> Snapshot:
    """The volume profile: one row per bucket, the highest price first."""
    return Snapshot(
        {"kind": "profile", **profile.to_dict()}, _buckets(profile), _volume_remark(profile, profile)
    )


def _buckets(one: Footprint | Profile) -> list[Row]:
    columns = zip(one.prices, one.buy_volumes, one.sell_volumes, one.unknown_volumes, strict=True)
    rows: list[Row] = [
        {
            "price": price, "buy_volume": buy, "sell_volume": sell, "unknown_volume": unknown, "delta": buy - sell,
            "mark": _mark(one, price),
        }
        for price, buy, sell, unknown in columns
    ]  # fmt: skip
    return rows[::-1]


def _mark(one: Footprint | Profile, price: float) -> str:
    if price == one.poc:
        return "poc"
    return "value" if one.value_area_low <= price < one.value_area_high else ""


def _volume_remark(one: Footprint | Profile, result: Any) -> str:
    text = f"volume {number_text(one.volume)}, delta {number_text(one.delta)}, {one.count} trades, point of control "
    text += f"{number_text(one.poc)}, value area {number_text(one.value_area_low)} to "
    text += f"{number_text(one.value_area_high)}, {one.status}, coverage {one.coverage:.3g}"
    return f"{one.symbol} {one.venue}: {text}, age {result.age_s:.1f} s, {result.state}"


def of_messages(kind: str, messages: Sequence[Message]) -> Snapshot:
    """Alerts, sweeps, verdicts, signals, liquidations, news, gaps."""
    rows = [message.to_dict() for message in messages]
    return Snapshot({"kind": kind, "data": rows}, rows, "" if rows else f"no {kind}")


def of_status(status: Mapping[str, Any]) -> Snapshot:
    """The hub and the actors that it hears."""
    rows = [{"actor": name, **_plain(row)} for name, row in status.get("actors", {}).items()]
    return Snapshot({"kind": "status", **_plain(status)}, rows, f"{status.get('gaps_open', 0)} open gaps")


def of_symbols(symbols: Mapping[str, msgspec.Struct]) -> Snapshot:
    """What is configured or has been heard of."""
    rows = [{"symbol": name, **_plain(info)} for name, info in symbols.items()]
    return Snapshot({"kind": "symbols", "data": rows}, rows)


def _quote_row(tick: Tick) -> Row:
    return {**tick.to_dict(), "mid": tick.mid, "spread": tick.spread}


def _plain(value: Any) -> dict[str, Any]:
    built: dict[str, Any] = msgspec.to_builtins(value)
    return built


def _origin(table: Candles | Trades) -> dict[str, Any]:
    names = ("symbol", "venue", "age_s", "state", "source", "epoch", "seq", "hub_epoch")
    return {name: getattr(table, name) for name in names}


def _remark(result: Any, rows: Sequence[Row]) -> str:
    asked = getattr(result, "asked", 0)
    fewer = f" of {asked} asked for" if asked > len(rows) else ""
    return (
        f"{result.symbol} {result.venue}: {len(rows)} rows{fewer}, age {result.age_s:.1f} s, {result.state}"
    )


def _field(name: str) -> Callable[[Row], str]:
    return lambda row: number_text(field_value(row, name))


def _clock(name: str) -> Callable[[Row], str]:
    return lambda row: format_clock(row.get(name) or 0)


def _opened(row: Row) -> str:
    return f"{datetime.fromtimestamp(row['ts_open_ns'] // 1_000_000_000, UTC):%Y-%m-%dT%H:%M:%SZ}"


def _marks(row: Row) -> str:
    """What is to be known of a provider's candle besides its numbers."""
    return " ".join(name for name in ("adjusted", "repaired") if row.get(f"is_{name}"))


def _age(row: Row) -> str:
    age_s = row.get("age_s", row.get("beat_age_s"))
    return "-" if age_s is None or age_s < 0 else f"{age_s:.1f}s"


def _columns(*names: str) -> tuple[Column, ...]:
    return tuple(_SPECIAL.get(name) or Column(name.upper(), -10, _field(name)) for name in names)


_SPECIAL: Final = {
    "symbol": Column("SYMBOL", 14, _field("symbol")),
    "venue": Column("VENUE", 8, _field("venue")),
    "state": Column("STATE", 8, _field("state")),
    "status": Column("STATUS", 6, _field("status")),
    "side": Column("SIDE", 4, _field("side")),
    "age_s": Column("AGE", -7, _age),
    "ts_open_ns": Column("OPENED", 20, _opened),
    "ts_event_ns": Column("TIME", 15, _clock("ts_event_ns")),
    "name": Column("NAME", 24, _field("name")),
    "actor": Column("ACTOR", 20, _field("actor")),
    "session": Column("SESSION", 9, _field("session")),
    "frames_per_s": Column("FRAMES/S", -9, lambda row: f"{row.get('frames_per_s', 0):.0f}"),
    "title": Column("TITLE", 0, _field("title")),
    "text": Column("TEXT", 0, _field("text")),
    "reason": Column("REASON", 0, _field("reason")),
    "strategy": Column("STRATEGY", 14, _field("strategy")),
    "provider": Column("PROVIDER", 12, _field("provider")),
    "verdict": Column("VERDICT", 10, _field("verdict")),
    "reasons": Column("REASONS", 0, lambda row: "; ".join(row.get("reasons") or ())),
    "marks": Column("MARKS", 0, _marks),
    "mapped": Column("MAPPED", 16, lambda row: ",".join(row.get("mapped", ()))),
    "heard": Column(
        "HEARD", 16, lambda row: " ".join(f"{v}:{'+'.join(k)}" for v, k in row["venues"].items())
    ),
}
_QUOTE: Final = _columns("symbol", "venue", "bid_size", "bid", "ask", "ask_size", "spread", "age_s", "state")
COLUMNS: Final[dict[str, tuple[Column, ...]]] = {
    "tick": _QUOTE,
    "ticks": _QUOTE,
    "candles": _columns(
        "ts_open_ns",
        "open",
        "high",
        "low",
        "close",
        "volume",
        "vwap",
        "count",
        "status",
        "coverage",
        "revision",
        "source",
        "marks",
    ),
    "book": _columns("level", "bid_size", "bid", "ask", "ask_size"),
    "depth": _columns("level", "bid_venue", "bid_size", "bid", "ask", "ask_size", "ask_venue"),
    "bbo": _columns("venue", "bid_size", "bid", "ask", "ask_size", "age_s", "kind", "best", "expired"),
    "trades": _columns("ts_event_ns", "symbol", "side", "price", "size", "trade_id"),
    "order_flow": _columns("name", "value"),
    "flow": _columns("name", "value"),
    "features": _columns("name", "value"),
    "footprint": _columns(
        "ts_open_ns",
        "volume",
        "delta",
        "poc",
        "value_area_low",
        "value_area_high",
        "buckets",
        "count",
        "status",
        "coverage",
        "revision",
    ),
    "profile": _columns("price", "buy_volume", "sell_volume", "unknown_volume", "delta", "mark"),
    "sweeps": _columns(
        "ts_event_ns",
        "symbol",
        "venue",
        "side",
        "levels",
        "first_price",
        "last_price",
        "size",
        "notional",
        "count",
    ),
    "verdicts": _columns(
        "ts_event_ns",
        "symbol",
        "ts_open_ns",
        "provider",
        "verdict",
        "open",
        "high",
        "low",
        "close",
        "reasons",
    ),
    "liquidations": _columns("ts_event_ns", "symbol", "venue", "side", "price", "size"),
    "alerts": _columns("ts_event_ns", "symbol", "venue", "rule", "severity", "text"),
    "signals": _columns(
        "ts_event_ns",
        "state",
        "strategy",
        "symbol",
        "venue",
        "side",
        "entry",
        "stop",
        "target",
        "confidence",
        "score",
    ),
    "news": _columns("ts_event_ns", "source", "title"),
    "gaps": _columns("symbol", "venue", "kind", "state", "cause", "from_id", "to_id", "count", "reason"),
    "status": _columns("actor", "state", "age_s", "frames_per_s", "last_seq"),
    "symbols": _columns("symbol", "session", "mapped", "age_s", "heard"),
}
"""Columns of the table of each kind."""
