"""Providers of bars over REST looked at: one call to each, for one instrument. Blocking.

It costs one call (credit) of each provider's budget, which a collector that starts later does not know of.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

from actors.collector.bars import making
from actors.collector.bars.providers.fetching import Fetcher, FetchFault
from actors.collector.bars.providers.provider import MINUTE_NS, Page, Provider, Query, Refusal
from actors.collector.bars.providers.registry import PROVIDERS, provider
from actors.collector.bars.spending.reasons import reason_of
from actors.collector.probing.probe import Probe
from actors.collector.probing.reach import place_of, reach
from protocol.instruments import Catalog, Instrument
from protocol.sessions import session_named

LOOKED_NS: Final = 60 * MINUTE_NS
"""So much of the newest trading is asked for."""
_FIXES: Final = {
    "throttled": "wait; does somebody else use the key, or this address?",
    "bad_symbol": "correct its name at the provider in symbols.yaml",
    "wrong_symbol": "correct its name at the provider in symbols.yaml",
    "auth": "correct the key in the environment",
    "plan": "leave the provider out of the instrument in symbols.yaml, or buy a plan that has it",
    "bad_request": "please report it",
    "broken": "is this the provider's address? else try again later",
    "unavailable": "try again later; the provider's status page says more",
}


class _Stretch(NamedTuple):
    """The newest trading of an instrument."""

    from_ns: int
    to_ns: int
    is_open: bool


def probe_rest(probe: Probe, symbols: Sequence[str], catalog: Catalog) -> None:
    """Look at all providers of the settings, one after the other; the market is `bars`."""
    settings = probe.settings.rest
    probe.hide(*(one.key for one in settings.providers.values()))
    instruments = [catalog.get(symbol) for symbol in symbols]
    probe.begin("settings")
    asked = making.asked(settings)
    if not asked:
        probe.fail("no provider can be asked", "enable one, or set its key; docs/howto/rest-bars.md")
    for name in PROVIDERS:
        if name not in asked:
            why = making.lack(settings, name, provider(name)) or "neither `order` nor a tier names it"
            probe.skip(f"{name} is not asked: {why}")
    fetcher = Fetcher(probe.clock, 1)
    try:
        for name, found in asked.items():
            _look(probe, name, found, instruments, fetcher)
    finally:
        fetcher.close()


def _look(
    probe: Probe, name: str, found: Provider, instruments: Sequence[Instrument], fetcher: Fetcher
) -> None:
    given = making.settings_of(probe.settings.rest, name)
    base_url = given.url or found.base_url
    known = [one for one in instruments if name in one.providers]
    if not known:
        probe.begin("bars")
        probe.skip(f"{name}: no instrument that is collected has a name there")
        return
    if reach(probe, place_of(base_url)) is None:
        return
    probe.begin("bars")
    clock = probe.clock
    now_ns = clock.now_ns()
    instrument, when = _chosen(known, now_ns)
    query = Query(instrument.providers[name], when.from_ns, when.to_ns)
    what = f"{name}: {instrument.symbol} ({query.raw})"
    try:
        call = found.call(query, base_url, given.key, now_ns)
    except ValueError as fault:
        probe.fail(f"{what}: {fault}", _FIXES["bad_symbol"])
        return
    began_ns = clock.mono_ns()
    try:
        answer = found.read(query, fetcher.fetch(call, probe.left_s(given.timeout_s)))
    except FetchFault as fault:
        answer = fault.refusal()
    took_ms = (clock.mono_ns() - began_ns) / 1e6
    if isinstance(answer, Refusal):
        _refused(probe, what, answer)
    else:
        _answered(probe, what, answer, when, clock.now_ns(), took_ms)


def _refused(probe: Probe, what: str, refusal: Refusal) -> None:
    text = f"{what}: {refusal.kind}: {reason_of(refusal)}"
    if refusal.kind == "empty":
        probe.warn(text, "a holiday, or a plan whose data is late; other providers fill in")
    else:
        probe.fail(text, _FIXES[refusal.kind])


def _answered(probe: Probe, what: str, page: Page, when: _Stretch, now_ns: int, took_ms: float) -> None:
    text = f"{what}: {len(page.bars)} bars in {took_ms:.0f} ms"
    if not page.bars:
        probe.warn(text, "a holiday, or a plan whose data is late; other providers fill in")
        return
    age_s = (now_ns - page.bars[-1].ts_open_ns - MINUTE_NS) / 1e9
    if not when.is_open:
        probe.ok(f"{text}; the market is closed")
    elif age_s > probe.settings.rest.stale_after_s:
        late = f"{text}, the newest {age_s / 60:.0f} min old"
        probe.warn(late, "its plan is behind: put a provider before it that is not")
    else:
        probe.ok(f"{text}, the newest {max(0.0, age_s):.0f} s old")


def _chosen(instruments: Sequence[Instrument], now_ns: int) -> tuple[Instrument, _Stretch]:
    """The first instrument whose market is open, else the first one."""
    found = [(one, _newest(one, now_ns)) for one in instruments]
    return next((pair for pair in found if pair[1].is_open), found[0])


def _newest(instrument: Instrument, now_ns: int) -> _Stretch:
    """The newest trading of an instrument up to now."""
    session = session_named(instrument.session)
    span = session.span(now_ns)
    end_ns = (now_ns if span.is_open else span.start_ns) // MINUTE_NS * MINUTE_NS
    return _Stretch(end_ns - LOOKED_NS, end_ns, span.is_open)
