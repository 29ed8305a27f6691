"""Settings of the venue simulator."""

from __future__ import annotations

from typing import Annotated

import msgspec

from actors.simulator.scenario import Planned

Count = Annotated[int, msgspec.Meta(ge=0)]
Amount = Annotated[float, msgspec.Meta(ge=0)]
Port = Annotated[int, msgspec.Meta(ge=0, le=65_535)]


class SimulatorSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Section of a `simulator.N` actor."""

    host: str = "127.0.0.1"
    """Address to listen on."""
    port: Port = 9801
    """TCP port to listen on; 0 takes any free one, `ctl port` and the heartbeat tell which."""
    seed: int = 1
    """Decides everything that happens: same seed, same market."""
    start_time_ms: Count = 0
    """Venue time at the start, ms since 1970 UTC; 0 is now."""
    clock_skew_ms: int = 0
    """Added to every time the venue says, to play a venue whose clock is wrong."""
    rate_per_s: Amount = 300.0
    """Market events (orders) per second over all instruments; each makes about one message of trade and
    bookTicker. `ctl rate` changes it while running."""
    symbols_limit: Count = 0
    """Instruments to simulate, the first ones of symbols.yaml with a Binance name; 0 is all."""
    symbols_extra: Count = 0
    """Spot instruments LOAD0001USDT... to add for load tests."""
    liquidation_share: Annotated[float, msgspec.Meta(ge=0, le=1)] = 0.001
    """Share of the market orders of USD-M instruments that are liquidations; they are told on `forceOrder`."""
    scenario: list[Planned] = []
    """What happens out of the ordinary, at which second of venue time after the start, for example
    `{at_s: 600, do: print, symbol: BTC_USDT, notional: 2000000, side: 1}`; `do` is print, sweep, liquidations or surge,
    with the arguments of the `ctl` operation of that name."""
    book_levels: Annotated[int, msgspec.Meta(ge=20, le=5_000)] = 200
    """Price levels per side of each order book, about."""
    history_trades: Annotated[int, msgspec.Meta(ge=1_000)] = 100_000
    """Trades kept per instrument for REST."""
    history_trades_total: Annotated[int, msgspec.Meta(ge=1_000)] = 2_000_000
    """Trades kept over all instruments: bounds `history_trades` where there are many."""
    tick_s: Annotated[float, msgspec.Meta(gt=0)] = 0.005
    """Seconds between two turns of the generator or player; bounds how late a message leaves."""
    client_buffer_bytes: Annotated[int, msgspec.Meta(ge=65_536)] = 64 * 1024 * 1024
    """A client for which more than this is queued is disconnected."""
    spot_ping_s: Annotated[float, msgspec.Meta(gt=0)] = 20.0
    """Seconds between ping frames on spot connections."""
    spot_pong_timeout_s: Annotated[float, msgspec.Meta(gt=0)] = 60.0
    """Seconds in which a spot client must answer a ping."""
    futures_ping_s: Annotated[float, msgspec.Meta(gt=0)] = 180.0
    """Seconds between ping frames on futures connections."""
    futures_pong_timeout_s: Annotated[float, msgspec.Meta(gt=0)] = 600.0
    """Seconds in which a futures client must answer a ping."""
    spot_messages_per_s: Annotated[int, msgspec.Meta(ge=1)] = 5
    """Messages a spot client may send per second, pongs included."""
    futures_messages_per_s: Annotated[int, msgspec.Meta(ge=1)] = 10
    """Messages a futures client may send per second, pongs included."""
    max_age_s: Annotated[float, msgspec.Meta(gt=0)] = 86_400.0
    """Seconds after which a connection is closed; the venue's is 24 hours."""
    handshake_timeout_s: Annotated[float, msgspec.Meta(gt=0)] = 10.0
    """Seconds in which a connection must have asked for something."""
    spot_weight_per_min: Annotated[int, msgspec.Meta(ge=1)] = 6_000
    """REST weight per minute on spot; more is answered with 429."""
    futures_weight_per_min: Annotated[int, msgspec.Meta(ge=1)] = 2_400
    """REST weight per minute on futures."""
    play: str = ""
    """Recording to play instead of generating a market: a `.gz` of lines `<ns> <json>`, or a cryptofeed
    `.jsonl.zst`; a relative path counts from the folder the actor is started in. Empty: generate."""
    play_speed: Amount = 1.0
    """Times the recording's own speed; 0 plays as fast as the clients take it."""
    play_wait_for_subscribers: bool = True
    """Start only when a client has subscribed to streams of the recording."""
    play_settle_s: Amount = 1.0
    """Where not all streams of the recording are subscribed: seconds without a further subscription after
    which it starts anyway."""
    play_snapshot_wait_s: Amount = 5.0
    """Seconds to wait at a recorded depth snapshot for the request that it answers."""
