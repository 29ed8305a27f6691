"""What the simulator feeds its clients with: a generated exchange, or a recording. One surface for both."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from pathlib import Path
from typing import Any, Protocol

from actors.simulator.channels import Channel
from actors.simulator.exchange import Exchange
from actors.simulator.listing import listings_of
from actors.simulator.player import Player
from actors.simulator.recording import Recording
from actors.simulator.rest import Backend, Params, Respond
from actors.simulator.rest_data import ExchangeData
from actors.simulator.scenario import AnyDeed, Planned
from actors.simulator.settings import SimulatorSettings
from actors.simulator.streams import Stream
from actors.simulator.truth import trades_of, truth_of
from protocol.errors import ConfigError, InvalidRequest
from protocol.instruments import Catalog

Key = tuple[str, str]
"""(market, venue's name of an instrument)."""


class Feed(Backend, Protocol):
    """A source of events and of REST answers that can be steered."""

    def open(self, market: str, stream: Stream, channel: Channel) -> Callable[[], None]:
        """Begin to feed a channel; returns what ends it."""

    def advance(self, now_ns: int) -> None:
        """Let happen what is due at this monotonic time."""

    def venue_ms(self) -> int:
        """The venue's clock."""

    def freeze(self, keys: Collection[Key], *, is_frozen: bool) -> None:
        """Stop these instruments, or let them go on; nothing is lost by it."""

    def instruments(self) -> list[Key]:
        """Every instrument there is."""

    def set_rate(self, per_s: float) -> None:
        """Change how much happens: events per second, or a recording's speed."""

    def set_skew(self, skew_ms: int) -> None:
        """Put the venue's clock wrong."""

    def act(self, key: Key, deed: AnyDeed) -> dict[str, Any]:
        """Let something out of the ordinary happen to an instrument from now on; returns when it begins."""

    def start(self) -> None:
        """Begin at once if it still waits."""

    def truth(self, key: Key, depth: int) -> dict[str, Any]:
        """What really happened to an instrument."""

    def truth_trades(self, key: Key, kind: str, from_id: int, to_id: int, limit: int) -> dict[str, Any]:
        """A page of everything that traded, see `trades_of`."""

    def status(self) -> dict[str, Any]:
        """For the heartbeat: small."""


class GeneratedFeed:
    """A seeded exchange on the clock."""

    def __init__(self, settings: SimulatorSettings, catalog: Catalog, now_ns: int, mono_ns: int) -> None:
        """Open the exchange at wall-clock time `now_ns`, unless the settings fix its first time.

        Raises:
            ConfigError: there is no instrument to simulate.
        """
        listings = listings_of(catalog.of_venue("binance"), settings.symbols_limit, settings.symbols_extra)
        if not listings:
            raise ConfigError(["simulator: no instrument of symbols.yaml has a binance spot or usdm name"])
        self._start_ms = settings.start_time_ms or now_ns // 1_000_000
        self._start_mono_ns = mono_ns
        self.exchange = Exchange(
            listings,
            seed=settings.seed,
            start_ms=self._start_ms,
            rate_per_s=settings.rate_per_s,
            levels=settings.book_levels,
            history=max(1_000, min(settings.history_trades, settings.history_trades_total // len(listings))),
            liquidation_share=settings.liquidation_share,
        )
        self.exchange.skew_ms = settings.clock_skew_ms
        self._plan(settings.scenario, catalog)
        self.open = self.exchange.open
        self.answer = ExchangeData(self.exchange).answer

    def _plan(self, scenario: Iterable[Planned], catalog: Catalog) -> None:
        problems = []
        for index, planned in enumerate(scenario):
            keys = keys_of(self.instruments(), catalog, planned.symbol, planned.market)
            if len(keys) == 1:
                self.exchange.plan(keys[0], planned.deed(), self._start_ms + planned.at_s * 1000.0)
            else:
                found = ", ".join(f"{market}:{raw}" for market, raw in keys) or "nothing"
                problems.append(
                    f"simulator: scenario[{index}]: {planned.symbol} is {found} here, not one instrument"
                )
        if problems:
            raise ConfigError(problems)

    def advance(self, now_ns: int) -> None:
        """Let happen what is due at this monotonic time."""
        self.exchange.advance(self._start_ms + (now_ns - self._start_mono_ns) // 1_000_000)

    def venue_ms(self) -> int:
        """The venue's clock."""
        return self.exchange.now_ms + self.exchange.skew_ms

    def freeze(self, keys: Collection[Key], *, is_frozen: bool) -> None:
        """Stop these instruments, or let them go on."""
        for key in keys:
            self.exchange.markets[key].is_frozen = is_frozen

    def instruments(self) -> list[Key]:
        """Every instrument there is."""
        return list(self.exchange.markets)

    def set_rate(self, per_s: float) -> None:
        """Change the events per second over all instruments."""
        self.exchange.rate_per_s = per_s

    def set_skew(self, skew_ms: int) -> None:
        """Put the venue's clock wrong."""
        self.exchange.skew_ms = skew_ms

    def act(self, key: Key, deed: AnyDeed) -> dict[str, Any]:
        """Let something out of the ordinary happen from the next slot of venue time on."""
        now_ms = self.exchange.now_ms
        self.exchange.plan(key, deed, now_ms)
        return {"instrument": f"{key[0]}:{key[1]}", "begins_ms": now_ms + self.exchange.skew_ms}

    def start(self) -> None:
        """It never waits."""

    def truth(self, key: Key, depth: int) -> dict[str, Any]:
        """What really happened to an instrument."""
        return truth_of(self.exchange.markets[key], depth)

    def truth_trades(self, key: Key, kind: str, from_id: int, to_id: int, limit: int) -> dict[str, Any]:
        """A page of everything that traded, see `trades_of`."""
        return trades_of(self.exchange.markets[key], kind, from_id, to_id, limit)

    def status(self) -> dict[str, Any]:
        """For the heartbeat."""
        exchange = self.exchange
        return {
            "mode": "generate",
            "instruments": len(exchange.markets),
            "rate_per_s": exchange.rate_per_s,
            "events": exchange.events,
            "skipped_ms": exchange.skipped_ms,
            "frozen": sum(market.is_frozen for market in exchange.markets.values()),
            "acts_planned": exchange.acts_planned,
        }


class PlayedFeed:
    """A recording."""

    def __init__(self, settings: SimulatorSettings) -> None:
        """Open the recording of the settings.

        Raises:
            ConfigError: it cannot be read.
        """
        try:
            self.player = Player(
                Recording(Path(settings.play)),
                speed=settings.play_speed,
                is_waiting=settings.play_wait_for_subscribers,
                settle_s=settings.play_settle_s,
                snapshot_wait_s=settings.play_snapshot_wait_s,
            )
        except (OSError, EOFError, ValueError) as fault:
            raise ConfigError([f"simulator: play: {fault}"]) from fault
        self.open = self.player.open
        self.start = self.player.start

    def answer(self, market: str, endpoint: str, params: Params, respond: Respond) -> None:
        """Answer one REST request."""
        self.player.answer(market, endpoint, params, respond)

    def advance(self, now_ns: int) -> None:
        """Send what is due at this monotonic time."""
        self.player.advance(now_ns)

    def venue_ms(self) -> int:
        """The recording's clock."""
        return self.player.position_ns // 1_000_000

    def freeze(self, keys: Collection[Key], *, is_frozen: bool) -> None:
        """Pause the recording, whichever instrument is meant."""
        del keys
        self.player.is_frozen = is_frozen

    def instruments(self) -> list[Key]:
        """Every instrument of the recording's head."""
        return [(self.player.head.market, symbol) for symbol in self.player.head.symbols]

    def set_rate(self, per_s: float) -> None:
        """Change the speed."""
        self.player.speed = per_s

    def set_skew(self, skew_ms: int) -> None:
        """Refuse: a recording says the times it has.

        Raises:
            InvalidRequest: always.
        """
        raise InvalidRequest(f"a recording keeps its own times: cannot add {skew_ms} ms")

    def act(self, key: Key, deed: AnyDeed) -> dict[str, Any]:
        """Refuse: a recording happens as it has happened.

        Raises:
            InvalidRequest: always.
        """
        del deed
        raise InvalidRequest(f"nothing can be made to happen to {key[1]}: a recording is played")

    def truth(self, key: Key, depth: int) -> dict[str, Any]:
        """What was played; the truth of a recording is the recording."""
        del key, depth
        return self.player.status()

    def truth_trades(self, key: Key, kind: str, from_id: int, to_id: int, limit: int) -> dict[str, Any]:
        """Refuse: the truth of a recording is the recording.

        Raises:
            InvalidRequest: always.
        """
        del kind, from_id, to_id, limit
        raise InvalidRequest(f"no list of trades of {key[1]}: a recording is its own truth")

    def status(self) -> dict[str, Any]:
        """For the heartbeat."""
        return {"mode": "play", **self.player.status()}


def keys_of(instruments: Iterable[Key], catalog: Catalog, symbol: str, market: str) -> list[Key]:
    """Instruments of that canonical or venue's name; all of a market, or all, where none is named."""
    if symbol in catalog:
        market, symbol = catalog.raw(symbol, "binance") or (market, symbol)
    return [key for key in instruments if symbol in {"", key[1]} and market in {"", key[0]}]


def feed_of(settings: SimulatorSettings, catalog: Catalog, now_ns: int, mono_ns: int) -> Feed:
    """The feed that the settings ask for.

    Raises:
        ConfigError: there is nothing to simulate, or the recording cannot be read.
    """
    if settings.play:
        return PlayedFeed(settings)
    return GeneratedFeed(settings, catalog, now_ns, mono_ns)
