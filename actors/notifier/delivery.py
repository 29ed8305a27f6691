"""Delivers the messages of one target in their order, in a thread of its own: a slow one holds up nobody else."""

from __future__ import annotations

import collections
import logging
import random
import threading
from collections.abc import Callable
from typing import Final

from actors.notifier.failures import NotSent, OutboxError, Refused, SendFault, Unsure
from actors.notifier.item import Item, Receipt
from actors.notifier.limits import pause_s
from actors.notifier.outbox import Outbox
from actors.notifier.sending import Sender
from actors.notifier.settings import ChannelSettings

IDLE_S: Final = 5.0
"""Longest sleep without a call: nothing depends on it."""
DATABASE_S: Final = 1.0
LOG_EVERY: Final = 10
"""Failed attempts between two lines about the same message."""

log = logging.getLogger(__name__)


class Stop:
    """Wakes everybody who waits when the process ends."""

    def __init__(self) -> None:
        self._event = threading.Event()

    def set(self) -> None:
        """It ends."""
        self._event.set()

    @property
    def is_set(self) -> bool:
        """Whether it ends."""
        return self._event.is_set()

    def wait(self, seconds: float) -> bool:
        """Wait so long; False if it ends meanwhile."""
        return not self._event.wait(max(0.0, seconds))


class Delivery:
    """See the module docstring.

    Args:
        target: Whose messages.
        channel: Settings of its channel.
        outbox: Where they are.
        sender: The way out.
        stop: Set when the process ends.
        now_ns: Wall clock.
        draw: For jitter.
    """

    def __init__(
        self,
        target: str,
        channel: ChannelSettings,
        outbox: Outbox,
        sender: Sender,
        stop: Stop,
        now_ns: Callable[[], int],
        draw: Callable[[], float] = random.random,
    ) -> None:
        self.target = target
        self.counts: collections.Counter[str] = collections.Counter()
        """What became of attempts, since the start."""
        self.trouble = ""
        """Why nothing leaves just now; empty: nothing is wrong."""
        self.bug: Exception | None = None
        """What ended the thread."""
        self._channel = channel
        self._is_at_most_once = channel.delivery == "at_most_once"
        self._outbox = outbox
        self._sender = sender
        self._stop = stop
        self._now_ns = now_ns
        self._draw = draw
        self._wake = threading.Event()
        self._failures = 0
        self._is_tidy = False
        self._thread = threading.Thread(target=self._live, name=target, daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def wake(self) -> None:
        """There may be something to send."""
        self._wake.set()

    def join(self, seconds: float) -> None:
        """Wait for its end; `stop` must be set."""
        self._wake.set()
        self._thread.join(max(0.0, seconds))

    def _live(self) -> None:
        try:
            while not self._stop.is_set:
                self._wake.clear()
                if not self._retry(self.step):
                    self._wake.wait(IDLE_S)
            self._sender.close()
        except Exception as fault:  # noqa: BLE001 - told by the actor's loop, which ends the process
            self.bug = fault

    def _retry(self, work: Callable[[], bool]) -> bool:
        """Do it until the database takes part; whether there is more to do."""
        while not self._stop.is_set:
            try:
                return work()
            except OutboxError as fault:
                if str(fault) != self.trouble:
                    log.error("%s: the outbox cannot be used: %s", self.target, fault)
                self.trouble = str(fault)
                self._stop.wait(DATABASE_S)
        return False

    def step(self) -> bool:
        """Deal with the oldest message; False if there is none."""
        item = self._outbox.next(self.target, can_edit=self._sender.can_edit)
        if (item is None or not item.is_in_doubt) and not self._is_tidy and not self._tidy():
            return True
        if item is None:
            self.trouble = ""
            return False
        if item.is_orphan:
            self._finish(item, "skipped", "an earlier revision was not sent")
        elif item.is_in_doubt and self._is_at_most_once and not item.edit_of:
            self._finish(item, "unknown", "the process or the database ended while it was being sent")
        elif self._is_too_old(item):
            self._finish(item, "expired", f"older than {self._channel.max_age_s:g} s")
        else:
            self._attempt(item)
        return True

    def _is_too_old(self, item: Item) -> bool:
        """A change of a message that is there is never too late, and a doubt must be settled."""
        is_new = not item.is_in_doubt and not item.edit_of
        return is_new and self._now_ns() - item.created_ns > self._channel.max_age_s * 1e9

    def _attempt(self, item: Item) -> None:
        self._outbox.begin(item, self._now_ns())
        try:
            receipt: Receipt = self._sender.settle(item) if item.is_in_doubt else self._sender.send(item)
        except NotSent as fault:
            self._outbox.put_back(item, str(fault), self._now_ns())
            self._pause(item, fault, fault.retry_after_s, is_limit=fault.is_limit)
        except Unsure as fault:
            if self._is_at_most_once and not item.edit_of:
                self._finish(item, "unknown", str(fault))
            else:
                self._outbox.note(item, str(fault), self._now_ns())
                self._pause(item, fault, 0.0)
        except Refused as fault:
            self._finish(item, "failed", str(fault))
        else:
            self._outbox.sent(item, receipt, self._now_ns())
            self._is_tidy = self._is_tidy and not receipt.litter and not receipt.suspect_id
            self._done("changed" if item.edit_of else "sent")

    def _finish(self, item: Item, state: str, why: str) -> None:
        self._outbox.finish(item, state, why, self._now_ns())
        if state in ("failed", "unknown"):
            log.error("%s: %s %s is %s: %s", self.target, item.kind, item.subject, state, why)
        self._is_tidy = self._is_tidy and not item.probe_id
        self._done(state)

    def _done(self, what: str) -> None:
        self.counts[what] += 1
        self.trouble = ""
        self._failures = 0

    def _pause(self, item: Item, fault: SendFault, least_s: float, *, is_limit: bool = False) -> None:
        self._failures += 1
        self.counts["limited" if is_limit else "attempts_failed"] += 1
        self.trouble = str(fault)
        if self._failures % LOG_EVERY == 1 and not self._stop.is_set:
            log.warning(
                "%s: %s %s, attempt %d: %s", self.target, item.kind, item.subject, item.attempts + 1, fault
            )
        channel = self._channel
        # who says how long to wait is believed
        again_s = least_s or pause_s(
            self._failures, channel.backoff_base_s, channel.backoff_cap_s, self._draw
        )
        self._stop.wait(again_s)

    def _tidy(self) -> bool:
        """Take away what must go; False if that does not work now."""
        try:
            self._is_tidy = self._sender.tidy()
        except SendFault as fault:
            self._failures += 1
            self.counts["attempts_failed"] += 1
            self.trouble = str(fault)
            channel = self._channel
            least_s = fault.retry_after_s if isinstance(fault, NotSent) else 0.0
            again_s = pause_s(self._failures, channel.backoff_base_s, channel.backoff_cap_s, self._draw)
            self._stop.wait(least_s or again_s)
            return False
        return True
