"""Who starts first: those that may wait come after all that have begun, and never for long."""

import fcntl
from pathlib import Path
from types import SimpleNamespace

import pytest

from actors.runtime import precedence
from actors.runtime.precedence import LOCK_SUFFIX, SERVER_VARIABLE, go_first, let_others_first


@pytest.fixture
def lock(tmp_path, monkeypatch):
    monkeypatch.setenv(SERVER_VARIABLE, f"unix://{tmp_path}/supervisor.sock")
    return tmp_path / f"supervisor.sock{LOCK_SUFFIX}"


def is_free(lock):
    """Whether nobody starts: the lock can be had alone."""
    with lock.open() as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
    return True


def test_any_number_may_go_first_and_each_counts_until_it_works(lock):
    one, other = go_first(), go_first()
    one()
    assert not is_free(lock)
    other()
    assert is_free(lock)


def test_who_may_wait_comes_when_the_last_of_the_others_works(lock, monkeypatch):
    begun, wanted = go_first(), []

    def flock(file, operation):
        wanted.append((operation, is_free(lock)))
        begun()
        fcntl.flock(file, operation)

    monkeypatch.setattr(precedence, "fcntl", SimpleNamespace(flock=flock, LOCK_EX=fcntl.LOCK_EX))
    let_others_first()
    assert wanted == [(fcntl.LOCK_EX, False)]
    assert is_free(lock)


def test_who_may_wait_gives_up(lock, monkeypatch):
    monkeypatch.setattr(precedence, "PATIENCE_S", 0.01)
    begun = go_first()
    let_others_first()
    assert not is_free(lock)
    begun()


def test_nobody_waits_for_one_that_holds_it_alone(lock):
    with lock.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        go_first()()
    assert is_free(lock)


@pytest.mark.parametrize("server", ["", "http://127.0.0.1:9001", "unix:///there/is/no/such/folder/s.sock"])
def test_without_a_supervisord_nobody_waits(server, monkeypatch):
    monkeypatch.setenv(SERVER_VARIABLE, server)
    open_files = len(list(Path("/proc/self/fd").iterdir()))
    go_first()()
    let_others_first()()
    assert len(list(Path("/proc/self/fd").iterdir())) == open_files
