"""Processes of the command line: limited, ended with whoever asked, and their complaints as problems."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from actors.gateway.operations import commands, exports
from actors.gateway.operations.commands import Command, Limits, Slots, failure_of, message_of
from actors.gateway.operations.exports import TABLES, Exports, Wanted
from actors.gateway.operations.masking import Mask
from actors.gateway.operations.sql import Sql, SqlQuestion
from actors.persistence.parquet_schema import KIND_OF
from protocol.errors import HubError, HubTimeout, HubUnreachable, InvalidRequest, NoData, Overloaded
from tests.support.wait import until
from tests.unit.actors.gateway.operations.ops_world import OpsWorld

MASK = Mask({"a": {"token": "open-sesame"}})
LIMITS = Limits(1 << 30, 20)
ENDLESS = "import sys\nwhile True: sys.stdout.buffer.write(b'x' * 65536)"
SILENT = "import sys\nsys.stdin.read()\nimport threading; threading.Event().wait()"
HALF = "import sys\nprint('a,b', flush=True)\nprint('error: open-sesame is broken', file=sys.stderr)\nsys.exit(1)"


@pytest.fixture
def program(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Let another program stand for the command line."""
    return lambda text: monkeypatch.setattr(commands, "_LIMITED", text)


def is_gone(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False


@pytest.mark.parametrize(
    ("code", "said", "kind", "detail"),
    [
        (
            2,
            "% 3 rows\nerror: no column prise\ntry: there are price\n",
            InvalidRequest,
            "no column prise\ntry: there are price",
        ),
        (5, "error: nothing is stored\n", NoData, "nothing is stored"),
        (4, "error: nothing was started\n", HubUnreachable, "nothing was started"),
        (1, "error: unexpected MemoryError: \n", InvalidRequest, "more memory"),
        (-9, "", InvalidRequest, "more time or memory"),
        (1, "", HubError, "ended with 1"),
    ],
)
def test_what_it_complains_of_becomes_a_problem(
    code: int, said: str, kind: type[HubError], detail: str
) -> None:
    found = failure_of(code, said)
    assert type(found) is kind
    assert detail in found.message


def test_a_traceback_is_not_shown() -> None:
    assert message_of("Traceback (most recent call last):\n  File x\nValueError: no") == "ValueError: no"


def test_one_too_many_is_refused_and_a_slot_comes_back() -> None:
    slots = Slots("queries", 1)
    with slots.take(), pytest.raises(Overloaded, match="1 queries run already"), slots.take():
        pass
    with slots.take():
        assert slots.taken == 1


def test_the_real_command_line_is_asked_and_answers(tmp_path: Path) -> None:
    async def work() -> HubError | None:
        async with Command(
            ("--run-dir", str(tmp_path)), ("query", "-"), Limits(1 << 31, 20), MASK
        ) as command:
            await command.say("SELECT 1")
            assert await command.chunk() == b""
            return await command.failure()

    found = asyncio.run(work())
    assert isinstance(found, HubUnreachable)
    assert "nothing was started there" in found.message


def test_without_a_configuration_it_is_not_even_tried() -> None:
    with pytest.raises(HubUnreachable, match="does not find this configuration"):
        Command((), ("query",), LIMITS, MASK)


def test_nobody_reads_so_it_waits_and_it_ends_with_its_reader(program: Any) -> None:
    program(ENDLESS)

    async def work() -> int:
        async with Command(("x",), (), LIMITS, MASK) as command:
            stream = command._running.stdout
            assert stream is not None
            while not stream._paused:  # type: ignore[attr-defined]
                await asyncio.sleep(0)
            assert len(stream._buffer) <= 4 * commands.CHUNK_BYTES  # type: ignore[attr-defined]
            assert await command.chunk()
            return command.pid

    assert is_gone(asyncio.run(work()))


def test_a_query_that_takes_too_long_is_ended(program: Any, tmp_path: Path) -> None:
    program(SILENT)
    sql = Sql(OpsWorld(tmp_path, command=("x",), query_timeout_s=0.2).context, MASK)
    with pytest.raises(HubTimeout, match=r"took longer than 0\.2 s"):
        asyncio.run(sql.answer(SqlQuestion("SELECT 1")))
    assert sql.slots.taken == 0


def test_an_answer_that_is_too_long_is_refused(program: Any, tmp_path: Path) -> None:
    program(ENDLESS)
    sql = Sql(OpsWorld(tmp_path, command=("x",), query_bytes=100_000).context, MASK)
    with pytest.raises(InvalidRequest, match="longer than 100000 bytes"):
        asyncio.run(sql.answer(SqlQuestion("SELECT 1")))


def test_a_query_ends_with_its_client(program: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program(SILENT)
    world = OpsWorld(tmp_path, command=("x",))
    pids: list[int] = []
    begin = Command.__aenter__

    async def noted(command: Command) -> Command:
        await begin(command)
        pids.append(command.pid)
        return command

    monkeypatch.setattr(Command, "__aenter__", noted)
    body = b'{"sql": "SELECT 1"}'
    messages = [{"type": "http.request", "body": body, "more_body": False}]
    scope = {
        "type": "http", "method": "POST", "path": "/api/v1/query", "query_string": b"", "http_version": "1.1",
        "headers": [(b"host", b"127.0.0.1:9800"), (b"content-type", b"application/json")], "scheme": "http",
        "client": ("127.0.0.1", 1), "server": ("127.0.0.1", 9800), "root_path": "", "raw_path": b"/api/v1/query",
    }  # fmt: skip

    async def receive() -> dict[str, Any]:
        if messages:
            return messages.pop(0)
        while not pids:
            await asyncio.sleep(0.01)
        return {"type": "http.disconnect"}

    async def send(message: dict[str, Any]) -> None:
        pass

    asyncio.run(asyncio.wait_for(world.app(scope, receive, send), 10.0))
    assert is_gone(pids[0])
    assert [line["outcome"] for line in world.audited()] == ["begun", "failed: the client has hung up"]


class Client:
    """The other end of one answer."""

    def __init__(self, leaves_after: int = 0) -> None:
        self.sent: list[dict[str, Any]] = []
        self._leaves_after = leaves_after
        self._gone = asyncio.Event()

    async def receive(self) -> dict[str, Any]:
        await self._gone.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: dict[str, Any]) -> None:
        self.sent.append(message)
        if len(self.sent) == self._leaves_after:
            self._gone.set()
            await asyncio.Event().wait()  # its buffers are full, and nobody empties them


@contextlib.asynccontextmanager
async def exporting(world: OpsWorld) -> AsyncIterator[tuple[Exports, exports.Export]]:
    made = Exports(world.context, MASK)
    yield made, await made.begin(Wanted("trades", "csv", "BTC_USDT"))


def test_an_export_ends_with_its_client(program: Any, tmp_path: Path) -> None:
    program(ENDLESS)
    world = OpsWorld(tmp_path, command=("x",), exports_at_once=1)

    async def work() -> int:
        async with exporting(world) as (made, export):
            with pytest.raises(Overloaded):
                await made.begin(Wanted("trades", "csv"))
            client = Client(leaves_after=5)
            await asyncio.wait_for(export(None, client.receive, client.send), 10.0)
            assert made.slots.taken == 0
            return export.pid

    pid = asyncio.run(work())
    until(lambda: is_gone(pid), 40.0, "the process to end")
    assert world.counters["exports_abandoned"] == 1


def test_half_an_export_does_not_look_like_a_whole_one(program: Any, tmp_path: Path) -> None:
    program(HALF)
    world = OpsWorld(tmp_path, command=("x",))

    async def work() -> list[dict[str, Any]]:
        async with exporting(world) as (_, export):
            client = Client()
            await export(None, client.receive, client.send)
            return client.sent

    start, *body = asyncio.run(work())
    assert (b"content-disposition", b'attachment; filename="trades-BTC_USDT.csv"') in start["headers"]
    assert b"".join(message["body"] for message in body) == b"a,b\n"
    assert all(message["more_body"] for message in body)
    assert world.counters["dropped.export_failed"] == 1


def test_an_export_without_rows_is_a_problem(program: Any, tmp_path: Path) -> None:
    program("import sys\nprint('error: no trades', file=sys.stderr)\nsys.exit(5)")
    found = OpsWorld(tmp_path, command=("x",)).ask("GET", "/api/v1/export/trades")
    assert (found.status_code, found.json()["code"], found.json()["detail"]) == (404, "no_data", "no trades")


def test_words_of_an_export_cannot_become_options() -> None:
    words = Wanted("bars", "parquet", "BTC_USDT", "--force", "1m", "1h", "", "iso").words()
    assert words == [
        "export", "--output=-", "--format=parquet", "--venue=--force", "--tf=1m", "--from=1h", "--times=iso", "bars",
        "BTC_USDT",
    ]  # fmt: skip
    assert Wanted("bars", "arrow", 'a"/../b').file_name == "bars-a__.._b.arrows"


def test_every_stored_table_can_be_exported() -> None:
    assert set(TABLES) == set(KIND_OF)
