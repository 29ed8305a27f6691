"""An outbox in a file, and the server."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from actors.notifier.outbox import Outbox
from actors.notifier.tables import parse_url
from tests.support.telegram_server import TelegramServer


@pytest.fixture
def outbox(tmp_path: Path) -> Iterator[Outbox]:
    found = Outbox(parse_url("", tmp_path), "normal")
    found.open()
    yield found
    found.close()


@pytest.fixture
def server() -> Iterator[TelegramServer]:
    with TelegramServer(slow_s=0.6) as found:
        yield found
