"""The limit: what the kernel's loopback does in C, without any library. `loopback.c`, compiled with `cc` for the run."""

from __future__ import annotations

import contextlib
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from tests.bench.peers import binary, c_compiler
from tests.support.paths import short_folder

SOURCE: Final = Path(__file__).with_name("loopback.c")
DEADLINE_S: Final = 60.0


class Loopback:
    """The compiled program."""

    def __init__(self, program: Path) -> None:
        self._program = program

    def round_trip_us(self, family: str, size: int, times: int) -> float:
        """Median microseconds of a question and an answer of so many bytes over `unix` or `tcp`."""
        return self._run("echo", family, size, times)

    def per_s(self, family: str, size: int, count: int) -> float:
        """Messages of so many bytes a second one way, a write each."""
        return self._run("stream", family, size, count)

    def _run(self, mode: str, family: str, size: int, count: int) -> float:
        command = [str(self._program), mode, family, str(size), str(count)]
        done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=DEADLINE_S)
        return float(done.stdout)


@contextlib.contextmanager
def loopback() -> Iterator[Loopback | None]:
    """Compile it; None where there is no compiler."""
    if not c_compiler().is_here:
        yield None
        return
    with short_folder() as folder:
        program = folder / "loopback"
        subprocess.run([binary("cc"), "-O2", "-o", str(program), str(SOURCE)], check=True, timeout=DEADLINE_S)
        yield Loopback(program)
