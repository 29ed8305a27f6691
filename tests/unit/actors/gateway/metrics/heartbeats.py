"""Full statuses as each kind of actor sends them."""

from __future__ import annotations

from typing import Any


def base(name: str, **more: Any) -> dict[str, Any]:
    """What every actor tells."""
    return {
        "name": name, "kind": name.partition(".")[0], "state": "RUNNING", "pid": 4711, "host": "desk",
        "version": "0.1.0", "epoch": 7, "seq": 120, "uptime_s": 12.5, "rss_bytes": 30_000_000,
        "counters": {"trades_received": 100, "quotes_received": 50, "snapshots_asked": 3, "frames_missing": 0},
        "dropped": {"bad_payload": 2},
        "bus": {"missing": 1, "gaps": 1, "duplicates": 0, "fenced": 0},
        "journal": {"state": "ok", "durable_seq": 118},
        "config_digest": "abc",
        "frames_in": 1000, "frames_out": 120,
        "frames_in_per_s": 80.0, "frames_out_per_s": 10.0, "lag_p50_s": 0.0002, "lag_p99_s": 0.003,
        **more,
    }  # fmt: skip


def exchange(name: str = "collector.binance.1") -> dict[str, Any]:
    """A collector of an exchange."""
    market = {
        "symbols": 4, "streams": 12, "connected": True, "lines": {"spot.1": "open"}, "silence": {}, "silent": [],
        "books_synced": 3, "books_unsynced": 1, "unsynced": ["ETH_USDT"], "books_lost": 2,
        "budgets": {
            "snapshots": {"used": 250.0, "limit": 1000.0, "window_s": 60.0},
            "repairs": {"used": 0.0, "limit": 600.0, "window_s": 60.0},
        },
        "last_trade_ids": {"BTC_USDT": 8812},
    }  # fmt: skip
    return base(
        name, venue="binance", connected=True, gaps_open=1, trades_missing=40, rates={}, markets={"spot": market},
        counters={"trades_received": 100, "frames_received": 400, "gaps_announced": 5},
    )  # fmt: skip


def provider(state: str = "open") -> dict[str, Any]:
    """A provider of bars over REST."""
    return {
        "state": state,
        "breakers": {"chart": {"state": state, "failures": 4, "reason": "429", "until_s": 52.0}},
        "limits": [
            {"calls": 30, "per_s": 60.0, "used": 14, "left": 16, "history_used": 2},
            {"calls": 800, "per_s": 86_400.0, "used": 388, "left": 412, "history_used": 0},
        ],
        "rests_s": 0.0, "why": "429",
    }  # fmt: skip


def fleet(copies: int = 1) -> dict[str, dict[str, Any]]:
    """Name to status of one of every kind."""
    rest = {"bars": {"connected": True, "providers": {"yahoo": provider(), "polygon": provider("closed")}}}
    looks = {"state": "ok", "looks": 20, "unchanged": 12, "items": 8, "failed": 1, "failures": 0, "fault": ""}
    news = {"news": {"connected": True, "published": 8, "sources": {"fed": looks, "ecb": looks}}}
    target = {
        "state": "storing", "rows": 5000, "batches": 50, "refused_doubles": 0, "failures": 1, "is_live": True,
        "waiting_rows": 12, "oldest_unflushed_s": 0.2,
    }  # fmt: skip
    mirror = {
        "state": "mirroring", "stream": "TAPEHUB", "topics": ["trade."], "server": "nats://a:4222", "stored_seq": 900,
        "unconfirmed": 3, "oldest_unconfirmed_s": 0.002, "is_live": True, "messages": 890, "bytes": 200_000,
        "positions": 10, "holes": 0, "failures": 1,
    }  # fmt: skip
    journal = {
        "epochs": 1, "last": [7, 120], "records": 9000, "bytes": 4_000_000, "segments": 3, "ratio": 4.0,
        "quarantine_bytes": 0, "ack_lag": {"sqlite": 17},
    }  # fmt: skip
    made = {
        "collector.rest": base("collector.rest", venue="rest", connected=True, gaps_open=0, markets=rest),
        "collector.news": base("collector.news", venue="news", connected=True, gaps_open=0, markets=news),
        "guardian.1": base(
            "guardian.1", programs={"hub.1": {"state": "RUNNING", "restarts": 2, "hangs": 1}}, quarantined=[]
        ),
        "orderflow.1": base("orderflow.1", series=4),
        "detector.1": base("detector.1", markets=4, rules=7),
        "hub.1": base("hub.1", topics=40, gaps_open=1, books=4, books_synced=3),
        "persistence.1": base("persistence.1", targets={"sqlite": target, "parquet": target}),
        "bridge.1": base("bridge.1", mirror=mirror),
        "journal.1": base(
            "journal.1", of_host="compute", clocks={"feed": {"offset_s": 0.002, "uncertainty_s": 0.001, "rtt_s": 0.001}},
            query="ipc://x", disk="ok", disk_used_share=0.4, free_bytes=9e9, problems={},
            journals={"collector.binance.1": journal, "hub.1": journal},
        ),
    }  # fmt: skip
    for number in range(1, copies + 1):
        made[f"collector.binance.{number}"] = exchange(f"collector.binance.{number}")
        made[f"aggregator.{number}"] = base(f"aggregator.{number}", series=4, watermark_lag_s={})
    return made


def gateway() -> dict[str, Any]:
    """The gateway's own status."""
    return base("gateway.1", url="http://127.0.0.1:9800", sockets={})
