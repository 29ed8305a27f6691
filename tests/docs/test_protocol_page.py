"""docs/protocol.md names everything that crosses a process border."""

from __future__ import annotations

import re
import struct

import pytest

from actors.runtime.control import BASE_OPS
from protocol import errors, record, requests, windows
from protocol.messages import ACTOR_STATES, KINDS, MESSAGE_TYPES
from tests.support.paths import ROOT

PAGE = (ROOT / "docs" / "protocol.md").read_text()


def section(title: str) -> str:
    """Text below one second-level heading."""
    match = re.search(rf"^## {re.escape(title)}\n(.*?)(?=^## |\Z)", PAGE, flags=re.MULTILINE | re.DOTALL)
    assert match, f"docs/protocol.md has no section {title!r}"
    return match[1]


def codes_in(text: str) -> set[str]:
    """Everything in backticks."""
    return set(re.findall(r"`([^`\n]+)`", text))


@pytest.mark.parametrize("kind", KINDS)
def test_topic_of_every_kind(kind: str) -> None:
    assert f"`{kind}.<" in section("Topics")


@pytest.mark.parametrize("message", MESSAGE_TYPES, ids=lambda message: message.__name__)
def test_every_message_is_linked_from_its_topic(message) -> None:
    assert f"[{message.__name__}](messages.md#{message.__name__.lower()})" in PAGE


def test_header_table_is_the_struct() -> None:
    rows = re.findall(r"^\| (\d+) \| (\d+) \| `(\w+)` \|", section("Frame"), flags=re.MULTILINE)
    offsets = [int(offset) for offset, _, _ in rows]
    sizes = [int(size) for _, size, _ in rows]
    assert offsets == [sum(sizes[:number]) for number in range(len(sizes))]
    assert sum(sizes) == record.HEADER_BYTES
    written = record._HEADER.format
    assert f"`{written}`" in section("Frame")
    assert struct.calcsize(written) == record.HEADER_BYTES
    assert [size for size in sizes if size != 32] == [struct.calcsize(f"<{code}") for code in "IIBBHIQQQq"]


@pytest.mark.parametrize("kind", record.RecordKind)
def test_record_kind(kind: record.RecordKind) -> None:
    assert f"| {kind.value} | `{kind.name}` |" in section("Frame")


def test_flags() -> None:
    for name, value in vars(record).items():
        if name.startswith("FLAG_"):
            assert f"| {value} | `{name.removeprefix('FLAG_')}` |" in section("Frame")


@pytest.mark.parametrize("name", requests.Request.__struct_fields__)
def test_request_field(name: str) -> None:
    assert name in codes_in(section("Questions and answers"))


@pytest.mark.parametrize("name", requests.Reply.__struct_fields__)
def test_reply_field(name: str) -> None:
    assert name in codes_in(section("Questions and answers"))


def test_freshness_states_and_actor_states() -> None:
    named = codes_in(section("Questions and answers"))
    assert set(requests.FRESHNESS_STATES) - {"none", ""} <= named
    assert set(ACTOR_STATES) <= codes_in(section("Heartbeats"))


def test_error_codes() -> None:
    text = section("Questions and answers")
    for code, kind in errors._BY_CODE.items():
        assert f"| `{code}` | `{kind.__name__}` |" in text


def test_hub_operations() -> None:
    from tests.support.operations import hub_operations

    named = codes_in(section("What the hub answers"))
    operations = hub_operations()
    assert {"tick", "candles", "status"} <= operations
    assert not operations - named, f"not described: {sorted(operations - named)}"


def test_control_operations() -> None:
    named = codes_in(section("What every actor answers"))
    assert set(BASE_OPS) <= named


def test_candle_columns() -> None:
    cells = re.findall(r"\| (\d+) \| `(\w+)` \| (int64|float64|int32|uint8|bool)", section("Candle windows"))
    assert {name: int(offset) for offset, name, _ in cells} == {
        name: windows_offset(name) for name, _ in windows.BAR_COLUMNS
    }


def windows_offset(name: str) -> int:
    """Offset of a column, counted from the sizes before it."""
    sizes = {"<i8": 8, "<f8": 8, "<i4": 4, "u1": 1, "?": 1}
    names = [column for column, _ in windows.BAR_COLUMNS]
    return sum(sizes[form] for _, form in windows.BAR_COLUMNS[: names.index(name)])
