"""A crash point ends the process for certain when armed so, is nothing when not, and refuses names it does not know."""

import signal
import subprocess
import sys

import pytest

from protocol import crash
from protocol.crash import POINTS, armed, read_points
from protocol.errors import ConfigError
from tests.support.paths import ROOT
from tests.support.process import clean_environment

LIFE = """
from protocol.crash import crash_point
for turn in range(1000):
    crash_point("ack.before")
    print(turn, flush=True)
    crash_point("ack.after")
"""


def live(**variables: str) -> subprocess.CompletedProcess[str]:
    """A process that passes two points a thousand times."""
    environment = {**clean_environment(), **{f"TAPEHUB_CRASH_{key}": text for key, text in variables.items()}}
    return subprocess.run(
        [sys.executable, "-c", LIFE], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )


def test_without_the_variable_nothing_is_armed():
    assert armed({}) is armed({"TAPEHUB_CRASH_POINTS": " "}) is crash.crash_point
    assert [crash.crash_point(name) for name in POINTS] == [None] * len(POINTS)


def test_a_certain_point_is_the_last_thing_a_process_does(tmp_path):
    log = tmp_path / "crashes"
    for _ in range(2):
        done = live(POINTS="ack.after:1", LOG=str(log))
        assert done.returncode == -signal.SIGKILL
        assert done.stdout == "0\n"

    lines = [line.split() for line in log.read_text().splitlines()]
    assert [name for _, name, _ in lines] == ["ack.after"] * 2
    assert int(lines[0][0]) < int(lines[1][0])
    assert lines[0][2] != lines[1][2]


def test_a_point_that_was_not_named_lets_pass():
    done = live(POINTS="store.commit.before:1,ack.before:0")
    assert (done.returncode, done.stdout.splitlines()[-1]) == (0, "999")


def test_a_rare_point_ends_it_sooner_or_later():
    assert live(POINTS="ack.before:0.1", SEED="7").returncode == -signal.SIGKILL


def test_lives_of_one_seed_do_not_all_end_at_the_same_call(monkeypatch):
    """Else a draw that ends the first call would end every life at its first call."""
    ended = []
    monkeypatch.setattr(crash, "_end", lambda name, log: ended.append(name))
    firsts = set()
    for pid in range(20):
        ended.clear()
        monkeypatch.setattr(crash.os, "getpid", lambda pid=pid: pid)
        point = armed({"TAPEHUB_CRASH_POINTS": "ack.before:0.1", "TAPEHUB_CRASH_SEED": "7"})
        calls = 0
        while not ended:
            point("ack.before")
            calls += 1
        firsts.add(calls)
    assert len(firsts) > 5


def test_the_share_of_calls_is_as_asked(monkeypatch):
    ended = []
    monkeypatch.setattr(crash, "_end", lambda name, log: ended.append(name))
    point = armed({"TAPEHUB_CRASH_POINTS": "snap.after:0.25", "TAPEHUB_CRASH_SEED": "1"})
    for _ in range(4_000):
        point("snap.after")
        point("snap.before")
    assert 800 < len(ended) < 1_200
    assert set(ended) == {"snap.after"}


@pytest.mark.parametrize(
    "entry", ["ack.before", "ack.before:", "ack.before:often", "ack.before:1.5", "ack.before:nan"]
)
def test_a_probability_is_between_0_and_1(entry):
    with pytest.raises(ConfigError, match="with P from 0 to 1"):
        read_points(entry)


def test_an_unknown_name_is_an_error_at_start_that_names_the_known_ones():
    done = live(POINTS="ack.before:0.1,journal.write:0.1")
    assert done.returncode == 1
    assert done.stdout == ""
    assert "no crash point 'journal.write'; there are journal.write.before, " in done.stderr
    assert "snap.after" in done.stderr
