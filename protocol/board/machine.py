"""Whether there can be a board on this machine."""

from __future__ import annotations

import os
import sys


def is_possible() -> bool:
    """Whether this machine keeps what a board rests on: Linux, 64 bits, and stores that are seen in their order."""
    return sys.platform == "linux" and os.uname().machine in ("x86_64", "amd64") and sys.maxsize > 1 << 32
