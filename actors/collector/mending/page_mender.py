"""What menders have in common: ask the venue for a page, take what comes, try again. Wiring; see `repair`."""

from __future__ import annotations

import abc
import functools
from typing import ClassVar, Final

from actors.collector import rest
from actors.collector.intake.normaliser import Normaliser
from actors.collector.market_feed import Host
from actors.collector.mending.repair import Page, Repairs
from actors.collector.outbox import Outbox
from actors.collector.settings import CollectorSettings
from actors.collector.venue import Venue
from protocol.messages import Gap

PAUSE_CAP_S: Final = 30.0


class PageMender(abc.ABC):
    """Fills gaps of one market page by page.

    Args:
        actor: The collector: threads, settings, counters.
        venue: Whom to ask.
        market: spot, usdm, coinm.
        normaliser: Knows what is still missing.
        outbox: Takes what was fetched, and the announcements.
        repairs: Which page is asked for when.
    """

    COUNTER: ClassVar[str]
    """Counts the pages asked for."""

    def __init__(
        self,
        actor: Host,
        venue: Venue,
        market: str,
        normaliser: Normaliser,
        outbox: Outbox,
        repairs: Repairs,
    ) -> None:
        self._actor = actor
        self._settings = actor.settings
        self._venue = venue
        self._market = market
        self._normaliser = normaliser
        self._outbox = outbox
        self._repairs = repairs

    def __len__(self) -> int:
        """Gaps that are being filled."""
        return len(self._repairs)

    @property
    def closed_until_ns(self) -> int:
        """Until when the venue wants no request, monotonic."""
        return self._repairs.closed_until_ns

    def hold(self, until_ns: int) -> None:
        """The venue has said so to somebody else."""
        self._repairs.closed_until_ns = max(self._repairs.closed_until_ns, until_ns)

    def forget(self, gap_id: str) -> None:
        """It is no longer wanted."""
        self._repairs.forget(gap_id)

    def tick(self, mono_ns: int) -> None:
        """Ask for the next page if it is time."""
        self._expire(mono_ns)
        self._go_on(mono_ns)

    def _expire(self, mono_ns: int) -> None:
        late = self._repairs.overdue(mono_ns)
        if late is not None:
            self._failed(late, rest.RestError("no answer in time"))

    def _go_on(self, mono_ns: int) -> None:
        if not self._repairs:
            return
        for gap in self._repairs.gaps():
            if not self._normaliser.gaps.is_filling(gap.gap_id):  # live or late trades were faster
                self.forget(gap.gap_id)
        page = self._repairs.due(mono_ns)
        if page is not None:
            self._ask(page)

    @abc.abstractmethod
    def _path(self, page: Page, raw: str) -> str:
        """Path and query of a page; `raw` is the venue's name of its symbol."""

    @abc.abstractmethod
    def _take(self, page: Page, body: bytes) -> str:
        """The venue's answer; returns what is wrong with it, empty if nothing is."""

    @abc.abstractmethod
    def _named(self, page: Page) -> str:
        """A page for the log."""

    @abc.abstractmethod
    def _abandon(self, gap: Gap, reason: str) -> None:
        """Nothing more is asked for this gap."""

    def _ask(self, page: Page) -> None:
        base = self._settings.rest_url[self._market].rstrip("/")
        path = self._path(page, self._actor.raw_name(page.gap.symbol))
        self._actor.counters[self.COUNTER] += 1
        self._actor.submit(
            functools.partial(rest.get, base + path, self._settings.rest_timeout_s),
            functools.partial(self._on_page, page),
        )

    def _on_page(self, page: Page, result: bytes | Exception) -> None:
        if isinstance(result, Exception) and not isinstance(result, rest.RestError):
            raise result
        if not self._repairs.is_awaited(page):
            return
        if isinstance(result, rest.RestError):
            self._failed(page, result)
            return
        wrong = self._take(page, result)
        if wrong:
            self._failed(page, rest.RestError(wrong, 200))

    def _failed(self, page: Page, fault: rest.RestError) -> None:
        mono_ns = self._actor.clock.mono_ns()
        pause_s = self._repairs.failed(page, mono_ns, fault.status, fault.retry_after_s)
        what = f"{self._named(page)}: {fault}"
        if pause_s is None:
            self._abandon(page.gap, str(fault))
            self._actor.drop("repair_failed", f"{what}; given up")
        else:
            self._actor.drop("repair_failed", f"{what}; again in {pause_s:.1f} s")


def no_address(settings: CollectorSettings, market: str) -> str:
    """Why the venue cannot be asked; empty if it can."""
    return "" if market in settings.rest_url else f"no rest_url.{market} is set"
