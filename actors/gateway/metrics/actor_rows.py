"""What every actor tells: life, memory, frames, lag, counters. Pure.

Of an actor that is down only the counters stay, as they were: what it last measured is no measurement any more.
"""

from __future__ import annotations

from typing import Final

from actors.gateway.metrics.seen import Seen
from actors.gateway.metrics.sheet import Sheet
from actors.gateway.metrics.values import entries, mapping, number

_RECEIVED: Final = "_received"
_NAMED: Final = {"frames_missing": "frames_missing_total", "journal_lost": "journal_lost_frames_total"}
"""Counters of every actor that are metrics of their own."""
_GAPS: Final = "gaps_announced"


def put_actor(sheet: Sheet, actor: Seen) -> None:
    """Put one actor down."""
    name, detail, life = actor.name, actor.detail, actor.epoch
    sheet.put("actor_up", actor.is_up, name, actor.kind)
    sheet.put("actor_heartbeat_age_seconds", actor.age_s, name)
    if not actor.epoch:
        return
    sheet.put("actor_start_time_seconds", actor.epoch, name)
    sheet.put("actor_info", 1, name, detail.get("host", ""), detail.get("version", ""))
    _put_counters(sheet, actor)
    for direction in ("frames_in", "frames_out"):
        sheet.put(f"{direction}_total", detail.get(direction), name, life=life)
    if actor.is_up:
        _put_gauges(sheet, actor)


def _put_counters(sheet: Sheet, actor: Seen) -> None:
    name, detail, life = actor.name, actor.detail, actor.epoch
    counters = mapping(detail.get("counters"))
    for key, value in entries(counters):
        text = str(key)
        if text.endswith(_RECEIVED):
            sheet.put("messages_total", value, name, text.removesuffix(_RECEIVED), life=life)
        elif text not in _NAMED and text != _GAPS:
            sheet.put("events_total", value, name, text, life=life)
    if not detail:
        return
    for counter, metric in _NAMED.items():
        sheet.put(metric, counters.get(counter, 0), name, life=life)
    if actor.kind == "collector":
        sheet.put("gaps_total", counters.get(_GAPS, 0), name, life=life)
    for reason, count in entries(detail.get("dropped")):
        sheet.put("dropped_total", count, name, reason, life=life)
    sheet.put("bus_missing_total", mapping(detail.get("bus")).get("missing"), name, life=life)


def _put_gauges(sheet: Sheet, actor: Seen) -> None:
    name, detail = actor.name, actor.detail
    sheet.put("actor_rss_bytes", detail.get("rss_bytes"), name)
    for quantile, key in (("0.5", "lag_p50_s"), ("0.99", "lag_p99_s")):
        lag_s = detail.get(key)
        # a clock that was set back makes an age negative; a summary has none
        sheet.put("lag_seconds", 0.0 if (number(lag_s) or 0.0) < 0.0 else lag_s, name, quantile)
    sheet.put("behind_seconds", mapping(detail.get("lagging")).get("behind_s", 0.0), name)
    sheet.put("gaps_open", detail.get("gaps_open"), name)
    sheet.put("trades_missing", detail.get("trades_missing"), name)
    journal = mapping(detail.get("journal"))
    if actor.kind != "gateway" and "state" in journal:
        sheet.put("journal_degraded", journal["state"] == "degraded", name)
    seq, durable = number(detail.get("seq")), number(journal.get("durable_seq"))
    if seq is not None and durable is not None:
        sheet.put("journal_unsynced_records", max(0.0, seq - durable), name)
