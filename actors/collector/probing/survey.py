"""Every market of every collector looked at side by side, each in a thread, with one deadline in all."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from typing import Final

from actors.collector.checks import venue_of
from actors.collector.feeds import complete, markets_of
from actors.collector.probing.probe import DATA_S, Probe, Probed
from actors.collector.probing.turnstile import Turnstile
from actors.collector.registry import exchange
from actors.collector.settings import CollectorSettings
from actors.runtime.clock import Clock
from protocol.errors import ConfigError
from protocol.instruments import Catalog

GRACE_S: Final = 0.5
"""Probes end by themselves at the deadline; one that does not (a hung name server) is left behind after this."""


def survey(
    collectors: Mapping[str, CollectorSettings],
    catalog: Catalog,
    clock: Clock,
    timeout_s: float,
    data_s: float = DATA_S,
) -> list[Probed]:
    """Look at the venues of some collectors.

    Args:
        collectors: Instance name to its section of the configuration.
        catalog: All instruments.
        clock: Ours, which is compared with the venues'.
        timeout_s: For everything.
        data_s: How long the first data of a subscription is waited for.

    Returns:
        Findings by collector and market, in the order of the configuration, in the order of their steps.

    Raises:
        ConfigError: a section cannot be.
    """
    until_ns = clock.mono_ns() + round(timeout_s * 1e9)
    plan = _Plan(catalog, clock, until_ns, data_s)
    tasks = [task for name, settings in collectors.items() for task in plan.tasks_of(name, settings)]
    for task in tasks:
        task.thread.start()
    for task in tasks:
        left_s = (until_ns - clock.mono_ns()) / 1e9 + GRACE_S
        task.thread.join(max(0.0, left_s))
    return [found for task in tasks for found in task.found(timeout_s)]


class _Task:
    """One market and the thread that looks at it."""

    def __init__(self, probe: Probe, look: Callable[[Probe], None]) -> None:
        self.thread = threading.Thread(target=self._run, daemon=True, name=f"probe-{probe.market}")
        self._probe = probe
        self._look = look

    def _run(self) -> None:
        try:
            self._look(self._probe)
        except Exception as fault:  # noqa: BLE001 - one bad probe must not silence the others
            self._probe.fail(f"unexpected {type(fault).__name__}: {fault}", "please report it")

    def found(self, timeout_s: float) -> list[Probed]:
        """So far."""
        if self.thread.is_alive():
            self._probe.fail(f"not finished within {timeout_s:g} s", "a longer --timeout")
        return list(self._probe.found)


class _Plan:
    """Makes the tasks."""

    def __init__(self, catalog: Catalog, clock: Clock, until_ns: int, data_s: float) -> None:
        self._catalog, self._clock, self._until_ns, self._data_s = catalog, clock, until_ns, data_s
        self._turnstiles: dict[str, Turnstile] = {}
        """By venue: the bound is that of our address, whatever the market."""

    def tasks_of(self, name: str, settings: CollectorSettings) -> list[_Task]:
        """One for each market of a collector."""
        venue = venue_of(name, settings)
        full = complete(name, venue, settings, self._catalog)
        symbols = _symbols(venue, full, self._catalog)
        return [
            _Task(
                Probe(name, market, full, self._clock, self._until_ns, self._data_s),
                self._look(venue, market, symbols.get(market, [])),
            )
            for market in markets_of(venue, full)
        ]

    def _look(self, venue: str, market: str, symbols: list[tuple[str, str]]) -> Callable[[Probe], None]:
        """What looks at one market; each venue's is imported only where it is looked at."""
        match venue:
            case "ig":
                from actors.collector.probing.ig import probe_ig  # noqa: PLC0415

                return lambda probe: probe_ig(probe, symbols, self._catalog)
            case "databento":
                from actors.collector.probing.databento import probe_databento  # noqa: PLC0415

                return lambda probe: probe_databento(probe, symbols)
            case "news":
                from actors.collector.probing.news import probe_news  # noqa: PLC0415

                return probe_news
            case "rest":
                from actors.collector.probing.rest import probe_rest  # noqa: PLC0415

                return lambda probe: probe_rest(probe, [symbol for symbol, _ in symbols], self._catalog)
            case "push":
                return _nobody
            case _:
                from actors.collector.probing.exchange import probe_exchange  # noqa: PLC0415

                spoken = exchange(venue)
                if venue not in self._turnstiles:
                    self._turnstiles[venue] = Turnstile(spoken.connect_allowance(market), self._clock)
                turnstile = self._turnstiles[venue]
                return lambda probe: probe_exchange(probe, spoken, symbols, turnstile)


def _nobody(probe: Probe) -> None:
    """There is nobody to reach: sources come by themselves."""
    probe.begin("sources")
    probe.ok("waits for sources to push: docs/howto/push-ticks.md")


def _symbols(venue: str, settings: CollectorSettings, catalog: Catalog) -> dict[str, list[tuple[str, str]]]:
    """Market to (canonical symbol, raw name) of what the collector subscribes at its start."""
    wanted = [catalog.get(symbol) for symbol in settings.symbols] or catalog.of_venue(venue)
    found: dict[str, list[tuple[str, str]]] = {}
    for instrument in wanted:
        if venue not in instrument.venues:
            raise ConfigError([f"symbols: {instrument.symbol} has no name at {venue} in symbols.yaml"])
        market, _, raw = instrument.venues[venue].partition(":")
        found.setdefault(market, []).append((instrument.symbol, raw))
    return found
