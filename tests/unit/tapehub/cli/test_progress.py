import io

import pytest

from tapehub.cli.progress import Ticker, progress_line


class Hand:
    """A clock that moves when told."""

    def __init__(self) -> None:
        self.s = 0.0

    def mono_ns(self) -> int:
        return round(self.s * 1e9)

    def now_ns(self) -> int:
        return self.mono_ns()


class Terminal(io.StringIO):
    """Somebody looks at it."""

    def isatty(self) -> bool:
        return True


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


def test_a_line_every_ten_seconds_where_nobody_looks(capsys: pytest.CaptureFixture[str]) -> None:
    clock = Hand()
    ticker = Ticker(clock)
    for clock.s in (0.0, 5.0, 10.0, 10.1, 19.9, 20.0):
        ticker.draw(lambda now_ns: f"at {now_ns / 1e9:.0f}")
    ticker.close()
    assert capsys.readouterr().err == "% at 10\n% at 20\n"


def test_a_terminal_has_one_line_that_fits_and_is_wiped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stderr", terminal := Terminal())
    monkeypatch.setenv("COLUMNS", "11")
    clock = Hand()
    ticker = Ticker(clock)
    for clock.s in (0.0, 0.1, 0.2):
        ticker.draw(lambda now_ns: f"{now_ns / 1e9:.1f} is a long line")
    ticker.close()
    assert terminal.getvalue() == "\r0.0 is a l\x1b[K\r0.2 is a l\x1b[K\r\x1b[K"
