"""Names are fenced, epochs always grow."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.runtime.identity import EXIT_NAME_TAKEN, EpochStore, NameLock
from protocol.errors import StartError

SECOND = 1_000_000_000


@given(st.lists(st.integers(0, 4_000_000_000), min_size=1, max_size=20))
def test_epochs_grow_whatever_the_clock_does(tmp_path_factory, clocks_s):
    folder = tmp_path_factory.mktemp("epochs")
    epochs = [EpochStore(folder, "a.1").begin(clock_s * SECOND) for clock_s in clocks_s]

    assert epochs == sorted(set(epochs))


def test_the_next_process_knows_how_the_last_one_ended(tmp_path):
    first = EpochStore(tmp_path, "a.1")
    epoch = first.begin(5 * SECOND)
    assert EpochStore(tmp_path, "a.1").prev_is_clean is False
    first.end(epoch, 77)

    after = EpochStore(tmp_path, "a.1")
    assert (after.prev_epoch, after.prev_last_seq, after.prev_is_clean) == (5, 77, True)


def test_a_broken_epoch_file_starts_from_the_clock(tmp_path):
    (tmp_path / "a.1.epoch").write_text("garbage")
    assert EpochStore(tmp_path, "a.1").begin(9 * SECOND) == 9


def test_a_name_is_held_once(tmp_path):
    lock = NameLock(tmp_path, "a.1")
    with pytest.raises(StartError, match=r"a\.1 is taken by process \d+") as caught:
        NameLock(tmp_path, "a.1")
    assert caught.value.exit_code == EXIT_NAME_TAKEN

    lock.release()
    NameLock(tmp_path, "a.1").release()
