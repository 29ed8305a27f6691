"""One live session: the vendor's client in a thread of its own, its records in an inbox.

The client never connects again by itself here (`reconnect_policy="none"`): it would not ask for what was missed, would
try once, and takes a clean end for a wanted one. See `feed` for the supervision. Two of its habits matter:

- its own watch over the gateway begins with the first record: a gateway that says nothing at all is never found out
- it remembers the text of every error record and raises them all when the session ends, however it ends: what it raises
  is worth a log line, never a decision
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Any, Final, NamedTuple

from actors.collector.databento.inbox import Began, Ended, Inbox, Received

_NOT_A_REFUSAL: Final = ("Connection to ", "Authentication with ")
"""How the client's own texts begin when a gateway cannot be reached or does not answer."""


class Subscription(NamedTuple):
    """One schema of some symbols that are named in one way."""

    schema: str
    stype_in: str
    symbols: tuple[str, ...]
    start_ns: int = 0
    """Begin with records received from this time on; 0: with the newest."""
    has_snapshot: bool = False
    """Begin with the whole book (only schema mbo, and without `start_ns`)."""


class Plan(NamedTuple):
    """Everything a session needs."""

    dataset: str
    key: str
    gateway: str
    """Host; empty: Databento's own."""
    port: int
    heartbeat_s: int
    subscriptions: Sequence[Subscription]


class LiveSession:
    """A session from its connection to its end.

    Args:
        plan: What to ask for.
        limit: Records that may wait for us.
        now_ns: Our wall clock, callable in any thread.
    """

    def __init__(self, plan: Plan, limit: int, now_ns: Callable[[], int]) -> None:
        self.plan = plan
        self.inbox = Inbox(limit)
        self._now_ns = now_ns
        self._client: Any = None
        self._lock = threading.Lock()
        self._is_closed = False
        self._thread = threading.Thread(target=self._run, name=f"databento-{plan.dataset}", daemon=True)

    def start(self) -> None:
        """Connect, in the thread."""
        self._thread.start()

    def close(self) -> None:
        """Hang up, and take nothing any more; does not wait."""
        with self._lock:
            self._is_closed = True
            client = self._client
        self.inbox.close()
        if client is not None:
            client.terminate()

    @property
    def has_ended(self) -> bool:
        """Whether its thread is gone."""
        return not self._thread.is_alive()

    def join(self, timeout_s: float) -> None:
        """Wait for the thread to end."""
        self._thread.join(timeout_s)

    def _run(self) -> None:
        import databento  # noqa: PLC0415 - half a second and 150 MB: only where it is spoken with, and not in the loop

        plan, has_begun = self.plan, False
        try:
            client = databento.Live(
                key=plan.key,
                gateway=plan.gateway or None,
                port=plan.port,
                heartbeat_interval_s=plan.heartbeat_s,
                reconnect_policy="none",
            )
            with self._lock:
                if self._is_closed:
                    return
                self._client = client
            client.add_callback(self._on_record)
            for wanted in plan.subscriptions:
                client.subscribe(
                    dataset=plan.dataset,
                    schema=wanted.schema,
                    stype_in=wanted.stype_in,
                    symbols=list(wanted.symbols),
                    start=wanted.start_ns or None,
                    snapshot=wanted.has_snapshot,
                )
            has_begun = True
            self.inbox.put(Began(str(client.session_id or ""), self._now_ns()))  # before the first record
            client.start()
            client.block_for_close()
        except Exception as fault:  # noqa: BLE001 - whatever the client raises ends the session, never the process
            text = str(fault) or type(fault).__name__
            is_refusal = not has_begun and isinstance(fault, databento.BentoError)
            self.inbox.put(Ended(text, is_refusal and not text.startswith(_NOT_A_REFUSAL)))
        else:
            self.inbox.put(Ended("", is_refusal=False))

    def _on_record(self, record: Any) -> None:
        self.inbox.put(Received(self._now_ns(), bytes(record)))
