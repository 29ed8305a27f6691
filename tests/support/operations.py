"""Which operations the hub has, without starting one."""

from __future__ import annotations

from collections import Counter
from unittest.mock import MagicMock

from actors.hub.answers import Answers


def hub_operations() -> set[str]:
    """Names of all operations of a hub's `query` socket."""
    mock = MagicMock
    return set(Answers(mock(), mock(), mock(), mock(), Counter(), 65_536).operations)
