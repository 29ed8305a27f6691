"""One application for all tests of this folder: each begins with an empty hub and an empty store."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.paths import short_folder
from tests.unit.actors.gateway.api.desk import Desk, desk_of
from tests.unit.actors.gateway.api.filling import fill


@pytest.fixture(scope="session")
def shared_desk() -> Iterator[Desk]:
    with short_folder() as folder, desk_of(Path(folder), bar_window=20, trade_window=20) as made:
        yield made


@pytest.fixture
def desk(shared_desk: Desk) -> Desk:
    shared_desk.begin()
    return shared_desk


@pytest.fixture
def full(desk: Desk) -> Desk:
    fill(desk)
    return desk
