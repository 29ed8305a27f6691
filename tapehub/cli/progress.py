"""How far long work has come, on stderr: a bar where a person looks, a line every ten seconds elsewhere."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable
from typing import Final

from actors.runtime.clock import Clock
from tapehub.cli.output import note, seconds_text

_BAR_WIDTH: Final = 24
_REDRAW_S: Final = 0.2
_LINE_S: Final = 10.0


class Ticker:
    """One line that says how far it is, drawn at most as often as an eye can follow."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._is_terminal = sys.stderr.isatty()
        self._started_ns = clock.mono_ns()
        self._due_ns = self._started_ns if self._is_terminal else self._started_ns + round(_LINE_S * 1e9)

    def draw(self, text: Callable[[int], str]) -> None:
        """Show what `text` makes of the time (monotonic, ns), if it is due."""
        now_ns = self._clock.mono_ns()
        if now_ns < self._due_ns:
            return
        self._due_ns = now_ns + round((_REDRAW_S if self._is_terminal else _LINE_S) * 1e9)
        line = text(now_ns)
        if self._is_terminal:
            width = shutil.get_terminal_size().columns - 1
            sys.stderr.write(f"\r{line[:width]}\x1b[K")
            sys.stderr.flush()
        else:
            note(f"% {line}")

    def close(self) -> None:
        """Wipe the bar; what it came to is for the caller to say."""
        if self._is_terminal:
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()


class Progress(Ticker):
    """Counts, so it may be told of every frame.

    Args:
        what: What is counted, plural: `frames`.
        total: Full size in the unit of `done`; 0 where nobody knows.
    """

    def __init__(self, clock: Clock, what: str, total: int = 0) -> None:
        super().__init__(clock)
        self._what = what
        self._total = total

    def show(self, count: int, done: int = 0) -> None:
        """Say that `count` items are done, which is `done` of `total`."""
        self.draw(
            lambda now_ns: progress_line(
                self._what, count, done, self._total, (now_ns - self._started_ns) / 1e9
            )
        )


def progress_line(what: str, count: int, done: int, total: int, elapsed_s: float) -> str:
    """`[######------] 50%  1,234 frames  617/s  eta 2.0s`; bar and eta only where the total is known."""
    text = f"{count:,} {what}  {count / elapsed_s if elapsed_s > 0 else 0:,.0f}/s"
    if total <= 0:
        return f"{text}  {seconds_text(elapsed_s)}"
    share = min(1.0, done / total)
    filled = round(share * _BAR_WIDTH)
    bar = "#" * filled + "-" * (_BAR_WIDTH - filled)
    eta = f"  eta {seconds_text(elapsed_s / share - elapsed_s)}" if 0 < share < 1 else ""
    return f"[{bar}] {share:4.0%}  {text}{eta}"
