"""supervisord.conf at the root runs exactly the actors that exist, and gives them time to drain."""

from __future__ import annotations

import configparser
import shlex

import pytest

from actors.runtime.main import EXIT_CONFIG
from actors.runtime.settings import Common, load
from tapehub.kinds import kinds
from tests.support.paths import ROOT

KINDS = ("program:", "eventlistener:")
DEFAULT = ROOT / "config" / "tapehub.yaml"


@pytest.fixture(scope="module")
def programs() -> dict[str, configparser.SectionProxy]:
    parser = configparser.RawConfigParser(inline_comment_prefixes=(";",))
    parser.read(ROOT / "supervisord.conf")
    return {name.partition(":")[2]: parser[name] for name in parser.sections() if name.startswith(KINDS)}


@pytest.fixture(scope="module")
def common() -> Common:
    return load(DEFAULT, environ={}).common


def test_programs_are_the_actors_of_the_default_configuration(programs, common: Common) -> None:
    assert set(programs) == set(common.actors)


def test_every_kind_of_actor_runs_by_default(programs) -> None:
    needs_what_is_not_ours = {"bridge"}  # a NATS server
    assert {name.partition(".")[0] for name in programs} == set(kinds()) - needs_what_is_not_ours


def test_each_is_started_as_its_own_module_and_name(programs) -> None:
    for name, program in programs.items():
        words = shlex.split(program["command"])
        assert words[words.index("-m") + 1] == f"actors.{name.partition('.')[0]}"
        assert words[words.index("--name") + 1] == name


def test_each_may_drain_before_it_is_killed(programs, common: Common) -> None:
    for name, program in programs.items():
        assert int(program["stopwaitsecs"]) > common.drain_s, name
        assert program["stopsignal"] == "TERM"


def test_each_comes_back_unless_its_configuration_is_bad(programs) -> None:
    for program in programs.values():
        assert program["autorestart"] == "unexpected"
        assert program["exitcodes"] == str(EXIT_CONFIG)


def test_data_flows_downhill_at_the_start(programs) -> None:
    order = sorted(programs, key=lambda name: int(programs[name]["priority"]))
    assert list(dict.fromkeys(name.partition(".")[0] for name in order)) == [
        "guardian",
        "journal",
        "simulator",
        "collector",
        "persistence",
        "aggregator",
        "orderflow",
        "detector",
        "scanner",
        "hub",
        "notifier",
        "gateway",
    ]


def test_logs_are_rotated(programs) -> None:
    for name, program in programs.items():
        stream = (
            "stderr" if name.startswith("guardian.") else "stdout"
        )  # its stdout is the line to supervisord
        assert program[f"{stream}_logfile_maxbytes"] != "0"
        assert int(program[f"{stream}_logfile_backups"]) >= 1
