"""The audit log: before the deed, its outcome after it, or no deed at all."""

import errno
import stat
from pathlib import Path
from typing import BinaryIO, cast

import pytest

from actors.gateway.edge import audit as module
from actors.gateway.edge.audit import Audit
from protocol.errors import Overloaded
from tests.unit.actors.gateway.operations.ops_world import Clock


@pytest.fixture
def audit(tmp_path: Path) -> Audit:
    return Audit(tmp_path / "audit" / "gateway.1.ndjson", Clock())


def test_a_deed_has_a_line_before_and_one_after(audit: Audit) -> None:
    with audit.noted("boss", "10.0.0.1", "restart", actor="hub.1"):
        assert [row["outcome"] for row in audit.read(10)] == ["begun"]
    with pytest.raises(ValueError, match="no such gap"), audit.noted("boss", "", "repair", gap_id="x"):
        raise ValueError("no such gap")
    first, second = audit.read(10)
    assert {**first, "id": ""} == {
        "id": "", "ts": "2026-11-18T11:06:40.000Z", "who": "boss", "peer": "10.0.0.1", "deed": "restart",
        "what": {"actor": "hub.1"}, "outcome": "done",
    }  # fmt: skip
    assert second["outcome"] == "failed: no such gap"
    assert len(audit.path.read_bytes().splitlines()) == 4
    assert stat.S_IMODE(audit.path.stat().st_mode) == 0o600
    assert audit.read(1) == [second]


@pytest.mark.parametrize("fits", [0, 10])
def test_a_full_disk_refuses_the_deed_and_leaves_no_half_a_line(
    audit: Audit, fits: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    audit.note("boss", "", "query")

    class Full:
        """A file of which so many bytes fit."""

        def __init__(self, file: BinaryIO) -> None:
            self._file = file
            self.fileno, self.truncate = file.fileno, file.truncate

        def write(self, data: bytes) -> int:
            if not fits:
                raise OSError(errno.ENOSPC, "No space left on device")
            return self._file.write(data[:fits])

    whole = module._write_whole
    monkeypatch.setattr(module, "_write_whole", lambda file, data: whole(cast("BinaryIO", Full(file)), data))
    done = False
    with pytest.raises(Overloaded, match=r"not done: "), audit.noted("boss", "", "restart"):
        done = True
    assert not done
    monkeypatch.undo()
    assert audit.path.read_bytes().endswith(b"\n")
    assert [row["deed"] for row in audit.read(10)] == ["query"]
    audit.note("boss", "", "repair")
    assert [row["deed"] for row in audit.read(10)] == ["query", "repair"]


def test_it_is_rotated_by_size_and_both_are_read(tmp_path: Path) -> None:
    audit = Audit(tmp_path / "a.ndjson", Clock(), max_bytes=400)
    for number in range(8):
        audit.note("boss", "", "query", sql=f"SELECT {number}", long="x" * 5000)
    assert {path.name for path in tmp_path.iterdir()} == {"a.ndjson", "a.ndjson.1"}
    found = audit.read(100)
    assert found[-1]["what"]["sql"] == "SELECT 7"
    assert len(found) < 8
    assert "5000 characters" in found[-1]["what"]["long"]


def test_a_line_that_cannot_be_read_is_skipped(audit: Audit) -> None:
    audit.note("boss", "", "query")
    with audit.path.open("ab") as file:
        file.write(b"{half\n\xff\n")
    audit.note("boss", "", "repair")
    assert [row["deed"] for row in audit.read(10)] == ["query", "repair"]
