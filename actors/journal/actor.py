"""The journal server: frames by number for everybody, also of publishers that are dead. Wiring only."""

from __future__ import annotations

from functools import partial
from typing import Any, Final

from actors.journal.ack_book import AckBook
from actors.journal.alarms import TOPIC, alarms
from actors.journal.clocks import TOPIC as CLOCK_TOPIC
from actors.journal.clocks import Clocks, clock_alarms
from actors.journal.housekeeping import Housekeeper, Round, overview
from actors.journal.server import JournalServer
from actors.journal.settings import JournalSettings
from actors.runtime.actor import Actor
from protocol.errors import ConfigError
from protocol.journal.acks import is_consumer
from protocol.journal.retention import Fullness
from protocol.transport import Envelope, remove_stale_socket

LINES_S: Final = 0.25
"""Seconds between two looks at questions to other hosts that nobody answers."""
UNREAD: Final = 64
"""Answers kept for an asker that does not read them, of up to 1 MiB each."""


class JournalActor(Actor):
    """Serves the journals of this host, compresses them, and deletes what all have stored."""

    kind = "journal"
    Settings = JournalSettings

    def setup(self) -> None:
        """Bind the socket that consumers ask, and begin to keep house."""
        settings: JournalSettings = self.settings
        self._check(settings)
        root = self.run_dir / "journal"
        root.mkdir(mode=0o700, parents=True, exist_ok=True)
        book = AckBook(root, self.submit)
        self.server = JournalServer(
            self.name, self.publisher.epoch, root, self.common.here, self.clock, self.counters, book
        )
        self._housekeeper = Housekeeper(root, settings, self.clock.mono_ns)
        self._last_round: Round | None = None
        self._fullness = Fullness.OK
        self._is_keeping_house = False
        endpoint = self.endpoints.binds(self.name, "query")
        remove_stale_socket(endpoint)
        self._queries = self.wire.responder(endpoint, UNREAD, purpose="query")
        self.serve(self._queries, self._on_query)
        self.every(settings.housekeeping_s, self._keep_house)
        self._clocks = Clocks(self.lines.others(), self.clock)
        self._wrong_clocks: frozenset[str] = frozenset()
        if self.common.hosts:
            self.every(LINES_S, self.lines.tick)
            self.every(settings.clocks_s, self._compare_clocks)
            self.soon(self._compare_clocks)
        self.soon(self._keep_house)

    def _check(self, settings: JournalSettings) -> None:
        where = f"actors.{self.name}"
        problems = [
            f"{where}.consumers: {name!r} is not a consumer's name: use 1 to 32 of a-z 0-9 . _ -"
            for name in settings.consumers
            if not is_consumer(name)
        ]
        if not settings.disk_warn <= settings.disk_low <= settings.disk_critical:
            problems.append(f"{where}: disk_warn, disk_low and disk_critical must not fall")
        if problems:
            raise ConfigError(problems)

    def _on_query(self, envelope: Envelope, body: bytes) -> None:
        self.server.answer(body, partial(self._queries.reply, envelope))

    def _compare_clocks(self) -> None:
        """Ask the other hosts what time it is; say once of each whose clock is surely wrong, or ours."""
        self._clocks.ask()
        wrong = self._clocks.beyond(self.settings.clock_limit_s)
        alerts = clock_alarms(wrong, self._wrong_clocks, self.common.host, self.clock.now_ns())
        for alert in alerts:
            self.log.warning("%s", alert.text)
        if alerts:
            self.publish(CLOCK_TOPIC, alerts)
        self._wrong_clocks = frozenset(wrong)

    def _keep_house(self) -> None:
        """One round in a thread; the next one not before it is done."""
        if self._is_keeping_house:
            return
        self._is_keeping_house = True
        now_ns = self.clock.now_ns()
        self.submit(lambda: self._housekeeper.round(now_ns), self._on_round)

    def _on_round(self, found: Round | Exception) -> None:
        self._is_keeping_house = False
        if isinstance(found, OSError):
            self.drop("housekeeping", found)
            return
        if isinstance(found, Exception):
            raise found
        for publisher, deletion in found.deleted:
            self.counters[f"deleted_{deletion.reason}"] += 1
            self.log.info("%s: deleted %s (%s)", publisher, deletion.name.file, deletion.reason)
        for publisher, sealed in found.sealed:
            self.counters["sealed"] += 1
            name, before, after = sealed.name.file, sealed.plain_bytes, sealed.sealed_bytes
            self.log.info("%s: sealed %s, %d to %d bytes", publisher, name, before, after)
        for publisher, problem in found.problems.items():
            self.drop("housekeeping", f"{publisher}: {problem}")
        alerts = alarms(self._fullness, found, self.clock.now_ns())
        for alert in alerts:
            self.log.warning("%s", alert.text)
        if alerts:
            self.publish(TOPIC, alerts)
        self._fullness = found.fullness
        self._last_round = found

    def detail(self) -> dict[str, Any]:
        """What is kept, how much room there is, and what is wrong."""
        found = self._last_round
        told: dict[str, Any] = {
            "query": self._queries.endpoint,
            "replies_unroutable": self._queries.unroutable,
            "problems": {**self.server.problems, **(found.problems if found else {})},
        }
        if self.common.hosts:
            told["of_host"] = self.common.host
            told["clocks"] = self._clocks.told()
            told["clock_limit_s"] = self.settings.clock_limit_s
        if found:
            told["disk"] = found.fullness.name.lower()
            told["disk_used_share"] = round(found.room.used_share, 3)
            told["free_bytes"] = found.room.free_bytes
            told["journals"] = overview(found.surveys)
        return told
