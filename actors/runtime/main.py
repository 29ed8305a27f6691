"""The first steps of an actor's process: what every `actors/<name>/__main__.py` calls.

They come before anything of ours is imported, which is the longest part of a start: our end with supervisord is settled, no
garbage is looked for, and who may wait lets the others start first.

Exit codes: 0 stopped as asked, 1 our bug, 69 cannot bind, 70 no guard, 75 the name is taken, 78 bad configuration.
"""

from __future__ import annotations

import ctypes
import gc
import os
import signal
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final, NoReturn

from actors.runtime.precedence import go_first, let_others_first

if TYPE_CHECKING:
    from actors.runtime.actor import Actor

EXIT_BUG: Final = 1
EXIT_CONFIG: Final = 78
EXIT_GUARD: Final = 70
_PR_SET_PDEATHSIG: Final = 1


def main(actor: type[Actor] | str, argv: Sequence[str] | None = None, *, may_wait: bool = False) -> NoReturn:
    """Start one actor and live as long as it does.

    Args:
        actor: Its type, or where that is: `actors.hub.actor:Hub`. Only named it is imported when its turn has come.
        argv: Instead of this process's arguments.
        may_wait: Ticks and candles can be read without it: where many start at once, the others are first.
    """
    os.umask(0o077)
    _die_with_parent()
    gc.disable()
    begun = let_others_first() if may_wait else go_first()
    from actors.runtime.living import live  # noqa: PLC0415 - see the module docstring

    live(actor, argv, begun)


def _die_with_parent() -> None:
    """Ask the kernel to kill us when the supervisor dies: no orphans, no second copies (Linux)."""
    if not sys.platform.startswith("linux"):
        return
    parent = os.getppid()
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent or _is_orphan():  # it died before we asked
        sys.exit(EXIT_BUG)


def _is_orphan() -> bool:
    """Whether supervisord started us and is gone: our parent is one that adopts, and not of our session.

    A child of supervisord gets a process group of its own, and stays in the session of supervisord.
    """
    try:
        return "SUPERVISOR_ENABLED" in os.environ and os.getsid(os.getppid()) != os.getsid(0)
    except OSError:
        return False
