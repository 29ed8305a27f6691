"""A bridge between a publisher of the test and a NATS server of the test."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

import msgspec

from actors.bridge.journals import Journals
from protocol.errors import HubError
from protocol.messages import Trade
from protocol.nats import jetstream
from protocol.replay import Position
from tests.support.config import write_config
from tests.support.journalled_source import JournalledSource
from tests.support.mirrored import Verdict, compare, read_mirror
from tests.support.nats_server import NatsServer
from tests.support.peers import peers_of
from tests.support.process import ActorProcess
from tests.support.wait import until

BRIDGE, COLLECTOR = "bridge.1", "collector.binance.1"
TOPICS = ("trade.", "gap.")
QUICK: Mapping[str, Any] = {
    "topics": list(TOPICS), "begins": "oldest", "retry_cap_s": 0.3, "position_s": 0.2, "connect_timeout_s": 3.0,
}  # fmt: skip
WAIT_S = 40.0


class BridgeWorld:
    """One publisher that journals, a journal server, a bridge; the NATS server is the caller's.

    Args:
        run_dir: Short folder.
        nats: The server.
        settings: More settings of the bridge.
        env: Environment of the bridge.
        others: More bridges, with the same settings.
    """

    def __init__(
        self,
        run_dir: Path,
        nats: NatsServer,
        settings: Mapping[str, Any] | None = None,
        env: Mapping[str, str] | None = None,
        others: Sequence[str] = (),
    ) -> None:
        self.run_dir = run_dir
        self.nats = nats
        self.sent = 0
        self._env = env
        self._stack = contextlib.ExitStack()
        section = {"servers": [nats.url], **QUICK, **(settings or {})}
        self.config = write_config(
            run_dir, {"journal.1": {}, COLLECTOR: {}, **dict.fromkeys((BRIDGE, *others), section)}
        )

    def __enter__(self) -> BridgeWorld:
        self.peers = self._stack.enter_context(peers_of(self.run_dir))
        self.source = JournalledSource(
            self.peers.wire, self.run_dir, self.peers.endpoints.pub(COLLECTOR), COLLECTOR, epoch=5
        )
        self._stack.callback(self._close_source)
        self._stack.enter_context(ActorProcess("journal", "journal.1", self.config))
        return self

    def _close_source(self) -> None:
        """Close whichever it is by then."""
        self.source.close()

    def start(self, name: str = BRIDGE) -> ActorProcess:
        """Start a bridge (again)."""
        process = self._stack.enter_context(ActorProcess("bridge", name, self.config, env=self._env))
        if name == BRIDGE:
            self.bridge = process
        return process

    def send(self, count: int, symbol: str = "BTC_USDT") -> None:
        """Publish so many trades, numbered on."""
        for _ in range(count):
            self.sent += 1
            trade = Trade(symbol, "binance", self.sent, self.sent, 100.0, 1.0, 1, self.sent)
            self.source.send(f"trade.binance.{symbol}", trade)
        self.source.beat()

    def status(self) -> dict[str, Any]:
        """What the bridge says of itself; empty while it does not answer."""
        with contextlib.suppress(HubError, AssertionError):
            reply = self.peers.ask(BRIDGE, "status", timeout_s=1.0)
            found: dict[str, Any] = msgspec.msgpack.decode(reply.data)
            return found
        return {}

    def mirror(self) -> dict[str, Any]:
        """What it says of the mirror."""
        found: dict[str, Any] = self.status().get("mirror", {})
        return found

    def wait_until_stored(self) -> None:
        """Wait until the stream has everything that was sent."""

        def is_stored() -> bool:
            self.source.beat()
            return self.stored() >= self.sent

        until(is_stored, WAIT_S, f"{self.sent} trades in the stream; {self.bridge.report()}")

    def stored(self) -> int:
        """Trades in the stream."""
        try:
            with self.nats.session() as session:
                info = session.ask(jetstream.stream_info("TAPEHUB", "tapehub.trade.>"))
                return sum((jetstream.stream_of(info).state.subjects or {}).values())
        except HubError:  # the stream, or its server, is not there yet
            return 0

    def acknowledged(self) -> int:
        """How far the journal server knows the bridge to be."""
        self.source.beat()
        found = Journals(self.peers.endpoints, ["journal.1", COLLECTOR], None).ask([COLLECTOR], BRIDGE)[1]
        return found.get(COLLECTOR, Position(0, 0)).seq

    def renew(self, lost: int) -> None:
        """Begin a new life of the publisher; the journal lacks so many records that the life before had sent."""
        before = self.source.publisher
        self.source.close()
        self.source = JournalledSource(
            self.peers.wire, self.run_dir, self.peers.endpoints.pub(COLLECTOR), COLLECTOR,
            epoch=6, prev=(before.epoch, before.seq + lost),
        )  # fmt: skip

    def verdict(self, *, is_whole: bool = True) -> Verdict:
        """The mirror held against the journal."""
        return compare(read_mirror(self.nats.server), self.run_dir, [COLLECTOR], TOPICS, is_whole=is_whole)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.__exit__(kind, error, trace)
