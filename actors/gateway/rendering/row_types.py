"""What a row of each kind looks like over HTTP: the fields of its message by name, a map where that is an array. Pure."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any, Final, Literal, get_type_hints

import msgspec

from protocol.across import Consolidated, ConsolidatedDepth, VenueBook, VenueQuote
from protocol.client.results import TopicInfo
from protocol.derived import Alert, Feature, Flow, Footprint, Signal, Sweep
from protocol.message import SIDE_NAMES, Message
from protocol.messages import Bar, Book, Gap, Liquidation, News, Quote, Trade, Verdict

Row = msgspec.Struct
Side = Literal["buy", "sell", "unknown"]
Number = float | None
"""A price or size that may be unknown: a provider or the store did not say."""
MESSAGES: Final[tuple[type[Message], ...]] = (
    Trade, Quote, Book, Bar, Feature, Flow, Footprint, Gap, Alert, Signal, Liquidation, Sweep, Verdict, News,
)  # fmt: skip
_SIDE: Final = "side"
_FURTHER: Final[dict[type, list[tuple[str, Any]]]] = {Quote: [("spread", float)]}
_ADDED: Final[dict[type, Callable[[Any], tuple[Any, ...]]]] = {Quote: lambda one: (one.ask - one.bid,)}


def _row_type(kind: type[msgspec.Struct], changed: dict[str, Any] | None = None) -> type[Row]:
    hints: dict[str, Any] = get_type_hints(kind) | {_SIDE: Side} | (changed or {})
    if kind is Bar:
        hints = {name: Number if hint is float else hint for name, hint in hints.items()}
    fields = [(name, hints[name]) for name in kind.__struct_fields__] + _FURTHER.get(kind, [])
    return msgspec.defstruct(f"{kind.__name__}Row", fields, frozen=True, module=__name__)


ROWS: Final[dict[type, type[Row]]] = {kind: _row_type(kind) for kind in MESSAGES}
"""Message to its row."""
BarRow: Final = ROWS[Bar]
FeatureRow: Final = ROWS[Feature]
QuoteRow: Final = ROWS[Quote]
VenueQuoteRow: Final = _row_type(VenueQuote)
VenueBookRow: Final = _row_type(VenueBook)
BboRow: Final = _row_type(Consolidated, {"venues": list[VenueQuoteRow]})  # type: ignore[valid-type]
DepthRow: Final = _row_type(ConsolidatedDepth, {"venues": list[VenueBookRow]})  # type: ignore[valid-type]


class ListedQuoteRow(QuoteRow, frozen=True, kw_only=True):  # type: ignore[misc, valid-type, call-arg]
    """A quote among others, with what is known of it alone."""

    age_s: float | None
    state: str
    source: str
    epoch: int
    seq: int


class InstrumentRow(Row, frozen=True, kw_only=True):
    """An instrument: how it is configured, and what has arrived of it."""

    symbol: str
    base: str = ""
    quote: str = ""
    asset_class: str = ""
    session: str = ""
    tick_size: float = 0.0
    pip_size: float = 0.0
    contract_size: float = 1.0
    bars_from: str = ""
    inverse_of: str = ""
    flow_for: str = ""
    aliases: list[str] = msgspec.field(default_factory=list)
    venues: dict[str, str] = msgspec.field(default_factory=dict)
    providers: dict[str, str] = msgspec.field(default_factory=dict)
    heard: dict[str, list[str]] = msgspec.field(default_factory=dict)
    age_s: float | None = None
    is_configured: bool = True


TopicRow: Final[type[Row]] = TopicInfo


@functools.cache
def maker_of(kind: type[msgspec.Struct]) -> Callable[[Sequence[Any]], list[Any]]:
    """What makes rows of messages of one kind."""
    row: Callable[..., Any] = ROWS[kind]
    values = msgspec.structs.astuple
    added = _ADDED.get(kind)
    if added is not None:
        return lambda messages: [row(*values(one), *added(one)) for one in messages]
    if _SIDE not in kind.__struct_fields__:
        return lambda messages: [row(*values(one)) for one in messages]
    place = kind.__struct_fields__.index(_SIDE)

    def make(messages: Sequence[Any]) -> list[Any]:
        rows = []
        for one in messages:
            cells = list(values(one))
            cells[place] = SIDE_NAMES.get(cells[place], "unknown")
            rows.append(row(*cells))
        return rows

    return make


def bbo_row(value: Consolidated) -> Row:
    """The row of a best bid and offer over venues."""
    return _across_row(BboRow, value, VenueQuoteRow)


def depth_row(value: ConsolidatedDepth) -> Row:
    """The row of books of several venues as one."""
    return _across_row(DepthRow, value, VenueBookRow)


def _across_row(row: type[Row], value: msgspec.Struct, venue: type[Row]) -> Row:
    values = msgspec.structs.astuple
    *cells, venues = values(value)
    made: Row = row(*cells, [venue(*values(one)) for one in venues])
    return made
