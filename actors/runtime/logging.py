"""Log lines: JSON for machines, one short line for people at a terminal. Always on stderr."""

from __future__ import annotations

import logging
import sys
import traceback
from datetime import UTC, datetime
from typing import Any, Final

import msgspec

_encoder: Final = msgspec.json.Encoder()
LEVELS: Final = {
    "debug": logging.DEBUG,
    "info": logging.INFO,
    "warning": logging.WARNING,
    "warn": logging.WARNING,
    "error": logging.ERROR,
}


def _time_of(record: logging.LogRecord) -> str:
    return datetime.fromtimestamp(record.created, UTC).isoformat(timespec="microseconds")[:-6] + "Z"


class JsonFormatter(logging.Formatter):
    """One JSON object a line: ts, level, actor, msg, pid, and `err` with its stack."""

    def __init__(self, actor: str) -> None:
        super().__init__()
        self._actor = actor

    def format(self, record: logging.LogRecord) -> str:
        """Render one record."""
        row: dict[str, Any] = {
            "ts": _time_of(record),
            "level": record.levelname.lower(),
            "actor": self._actor,
            "msg": record.getMessage(),
            "pid": record.process,
        }
        row.update(getattr(record, "fields", {}))
        if record.exc_info and record.exc_info[0]:
            kind, fault, _ = record.exc_info
            stack = "".join(traceback.format_exception(*record.exc_info))
            row["err"] = {"type": kind.__name__, "msg": str(fault), "stack": stack}
        return _encoder.encode(row).decode()


class TerminalFormatter(logging.Formatter):
    """`12:00:01.123 WARNING collector.binance.1 text`."""

    def __init__(self, actor: str) -> None:
        super().__init__()
        self._actor = actor

    def format(self, record: logging.LogRecord) -> str:
        """Render one record."""
        line = f"{_time_of(record)[11:23]} {record.levelname} {self._actor} {record.getMessage()}"
        if record.exc_info:
            line += "\n" + "".join(traceback.format_exception(*record.exc_info)).rstrip()
        return line


def set_up_logging(actor: str, level: str) -> logging.Logger:
    """Log this process to stderr under the actor's name; returns its logger."""
    handler = logging.StreamHandler(sys.stderr)
    formatter = TerminalFormatter if sys.stderr.isatty() else JsonFormatter
    handler.setFormatter(formatter(actor))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(LEVELS[level])
    return logging.getLogger(actor)


class RateLimit:
    """At most one line per key and period; the next one says how many were kept back. Pure."""

    def __init__(self, period_ns: int = 10_000_000_000) -> None:
        self._period_ns = period_ns
        self._seen: dict[str, list[int]] = {}

    def allow(self, key: str, now_ns: int) -> int:
        """How many events this line stands for; 0 means keep quiet."""
        seen = self._seen.setdefault(key, [-self._period_ns, 0])
        seen[1] += 1
        if now_ns - seen[0] < self._period_ns:
            return 0
        stands_for = seen[1]
        seen[:] = [now_ns, 0]
        return stands_for
