"""The hostile check: its attacks are well formed and have an end; a row tells growth, silence and death as faults."""

import socket
import time
from collections import Counter
from random import Random
from types import SimpleNamespace

import pytest

from scripts.hostile import connections, questions, web, zmtp
from scripts.hostile.attack import connected, throw
from scripts.hostile.system import Look
from scripts.hostile_check import ATTACKS, Row, _growth, text_of
from tests.soak.sampling import Sample


def look(rss_mib, fds):
    return Look({"hub.1": 5}, {"hub.1": Sample(1.0, 5, rss_mib, rss_mib, fds, 4, 1.0)}, Counter())


def test_every_family_of_the_requirement_is_there():
    names = " ".join(one.name for one in ATTACKS)
    for word in (
        "slow subscribers", "half-open", "port scanner", "wrong ZMTP", "replayed", "revoked keys", "oversized", "msgpack bombs", "slow-loris",
    ):  # fmt: skip
        assert word in names


def test_growth_beyond_bounds_is_a_fault():
    row = Row(attack="x", sent="y")
    _growth(row, look(100.0, 30), [look(600.0, 900)], look(500.0, 200))
    assert (row.rss_mib, row.fds, row.most_fds) == (500.0, 170, 900)
    assert len(row.faults) == 2


def test_growth_that_goes_away_is_none():
    row = Row(attack="x", sent="y")
    _growth(row, look(100.0, 30), [look(150.0, 900)], look(120.0, 30))
    assert row.faults == []


def test_the_table_names_faults_and_what_was_skipped():
    text = text_of(
        [Row(attack="a", sent="b", faults=["hub.1 ended"]), Row(attack="k", sent="no keys", is_skipped=True)],
        "",
        9,
    )
    assert "FAULT: a: hub.1 ended" in text
    assert "skipped" in text
    assert text.endswith("FAILED: 1 faults")
    assert text_of([], "", 9).endswith("PASSED: 0 faults")


def test_greetings_are_those_of_zmtp():
    assert len(zmtp.greeting()) == 64
    assert zmtp.ready()[0] == 4
    assert zmtp.ready()[1] == len(zmtp.ready()) - 2


@pytest.fixture
def deaf():
    """Somebody who listens and never takes a connection."""
    with socket.socket() as line:
        line.bind(("127.0.0.1", 0))
        line.listen(5)
        yield SimpleNamespace(
            http_port=line.getsockname()[1],
            sockets=lambda: [f"tcp://127.0.0.1:{line.getsockname()[1]}"],
            asked=lambda: [f"tcp://127.0.0.1:{line.getsockname()[1]}"],
        )


def test_what_is_thrown_at_nobody_is_not_taken(deaf):
    assert throw(f"127.0.0.1:{deaf.http_port}", b"x")
    with pytest.raises(FileNotFoundError):
        connected("ipc:///nowhere/at/all")
    assert not throw("ipc:///nowhere/at/all", b"x")


@pytest.mark.parametrize("run", [connections.scan, zmtp.versions, web.broken])
def test_an_attack_ends_in_time_whatever_the_other_side_does(deaf, run):
    began_s = time.monotonic()
    assert run(deaf, Random(1), began_s + 0.3)
    assert time.monotonic() - began_s < 20


def test_bombs_are_no_longer_than_a_question():
    assert questions.ATTACKS
    assert all(len(bomb) < 300_000 for bomb in questions.BOMBS)
