"""The rules by which supervisord runs the actors."""

import configparser

import msgspec
import pytest

from actors.guardian.listening import EVENTS
from actors.runtime.settings import Common, Logs, load
from tapehub.kinds import kinds
from tapehub.supervision.programs import STANDALONE, Place, literal, render, standalone
from tests.support.paths import ROOT

PLACE = Place(
    folder="/srv/a b",
    run_dir="/srv/a b/var",
    python="/opt/py thon/bin/python",
    config="/srv/a b/var/config.msgpack",
    socket="/srv/a b/var/supervisor.sock",
    environment={"PYTHONPATH": "/srv/a b"},
    min_fds=4096,
)


def parsed(text: str) -> configparser.RawConfigParser:
    parser = configparser.RawConfigParser(inline_comment_prefixes=(" ;",))
    parser.read_string(text)
    return parser


def common(*names: str, **more) -> Common:
    return Common(actors={name: {} for name in names}, **more)


def test_one_program_per_actor_in_the_order_of_start():
    conf = parsed(render(common("hub.1", "aggregator.1", "collector.binance.1", "simulator.1"), PLACE))
    programs = [section for section in conf.sections() if section.startswith("program:")]
    assert programs == [
        "program:simulator.1",
        "program:collector.binance.1",
        "program:aggregator.1",
        "program:hub.1",
    ]
    priorities = [conf.getint(section, "priority") for section in programs]
    assert priorities == [50, 100, 200, 300]


def test_only_some_actors():
    conf = parsed(render(common("hub.1", "hub.2"), PLACE, frozenset({"hub.2"})))
    assert [name for name in conf.sections() if name.startswith("program:")] == ["program:hub.2"]


def test_a_program_comes_back_unless_its_configuration_is_bad():
    conf = parsed(render(common("hub.1", drain_s=7.5, logs=Logs(max_bytes=200_000, backups=9)), PLACE))
    program = conf["program:hub.1"]
    assert program["command"] == (
        "'/opt/py thon/bin/python' -m actors.hub --name hub.1 --config '/srv/a b/var/config.msgpack'"
    )
    assert (program["autorestart"], program["exitcodes"], program["startsecs"]) == ("unexpected", "78", "0")
    assert (program["stopsignal"], program.getint("stopwaitsecs")) == ("TERM", 13)
    assert (program["stopasgroup"], program["killasgroup"], program["redirect_stderr"]) == ("true",) * 3
    assert program["stdout_logfile"] == "/srv/a b/var/log/hub.1.log"
    assert (program.getint("stdout_logfile_maxbytes"), program.getint("stdout_logfile_backups")) == (
        200_000,
        9,
    )


def test_a_guardian_listens_to_supervisord_and_starts_first():
    conf = parsed(render(common("journal.1", "guardian.1"), PLACE))
    assert [name for name in conf.sections() if ":" in name and name != "rpcinterface:supervisor"] == [
        "eventlistener:guardian.1",
        "program:journal.1",
    ]
    listener = conf["eventlistener:guardian.1"]
    assert listener["events"] == EVENTS
    assert (listener["stdout_logfile"], "redirect_stderr" in listener) == ("NONE", False), (
        "stdout is the line"
    )
    assert (listener["autorestart"], listener["exitcodes"], listener["startsecs"]) == (
        "unexpected",
        "78",
        "0",
    )


def test_the_socket_and_files_are_the_owners_only():
    conf = parsed(render(common("hub.1"), PLACE))
    assert conf["unix_http_server"]["chmod"] == "0700"
    assert conf["supervisord"]["umask"] == "077"
    assert conf["supervisord"]["minfds"] == "4096"
    assert 'PYTHONPATH="/srv/a b"' in conf["supervisord"]["environment"]
    assert 'OPENBLAS_NUM_THREADS="1"' in conf["supervisord"]["environment"]
    assert not conf.has_section("inet_http_server")


def test_percent_signs_in_paths_are_doubled():
    assert literal("/srv/50%/x") == "/srv/50%%/x"


@pytest.mark.parametrize("text", [render(common("hub.1"), PLACE), standalone(common("hub.1"))])
def test_supervisord_itself_accepts_it(text, tmp_path):
    from supervisor.options import ServerOptions

    (tmp_path / "var" / "log").mkdir(parents=True)
    path = tmp_path / "supervisord.conf"
    path.write_text(text.replace("/srv/a b", str(tmp_path)))
    options = ServerOptions()
    options.realize(["-c", str(path)])
    (group,) = options.process_group_configs
    (program,) = group.process_configs
    assert program.name == "hub.1"
    assert program.exitcodes == [78]
    assert program.environment["MALLOC_ARENA_MAX"] == "2"


def test_supervisord_conf_at_the_root_holds_exactly_the_default_actors():
    default = load(ROOT / "config" / "tapehub.yaml", (), {}).common
    text = (ROOT / "supervisord.conf").read_text()
    assert text == standalone(default), "write it again: tapehub config supervisord"
    programs = {
        name.partition(":")[2]
        for name in parsed(text).sections()
        if name.startswith(("program:", "eventlistener:"))
    }
    assert programs == set(default.actors)
    needs_what_is_not_ours = {"bridge"}  # a NATS server
    assert {name.partition(".")[0] for name in programs} == set(kinds()) - needs_what_is_not_ours


def test_the_root_configuration_has_no_absolute_path():
    for text in msgspec.to_builtins(STANDALONE).values():
        assert not str(text).startswith("/")
