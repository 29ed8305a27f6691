"""Log lines: one JSON object each, repeated ones held back and counted."""

import json
import logging

from actors.runtime.logging import JsonFormatter, RateLimit, TerminalFormatter

SECOND = 1_000_000_000


def record(text: str, exc_info=None) -> logging.LogRecord:
    return logging.LogRecord("hub.1", logging.WARNING, __file__, 1, text, None, exc_info)


def test_a_line_is_one_json_object_in_utc():
    row = json.loads(JsonFormatter("hub.1").format(record("something\nodd")))
    assert (row["actor"], row["level"], row["msg"]) == ("hub.1", "warning", "something\nodd")
    assert row["ts"].endswith("Z")


def test_a_fault_carries_its_stack():
    try:
        raise ValueError("no")
    except ValueError as fault:
        row = json.loads(
            JsonFormatter("hub.1").format(record("bug", (ValueError, fault, fault.__traceback__)))
        )
    assert row["err"]["type"] == "ValueError"
    assert "test_logging" in row["err"]["stack"]


def test_people_get_one_short_line():
    assert TerminalFormatter("hub.1").format(record("text")).endswith("WARNING hub.1 text")


def test_repeated_lines_are_held_back_and_counted():
    limit = RateLimit(10 * SECOND)
    assert limit.allow("a", 0) == 1
    assert [limit.allow("a", second * SECOND) for second in (1, 2, 9)] == [0, 0, 0]
    assert limit.allow("b", 3 * SECOND) == 1
    assert limit.allow("a", 10 * SECOND) == 4
