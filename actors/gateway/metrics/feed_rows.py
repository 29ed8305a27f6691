"""What collectors tell of their venues, providers and sources of news, and the hub of its books. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from actors.gateway.metrics.seen import Seen
from actors.gateway.metrics.sheet import Sheet
from actors.gateway.metrics.values import entries, mapping, number, rows
from protocol.fleet import Fleet

BREAKERS: Final = {"closed": 0, "half_open": 1, "open": 2, "resting": 3}
"""State of a breaker to its number."""
_WINDOWS: Final = {1.0: "1s", 60.0: "1m", 3_600.0: "1h", 86_400.0: "1d"}


def put_feeds(sheet: Sheet, actor: Seen) -> None:
    """Put one collector down; nothing of any other actor but the hub."""
    name, detail = actor.name, actor.detail
    if actor.kind == "hub" and actor.is_up:
        _put_books(sheet, name, detail.get("books"), detail.get("books_synced"))
    if actor.kind != "collector":
        return
    for market, told in entries(detail.get("markets")):
        found = mapping(told)
        for source, news in entries(found.get("sources")):
            looked = mapping(news)
            sheet.put("news_fetches_total", looked.get("looks"), name, source, life=actor.epoch)
            sheet.put("news_failures_total", looked.get("failed"), name, source, life=actor.epoch)
        if not actor.is_up:
            continue
        synced, unsynced = number(found.get("books_synced")), found.get("books_unsynced")
        if synced is not None and (lost := number(unsynced)) is not None:
            sheet.put("books", synced + lost, name)
        sheet.put("books_unsynced", unsynced, name)
        for provider, state in entries(found.get("providers")):
            _put_provider(sheet, name, provider, mapping(state))
        for budget, state in entries(found.get("budgets")):
            of = f"{detail.get('venue', '')}.{market}.{budget}"
            _put_budget(sheet, name, of, mapping(state), "limit", "window_s")


def _put_books(sheet: Sheet, name: str, books: Any, synced: Any) -> None:
    sheet.put("books", books, name)
    all_books, good = number(books), number(synced)
    if all_books is not None and good is not None:
        sheet.put("books_unsynced", max(0.0, all_books - good), name)


def _put_provider(sheet: Sheet, actor: str, provider: object, state: dict[Any, Any]) -> None:
    word = state.get("state")
    sheet.put("breaker_state", BREAKERS.get(word, word) if isinstance(word, str) else word, actor, provider)
    failures = [number(mapping(one).get("failures")) or 0.0 for _, one in entries(state.get("breakers"))]
    sheet.put("breaker_failures", max(failures, default=0.0), actor, provider)
    for limit in rows(state.get("limits")):
        _put_budget(sheet, actor, provider, mapping(limit), "calls", "per_s")


def _put_budget(
    sheet: Sheet, actor: str, provider: object, state: dict[Any, Any], limit: str, window: str
) -> None:
    used, most, per_s = number(state.get("used")), number(state.get(limit)), number(state.get(window))
    if used is not None and most and per_s:
        sheet.put("budget_used_ratio", used / most, actor, provider, _WINDOWS.get(per_s, f"{per_s:g}s"))


def put_venues(sheet: Sheet, fleet: Fleet, mono_ns: int, now_ns: int) -> None:
    """Put every venue down, as each of its collectors sees it."""
    for venue in fleet.venues():
        where = (venue.venue, venue.publisher)
        sheet.put("venue_connected", fleet.is_connected(venue, mono_ns), *where)
        sheet.put("venue_behind_seconds", (now_ns - venue.ts_event_ns) / 1e9, *where)
        sheet.put("venue_silent_seconds", max(0, mono_ns - venue.heard_ns) / 1e9, *where)


def put_quotes(sheet: Sheet, ages: Iterable[tuple[str, str, float]]) -> None:
    """Put the age of single quotes down: symbol, venue, seconds."""
    for symbol, venue, age_s in ages:
        sheet.put("quote_age_seconds", age_s, symbol, venue)
