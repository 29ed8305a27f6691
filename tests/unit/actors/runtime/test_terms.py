"""Who shares symbols since when: files and locks of real processes' kind, in one folder."""

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from actors.runtime.identity import NameLock
from actors.runtime.terms import Terms, former_names

ONE, TWO, THREE = (f"aggregator.{number}" for number in (1, 2, 3))


class Host:
    """A run directory in which instances come and go; each holds its name as its process would."""

    def __init__(self, folder: Path, stack: contextlib.ExitStack) -> None:
        self.folder = folder
        self._stack = stack

    def journal(self, name: str, epoch: int) -> None:
        folder = self.folder / "journal" / name
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{epoch:010d}-{1:020d}.seg").touch()

    def plain(self, name: str) -> NameLock:
        """A process that knows nothing of terms."""
        return NameLock(self.folder / "lock", name)

    def terms(self, name: str, *names: str) -> Terms:
        self.journal(name, 99)
        terms = Terms(self.folder, name, names)
        self._stack.callback(terms.close)
        return terms


@pytest.fixture
def host(tmp_path: Path) -> Iterator[Host]:
    with contextlib.ExitStack() as stack:
        yield Host(tmp_path, stack)


def test_the_only_instance_of_before_is_term_zero(host: Host) -> None:
    host.journal(TWO, 5)
    host.journal(ONE, 3)
    terms = host.terms(ONE, ONE, TWO)
    assert [(term.number, term.names) for term in terms.all] == [(0, (ONE,)), (1, (ONE, TWO))]


def test_who_comes_later_is_in_the_same_term_and_another_list_begins_the_next(host: Host) -> None:
    first = host.terms(ONE, ONE, TWO)
    assert host.terms(TWO, TWO, ONE).now == first.now
    first.close()
    again = host.terms(ONE, ONE)
    assert (again.now.number, again.now.names) == (first.now.number + 1, (ONE,))


def test_a_living_process_that_knows_no_terms_is_in_the_way(host: Host) -> None:
    host.journal(ONE, 3)
    old = host.plain(ONE)
    terms = host.terms(TWO, ONE, TWO)
    assert terms.others_in_the_way() == [ONE]
    old.release()
    assert terms.others_in_the_way() == []


def test_a_process_of_another_term_is_in_the_way_and_one_of_this_term_is_not(host: Host) -> None:
    names = {name: host.plain(name) for name in (ONE, TWO, THREE)}
    old = [host.terms(name, ONE, TWO, THREE) for name in (TWO, THREE)]
    new = host.terms(ONE, ONE, TWO)
    assert new.others_in_the_way() == [TWO, THREE]
    assert old[0].others_in_the_way() == [ONE], "nor may the old ones begin any more"
    old[1].close()
    names[THREE].release()
    old[0].close()
    assert new.others_in_the_way() == [TWO], "it has begun, and nobody knows yet in which term"
    assert host.terms(TWO, ONE, TWO).now == new.now
    assert new.others_in_the_way() == []


def test_former_instances_are_known_as_long_as_their_journal_is_there(host: Host) -> None:
    for name in (ONE, TWO, THREE):
        host.journal(name, 3)
    host.terms(ONE, ONE, TWO, THREE).close()
    assert former_names(host.folder, [ONE, "hub.1"]) == [TWO, THREE]
    (host.folder / "journal" / TWO / f"{3:010d}-{1:020d}.seg").unlink()
    (host.folder / "journal" / TWO).rmdir()
    assert former_names(host.folder, [ONE]) == [THREE]
    assert former_names(host.folder / "elsewhere", [ONE]) == []


def test_to_look_whether_a_name_is_taken_costs_nobody_the_name(host: Host) -> None:
    """Whoever starts in the moment in which another one looks tries again."""
    held = host.plain(ONE)
    path = host.folder / "lock" / f"{ONE}.lock"
    held.release()
    looker = os.open(path, os.O_RDWR)
    fcntl.flock(looker, fcntl.LOCK_SH)
    os.close(looker)
    host.plain(ONE).release()
