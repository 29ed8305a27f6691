import pytest

from tapehub.cli.progress import progress_line


@pytest.mark.parametrize(
    ("done", "total", "line"),
    [
        (0, 0, "1,234 frames  617/s  2.0s"),
        (50, 100, "[############------------]  50%  1,234 frames  617/s  eta 2.0s"),
        (100, 100, "[########################] 100%  1,234 frames  617/s"),
        (300, 100, "[########################] 100%  1,234 frames  617/s"),
        (0, 100, "[------------------------]   0%  1,234 frames  617/s"),
    ],
)
def test_a_bar_stands_only_where_the_end_is_known(done: int, total: int, line: str) -> None:
    assert progress_line("frames", 1234, done, total, 2.0) == line


def test_nothing_done_in_no_time_is_no_division() -> None:
    assert progress_line("frames", 0, 0, 0, 0.0).startswith("0 frames  0/s")
