"""Settings of a collector of Databento. Pure."""

from __future__ import annotations

from typing import Annotated

import msgspec

Count = Annotated[int, msgspec.Meta(ge=1)]
NotNegative = Annotated[float, msgspec.Meta(ge=0)]
Port = Annotated[int, msgspec.Meta(ge=1, le=65_535)]


class DatabentoSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Part `databento` of the section of a `collector.databento.N` actor."""

    api_key: str = ""
    """Key of the Databento account; empty: the environment's DATABENTO_API_KEY."""
    datasets: dict[str, str] = msgspec.field(default_factory=lambda: {"glbx": "GLBX.MDP3"})
    """Market, as it stands in symbols.yaml, to Databento's name of the data set. One live session serves one of them."""
    schemas: list[str] = msgspec.field(default_factory=lambda: ["trades", "mbp-1"])
    """What to subscribe for each symbol: trades, tbbo, mbp-1, mbp-10, mbo, bbo-1s, bbo-1m, ohlcv-1s, ohlcv-1m, ohlcv-1h,
    ohlcv-1d, definition, statistics, status; not tbbo together with mbp-1, whose records look the same."""
    gateway: str = ""
    """Host of the live gateway; empty: Databento's own of the data set."""
    port: Port = 13_000
    """TCP port of the live gateway."""
    heartbeat_s: Annotated[int, msgspec.Meta(ge=5, le=1800)] = 10
    """The gateway says so often that it is alive; 10 seconds longer without any record, and the session is dead."""
    replay: bool = True
    """After an interruption ask the gateway for what was missed; without it the hole stays."""
    replay_max_s: Annotated[float, msgspec.Meta(gt=0, le=86_400)] = 86_000.0
    """An interruption longer than this is not replayed, seconds; the gateway keeps 24 hours."""
    replay_margin_s: NotNegative = 1.0
    """The replay begins so much before the newest record seen: what overlaps is told by its ids, seconds."""
    queue_records: Count = 200_000
    """Records between the client's thread and ours; beyond it reading stops, so the gateway sees a slow reader."""
    batch_records: Count = 5_000
    """Records taken in one turn of the loop."""
    restart_at: Annotated[str, msgspec.Meta(pattern=r"^(?:[01][0-9]|2[0-3]):[0-5][0-9]$")] = "16:30"
    """Time of day in Chicago at which the session is begun anew, so that continuous symbols (6E.v.0) follow their front
    month; inside the break from 16:00 to 17:00 nothing is missed."""
    auth_pause_s: NotNegative = 300.0
    """Pause after the gateway has refused the key or one session more, seconds."""
    backfill_max_cost_usd: NotNegative = 5.0
    """History that costs more is fetched only when somebody confirms it, US dollars."""
    history_gateway: str = ""
    """Address of the historical service; empty: Databento's own."""
