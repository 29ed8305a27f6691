"""A notifier as a process among a false scanner, a journal server and a Telegram-like server."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Final

from protocol.messages import BUY, Alert, Signal
from tests.support.config import write_config
from tests.support.journalled_source import JournalledSource
from tests.support.peers import Peers, peers_of
from tests.support.process import ActorProcess
from tests.support.telegram_server import TelegramServer

NOTIFIER: Final = "notifier.1"
SCANNER: Final = "scanner.1"
JOURNAL: Final = "journal.1"
TOKEN_VARIABLE: Final = "TAPEHUB_TEST_BOT_TOKEN"
START_S: Final = 40.0
QUICK: Final[dict[str, Any]] = {
    "timeout_s": 0.5,
    "poll_s": 1,
    "settle_s": 0.05,
    "per_chat_per_s": 500,
    "per_group_per_min": 50_000,
    "per_bot_per_s": 1000,
}
"""Telegram's limits are not waited for."""


def signal_of(number: int, *, revision: int = 1, state: str = "open", symbol: str = "BTC_USDT") -> Signal:
    """A signal of which the number can be read again in a chat."""
    ts_ns = time.time_ns()
    return Signal(
        symbol,
        "trend_follow",
        ts_ns,
        BUY,
        100.0,
        99.0,
        102.5,
        0.8,
        {"ema_20": 99.5},
        venue="binance",
        timeframe="1m",
        signal_id=f"trend_follow-{number}",
        revision=revision,
        state=state,
        ts_opened_ns=ts_ns,
        text=f"no. {number:05d} (ema_20 > 99.5!)",
        exit_price=102.5 if state == "target" else 0.0,
    )


def alert_of(number: int, *, severity: str = "warning", rule: str = "big_trade") -> Alert:
    """An alert of which the number can be read again."""
    return Alert("BTC_USDT", "binance", rule, severity, time.time_ns(), f"no. {number:05d}", {"z": 7.5})


def telegram_channel(server: TelegramServer, chats: Sequence[int], **more: Any) -> dict[str, Any]:
    """Settings of a channel at the server, without Telegram's limits."""
    bot = {"token_env": TOKEN_VARIABLE, "api_url": server.url, "chats": list(chats), **QUICK}
    bot |= more.pop("telegram", {})
    return {"telegram": bot, "backoff_base_s": 0.05, "backoff_cap_s": 0.5, **more}


class NotifierWorld:
    """See the module docstring; everything ends with the `with` block.

    Args:
        run_dir: Short folder.
        channels: Ways out.
        routes: What goes where; by default all signals and alerts to every channel.
        server: Whose token is in the environment.
        others: Further actors of the topology.
        **more: Further settings of the notifier.
    """

    def __init__(
        self,
        run_dir: Path,
        channels: Mapping[str, Any],
        routes: Sequence[Mapping[str, Any]] | None = None,
        server: TelegramServer | None = None,
        others: Mapping[str, Mapping[str, Any]] | None = None,
        **more: Any,
    ) -> None:
        self.run_dir = run_dir
        every = [{"channels": list(channels), "kinds": ["signal", "alert"]}]
        section = {
            "channels": dict(channels),
            "routes": every if routes is None else list(routes),
            "operators": {"look_s": 0, "disk_free_bytes": 0},
            **more,
        }
        actors = {JOURNAL: {}, SCANNER: {}, NOTIFIER: section, **(others or {})}
        self.config = write_config(run_dir, actors)
        self._environment = {TOKEN_VARIABLE: server.token} if server is not None else {}
        self._stack = contextlib.ExitStack()
        self.notifier: ActorProcess

    def __enter__(self) -> NotifierWorld:
        with contextlib.ExitStack() as guard:
            guard.push(self._stack)
            self.peers: Peers = self._stack.enter_context(peers_of(self.run_dir))
            self._start_process("journal", JOURNAL)
            self.scanner = JournalledSource(
                self.peers.wire, self.run_dir, self.peers.endpoints.pub(SCANNER), SCANNER
            )
            self._stack.callback(self.scanner.close)
            guard.pop_all()
        return self

    def start(self, *, is_awaited: bool = True) -> ActorProcess:
        """Start the notifier (again)."""
        ear = self.peers.ear(NOTIFIER, "beat.") if is_awaited else None
        self.notifier = self._start_process("notifier", NOTIFIER)
        if ear is not None:
            ear.beat("RUNNING", START_S)
        return self.notifier

    def tell(self, message: Signal | Alert) -> None:
        """The scanner says something."""
        self.scanner.send(f"{message.KIND}.{message.venue}.{message.symbol}", message)

    def status(self) -> dict[str, Any]:
        """What the notifier says of itself."""
        import msgspec

        found: dict[str, Any] = msgspec.msgpack.decode(self.peers.ask(NOTIFIER, "status").data)
        return found

    def _start_process(self, kind: str, name: str) -> ActorProcess:
        process = ActorProcess(kind, name, self.config, env=self._environment)
        return self._stack.enter_context(process)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.__exit__(kind, error, trace)
