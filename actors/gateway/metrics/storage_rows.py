"""What persistence and the journal server tell. Pure."""

from __future__ import annotations

from typing import Final

from actors.gateway.metrics.seen import Seen
from actors.gateway.metrics.sheet import Sheet
from actors.gateway.metrics.values import entries, mapping

_COUNTERS: Final = {
    "rows": "db_rows_total",
    "batches": "db_batches_total",
    "refused_doubles": "db_refused_doubles_total",
    "failures": "db_failures_total",
}
_SIZES: Final = {
    "bytes": "journal_bytes",
    "segments": "journal_segments",
    "records": "journal_records",
    "quarantine_bytes": "journal_quarantine_bytes",
}


def put_storage(sheet: Sheet, actor: Seen) -> None:
    """Put one persistence actor or journal server down; nothing of any other one."""
    if actor.kind == "persistence":
        _put_targets(sheet, actor)
    elif actor.kind == "journal" and actor.is_up:
        _put_journals(sheet, actor)


def _put_targets(sheet: Sheet, actor: Seen) -> None:
    for target, told in entries(actor.detail.get("targets")):
        found = mapping(told)
        where = (actor.name, target)
        for key, metric in _COUNTERS.items():
            sheet.put(metric, found.get(key), *where, life=actor.epoch)
        if actor.is_up and found:
            sheet.put("db_storing", found.get("state") == "storing", *where)
            sheet.put("db_waiting_rows", found.get("waiting_rows"), *where)
            sheet.put("db_oldest_unflushed_seconds", found.get("oldest_unflushed_s"), *where)


def _put_journals(sheet: Sheet, actor: Seen) -> None:
    detail = actor.detail
    sheet.put("disk_free_bytes", detail.get("free_bytes"), actor.name)
    sheet.put("disk_used_ratio", detail.get("disk_used_share"), actor.name)
    for host, told in entries(detail.get("clocks")):
        measured = mapping(told)
        where = (str(detail.get("of_host", "")), host)
        sheet.put("clock_offset_seconds", measured.get("offset_s"), *where)
        sheet.put("clock_offset_uncertainty_seconds", measured.get("uncertainty_s"), *where)
    for publisher, told in entries(detail.get("journals")):
        found = mapping(told)
        for key, metric in _SIZES.items():
            sheet.put(metric, found.get(key), publisher)
        for consumer, lag in entries(found.get("ack_lag")):
            sheet.put("journal_ack_lag_records", lag, publisher, consumer)
