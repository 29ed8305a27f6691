"""The frame of the command line: options anywhere, help in groups, errors as words and codes."""

import importlib
import json
import subprocess
import sys

import pytest

from protocol.errors import (
    ConfigError,
    HubTimeout,
    HubUnreachable,
    NoData,
    Overloaded,
    StaleData,
    StartError,
    UnknownSymbol,
)
from tapehub.cli import context, exit_codes, failures, output
from tapehub.cli.main import PANELS, ordered
from tests.support.paths import ROOT
from tests.support.process import clean_environment
from tests.unit.tapehub.calls import call

COMMANDS = [name for names in PANELS.values() for name in names]


@pytest.fixture(autouse=True)
def fresh_context():
    yield
    context.use(context.Context())
    output.set_colour(wanted=True)


@pytest.mark.parametrize(
    ("typed", "words", "command"),
    [
        (["status", "--config", "x", "--json"], ["--config", "x", "status", "--json"], "status"),
        (
            ["--debug", "tap", "trade", "--set=a=b", "-n", "3"],
            ["--debug", "--set=a=b", "tap", "trade", "-n", "3"],
            "tap",
        ),
        (["logs", "--set", "a=1", "--set", "b=2"], ["--set", "a=1", "--set", "b=2", "logs"], "logs"),
        (["tap", "--", "--debug"], ["tap", "--", "--debug"], "tap"),
        (["up", "--config"], ["--config", "up"], "up"),
        (["--help"], ["--help"], ""),
        ([], [], ""),
    ],
)
def test_global_options_may_stand_anywhere(typed, words, command):
    assert ordered(typed) == (words, command)


def test_help_shows_every_command_under_its_heading(capsys):
    result = call(capsys, "--help")
    assert result.code == 0
    for heading, names in PANELS.items():
        assert heading in result.out
        for name in names:
            assert f" {name} " in result.out


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_explains_itself(capsys, name):
    result = call(capsys, name, "--help")
    assert result.code == 0
    assert f"tapehub {name}" in result.out
    module = importlib.import_module(f"tapehub.cli.{name}")
    assert callable(module.register)


@pytest.mark.parametrize(
    "words", [["nonsense"], ["status", "--nonsense"], ["up", "x"], ["completion", "tcsh"]]
)
def test_a_wrong_command_line_is_2(capsys, words):
    result = call(capsys, *words)
    assert result.code == exit_codes.USAGE
    assert not result.out
    assert "help" in result.err or "-h" in result.err


def test_version_as_json(capsys):
    result = call(capsys, "version", "--json")
    assert json.loads(result.out)["protocol"] == 1


def test_only_the_typed_command_is_imported():
    script = "import sys; from tapehub.cli.main import build; build('version'); print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=ROOT,
        env=clean_environment(),
        capture_output=True,
        text=True,
        check=True,
    )
    loaded = set(done.stdout.split())
    assert "tapehub.cli.version" in loaded
    assert not loaded & {"tapehub.cli.up", "zmq", "numpy", "yaml", "rich", "supervisor", "asyncio"}


@pytest.mark.parametrize(
    ("error", "code", "words"),
    [
        (failures.Failure("what", "do this", 5), 5, "do this"),
        (ConfigError(["f:1:1: a: b", "f:2:1: c: d"]), 78, "2 mistakes"),
        (UnknownSymbol("no instrument 'X'"), 5, "symbols search"),
        (NoData("nothing yet"), 5, "tapehub why"),
        (StaleData("old"), 5, "--stale"),
        (HubTimeout("slow"), 6, "--timeout"),
        (HubUnreachable("nobody"), 4, "tapehub up"),
        (Overloaded("later"), 1, "later"),
        (StartError("not ours", 69), 1, "doctor"),
        (RuntimeError("oops"), 1, "--debug"),
    ],
)
def test_errors_say_what_and_what_next(capsys, error, code, words):
    assert failures.report(error, debug=False) == code
    captured = capsys.readouterr()
    assert not captured.out
    assert words in captured.err
    assert "Traceback" not in captured.err


def test_debug_shows_the_traceback(capsys):
    failures.report(RuntimeError("oops"), debug=True)
    assert "RuntimeError: oops" in capsys.readouterr().err


def test_a_closed_pipe_is_quiet():
    done = subprocess.run(
        f"{sys.executable} -m tapehub config show | head -c 1",
        shell=True, cwd=ROOT, env=clean_environment(), capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert len(done.stdout) == 1
    assert not done.stderr


def test_every_exit_code_has_a_meaning():
    codes = {value for name, value in vars(exit_codes).items() if name.isupper() and isinstance(value, int)}
    assert codes == set(exit_codes.MEANING)


def test_hub_addresses(monkeypatch, tmp_path):
    (tmp_path / "symbols.yaml").write_text("BTC_USDT:\n")
    path = tmp_path / "tapehub.yaml"
    path.write_text(f"run_dir: {tmp_path}\nactors: {{collector.binance.1: , hub.1: , hub.2: }}")
    monkeypatch.delenv("TAPEHUB_ENDPOINT", raising=False)
    found = context.Context(path)
    assert [one.rsplit("/", 1)[1] for one in found.hub_endpoints] == ["hub.1.query", "hub.2.query"]
    assert found.actors_of("collector") == ["collector.binance.1"]
    monkeypatch.setenv("TAPEHUB_ENDPOINT", "tcp://127.0.0.1:1, tcp://127.0.0.1:2")
    assert found.hub_endpoints == ["tcp://127.0.0.1:1", "tcp://127.0.0.1:2"]
    assert context.Context(endpoint="ipc:///x").hub_endpoints == ["ipc:///x"]


def test_a_run_directory_that_was_never_used(tmp_path):
    with pytest.raises(failures.Failure, match=r"holds no config\.msgpack") as caught:
        _ = context.Context(run_dir=tmp_path).loaded
    assert caught.value.code == exit_codes.UNREACHABLE
