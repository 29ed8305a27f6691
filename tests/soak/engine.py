"""A good engine: reads ticks and candles all the time, counts what it is refused, and remembers how long each took."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from protocol.client import Hub
from protocol.errors import HubError


class Engine:
    """Reads in a thread until it is closed.

    Args:
        run_dir: Of the system.
        symbols: What it reads.
        pause_s: Between two reads.
        timeout_s: Its patience.
    """

    def __init__(
        self, run_dir: Path, symbols: Sequence[str], pause_s: float = 0.01, timeout_s: float = 2.0
    ) -> None:
        self.errors: Counter[str] = Counter()
        self.reads = 0
        self.oldest_s = 0.0
        """Age of the oldest tick it was given."""
        self._hub = Hub(run_dir, timeout_s=timeout_s)
        self._symbols = list(symbols)
        self._pause_s = pause_s
        self._took_s: list[float] = []
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._live, daemon=True)
        self._thread.start()

    def _live(self) -> None:
        number = 0
        while not self._stopping.wait(self._pause_s):
            symbol = self._symbols[number % len(self._symbols)]
            number += 1
            began_s = time.perf_counter()
            try:
                if number % 4:
                    self.oldest_s = max(self.oldest_s, self._hub.tick(symbol).age_s)
                else:
                    self._hub.candles(symbol, "1m", 50)
            except HubError as refusal:
                self.errors[refusal.code] += 1
            took_s = time.perf_counter() - began_s
            with self._lock:
                self.reads += 1
                self._took_s.append(took_s)

    def taken(self) -> list[float]:
        """How long each read took since the last call, seconds."""
        with self._lock:
            found, self._took_s = self._took_s, []
        return found

    def close(self) -> None:
        """End it."""
        self._stopping.set()
        self._thread.join(10.0)
        self._hub.close()
