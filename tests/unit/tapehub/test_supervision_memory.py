"""Memory of several processes: shared pages once, and nothing of those that are gone."""

import os

from tapehub.supervision.memory import Memory, memory_of

ROLLUP = """\
55d0c0e00000-7ffd4a9f5000 ---p 00000000 00:00 0                          [rollup]
Rss:               28000 kB
Pss:               17000 kB
Pss_Dirty:         15000 kB
Private_Clean:       100 kB
"""


def test_the_sum_of_those_that_are_there(tmp_path):
    for pid, text in ((7, ROLLUP), (8, ROLLUP.replace("17000", "3000")), (9, "")):
        (tmp_path / str(pid)).mkdir()
        (tmp_path / str(pid) / "smaps_rollup").write_text(text)
    assert memory_of([7, 8, 9, 10], tmp_path) == Memory(
        processes=2, pss_bytes=20_000 * 1024, rss_bytes=56_000 * 1024
    )


def test_nothing_is_known_of_nobody(tmp_path):
    assert memory_of([], tmp_path) is None
    assert memory_of([1], tmp_path) is None


def test_this_process():
    found = memory_of([os.getpid()])
    assert found is None or 0 < found.pss_bytes <= found.rss_bytes
