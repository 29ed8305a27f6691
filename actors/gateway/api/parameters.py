"""Parameters that several routes have: what they mean, their limits, examples. Pure."""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal, NamedTuple

from fastapi import Depends, Path, Query

LAST_NS: Final = 2**63 - 1
MAX_ROWS: Final = 5000
TIMEFRAME: Final = r"^[1-9][0-9]{0,4}[smhd]$"
VENUE: Final = r"^(\*|[A-Za-z0-9_][A-Za-z0-9_.-]{0,39})$"
NAMES: Final = r"^[A-Za-z0-9_.]+(,[A-Za-z0-9_.]+)*$"
SYMBOLS: Final = r"^[^,]+(,[^,]+)*$"
MAX_SYMBOLS_LENGTH: Final = 8000
CURSOR: Final = r"^[A-Za-z0-9_-]+$"


def _query(description: str, example: Any, **limits: Any) -> Any:
    return Query(description=description, examples=[example], **limits)


Symbol = Annotated[
    str,
    Path(
        description="Canonical symbol (`BTC_USDT`, `BTC_USDT.PERP`) or an alias of it.",
        min_length=1,
        max_length=64,
        pattern=r"^[^/\\?#\s\x00-\x1f\x7f]+$",
        examples=["BTC_USDT"],
    ),
]
Venue = Annotated[
    str | None,
    _query("Of this venue; without it the one with the newest value answers.", "binance", pattern=VENUE),
]
VenueFilter = Annotated[str | None, _query("Only of this venue.", "binance", pattern=VENUE)]
AllowStale = Annotated[
    Literal["true", "false"],
    _query("Have it although it is older than its time to live, or its venue is down.", "true"),
]
Timeframe = Annotated[
    str,
    _query("Length of a candle: a number and one of s, m, h, d that divides a day.", "1m", pattern=TIMEFRAME),
]
Limit = Annotated[int, _query("Rows of a page at most.", 500, ge=1, le=MAX_ROWS)]
CursorText = Annotated[
    str | None,
    _query(
        "`next_cursor` of the page before, with the same other parameters.",
        "lgGjYmFyp2JpbmFuY2XDzxeXnN2dg4gAxAA",
        pattern=CURSOR,
        max_length=3000,
    ),
]
FromNs = Annotated[
    int,
    _query(
        "Only from this time on, ns since 1970 UTC; pages go from old to new then.", 1790000000000000000, ge=0,
        le=LAST_NS,
    ),
]  # fmt: skip
ToNs = Annotated[
    int, _query("Only before this time, ns since 1970 UTC; 0: up to now.", 1790003600000000000, ge=0, le=LAST_NS)
]  # fmt: skip
Depth = Annotated[int, _query("Levels a side at most; 0: all.", 20, ge=0, le=MAX_ROWS)]
WindowS = Annotated[
    float | None,
    _query(
        "Length of the window, seconds; 0: since the session began; without it the shortest.", 60, ge=0, le=1e9,
        allow_inf_nan=False,
    ),
]  # fmt: skip
Names = Annotated[
    str | None,
    _query("Only these indicators, commas between.", "ema_20,rsi_14", pattern=NAMES, max_length=2000),
]
FormatText = Annotated[
    Literal["json", "ndjson", "csv", "arrow", "msgpack"] | None,
    _query("Form of the answer, instead of `Accept`.", "csv"),
]
TimeText = Annotated[
    Literal["ns", "iso"],
    _query("`iso`: every `*_ns` is RFC 3339 with nine digits, under its name without `_ns`.", "iso"),
]
NumbersText = Annotated[
    Literal["number", "string"],
    _query("`string`: prices, sizes and other fractions of `data` as exact decimal text.", "string"),
]
LayoutText = Annotated[
    Literal["rows", "columns"],
    _query("`columns` (JSON, MessagePack): `data` maps each name to all its values, for charts.", "columns"),
]


class Stretch(NamedTuple):
    """A piece of the past, at one venue or at the one with the newest value."""

    venue: str
    from_ns: int
    to_ns: int


class Span(NamedTuple):
    """A page of a piece of the past; without range and cursor the newest rows."""

    limit: int
    cursor: str
    venue: str
    from_ns: int
    to_ns: int

    @property
    def is_past(self) -> bool:
        """Whether a range or a cursor is named."""
        return bool(self.cursor or self.from_ns or self.to_ns)


def stretch_of(venue: Venue = None, from_ns: FromNs = 0, to_ns: ToNs = 0) -> Stretch:
    """What the parameters say."""
    return Stretch(venue or "", from_ns, to_ns)


Stretched = Annotated[Stretch, Depends(stretch_of)]


def span_of(stretch: Stretched, limit: Limit = 500, cursor: CursorText = None) -> Span:
    """What the parameters say."""
    return Span(limit, cursor or "", *stretch)


Spanned = Annotated[Span, Depends(span_of)]
