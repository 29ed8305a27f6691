"""What one builder of candles remembers between two inputs. Pure."""

from __future__ import annotations

import msgspec

from actors.aggregator.ladder import LadderState
from protocol.feeders import Feeder
from protocol.first_copy import CopiesState
from protocol.messages import Bar
from protocol.trade_ids import IdsState


class BuilderState(msgspec.Struct, array_like=True):
    """What one builder remembers between two inputs."""

    event_ns: int = 0
    """Newest event; 0 before the first."""
    next_show_ns: int = 0
    """Horizon before which the running candles are not shown again."""
    is_touched: bool = False
    """Something changed since they were shown."""
    is_fresh: bool = False
    """The publisher has started anew and has not sent an event yet."""
    suspicions: dict[str, int] = {}
    """Holes that end with the next event: id to start."""
    holes: list[tuple[str, int, int]] = []
    ladder: LadderState | None = None
    ids: IdsState = msgspec.field(default_factory=IdsState)
    """Which trades have come."""
    mended: dict[int, bool] = {}
    """Minutes that were absorbed, see `Coverage`."""
    early: list[Bar] = []
    """Candles of the venue that wait for ours of the same minute to close."""
    feeders: dict[str, Feeder] = {}
    """The publishers, where there are several."""
    owners: dict[str, str] = {}
    """Which of them did not see a hole."""
    copies: CopiesState | None = None
