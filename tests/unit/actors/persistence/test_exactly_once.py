"""Whatever fails and whenever, each event is stored once: the store, its batches, and a journal to pull from again."""

import itertools
import os
import shutil

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from actors.persistence import store as store_module
from actors.persistence import tables
from actors.persistence.failures import StoreError
from actors.persistence.opening import open_store
from actors.persistence.store import Store
from protocol.replay import Position
from tests.unit.actors.persistence.frames import Publisher, trade
from tests.unit.actors.persistence.store_laws import rows

EXAMPLES = int(os.environ.get("TAPEHUB_STORE_EXAMPLES", "6"))
FINE, BEFORE_COMMIT, AFTER_COMMIT, KILLED = "fine", "store.commit.before", "store.commit.after", "killed"


def journal_of(sizes: list[int], symbols: int):
    """Frames of two epochs of two publishers, and all trades that are in them."""
    numbers = itertools.count(1)
    frames = []
    for name, epoch in (("a.1", 5), ("b.1", 5), ("a.1", 6)):
        publisher = Publisher(name, epoch)
        frames.append(publisher.begin(5, len(sizes) + 1) if epoch == 6 else publisher.begin(0, 0))
        for size in sizes:
            ids = list(itertools.islice(numbers, size))
            frames.append(publisher.frame([trade(number, f"S{number % symbols}_X") for number in ids]))
    return frames, next(numbers) - 1


def behind(frames, positions: dict[str, Position]):
    """What a consumer would pull."""
    return [one for one in frames if (one.epoch, one.seq) > positions.get(one.publisher, Position(0, 0))]


@pytest.fixture(scope="module")
def ready(tmp_path_factory):
    folder = tmp_path_factory.mktemp("ready")
    store = open_store("", str(folder))
    store.positions()
    store.close()
    return folder / "db" / "tapehub.sqlite"


def pull(store: Store, frames, faults, batch_frames: int) -> None:
    """One life of the writer: batches one behind the other, until all is stored or something fails."""
    pending = behind(frames, store.positions())
    batch = store.batch()
    for first in range(0, len(pending), batch_frames):
        for frame in pending[first : first + batch_frames]:
            batch.add(frame)
        fault = next(faults, FINE)
        following = batch.following()
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(store_module, "crash_point", lambda name, fault=fault: fail(name, fault))
            store.save(batch, 1)
        batch = following


def fail(name: str, fault: str) -> None:
    if name == fault:
        raise OSError(f"injected at {name}")
    if fault == KILLED and name == BEFORE_COMMIT:
        raise KeyboardInterrupt


@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    sizes=st.lists(st.integers(1, 4), min_size=1, max_size=6),
    symbols=st.integers(1, 5),
    batch_frames=st.integers(1, 5),
    faults=st.lists(st.sampled_from([FINE, FINE, BEFORE_COMMIT, AFTER_COMMIT, KILLED]), max_size=12),
)
def test_each_event_once_whatever_fails(ready, tmp_path_factory, sizes, symbols, batch_frames, faults):
    folder = tmp_path_factory.mktemp("run")
    (folder / "db").mkdir()
    shutil.copy(ready, folder / "db" / "tapehub.sqlite")
    frames, count = journal_of(sizes, symbols)
    left = iter(faults)
    store = open_store("", str(folder))
    while behind(frames, store.positions()):
        try:
            pull(store, frames, left, batch_frames)
        except StoreError:
            pass  # the same process goes on
        except KeyboardInterrupt:
            store.close()  # another one does
            store = open_store("", str(folder))
    names = {number: symbol for (_, symbol), number in store.catalogue.instruments.items()}
    found = [(one["trade_id"], names[one["instrument_id"]]) for one in rows(store, tables.trades)]
    assert sorted(found) == [(number, f"S{number % symbols}_X") for number in range(1, count + 1)]
    assert rows(store, tables.refused) == []
    assert rows(store, tables.orphans) == []
    store.close()
    shutil.rmtree(folder)
