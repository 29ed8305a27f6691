"""Fixtures of the Parquet tests."""

import pytest

from tests.unit.actors.persistence.parquet_rig import Hands, Lives


@pytest.fixture
def hands():
    return Hands()


@pytest.fixture
def lives(tmp_path, hands):
    found = Lives(tmp_path, hands)
    yield found
    found.kill()
