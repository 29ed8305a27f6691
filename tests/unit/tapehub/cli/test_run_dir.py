"""Which run directory the reading commands look at: option, file, variable, in this order; all of them the same one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from actors.runtime.settings import COMPILED_NAME, compiled_of, load
from protocol.endpoints import Endpoints
from tapehub.cli import context, exit_codes
from tapehub.cli.context import RUN_DIR_VARIABLE, Context
from tapehub.cli.failures import Failure
from tests.support.config import write_config
from tests.unit.tapehub.calls import call

READING = (
    ["snap", "ticks", "--timeout", "0.05"],
    ["snap", "status", "--timeout", "0.05"],
    ["status", "--timeout", "0.05", "--json"],
    ["why", "BTC_USDT", "--timeout", "0.05"],
    ["tap", "trade", "--for", "0.05s"],
    ["topics", "--for", "0.05s"],
    ["latency", "--for", "0.05s"],
)


@pytest.fixture(autouse=True)
def _fresh_context(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Away from any person's configuration and addresses."""
    monkeypatch.chdir(tmp_path)
    for name in (RUN_DIR_VARIABLE, context.ENDPOINT_VARIABLE):
        monkeypatch.delenv(name, raising=False)
    yield
    context.use(Context())


def started_in(run_dir: Path, *actors: str) -> Path:
    """A run directory as `tapehub up` leaves it; nothing runs in it."""
    run_dir.mkdir(exist_ok=True)
    file = write_config(run_dir, {name: {} for name in actors})
    (run_dir / COMPILED_NAME).write_bytes(compiled_of(load(file, environ={})))
    return file


@pytest.mark.parametrize("words", READING, ids=lambda words: " ".join(words[:2]))
def test_every_reading_command_looks_into_the_run_directory_of_the_variable(
    words: list[str], run_dir: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    started_in(run_dir, "hub.7", "collector.binance.1", "aggregator.1")
    monkeypatch.setenv(RUN_DIR_VARIABLE, str(run_dir))

    result = call(capsys, *words)

    assert result.code not in (exit_codes.USAGE, exit_codes.BAD_CONFIG), result.err
    assert context.current().run_dir == run_dir
    assert context.current().hub_endpoints == [Endpoints(run_dir).query("hub.7")]


def test_snap_asks_the_hub_of_the_variable(
    run_dir: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    started_in(run_dir, "hub.7")
    monkeypatch.setenv(RUN_DIR_VARIABLE, str(run_dir))
    result = call(capsys, *READING[0])
    assert result.code == exit_codes.UNREACHABLE
    assert Endpoints(run_dir).query("hub.7") in result.err


def test_option_and_file_and_overriding_come_before_the_variable(
    run_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    started_in(run_dir, "hub.7")
    file = started_in(tmp_path / "other", "hub.1")
    monkeypatch.setenv(RUN_DIR_VARIABLE, str(run_dir))
    assert Context().run_dir == run_dir
    assert Context(run_dir=tmp_path / "other").run_dir == tmp_path / "other"
    assert Context(config=file).run_dir == tmp_path / "other"
    assert Context(config=file).actors == ["hub.1"]
    assert Context(file, overrides=["run_dir=/elsewhere"]).run_dir == Path("/elsewhere")


def test_the_address_comes_before_all(run_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(RUN_DIR_VARIABLE, str(run_dir))
    monkeypatch.setenv(context.ENDPOINT_VARIABLE, "tcp://127.0.0.1:1")
    assert Context().hub_endpoints == ["tcp://127.0.0.1:1"], "no configuration is needed for it"


def test_where_nothing_was_started_it_says_whence_the_directory_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(RUN_DIR_VARIABLE, "nothing")
    with pytest.raises(Failure, match=rf"{tmp_path / 'nothing'} \(\$TAPEHUB_RUN_DIR\) holds no"):
        _ = Context().run_dir


def test_nothing_is_started_with_the_variable(run_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What would start is what the file says, there as ever."""
    file = started_in(run_dir, "hub.7")
    config = run_dir / "config"
    config.mkdir()
    for path in (file, run_dir / "symbols.yaml"):
        path.rename(config / path.name)
    monkeypatch.chdir(run_dir)
    monkeypatch.setenv(RUN_DIR_VARIABLE, str(run_dir / "nothing"))
    assert list(Context().checked().common.actors) == ["hub.7"]
