"""Every metric that `/metrics` has: name, type, labels, meaning. Pure.

Times in seconds, sizes in bytes, shares from 0 to 1. A counter starts at 0 with each process of its actor.
"""

from __future__ import annotations

from typing import Final, Literal, NamedTuple

Kind = Literal["gauge", "counter", "histogram", "summary"]
Fold = Literal["sum", "max"]
PREFIX: Final = "tapehub_"
QUANTILE: Final = "quantile"


class Family(NamedTuple):
    """One metric."""

    name: str
    """As a query names it; of a histogram without `_bucket`, `_sum`, `_count`."""
    kind: Kind
    labels: tuple[str, ...]
    """In this order in `Sheet.put`; the first one says whose it is."""
    help: str
    fold: Fold = "sum"
    """What becomes of values that share the label `other`."""


def _gauge(name: str, labels: tuple[str, ...], text: str, fold: Fold = "max") -> Family:
    return Family(PREFIX + name, "gauge", labels, text, fold)


def _counter(name: str, labels: tuple[str, ...], text: str) -> Family:
    return Family(PREFIX + name, "counter", labels, text)


_A: Final = ("actor",)
_TARGET: Final = ("actor", "target")
_PROVIDER: Final = ("actor", "provider")
_JOURNAL: Final = ("publisher",)
_VENUE: Final = ("venue", "publisher")
_CLOCK: Final = ("seen_from", "host")
_ROUTE: Final = ("route",)

_OWN: Final = (
    # actors
    _gauge("actor_up", ("actor", "kind"), "1: it beats; 0: silent, stopped, or never heard"),
    _gauge("actor_heartbeat_age_seconds", _A, "Time since its newest heartbeat"),
    _gauge("actor_start_time_seconds", _A, "When its process began, since 1970; changes with each restart"),
    _gauge("actor_info", ("actor", "host", "version"), "Always 1: where it runs and what"),
    _gauge("actor_rss_bytes", _A, "Memory of its process"),
    _counter("frames_in_total", _A, "Frames taken from the bus"),
    _counter("frames_out_total", _A, "Frames published"),
    Family(PREFIX + "lag_seconds", "summary", ("actor", QUANTILE), "Age of a frame when it was taken: 0.5 and 0.99 of the last second", "max"),
    _gauge("behind_seconds", _A, "How far it is behind what it hears; 0: not further than bus.lagging_s"),
    _counter("messages_total", ("actor", "kind"), "Messages received, by kind as the actor names it"),
    _counter("events_total", ("actor", "event"), "Everything else that the actor counts"),
    _counter("dropped_total", ("actor", "reason"), "What peers sent and the actor refused"),
    _counter("bus_missing_total", _A, "Frames that the bus lost on the way to it; fetched from the journal"),
    _counter("frames_missing_total", _A, "Frames that neither bus nor journal could give"),
    # the guardian
    _counter("actor_restarts_total", _A, "Times that it ended by itself and was started again, since its guardian began"),
    _counter("actor_hangs_total", _A, "Times that its loop did not turn and the guardian ended it"),
    _gauge("actor_quarantined", _A, "1: it does not stay up, and the guardian keeps it down"),
    # venues and gaps
    _gauge("venue_connected", _VENUE, "1: the feed of the venue is connected, and its collector says so"),
    _gauge("venue_behind_seconds", _VENUE, "Our clock minus the event time that the venue has reached"),
    _gauge("venue_silent_seconds", _VENUE, "Time since the collector's newest word on the venue"),
    _gauge("gaps_open", _A, "Gaps that are open now: what a collector knows to be missing, and the hub's list", "sum"),
    _counter("gaps_total", _A, "Gaps announced"),
    _gauge("trades_missing", _A, "Trades known to be missing now", "sum"),
    _gauge("books", _A, "Order books kept", "sum"),
    _gauge("books_unsynced", _A, "Order books that cannot be vouched for now", "sum"),
    # providers
    _gauge("breaker_state", _PROVIDER, "0 closed, 1 half open, 2 open, 3 resting: it asked to be left alone"),
    _gauge("breaker_failures", _PROVIDER, "Failures in a row, of its worst endpoint"),
    _gauge("budget_used_ratio", (*_PROVIDER, "window"), "Share of a request limit that is used"),
    _counter("news_fetches_total", ("actor", "source"), "Looks at a source of news"),
    _counter("news_failures_total", ("actor", "source"), "Looks at a source of news that failed"),
    # storage
    _counter("db_rows_total", _TARGET, "Rows stored"),
    _counter("db_batches_total", _TARGET, "Transactions"),
    _counter("db_refused_doubles_total", _TARGET, "Rows that were stored already"),
    _counter("db_failures_total", _TARGET, "Transactions that failed; what they held is stored later"),
    _gauge("db_storing", _TARGET, "1: it stores; 0: it opens or cannot be had"),
    _gauge("db_waiting_rows", _TARGET, "Rows that wait to be stored", "sum"),
    _gauge("db_oldest_unflushed_seconds", _TARGET, "How long the oldest row that is not stored has waited"),
    _gauge("journal_bytes", _JOURNAL, "Size of a publisher's journal", "sum"),
    _gauge("journal_segments", _JOURNAL, "Files of a publisher's journal", "sum"),
    _gauge("journal_records", _JOURNAL, "Records in a publisher's journal", "sum"),
    _gauge("journal_quarantine_bytes", _JOURNAL, "Damaged tails kept for people to look at", "sum"),
    _gauge("journal_ack_lag_records", ("publisher", "consumer"), "Records that a durable consumer has not stored yet", "sum"),
    _gauge("journal_degraded", _A, "1: the actor cannot write its own journal and keeps frames in memory"),
    _gauge("journal_unsynced_records", _A, "Records written and not yet on the medium", "sum"),
    _counter("journal_lost_frames_total", _A, "Frames that were sent but will never be in the journal"),
    _gauge("disk_free_bytes", _A, "Room on the disk of the journals"),
    _gauge("disk_used_ratio", _A, "Used share of the disk of the journals"),
    # bridges
    _counter("bridge_messages_total", _A, "Frames handed to a NATS server"),
    _counter("bridge_bytes_total", _A, "The same in bytes"),
    _counter("bridge_failures_total", _A, "Times that a bridge had to connect anew"),
    _counter("bridge_holes_total", _A, "Holes that a bridge told in its mirror"),
    _gauge("bridge_mirroring", _A, "1: it mirrors; 0: it connects, or its server cannot be had"),
    _gauge("bridge_unconfirmed_messages", _A, "Messages that the NATS server has not confirmed yet", "sum"),
    _gauge("bridge_oldest_unconfirmed_seconds", _A, "How long the oldest of them has waited"),
    _gauge("clock_offset_seconds", _CLOCK, "Clock of another host minus that of `seen_from`; the truth is within the uncertainty"),
    _gauge("clock_offset_uncertainty_seconds", _CLOCK, "By how much that can be wrong"),
    # edge
    _counter("http_requests_total", ("route", "method", "status"), "HTTP requests answered"),
    Family(PREFIX + "http_request_duration_seconds", "histogram", _ROUTE, "Time to the end of an answer"),
    _gauge("http_requests_in_progress", (), "HTTP requests under way"),
    _gauge("websocket_clients", (), "WebSockets open now"),
    _counter("websocket_connections_total", (), "WebSockets accepted"),
    _gauge("websocket_slow_clients", (), "WebSockets open now that do not read as fast as it comes"),
    _counter("websocket_messages_total", (), "Messages sent to WebSockets"),
    _counter("websocket_sent_bytes_total", (), "The same in bytes, with their frames"),
    _counter("websocket_received_total", (), "Messages of WebSocket clients"),
    _counter("websocket_refused_total", ("code",), "Those that were answered with an error, by its code"),
    _counter("websocket_dropped_total", ("channel",), "Messages that slow WebSocket clients did not get, told to them"),
    _counter("websocket_evicted_total", ("reason",), "WebSockets that the gateway ended; slow_consumer: it did not read"),
    _counter("websocket_resumes_total", ("result",), "Topics that clients resumed; incomplete: something may be missing, told to them"),
    _counter("websocket_snapshots_unjoined_total", ("verdict",), "Snapshots that may not fit to what came live, told to them: the hub was behind, or ahead"),
    _gauge("websocket_topics", (), "Topics heard of that can be subscribed to", "sum"),
    _gauge("websocket_topics_open", (), "Topics that somebody has subscribed to, or did lately: their messages are kept", "sum"),
    _counter("websocket_topics_beyond_total", (), "Topics that were not sent to clients that have too many"),
    _gauge("websocket_ring_bytes", (), "Messages kept for clients that resume", "sum"),
    Family(PREFIX + "websocket_lag_seconds", "histogram", (), "From the publication on the bus to the write to WebSockets"),
    _gauge("quote_age_seconds", ("symbol", "venue"), "Age of the quote of a symbol of `metrics.per_symbol`"),
    _gauge("build_info", ("version", "python"), "Always 1: the gateway's version"),
)  # fmt: skip

ALIASES: Final = {
    "websocket_connections_total": PREFIX + "websocket_connections_total",
    "events_processed_total": PREFIX + "messages_total",
    "event_processing_seconds": PREFIX + "lag_seconds",
    "rss_fetch_total": PREFIX + "news_fetches_total",
}
"""Names of older systems to the metric whose series they repeat, labels and values the same."""

_BY_NAME: Final = {family.name: family for family in _OWN}
FAMILIES: Final[dict[str, Family]] = {
    **_BY_NAME,
    **{old: _BY_NAME[name]._replace(name=old, help=f"Older name of {name}") for old, name in ALIASES.items()},
}
"""Name to metric, in the order of the page."""
BUCKETS_S: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0)
"""Upper ends of the buckets of a duration, seconds."""
