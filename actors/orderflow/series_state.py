"""What one symbol's order flow remembers between two inputs. Pure."""

from __future__ import annotations

from typing import Final

import msgspec

from actors.orderflow.bucket import Bucket
from actors.orderflow.depth import DepthState
from actors.orderflow.flows import Standing
from actors.orderflow.footprints import Interval
from actors.orderflow.inference import Mids
from actors.orderflow.sweeps import Print
from actors.orderflow.windows import WindowsState
from protocol.feeders import Feeder
from protocol.first_copy import CopiesState
from protocol.trade_ids import IdsState

Best = tuple[float, float, float, float]
"""bid, ask, bid_size, ask_size."""

NO_QUOTE: Final[Best] = (float("nan"), float("nan"), 0.0, 0.0)
"""Nothing compares with it: the update behind it contributes nothing."""


class SeriesState(msgspec.Struct, array_like=True):
    """Plain values only: encoded, it is what a restart goes on from."""

    event_ns: int = 0
    """Newest event; 0 before the first."""
    reached_ns: int = 0
    """Newest watermark of a connected feed."""
    closed_ns: int = 0
    """Every step before it is closed."""
    open: dict[int, Bucket] = {}
    """Steps that are not closed, by their start."""
    quote: Best = NO_QUOTE
    """The newest quote, to which the next one is compared."""
    mids: Mids = msgspec.field(default_factory=Mids)
    """Quotes kept to infer aggressors."""
    is_inferring: bool = False
    """The venue has left out an aggressor."""
    last_price: float = 0.0
    direction: int = 0
    """Of the last change of price: 1 up, -1 down."""
    burst_side: int = 0
    burst: list[Print] = []
    """Trades that may be a sweep."""
    standing: Standing = msgspec.field(default_factory=Standing)
    session_ns: tuple[int, int] = (0, 0)
    """Start and end of the session of the newest closed step."""
    totals: list[float] = []
    """Sums since the session began."""
    since_ns: int = 0
    """First event of the series."""
    price_step: float = 0.0
    """Height of the buckets of new footprints, 0 before the first trade."""
    step_session_ns: int = -1
    """Start of the session whose first trade decided it."""
    pending: list[str] = []
    """Holes that end with the next event."""
    is_fresh: bool = False
    """The publisher has started anew and has not sent an event yet."""
    holes: list[tuple[str, int, int, str]] = []
    ids: IdsState = msgspec.field(default_factory=IdsState)
    depth: DepthState | None = None
    windows: WindowsState | None = None
    footprints: list[list[Interval]] = []
    """One list per timeframe, the profile of the session last."""
    feeders: dict[str, Feeder] = {}
    """The publishers, where there are several."""
    owners: dict[str, str] = {}
    """Which of them did not see a hole."""
    copies: dict[str, CopiesState] = {}
    """Kind to what came of it, where several send it."""
