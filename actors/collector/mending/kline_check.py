"""The venue's own candles of minutes that are over, to compare ours with, one market. Wiring; whose turn it is says `rotation`.

Now and then the closed minutes of one symbol are fetched and published on `bar.<venue>.<symbol>.1m`, flagged REFERENCE:
nobody stores or serves them. It spends what repairs leave over, and nothing while anything is being repaired.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Collection
from random import Random
from typing import Final, Protocol

from actors.collector import rest
from actors.collector.backoff import Backoff
from actors.collector.intake.normaliser import Normaliser
from actors.collector.market_feed import Host
from actors.collector.mending.page_mender import no_address
from actors.collector.mending.repair import CONCERNS_US
from actors.collector.mending.rotation import MINUTE_NS, MOST_MINUTES, Rotation, Stretch
from actors.collector.outbox import Outbox
from actors.collector.outcomes import Reject
from actors.collector.venue import Venue

LONGEST_PAUSE_S: Final = 900.0
"""Between two requests to a venue that does not answer them."""
LOOK_AGAIN_NS: Final = 1_000_000_000
"""Pause where no minute is over, or repairs have need of the budget."""


class Spender(Protocol):
    """Whose request weight it is."""

    def spare(self, weight: float, mono_ns: int) -> bool:
        """Spend it on what can wait; False if repairs might miss it."""

    def hold(self, until_ns: int) -> None:
        """The venue wants no request before this monotonic time."""


class KlineCheck:
    """Fetches them.

    Args:
        host: The collector: threads, settings, counters.
        venue: Whom to ask.
        market: One of its markets.
        normaliser: Reads the answers.
        outbox: Takes the bars.
        spender: The mender of this market.
        random: For jitter.
    """

    def __init__(
        self,
        host: Host,
        venue: Venue,
        market: str,
        normaliser: Normaliser,
        outbox: Outbox,
        spender: Spender,
        random: Random,
    ) -> None:
        settings = host.settings
        page = venue.klines_per_page(market)
        self._host = host
        self._venue = venue
        self._market = market
        self._normaliser = normaliser
        self._outbox = outbox
        self._spender = spender
        self._is_off = not settings.kline_check_s or not page or bool(no_address(settings, market))
        self._every_ns = round(settings.kline_check_s * 1e9)
        self._patience_ns = round(3.0 * settings.rest_timeout_s * 1e9)
        self._due_ns = host.clock.mono_ns() + self._every_ns
        self._rotation = Rotation(min(page, MOST_MINUTES))
        self._backoff = Backoff(max(1.0, settings.kline_check_s), LONGEST_PAUSE_S, random.random)
        self._asked: Stretch | None = None
        self._asked_until_ns = 0

    def tick(self, mono_ns: int, event_ns: Callable[[], int], symbols: Callable[[], Collection[str]]) -> None:
        """Ask if it is time.

        Args:
            mono_ns: Now, monotonic.
            event_ns: Tells the venue's time, 0 while nothing flows.
            symbols: Tells the symbols whose trades are collected.
        """
        if self._is_off:
            return
        if self._asked is not None and mono_ns >= self._asked_until_ns:
            self._failed(self._asked, rest.RestError("no answer in time"))
        if self._asked is not None or mono_ns < self._due_ns:
            return
        self._due_ns = mono_ns + LOOK_AGAIN_NS
        reached_ns = event_ns()
        stretch = self._rotation.next(symbols(), reached_ns) if reached_ns else None
        if stretch is not None and self._spender.spare(self._venue.klines_weight(self._market), mono_ns):
            self._due_ns = mono_ns + self._every_ns
            self._ask(stretch, mono_ns)

    def stop(self) -> None:
        """An answer under way no longer counts."""
        self._asked = None
        self._is_off = True

    def _ask(self, stretch: Stretch, mono_ns: int) -> None:
        settings, raw = self._host.settings, self._host.raw_name(stretch.symbol)
        base = settings.rest_url[self._market].rstrip("/")
        path = self._venue.klines_path(self._market, raw, stretch.first_minute, stretch.minutes)
        self._rotation.asked(stretch.symbol)
        self._asked, self._asked_until_ns = stretch, mono_ns + self._patience_ns
        self._host.counters["kline_checks_asked"] += 1
        self._host.submit(
            functools.partial(rest.get, base + path, settings.rest_timeout_s),
            functools.partial(self._on_answer, stretch),
        )

    def _on_answer(self, stretch: Stretch, result: bytes | Exception) -> None:
        if isinstance(result, Exception) and not isinstance(result, rest.RestError):
            raise result
        if self._asked is not stretch:
            return
        if isinstance(result, rest.RestError):
            self._failed(stretch, result)
            return
        self._asked = None
        if stretch.symbol not in self._normaliser.tapes:
            return  # unsubscribed meanwhile
        found = self._normaliser.read_klines(stretch.symbol, result)
        if isinstance(found, Reject):
            self._failed(stretch, rest.RestError(f"{found.reason}: {found.detail}", 200))
            return
        self._backoff.flowing(self._host.clock.mono_ns())
        wanted = range(stretch.first_minute, stretch.first_minute + stretch.minutes)
        # what a venue leaves out at the end may be late as well as quiet: it is asked for again
        bars = [bar for bar in found if bar.ts_open_ns // MINUTE_NS in wanted]
        if bars:
            self._rotation.had(stretch.symbol, bars[-1].ts_open_ns // MINUTE_NS)
            self._outbox.add_references(bars)

    def _failed(self, stretch: Stretch, fault: rest.RestError) -> None:
        self._asked = None
        mono_ns = self._host.clock.mono_ns()
        pause_s = self._backoff.failed(mono_ns, fault.status, fault.retry_after_s)
        again_ns = mono_ns + round(pause_s * 1e9)
        self._due_ns = max(self._due_ns, again_ns)
        if fault.status in CONCERNS_US or fault.retry_after_s is not None:
            self._spender.hold(again_ns)
        self._host.drop("kline_check_failed", f"{stretch.symbol} 1m candles: {fault}")
