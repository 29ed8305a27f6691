"""A hub behind `multiprocessing.managers`, as somebody would write it instead: objects in a server process, asked through a proxy."""

from __future__ import annotations

import contextlib
import multiprocessing
from collections.abc import Iterator
from multiprocessing.managers import BaseManager
from typing import Any

from protocol.windows import BAR_COLUMNS


class Candle:
    """A candle as an object, with the columns that ours has."""

    def __init__(self, number: int) -> None:
        self.__dict__.update({name: float(number) for name, _ in BAR_COLUMNS})


class ObjectHub:
    """What is asked.

    Args:
        count: Candles.
    """

    def __init__(self, count: int) -> None:
        self._candles = [Candle(number) for number in range(count)]
        self._tick = {
            "symbol": "BTC_USDT",
            "bid": 61_659.7,
            "ask": 61_659.8,
            "bid_size": 1.5,
            "ask_size": 0.98,
        }

    def candles(self) -> list[Candle]:
        """All of them."""
        return self._candles

    def tick(self) -> dict[str, Any]:
        """The newest quote."""
        return self._tick


class Manager(BaseManager):
    """Serves an `ObjectHub`."""


Manager.register("ObjectHub", ObjectHub)


@contextlib.contextmanager
def manager_server(candles: int) -> Iterator[Any]:
    """Start one; gives its proxy."""
    with Manager(ctx=multiprocessing.get_context("spawn")) as manager:
        yield manager.ObjectHub(candles)  # type: ignore[attr-defined]  # registered by name
