"""Sources of news looked at: does each answer, and can it be read. Blocking."""

from __future__ import annotations

from random import Random
from typing import Final

from actors.collector.news.feed import problems
from actors.collector.news.fetching import FetchError
from actors.collector.news.item import UnreadableNews
from actors.collector.news.polling import Schedule
from actors.collector.news.settings import CRYPTOPANIC
from actors.collector.news.source import Source
from actors.collector.probing.probe import Probe
from actors.collector.probing.reach import place_of, reach
from actors.collector.probing.refusals import meaning

_HOUR_NS: Final = 3_600_000_000_000
_FIXES: Final = {
    "too_slow": "a longer rest_timeout_s, or leave the source out",
    "too_large": "raise news.max_body_bytes, or leave the source out",
    "bad_redirect": "the source has moved: write its new address",
}


def probe_news(probe: Probe) -> None:
    """Look at all sources, one after the other; the market is `news`."""
    settings = probe.settings.news
    probe.begin("settings")
    mistakes = problems(settings)
    for mistake in mistakes:
        probe.fail(mistake, "write a source, or set CRYPTOPANIC_TOKEN")
    wanted = {name: one.url for name, one in settings.sources.items()}
    if settings.cryptopanic.token:
        wanted[CRYPTOPANIC] = settings.cryptopanic.url
    for name, url in wanted.items():
        _look(probe, name, url)


def _look(probe: Probe, name: str, url: str) -> None:
    if reach(probe, place_of(url)) is None:
        return
    probe.begin("source")
    settings, clock = probe.settings.news, probe.clock
    schedule = Schedule(settings, 0.0, 0.0, clock.mono_ns(), Random().random)
    look = Source(name, url, settings, schedule).look(
        settings, probe.left_s(probe.settings.rest_timeout_s), clock
    )
    try:
        items = look().items or []
    except FetchError as fault:
        words, fix = meaning(fault.status, fault.retry_after_s) if fault.reason == "refused" else ("", "")
        probe.fail(f"{name}: {words or fault}", fix or _FIXES.get(fault.reason, "is the address right?"))
        return
    except UnreadableNews as fault:
        probe.fail(f"{name} cannot be read: {fault}", "is this the address of an RSS or Atom feed?")
        return
    times = [item.published_ns for item in items if item.published_ns]
    if not items:
        probe.warn(f"{name}: no headline in it", "is it the right feed?")
    elif not times:
        probe.ok(f"{name}: {len(items)} headlines, without a time")
    else:
        age_h = (clock.now_ns() - max(times)) / _HOUR_NS
        probe.ok(f"{name}: {len(items)} headlines, the newest {age_h:.1f} h old")
