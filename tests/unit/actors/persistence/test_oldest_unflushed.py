"""How long the oldest row that is not stored has waited, as persistence tells it."""

from __future__ import annotations

import collections
from types import SimpleNamespace
from typing import Any

from actors.persistence.failures import StoreError
from actors.persistence.keeper import Keeper


class Batch:
    """Counts what is put into it."""

    def __init__(self) -> None:
        self.row_count = self.frame_count = 0
        self.first = SimpleNamespace(second=0, venues=None)

    def __bool__(self) -> bool:
        return bool(self.row_count)

    def add(self, frame: Any) -> None:
        self.row_count += 1
        self.frame_count += 1

    def following(self) -> Batch:
        return Batch()


class Rig:
    """A keeper whose work is done when the test says so."""

    def __init__(self) -> None:
        self.ns = 1_000_000_000
        self.work: list[tuple[Any, Any]] = []
        intake = SimpleNamespace(
            is_live=True,
            is_paused=False,
            pause=int,
            resume=int,
            rewind=lambda *a, **k: None,
            ack=lambda *a: None,
        )
        actor: Any = SimpleNamespace(
            settings=SimpleNamespace(batch_rows=100, batch_s=1.0, max_waiting_rows=1000, retry_cap_s=5.0),
            clock=SimpleNamespace(mono_ns=lambda: self.ns),
            common=SimpleNamespace(actors={}),
            counters=collections.Counter(),
            consume=lambda *a, **k: intake,
            submit=lambda work, done: self.work.append((work, done)),
            drop=lambda *a: None,
        )
        target: Any = SimpleNamespace(name="db", open=dict, batch=Batch, durable=dict, save=None)
        self.keeper = Keeper(actor, target, [])
        self.finish({})

    def finish(self, result: Any) -> None:
        _, done = self.work.pop()
        done(result)

    def waited_s(self, passed_s: float) -> float:
        """Let time pass, have the keeper look, and ask it."""
        self.ns += round(passed_s * 1e9)
        self.keeper.tick()
        found: float = self.keeper.detail()["oldest_unflushed_s"]
        return found


SAVED = SimpleNamespace(rows=1, refused_doubles={})


def test_rows_wait_until_they_are_stored() -> None:
    rig = Rig()
    assert rig.waited_s(10.0) == 0.0, "nothing came"
    rig.keeper._take(None)
    assert rig.waited_s(0.5) == 0.5
    assert rig.waited_s(1.0) == 1.5, "it is being stored"
    rig.keeper._take(None)
    assert rig.waited_s(1.0) == 2.5, "what is being stored is older than what came since"
    rig.finish(SAVED)
    assert rig.waited_s(0.0) == 1.0
    rig.finish(SAVED)
    assert rig.waited_s(3.0) == 0.0


def test_what_could_not_be_stored_goes_on_waiting() -> None:
    rig = Rig()
    rig.keeper._take(None)
    rig.waited_s(1.0)
    rig.finish(StoreError("no room"))
    assert rig.waited_s(4.0) == 5.0, "it is tried again"
    rig.finish({})
    rig.keeper._take(None)
    assert rig.waited_s(2.0) == 7.0
    rig.finish(SAVED)
    assert rig.waited_s(1.0) == 0.0
